package place

import (
	"context"
	"math"
	"math/rand/v2"
	"sync"
	"time"
)

// chain is one call of Solve: a sequence of tasks, each a descent under one weight vector from the archived plan that is best for
// it. The sequence depends on the problem, the seed and the profiles alone, not on the budget or the workers: a larger budget walks
// further along the same way, so that no elite is ever lost by it.
//
// Tasks run in batches. The tasks of a batch start from the archive as it was before the batch and their plans are offered in
// the order of the tasks, so it does not matter how many run at once. Batches grow with the number of tasks done: in a short search
// each task shall see what the one before it found, in a long one there is work for many processors.
type chain struct {
	ctx     context.Context //nolint:containedctx // lives no longer than the call of Solve
	m       *model
	c       Config
	archive *archive
	workers []*search
	end     time.Time
	tasks   int      // begun so far
	used    int64    // moves
	bred    int64    // of these, moves for generations
	breeder *breeder // nil until the first generation
}

// task is one descent.
type task struct {
	weights  []float64
	boost    []float32 // of each tier; nil: none
	start    []int32
	thorough bool
	rounds   int  // at most
	kicks    int  // after the rounds
	mend     bool // look for room for unplaced jobs instead
	seed     uint64
	limit    int64 // moves after which the task may end
}

// step is a plan that a task found, and the moves that it had looked at by then.
type step struct {
	assign []int32
	moves  int64
}

const (
	widest   = 16      // tasks in a batch at most
	widening = 8       // a batch has one task for so many done before it
	stride   = 1 << 19 // moves after which a descent shows where it is, so that a large problem answers within its budget

	rounds     = 2   // of a profile's first descent; others have one
	firstKicks = 120 // of a profile's first descent
	visit      = 8   // later one task in so many goes to a tier or a profile again
	visitKicks = 100
	pull       = 0.7 // exponent that pulls random weights towards equal ones, where most of a front's hypervolume lies
)

func newChain(ctx context.Context, p *Problem, c Config) *chain {
	m := newModel(p, c.Scale)
	s := &chain{ctx: ctx, m: m, c: c, archive: newArchive(m, c.Profiles, c.Front), workers: make([]*search, c.Workers)}
	if c.Time > 0 {
		s.end = c.Now().Add(c.Time)
	}
	return s
}

// done reports that the budget or the context has ended.
func (s *chain) done() bool {
	return s.c.Moves > 0 && s.used >= s.c.Moves || s.late()
}

// late reports that the time or the context has ended.
func (s *chain) late() bool {
	return s.ctx.Err() != nil || s.c.Time > 0 && !s.c.Now().Before(s.end)
}

// run works until the budget ends.
func (s *chain) run() {
	for !s.done() {
		if s.breed() {
			continue
		}
		width := min(max(s.tasks/widening, 1), widest)
		batch := make([]task, width)
		for i := range batch {
			batch[i] = s.task(s.tasks + i)
			batch[i].start = s.archive.start(batch[i].weights)
			batch[i].limit = math.MaxInt64
			if s.c.Moves > 0 {
				batch[i].limit = s.c.Moves - s.used
			}
		}
		s.tasks += width
		s.archive.stats.Searches += int64(width)
		s.work(batch)
	}
}

// breed makes a generation of NSGA-II when its share of the moves is not used up. It reports false when there is nothing to do.
func (s *chain) breed() bool {
	if s.tasks < seasoned || float64(s.bred) >= s.c.Genetic*float64(s.used) {
		return false
	}
	if s.breeder == nil {
		s.breeder = newBreeder(newSearch(s.m), s.late)
	}
	steps := s.breeder.generation(s.ctx, s.archive, s.c.Seed^uint64(s.bred))
	if len(steps) == 0 {
		return false
	}
	s.archive.stats.Generations++
	s.bred += steps[len(steps)-1].moves
	s.take(steps)
	return true
}

// work runs the tasks of a batch and offers what they found in their order, until the moves are used up.
func (s *chain) work(batch []task) {
	if len(s.workers) == 1 || len(batch) == 1 {
		for i := range batch {
			if s.c.Moves > 0 {
				batch[i].limit = s.c.Moves - s.used
			}
			if !s.take(s.perform(s.worker(0), batch[i])) {
				return
			}
		}
		return
	}
	found := make([][]step, len(batch))
	var next sync.Mutex
	at := 0
	var wait sync.WaitGroup
	for w := range min(len(s.workers), len(batch)) {
		worker := s.worker(w)
		wait.Go(func() {
			for {
				next.Lock()
				i := at
				at++
				next.Unlock()
				if i >= len(batch) {
					return
				}
				found[i] = s.perform(worker, batch[i])
			}
		})
	}
	wait.Wait()
	for _, steps := range found {
		if !s.take(steps) {
			return
		}
	}
}

// perform carries out a task.
func (s *chain) perform(w *search, t task) []step {
	if !t.mend {
		return w.descend(t, s.late)
	}
	left := time.Duration(0)
	if s.c.Time > 0 {
		if left = s.end.Sub(s.c.Now()) / mendShare; left <= 0 {
			return nil
		}
	}
	return w.mend(s.ctx, t, left, s.c.Now)
}

// take offers the plans of a task as far as the budget pays for them. It reports whether any budget is left.
func (s *chain) take(steps []step) bool {
	used := int64(0)
	for _, t := range steps {
		if s.c.Moves > 0 && s.used+t.moves > s.c.Moves {
			s.used = s.c.Moves
			return false
		}
		s.archive.offer(t.assign)
		used = t.moves
	}
	s.used += used
	return len(steps) > 0 && !s.done()
}

// worker returns the search of a worker, made when it is first needed.
func (s *chain) worker(w int) *search {
	if s.workers[w] == nil {
		s.workers[w] = newSearch(s.m)
	}
	return s.workers[w]
}

// task makes the i-th task: first the profiles, then random weight vectors, with a tier or a profile in between now and then.
func (s *chain) task(i int) task {
	profiles, tiers := s.c.Profiles, s.m.p.tiers()
	t := task{seed: s.c.Seed ^ uint64(i)<<32, rounds: 1}
	switch {
	case s.archive.incomplete() && (i < eager && i%mending == 0 || i%eager == 0):
		t.weights, t.mend = profiles[i/mending%len(profiles)], true
	case i < len(profiles):
		t.weights, t.thorough = profiles[i], true
		t.rounds, t.kicks = rounds, firstKicks
	case i%visit == 0:
		t.thorough, t.kicks = true, visitKicks
		at := i / visit % (tiers - 1 + len(profiles))
		if at < tiers-1 {
			t.weights, t.boost = profiles[0], boost(at, tiers)
			break
		}
		t.weights, t.rounds = profiles[at-(tiers-1)], 0
	default:
		t.weights = simplex(rand.New(rand.NewPCG(s.c.Seed, uint64(i))), s.m.p.Objectives)
	}
	return t
}

// boost multiplies the costs of the jobs of tier t and the better ones so that a descent serves its elite.
func boost(t, tiers int) []float32 {
	b := make([]float32, tiers)
	for u := range b {
		b[u] = rest
		if u <= t {
			b[u]++
		}
	}
	return b
}

// simplex draws weights that sum to 1: exponentials, pulled together a little, then normalised.
func simplex(r *rand.Rand, objectives int) []float64 {
	w := make([]float64, objectives)
	sum := 0.0
	for o := range w {
		w[o] = math.Pow(r.ExpFloat64(), pull)
		sum += w[o]
	}
	for o := range w {
		w[o] /= sum
	}
	return w
}
