package agent

import (
	"time"

	"github.com/fogcompute/fogcompute/fog/idle/sensor"
	"github.com/fogcompute/fogcompute/fog/internal/fault"
)

// budget is what guests may use of the CPU. It grows with time and shrinks with use, like a token bucket: the mean use over any
// time is at most the share, plus what one reading brings.
type budget struct {
	at     time.Time     // of the last reading; zero before the first one
	used   time.Duration // by then
	credit time.Duration // CPU time; below 0 the guests are ahead
}

// burst is for how long a budget that is not used grows.
const burst = 2 * time.Second

// spend takes in how much CPU time guests have used so far, given how many cores they may use on average, and reports whether they are
// ahead of that. A clock that was set back gives nothing.
func (b *budget) spend(now time.Time, used time.Duration, cores float64) (ahead bool) {
	if !b.at.IsZero() {
		grow := func(d time.Duration) time.Duration { return time.Duration(float64(max(d, 0)) * cores) }
		b.credit += grow(now.Sub(b.at)) - max(used-b.used, 0)
		b.credit = min(b.credit, grow(burst))
	}
	b.at, b.used = now, used
	return b.credit < 0
}

// share is the share of all cores that guests may use now. The lock is held.
func (a *Agent) share() float64 { return a.cfg.Policy.Limits.Share(a.tier) }

// throttle pauses the guests while they are ahead of their share of the CPU. The lock is held.
func (a *Agent) throttle() {
	ahead := false
	if share := a.share(); share < 1 {
		ahead = a.budget.spend(a.cfg.Now(), a.exec.CPU(), share*float64(a.cfg.Cores))
	} else {
		a.budget = budget{}
	}
	if ahead != a.throttled {
		a.throttled = ahead
		a.hold()
	}
}

// limit lowers what the device lends to what its policy lets guests use. Errors are of kind Invalid if too little is left.
func (a *Agent) limit() error {
	const least = 512
	l, c := &a.cfg.Policy.Limits, &a.cfg.Capacity
	if l.CPUShare > 0 { // a server knows no less than one core
		c.MilliCPU = min(c.MilliCPU, max(int64(l.CPUShare*float64(a.cfg.Cores)*1000), 1000))
	}
	if l.MemoryShare == 0 {
		return nil
	}
	total, err := sensor.MemoryMB()
	if err != nil {
		return fault.Newf(fault.Unavailable, "agent.config", "policy.limits.memory_share: the size of the memory cannot be read: %w", err)
	}
	lent := int64(l.MemoryShare * float64(total))
	if lent < least {
		return fault.Field("agent.config", "policy.limits.memory_share", "leaves %d MiB of %d, a device must lend %d at least", lent, total, least)
	}
	if c.MemoryMB == 0 || c.MemoryMB > lent {
		c.MemoryMB = lent
	}
	return nil
}
