package auth

import (
	"encoding/json"
	"testing"
)

func FuzzVerifyAnswersAnything(f *testing.F) {
	k := newKeys(f, Options{})
	valid := mint(f, k, MintOptions{})
	for _, seed := range []string{
		"", " ", ".", "..", "....", "Bearer", "Bearer ", "Bearer .", "Bearer ..", "Bearer a.b.c", "Bearer sb_", "sb_secret_x",
		"Bearer " + valid, "Bearer " + valid[:len(valid)-1], "Bearer " + valid + ".", "Bearer " + defaultAnon, "Bearer \xff.\x00.\n",
		"Bearer " + signHMAC(hs256Header, `{"exp":-1e308}`, DefaultJWTSecret),
		"Bearer " + signHMAC(hs256Header, `{"exp":1e308,"nbf":1e308}`, DefaultJWTSecret),
		"Bearer " + signHMAC(hs256Header, `{"aud":{},"sub":1,"exp":{}}`, DefaultJWTSecret),
		"Bearer " + signHMAC(`{"alg":"ES256","kid":"\u0000"}`, `[`, DefaultJWTSecret),
		"Bearer " + signHMAC(`{"alg":"RS256","kid":{}}`, `[`, DefaultJWTSecret),
		"Bearer " + signHMAC(`{"alg":"none"}`, `{}`, ""),
	} {
		f.Add(seed, "")
		f.Add("", seed)
		f.Add("Bearer sb_x", seed)
	}
	f.Fuzz(func(t *testing.T, authorization, apikey string) {
		token, refusal := k.Verify(t.Context(), authorization, apikey)
		if (token == nil) == (refusal == nil) {
			t.Fatalf("token %v and refusal %v", token, refusal)
		}
		if refusal != nil && (refusal.Reason == "" || !json.Valid(refusal.Body())) {
			t.Errorf("refusal %+v", refusal)
		}
		if status, body, _ := k.User(t.Context(), authorization, apikey); !json.Valid(body) {
			t.Errorf("user: %d %q", status, body)
		}
	})
}

func FuzzPayloadsAreReadOrRefused(f *testing.F) {
	k := newKeys(f, Options{})
	for _, seed := range []string{"", "null", "{}", "[]", `{"exp":-1e308}`, `{"exp":1e308}`, `{"nbf":0.5,"iat":1e99}`,
		`{"sub":"u","iat":-1e300}`, `{"sub":"u","aud":[],"is_anonymous":"x","app_metadata":null}`, "{\"sub\":\"\xff\"}"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, payload string) {
		authorization := "Bearer " + signHMAC(hs256Header, payload, DefaultJWTSecret)
		if token, refusal := k.Verify(t.Context(), authorization, ""); (token == nil) == (refusal == nil) {
			t.Fatalf("token %v and refusal %v", token, refusal)
		}
		if status, body, _ := k.User(t.Context(), authorization, ""); !json.Valid(body) {
			t.Errorf("user: %d %q", status, body)
		}
	})
}
