package main

import (
	"slices"
	"strings"
	"sync"

	"github.com/rogpeppe/go-internal/testscript"
)

// volley is a crowd of clients that ask for the same thing, each several times
// in a row.
//
//	volley start [-each N] [-H 'K: v']... CLIENTS METHOD url   goes on at once
//	volley wait STATUS...      waits until every client has all its answers; each is one of STATUS, and each STATUS
//	                           came up at least once unless it is written with a question mark (503?)
type volley struct {
	done    chan struct{} // closed when answers is whole
	answers []answer
}

// volleys are those that are out, by script.
var volleys sync.Map

func init() { scriptCommands["volley"] = cmdVolley }

func cmdVolley(ts *testscript.TestScript, neg bool, args []string) {
	noNegation(ts, neg)
	s := stateOf(ts)
	switch {
	case len(args) > 3 && args[0] == "start":
		startVolley(ts, s, args[1:])
	case len(args) > 1 && args[0] == "wait":
		waitVolley(ts, s, args[1:])
	default:
		ts.Fatalf("usage: volley start|wait ...")
	}
}

func startVolley(ts *testscript.TestScript, s *script, args []string) {
	each := 1
	r := request{header: map[string][]string{}}
	args = flagArgs(ts, args, "", map[string]func(string){
		"each": func(v string) { each = number(ts, v) },
		"H":    headerFlag(ts, r.header),
	})
	only(ts, args, 3, 3, "volley start [flags] CLIENTS METHOD url")
	clients := number(ts, args[0])
	r.method, r.url = args[1], absolute(ts, args[2])
	v := &volley{done: make(chan struct{}), answers: make([]answer, clients*each)}
	volleys.Store(s, v)
	ctx, cancel := s.within()
	go func() {
		defer close(v.done)
		defer cancel()
		var wg sync.WaitGroup
		for i := range clients {
			wg.Go(func() {
				for j := range each {
					v.answers[i*each+j] = r.send(ctx)
				}
			})
		}
		wg.Wait()
	}()
}

func waitVolley(ts *testscript.TestScript, s *script, statuses []string) {
	found, ok := volleys.LoadAndDelete(s)
	if !ok {
		ts.Fatalf("no volley is out")
	}
	v := found.(*volley)
	<-v.done
	seen := map[string]int{}
	for _, a := range v.answers {
		if a.err != nil {
			ts.Fatalf("a client got no whole response (status %d): %v", a.status, a.err)
		}
		seen[itoa(a.status)]++
	}
	ts.Logf("%v", seen)
	for status := range seen {
		if !slices.Contains(statuses, status) && !slices.Contains(statuses, status+"?") {
			ts.Fatalf("a client got %s: %v", status, seen)
		}
	}
	for _, want := range statuses {
		if !strings.HasSuffix(want, "?") && seen[want] == 0 {
			ts.Fatalf("no client got %s: %v", want, seen)
		}
	}
}
