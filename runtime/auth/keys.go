package auth

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"
)

// What a local stack uses when the project sets nothing; every project made by
// the Supabase CLI has these, so they are no secrets.
const (
	DefaultJWTSecret      = "super-secret-jwt-token-with-at-least-32-characters-long"
	DefaultPublishableKey = "sb_publishable_ACJWlzQHlZjBrEguHvfOxg_3BJgxAaH"
	DefaultSecretKey      = "sb_secret_N7UND0UgjKTVK-Uodkm0Hg_xSvEMPvz"
	DefaultIssuer         = "http://127.0.0.1:54321/auth/v1"
	DefaultExpiry         = time.Hour
)

// Options say which keys a project has. The zero value is a project that sets
// nothing: the same keys and tokens as a fresh local stack.
type Options struct {
	// JWTSecret is auth.jwt_secret, used as its UTF-8 bytes.
	JWTSecret string
	// AnonKey and ServiceRoleKey are JWTs; when empty they are derived.
	AnonKey, ServiceRoleKey string
	// PublishableKey and SecretKey are the sb_publishable_… and sb_secret_… keys.
	PublishableKey, SecretKey string
	// SigningKeysPath is a file with a JSON array of private JWKs, or "".
	SigningKeysPath string
	// Issuer and Expiry are what minted tokens get.
	Issuer string
	Expiry time.Duration
	// ThirdPartyIssuer is the URL of an OpenID Connect issuer whose tokens are
	// accepted too; its keys are found by discovery.
	ThirdPartyIssuer string
	// JWKSURL is a key set to accept too, fetched without discovery: that of an
	// upstream Supabase, https://…/auth/v1/.well-known/jwks.json.
	JWKSURL string
	// HTTP fetches third-party keys; nil means a client of auth's own.
	HTTP *http.Client
	// Now is the clock; nil means time.Now.
	Now func() time.Time
	// Logger gets a "warning" when third-party keys cannot be fetched and a
	// "progress" when they can again; nil means nobody is told.
	Logger *slog.Logger
}

func (o Options) withDefaults() Options {
	fill := func(field *string, value string) {
		if *field == "" {
			*field = value
		}
	}
	fill(&o.JWTSecret, DefaultJWTSecret)
	fill(&o.PublishableKey, DefaultPublishableKey)
	fill(&o.SecretKey, DefaultSecretKey)
	fill(&o.Issuer, DefaultIssuer)
	if o.Expiry == 0 {
		o.Expiry = DefaultExpiry
	}
	if o.HTTP == nil {
		o.HTTP = &http.Client{}
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return o
}

// Keys are one project's keys. All methods may be called from many goroutines
// at once. A changed configuration makes new Keys; nothing needs closing.
type Keys struct {
	options Options
	secret  []byte
	signing []signingKey // at least one
	// symmetric is set while the JWT secret is part of the project's key set,
	// that is, unless signing keys are configured.
	symmetric bool
	local     []verifyKey // the public side of signing
	remotes   []*remote
	anon      string
	service   string
	publicSum [sha256.Size]byte // of the publishable key
	secretSum [sha256.Size]byte // of the secret key
	verified  *cache
}

// New reads the signing keys, derives the API keys that are not set, and
// fetches third-party keys. That last step takes at most 10 seconds; failing
// at it is a warning, and it is tried again when a token needs it.
//
// Errors: the signing keys cannot be read or used, or ctx ended.
func New(ctx context.Context, options Options) (*Keys, error) {
	o := options.withDefaults()
	k := &Keys{
		options:   o,
		secret:    []byte(o.JWTSecret),
		publicSum: sha256.Sum256([]byte(o.PublishableKey)),
		secretSum: sha256.Sum256([]byte(o.SecretKey)),
		verified:  newCache(),
	}
	if err := k.loadSigningKeys(); err != nil {
		return nil, err
	}
	if err := k.deriveAPIKeys(); err != nil {
		return nil, err
	}
	k.connectRemotes(ctx)
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("cannot fetch the third-party keys: %w", err)
	}
	return k, nil
}

func (k *Keys) loadSigningKeys() error {
	signing, err := readSigningKeys(k.options.SigningKeysPath)
	if err != nil {
		return err
	}
	if len(signing) == 0 {
		if path := k.options.SigningKeysPath; path != "" {
			warn(k.options.Logger, fmt.Sprintf("%s holds no keys: the default signing key is used", path))
		}
		k.symmetric = true
		signing = []signingKey{defaultSigningKey()}
	}
	k.signing = signing
	for _, key := range signing {
		k.local = append(k.local, key.verifyKey())
	}
	return nil
}

