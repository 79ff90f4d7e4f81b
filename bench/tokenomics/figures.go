// Package tokenomics is the suite of fog/tokenomics: durable transfers on PostgreSQL and on SQLite through the ledger's public
// interface, beside pgbench, beside transactions that a user would write himself, and beside another driver.
package tokenomics

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/fogcompute/fogcompute/bench/sample"
)

// Setting is what all figures share.
type Setting struct {
	Postgres func(context.Context) (*Server, error) // starts a cluster with its own defaults
	Build    func(ctx context.Context, dir, source string, env ...string) (program string, err error)
	Out      string // folder for plots
	Profiles string // folder for CPU profiles of this process, which is the ledger's client; "" is none
	Rounds   int    // of each figure; 0 is the usual number
}

// Server is a PostgreSQL that was started for one figure.
type Server struct {
	URL  string // of a database that is empty at first
	Bin  string // folder of its programs
	PID  int    // of the process that started all others
	Stop func() error
}

// rounds is how many rounds a figure takes.
func (s *Setting) rounds(usual int) int {
	if s.Rounds > 0 {
		return s.Rounds
	}
	return usual
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

// How long one side is loaded in one round. Where the goal is near 1 there are more rounds, and each is brief.
const (
	stretch = 3 * time.Second
	brief   = time.Second
)

// versus is what was measured round by round, beside a peer.
func versus(unit string, ours []float64, peer string, theirs []float64, notes ...string) Result {
	ratios := make([]float64, len(ours))
	for i := range ours {
		ratios[i] = ours[i] / theirs[i]
	}
	spread := fmt.Sprintf("ratios from %s to %s", sample.Number(sample.Least(ratios)), sample.Number(sample.Most(ratios)))
	return Result{
		Value: sample.Median(ours), Unit: unit, Peer: peer, PeerValue: sample.Median(theirs), Ratio: sample.Median(ratios),
		Note: strings.Join(append([]string{spread}, notes...), "; "),
	}
}

// Figures are the figures of the suite.
func Figures(s Setting) []Figure {
	return slices.Concat(postgresFigures(&s), sqliteFigures(&s), verifyFigures(&s), rewardFigures(&s), voteFigures(&s), curveFigures(&s))
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
