package moo

import (
	"context"
	"iter"
	"slices"
	"time"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
)

// Engine runs one search. It is for one goroutine at a time; its own goroutines end before any method returns.
type Engine[G any] struct {
	problem Problem[G]
	config  Config
	cohort  *cohort
	crew    *crew[G]
	genomes []G // of slot s at s; the last one takes the superfluous child of an odd generation
	warm    []G // of the caller, until the first step has taken them in

	generation  int // generations made; the initial population is 0
	evaluations int64
	begun       bool // the initial population exists
	stop        Stop
	seen        Generation // handed out, its slices reused
	tolerance   tolerance
	archive     *Archive[G] // nil: none attached
}

// New prepares a search; nothing is evaluated yet. The warm start may hold any number of genomes, which are copied at
// the first step: they come before sampled ones in the initial population, and if there are more of them than
// individuals the best live on. Errors are of kind Invalid and name the field.
func New[G any](p Problem[G], c Config, warm ...G) (*Engine[G], error) {
	c, err := c.withDefaults()
	if err != nil {
		return nil, err
	}
	if err := p.validate(len(warm), c.Population); err != nil {
		return nil, err
	}
	if err := c.Survival.validate(p.Objectives); err != nil {
		return nil, err
	}
	for i, g := range warm {
		if err := p.check(g); err != nil {
			return nil, fault.Field("moo.new", "warm", "genome %d: %w", i, err)
		}
	}
	e := &Engine[G]{
		problem: p, config: c, warm: slices.Clone(warm),
		cohort:  newCohort(p.Objectives, c),
		genomes: p.Make(2*c.Population + 1),
	}
	if len(e.genomes) != 2*c.Population+1 {
		return nil, fault.Field("moo.new", "Problem.Make", "gave %d of %d genomes", len(e.genomes), 2*c.Population+1)
	}
	e.seen.Ideal, e.seen.Nadir = make([]float64, p.Objectives), make([]float64, p.Objectives)
	e.crew = newCrew(e)
	return e, nil
}

// Step makes the initial population if there is none yet, otherwise one generation, whatever the bounds say; only
// Evaluations may still shorten it. An error leaves the population as it was: kind Unavailable if the context ended,
// Invalid if an objective was not a number. A panic of one of the problem's functions comes out of Step.
func (e *Engine[G]) Step(ctx context.Context) (Generation, error) {
	return e.step(ctx, time.Time{})
}

// step is Step, abandoned at the deadline unless that is zero.
func (e *Engine[G]) step(ctx context.Context, deadline time.Time) (Generation, error) {
	if !e.begun {
		if err := e.begin(ctx, deadline); err != nil {
			return Generation{}, err
		}
		e.begun = true
		return e.observe(), nil
	}
	children := e.affordable()
	parents := e.cohort.mate(e.crew.stream(e.generation+1, matingStream), children)
	if err := e.crew.breed(ctx, deadline, e.generation+1, parents, children); err != nil {
		return Generation{}, err
	}
	e.offer(children)
	e.cohort.survive(e.crew.stream(e.generation+1, survivalStream), children)
	e.generation++
	e.evaluations += int64(children)
	return e.observe(), nil
}

// affordable returns how many children the next generation may have.
func (e *Engine[G]) affordable() int {
	n := e.config.Population
	if left := e.config.Evaluations - e.evaluations; e.config.Evaluations > 0 && left < int64(n) {
		return int(max(left, 0))
	}
	return n
}

// begin fills the population: with warm genomes, then with samples. Warm genomes beyond the population come in by
// populations of their own, as children do.
func (e *Engine[G]) begin(ctx context.Context, deadline time.Time) error {
	warm, evaluated := e.warm, int64(0)
	c := e.cohort
	for wave := 0; wave == 0 || len(warm) > 0; wave++ {
		n := e.config.Population
		if wave > 0 {
			n = min(n, len(warm))
			if b := e.config.Evaluations; b > 0 {
				n = min(n, int(b-evaluated))
			}
			if n == 0 {
				break
			}
		}
		given := min(n, len(warm))
		if err := e.crew.found(ctx, deadline, wave, warm[:given], n); err != nil {
			c.reset()
			return err
		}
		e.offer(n)
		warm, evaluated = warm[given:], evaluated+int64(n)
		if wave == 0 {
			c.alive = append(c.alive[:0], c.free[:n]...)
			c.free = c.free[:copy(c.free, c.free[n:])]
			n = 0
		}
		c.survive(e.crew.stream(0, survivalStream-uint64(wave)), n)
	}
	e.warm, e.evaluations = nil, evaluated
	return nil
}

// Run searches until a bound is met and returns the front. It may be called again: generations and evaluations count on,
// time begins anew. When the context ends first, the front so far comes with an error of kind Unavailable; the front is
// empty if not even the initial population was finished. Without any bound, and with a context that cannot end, it
// returns an error of kind Invalid at once.
func (e *Engine[G]) Run(ctx context.Context) (Front[G], error) {
	if !e.config.bounded() && ctx.Done() == nil {
		return Front[G]{}, fault.Field("moo.run", "Config", "bounds neither generations, evaluations, time nor tolerance, and the context never ends")
	}
	for _, err := range e.Generations(ctx) {
		if err != nil {
			return e.Front(), err
		}
	}
	return e.Front(), nil
}

// Generations yields the initial population, then each generation after it, until a bound is met or the caller leaves the
// loop; a later loop goes on where this one ended. An error ends it. What is yielded is valid until the next turn.
func (e *Engine[G]) Generations(ctx context.Context) iter.Seq2[Generation, error] {
	return func(yield func(Generation, error) bool) {
		var deadline time.Time
		if e.config.Time > 0 {
			deadline = e.config.Now().Add(e.config.Time)
		}
		for {
			if e.stop = e.met(deadline); e.stop != Running {
				return
			}
			g, err := e.step(ctx, deadline)
			if err == errLate { //nolint:errorlint // a private signal, never wrapped
				e.stop = ByTime
				if !e.begun {
					yield(Generation{}, fault.New(fault.Unavailable, "moo.run", "the time was too short for the initial population"))
				}
				return
			}
			if err != nil {
				e.stop = ByError
				if ctx.Err() != nil {
					e.stop = ByContext
				}
				yield(Generation{}, err)
				return
			}
			if !yield(g, nil) {
				return
			}
		}
	}
}

// met returns the bound that has been reached.
func (e *Engine[G]) met(deadline time.Time) Stop {
	c := &e.config
	switch {
	case !e.begun:
		return Running
	case c.Generations > 0 && e.generation >= c.Generations:
		return ByGenerations
	case c.Evaluations > 0 && e.evaluations >= c.Evaluations:
		return ByEvaluations
	case !deadline.IsZero() && !c.Now().Before(deadline):
		return ByTime
	case c.Tolerance.Window > 0 && e.tolerance.still:
		return ByTolerance
	}
	return Running
}
