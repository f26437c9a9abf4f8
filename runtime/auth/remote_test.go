package auth

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

// issuer is a stand-in third-party issuer.
type issuer struct {
	*httptest.Server
	mu      sync.Mutex // guards what follows
	keys    []string
	status  int
	fetches int
	hold    chan struct{} // when set, an answer waits until it is closed
	held    chan struct{} // gets a value when an answer waits
}

func newIssuer(t *testing.T, keys ...string) *issuer {
	i := &issuer{keys: keys, status: 200, held: make(chan struct{}, 1)}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, `{"issuer":%q,"jwks_uri":%q}`, i.URL, i.URL+"/keys")
	})
	mux.HandleFunc("GET /keys", func(w http.ResponseWriter, r *http.Request) {
		i.mu.Lock()
		i.fetches++
		status, body, hold := i.status, `{"keys":[`+strings.Join(i.keys, ",")+`]}`, i.hold
		i.mu.Unlock()
		if hold != nil {
			i.held <- struct{}{}
			<-hold
		}
		w.WriteHeader(status)
		fmt.Fprint(w, body)
	})
	i.Server = httptest.NewServer(mux)
	t.Cleanup(i.Close)
	return i
}

func (i *issuer) set(status int, keys ...string) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.status, i.keys = status, keys
}

func (i *issuer) count() int {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.fetches
}

// record collects log lines.
type record struct {
	mu  sync.Mutex // guards out
	out bytes.Buffer
}

func (r *record) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.out.Write(p)
}

func (r *record) logger() *slog.Logger { return slog.New(slog.NewTextHandler(r, nil)) }

func (r *record) all() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	text := strings.TrimSpace(r.out.String())
	if text == "" {
		return nil
	}
	return strings.Split(text, "\n")
}

func kid(id string) map[string]any { return map[string]any{"kid": id} }

func TestThirdPartyTokensPass(t *testing.T) {
	ec := newECKey(t)
	public := jwkOf(t, rsaKey(), true, kid("r"))
	i := newIssuer(t, public, jwkOf(t, ec, true, kid("e")),
		`{"kty":"oct","k":"c2VjcmV0"}`, jwkOf(t, ec, false, kid("private")), `{"kty":"new","kid":"x"}`, `null`, `7`)
	log := new(record)
	k := newKeys(t, Options{ThirdPartyIssuer: i.URL + "/", Logger: log.logger()})
	for name, token := range map[string]string{
		"RS256":         signKey(t, `{"alg":"RS256","kid":"r"}`, userClaims(""), rsaKey()),
		"RS256, no kid": signKey(t, `{"alg":"RS256"}`, userClaims(""), rsaKey()),
		"ES256":         signKey(t, `{"alg":"ES256","kid":"e"}`, userClaims(""), ec),
		"own":           mint(t, k, MintOptions{}),
	} {
		if _, refusal := k.Verify(t.Context(), "Bearer "+token, ""); refusal != nil {
			t.Errorf("%s: %+v", name, refusal)
		}
	}
	set := k.JWKS()
	if !strings.HasPrefix(set, `{"keys":[`+public+",") || strings.Contains(set, "c2VjcmV0\"") || strings.Contains(set, "private") {
		t.Errorf("key set %s", set)
	}
	if strings.Index(set, `"kid":"e"`) > strings.Index(set, defaultKID) {
		t.Error("third-party keys do not come first")
	}
	if strings.Contains(k.PublicJWKS(), public) {
		t.Error("third-party keys are published as our own")
	}
	if i.count() != 1 || log.all() != nil {
		t.Errorf("%d fetches, log %q", i.count(), log.all())
	}
}

