package main

import (
	"context"
	"errors"
	"io"
	"maps"
	"net/http"
	"strings"
	"sync"

	"github.com/rogpeppe/go-internal/testscript"
)

// request is what a script asks for.
type request struct {
	method, url, body string
	header            http.Header
}

// answer is what came back.
type answer struct {
	status int
	header http.Header
	body   string
	err    error
}

// exchanged is a request made with -bg.
type exchanged struct {
	cancel context.CancelFunc
	done   chan struct{} // closed when answer is there
	answer answer
}

// scriptClient follows no redirects and decompresses nothing: scripts see what
// brink sends.
var scriptClient = &http.Client{
	Transport:     &http.Transport{DisableCompression: true, DisableKeepAlives: true},
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

// absolute makes a path a URL below $URL.
func absolute(ts *testscript.TestScript, url string) string {
	if strings.HasPrefix(url, "/") {
		return ts.Getenv("URL") + url
	}
	return url
}

// headerFlag returns the setter of -H.
func headerFlag(ts *testscript.TestScript, h http.Header) func(string) {
	return func(text string) {
		name, value, ok := strings.Cut(text, ":")
		if !ok {
			ts.Fatalf("-H %q has no colon", text)
		}
		h.Add(name, strings.TrimSpace(value))
	}
}

// parseRequest reads the arguments of http and parallel.
func parseRequest(ts *testscript.TestScript, args []string, more map[string]func(string)) request {
	r := request{header: http.Header{}}
	set := map[string]func(string){
		"H":    headerFlag(ts, r.header),
		"d":    func(v string) { r.body = v },
		"f":    func(v string) { r.body = ts.ReadFile(v) },
		"size": func(v string) { r.body = textOf(number(ts, v)) },
	}
	maps.Copy(set, more)
	args = flagArgs(ts, args, "", set)
	only(ts, args, 2, 2, "http [flags] METHOD url")
	r.method, r.url = args[0], args[1]
	return r
}

// do makes a request and waits for its answer.
func (s *script) do(ts *testscript.TestScript, r request) answer {
	ctx, cancel := s.within()
	defer cancel()
	r.url = absolute(ts, r.url)
	return r.send(ctx)
}

func (r request) send(ctx context.Context) answer {
	req, err := http.NewRequestWithContext(ctx, r.method, r.url, strings.NewReader(r.body))
	if err != nil {
		return answer{err: err}
	}
	for name, values := range r.header {
		req.Header[http.CanonicalHeaderKey(name)] = values
	}
	if host := r.header.Get("Host"); host != "" {
		req.Host = host
	}
	if r.body == "" {
		req.Body, req.GetBody, req.ContentLength = nil, nil, 0
	}
	resp, err := scriptClient.Do(req)
	if err != nil {
		return answer{err: err}
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return answer{resp.StatusCode, resp.Header, string(body), err}
}

func cmdHTTP(ts *testscript.TestScript, neg bool, args []string) {
	s := stateOf(ts)
	background, until := "", ""
	r := parseRequest(ts, args, map[string]func(string){
		"bg":    func(v string) { background = v },
		"until": func(v string) { until = v },
	})
	if until != "" {
		noNegation(ts, neg)
		s.take(ts, false, s.repeat(ts, r, until))
		return
	}
	if background == "" {
		s.take(ts, neg, s.do(ts, r))
		return
	}
	noNegation(ts, neg)
	if s.calls[background] != nil {
		ts.Fatalf("request %q is still out", background)
	}
	ctx, cancel := s.within()
	c := &exchanged{cancel: cancel, done: make(chan struct{})}
	r.url = absolute(ts, r.url)
	s.calls[background] = c
	go func() {
		defer close(c.done)
		defer cancel()
		c.answer = r.send(ctx)
	}()
}

// repeat makes a request again and again until its answer matches.
func (s *script) repeat(ts *testscript.TestScript, r request, until string) answer {
	ctx, cancel := s.within()
	defer cancel()
	re := compile(ts, until)
	r.url = absolute(ts, r.url)
	var last answer
	for ctx.Err() == nil {
		if a := r.send(ctx); a.err == nil {
			if last = a; re.MatchString(a.body) {
				return a
			}
		}
	}
	ts.Fatalf("the answer stays %d %q", last.status, last.body)
	return last
}

// take makes an answer the one that status, body and header look at. A
// negated command wants a connection that breaks off.
func (s *script) take(ts *testscript.TestScript, neg bool, all ...answer) {
	for _, a := range all {
		switch {
		case a.err != nil && !neg:
			ts.Fatalf("no whole response (status %d, body so far %q): %v", a.status, a.body, a.err)
		case a.err == nil && neg:
			ts.Fatalf("a whole response came: %d %q", a.status, a.body)
		case errors.Is(a.err, context.DeadlineExceeded):
			ts.Fatalf("no response in %s", scriptDeadline)
		}
	}
	s.last = all
	_, err := io.WriteString(ts.Stdout(), all[0].body[:min(len(all[0].body), 64<<10)])
	ts.Check(err)
}

func cmdAwait(ts *testscript.TestScript, neg bool, args []string) {
	only(ts, args, 1, 1, "await name")
	s := stateOf(ts)
	c := s.calls[args[0]]
	if c == nil {
		ts.Fatalf("no request is called %q", args[0])
	}
	<-c.done
	delete(s.calls, args[0])
	s.take(ts, neg, c.answer)
}

func cmdAbandon(ts *testscript.TestScript, neg bool, args []string) {
	noNegation(ts, neg)
	only(ts, args, 1, 1, "abandon name")
	s := stateOf(ts)
	c := s.calls[args[0]]
	if c == nil {
		ts.Fatalf("no request is called %q", args[0])
	}
	c.cancel()
	<-c.done
	delete(s.calls, args[0])
	if !errors.Is(c.answer.err, context.Canceled) {
		ts.Fatalf("it was answered before: %d %q %v", c.answer.status, c.answer.body, c.answer.err)
	}
}

func cmdParallel(ts *testscript.TestScript, neg bool, args []string) {
	noNegation(ts, neg)
	if len(args) < 3 {
		ts.Fatalf("usage: parallel N [flags] METHOD url")
	}
	s := stateOf(ts)
	answers := make([]answer, number(ts, args[0]))
	r := parseRequest(ts, args[1:], nil)
	r.url = absolute(ts, r.url)
	ctx, cancel := s.within()
	defer cancel()
	var wg sync.WaitGroup
	for i := range answers {
		wg.Go(func() { answers[i] = r.send(ctx) })
	}
	wg.Wait()
	s.take(ts, false, answers...)
}

func cmdDistinct(ts *testscript.TestScript, neg bool, args []string) {
	noNegation(ts, neg)
	only(ts, args, 1, 1, "distinct N")
	seen := map[string]int{}
	for _, a := range stateOf(ts).last {
		seen[a.body]++
	}
	if len(seen) != number(ts, args[0]) {
		ts.Fatalf("%d different bodies: %v", len(seen), seen)
	}
}

// lastAnswers are those of the last request or requests.
func lastAnswers(ts *testscript.TestScript) []answer {
	last := stateOf(ts).last
	if len(last) == 0 {
		ts.Fatalf("nothing was asked yet")
	}
	return last
}

func cmdStatus(ts *testscript.TestScript, neg bool, args []string) {
	noNegation(ts, neg)
	only(ts, args, 1, 1, "status N")
	want := number(ts, args[0])
	for _, a := range lastAnswers(ts) {
		if a.status != want {
			ts.Fatalf("status %d, want %d; body %q", a.status, want, a.body)
		}
	}
}

func cmdBody(ts *testscript.TestScript, neg bool, args []string) {
	only(ts, args, 1, 1, "body regexp")
	re := compile(ts, args[0])
	for _, a := range lastAnswers(ts) {
		if re.MatchString(a.body) == neg {
			ts.Fatalf("status %d, body %q", a.status, a.body)
		}
	}
}

func cmdBodySize(ts *testscript.TestScript, neg bool, args []string) {
	noNegation(ts, neg)
	only(ts, args, 1, 1, "bodysize N")
	for _, a := range lastAnswers(ts) {
		if a.body != textOf(number(ts, args[0])) {
			ts.Fatalf("status %d, another body of %d bytes", a.status, len(a.body))
		}
	}
}

func cmdHeader(ts *testscript.TestScript, neg bool, args []string) {
	only(ts, args, 1, 2, "header name [regexp]")
	expr := ""
	if len(args) > 1 {
		expr = args[1]
	}
	re := compile(ts, expr)
	for _, a := range lastAnswers(ts) {
		values := a.header.Values(args[0])
		if found := len(values) > 0 && re.MatchString(strings.Join(values, ", ")); found == neg {
			ts.Fatalf("header %s is %q", args[0], values)
		}
	}
}
