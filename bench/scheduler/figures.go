// Package scheduler is the suite of fog/scheduler and of the engines below it: multi-objective optimisation, sorting,
// placement, assignment, throughput, and the replay of a production trace, each beside its peers.
package scheduler

import (
	"context"
	"errors"
	"slices"
	"sync"
)

// Setting is what all figures share.
type Setting struct {
	Data   string // folder of the instances and the trace; "" is none, and what needs it is skipped
	Out    string // folder for plots and for the peers' programs
	Rounds int    // of each figure; 0 is the usual number
}

// rounds is how many rounds a figure takes.
func (s *Setting) rounds(usual int) int {
	if s.Rounds > 0 {
		return s.Rounds
	}
	return usual
}

// data is the folder of the instances.
func (s *Setting) data() (string, error) {
	if s.Data == "" {
		return "", errors.New("FOG_DATA is not set: it names the folder of the instances")
	}
	return s.Data, nil
}

// Figure is one thing measured. Name has no suite; an empty Op is no goal.
type Figure struct {
	Name    string
	Op      string // "<", "<=", ">" or ">="
	Goal    float64
	Measure func(context.Context) (Result, error)
}

// Result is what was measured. With a peer, Value and PeerValue share a unit and the goal speaks of Ratio.
type Result struct {
	Value     float64
	Unit      string
	Peer      string
	PeerValue float64
	Ratio     float64
	Note      string
}

// Figures are the figures of the suite.
func Figures(s Setting) []Figure {
	return slices.Concat(
		engineFigures(&s),
		sortFigures(&s),
		placeFigures(&s),
		gapFigures(&s),
		throughputFigures(&s),
		traceFigures(&s),
	)
}

// shared is a measurement that several figures read; it is made once.
type shared[T any] struct {
	once  sync.Once
	value T
	err   error
}

func (s *shared[T]) get(measure func() (T, error)) (T, error) {
	s.once.Do(func() { s.value, s.err = measure() })
	return s.value, s.err
}