func TestIssuerThatFailsIsAskedAgainLater(t *testing.T) {
	i := newIssuer(t)
	i.set(500)
	now, log := newClock(), new(record)
	k := newKeys(t, Options{ThirdPartyIssuer: i.URL, Now: now.Now, Logger: log.logger()})
	if got := log.all(); len(got) != 1 || !strings.Contains(got[0], "msg=warning") || !strings.Contains(got[0], "answered 500") {
		t.Fatalf("log %q", got)
	}
	if !strings.HasPrefix(k.JWKS(), `{"keys":[`+defaultPublicJWK) {
		t.Errorf("the project's own keys are missing: %s", k.JWKS())
	}
	authorization := "Bearer " + signKey(t, `{"alg":"RS256","kid":"r"}`, userClaims(""), rsaKey())
	_, refusal := k.Verify(t.Context(), authorization, "")
	if refusal == nil || !strings.Contains(refusal.Reason, "cannot fetch the keys of "+i.URL) {
		t.Fatalf("while failing: %+v", refusal)
	}
	now.Add(refreshCooldown)
	if _, refusal = k.Verify(t.Context(), authorization, ""); refusal == nil {
		t.Fatal("passed while failing")
	}
	if len(log.all()) != 1 {
		t.Errorf("the same failure is reported again: %q", log.all())
	}
	i.set(200, jwkOf(t, rsaKey(), true, kid("r")))
	if _, refusal = k.Verify(t.Context(), authorization, ""); refusal == nil || i.count() != 2 {
		t.Fatalf("asked again within the cooldown: %d fetches, %+v", i.count(), refusal)
	}
	now.Add(refreshCooldown)
	if _, refusal = k.Verify(t.Context(), authorization, ""); refusal != nil {
		t.Errorf("after recovery: %+v", refusal)
	}
	if got := log.all(); len(got) != 2 || !strings.Contains(got[1], "msg=progress") {
		t.Errorf("log %q", got)
	}
}

func TestUnknownKeyIDFetchesTheKeysAgain(t *testing.T) {
	first, second := newECKey(t), newECKey(t)
	i := newIssuer(t, jwkOf(t, first, true, kid("1")))
	now := newClock()
	k := newKeys(t, Options{ThirdPartyIssuer: i.URL, Now: now.Now})
	i.set(200, jwkOf(t, second, true, kid("2")))
	authorization := "Bearer " + signKey(t, `{"alg":"ES256","kid":"2"}`, `{}`, second)
	_, refusal := k.Verify(t.Context(), authorization, "")
	if refusal == nil || i.count() != 1 || !strings.Contains(refusal.Reason, `unknown key id "2" (known: "`+defaultKID+`", "1")`) {
		t.Fatalf("within the cooldown: %d fetches, %+v", i.count(), refusal)
	}
	now.Add(refreshCooldown)
	if _, refusal = k.Verify(t.Context(), authorization, ""); refusal != nil || i.count() != 2 {
		t.Errorf("after it: %d fetches, %+v", i.count(), refusal)
	}
	for n := range 5 {
		made := fmt.Sprintf(`{"alg":"ES256","kid":"made-up-%d"}`, n)
		if _, refusal := k.Verify(t.Context(), "Bearer "+signKey(t, made, `{}`, second), ""); refusal == nil {
			t.Error("a made-up key id passed")
		}
	}
	if i.count() != 2 {
		t.Errorf("made-up key ids cause fetches: %d", i.count())
	}
}

func TestKeySetIsFetchedAgainWhenOld(t *testing.T) {
	key := newECKey(t)
	i := newIssuer(t, jwkOf(t, key, true, kid("1")))
	now := newClock()
	k := newKeys(t, Options{ThirdPartyIssuer: i.URL, Now: now.Now})
	authorization := "Bearer " + signKey(t, `{"alg":"ES256","kid":"1"}`, `{}`, key)
	if _, refusal := k.Verify(t.Context(), authorization, ""); refusal != nil {
		t.Fatalf("refused: %+v", refusal)
	}
	i.set(503)
	now.Add(keySetAge)
	if _, refusal := k.Verify(t.Context(), authorization, ""); refusal != nil || i.count() != 2 {
		t.Errorf("known keys go while the issuer fails: %d fetches, %+v", i.count(), refusal)
	}
	i.set(200)
	now.Add(keySetAge)
	if _, refusal := k.Verify(t.Context(), authorization, ""); refusal == nil {
		t.Error("a withdrawn key is still accepted")
	}
}

func TestFetchIsSharedByThoseWhoWait(t *testing.T) {
	key := newECKey(t)
	i := newIssuer(t)
	now := newClock()
	k := newKeys(t, Options{ThirdPartyIssuer: i.URL, Now: now.Now})
	now.Add(refreshCooldown)
	hold := make(chan struct{})
	i.mu.Lock()
	i.hold, i.keys = hold, []string{jwkOf(t, key, true, kid("1"))}
	i.mu.Unlock()

	authorization := "Bearer " + signKey(t, `{"alg":"ES256","kid":"1"}`, `{}`, key)
	gone, leave := context.WithCancel(t.Context())
	var calls sync.WaitGroup
	done := make(chan struct{})
	calls.Go(func() {
		defer close(done)
		if _, refusal := k.Verify(gone, authorization, ""); refusal != nil {
			t.Errorf("refused: %+v", refusal)
		}
	})
	select {
	case <-i.held:
	case <-done:
		leave()
		t.Fatal("answered without a fetch")
	}
	leave() // the fetch goes on for the others
	for range 4 {
		calls.Go(func() {
			if _, refusal := k.Verify(t.Context(), authorization, ""); refusal != nil {
				t.Errorf("refused: %+v", refusal)
			}
		})
	}
	close(hold)
	calls.Wait()
	if i.count() != 2 {
		t.Errorf("%d fetches, want 2", i.count())
	}
}

