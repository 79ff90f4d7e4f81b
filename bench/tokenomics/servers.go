package tokenomics

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/fogcompute/fogcompute/bench/sample"
	"github.com/fogcompute/fogcompute/fog"
	"github.com/fogcompute/fogcompute/fog/tokenomics"
)

// In two_servers each house has a few callers who think for a while between two calls, so that neither is the other's crowd.
const (
	houseCallers = 4
	thinkMost    = 40 * time.Millisecond
)

// twoServers is by how much the 99th percentile is longer at a server that asks another one to write, both at work on one
// PostgreSQL at once.
func twoServers(ctx context.Context, s *Setting) (r Result, err error) {
	g := s.stage()
	defer g.clear()
	server, err := g.server(ctx)
	if err != nil {
		return r, err
	}
	writer, err := g.house(ctx, server, "writer")
	if err != nil {
		return r, err
	}
	if err := writer.until(ctx, true); err != nil {
		return r, err
	}
	writer.moved.Add(1) // the genesis
	if err := writer.fund(ctx); err != nil {
		return r, err
	}
	asker, err := g.house(ctx, server, "asker")
	if err != nil {
		return r, err
	}
	asker.keys.Store(1 << 40)
	var near, far, added []float64
	for round := -1; round < s.rounds(5); round++ {
		a, b, err := together(ctx, writer, asker)
		if err != nil {
			return r, err
		}
		if round >= 0 {
			near, far = append(near, a), append(far, b)
			added = append(added, b-a)
		}
	}
	return Result{
		Value: sample.Median(added), Unit: "ms", Note: fmt.Sprintf("p99 %s ms at the server that writes, %s ms at the one that asks; added from %s to %s ms",
			sample.Number(sample.Median(near)), sample.Number(sample.Median(far)), sample.Number(sample.Least(added)), sample.Number(sample.Most(added))),
	}, nil
}

// house opens a house that has a ledger and nothing else.
func (g *stage) house(ctx context.Context, server *Server, holder string) (*site, error) {
	dir, err := g.folder()
	if err != nil {
		return nil, err
	}
	house, err := fog.Open(ctx, fog.Config{
		DatabaseURL: server.URL, DataDir: string(dir), Holder: holder, Leave: []string{"scheduler", "idle", "blob", "benchmark"},
	})
	if err != nil {
		return nil, err
	}
	g.undo = append(g.undo, house.Close)
	return &site{ledger: house.Tokenomics}, nil
}

// until waits until the ledger writes by itself.
func (s *site) until(ctx context.Context, writes bool) error {
	for ctx.Err() == nil {
		stats, err := s.ledger.Stats(ctx)
		if err != nil || stats.Writer == writes {
			return err
		}
		time.Sleep(10 * time.Millisecond)
	}
	return ctx.Err()
}

// together loads both houses at once for the 99th percentiles in milliseconds.
func together(ctx context.Context, writer, asker *site) (near, far float64, err error) {
	think := func(n uint64) time.Duration { return time.Duration(mix(n) % uint64(thinkMost)) }
	var outcomes [2]outcome
	failed := make(chan error, 2)
	for i, s := range []*site{writer, asker} {
		go func() {
			var err error
			outcomes[i], err = load{callers: houseCallers, lasts: 2 * stretch, pause: think, one: s.spread}.run(ctx)
			failed <- err
		}()
	}
	if err := errors.Join(<-failed, <-failed); err != nil {
		return 0, 0, err
	}
	for _, s := range []*site{writer, asker} {
		stats, err := s.ledger.Stats(ctx)
		if err != nil {
			return 0, 0, err
		}
		if stats.Writer != (s == writer) {
			return 0, 0, errors.New("the duty has changed hands")
		}
		if moved := writer.moved.Load() + asker.moved.Load(); stats.Movements != moved || stats.Sum != tokenomics.Amount(0) {
			return 0, 0, fmt.Errorf("%d movements instead of %d, whose sum is %d", stats.Movements, moved, stats.Sum)
		}
	}
	p99 := func(o outcome) float64 { return sample.Millis(sample.Percentile(o.took, 0.99)) }
	return p99(outcomes[0]), p99(outcomes[1]), writer.ledger.Verify(ctx)
}
