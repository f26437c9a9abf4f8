package auth

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"sync"
	"time"
)

const (
	// fetchTimeout is the Supabase CLI's for third-party key sets; it covers
	// discovery and the set together.
	fetchTimeout = 10 * time.Second
	// refreshCooldown is the least time between two fetches, so that tokens
	// with made-up key ids cannot make brink hammer an issuer.
	refreshCooldown = 30 * time.Second
	// keySetAge is how long a fetched set is used before it is fetched again.
	keySetAge = 10 * time.Minute
	// keySetBytes bounds what is read from an issuer.
	keySetBytes = 1 << 20
)

// remote is a key set that somebody else publishes. It fetches only in the
// goroutine of a caller, one fetch at a time.
type remote struct {
	location string
	discover bool // location is an issuer, not the key set itself
	client   *http.Client
	now      func() time.Time
	logger   *slog.Logger

	mu        sync.Mutex // guards what follows; never held while fetching
	raw       []json.RawMessage
	keys      []verifyKey
	attempted time.Time
	fetched   time.Time
	failure   error         // of the last attempt
	flight    chan struct{} // closed when the running fetch ends; nil when none runs
}

func newRemote(o Options, location string, discover bool) *remote {
	return &remote{location: location, discover: discover, client: o.HTTP, now: o.Now, logger: o.Logger}
}

func (r *remote) published() []json.RawMessage {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.raw
}

// known returns the keys as last fetched, and what went wrong the last time.
func (r *remote) known() ([]verifyKey, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.keys, r.failure
}

// refresh fetches the set when it was never fetched, is old, or lacks a key
// that a token names (unknown), and the last attempt is long enough ago. It
// blocks until the fetch, its own or one already running, ends or ctx does.
func (r *remote) refresh(ctx context.Context, unknown bool) {
	flight, mine := r.board(unknown)
	if flight == nil {
		return
	}
	if !mine {
		select {
		case <-flight:
		case <-ctx.Done():
		}
		return
	}
	var (
		raw  []json.RawMessage
		keys []verifyKey
		err  = errors.New("interrupted") // seen only if the HTTP client panics
	)
	defer func() { r.land(raw, keys, err) }()
	raw, keys, err = r.fetch(ctx)
}

// board joins the running fetch, begins one (mine), or finds none due (nil).
func (r *remote) board(unknown bool) (flight chan struct{}, mine bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.now()
	switch {
	case r.flight != nil:
		return r.flight, false
	case !r.attempted.IsZero() && now.Sub(r.attempted) < refreshCooldown:
		return nil, false
	case !r.fetched.IsZero() && now.Sub(r.fetched) < keySetAge && !unknown:
		return nil, false
	}
	r.attempted = now
	r.flight = make(chan struct{})
	return r.flight, true
}

// land records what a fetch brought. After a failure the keys known before
// stay in use. It tells the user about changes only.
func (r *remote) land(raw []json.RawMessage, keys []verifyKey, err error) {
	r.mu.Lock()
	before := r.failure
	r.failure = err
	if err == nil {
		r.raw, r.keys, r.fetched = raw, keys, r.now()
	}
	close(r.flight)
	r.flight = nil
	r.mu.Unlock()

	switch {
	case errors.Is(err, context.Canceled): // brink is ending
	case err != nil && (before == nil || before.Error() != err.Error()):
		warn(r.logger, fmt.Sprintf("%v; tokens signed with its keys may be refused until it answers (tried again at most every %s)", err, refreshCooldown))
	case err == nil && before != nil:
		r.logger.Info("progress", slog.String("message", fmt.Sprintf("fetched the keys of %s", r.location)))
	}
}

func (r *remote) fetch(ctx context.Context) (raw []json.RawMessage, keys []verifyKey, err error) {
	ctx, cancel := context.WithTimeout(ctx, fetchTimeout)
	defer cancel()
	defer func() {
		if err != nil {
			err = fmt.Errorf("cannot fetch the keys of %s: %w", r.location, err)
		}
	}()
	location := r.location
	if r.discover {
		if location, err = r.discoverKeySet(ctx); err != nil {
			return nil, nil, err
		}
	}
	content, err := r.get(ctx, location)
	if err != nil {
		return nil, nil, err
	}
	if raw, keys, err = parseKeySet(content); err != nil {
		return nil, nil, fmt.Errorf("%s: %w", location, err)
	}
	return raw, keys, nil
}

// discoverKeySet reads jwks_uri from the issuer's OpenID Connect discovery
// document (OpenID Connect Discovery 1.0, section 4).
func (r *remote) discoverKeySet(ctx context.Context) (string, error) {
	location := r.location + "/.well-known/openid-configuration"
	content, err := r.get(ctx, location)
	if err != nil {
		return "", err
	}
	var document struct {
		KeySet string `json:"jwks_uri"`
	}
	if err := json.Unmarshal(content, &document); err != nil {
		return "", fmt.Errorf("%s: not a discovery document: %w", location, err)
	}
	if document.KeySet == "" {
		return "", fmt.Errorf("%s: no jwks_uri in the discovery document", location)
	}
	return document.KeySet, nil
}

func (r *remote) get(ctx context.Context, location string) ([]byte, error) {
	target, err := url.Parse(location)
	if err != nil || target.Host == "" || (target.Scheme != "http" && target.Scheme != "https") {
		return nil, fmt.Errorf("%q is not an http or https URL", location)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, location, nil)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Accept", "application/json")
	response, err := r.client.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s answered %s", location, response.Status)
	}
	content, err := io.ReadAll(io.LimitReader(response.Body, keySetBytes+1))
	if err != nil {
		return nil, fmt.Errorf("cannot read %s: %w", location, err)
	}
	if len(content) > keySetBytes {
		return nil, errors.New(location + ": longer than 1 MiB")
	}
	return content, nil
}
