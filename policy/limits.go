package policy

import "time"

// Enforcement says what happens when a worker reaches a limit.
type Enforcement uint8

const (
	// Enforce ends the worker, as hosted. It is the default.
	Enforce Enforcement = iota
	// Warn lets it run on and reports what would have happened when hosted.
	Warn
	// Off measures nothing.
	Off
)

// EnforcementNames are the accepted spellings of `limits = "…"`.
var EnforcementNames = []string{"enforce", "warn", "off"}

// String returns the spelling used in configuration.
func (e Enforcement) String() string {
	switch e {
	case Warn:
		return "warn"
	case Off:
		return "off"
	}
	return "enforce"
}

// ParseEnforcement reads one of EnforcementNames.
func ParseEnforcement(s string) (Enforcement, error) {
	switch s {
	case "enforce":
		return Enforce, nil
	case "warn":
		return Warn, nil
	case "off":
		return Off, nil
	}
	return 0, notOneOf("limits", s, EnforcementNames)
}

// Plan names a hosted plan whose numbers are the defaults.
type Plan uint8

const (
	// PlanPro has the paid plans' numbers. It is the default.
	PlanPro Plan = iota
	// PlanFree has the free plan's numbers.
	PlanFree
)

// PlanNames are the accepted spellings of `plan = "…"`.
var PlanNames = []string{"pro", "free"}

// String returns the spelling used in configuration.
func (p Plan) String() string {
	if p == PlanFree {
		return "free"
	}
	return "pro"
}

// ParsePlan reads one of PlanNames.
func ParsePlan(s string) (Plan, error) {
	switch s {
	case "pro":
		return PlanPro, nil
	case "free":
		return PlanFree, nil
	}
	return 0, notOneOf("plan", s, PlanNames)
}

// MiB is one mebibyte in bytes; memory limits are written in it.
const MiB int64 = 1 << 20

// MinMemory is the smallest memory limit a Deno worker boots under: V8 needs
// about 10 MB of heap for the engine's own start (measured on Deno 2.9.6).
const MinMemory = 32 * MiB

// Limits are the numbers one function's workers live under. A zero duration
// means that the limit does not exist. Sources: the hosted platform's limits
// page (memory, wall clock by plan, 150 s to the first byte, /tmp by plan) and
// the Supabase CLI's serve (CPU 1 s soft, 2 s hard).
type Limits struct {
	Enforcement Enforcement
	WallClock   time.Duration // life of a worker, from its first line of user code
	CPUSoft     time.Duration // CPU time after which a worker is retired
	CPUHard     time.Duration // CPU time after which it is killed
	Memory      int64         // bytes: V8 heap plus external memory
	IdleTimeout time.Duration // request handed over until first response byte
	TmpQuota    int64         // bytes in the worker's own /tmp
}

// DefaultLimits returns the hosted numbers of a plan.
func DefaultLimits(p Plan) Limits {
	l := Limits{
		WallClock:   400 * time.Second,
		CPUSoft:     1 * time.Second,
		CPUHard:     2 * time.Second,
		Memory:      256 * MiB,
		IdleTimeout: 150 * time.Second,
		TmpQuota:    512 * MiB,
	}
	if p == PlanFree {
		l.WallClock = 150 * time.Second
		l.TmpQuota = 256 * MiB
	}
	return l
}

// Scaled returns l with wall-clock and idle times n times shorter, to rehearse
// a long life in a short time. CPU and memory are left alone: they measure
// work, not waiting. n below or equal to 1 changes nothing.
func (l Limits) Scaled(n float64) Limits {
	if n <= 1 {
		return l
	}
	l.WallClock = time.Duration(float64(l.WallClock) / n)
	l.IdleTimeout = time.Duration(float64(l.IdleTimeout) / n)
	return l
}
