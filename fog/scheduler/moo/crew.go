package moo

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"sync/atomic"
	"time"
)

// crew varies and evaluates one generation with any number of goroutines. A pair of children is one piece of work and
// has a random stream of its own, decided by the seed, the generation and the number of the pair: so it does not matter
// who takes it, and the seed and the number of the generation are the whole state of the randomness.
type crew[G any] struct {
	engine  *Engine[G]
	hands   []*hand
	work    job[G]
	next    atomic.Int64 // first pair that nobody has taken
	stopped atomic.Bool
	batch   []G // EvaluateBatch: the children, their objectives and violations
	values  []float64
	faults  []float64
}

// hand is what one goroutine owns.
type hand struct {
	source *rand.PCG
	rand   *rand.Rand
	err    error
	at     int // child at which err happened
	panic  *Panic
}

// job is what there is to do in one generation.
type job[G any] struct {
	ctx        context.Context //nolint:containedctx // lives for one call
	deadline   time.Time
	generation int
	stream     uint64  // number of the first pair's stream
	parents    []int32 // nil: genomes are founded, not bred
	warm       []G
	children   int
}

// Panic is what comes out of a step when a function of the problem panicked in a goroutine of the engine.
type Panic struct {
	Value any    // that the function panicked with
	Stack []byte // of the goroutine that it ran in
}

// Error returns the value and the stack of the panic.
func (p *Panic) Error() string {
	return fmt.Sprintf("moo: panic in a worker: %v\n\n%s", p.Value, p.Stack)
}

// errLate says that the deadline came before the generation was done.
var errLate = errors.New("moo: out of time")

// Streams that belong to no pair, above the numbers of all pairs. In the initial population each wave of the warm start has
// a survival of its own, whose stream is as much below.
const (
	matingStream   = math.MaxUint64
	survivalStream = math.MaxUint64 - 1
)

func newCrew[G any](e *Engine[G]) *crew[G] {
	c := &crew[G]{engine: e}
	for range e.config.Workers {
		source := rand.NewPCG(0, 0)
		c.hands = append(c.hands, &hand{source: source, rand: rand.New(source)})
	}
	return c
}

// stream returns the first hand's source, set to a stream: valid until the hands work.
func (c *crew[G]) stream(generation int, number uint64) *rand.Rand {
	h := c.hands[0]
	h.seed(c.engine.config.Seed, generation, number)
	return h.rand
}

// seed sets the source to the stream of a piece of work.
func (h *hand) seed(seed uint64, generation int, number uint64) {
	a := mix(seed + uint64(generation)*0x9E3779B97F4A7C15)
	h.source.Seed(mix(a+number), mix(a^mix(number)))
}

// mix is the finalizer of SplitMix64 (Steele, Lea and Flood 2014).
func mix(x uint64) uint64 {
	x += 0x9E3779B97F4A7C15
	x = (x ^ x>>30) * 0xBF58476D1CE4E5B9
	x = (x ^ x>>27) * 0x94D049BB133111EB
	return x ^ x>>31
}
