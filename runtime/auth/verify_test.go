package auth

import (
	"crypto/ecdsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"strings"
	"testing"
	"time"
)

const (
	hs256Header = `{"alg":"HS256","typ":"JWT"}`
	defaultKID  = "b81269f1-21d8-4f2e-b719-c2240a840d90"
	defaultAnon = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJpc3MiOiJzdXBhYmFzZS1kZW1vIiwicm9sZSI6ImFub24iLCJleHAiOjE5ODM4MTI5OTZ9.CRXP1A7WOeoJeXxjNni43kdQwgnWNReilDMblYTn_I0"
	defaultRole = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJpc3MiOiJzdXBhYmFzZS1kZW1vIiwicm9sZSI6InNlcnZpY2Vfcm9sZSIsImV4cCI6MTk4MzgxMjk5Nn0.EGIM96RAZx35lJzdJsyH-qQwv8Hdp7fsn3W0YpN81IU"
)

func defaultPrivate(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	return defaultSigningKey().private.(*ecdsa.PrivateKey)
}

func TestRequestsAreRefusedAsByTheLocalStack(t *testing.T) {
	k := newKeys(t, Options{})
	hs := func(payload string) string { return signHMAC(hs256Header, payload, DefaultJWTSecret) }
	es := func(kid, payload string) string {
		return signKey(t, fmt.Sprintf(`{"alg":"ES256","kid":%q}`, kid), payload, defaultPrivate(t))
	}
	valid := hs(userClaims(""))
	expired := fmt.Sprintf(`{"exp":%d}`, in(-4*time.Minute))
	future := fmt.Sprintf(`{"nbf":%d}`, in(2*time.Hour))

	const (
		format  = `{"code":"UNAUTHORIZED_INVALID_JWT_FORMAT","message":"Invalid JWT format","msg":"Invalid JWT format"}`
		invalid = `{"code":"UNAUTHORIZED_JWT","message":"Invalid JWT","msg":"Invalid JWT"}`
		asym    = `{"code":"UNAUTHORIZED_ASYMMETRIC_JWT","message":"Invalid JWT","msg":"Invalid JWT"}`
	)
	unsupported := func(alg string) string {
		return `{"code":"UNAUTHORIZED_UNSUPPORTED_TOKEN_ALGORITHM","message":"Unsupported JWT algorithm ` + alg + `","msg":"Unsupported JWT algorithm ` + alg + `"}`
	}
	tests := []struct {
		name, authorization, apikey string
		body, reason                string
	}{
		{"no header", "", "", `{"code":"UNAUTHORIZED_NO_AUTH_HEADER","message":"Missing authorization header","msg":"Missing authorization header"}`,
			"no Authorization or apikey header"},
		{"basic", "Basic abc", "", format, "Authorization header is not 'Bearer <token>'"},
		{"lower case", "bearer " + valid, "", format, "capital B"},
		{"scheme alone", "Bearer", "", format, "the token is missing"},
		{"scheme and a space", "Bearer ", "", format, "the token is missing"},
		{"two spaces", "Bearer  " + valid, "", format, "one space"},
		{"three words", "Bearer " + valid + " x", "", format, "one space"},
		{"naked token", valid, "", format, "not 'Bearer <token>'"},
		{"naked API key", DefaultSecretKey, "", format, "send it in the apikey header"},
		{"not a JWT", "Bearer garbage", "", format, "it has 1 part"},
		{"two parts", "Bearer " + strings.Join(strings.Split(valid, ".")[:2], "."), "", format, "it has 2 parts"},
		{"no header in it", "Bearer a.b.c", "", format, "header is not base64url"},
		{"header not JSON", "Bearer " + b64([]byte("hello")) + ".b.c", "", format, "not a JSON object"},
		{"header null", "Bearer " + b64([]byte("null")) + ".b.c", "", format, "not a JSON object"},
		{"header array", "Bearer " + b64([]byte("[]")) + ".b.c", "", format, "not a JSON object"},
		{"no alg", "Bearer " + signHMAC(`{"typ":"JWT"}`, userClaims(""), DefaultJWTSecret), "", format, `"alg"`},
		{"ALG for alg", "Bearer " + signHMAC(`{"ALG":"HS256"}`, userClaims(""), DefaultJWTSecret), "", format, `"alg"`},
		{"alg not text", "Bearer " + signHMAC(`{"alg":256}`, userClaims(""), DefaultJWTSecret), "", format, `"alg"`},
		{"API key as Bearer", "Bearer " + DefaultPublishableKey, "", format, "API key sent as Bearer token: send it in the apikey header"},
		{"API key of another project", "", "sb_secret_other", format, "another project"},
		{"empty apikey value", "", "Bearer ", format, "holds no key"},
		{"expired", "Bearer " + hs(expired), "", invalid, "expired 4 minutes ago (exp 2026-11-22T11:56:00Z)"},
		{"expires now", "Bearer " + hs(fmt.Sprintf(`{"exp":%d}`, in(0))), "", invalid, "expired less than a second ago"},
		{"not yet valid", "Bearer " + hs(future), "", invalid, "not valid before 2026-11-22T14:00:00Z, in 2 hours"},
		{"bad signature", "Bearer " + signHMAC(hs256Header, userClaims(""), "another-secret-of-32-characters-!"), "", invalid,
			"signature does not match auth.jwt_secret: was it minted for another project?"},
		{"hosted key", "Bearer " + signHMAC(hs256Header, `{"iss":"supabase","ref":"abcdefghijklmnopqrst","role":"anon"}`, "hosted"), "", invalid,
			`the hosted project "abcdefghijklmnopqrst"`},
		{"exp not a number", "Bearer " + hs(`{"exp":"2030"}`), "", invalid, `"exp" is not a number`},
		{"nbf null", "Bearer " + hs(`{"nbf":null}`), "", invalid, `"nbf" is not a number`},
		{"iat text", "Bearer " + hs(`{"iat":"now"}`), "", invalid, `"iat" is not a number`},
		{"payload array", "Bearer " + hs(`[]`), "", invalid, "not a JSON object"},
		{"payload null", "Bearer " + hs(`null`), "", invalid, "not a JSON object"},
		{"crit", "Bearer " + signHMAC(`{"alg":"HS256","crit":["x"],"x":1}`, userClaims(""), DefaultJWTSecret), "", invalid, "extensions"},
		{"b64 false", "Bearer " + signHMAC(`{"alg":"HS256","b64":false}`, userClaims(""), DefaultJWTSecret), "", invalid, "extensions"},
		{"encrypted", "Bearer " + b64([]byte(`{"alg":"HS256"}`)) + ".a.b.c.d", "", invalid, "encrypted"},
		{"unknown key id", "Bearer " + es("abc", userClaims("")), "", asym, `signed with ES256 by unknown key id "abc" (known: "` + defaultKID + `")`},
		{"asymmetric bad signature", "Bearer " + signKey(t, `{"alg":"ES256","kid":"`+defaultKID+`"}`, userClaims(""), newECKey(t)), "", asym,
			"signature does not match the ES256 key"},
		{"asymmetric expired", "Bearer " + es(defaultKID, expired), "", asym, "expired 4 minutes ago"},
		{"RS256 with no RSA key", "Bearer " + signKey(t, `{"alg":"RS256"}`, userClaims(""), rsaKey()), "", asym, "signed with RS256 by a key without an id"},
		{"none", "Bearer " + b64([]byte(`{"alg":"none"}`)) + "." + b64([]byte(userClaims(""))) + ".", "", unsupported("none"), "unsupported algorithm none"},
		{"HS512", "Bearer " + signHMAC(`{"alg":"HS512"}`, userClaims(""), DefaultJWTSecret), "", unsupported("HS512"), "unsupported algorithm HS512"},
		{"hs256 in small", "Bearer " + signHMAC(`{"alg":"hs256"}`, userClaims(""), DefaultJWTSecret), "", unsupported("hs256"), "hs256"},
		{"odd alg", "Bearer " + signHMAC(`{"alg":"<\u001b[31m>"}`, userClaims(""), DefaultJWTSecret), "", unsupported(`<\u001b[31m>`), `"<\x1b[31m>"`},
		{"bad JWT beside a good API key", "Bearer " + hs(expired), DefaultSecretKey, invalid, "expired"},
		{"bad scheme beside a good API key", "Basic abc", DefaultSecretKey, format, "not 'Bearer <token>'"},
		{"bad JWT in apikey", "", hs(expired), invalid, "token in the apikey header: expired"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			token, refusal := k.Verify(t.Context(), test.authorization, test.apikey)
			if refusal == nil {
				t.Fatalf("passed: %+v", token)
			}
			if token != nil {
				t.Error("a refusal came with a token")
			}
			if got := string(refusal.Body()); refusal.Status != 401 || got != test.body {
				t.Errorf("%d %s\nwant 401 %s", refusal.Status, got, test.body)
			}
			if !strings.Contains(refusal.Reason, test.reason) {
				t.Errorf("reason %q, want %q in it", refusal.Reason, test.reason)
			}
			checkNothingLeaks(t, refusal.Reason, test.authorization, test.apikey)
		})
	}
}

