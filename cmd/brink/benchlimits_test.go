package main

import (
	"fmt"
	"strconv"
	"testing"
	"time"

	"brink/policy"
)

// What the limits are set to.
const (
	cpuHard     = 200 // ms
	memoryLimit = 256 // MB
	timeScale   = 1000
)

// Each of these functions goes for one limit. From shortly before it they say
// how far they have come, in ms or MB: the last word is how far they got. They
// say no more than it takes, since a worker that never returns to its event
// loop gets out some hundred lines only.
var greedy = map[string]string{
	"cpu/index.ts": fmt.Sprintf(`import process from "node:process";
const { user, system } = process.cpuUsage();
Deno.serve(() => {
  for (let next = 0;;) {
    const now = performance.now();
    if (now < next) continue;
    next = now + 0.5;
    const used = process.cpuUsage();
    const ms = (used.user + used.system - user - system) / 1000;
    if (ms > %d) console.log(ms);
  }
});
`, cpuHard-30),
	"heap/index.ts":    grows(`kept.push(new Array(131072).fill(kept.length + 0.5));`),
	"buffers/index.ts": grows(`kept.push(new Uint8Array(1 << 20).fill(1));`),
	"wasm/index.ts": grows(`kept[0] ??= new WebAssembly.Memory({ initial: 0 });
    const old = kept[0].grow(16);
    new Uint8Array(kept[0].buffer, old * 65536, 1 << 20).fill(1);`),
	"wall/index.ts": "Deno.serve(() => new Promise(() => {}));\n",
}

// grows is a function that takes one MB more with each step, uses it, and keeps
// it.
func grows(step string) string {
	return fmt.Sprintf(`Deno.serve(() => {
  const kept = [];
  for (let mb = 1;; mb++) {
    %s
    if (mb > %d && mb %% 2 === 0) console.log(mb);
  }
});
`, step, memoryLimit-80)
}

// lives is how many workers go for each limit.
const lives = 20

// benchLimits measures how far past its limits a worker gets. The peer is the
// limit.
func (s *stand) benchLimits(*testing.B) {
	dir := s.project(greedy)
	s.table.title(fmt.Sprintf("Past the limits, %d lives each", lives))
	s.overrun(dir, "cpu", "CPU, by the function's clock", "ms", cpuHard, "--cpu-soft", "100ms", "--cpu-hard", fmt.Sprintf("%dms", cpuHard))
	for _, kind := range []struct{ name, figure string }{
		{"heap", "memory, V8 heap"}, {"buffers", "memory, ArrayBuffers"}, {"wasm", "memory, WASM"},
	} {
		s.overrun(dir, kind.name, kind.figure, "MB", memoryLimit, "--memory", fmt.Sprintf("%dMB", memoryLimit), "--cpu-soft", "20s", "--cpu-hard", "30s")
	}
	wall := policy.DefaultLimits(policy.PlanPro).Scaled(timeScale).WallClock
	s.overrun(dir, "wall", fmt.Sprintf("wall clock, --time-scale %d", timeScale), "ms", ms(wall), "--time-scale", fmt.Sprint(timeScale), "--idle-timeout", "0")
}

func (s *stand) overrun(dir, function, figure, unit string, limit float64, flags ...string) {
	s.Helper()
	p := s.serveEvents(dir, function, flags...)
	defer p.stop()
	for p.next().Event != eventReady {
	}
	var over []float64
	for range lives {
		reached, age := p.life()
		switch {
		case function == "wall":
			reached = age
		case reached == 0:
			s.Fatalf("%s ended after %.0f ms without a word", function, age)
		}
		over = append(over, reached-limit)
	}
	middle, worst := median(over), quantile(over, 1)
	s.table.add(figure, fmt.Sprintf("%+.1f %s, worst %+.1f", middle, unit, worst), fmt.Sprintf("%.0f %s", limit, unit),
		"limit", (limit+worst)/limit)
}

// life asks the function once, and returns how far its worker got: its own last
// word, 0 if it said nothing, and how old it grew, in ms.
func (p *peer) life() (reached, age float64) {
	p.s.Helper()
	answered := make(chan error, 1)
	go func() {
		status, err := newCaller(p).call()
		if err == nil && status != 546 {
			err = fmt.Errorf("status %d", status)
		}
		answered <- err
	}()
	last := map[string]float64{}
	for {
		h := p.next()
		switch {
		case h.Event == eventLog:
			if v, err := strconv.ParseFloat(h.Message, 64); err == nil {
				last[h.Worker] = max(last[h.Worker], v)
			}
		case h.Event == eventWorker && h.State == "ended":
			if err := <-answered; err != nil {
				p.s.Fatalf("%s: %v", p.path, err)
			}
			return last[h.Worker], h.Age
		}
	}
}

// benchSampling measures what it costs to watch workers that do nothing.
func (s *stand) benchSampling(*testing.B) {
	const workers = 20
	const watched = 10 * time.Second
	files := map[string]string{}
	for i := range workers {
		files[fmt.Sprintf("idle%d/index.ts", i)] = `Deno.serve(() => new Response("idle"));` + "\n"
	}
	dir := s.project(files)
	share := func(limits string) float64 {
		p := s.serve(dir, "", "--policy", "per_worker", "--spare", "0", "--limits", limits)
		defer p.stop()
		for i := range workers {
			p.path = functionsPath + "/idle" + strconv.Itoa(i)
			p.ready()
		}
		settle := time.NewTimer(2 * time.Second)
		<-settle.C
		before := p.cpu()
		over := time.NewTimer(watched)
		<-over.C
		return float64(p.cpu()-before) / float64(watched) * 100
	}
	off, on := share("off"), share("enforce")
	s.table.title("Watching idle workers")
	s.table.add(fmt.Sprintf("CPU of brink, %d workers", workers), fmt.Sprintf("%.1f %%", on), fmt.Sprintf("%.1f %%", off),
		"--limits off", on/max(off, 0.1)) // a clock tick is 0.1 %
}
