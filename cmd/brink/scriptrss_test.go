package main

import (
	"github.com/rogpeppe/go-internal/testscript"
	"github.com/shirou/gopsutil/v4/process"
)

// residentOf returns the resident memory of brink itself, in bytes.
func residentOf(ts *testscript.TestScript) uint64 {
	p, err := process.NewProcess(int32(stateOf(ts).serving(ts).cmd.Process.Pid))
	ts.Check(err)
	info, err := p.MemoryInfo()
	ts.Check(err)
	return info.RSS
}

// cmdRSS remembers brink's resident memory, or compares with it.
func cmdRSS(ts *testscript.TestScript, neg bool, args []string) {
	noNegation(ts, neg)
	only(ts, args, 1, 2, "rss note, or rss within MB")
	s := stateOf(ts)
	now := residentOf(ts)
	if args[0] == "note" {
		s.resident = now
		return
	}
	only(ts, args, 2, 2, "rss within MB")
	grown := (int64(now) - int64(s.resident)) >> 20
	ts.Logf("brink has %d MB, %d more than before", now>>20, grown)
	if grown > int64(number(ts, args[1])) {
		ts.Fatalf("brink grew by %d MB", grown)
	}
}
