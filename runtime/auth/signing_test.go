package auth

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestSigningKeysSignAPIKeysAndSessions(t *testing.T) {
	ec, rs := newECKey(t), rsaKey()
	tests := map[string]struct {
		file      string
		algorithm string
		kid       string
	}{
		"ES256":            {signingKeysFile(t, jwkOf(t, ec, false, map[string]any{"kid": "k1"})), ES256, "k1"},
		"RS256":            {signingKeysFile(t, jwkOf(t, rs, false, map[string]any{"kid": "k2"})), RS256, "k2"},
		"no kid":           {signingKeysFile(t, jwkOf(t, ec, false, nil)), ES256, ""},
		"RS256 then ES256": {signingKeysFile(t, jwkOf(t, rs, false, map[string]any{"kid": "a"}), jwkOf(t, ec, false, map[string]any{"kid": "b"})), RS256, "a"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			k := newKeys(t, Options{SigningKeysPath: test.file})
			for role, compact := range map[string]string{
				"anon": k.AnonKey(), "service_role": k.ServiceRoleKey(), "authenticated": mint(t, k, MintOptions{}),
			} {
				token, refusal := k.Verify(t.Context(), "Bearer "+compact, "")
				if refusal != nil {
					t.Fatalf("%s: %+v", role, refusal)
				}
				if token.Role != role || token.Algorithm != test.algorithm || token.KeyID != test.kid {
					t.Errorf("%s: %+v", role, token)
				}
			}
			token, refusal := k.Verify(t.Context(), "", DefaultPublishableKey)
			if refusal != nil {
				t.Fatalf("publishable key: %+v", refusal)
			}
			if want := start.Add(315360000 * time.Second); !token.ExpiresAt.Equal(want) || token.Issuer != "supabase-demo" {
				t.Errorf("anon key of %s, expires %v, want %v", token.Issuer, token.ExpiresAt, want)
			}
			if strings.Contains(k.JWKS(), "oct") || strings.Contains(k.JWKS(), defaultKID) {
				t.Errorf("the default keys stay in the key set: %s", k.JWKS())
			}
			if _, refusal := k.Verify(t.Context(), "Bearer "+mint(t, k, MintOptions{Algorithm: HS256}), ""); refusal != nil {
				t.Errorf("HS256 beside signing keys: %+v", refusal)
			}
		})
	}
}

func TestTokensOfARotatedKeyPassWhileItIsListed(t *testing.T) {
	former := jwkOf(t, newECKey(t), false, map[string]any{"kid": "former"})
	current := jwkOf(t, newECKey(t), false, map[string]any{"kid": "current"})
	before := newKeys(t, Options{SigningKeysPath: signingKeysFile(t, former)})
	authorization := "Bearer " + mint(t, before, MintOptions{})

	rotated := newKeys(t, Options{SigningKeysPath: signingKeysFile(t, current, former)})
	if _, refusal := rotated.Verify(t.Context(), authorization, ""); refusal != nil {
		t.Errorf("while listed: %+v", refusal)
	}
	if token, refusal := rotated.Verify(t.Context(), "Bearer "+mint(t, rotated, MintOptions{}), ""); refusal != nil || token.KeyID != "current" {
		t.Errorf("new tokens: %+v %+v", token, refusal)
	}
	removed := newKeys(t, Options{SigningKeysPath: signingKeysFile(t, current)})
	_, refusal := removed.Verify(t.Context(), authorization, "")
	if refusal == nil || !strings.Contains(refusal.Reason, `unknown key id "former" (known: "current")`) {
		t.Errorf("once removed: %+v", refusal)
	}
	_, refusal = rotated.Verify(t.Context(), "Bearer "+signKey(t, `{"alg":"ES256"}`, `{}`, newECKey(t)), "")
	if refusal == nil || !strings.Contains(refusal.Reason, `names no key id, and several keys fit: "current", "former"`) {
		t.Errorf("without key id: %+v", refusal)
	}
}

func TestUnusableSigningKeysAreReported(t *testing.T) {
	ec := newECKey(t)
	file := func(content string) string {
		path := filepath.Join(t.TempDir(), "keys.json")
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	missing := filepath.Join(t.TempDir(), "nope.json")
	tests := map[string]struct{ path, want string }{
		"missing":       {missing, "failed to read signing keys: open " + missing},
		"object":        {file(jwkOf(t, ec, false, nil)), "failed to decode signing keys: Expected array"},
		"empty file":    {file(""), "failed to decode signing keys: Expected array"},
		"broken":        {file(`[{"kty":`), "failed to decode signing keys: "},
		"no object":     {file(`["x"]`), "expected a JWK"},
		"HS256":         {file(`[{"kty":"oct","alg":"HS256","k":"c2VjcmV0"}]`), "unsupported algorithm: HS256 (alg must be ES256 or RS256)"},
		"second EdDSA":  {signingKeysFile(t, jwkOf(t, ec, false, nil), `{"kty":"OKP","crv":"Ed25519","alg":"EdDSA"}`), "key 2"},
		"no alg":        {file("[" + jwkOf(t, ec, false, map[string]any{"alg": nil}) + "]"), "alg is missing"},
		"public":        {file("[" + jwkOf(t, ec, true, nil) + "]"), "not a private key"},
		"no x":          {file("[" + jwkOf(t, ec, false, map[string]any{"x": nil}) + "]"), "a member is missing"},
		"wrong alg":     {file("[" + jwkOf(t, ec, false, map[string]any{"alg": "RS256"}) + "]"), `alg RS256 does not fit a "EC" key`},
		"null in array": {file("[null]"), "alg is missing"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := New(t.Context(), Options{SigningKeysPath: test.path})
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want %q in it", err, test.want)
			}
		})
	}
}

func TestEmptySigningKeysFileMeansTheDefaultKey(t *testing.T) {
	log := new(record)
	k := newKeys(t, Options{SigningKeysPath: signingKeysFile(t), Logger: log.logger()})
	if k.AnonKey() != defaultAnon {
		t.Errorf("anon key %s", k.AnonKey())
	}
	if got := log.all(); len(got) != 1 || !strings.Contains(got[0], "warning") || !strings.Contains(got[0], "holds no keys") {
		t.Errorf("log %q", got)
	}
}