func checkNothingLeaks(t *testing.T, reason string, secrets ...string) {
	t.Helper()
	for _, secret := range append(secrets, DefaultJWTSecret, DefaultSecretKey) {
		for _, word := range strings.FieldsFunc(secret, func(r rune) bool { return r == ' ' || r == '.' }) {
			if len(word) > 12 && strings.Contains(reason, word) {
				t.Errorf("reason %q holds %q", reason, word)
			}
		}
	}
}

func TestRequestsPassAsByTheLocalStack(t *testing.T) {
	k := newKeys(t, Options{})
	valid := signHMAC(hs256Header, userClaims(""), DefaultJWTSecret)
	tests := []struct{ name, authorization, apikey, role string }{
		{"HS256", "Bearer " + valid, "", "authenticated"},
		{"HS256 with a key id", "Bearer " + signHMAC(`{"alg":"HS256","kid":"x"}`, userClaims(""), DefaultJWTSecret), "", "authenticated"},
		{"no exp", "Bearer " + signHMAC(hs256Header, `{"role":"x"}`, DefaultJWTSecret), "", "x"},
		{"other issuer, audience and role", "Bearer " + signHMAC(hs256Header, `{"iss":"a","aud":["b"],"role":"c"}`, DefaultJWTSecret), "", "c"},
		{"valid from now", "Bearer " + signHMAC(hs256Header, fmt.Sprintf(`{"role":"x","nbf":%d}`, in(0)), DefaultJWTSecret), "", "x"},
		{"fraction of a second left", "Bearer " + signHMAC(hs256Header, fmt.Sprintf(`{"role":"x","exp":%d.5}`, in(0)), DefaultJWTSecret), "", "x"},
		{"expires in a very long time", "Bearer " + signHMAC(hs256Header, `{"role":"x","exp":1e300}`, DefaultJWTSecret), "", "x"},
		{"ES256", "Bearer " + signKey(t, `{"alg":"ES256","kid":"`+defaultKID+`"}`, userClaims(""), defaultPrivate(t)), "", "authenticated"},
		{"ES256 without key id", "Bearer " + signKey(t, `{"alg":"ES256"}`, userClaims(""), defaultPrivate(t)), "", "authenticated"},
		{"anon JWT", "Bearer " + defaultAnon, "", "anon"},
		{"publishable key", "", DefaultPublishableKey, "anon"},
		{"secret key", "", DefaultSecretKey, "service_role"},
		{"both, as supabase-js sends them", "Bearer " + DefaultPublishableKey, DefaultPublishableKey, "anon"},
		{"API key as Bearer beside another", "Bearer sb_publishable_x", DefaultSecretKey, "service_role"},
		{"JWT beside an unknown API key", "Bearer " + valid, "sb_publishable_x", "authenticated"},
		{"JWT in apikey", "", valid, "authenticated"},
		{"Bearer JWT in apikey", "", "Bearer " + valid + " ", "authenticated"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			token, refusal := k.Verify(t.Context(), test.authorization, test.apikey)
			if refusal != nil {
				t.Fatalf("refused: %+v", refusal)
			}
			if token.Role != test.role {
				t.Errorf("role %q, want %q", token.Role, test.role)
			}
		})
	}
}

