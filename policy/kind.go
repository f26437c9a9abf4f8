package policy

import (
	"fmt"
	"strings"
)

// Kind says how a function's workers are shared among its requests. The zero
// value is PerRequest, which is what runs when nothing is configured.
type Kind uint8

const (
	// PerRequest gives every request a fresh worker, ended when the response
	// body ends. A 101 ends the request, so a WebSocket is closed at once.
	// The Supabase CLI's name for it is "oneshot".
	PerRequest Kind = iota
	// PerWorker lets one worker take many requests at once and live until a
	// limit or a restart ends it.
	PerWorker
)

// KindNames are the accepted spellings, the canonical ones first.
var KindNames = []string{"per_request", "per_worker", "oneshot"}

// String returns the canonical spelling, as config.toml writes it.
func (k Kind) String() string {
	switch k {
	case PerRequest:
		return "per_request"
	case PerWorker:
		return "per_worker"
	}
	return fmt.Sprintf("Kind(%d)", uint8(k))
}

// ParseKind reads one of KindNames. Its error names what is allowed.
func ParseKind(s string) (Kind, error) {
	switch s {
	case "per_request", "oneshot":
		return PerRequest, nil
	case "per_worker":
		return PerWorker, nil
	}
	return 0, notOneOf("policy", s, KindNames)
}

// Parity says how closely brink follows the hosted platform where following
// it makes local work harder.
type Parity uint8

const (
	// ParityRelaxed keeps an idle worker with open WebSockets until a hard
	// limit. It is the default.
	ParityRelaxed Parity = iota
	// ParityStrict drops it at half the wall clock, and rewrites text/html on
	// GET to text/plain, as the hosted platform does.
	ParityStrict
)

// ParityNames are the accepted spellings.
var ParityNames = []string{"relaxed", "strict"}

// String returns the spelling used in configuration.
func (p Parity) String() string {
	if p == ParityStrict {
		return "strict"
	}
	return "relaxed"
}

// ParseParity reads one of ParityNames.
func ParseParity(s string) (Parity, error) {
	switch s {
	case "relaxed":
		return ParityRelaxed, nil
	case "strict":
		return ParityStrict, nil
	}
	return 0, notOneOf("parity", s, ParityNames)
}

func notOneOf(key, got string, allowed []string) error {
	return fmt.Errorf("%s is %q: allowed are %s", key, got, strings.Join(allowed, ", "))
}
