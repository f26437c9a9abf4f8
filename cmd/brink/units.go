package main

import (
	"fmt"
	"strings"
	"time"

	"brink/policy"
)

// milliseconds writes a time for people: 0.4ms, 37ms, 2.41s, 6m40s.
func milliseconds(ms float64) string {
	switch {
	case ms < 0.05:
		return "0ms"
	case ms < 10:
		return strings.TrimSuffix(fmt.Sprintf("%.1f", ms), ".0") + "ms"
	case ms < 999.5:
		return fmt.Sprintf("%.0fms", ms)
	case ms < 59_995:
		return fmt.Sprintf("%.2fs", ms/1000)
	}
	return (time.Duration(ms) * time.Millisecond).Round(time.Second).String()
}

// megabytes writes a size for people, in units of 2^20 bytes as the hosted
// platform's limits are.
func megabytes(bytes float64) string {
	mb := bytes / (1 << 20)
	if mb < 9.95 {
		return strings.TrimSuffix(fmt.Sprintf("%.1f", mb), ".0") + "MB"
	}
	return fmt.Sprintf("%.0fMB", mb)
}

// limitsText writes a function's limits on one line, for the banner and list.
func limitsText(l policy.Limits) string {
	if l.Enforcement == policy.Off {
		return "off"
	}
	var parts []string
	if l.Memory > 0 {
		parts = append(parts, "memory "+megabytes(float64(l.Memory)))
	}
	if l.WallClock > 0 {
		parts = append(parts, "wall clock "+shortDuration(l.WallClock))
	}
	if l.CPUHard > 0 {
		parts = append(parts, fmt.Sprintf("CPU %s soft, %s hard", shortDuration(l.CPUSoft), shortDuration(l.CPUHard)))
	}
	if l.IdleTimeout > 0 {
		parts = append(parts, "first byte "+shortDuration(l.IdleTimeout))
	}
	if l.TmpQuota > 0 {
		parts = append(parts, "/tmp "+megabytes(float64(l.TmpQuota)))
	}
	if l.Enforcement == policy.Warn {
		parts = append(parts, "warn only")
	}
	return strings.Join(parts, " · ")
}

// shortDuration is Duration.String without its trailing zeros: 400s, 1.5s.
func shortDuration(d time.Duration) string {
	if d >= time.Second {
		return strings.TrimSuffix(strings.TrimRight(fmt.Sprintf("%.3f", d.Seconds()), "0"), ".") + "s"
	}
	return d.String()
}

// took is the tail " in 12ms", or "" when the time is not known.
func took(ms float64) string {
	if ms < 0.05 {
		return ""
	}
	return " in " + milliseconds(ms)
}
