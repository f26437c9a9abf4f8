package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// What the figures are measured with.
const (
	loadTime  = 3 * time.Second
	loadConns = 16
	starts    = 7 // processes started for one figure
	saves     = 7 // edits for one figure
	pacedFor  = 60
	pace      = 150 * time.Millisecond // enough for a spare to be back
)

// helloFunction is the sample as it is in functions/.
func (s *stand) helloFunction() string {
	s.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "functions", "hello", "index.ts"))
	if err != nil {
		s.Fatal(err)
	}
	return string(text)
}

// benchServe compares serving hello with the bare engine.
func (s *stand) benchServe(*testing.B) {
	dir := s.project(map[string]string{"hello/index.ts": s.helloFunction()})
	file := filepath.Join(dir, "functions", "hello", "index.ts")
	start := func(begin func() *peer) time.Duration {
		var all []time.Duration
		for i := range starts + 1 {
			p := begin()
			took := p.ready()
			p.stop()
			if i > 0 { // the first one fills caches
				all = append(all, took)
			}
		}
		return median(all)
	}
	bareStart := start(func() *peer { return s.bare(file) })
	s.table.title("Serve hello, TypeScript")
	s.table.times("start to first 200", start(func() *peer { return s.serve(dir, "hello") }), bareStart, "deno run")

	bare := s.bare(file)
	bare.ready()
	bareMany, bareOne := bare.warmLoad(loadConns), bare.load(1, loadTime)
	bare.stop()

	p := s.serve(dir, "hello", "--policy", "per_worker")
	p.ready()
	many := p.warmLoad(loadConns)
	before := p.cpu()
	cpuLoad := p.load(loadConns, loadTime)
	each := (p.cpu() - before) / time.Duration(len(cpuLoad.times))
	one := p.load(1, loadTime)
	p.stop()
	s.table.rates(fmt.Sprintf("per_worker, %d connections", loadConns), many.rate, bareMany.rate, "deno serve")
	s.table.times("  p50", many.p50(), bareMany.p50(), "deno serve")
	s.table.times("  p99", many.p99(), bareMany.p99(), "deno serve")
	s.table.times("per_worker, 1 connection, p50", one.p50(), bareOne.p50(), "deno serve")
	s.table.times("  p99", one.p99(), bareOne.p99(), "deno serve")
	s.table.times("  CPU of brink for each request", each, time.Duration(float64(time.Second)/bareMany.rate), "a request of deno serve")

	p = s.serve(dir, "hello", "--policy", "per_request")
	p.ready()
	many = p.load(4, loadTime)
	p.stop()
	s.table.rates("per_request, 4 connections", many.rate, bareMany.rate, "deno serve")
	for _, spare := range []string{"1", "0"} {
		s.perRequest(dir, "hello", spare, bareStart, "deno run")
	}
}

// warmLoad is load after a second of it: just-in-time compilers need that.
func (p *peer) warmLoad(n int) measured {
	p.s.Helper()
	p.load(n, time.Second)
	return p.load(n, loadTime)
}

// perRequest adds the latency of requests that come one at a time.
func (s *stand) perRequest(dir, function, spare string, bareStart time.Duration, which string) {
	s.Helper()
	p := s.serve(dir, function, "--policy", "per_request", "--spare", spare)
	p.ready()
	m := p.paced(pacedFor, pace)
	p.stop()
	s.table.times("per_request, --spare "+spare+", p50", m.p50(), bareStart, "start of "+which)
	s.table.times("  p99", m.p99(), bareStart, "start of "+which)
}

// benchReload measures how soon new code is served after a save.
func (s *stand) benchReload(*testing.B) {
	const source = `Deno.serve(() => new Response("version 0 of it"));` + "\n"
	dir := s.project(map[string]string{"edited/index.ts": source})
	file := filepath.Join(dir, "functions", "edited", "index.ts")
	save := func(p *peer) time.Duration {
		s.Helper()
		p.ready()
		defer p.stop()
		// A watcher has to stand before the first edit, and a spare be back.
		tick := time.NewTicker(2 * pace)
		defer tick.Stop()
		var all []time.Duration
		for i := range saves {
			<-tick.C
			version := fmt.Sprintf("version %d of it", i+1)
			from := time.Now()
			s.write(file, strings.Replace(source, "version 0 of it", version, 1))
			all = append(all, p.awaits(from, version))
		}
		return median(all)
	}
	const which = "deno run --watch"
	bare := save(s.bare(file, "--watch"))
	s.table.title("Save to new code served")
	s.table.times("per_request", save(s.serve(dir, "edited", "--policy", "per_request")), bare, which)
	s.table.times("per_worker, reload = auto", save(s.serve(dir, "edited", "--policy", "per_worker", "--reload", "auto")), bare, which)
}

// benchSockets compares WebSocket round trips.
func (s *stand) benchSockets(*testing.B) {
	dir := s.project(map[string]string{"echo/index.ts": `Deno.serve((req) => {
  if (req.headers.get("upgrade") !== "websocket") return new Response("an echo");
  const { socket, response } = Deno.upgradeWebSocket(req);
  socket.onmessage = (e) => socket.send(e.data);
  return response;
});
`})
	p := s.serve(dir, "echo", "--policy", "per_worker", "--limits", "off")
	p.ready()
	bare := s.bare(filepath.Join(dir, "functions", "echo", "index.ts"))
	bare.ready()
	s.table.title("WebSocket echo")
	for _, n := range []int{1, 100} {
		bare.echoes(n, time.Second)
		direct := bare.echoes(n, loadTime)
		p.echoes(n, time.Second)
		through := p.echoes(n, loadTime)
		s.table.rates("round trips, "+plural(n, "socket"), through.rate, direct.rate, "deno serve")
		s.table.times("  p50", through.p50(), direct.p50(), "deno serve")
		s.table.times("  p99", through.p99(), direct.p99(), "deno serve")
	}
	p.stop()
	bare.stop()
}
