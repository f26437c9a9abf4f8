package config

import (
	"time"

	"brink/policy"
)

// The local stack's well-known secret and keys. They are public: every
// Supabase CLI ships them (its pkg/config/apikeys.go), and clients, tests and
// seeds have them written down.
const (
	DefaultJWTSecret      = "super-secret-jwt-token-with-at-least-32-characters-long"
	DefaultPublishableKey = "sb_publishable_ACJWlzQHlZjBrEguHvfOxg_3BJgxAaH"
	DefaultSecretKey      = "sb_secret_N7UND0UgjKTVK-Uodkm0Hg_xSvEMPvz"
)

// Default returns what brink runs with when nothing is configured: the
// Supabase CLI's ports and keys, and the policy of the hosted platform's docs.
// It names no project and no functions; Load fills those in.
//
// The drain timeout is edge-runtime's --graceful-exit-timeout as the Supabase
// CLI leaves it.
func Default() Config {
	return Config{
		Host:          "127.0.0.1",
		Port:          54321,
		DBPort:        54322,
		Policy:        policy.PerRequest,
		InspectorPort: 8083,
		DenoVersion:   2,
		Reload:        ReloadManual,
		Plan:          policy.PlanPro,
		Parity:        policy.ParityRelaxed,
		TimeScale:     1,
		Spare:         1,
		DrainTimeout:  15 * time.Second,
		Auth: Auth{
			JWTSecret:      DefaultJWTSecret,
			PublishableKey: DefaultPublishableKey,
			SecretKey:      DefaultSecretKey,
			JWTExpiry:      time.Hour,
		},
	}
}
