package place

import "math/rand/v2"

// patience is how many jobs a descent looks at between two looks at the clock.
const patience = 64

const (
	// outset is what the beginning of a task counts for in moves, beside a quarter of a move for each pair whose costs it combines.
	outset = 1 << 10

	reachAll   = 16 // wishes followed in a thorough descent
	reachQuick = 8  // in a quick one
)

// descend carries out a task and returns the plans on its way: one after each round, and within a round after each stride of moves.
func (s *search) descend(t task, late func() bool) []step {
	s.r = rand.New(rand.NewPCG(t.seed, 0))
	s.reach, s.trade = reachQuick, reachQuick
	if t.rounds > quick {
		s.reach, s.trade = reachAll, reachAll
	}
	s.weigh(t.weights, t.boost)
	s.set(t.start)
	s.moves = outset + int64(len(s.cost))/4
	var steps []step
	if len(s.at) == 0 {
		return steps
	}
	for range t.rounds {
		gains, whole := s.round(&steps, t.limit, late)
		if !whole || s.moves > t.limit || gains*settled < len(s.at) {
			break
		}
	}
	return steps
}

// round improves every job once and closes nodes, and appends the plans on the way. It reports the number of gains, and false when
// it was broken off.
func (s *search) round(steps *[]step, limit int64, late func() bool) (int, bool) {
	gains, shown := 0, s.moves
	j := s.r.IntN(len(s.at))
	for i := range s.at {
		if s.improve(int32(j)) {
			gains++
		}
		if j++; j == len(s.at) {
			j = 0
		}
		if i%patience == patience-1 && late() {
			s.show(steps)
			return gains, false
		}
		if s.moves-shown >= stride {
			s.show(steps)
			if shown = s.moves; shown > limit {
				return gains, false
			}
		}
	}
	gains += s.closing()
	s.show(steps)
	return gains, true
}

// show appends the assignment to the steps.
func (s *search) show(steps *[]step) {
	*steps = append(*steps, step{assign: s.assignment(), moves: s.moves})
}