func TestKeySetOfAnUpstreamNeedsNoDiscovery(t *testing.T) {
	key := newECKey(t)
	i := newIssuer(t, jwkOf(t, key, true, kid("up")))
	k := newKeys(t, Options{JWKSURL: i.URL + "/keys"})
	if _, refusal := k.Verify(t.Context(), "Bearer "+signKey(t, `{"alg":"ES256","kid":"up"}`, `{}`, key), ""); refusal != nil {
		t.Errorf("refused: %+v", refusal)
	}
}

func TestBadAnswersOfIssuersAreWarnings(t *testing.T) {
	answers := map[string]struct{ document, keys, want string }{
		"no document":   {"", "", "answered 404"},
		"not JSON":      {"<html>", "", "not a discovery document"},
		"no jwks_uri":   {"{}", "", "no jwks_uri"},
		"file URL":      {`{"jwks_uri":"file:///etc/passwd"}`, "", "not an http or https URL"},
		"keys not JSON": {`{"jwks_uri":"%s/keys"}`, "<html>", "not a JSON key set"},
		"no keys":       {`{"jwks_uri":"%s/keys"}`, "{}", `no array "keys"`},
		"too long":      {`{"jwks_uri":"%s/keys"}`, strings.Repeat(" ", keySetBytes+1), "longer than 1 MiB"},
	}
	for name, answer := range answers {
		t.Run(name, func(t *testing.T) {
			var server *httptest.Server
			server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				switch {
				case answer.document == "":
					http.NotFound(w, r)
				case r.URL.Path == "/keys":
					fmt.Fprint(w, answer.keys)
				default:
					fmt.Fprint(w, strings.ReplaceAll(answer.document, "%s", server.URL))
				}
			}))
			t.Cleanup(server.Close)
			log := new(record)
			newKeys(t, Options{ThirdPartyIssuer: server.URL, Logger: log.logger()})
			if got := strings.Join(log.all(), "\n"); !strings.Contains(strings.ReplaceAll(got, `\"`, `"`), answer.want) {
				t.Errorf("log %q, want %q in it", got, answer.want)
			}
		})
	}
}

func TestNewEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	log := new(record)
	if _, err := New(ctx, Options{ThirdPartyIssuer: "http://127.0.0.1:1", Logger: log.logger()}); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	if log.all() != nil {
		t.Errorf("log %q", log.all())
	}
}

func TestUnsuitableThirdPartyKeysAreNotUsed(t *testing.T) {
	key := newECKey(t)
	for name, members := range map[string]map[string]any{
		"for encryption": {"use": "enc"}, "other alg": {"alg": "ES384"}, "cannot verify": {"key_ops": []string{"sign"}}, "without id": {},
	} {
		if members["kid"] = "1"; name == "without id" {
			delete(members, "kid")
		}
		k := newKeys(t, Options{ThirdPartyIssuer: newIssuer(t, jwkOf(t, key, true, members)).URL})
		if _, refusal := k.Verify(t.Context(), "Bearer "+signKey(t, `{"alg":"ES256","kid":"1"}`, `{}`, key), ""); refusal == nil {
			t.Errorf("%s: passed", name)
		}
	}
}

func TestThirdPartySignaturesAreBelievedForAWhile(t *testing.T) {
	now := newClock()
	k := newKeys(t, Options{Now: now.Now})
	authorization := "Bearer " + signHMAC(hs256Header, `{}`, DefaultJWTSecret)
	first, _ := k.Verify(t.Context(), authorization, "")
	now.Add(cacheAge - time.Second)
	if again, _ := k.Verify(t.Context(), authorization, ""); again != first {
		t.Error("verified again too early")
	}
	now.Add(time.Second)
	if again, _ := k.Verify(t.Context(), authorization, ""); again == first {
		t.Error("still believed")
	}
}
