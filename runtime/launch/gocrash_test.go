package launch

import (
	"strings"
	"testing"
)

func TestGoCrashShowsTheUsersFrames(t *testing.T) {
	rows := []struct{ report, name, message, stack string }{
		{
			"panic: assignment to entry in nil map\n\ngoroutine 23 [running]:\nfunction.boom(...)\n\t/p/main.go:39\n" +
				"function.(*T).Do(0xc0001, {0x1, 0x2})\n\t/p/t.go:7 +0x45a\ncreated by function.Handler in goroutine 20\n\t/p/main.go:24 +0x45a\n",
			"panic", "assignment to entry in nil map",
			"function.boom\n\t/p/main.go:39\nfunction.(*T).Do\n\t/p/t.go:7\ncreated by function.Handler\n\t/p/main.go:24\n",
		},
		{
			"panic: no configuration\n\ngoroutine 1 [running]:\nfunction.init.0()\n\t/p/main.go:5 +0x2c\nruntime.doInit1(0x1)\n\t/go/src/runtime/proc.go:7 +0x1\n",
			"panic", "no configuration", "function.init.0\n\t/p/main.go:5\n",
		},
		{
			"panic: runtime error: invalid memory address or nil pointer dereference\n[signal SIGSEGV: segmentation violation code=0x1 addr=0x0 pc=0x1]\n\n" +
				"goroutine 7 gp=0x1 m=4 [running]:\npanic({0x1, 0x2})\n\t/go/src/runtime/panic.go:1 +0x1\nfunction.f()\n\t/p/main.go:9 +0x1\n",
			"panic", "runtime error: invalid memory address or nil pointer dereference", "function.f\n\t/p/main.go:9\n",
		},
		{
			"fatal error: concurrent map writes\n\ngoroutine 9 [running]:\ninternal/runtime/maps.fatal({0x1, 0x2})\n\t/go/src/runtime/panic.go:1181 +0x18\n" +
				"function.g()\n\t/p/main.go:3 +0x1\n",
			"crash", "fatal error: concurrent map writes", "function.g\n\t/p/main.go:3\n",
		},
		{"panic: cut short", "panic", "cut short", ""},
	}
	for _, r := range rows {
		first, _, _ := strings.Cut(r.report, "\n")
		if !GoCrashBegins(first) {
			t.Errorf("%q does not begin a report", first)
		}
		if name, message, stack := GoCrash(r.report); name != r.name || message != r.message || stack != r.stack {
			t.Errorf("GoCrash(%q) = %q, %q,\n%s", r.report, name, message, stack)
		}
	}
	if GoCrashBegins("it was no panic: nothing happened") {
		t.Error("an ordinary line begins a report")
	}
}
