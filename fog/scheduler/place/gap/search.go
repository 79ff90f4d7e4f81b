package gap

import (
	"context"
	"math"
	"time"
)

const (
	leastTrials = 16   // prices tried before the first plan even if the time is up
	firstTrials = 100  // prices tried before the first plan
	moreTrials  = 20   // prices tried before each further epoch
	perJob      = 2000 // moves for each job where the budget is left open
	shortest    = 64   // moves for each job in the first epoch
	hot         = 1    // first temperature of an epoch, in mean reduced costs of a second choice
	cold        = 0.05 // last temperature
	roaming     = 10   // the temperatures' factor while a complete plan is sought
	probe       = 16   // chunks of moves between looks at the clock
)

// search is one call of Solve: epochs of annealing, each twice as long as the one before, so that the moves made until any
// moment do not depend on the budget.
type search struct {
	*annealer
	relax *relaxation
	ctx   context.Context // of the call, which this value does not outlive
	now   func() time.Time
	until time.Time // zero: no bound
	early time.Time // end of the search for first prices
	limit int64     // bound of moves
	looks int       // chunks granted
	spent bool      // the budget is at its end
}

// newSearch prepares a search of a valid problem.
func newSearch(ctx context.Context, p *Problem, c Config) *search {
	s := &search{ctx: ctx, now: c.Now, limit: c.Moves}
	if s.now == nil {
		s.now = time.Now
	}
	if c.Time > 0 {
		start := s.now()
		s.early, s.until = start.Add(c.Time/8), start.Add(c.Time)
	}
	switch {
	case c.Moves == 0 && c.Time == 0:
		s.limit = perJob * int64(p.Jobs)
	case c.Moves == 0:
		s.limit = math.MaxInt64
	}
	m := newModel(p)
	s.relax = newRelaxation(m)
	s.annealer = newAnnealer(newState(m), c.Seed)
	return s
}

// begin finds first prices and makes first plans: from the start, if there is one, and from nothing.
func (s *search) begin(start []int32) {
	s.relax.climb(leastTrials, firstTrials, func() bool { return s.ended(s.early) })
	s.reprice(s.relax)
	s.rank()
	if start != nil {
		for _, job := range s.able {
			if node := start[job]; node >= 0 && !math.IsInf(s.pay(job, node), 1) {
				s.move(job, node)
			}
		}
		s.evict()
		s.fill()
		s.note()
		for _, job := range s.able {
			s.move(job, int32(s.Nodes))
		}
	}
	s.construct()
	s.note()
}

// ended reports whether the context is done or a time has come; the zero time never comes.
func (s *search) ended(until time.Time) bool {
	return s.ctx.Err() != nil || !until.IsZero() && !s.now().Before(until)
}

// spend takes moves from the budget and returns how many of them it grants.
func (s *search) spend(moves int64) int64 {
	if s.looks%probe == 0 && s.ended(s.until) {
		s.spent = true
		return 0
	}
	s.looks++
	if left := s.limit - s.moves; moves >= left {
		moves, s.spent = left, true
	}
	s.moves += moves
	return moves
}

// done reports whether nothing is left to do: no budget, no job, or a plan that is proven least.
func (s *search) done() bool {
	return s.spent || len(s.able) == 0 || s.record.outs == 0 && s.record.cost <= s.relax.rounded()
}

// epoch anneals once, from the record on. A plan that it leaves beyond capacity is mended: with many nodes, one of them is
// nearly always a little too full, so the plans that keep capacity by themselves are few.
func (s *search) epoch(number int) {
	if number > 0 {
		s.relax.climb(0, moreTrials, func() bool { return s.ended(s.until) })
		s.reprice(s.relax)
		s.rank()
	}
	s.adopt(s.record.node)
	s.record.sum = s.sum
	s.loose = s.record.outs > 0 && (s.relax.proof || number%2 == 1)
	s.absence = s.worth()
	s.roam = s.record.outs > 0 && !s.loose
	scale := s.scale
	if s.roam {
		scale *= roaming
	}
	if !s.loose {
		s.complete()
	}
	length := shortest * int64(len(s.able)) << min(number, 32)
	if s.annealer.epoch(length, hot*scale, cold*scale, s.spend) && (s.overs > 0 || s.record.outs > 0) {
		s.evict()
		s.fill()
		s.note()
	}
}

// worth returns what leaving out a job of weight 1 has to count, so that no exchange of two jobs makes up for it.
func (s *search) worth() float64 {
	low, high := math.Inf(1), math.Inf(-1)
	for _, job := range s.able {
		low, high = min(low, s.least[job]), max(high, s.least[job])
	}
	return max(high, 0) - min(low, 0) + 10*s.scale
}

// solution returns the record as a solution.
func (s *search) solution() Solution {
	result := Solution{Assign: make([]int32, s.Jobs), Bound: s.relax.lower(), Moves: s.moves}
	for job, node := range s.record.node {
		if int(node) == s.Nodes {
			result.Assign[job] = -1
			result.Unplaced++
			result.Weight += s.weight(job)
			continue
		}
		result.Assign[job] = node
		result.Cost += s.Cost[job*s.Nodes+int(node)]
	}
	return result
}
