package config

import (
	"fmt"
	"time"

	"brink/policy"
)

// The smallest limits that can be kept. Below these a worker would be ended
// before a sample of it is taken; a memory limit's floor is policy.MinMemory.
const (
	minWallClock = 100 * time.Millisecond
	minIdle      = 10 * time.Millisecond
	minCPUSoft   = time.Millisecond
	minCPUHard   = 10 * time.Millisecond
	minTmpQuota  = policy.MiB
)

// limits decodes the limits of one function, or with name "" those for all of
// them, over base.
func (l *loader) limits(name string, base policy.Limits) policy.Limits {
	f := l.flags
	read(l, brinkKey(name, "limits", f.Limits), &base.Enforcement, asChoice(policy.EnforcementNames, policy.ParseEnforcement))
	read(l, brinkKey(name, "wall_clock", f.WallClock), &base.WallClock, asDuration(time.Second, minWallClock, true))
	read(l, brinkKey(name, "idle_timeout", f.IdleTimeout), &base.IdleTimeout, asDuration(time.Second, minIdle, true))
	read(l, brinkKey(name, "memory", f.Memory), &base.Memory, asSize(policy.MinMemory))
	read(l, brinkKey(name, "tmp_quota", f.TmpQuota), &base.TmpQuota, asSize(minTmpQuota))
	l.cpu(name, &base)
	return base
}

// cpu decodes both CPU limits. A soft limit that nobody wrote, or that is
// everybody's, makes room for a lower hard one; where both were written for
// the same scope, soft has to fit below hard.
func (l *loader) cpu(name string, base *policy.Limits) {
	softKey, hardKey := brinkKey(name, "cpu_soft", l.flags.CPUSoft), brinkKey(name, "cpu_hard", l.flags.CPUHard)
	soft, softSet := read(l, softKey, &base.CPUSoft, asDuration(time.Millisecond, minCPUSoft, true))
	hard, hardSet := read(l, hardKey, &base.CPUHard, asDuration(time.Millisecond, minCPUHard, true))
	softBroken := soft.value != nil && !softSet
	hardBroken := hard.value != nil && !hardSet
	if softBroken || hardBroken || base.CPUHard == 0 || base.CPUSoft <= base.CPUHard {
		return
	}
	if !softSet || l.inherits(name, soft, hard) {
		base.CPUSoft = base.CPUHard / 2
		return
	}
	whose := "cpu_hard"
	if !hardSet {
		whose = "cpu_hard's default"
	}
	l.fault(soft.at, fmt.Sprintf("%s is above %s of %s; allowed is at most %s, or a cpu_hard whose smallest possible value is %s",
		base.CPUSoft, whose, base.CPUHard, base.CPUHard, base.CPUSoft))
}

// inherits says whether the soft limit is everybody's and the hard one is this
// function's own.
func (l *loader) inherits(name string, soft, hard setting) bool {
	if name == "" {
		return false
	}
	commonSoft, _ := l.find(brinkKey("", "cpu_soft", l.flags.CPUSoft))
	commonHard, _ := l.find(brinkKey("", "cpu_hard", l.flags.CPUHard))
	return soft.at == commonSoft.at && hard.at != commonHard.at
}
