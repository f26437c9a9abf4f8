package main

import (
	"strings"
	"testing"
	"time"
)

func TestTokensAreMintedWithTheProjectsKeys(t *testing.T) {
	for _, algorithm := range []string{"", "HS256", "ES256"} {
		p, o, out := projectFolder(t)
		err := token(t.Context(), TokenOptions{Project: p, Role: "authenticated", Email: "a@b.c", Expires: time.Hour, Algorithm: algorithm}, o)
		if err != nil {
			t.Fatal(err)
		}
		if jwt := strings.TrimSpace(out.String()); strings.Count(jwt, ".") != 2 || strings.ContainsAny(jwt, " \n") {
			t.Errorf("%q: got %q", algorithm, jwt)
		}
	}
	p, o, _ := projectFolder(t)
	if err := token(t.Context(), TokenOptions{Project: p, Algorithm: "RS256", Expires: time.Hour}, o); err == nil {
		t.Error("a key that the project does not have signed a token")
	}
}
