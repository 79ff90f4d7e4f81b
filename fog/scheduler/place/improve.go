package place

import "math/rand/v2"

const (
	// outset is what the beginning of a task counts for in moves, beside a quarter of a move for each pair whose costs it combines.
	outset = 1 << 10
	// patience is how many jobs or nodes a descent looks at between two looks at the clock, and haste how many kicks.
	patience = 64
	haste    = 4
	// reachThorough and reachQuick are how many full nodes a job in want of a better one looks at.
	reachThorough = 16
	reachQuick    = 8
	// settled ends the rounds when one of them improves less than one job in so many.
	settled = 100
)

// descent is one task in a search's hands.
type descent struct {
	*search
	task
	steps []step
	shown int64 // moves when the last step was shown
}

// descend carries out a task: rounds over all jobs, then kicks. It returns the plans on its way: one after each round, one after the
// kicks, and between them one after each stride of moves.
func (s *search) descend(t task, late func() bool) []step {
	d := descent{search: s, task: t}
	s.late = late
	s.r = rand.New(rand.NewPCG(t.seed, 0))
	s.reach = reachQuick
	if t.thorough {
		s.reach = reachThorough
	}
	s.weigh(t.weights, t.boost)
	s.set(t.start)
	s.moves = outset + int64(len(s.cost))/4
	d.shown = s.moves
	for range t.rounds {
		gains, whole := d.round()
		if !whole {
			return d.steps
		}
		if gains*settled < len(s.at) {
			break
		}
	}
	d.kicks()
	return d.steps
}

// round improves every job once, empties nodes and, when thorough, opens some. It returns the number of gains, and false when the task
// is over.
func (d *descent) round() (int, bool) {
	s, gains := d.search, 0
	j := s.r.IntN(len(s.at))
	for i := range s.at {
		if s.improve(int32(j)) {
			gains++
		}
		if j++; j == len(s.at) {
			j = 0
		}
		if i%patience == patience-1 && d.late() {
			d.show()
			return gains, false
		}
		if d.over() {
			return gains, false
		}
	}
	gains += s.closing()
	if d.thorough {
		gains += s.opening()
	}
	d.show()
	return gains, s.moves <= d.limit && !d.late()
}

// kicks makes the task's kicks.
func (d *descent) kicks() {
	for i := range d.task.kicks {
		d.kick()
		if i%haste == haste-1 && d.late() || d.over() {
			break
		}
	}
	if d.task.kicks > 0 {
		d.show()
	}
}

// over shows the assignment after each stride and reports that the moves are used up.
func (d *descent) over() bool {
	if d.moves-d.shown < stride {
		return false
	}
	d.show()
	return d.moves > d.limit
}

// show appends the assignment to the steps.
func (d *descent) show() {
	d.shown = d.moves
	d.steps = append(d.steps, step{assign: d.assignment(), moves: d.moves})
}
