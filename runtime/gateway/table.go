package gateway

import (
	"context"
	"net/url"
	"slices"

	"brink/policy"
)

// Function is what the gateway has to know of one function.
type Function struct {
	Name      string
	VerifyJWT bool
	Kind      policy.Kind
	Limits    policy.Limits
	Parity    policy.Parity
}

// Table is everything that is served. It is a value: once given to SetTable,
// nobody may change it.
type Table struct {
	Functions map[string]Function
	// Verifier checks tokens. Nil refuses every request of a function that
	// verifies, and leaves /auth/v1/ unanswered.
	Verifier Verifier
	// Upstream is the base URL of a Supabase that takes everything outside
	// /functions/v1/, or nil.
	Upstream *url.URL
}

// names returns the functions' names, sorted.
func (t *Table) names() []string {
	names := make([]string, 0, len(t.Functions))
	for name := range t.Functions {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// Verifier answers what concerns tokens and keys. Its methods are called by
// many goroutines at once and may block on ctx to fetch keys.
type Verifier interface {
	// Verify returns nil when a request with these two headers may pass.
	Verify(ctx context.Context, authorization, apikey string) *Refusal
	// User answers GET /auth/v1/user for the bearer of the token.
	User(ctx context.Context, authorization string) (status int, body []byte)
	// PublicJWKS is the key set for /auth/v1/.well-known/jwks.json.
	PublicJWKS() []byte
}

// Refusal says why a token was refused: to the caller, and to the terminal.
type Refusal struct {
	Status int    // 401
	Code   string // for the header sb-error-code
	Body   []byte // JSON
	Reason string // for the developer only: "expired 4 minutes ago"
}