func TestTokenTellsWhatItClaims(t *testing.T) {
	k := newKeys(t, Options{})
	compact := signKey(t, `{"alg":"ES256","kid":"`+defaultKID+`"}`, userClaims(`,"email":"a@b.c","iss":"me","app_metadata":{"n":12345678901234567890}`), defaultPrivate(t))
	token, refusal := k.Verify(t.Context(), "Bearer "+compact, "")
	if refusal != nil {
		t.Fatalf("refused: %+v", refusal)
	}
	if token.Algorithm != ES256 || token.KeyID != defaultKID || token.Subject != "u1" || token.Email != "a@b.c" || token.Issuer != "me" {
		t.Errorf("token %+v", token)
	}
	if !token.ExpiresAt.Equal(start.Add(time.Hour)) {
		t.Errorf("expires %v", token.ExpiresAt)
	}
	if got := string(token.Claims["app_metadata"]); got != `{"n":12345678901234567890}` {
		t.Errorf("app_metadata %s", got)
	}
}

func TestPublicKeyIsNoHMACSecret(t *testing.T) {
	k := newKeys(t, Options{})
	der, err := x509.MarshalPKIXPublicKey(defaultPrivate(t).Public())
	if err != nil {
		t.Fatal(err)
	}
	public, err := json.Marshal(defaultSigningKey().public)
	if err != nil {
		t.Fatal(err)
	}
	point, err := defaultPrivate(t).PublicKey.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	secrets := map[string]string{
		"DER": string(der), "PEM": string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})),
		"JWK": string(public), "point": string(point),
		"base64 of the secret": base64.RawURLEncoding.EncodeToString([]byte(DefaultJWTSecret)), "empty": "",
	}
	for name, secret := range secrets {
		header := `{"alg":"HS256","kid":"` + defaultKID + `"}`
		if _, refusal := k.Verify(t.Context(), "Bearer "+signHMAC(header, userClaims(""), secret), ""); refusal == nil || refusal.Code != CodeInvalidJWT {
			t.Errorf("%s as HMAC secret: %+v", name, refusal)
		}
	}
	forged := signHMAC(`{"alg":"ES256","kid":"`+defaultKID+`"}`, userClaims(""), DefaultJWTSecret)
	if _, refusal := k.Verify(t.Context(), "Bearer "+forged, ""); refusal == nil || refusal.Code != CodeInvalidAsymmetricJWT {
		t.Errorf("HMAC under an ES256 header: %+v", refusal)
	}
}

