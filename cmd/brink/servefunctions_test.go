package main

import (
	"testing"

	"brink/runtime/config"
)

func TestSettingsThatWorkersDoNotSeeRestartNothing(t *testing.T) {
	f := config.Function{Name: "hello", Entrypoint: "/p/hello/index.ts", VerifyJWT: true}
	env := map[string]string{"A": "1", "B": "2"}
	before := fingerprint(f, env, "/p")
	other := f
	other.VerifyJWT, other.Reload, other.Watch = false, f.Reload+1, []string{"/p/.env"}
	if got := fingerprint(other, env, "/p"); got != before {
		t.Errorf("got %q, want %q", got, before)
	}
	other = f
	other.ImportMap = "/p/import_map.json"
	if fingerprint(other, env, "/p") == before {
		t.Error("another import map makes no difference")
	}
	if fingerprint(f, map[string]string{"A": "1", "B": "3"}, "/p") == before {
		t.Error("another environment makes no difference")
	}
}
