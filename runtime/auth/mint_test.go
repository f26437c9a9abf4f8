package auth

import (
	"strings"
	"testing"
	"time"
)

func TestMintedTokensVerify(t *testing.T) {
	k := newKeys(t, Options{Issuer: "http://127.0.0.1:1/auth/v1", Expiry: 2 * time.Hour})
	for _, algorithm := range []string{"", ES256, HS256} {
		compact := mint(t, k, MintOptions{Subject: "u", Email: "a@b.c", Algorithm: algorithm, Extra: map[string]any{"plan": "x", "aal": nil}})
		token, refusal := k.Verify(t.Context(), "Bearer "+compact, "")
		if refusal != nil {
			t.Fatalf("%q: %+v", algorithm, refusal)
		}
		if token.Subject != "u" || token.Email != "a@b.c" || token.Role != "authenticated" || token.Issuer != "http://127.0.0.1:1/auth/v1" {
			t.Errorf("%q: %+v", algorithm, token)
		}
		if !token.ExpiresAt.Equal(start.Add(2 * time.Hour)) {
			t.Errorf("expires %v", token.ExpiresAt)
		}
		if string(token.Claims["plan"]) != `"x"` || token.Claims["aal"] != nil || string(token.Claims["aud"]) != `"authenticated"` {
			t.Errorf("claims %s", token.Claims)
		}
		if algorithm != HS256 && (token.Algorithm != ES256 || token.KeyID != defaultKID) {
			t.Errorf("%q signed with %s %s", algorithm, token.Algorithm, token.KeyID)
		}
	}
}

func TestMintedExpiredTokenIsExpired(t *testing.T) {
	k := newKeys(t, Options{})
	_, refusal := k.Verify(t.Context(), "Bearer "+mint(t, k, MintOptions{Expiry: -time.Minute}), "")
	if refusal == nil || !strings.Contains(refusal.Reason, "expired 1 minute ago") {
		t.Errorf("%+v", refusal)
	}
}

func TestMintedUsersDiffer(t *testing.T) {
	k := newKeys(t, Options{})
	first, _ := k.Verify(t.Context(), "Bearer "+mint(t, k, MintOptions{}), "")
	second, _ := k.Verify(t.Context(), "Bearer "+mint(t, k, MintOptions{}), "")
	if first.Subject == "" || first.Subject == second.Subject || len(first.Subject) != 36 || first.Subject[14] != '4' {
		t.Errorf("subjects %q and %q", first.Subject, second.Subject)
	}
	service, _ := k.Verify(t.Context(), "Bearer "+mint(t, k, MintOptions{Role: "service_role"}), "")
	if service.Subject != "" {
		t.Errorf("service_role is %q", service.Subject)
	}
}

func TestMintSaysWhatItCannotDo(t *testing.T) {
	k := newKeys(t, Options{})
	if _, err := k.Mint(MintOptions{Algorithm: RS256}); err == nil || !strings.Contains(err.Error(), "HS256 and ES256 can be used") {
		t.Errorf("RS256: %v", err)
	}
	if _, err := k.Mint(MintOptions{Algorithm: "none"}); err == nil {
		t.Error("none was minted")
	}
	if _, err := k.Mint(MintOptions{Extra: map[string]any{"f": func() {}}}); err == nil || !strings.Contains(err.Error(), "extra claim") {
		t.Errorf("a func as claim: %v", err)
	}
}