func TestChangedTokenIsRefused(t *testing.T) {
	k := newKeys(t, Options{})
	parts := strings.Split(mint(t, k, MintOptions{Algorithm: HS256}), ".")
	if _, refusal := k.Verify(t.Context(), "Bearer "+strings.Join(parts, "."), ""); refusal != nil {
		t.Fatalf("refused: %+v", refusal)
	}
	parts[1] = b64([]byte(`{"role":"service_role"}`))
	if _, refusal := k.Verify(t.Context(), "Bearer "+strings.Join(parts, "."), ""); refusal == nil {
		t.Error("a changed payload passed")
	}
}

func TestCachedTokenStillExpires(t *testing.T) {
	now := newClock()
	k := newKeys(t, Options{Now: now.Now})
	authorization := "Bearer " + mint(t, k, MintOptions{Expiry: time.Minute})
	first, refusal := k.Verify(t.Context(), authorization, "")
	if refusal != nil {
		t.Fatalf("refused: %+v", refusal)
	}
	if again, _ := k.Verify(t.Context(), authorization, ""); again != first {
		t.Error("the second use verified the signature again")
	}
	now.Add(59 * time.Second)
	if _, refusal := k.Verify(t.Context(), authorization, ""); refusal != nil {
		t.Errorf("refused a second early: %+v", refusal)
	}
	now.Add(time.Second)
	if _, refusal := k.Verify(t.Context(), authorization, ""); refusal == nil || !strings.Contains(refusal.Reason, "expired") {
		t.Errorf("at exp: %+v", refusal)
	}
}

func TestCachedTokenIsNotValidEarlier(t *testing.T) {
	now := newClock()
	k := newKeys(t, Options{Now: now.Now})
	authorization := "Bearer " + signHMAC(hs256Header, fmt.Sprintf(`{"nbf":%d}`, in(time.Minute)), DefaultJWTSecret)
	for range 2 {
		if _, refusal := k.Verify(t.Context(), authorization, ""); refusal == nil {
			t.Fatal("passed before nbf")
		}
	}
	now.Add(time.Minute)
	if _, refusal := k.Verify(t.Context(), authorization, ""); refusal != nil {
		t.Errorf("refused at nbf: %+v", refusal)
	}
}

func TestSecretOfOnesOwn(t *testing.T) {
	k := newKeys(t, Options{JWTSecret: "sixteen-letters!"})
	if _, refusal := k.Verify(t.Context(), "Bearer "+k.AnonKey(), ""); refusal != nil {
		t.Errorf("its own anon key: %+v", refusal)
	}
	_, refusal := k.Verify(t.Context(), "Bearer "+defaultAnon, "")
	if refusal == nil || !strings.Contains(refusal.Reason, "default JWT secret") {
		t.Errorf("the default anon key: %+v", refusal)
	}
}

func TestConfiguredKeysStandForAPIKeys(t *testing.T) {
	k := newKeys(t, Options{AnonKey: signHMAC(hs256Header, `{"role":"guest"}`, DefaultJWTSecret), ServiceRoleKey: "broken", PublishableKey: "sb_publishable_mine", SecretKey: "mine"})
	if token, refusal := k.Verify(t.Context(), "", "sb_publishable_mine"); refusal != nil || token.Role != "guest" {
		t.Errorf("publishable: %+v %+v", token, refusal)
	}
	_, refusal := k.Verify(t.Context(), "", "mine")
	if refusal == nil || !strings.HasPrefix(refusal.Reason, "auth.service_role_key, which stands for the API key sent: the token is not a JWT") {
		t.Errorf("secret: %+v", refusal)
	}
	if _, refusal := k.Verify(t.Context(), "", DefaultSecretKey); refusal == nil {
		t.Error("the default secret key passed")
	}
}

func BenchmarkVerifyCached(b *testing.B) {
	k := newKeys(b, Options{})
	authorization := "Bearer " + mint(b, k, MintOptions{})
	for b.Loop() {
		if _, refusal := k.Verify(b.Context(), authorization, ""); refusal != nil {
			b.Fatal(refusal.Reason)
		}
	}
}
