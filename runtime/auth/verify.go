package auth

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/lestrrat-go/jwx/v3/jwa"
	"github.com/lestrrat-go/jwx/v3/jws"
)

// Verify judges a request by its Authorization and apikey headers ("" where
// absent). Exactly one of the results is nil.
//
// A token passes when its signature is good and it is within exp and nbf, with
// no leeway; issuer, audience and role are not looked at, as in the local
// stack. The signature of a token seen lately is not verified again. An
// unknown key id may make Verify fetch third-party keys: it then blocks for at
// most 10 seconds, and at most once in 30.
func (k *Keys) Verify(ctx context.Context, authorization, apikey string) (*Token, *Refusal) {
	from, refusal := k.source(authorization, apikey)
	if refusal != nil {
		return nil, refusal
	}
	token, refusal := k.verify(ctx, from.token)
	if refusal != nil {
		return nil, from.explain(refusal)
	}
	return token, nil
}

func (k *Keys) verify(ctx context.Context, compact string) (*Token, *Refusal) {
	now := k.options.Now()
	sum := sha256.Sum256([]byte(compact))
	token := k.verified.get(sum, now)
	if token == nil {
		var refusal *Refusal
		if token, refusal = k.verifySignature(ctx, compact); refusal != nil {
			return nil, refusal
		}
		k.verified.put(sum, token, now)
	}
	if refusal := token.refusedAt(now); refusal != nil {
		return nil, refusal
	}
	return token, nil
}

func (k *Keys) verifySignature(ctx context.Context, compact string) (*Token, *Refusal) {
	h, refusal := parseHeader(compact)
	if refusal != nil {
		return nil, refusal
	}
	if h.algorithm != HS256 && h.algorithm != ES256 && h.algorithm != RS256 {
		return nil, refuseAlgorithm(h.algorithm)
	}
	if h.parts != 3 || h.extended {
		return nil, refuseToken(h.algorithm, "the token is not a plain signed JWT: it is encrypted, or its header asks for extensions", "token is malformed")
	}
	var payload []byte
	if h.algorithm == HS256 {
		payload, refusal = k.verifySymmetric(compact)
	} else {
		payload, refusal = k.verifyAsymmetric(ctx, h, compact)
	}
	if refusal != nil {
		return nil, refusal
	}
	return parseToken(h, payload)
}

// verifySymmetric tries the JWT secret, which is never tried elsewhere: a
// public key can thus not be passed off as an HMAC secret, nor the reverse.
func (k *Keys) verifySymmetric(compact string) ([]byte, *Refusal) {
	payload, err := jws.Verify([]byte(compact), jws.WithKey(jwa.HS256(), k.secret))
	if err != nil {
		return nil, refuseToken(HS256, k.symmetricReason(compact), faultSignature)
	}
	return payload, nil
}

// symmetricReason guesses whose token it is: the usual mistakes are a hosted
// project's key, and the default key beside a secret of one's own.
func (k *Keys) symmetricReason(compact string) string {
	if k.options.JWTSecret != DefaultJWTSecret {
		if _, err := jws.Verify([]byte(compact), jws.WithKey(jwa.HS256(), []byte(DefaultJWTSecret))); err == nil {
			return "signed with the default JWT secret of local stacks, but this project sets auth.jwt_secret: mint the token again"
		}
	}
	var claims struct {
		Ref string `json:"ref"`
	}
	if part := strings.Split(compact, ".")[1]; part != "" {
		content, err := base64.RawURLEncoding.DecodeString(part)
		if err == nil && json.Unmarshal(content, &claims) == nil && claims.Ref != "" {
			return fmt.Sprintf("signature does not match auth.jwt_secret: it looks like a key of the hosted project %s; use the local keys here", shorten(claims.Ref))
		}
	}
	return "signature does not match auth.jwt_secret: was it minted for another project?"
}

func (k *Keys) verifyAsymmetric(ctx context.Context, h header, compact string) ([]byte, *Refusal) {
	alg, ok := jwa.LookupSignatureAlgorithm(h.algorithm)
	if !ok {
		return nil, refuseAlgorithm(h.algorithm)
	}
	key, refusal := k.find(ctx, h)
	if refusal != nil {
		return nil, refusal
	}
	payload, err := jws.Verify([]byte(compact), jws.WithKey(alg, key.public))
	if err != nil {
		reason := fmt.Sprintf("signature does not match the %s key %s", h.algorithm, idList([]verifyKey{key}))
		return nil, refuseToken(h.algorithm, reason, faultSignature)
	}
	return payload, nil
}

// find returns the one key a token names. A token without a key id is accepted
// while only one key has its algorithm, as by the local stack.
func (k *Keys) find(ctx context.Context, h header) (verifyKey, *Refusal) {
	found := matching(k.local, h.algorithm, h.keyID)
	if h.keyID == nil || len(found) == 0 {
		found = append(found, k.findRemote(ctx, h, len(found) == 0)...)
	}
	switch {
	case len(found) == 1, len(found) > 1 && h.keyID != nil:
		return found[0], nil
	case len(found) > 1:
		reason := fmt.Sprintf("signed with %s but names no key id, and several keys fit: %s", h.algorithm, idList(found))
		return verifyKey{}, refuseToken(h.algorithm, reason, "token is unverifiable: error while executing keyfunc: several keys fit")
	}
	return verifyKey{}, k.unknownKey(h)
}

// findRemote looks among the third-party keys and, when the token fits no key
// known so far (needed), fetches them again.
func (k *Keys) findRemote(ctx context.Context, h header, needed bool) []verifyKey {
	// A caller that goes away must not fail the fetch for those that wait.
	ctx = context.WithoutCancel(ctx)
	found := k.matchRemote(ctx, h, false)
	if len(found) == 0 && needed {
		found = k.matchRemote(ctx, h, true)
	}
	return found
}

func (k *Keys) matchRemote(ctx context.Context, h header, unknown bool) []verifyKey {
	var found []verifyKey
	for _, r := range k.remotes {
		r.refresh(ctx, unknown)
		keys, _ := r.known()
		found = append(found, matching(keys, h.algorithm, h.keyID)...)
	}
	return found
}

func (k *Keys) unknownKey(h header) *Refusal {
	known := append([]verifyKey(nil), k.local...)
	var failures []error
	for _, r := range k.remotes {
		keys, failure := r.known()
		known = append(known, keys...)
		failures = append(failures, failure)
	}
	name, id := "a key without an id", ""
	if h.keyID != nil {
		name, id = "unknown key id "+shorten(*h.keyID), plain(*h.keyID)
	}
	reason := fmt.Sprintf("signed with %s by %s (known: %s)", h.algorithm, name, idList(known))
	if failure := errors.Join(failures...); failure != nil {
		reason += "; " + strings.ReplaceAll(failure.Error(), "\n", "; ")
	}
	return refuseToken(h.algorithm, reason,
		fmt.Sprintf("token is unverifiable: error while executing keyfunc: unrecognized JWT kid %s for algorithm %s", id, h.algorithm))
}
