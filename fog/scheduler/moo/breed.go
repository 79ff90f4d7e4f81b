package moo

import (
	"context"
	"math"
	"runtime/debug"
	"sync"
	"time"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
)

// breed makes `children` children of the parents, two of a pair each, in the free slots.
func (c *crew[G]) breed(ctx context.Context, deadline time.Time, generation int, parents []int32, children int) error {
	return c.run(job[G]{ctx: ctx, deadline: deadline, generation: generation, parents: parents, children: children})
}

// found puts n genomes into the free slots: the warm ones, then samples. Each wave has streams of its own.
func (c *crew[G]) found(ctx context.Context, deadline time.Time, wave int, warm []G, n int) error {
	return c.run(job[G]{ctx: ctx, deadline: deadline, stream: uint64(wave) << 32, warm: warm, children: n})
}

// run does one job with all hands and returns the error of the earliest child that has one.
func (c *crew[G]) run(work job[G]) error {
	c.work = work
	c.next.Store(0)
	c.stopped.Store(false)
	for _, h := range c.hands {
		h.err, h.panic = nil, nil
	}
	if len(c.hands) == 1 {
		c.labour(c.hands[0])
	} else {
		c.share()
	}
	var first *hand
	for _, h := range c.hands {
		if (h.err != nil || h.panic != nil) && (first == nil || h.at < first.at) {
			first = h
		}
	}
	switch {
	case first == nil && c.engine.problem.EvaluateBatch != nil:
		return c.evaluateBatch()
	case first == nil:
		return nil
	case first.panic != nil:
		panic(first.panic)
	}
	return first.err
}

// share runs every hand in a goroutine and returns when all have ended.
func (c *crew[G]) share() {
	var all sync.WaitGroup
	for _, h := range c.hands {
		all.Go(func() {
			returned := false
			defer func() {
				if returned {
					return
				}
				v := recover()
				if v == nil {
					v = "the goroutine was ended by runtime.Goexit"
				}
				h.panic = &Panic{Value: v, Stack: debug.Stack()}
				c.stopped.Store(true)
			}()
			c.labour(h)
			returned = true
		})
	}
	all.Wait()
}

// labour takes pairs until there are none left or some hand has stopped the work. A pair once taken is finished, so all
// pairs before the first bad one are known to be good.
func (c *crew[G]) labour(h *hand) {
	for !c.stopped.Load() {
		first := int(c.next.Add(1)-1) * 2
		if first >= c.work.children {
			return
		}
		h.at = first
		if h.err = c.pair(h, first); h.err != nil {
			c.stopped.Store(true)
			return
		}
	}
}

// pair makes and evaluates the children first and first+1.
func (c *crew[G]) pair(h *hand, first int) error {
	if err := c.work.ctx.Err(); err != nil {
		return fault.Wrap("moo.run", err)
	}
	e := c.engine
	if !c.work.deadline.IsZero() && !e.config.Now().Before(c.work.deadline) {
		return errLate
	}
	h.seed(e.config.Seed, c.work.generation, c.work.stream+uint64(first/2))
	last := min(first+2, c.work.children)
	if c.work.parents != nil {
		c.vary(h, first, last)
	} else {
		c.sample(h, first, last)
	}
	if e.problem.EvaluateBatch != nil {
		return nil
	}
	for child := first; child < last; child++ {
		h.at = child
		if err := c.evaluate(child); err != nil {
			return err
		}
	}
	return nil
}

// sample founds genomes.
func (c *crew[G]) sample(h *hand, first, last int) {
	e := c.engine
	for child := first; child < last; child++ {
		g := e.genomes[e.cohort.free[child]]
		if child < len(c.work.warm) {
			e.problem.Copy(g, c.work.warm[child])
		} else {
			e.problem.Sample(h.rand, g)
		}
		if e.problem.Repair != nil {
			e.problem.Repair(h.rand, g)
		}
	}
}

// vary crosses a pair of parents and mutates the children.
func (c *crew[G]) vary(h *hand, first, last int) {
	e, p := c.engine, &c.engine.problem
	a, b := e.genomes[c.work.parents[first]], e.genomes[c.work.parents[first+1]]
	one, two := e.genomes[e.cohort.free[first]], e.genomes[len(e.genomes)-1]
	if last == first+2 {
		two = e.genomes[e.cohort.free[first+1]]
	}
	if p.Cross != nil {
		p.Cross(h.rand, a, b, one, two)
	} else {
		p.Copy(one, a)
		p.Copy(two, b)
	}
	c.finish(h, one, a, b)
	if last == first+2 {
		c.finish(h, two, a, b)
	}
}

// finish mutates and repairs a child, again while it is a copy of a parent.
func (c *crew[G]) finish(h *hand, child, a, b G) {
	const attempts = 4
	p := &c.engine.problem
	for range attempts {
		if p.Mutate != nil {
			p.Mutate(h.rand, child)
		}
		if p.Repair != nil {
			p.Repair(h.rand, child)
		}
		if p.Equal == nil || p.Mutate == nil || !p.Equal(child, a) && !p.Equal(child, b) {
			return
		}
	}
}

// evaluate fills a child's row. The child-th parent is its own one: the first of a pair is nearer to the first parent.
func (c *crew[G]) evaluate(child int) error {
	e, p := c.engine, &c.engine.problem
	slot := e.cohort.free[child]
	row := e.cohort.row(slot)
	if p.Delta != nil && c.work.parents != nil {
		parent := c.work.parents[child]
		v, ok := p.Delta(e.genomes[parent], e.cohort.row(parent), e.cohort.violation[parent], e.genomes[slot], row)
		if ok {
			return c.accept(child, slot, v)
		}
	}
	return c.accept(child, slot, p.Evaluate(e.genomes[slot], row))
}

// accept takes in what an evaluation gave, unless it cannot be ranked.
func (c *crew[G]) accept(child int, slot int32, violation float64) error {
	cohort := c.engine.cohort
	if math.IsNaN(violation) {
		return fault.Field("moo.run", "violation", "is NaN for individual %d of generation %d", child, c.work.generation)
	}
	for k, v := range cohort.row(slot) {
		if math.IsNaN(v) || math.IsInf(v, -1) {
			return fault.Field("moo.run", "objectives", "objective %d is %v for individual %d of generation %d", k, v, child, c.work.generation)
		}
	}
	cohort.violation[slot] = max(0, violation)
	return nil
}

// evaluateBatch evaluates all children in one call.
func (c *crew[G]) evaluateBatch() error {
	e, m := c.engine, c.engine.problem.Objectives
	if c.batch == nil {
		n := e.config.Population
		c.batch, c.values, c.faults = make([]G, n), make([]float64, n*m), make([]float64, n)
	}
	n := c.work.children
	for child, slot := range e.cohort.free[:n] {
		c.batch[child] = e.genomes[slot]
	}
	if err := e.problem.EvaluateBatch(c.work.ctx, c.batch[:n], c.values[:n*m], c.faults[:n]); err != nil {
		return fault.Wrap("moo.run", err)
	}
	for child, slot := range e.cohort.free[:n] {
		copy(e.cohort.row(slot), c.values[child*m:])
		if err := c.accept(child, slot, c.faults[child]); err != nil {
			return err
		}
	}
	return nil
}
