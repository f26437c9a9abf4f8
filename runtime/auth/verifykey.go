package auth

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/lestrrat-go/jwx/v3/jwk"
)

// minRSABits is the smallest modulus RFC 7518, section 3.3, allows.
const minRSABits = 2048

// verifyKey is one public key, usable with exactly one algorithm.
type verifyKey struct {
	id        *string // nil: the key has no id, and fits only tokens without one
	algorithm string  // ES256 or RS256
	public    any     // *ecdsa.PublicKey or *rsa.PublicKey
}

// algorithmOf names the algorithm a public key is used with, or "".
func algorithmOf(public any) string {
	switch key := public.(type) {
	case *ecdsa.PublicKey:
		if key.Curve == elliptic.P256() {
			return ES256
		}
	case *rsa.PublicKey:
		if key.N.BitLen() >= minRSABits {
			return RS256
		}
	}
	return ""
}

// parseKeySet reads a fetched JWKS. Published are its public keys as they
// came, for SUPABASE_JWKS; usable are those that can verify a token here.
// Secrets, which have no business in a fetched set, are left out of both.
func parseKeySet(content []byte) (published []json.RawMessage, usable []verifyKey, err error) {
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := json.Unmarshal(content, &set); err != nil {
		return nil, nil, fmt.Errorf("not a JSON key set: %w", err)
	}
	if set.Keys == nil {
		return nil, nil, fmt.Errorf(`not a JSON key set: no array "keys"`)
	}
	for _, raw := range set.Keys {
		var members map[string]json.RawMessage
		if json.Unmarshal(raw, &members) != nil || members == nil || members["d"] != nil || members["k"] != nil {
			continue
		}
		published = append(published, raw)
		if key, ok := parseVerifyKey(raw); ok {
			usable = append(usable, key)
		}
	}
	return published, usable, nil
}

// parseVerifyKey says whether a public JWK can verify ES256 or RS256: RFC 7517
// lets alg, use and key_ops each forbid it.
func parseVerifyKey(raw []byte) (verifyKey, bool) {
	var header publicJWK
	if json.Unmarshal(raw, &header) != nil {
		return verifyKey{}, false
	}
	parsed, err := jwk.ParseKey(raw)
	if err != nil {
		return verifyKey{}, false
	}
	var public any
	if jwk.Export(parsed, &public) != nil {
		return verifyKey{}, false
	}
	key := verifyKey{id: header.ID, algorithm: algorithmOf(public), public: public}
	switch {
	case key.algorithm == "",
		header.Algorithm != "" && header.Algorithm != key.algorithm,
		header.Use != "" && header.Use != "sig",
		header.Ops != nil && !slices.Contains(header.Ops, "verify"):
		return verifyKey{}, false
	}
	return key, true
}

// matching are the keys that a token with this algorithm and key id may have
// been signed with; a token without an id fits every key of its algorithm.
func matching(keys []verifyKey, algorithm string, id *string) []verifyKey {
	var found []verifyKey
	for _, key := range keys {
		if key.algorithm != algorithm {
			continue
		}
		if id == nil || (key.id != nil && *key.id == *id) {
			found = append(found, key)
		}
	}
	return found
}

// idList names keys for people: their ids, quoted, at most eight.
func idList(keys []verifyKey) string {
	const most = 8
	var ids []string
	for i, key := range keys {
		if i == most {
			ids = append(ids, fmt.Sprintf("and %d more", len(keys)-most))
			break
		}
		if key.id == nil {
			ids = append(ids, "one without an id")
			continue
		}
		ids = append(ids, shorten(*key.id))
	}
	if len(ids) == 0 {
		return "none"
	}
	return strings.Join(ids, ", ")
}
