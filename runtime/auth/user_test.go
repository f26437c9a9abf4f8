package auth

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestUserIsReadFromTheToken(t *testing.T) {
	k := newKeys(t, Options{})
	iat := fmt.Sprintf(`,"iat":%d`, in(-time.Hour))
	tests := map[string]struct{ claims, want string }{
		"full": {userClaims(iat + `,"aud":"authenticated","email":"a@b.c","phone":"","app_metadata":{"provider":"email"},"user_metadata":{"name":"<A>"}`),
			`{"id":"u1","aud":"authenticated","role":"authenticated","email":"a@b.c","email_confirmed_at":"2026-11-22T11:00:00Z","phone":"",` +
				`"confirmed_at":"2026-11-22T11:00:00Z","last_sign_in_at":"2026-11-22T11:00:00Z","app_metadata":{"provider":"email"},"user_metadata":{"name":"<A>"},` +
				`"identities":[],"created_at":"2026-11-22T11:00:00Z","updated_at":"2026-11-22T11:00:00Z","is_anonymous":false}`},
		"bare": {`{"sub":"u2","aud":["x","y"],"is_anonymous":true,"app_metadata":7}`,
			`{"id":"u2","aud":"x","role":"authenticated","email":"","phone":"","last_sign_in_at":"2026-11-22T12:00:00Z","app_metadata":{},"user_metadata":{},` +
				`"identities":[],"created_at":"2026-11-22T12:00:00Z","updated_at":"2026-11-22T12:00:00Z","is_anonymous":true}`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			for _, scheme := range []string{"Bearer ", "bearer "} {
				status, body, reason := k.User(t.Context(), scheme+signHMAC(hs256Header, test.claims, DefaultJWTSecret), DefaultPublishableKey)
				if status != 200 || string(body) != test.want || reason != "" {
					t.Errorf("%d %s %q\nwant 200 %s", status, body, reason, test.want)
				}
			}
		})
	}
}

func TestUserIsRefusedAsByAuth(t *testing.T) {
	k := newKeys(t, Options{})
	const (
		noBearer = `{"code":401,"error_code":"no_authorization","msg":"This endpoint requires a valid Bearer token"}`
		noSub    = `{"code":403,"error_code":"bad_jwt","msg":"invalid claim: missing sub claim"}`
	)
	bad := func(text string) string {
		return `{"code":403,"error_code":"bad_jwt","msg":"invalid JWT: unable to parse or verify signature, ` + text + `"}`
	}
	expired := signHMAC(hs256Header, fmt.Sprintf(`{"sub":"u","exp":%d}`, in(-time.Minute)), DefaultJWTSecret)
	tests := []struct {
		name, authorization, apikey string
		status                      int
		body, reason                string
	}{
		{"no header", "", "", 401, noBearer, "no Authorization or apikey header"},
		{"basic", "Basic x", "", 401, noBearer, "not 'Bearer <token>'"},
		{"JWT in apikey", "", defaultAnon, 401, noBearer, "apikey header"},
		{"anon key", "Bearer " + defaultAnon, "", 403, noSub, `it is the "anon" key`},
		{"publishable key", "", DefaultPublishableKey, 403, noSub, `it is the "anon" key`},
		{"empty sub", "Bearer " + signHMAC(hs256Header, `{"sub":""}`, DefaultJWTSecret), "", 403, noSub, "nobody"},
		{"expired", "Bearer " + expired, "", 403, bad("token has invalid claims: token is expired"), "expired 1 minute ago"},
		{"signature", "Bearer " + signHMAC(hs256Header, `{"sub":"u"}`, "other"), "", 403, bad("token signature is invalid: signature is invalid"), "auth.jwt_secret"},
		{"garbage", "Bearer x", "", 403, bad("token is malformed"), "not a JWT"},
		{"unknown key", "Bearer " + signKey(t, `{"alg":"ES256","kid":"abc"}`, `{"sub":"u"}`, newECKey(t)), "", 403,
			bad("token is unverifiable: error while executing keyfunc: unrecognized JWT kid abc for algorithm ES256"), `"abc"`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			status, body, reason := k.User(t.Context(), test.authorization, test.apikey)
			if status != test.status || string(body) != test.body {
				t.Errorf("%d %s\nwant %d %s", status, body, test.status, test.body)
			}
			if !strings.Contains(reason, test.reason) {
				t.Errorf("reason %q, want %q in it", reason, test.reason)
			}
			checkNothingLeaks(t, reason, test.authorization, test.apikey)
		})
	}
}

func TestMintedUserIsFound(t *testing.T) {
	k := newKeys(t, Options{})
	status, body, reason := k.User(t.Context(), "Bearer "+mint(t, k, MintOptions{Subject: "me", Email: "me@x.y"}), "")
	if status != 200 || !strings.Contains(string(body), `"id":"me"`) || !strings.Contains(string(body), `"providers":["email"]`) {
		t.Errorf("%d %s %q", status, body, reason)
	}
}
