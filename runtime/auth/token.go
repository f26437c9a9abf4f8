package auth

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"time"
)

// A Token is a verified JWT. It is shared by all requests that carry it and
// must not be changed.
type Token struct {
	Algorithm string // HS256, ES256 or RS256
	KeyID     string // "" when the token names none
	Subject   string
	Role      string
	Email     string
	Issuer    string
	// ExpiresAt is zero for a token that never expires.
	ExpiresAt time.Time
	// Claims is the whole payload, claim by claim.
	Claims map[string]json.RawMessage

	expires   *float64 // exp and nbf, in seconds since 1970
	notBefore *float64
}

// header is what is read of a JWT's protected header.
type header struct {
	algorithm string
	keyID     *string
	extended  bool // crit or b64: extensions that a JWT here must not use
	parts     int
}

// parseHeader reads the header of a compact JWS (3 parts) or JWE (5 parts).
// Anything else is no JWT at all.
func parseHeader(compact string) (header, *Refusal) {
	h := header{parts: strings.Count(compact, ".") + 1}
	if h.parts != 3 && h.parts != 5 {
		return h, refuseFormat(fmt.Sprintf("the token is not a JWT: it has %s, a JWT has 3, joined by dots", count(h.parts, "part")))
	}
	first, _, _ := strings.Cut(compact, ".")
	content, err := base64.RawURLEncoding.DecodeString(first)
	if err != nil {
		return h, refuseFormat("the token is not a JWT: its header is not base64url")
	}
	// A map, since encoding/json matches the fields of a struct in any case.
	var members map[string]json.RawMessage
	if err := json.Unmarshal(content, &members); err != nil || members == nil {
		return h, refuseFormat("the token is not a JWT: its header is not a JSON object")
	}
	if text(members["alg"], &h.algorithm); h.algorithm == "" {
		return h, refuseFormat(`the token's header names no algorithm ("alg")`)
	}
	var id string
	if text(members["kid"], &id) {
		h.keyID = &id
	}
	h.extended = members["crit"] != nil || bytes.Equal(bytes.TrimSpace(members["b64"]), []byte("false"))
	return h, nil
}

// parseToken reads a verified payload.
func parseToken(h header, payload []byte) (*Token, *Refusal) {
	t := &Token{Algorithm: h.algorithm}
	if h.keyID != nil {
		t.KeyID = *h.keyID
	}
	if err := json.Unmarshal(payload, &t.Claims); err != nil || t.Claims == nil {
		return nil, refuseToken(h.algorithm, "the token's payload is not a JSON object", "token is malformed: could not JSON decode claim")
	}
	text(t.Claims["sub"], &t.Subject)
	text(t.Claims["role"], &t.Role)
	text(t.Claims["email"], &t.Email)
	text(t.Claims["iss"], &t.Issuer)
	var issued *float64
	for _, date := range []struct {
		claim string
		field **float64
	}{{"iat", &issued}, {"nbf", &t.notBefore}, {"exp", &t.expires}} {
		raw, ok := t.Claims[date.claim]
		if !ok {
			continue
		}
		// A pointer, so that null is told from a number.
		if json.Unmarshal(raw, date.field) != nil || *date.field == nil {
			return nil, refuseToken(h.algorithm, fmt.Sprintf("the claim %q is not a number", date.claim),
				"token has invalid claims: "+date.claim+" is invalid")
		}
	}
	if t.expires != nil {
		t.ExpiresAt = unix(*t.expires)
	}
	return t, nil
}

// refusedAt checks exp and nbf with no leeway, by whole seconds: a token is
// valid from nbf on, and no longer valid at exp.
func (t *Token) refusedAt(now time.Time) *Refusal {
	second := float64(now.Unix())
	if t.notBefore != nil && *t.notBefore > second {
		at := unix(*t.notBefore)
		return refuseToken(t.Algorithm,
			fmt.Sprintf("not valid before %s, in %s: is this machine's clock right?", at.Format(time.RFC3339), span(at.Sub(now))),
			"token has invalid claims: token is not valid yet")
	}
	if t.expires != nil && *t.expires <= second {
		at := unix(*t.expires)
		return refuseToken(t.Algorithm,
			fmt.Sprintf("expired %s ago (exp %s)", span(now.Sub(at)), at.Format(time.RFC3339)),
			"token has invalid claims: token is expired")
	}
	return nil
}

// unix converts seconds since 1970, held within the years that RFC 3339 can
// write.
func unix(seconds float64) time.Time {
	const last = 253402300799 // 9999-12-31T23:59:59Z
	seconds = max(-62135596800, min(last, seconds))
	whole, part := math.Modf(seconds)
	return time.Unix(int64(whole), int64(part*1e9)).UTC()
}

// text decodes a JSON string into field, and says whether it was one.
func text(raw json.RawMessage, field *string) bool {
	var value *string
	if raw == nil || json.Unmarshal(raw, &value) != nil || value == nil {
		return false
	}
	*field = *value
	return true
}

func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
