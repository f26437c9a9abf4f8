package auth

import (
	"context"
	"encoding/json"
	"strings"
	"time"
)

// user is the JSON of GET /auth/v1/user, in Supabase Auth's order.
type user struct {
	ID             string          `json:"id"`
	Audience       string          `json:"aud"`
	Role           string          `json:"role"`
	Email          string          `json:"email"`
	EmailConfirmed *string         `json:"email_confirmed_at,omitempty"`
	Phone          string          `json:"phone"`
	PhoneConfirmed *string         `json:"phone_confirmed_at,omitempty"`
	Confirmed      *string         `json:"confirmed_at,omitempty"`
	LastSignIn     string          `json:"last_sign_in_at"`
	AppMetadata    json.RawMessage `json:"app_metadata"`
	UserMetadata   json.RawMessage `json:"user_metadata"`
	Identities     []any           `json:"identities"`
	Created        string          `json:"created_at"`
	Updated        string          `json:"updated_at"`
	IsAnonymous    bool            `json:"is_anonymous"`
}

// User answers GET /auth/v1/user, which supabase-js calls for
// auth.getUser(jwt), from the claims of the verified token alone: there is no
// database, so every subject is taken to exist, and the times are the token's.
//
// Status is 200, 401 (no Bearer token) or 403 (bad token, or one of nobody,
// such as the anon key), with a JSON body. Reason explains a refusal to the
// developer, as [Refusal] does, and is empty with 200.
func (k *Keys) User(ctx context.Context, authorization, apikey string) (status int, body []byte, reason string) {
	// Auth, unlike functions, takes "bearer" too.
	if rest, ok := strings.CutPrefix(authorization, "bearer "); ok {
		authorization = bearer + rest
	}
	from, refusal := k.source(authorization, apikey)
	switch {
	case refusal != nil:
		return authError(401, "no_authorization", "This endpoint requires a valid Bearer token", refusal.Reason)
	case from.raw:
		return authError(401, "no_authorization", "This endpoint requires a valid Bearer token",
			"the token is in the apikey header: Auth takes it as Authorization: Bearer <token>")
	}
	token, refusal := k.verify(ctx, from.token)
	if refusal != nil {
		message := "invalid JWT: unable to parse or verify signature, " + refusal.fault
		return authError(403, "bad_jwt", message, from.explain(refusal).Reason)
	}
	if token.Subject == "" {
		reason := "the token is of nobody (no sub claim)"
		if token.Role != "" {
			reason += ": it is the " + shorten(token.Role) + " key, not a user's session"
		}
		return authError(403, "bad_jwt", "invalid claim: missing sub claim", reason)
	}
	return 200, marshal(k.userOf(token)), ""
}

func (k *Keys) userOf(token *Token) user {
	since := k.issued(token).Format(time.RFC3339)
	u := user{
		ID:           token.Subject,
		Audience:     "authenticated",
		Role:         "authenticated",
		Email:        token.Email,
		LastSignIn:   since,
		AppMetadata:  object(token.Claims["app_metadata"]),
		UserMetadata: object(token.Claims["user_metadata"]),
		Identities:   []any{},
		Created:      since,
		Updated:      since,
	}
	if token.Role != "" {
		u.Role = token.Role
	}
	audience(token.Claims["aud"], &u.Audience)
	text(token.Claims["phone"], &u.Phone)
	if u.Email != "" {
		u.EmailConfirmed, u.Confirmed = &since, &since
	}
	if u.Phone != "" {
		u.PhoneConfirmed, u.Confirmed = &since, &since
	}
	// A claim that is no boolean leaves the user an ordinary one.
	_ = json.Unmarshal(token.Claims["is_anonymous"], &u.IsAnonymous)
	return u
}

// issued is iat, or the present for a token that has none.
func (k *Keys) issued(token *Token) time.Time {
	var seconds *float64
	if raw := token.Claims["iat"]; raw != nil && json.Unmarshal(raw, &seconds) == nil && seconds != nil {
		return unix(*seconds)
	}
	return k.options.Now().UTC()
}

// audience reads aud, which RFC 7519, section 4.1.3, lets be a string or an
// array.
func audience(raw json.RawMessage, field *string) {
	var several []string
	if !text(raw, field) && json.Unmarshal(raw, &several) == nil && len(several) > 0 {
		*field = several[0]
	}
}

// object passes a JSON object through and replaces anything else by {}.
func object(raw json.RawMessage) json.RawMessage {
	var members map[string]json.RawMessage
	if json.Unmarshal(raw, &members) != nil || members == nil {
		return json.RawMessage("{}")
	}
	return raw
}

func authError(status int, code, message, reason string) (int, []byte, string) {
	return status, marshal(struct {
		Code      int    `json:"code"`
		ErrorCode string `json:"error_code"`
		Message   string `json:"msg"`
	}{status, code, message}), reason
}