func (k *Keys) connectRemotes(ctx context.Context) {
	if issuer := k.options.ThirdPartyIssuer; issuer != "" {
		k.remotes = append(k.remotes, newRemote(k.options, strings.TrimRight(issuer, "/"), true))
	}
	if url := k.options.JWKSURL; url != "" {
		k.remotes = append(k.remotes, newRemote(k.options, url, false))
	}
	var fetches sync.WaitGroup
	for _, r := range k.remotes {
		fetches.Go(func() { r.refresh(ctx, false) })
	}
	fetches.Wait()
}

// AnonKey is the JWT that a publishable key stands for: SUPABASE_ANON_KEY.
func (k *Keys) AnonKey() string { return k.anon }

// ServiceRoleKey is the JWT that a secret key stands for:
// SUPABASE_SERVICE_ROLE_KEY.
func (k *Keys) ServiceRoleKey() string { return k.service }

// PublishableKey is the project's sb_publishable_… key.
func (k *Keys) PublishableKey() string { return k.options.PublishableKey }

// SecretKey is the project's sb_secret_… key.
func (k *Keys) SecretKey() string { return k.options.SecretKey }

// PublishableKeysJSON is SUPABASE_PUBLISHABLE_KEYS: {"default":"…"}.
func (k *Keys) PublishableKeysJSON() string { return namedKeys(k.options.PublishableKey) }

// SecretKeysJSON is SUPABASE_SECRET_KEYS: {"default":"…"}.
func (k *Keys) SecretKeysJSON() string { return namedKeys(k.options.SecretKey) }

func namedKeys(key string) string {
	return string(marshal(struct {
		Default string `json:"default"`
	}{key}))
}

// JWKS is SUPABASE_JWKS, the key set that a function verifies tokens with:
// third-party keys, the public signing keys and, unless signing keys are
// configured, the JWT secret as an "oct" key. It holds a secret: it is for
// functions, not for the network. Third-party keys are those known now.
func (k *Keys) JWKS() string {
	var keys []any
	for _, r := range k.remotes {
		for _, raw := range r.published() {
			keys = append(keys, raw)
		}
	}
	for _, key := range k.signing {
		keys = append(keys, key.public)
	}
	if k.symmetric {
		keys = append(keys, struct {
			Type string `json:"kty"`
			Key  string `json:"k"`
		}{"oct", base64.RawURLEncoding.EncodeToString(k.secret)})
	}
	return keySetJSON(keys)
}

// PublicJWKS is what /auth/v1/.well-known/jwks.json answers: the public
// signing keys, and never the secret.
func (k *Keys) PublicJWKS() string {
	keys := make([]any, 0, len(k.signing))
	for _, key := range k.signing {
		keys = append(keys, key.public)
	}
	return keySetJSON(keys)
}

func keySetJSON(keys []any) string {
	return string(marshal(struct {
		Keys []any `json:"keys"`
	}{keys}))
}

// Env holds the variables about keys that every function gets.
func (k *Keys) Env() map[string]string {
	return map[string]string{
		"SUPABASE_ANON_KEY":         k.AnonKey(),
		"SUPABASE_SERVICE_ROLE_KEY": k.ServiceRoleKey(),
		"SUPABASE_PUBLISHABLE_KEYS": k.PublishableKeysJSON(),
		"SUPABASE_SECRET_KEYS":      k.SecretKeysJSON(),
		"SUPABASE_JWKS":             k.JWKS(),
	}
}

func (k *Keys) isPublishableKey(value string) bool { return sameSum(k.publicSum, value) }
func (k *Keys) isSecretKey(value string) bool      { return sameSum(k.secretSum, value) }

// sameSum compares digests, so that neither the content nor the length of a
// key shows in the time it takes.
func sameSum(want [sha256.Size]byte, value string) bool {
	got := sha256.Sum256([]byte(value))
	return subtle.ConstantTimeCompare(want[:], got[:]) == 1
}

// marshal encodes as JavaScript's JSON.stringify does: < > & stay as they are.
func marshal(value any) []byte {
	var out strings.Builder
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		panic(fmt.Sprintf("auth: a value of auth's own does not encode: %v", err))
	}
	return []byte(strings.TrimSuffix(out.String(), "\n"))
}

func warn(logger *slog.Logger, text string) {
	logger.Warn("warning", slog.String("message", text))
}
