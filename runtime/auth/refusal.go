package auth

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// The codes of a Refusal: the sb-error-code header and the body's "code".
const (
	CodeNoAuthHeader         = "UNAUTHORIZED_NO_AUTH_HEADER"
	CodeInvalidFormat        = "UNAUTHORIZED_INVALID_JWT_FORMAT"
	CodeInvalidJWT           = "UNAUTHORIZED_JWT" // HS256
	CodeInvalidAsymmetricJWT = "UNAUTHORIZED_ASYMMETRIC_JWT"
	CodeUnsupportedAlgorithm = "UNAUTHORIZED_UNSUPPORTED_TOKEN_ALGORITHM"
)

// A Refusal is why a request may not pass: Status, Code and Message are for
// the caller, exactly as the local Supabase stack answers; Reason is for the
// developer at the terminal, and never holds a token or a secret.
type Refusal struct {
	Status  int // 401
	Code    string
	Message string
	Reason  string

	fault string // what Supabase Auth says about the same token, for User
}

// Body is the JSON that the caller gets, without a final newline.
func (r *Refusal) Body() []byte {
	return marshal(struct {
		Code    string `json:"code"`
		Message string `json:"message"`
		Msg     string `json:"msg"`
	}{r.Code, r.Message, r.Message})
}

func refuse(code, message, reason, fault string) *Refusal {
	return &Refusal{Status: 401, Code: code, Message: message, Reason: reason, fault: fault}
}

func refuseFormat(reason string) *Refusal {
	return refuse(CodeInvalidFormat, "Invalid JWT format", reason, "token is malformed")
}

func refuseAlgorithm(algorithm string) *Refusal {
	return refuse(CodeUnsupportedAlgorithm, "Unsupported JWT algorithm "+algorithm,
		fmt.Sprintf("signed with unsupported algorithm %s (supported: HS256, ES256, RS256)", plain(algorithm)),
		"token signature is invalid: signing method "+plain(algorithm)+" is invalid")
}

// refuseToken is a token of the right form that does not hold.
func refuseToken(algorithm, reason, fault string) *Refusal {
	code := CodeInvalidAsymmetricJWT
	if algorithm == HS256 {
		code = CodeInvalidJWT
	}
	return refuse(code, "Invalid JWT", reason, fault)
}

const faultSignature = "token signature is invalid: signature is invalid"

// shorten quotes text from outside for a terminal: escaped, at most 64 runes.
func shorten(text string) string {
	const most = 64
	if runes := []rune(text); len(runes) > most {
		text = string(runes[:most]) + "…"
	}
	return strconv.Quote(text)
}

// plain is shorten without the quotes, where the text needs none.
func plain(text string) string {
	quoted := shorten(text)
	if quoted == `"`+text+`"` && text != "" && !strings.ContainsAny(text, " \t") {
		return text
	}
	return quoted
}

// span puts a duration the way people say it: "4 minutes".
func span(d time.Duration) string {
	units := []struct {
		size time.Duration
		name string
	}{{24 * time.Hour, "day"}, {time.Hour, "hour"}, {time.Minute, "minute"}, {time.Second, "second"}}
	for _, unit := range units {
		if n := d / unit.size; n > 1 {
			return fmt.Sprintf("%d %ss", n, unit.name)
		} else if n == 1 {
			return "1 " + unit.name
		}
	}
	return "less than a second"
}
