package gateway

import (
	"net"
	"net/http"
	"net/textproto"
	"slices"
	"strconv"
	"strings"
)

// functionsPrefix is the part of the path that a function does not see.
const functionsPrefix = "/functions/v1/"

// headerRequestID must equal wire.HeaderRequestID, which this package may not
// import; a test compares them.
const headerRequestID = "X-Brink-Request-Id"

// internalPrefix starts the names of headers between brink and its workers. A
// client's own are removed.
const internalPrefix = "X-Brink-"

// hopByHop says whether a header concerns one connection only (RFC 9110,
// section 7.6.1) or frames the message, and is therefore never copied.
func hopByHop(name string) bool {
	switch name {
	case "Connection", "Keep-Alive", "Proxy-Connection", "Proxy-Authenticate", "Proxy-Authorization",
		"Te", "Trailer", "Transfer-Encoding", "Upgrade":
		return true
	}
	return false
}

// hidden says whether a client's header is not for the function. X-Deno-Client-Address
// would set the remote address inside Deno, and a malformed one ends the
// process; Sb-Api-Key is the hosted gateway's own and never a client's.
func hidden(name string) bool {
	switch name {
	case "Host", "Content-Length", "X-Deno-Client-Address", "Sb-Api-Key", "X-Real-Ip", "X-Forwarded-For", "X-Forwarded-Proto",
		"X-Forwarded-Host", "X-Forwarded-Port", "X-Forwarded-Path", "X-Forwarded-Prefix":
		return true
	}
	return hopByHop(name) || strings.HasPrefix(name, internalPrefix)
}

// connectionTokens returns the header names that Connection lists, canonical;
// they are hop-by-hop for this message.
func connectionTokens(h http.Header) []string {
	var names []string
	for _, line := range h["Connection"] {
		for token := range strings.SplitSeq(line, ",") {
			if token = textproto.TrimString(token); token != "" && !strings.EqualFold(token, "keep-alive") && !strings.EqualFold(token, "close") {
				names = append(names, textproto.CanonicalMIMEHeaderKey(token))
			}
		}
	}
	return names
}

func contains(names []string, name string) bool {
	return slices.Contains(names, name)
}

// framing says how a request's body is sent.
type framing uint8

const (
	noBody framing = iota
	sized
	chunked
)

func framingOf(r *http.Request) framing {
	switch {
	case r.Body == nil || r.Body == http.NoBody || r.ContentLength == 0:
		return noBody
	case r.ContentLength > 0:
		return sized
	}
	return chunked
}

// appendHead appends the request head that the worker gets. target is the
// request target, byte for byte; upgrade is the value of Upgrade for a
// handshake, else "".
func appendHead(b []byte, r *http.Request, id, target, upgrade string) []byte {
	b = append(b, r.Method...)
	b = append(b, ' ')
	b = append(b, target...)
	b = append(b, " HTTP/1.1\r\n"...)
	b = appendHeader(b, "Host", r.Host)
	listed := connectionTokens(r.Header)
	for name, values := range r.Header {
		if hidden(name) || contains(listed, name) {
			continue
		}
		for _, value := range values {
			b = appendHeader(b, name, value)
		}
	}
	b = appendForwarded(b, r)
	b = appendHeader(b, headerRequestID, id)
	switch framingOf(r) {
	case sized:
		b = appendHeader(b, "Content-Length", strconv.FormatInt(r.ContentLength, 10))
	case chunked:
		b = append(b, "Transfer-Encoding: chunked\r\n"...)
		if len(r.Trailer) > 0 {
			b = appendHeader(b, "Trailer", strings.Join(keys(r.Trailer), ", "))
		}
	case noBody:
		if r.Method != http.MethodGet && r.Method != http.MethodHead && r.Header["Content-Length"] != nil {
			b = append(b, "Content-Length: 0\r\n"...)
		}
	}
	if takesTrailers(r.Header) {
		b = append(b, "Te: trailers\r\n"...)
	}
	if upgrade != "" {
		b = append(b, "Connection: Upgrade\r\n"...)
		b = appendHeader(b, "Upgrade", upgrade)
	}
	return append(b, "\r\n"...)
}

func appendHeader(b []byte, name, value string) []byte {
	b = append(b, name...)
	b = append(b, ": "...)
	b = append(b, value...)
	return append(b, "\r\n"...)
}

// appendForwarded adds what the Supabase CLI's gateways add. A client's own
// X-Forwarded-For is kept in front, as a proxy does; the others are replaced.
func appendForwarded(b []byte, r *http.Request) []byte {
	if ip, _, err := net.SplitHostPort(r.RemoteAddr); err == nil {
		chain := ip
		if prior := r.Header["X-Forwarded-For"]; len(prior) > 0 {
			chain = strings.Join(prior, ", ") + ", " + ip
		}
		b = appendHeader(b, "X-Forwarded-For", chain)
		b = appendHeader(b, "X-Real-Ip", ip)
	}
	host, port := splitHost(r)
	b = appendHeader(b, "X-Forwarded-Proto", "http")
	b = appendHeader(b, "X-Forwarded-Host", strings.ToLower(host))
	if port != "" {
		b = appendHeader(b, "X-Forwarded-Port", port)
	}
	path, _, _ := strings.Cut(requestTarget(r), "?")
	b = appendHeader(b, "X-Forwarded-Path", path)
	return appendHeader(b, "X-Forwarded-Prefix", functionsPrefix)
}

// splitHost returns the host a client named and the port it reached.
func splitHost(r *http.Request) (host, port string) {
	host, port, err := net.SplitHostPort(r.Host)
	if err != nil {
		host = r.Host
	}
	if addr, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr); ok {
		if _, p, err := net.SplitHostPort(addr.String()); err == nil {
			port = p
		}
	}
	return host, port
}

func takesTrailers(h http.Header) bool {
	for _, line := range h["Te"] {
		for token := range strings.SplitSeq(line, ",") {
			if strings.EqualFold(textproto.TrimString(token), "trailers") {
				return true
			}
		}
	}
	return false
}

func keys(h http.Header) []string {
	names := make([]string, 0, len(h))
	for name := range h {
		names = append(names, name)
	}
	return names
}

// copyAnswer copies a worker's response headers, as they are but for those of
// the connection.
func copyAnswer(dst, src http.Header) {
	listed := connectionTokens(src)
	for name, values := range src {
		if hopByHop(name) || contains(listed, name) {
			continue
		}
		dst[name] = values
	}
}

// upgradeOf returns the Upgrade value of a handshake, or "". As the reference
// has it: Connection lists the token upgrade, and Upgrade is there. An offer of
// HTTP/2 is no handshake: a server may ignore it (RFC 9110, section 7.8), and
// curl --http2 makes one with each request.
func upgradeOf(r *http.Request) string {
	value := r.Header.Get("Upgrade")
	if value == "" || strings.EqualFold(value, "h2c") || framingOf(r) != noBody {
		return ""
	}
	if slices.Contains(connectionTokens(r.Header), "Upgrade") {
		return value
	}
	return ""
}
