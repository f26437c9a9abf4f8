package config

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// auth decodes [auth]: keys, and who else may sign tokens.
func (l *loader) auth(a *Auth) {
	l.authText(authSecret("publishable_key"), &a.PublishableKey)
	l.authText(authSecret("secret_key"), &a.SecretKey)
	l.authText(authSecret("anon_key"), &a.AnonKey)
	l.authText(authSecret("service_role_key"), &a.ServiceRoleKey)
	if s, set := l.authText(authSecret("jwt_secret"), &a.JWTSecret); set && len(a.JWTSecret) < 16 {
		l.fault(s.at, "Invalid config for auth.jwt_secret. Must be at least 16 characters")
	}
	l.issuer(a)
	seconds := int(a.JWTExpiry / time.Second)
	read(l, supabaseKey("auth", "jwt_expiry"), &seconds, asInt("a number of seconds", 1, math.MaxInt32))
	a.JWTExpiry = time.Duration(seconds) * time.Second
	l.signingKeys(a)
	l.thirdParty(a)
}

func authSecret(name string) key {
	k := supabaseKey("auth", name)
	k.secret = true
	return k
}

// authText decodes a text whose absence is no fault: an env(X) that is not set
// and an empty text leave the default.
func (l *loader) authText(k key, dst *string) (setting, bool) {
	s, ok := l.find(k)
	if ok && s.unset != "" {
		l.warn(s.at, "environment variable is unset: "+s.unset+"; the default is used")
		return s, false
	}
	text := ""
	s, ok = read(l, k, &text, asString)
	if !ok || text == "" {
		return s, false
	}
	if k.secret && strings.HasPrefix(text, "encrypted:") {
		l.fault(s.at, "encrypted values cannot be read; allowed is the text itself or env(NAME)")
		return s, false
	}
	*dst = text
	return s, true
}

// issuer decodes who signs: jwt_issuer, which is auth's external_url, which
// lies under the API's.
func (l *loader) issuer(a *Auth) {
	api := ""
	if _, set := l.authText(supabaseKey("api", "external_url"), &api); set {
		a.JWTIssuer = strings.TrimRight(api, "/") + "/auth/v1"
	}
	l.authText(supabaseKey("auth", "external_url"), &a.JWTIssuer)
	l.authText(supabaseKey("auth", "jwt_issuer"), &a.JWTIssuer)
}

// signingKeys decodes signing_keys_path and sees that a list of keys is there.
func (l *loader) signingKeys(a *Auth) {
	name := ""
	s, set := l.authText(supabaseKey("auth", "signing_keys_path"), &name)
	if !set {
		return
	}
	path := s.path(name)
	l.source(path)
	text, err := os.ReadFile(path)
	shown := filepath.ToSlash(relative(l.root, path))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		l.fault(s.at, fmt.Sprintf("failed to read signing keys: open %s: no such file or directory", shown))
		return
	case err != nil:
		l.fault(s.at, fmt.Sprintf("failed to read signing keys: open %s: %s", shown, bare(err)))
		return
	}
	var keys []json.RawMessage
	if json.Unmarshal(text, &keys) != nil {
		l.fault(s.at, "failed to decode signing keys: Expected array; allowed is a JSON array of private keys (JWK)")
		return
	}
	a.SigningKeysPath = path
}

// provider is one kind of third-party issuer: the keys it needs, those it may
// have, and how its issuer is made of them.
type provider struct {
	name     string
	needs    []string
	optional []string
	issuer   func(values map[string]string) string
}

// Issuers as the Supabase CLI makes them (its pkg/config).
var providers = []provider{
	{name: "firebase", needs: []string{"project_id"}, issuer: func(v map[string]string) string {
		return "https://securetoken.google.com/" + v["project_id"]
	}},
	{name: "auth0", needs: []string{"tenant"}, optional: []string{"tenant_region"}, issuer: func(v map[string]string) string {
		if region := v["tenant_region"]; region != "" {
			return "https://" + v["tenant"] + "." + region + ".auth0.com"
		}
		return "https://" + v["tenant"] + ".auth0.com"
	}},
	{name: "aws_cognito", needs: []string{"user_pool_id", "user_pool_region"}, issuer: func(v map[string]string) string {
		return "https://cognito-idp." + v["user_pool_region"] + ".amazonaws.com/" + v["user_pool_id"]
	}},
	{name: "clerk", needs: []string{"domain"}, issuer: func(v map[string]string) string {
		return "https://" + v["domain"]
	}},
	{name: "workos", needs: []string{"issuer_url"}, issuer: func(v map[string]string) string {
		return v["issuer_url"]
	}},
}

// thirdParty decodes [auth.third_party]. An enabled provider whose variable is
// not set is left out with a word, so that a checkout without secrets serves.
func (l *loader) thirdParty(a *Auth) {
	var enabled []setting
	for _, p := range providers {
		on := false
		s, set := read(l, supabaseKey("auth", "third_party", p.name, "enabled"), &on, asBool)
		if !set || !on {
			continue
		}
		enabled = append(enabled, s)
		if values, ok := l.providerValues(p, s); ok {
			a.ThirdParty = append(a.ThirdParty, ThirdParty{Provider: p.name, Issuer: p.issuer(values)})
		}
	}
	if len(enabled) > 1 {
		l.fault(enabled[1].at, "Invalid config: Only one third_party provider allowed to be enabled at a time.")
	}
}

func (l *loader) providerValues(p provider, at setting) (map[string]string, bool) {
	values, complete := map[string]string{}, true
	for _, name := range append(p.needs[:len(p.needs):len(p.needs)], p.optional...) {
		k := supabaseKey("auth", "third_party", p.name, name)
		if s, ok := l.find(k); ok && s.unset != "" {
			l.warn(s.at, "environment variable is unset: "+s.unset+"; tokens of "+p.name+" are refused")
			complete = false
			continue
		}
		text := ""
		read(l, k, &text, asString)
		values[name] = text
	}
	for _, name := range p.needs {
		if text, known := values[name]; known && text == "" {
			l.fault(at.at, fmt.Sprintf("Invalid config: auth.third_party.%s is enabled but without a %s.", p.name, name))
			complete = false
		}
	}
	return values, complete
}
