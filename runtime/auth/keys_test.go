package auth

import (
	"strings"
	"testing"
)

const defaultPublicJWK = `{"kty":"EC","kid":"b81269f1-21d8-4f2e-b719-c2240a840d90","use":"sig","key_ops":["verify"],"alg":"ES256","ext":true,"crv":"P-256","x":"M5Sjqn5zwC9Kl1zVfUUGvv9boQjCGd45G8sdopBExB4","y":"P6IXMvA2WYXSHSOMTBH2jsw_9rrzGy89FjPf6oOsIxQ"}`

func TestDefaultKeysAreThoseOfEveryLocalStack(t *testing.T) {
	k := newKeys(t, Options{})
	env := k.Env()
	for name, want := range map[string]string{
		"SUPABASE_ANON_KEY":         defaultAnon,
		"SUPABASE_SERVICE_ROLE_KEY": defaultRole,
		"SUPABASE_PUBLISHABLE_KEYS": `{"default":"sb_publishable_ACJWlzQHlZjBrEguHvfOxg_3BJgxAaH"}`,
		"SUPABASE_SECRET_KEYS":      `{"default":"sb_secret_N7UND0UgjKTVK-Uodkm0Hg_xSvEMPvz"}`,
		"SUPABASE_JWKS": `{"keys":[` + defaultPublicJWK +
			`,{"kty":"oct","k":"c3VwZXItc2VjcmV0LWp3dC10b2tlbi13aXRoLWF0LWxlYXN0LTMyLWNoYXJhY3RlcnMtbG9uZw"}]}`,
	} {
		if env[name] != want {
			t.Errorf("%s=%s\nwant %s", name, env[name], want)
		}
	}
	if len(env) != 5 {
		t.Errorf("env %v", env)
	}
	if got, want := k.PublicJWKS(), `{"keys":[`+defaultPublicJWK+`]}`; got != want {
		t.Errorf("public %s\nwant %s", got, want)
	}
	if k.PublishableKey() != DefaultPublishableKey || k.SecretKey() != DefaultSecretKey {
		t.Error("the API keys are not the default ones")
	}
}

func TestConfiguredAPIKeysAreHandedOn(t *testing.T) {
	k := newKeys(t, Options{PublishableKey: `a<"b`, SecretKey: "s", AnonKey: "x", ServiceRoleKey: "y"})
	if got := k.PublishableKeysJSON(); got != `{"default":"a<\"b"}` {
		t.Errorf("publishable %s", got)
	}
	if k.SecretKeysJSON() != `{"default":"s"}` || k.AnonKey() != "x" || k.ServiceRoleKey() != "y" {
		t.Errorf("env %v", k.Env())
	}
}

func TestPublicKeySetHoldsNoSecret(t *testing.T) {
	file := signingKeysFile(t, jwkOf(t, newECKey(t), false, nil), jwkOf(t, rsaKey(), false, nil))
	for name, k := range map[string]*Keys{"default": newKeys(t, Options{}), "signing keys": newKeys(t, Options{SigningKeysPath: file})} {
		for _, member := range []string{`"d"`, `"p"`, `"q"`, `"dp"`, `"qi"`, `"k"`, `"oct"`, "sign\""} {
			if strings.Contains(k.PublicJWKS(), member) {
				t.Errorf("%s: %s in %s", name, member, k.PublicJWKS())
			}
		}
	}
}
