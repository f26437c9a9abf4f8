package auth

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/rsa"
	"encoding/json"
	"fmt"
	"os"

	"github.com/lestrrat-go/jwx/v3/jwa"
	"github.com/lestrrat-go/jwx/v3/jwk"
	"github.com/lestrrat-go/jwx/v3/jws"
)

// The three algorithms that a Supabase project signs with.
const (
	HS256 = "HS256"
	ES256 = "ES256"
	RS256 = "RS256"
)

// defaultSigningJWK is the key a local stack signs user sessions with when no
// signing keys are configured. It is the same in every project, hence public.
const defaultSigningJWK = `{"kty":"EC","kid":"b81269f1-21d8-4f2e-b719-c2240a840d90","use":"sig",` +
	`"key_ops":["sign","verify"],"alg":"ES256","ext":true,"crv":"P-256",` +
	`"x":"M5Sjqn5zwC9Kl1zVfUUGvv9boQjCGd45G8sdopBExB4","y":"P6IXMvA2WYXSHSOMTBH2jsw_9rrzGy89FjPf6oOsIxQ",` +
	`"d":"dIhR8wywJlqlua4y_yMq2SLhlFXDZJBCvFrY1DCHyVU"}`

// publicJWK is the published form of a signing key. Its fields stand in the
// order that the Supabase CLI writes them in.
type publicJWK struct {
	Type      string   `json:"kty"`
	ID        *string  `json:"kid,omitempty"`
	Use       string   `json:"use,omitempty"`
	Ops       []string `json:"key_ops,omitempty"`
	Algorithm string   `json:"alg,omitempty"`
	Ext       *bool    `json:"ext,omitempty"`
	Modulus   string   `json:"n,omitempty"`
	Exponent  string   `json:"e,omitempty"`
	Curve     string   `json:"crv,omitempty"`
	X         string   `json:"x,omitempty"`
	Y         string   `json:"y,omitempty"`
}

// signingKey is one private key of the project.
type signingKey struct {
	id        string
	algorithm string
	private   crypto.Signer
	public    publicJWK
}

func (s signingKey) verifyKey() verifyKey {
	return verifyKey{id: s.public.ID, algorithm: s.algorithm, public: s.private.Public()}
}

func (s signingKey) sign(payload []byte) (string, error) {
	return sign(payload, s.algorithm, s.id, s.private)
}

// readSigningKeys reads the array of JWKs at path; no path, or an empty array
// as it is written before the first key is generated, gives no keys.
func readSigningKeys(path string) ([]signingKey, error) {
	if path == "" {
		return nil, nil
	}
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("failed to read signing keys: %w", err)
	}
	content = bytes.TrimSpace(content)
	if !bytes.HasPrefix(content, []byte("[")) {
		return nil, fmt.Errorf("failed to decode signing keys: Expected array of JWKs in %q: put the key in [ ]", path)
	}
	var entries []json.RawMessage
	if err := json.Unmarshal(content, &entries); err != nil {
		return nil, fmt.Errorf("failed to decode signing keys: %q: %w", path, err)
	}
	var keys []signingKey
	for i, entry := range entries {
		key, err := parseSigningKey(entry)
		if err != nil {
			return nil, fmt.Errorf("failed to decode signing keys: key %d of %q: %w", i+1, path, err)
		}
		keys = append(keys, key)
	}
	return keys, nil
}

// parseSigningKey reads one private JWK. The errors of the JWK library stay
// out of its own: they could quote key material.
func parseSigningKey(entry []byte) (signingKey, error) {
	var public publicJWK
	if err := json.Unmarshal(entry, &public); err != nil {
		return signingKey{}, fmt.Errorf("expected a JWK, an object with kty, alg and d")
	}
	switch public.Algorithm {
	case ES256, RS256:
	case "":
		return signingKey{}, fmt.Errorf("the member alg is missing: it must be ES256 or RS256")
	default:
		return signingKey{}, fmt.Errorf("unsupported algorithm: %s (alg must be ES256 or RS256)", plain(public.Algorithm))
	}
	private, err := parsePrivate(entry)
	if err != nil {
		return signingKey{}, err
	}
	if got := algorithmOf(private.Public()); got != public.Algorithm {
		return signingKey{}, fmt.Errorf("alg %s does not fit a %s key (ES256 takes EC P-256; RS256 takes RSA of 2048 bits or more)", public.Algorithm, shorten(public.Type))
	}
	if len(public.Ops) > 0 {
		public.Ops = []string{"verify"}
	}
	key := signingKey{algorithm: public.Algorithm, private: private, public: public}
	if public.ID != nil {
		key.id = *public.ID
	}
	return key, nil
}

func parsePrivate(entry []byte) (crypto.Signer, error) {
	key, err := jwk.ParseKey(entry)
	if err != nil {
		return nil, fmt.Errorf("not a valid EC or RSA key: a member is missing or not base64url")
	}
	var raw any
	if err := jwk.Export(key, &raw); err != nil {
		return nil, fmt.Errorf("not a valid EC or RSA key: its numbers do not belong together")
	}
	switch private := raw.(type) {
	case *ecdsa.PrivateKey:
		return private, nil
	case *rsa.PrivateKey:
		return private, nil
	default:
		return nil, fmt.Errorf("not a private key: the member d is missing")
	}
}

func defaultSigningKey() signingKey {
	key, err := parseSigningKey([]byte(defaultSigningJWK))
	if err != nil {
		panic(fmt.Sprintf("auth: default signing key: %v", err))
	}
	return key
}

// sign makes a compact JWS with the header {alg, kid (when there is one), typ}.
func sign(payload []byte, algorithm, keyID string, key any) (string, error) {
	alg, ok := jwa.LookupSignatureAlgorithm(algorithm)
	if !ok {
		return "", fmt.Errorf("unsupported algorithm: %s", shorten(algorithm))
	}
	header := jws.NewHeaders()
	if err := header.Set(jws.TypeKey, "JWT"); err != nil {
		return "", fmt.Errorf("cannot sign a token: %w", err)
	}
	if keyID != "" {
		if err := header.Set(jws.KeyIDKey, keyID); err != nil {
			return "", fmt.Errorf("cannot sign a token: %w", err)
		}
	}
	signed, err := jws.Sign(payload, jws.WithKey(alg, key, jws.WithProtectedHeaders(header)))
	if err != nil {
		return "", fmt.Errorf("cannot sign a token with %s: %w", algorithm, err)
	}
	return string(signed), nil
}
