package config

import (
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/docker/go-units"

	"brink/policy"
)

// asDuration takes a Go duration ("400s", "1m30s", "1500ms") or a plain number
// of unit. Where zero is allowed it means that the limit does not exist.
func asDuration(unit, least time.Duration, zero bool) func(any) (time.Duration, error) {
	return func(v any) (time.Duration, error) {
		d, ok := parseDuration(v, unit)
		switch {
		case !ok:
			return 0, fmt.Errorf("not a duration; allowed are durations like %s or a number of %s, the smallest possible is %s%s",
				exampleDuration(unit), unitName(unit), least, orZero(zero))
		case d == 0 && zero:
			return 0, nil
		case d < least:
			return 0, fmt.Errorf("too short; the smallest possible is %s%s", least, orZero(zero))
		}
		return d, nil
	}
}

func parseDuration(v any, unit time.Duration) (time.Duration, bool) {
	if n, err := asNumber(v); err == nil {
		if math.Abs(n) > float64(math.MaxInt64/int64(unit)) {
			return 0, false
		}
		return time.Duration(n * float64(unit)), true
	}
	s, _ := v.(string)
	d, err := time.ParseDuration(strings.TrimSpace(s))
	return d, err == nil
}

func orZero(zero bool) string {
	if zero {
		return " (0 turns it off)"
	}
	return ""
}

func unitName(unit time.Duration) string {
	if unit == time.Millisecond {
		return "milliseconds"
	}
	return "seconds"
}

func exampleDuration(unit time.Duration) string {
	if unit == time.Millisecond {
		return `"1500ms"`
	}
	return `"1m30s"`
}

// asSize takes a size ("256MB", "1GiB") or a plain number of MiB. Units are
// binary whichever way they are written, as in the hosted limits' "256 MB".
func asSize(least int64) func(any) (int64, error) {
	return func(v any) (int64, error) {
		size, ok := parseSize(v)
		if !ok {
			return 0, fmt.Errorf("not a size; allowed are sizes like \"256MB\" or a number of MB, the smallest possible is %s", formatSize(least))
		}
		if size < least {
			return 0, fmt.Errorf("too small; the smallest possible is %s", formatSize(least))
		}
		return size, nil
	}
}

func parseSize(v any) (int64, bool) {
	if n, err := asNumber(v); err == nil {
		if n < 0 || n > float64(math.MaxInt64/policy.MiB) {
			return 0, false
		}
		return int64(n * float64(policy.MiB)), true
	}
	s, _ := v.(string)
	size, err := units.RAMInBytes(strings.TrimSpace(s))
	return size, err == nil && size >= 0
}

// formatSize writes a size the way it can be written in config.toml.
func formatSize(size int64) string { return fmt.Sprintf("%dMB", size/policy.MiB) }
