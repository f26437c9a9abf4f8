package auth

import "strings"

const (
	apiKeyPrefix = "sb_"
	bearer       = "Bearer "
)

// source is where a request's token came from.
type source struct {
	token string
	// key is set when the apikey header held one of the project's API keys:
	// the setting of the JWT that stands for it.
	key string
	// raw is set when the apikey header held the token itself.
	raw bool
}

// source picks the token that counts. Two steps of the local stack are one
// here: the gateway turns an API key into the JWT that stands for it, and the
// functions' main service takes the Authorization header, unless it holds an
// API key, and then what the gateway made of the apikey header.
func (k *Keys) source(authorization, apikey string) (source, *Refusal) {
	if authorization == "" && apikey == "" {
		return source{}, refuse(CodeNoAuthHeader, "Missing authorization header", "no Authorization or apikey header", "")
	}
	keyAsBearer := strings.HasPrefix(authorization, bearer+apiKeyPrefix)
	if authorization != "" && !keyAsBearer {
		token, ok := strings.CutPrefix(authorization, bearer)
		if !ok || token == "" || strings.Contains(token, " ") {
			return source{}, refuseFormat(authorizationReason(authorization))
		}
		return source{token: token}, nil
	}
	switch {
	case apikey == "":
		return source{}, refuseFormat("API key sent as Bearer token: send it in the apikey header")
	case k.isSecretKey(apikey):
		return source{token: k.service, key: "auth.service_role_key"}, nil
	case k.isPublishableKey(apikey):
		return source{token: k.anon, key: "auth.anon_key"}, nil
	case strings.HasPrefix(apikey, apiKeyPrefix):
		return source{}, refuseFormat("the apikey header holds an API key of another project: this one's are auth.publishable_key and auth.secret_key")
	}
	token := strings.TrimSpace(strings.TrimPrefix(apikey, "Bearer"))
	if token == "" {
		return source{}, refuseFormat("the apikey header holds no key")
	}
	return source{token: token, raw: true}, nil
}

func authorizationReason(authorization string) string {
	const reason = "Authorization header is not 'Bearer <token>'"
	scheme, token, _ := strings.Cut(authorization, " ")
	switch {
	case strings.HasPrefix(authorization, apiKeyPrefix):
		return "API key sent in the Authorization header: send it in the apikey header"
	case !strings.EqualFold(scheme, "Bearer"):
		return reason
	case strings.TrimSpace(token) == "":
		return reason + ": the token is missing"
	case scheme != "Bearer":
		return reason + ": 'Bearer' is spelt with a capital B"
	default:
		return reason + ": one space, and none in the token"
	}
}

// explain adds to a reason where the token came from.
func (s source) explain(refusal *Refusal) *Refusal {
	switch {
	case s.key != "":
		refusal.Reason = s.key + ", which stands for the API key sent: " + refusal.Reason
	case s.raw:
		refusal.Reason = "token in the apikey header: " + refusal.Reason
	}
	return refusal
}
