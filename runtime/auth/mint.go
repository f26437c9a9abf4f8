package auth

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"time"
)

const (
	demoIssuer = "supabase-demo"
	// demoExpiry is when the derived HS256 keys of every local stack expire.
	demoExpiry = 1983812996
	// signedExpiry is how long keys derived with a signing key last: 10 years.
	signedExpiry = 315360000 * time.Second
)

// MintOptions say what a minted token claims.
type MintOptions struct {
	Role    string // "" means authenticated
	Subject string // "" means a new random user, for the role authenticated
	Email   string
	// Expiry from now; 0 means Options.Expiry. A negative one makes a token
	// that is expired already.
	Expiry time.Duration
	// Algorithm is "" (the project's first signing key, as local Auth signs),
	// ES256 or RS256 (its first of that kind), or HS256 (the JWT secret).
	Algorithm string
	// Extra claims are added last and win; a nil value removes the claim.
	Extra map[string]any
}

// Mint makes a token that Verify accepts, with the claims that local Auth
// gives a session.
func (k *Keys) Mint(options MintOptions) (string, error) {
	if options.Role == "" {
		options.Role = "authenticated"
	}
	if options.Expiry == 0 {
		options.Expiry = k.options.Expiry
	}
	if options.Subject == "" && options.Role == "authenticated" {
		options.Subject = newUUID()
	}
	now := k.options.Now()
	claims := map[string]any{
		"iss":  k.options.Issuer,
		"role": options.Role,
		"iat":  now.Unix(),
		"exp":  now.Add(options.Expiry).Unix(),
	}
	if options.Subject != "" {
		addSession(claims, options, now)
	}
	for name, value := range options.Extra {
		if value == nil {
			delete(claims, name)
			continue
		}
		claims[name] = value
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		return "", fmt.Errorf("cannot mint a token: an extra claim is not JSON: %w", err)
	}
	return k.signWith(options.Algorithm, payload)
}

// addSession adds what the access token of a signed-in user holds.
func addSession(claims map[string]any, options MintOptions, now time.Time) {
	claims["sub"] = options.Subject
	claims["aud"] = "authenticated"
	claims["email"] = options.Email
	claims["phone"] = ""
	claims["app_metadata"] = map[string]any{"provider": "email", "providers": []string{"email"}}
	claims["user_metadata"] = map[string]any{}
	claims["aal"] = "aal1"
	claims["amr"] = []map[string]any{{"method": "password", "timestamp": now.Unix()}}
	claims["session_id"] = newUUID()
	claims["is_anonymous"] = false
}

func (k *Keys) signWith(algorithm string, payload []byte) (string, error) {
	switch algorithm {
	case "":
		return k.signing[0].sign(payload)
	case HS256:
		return sign(payload, HS256, "", k.secret)
	}
	for _, key := range k.signing {
		if key.algorithm == algorithm {
			return key.sign(payload)
		}
	}
	return "", fmt.Errorf("cannot mint a token with %s: the project has no such signing key (HS256 and %s can be used)", shorten(algorithm), k.signing[0].algorithm)
}

// deriveAPIKeys makes the anon and service_role JWTs that are not configured.
func (k *Keys) deriveAPIKeys() error {
	derive := func(configured, role string) (string, error) {
		if configured != "" {
			return configured, nil
		}
		key, err := k.apiKey(role)
		if err != nil {
			return "", fmt.Errorf("cannot derive the %s key: %w", role, err)
		}
		return key, nil
	}
	var err error
	if k.anon, err = derive(k.options.AnonKey, "anon"); err != nil {
		return err
	}
	k.service, err = derive(k.options.ServiceRoleKey, "service_role")
	return err
}

// apiKey writes the claims in the CLI's order, so that with the default secret
// the keys are, byte for byte, those in everybody's .env files.
func (k *Keys) apiKey(role string) (string, error) {
	claims := struct {
		Issuer  string `json:"iss"`
		Role    string `json:"role"`
		Expires int64  `json:"exp"`
	}{demoIssuer, role, demoExpiry}
	if k.symmetric {
		return sign(marshal(claims), HS256, "", k.secret)
	}
	claims.Expires = k.options.Now().Add(signedExpiry).Unix()
	return k.signing[0].sign(marshal(claims))
}

// newUUID makes a random UUID (RFC 9562, version 4).
func newUUID() string {
	var b [16]byte
	rand.Read(b[:]) // never fails, see crypto/rand
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
