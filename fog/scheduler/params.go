package scheduler

import (
	"math"
	"time"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
)

// Params are what an operator may change while the scheduler runs. The zero value works.
type Params struct {
	// RoundBudget is the time that a round may spend on better plans, after the jobs were placed; zero is 100 ms, negative is none.
	RoundBudget time.Duration
	// PriorityStep is by how much earlier a job counts as submitted for each unit of its priority; zero is a minute, negative
	// lets priorities count for nothing. It is applied when a job is submitted.
	PriorityStep time.Duration
	// Aging is the time in the queue after which a job rises by one tier; zero is 30 min, negative is never. So a job stands
	// in the best tier at the latest when it has waited for three times as long. A job that waits already follows a new
	// value from its next timer or change on.
	Aging time.Duration
	// Grace is how long an evicted attempt may go on; zero is 30 s, negative is not at all.
	Grace time.Duration
	// Evictions is how often a job may be evicted in an hour; then its attempts are left alone. Zero is 3, negative is never,
	// for any job.
	Evictions int
	// MoveGain is the share by which a plan must be better for running jobs to be moved, where 0.1 is a tenth; zero is 0.1,
	// negative moves none.
	MoveGain float64
	// Genetic is the share of a search, up to 1, that goes to NSGA-II on the archive after the local search; zero is 0.1, negative is
	// none.
	Genetic float64
}

// Bounds of Params.
const (
	maxRoundBudget  = 10 * time.Second
	maxPriorityStep = 24 * time.Hour
	maxAging        = 30 * 24 * time.Hour
	minAging        = time.Second
	maxGrace        = time.Hour
	maxEvictions    = 1000
	maxMoveGain     = 1000
)

// Validate reports the first field that cannot work, as fault Invalid.
func (p Params) Validate() error {
	const op = "scheduler.params"
	for _, d := range []struct {
		name        string
		value       time.Duration
		least, most time.Duration
	}{
		{"RoundBudget", p.RoundBudget, 0, maxRoundBudget},
		{"PriorityStep", p.PriorityStep, time.Microsecond, maxPriorityStep},
		{"Aging", p.Aging, minAging, maxAging},
		{"Grace", p.Grace, 0, maxGrace},
	} {
		if d.value > 0 && (d.value < d.least || d.value > d.most) {
			return fault.Field(op, d.name, "%v is not between %v and %v", d.value, d.least, d.most)
		}
	}
	switch {
	case p.Evictions > maxEvictions:
		return fault.Field(op, "Evictions", "%d is more than %d", p.Evictions, maxEvictions)
	case math.IsNaN(p.MoveGain) || math.IsInf(p.MoveGain, 0) || p.MoveGain > maxMoveGain:
		return fault.Field(op, "MoveGain", "%v is not a share of at most %d", p.MoveGain, maxMoveGain)
	case math.IsNaN(p.Genetic) || math.IsInf(p.Genetic, 0) || p.Genetic > 1:
		return fault.Field(op, "Genetic", "%v is not a share of at most 1", p.Genetic)
	}
	return nil
}

// complete fills the zeros in; what is off stays negative.
func (p Params) complete() Params {
	for _, d := range []struct {
		value *time.Duration
		usual time.Duration
	}{
		{&p.RoundBudget, 100 * time.Millisecond},
		{&p.PriorityStep, time.Minute},
		{&p.Aging, 30 * time.Minute},
		{&p.Grace, 30 * time.Second},
	} {
		if *d.value == 0 {
			*d.value = d.usual
		}
		if *d.value > 0 { // a small negative one must not become zero
			*d.value = max(d.value.Truncate(time.Microsecond), time.Microsecond)
		}
	}
	if p.Evictions == 0 {
		p.Evictions = 3
	}
	if p.MoveGain == 0 {
		p.MoveGain = 0.1
	}
	if p.Genetic == 0 {
		p.Genetic = 0.1
	}
	return p
}

// tuning is what Config.Params last answered, and what is made of it.
type tuning struct {
	asked, used Params
}

// params are the parameters as they are published now, complete. Ones that cannot work are said once and change nothing.
func (s *Scheduler) params() Params {
	var asked Params
	if s.cfg.Params != nil {
		asked = s.cfg.Params()
	}
	for _, share := range []*float64{&asked.MoveGain, &asked.Genetic} {
		if math.IsNaN(*share) {
			*share = math.Inf(1) // as bad, and equal to itself
		}
	}
	last := s.tuned.Load()
	if last != nil && last.asked == asked {
		return last.used
	}
	next := &tuning{asked: asked, used: Params{}.complete()}
	err := asked.Validate()
	switch {
	case err == nil:
		next.used = asked.complete()
	case last != nil:
		next.used = last.used
	}
	if s.tuned.CompareAndSwap(last, next) && err != nil {
		s.cfg.Logger.Warn("parameters cannot work and are ignored", "error", err)
	}
	return next.used
}

// rules are those that decisions made now follow.
func (s *Scheduler) rules() rules {
	p := s.params()
	return rules{
		lease: s.cfg.Lease, pickUp: s.cfg.PickUp, maxSuspend: s.cfg.MaxSuspend, vest: s.cfg.Vest, holdBack: s.cfg.HoldBack, holdRetry: s.cfg.HoldRetry,
		recheck: s.cfg.Recheck, poll: s.cfg.Poll, aging: p.Aging, feed: s.cfg.Feed >= 0, audits: s.cfg.Auditor != nil,
	}
}
