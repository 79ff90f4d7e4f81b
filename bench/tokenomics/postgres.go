package tokenomics

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime/pprof"

	"github.com/fogcompute/fogcompute/bench/sample"
)

func postgresFigures(s *Setting) []Figure {
	var tpcb shared[ladder]
	measured := func(pick func(ladder) (Result, error)) func(context.Context) (Result, error) {
		return func(ctx context.Context) (Result, error) {
			l, err := tpcb.get(func() (ladder, error) { return climb(ctx, s) })
			if err != nil {
				return Result{}, err
			}
			return pick(l)
		}
	}
	return []Figure{
		{"pg/1024_vs_tpcb", ">", 10, measured(func(l ladder) (Result, error) { return l.against(&l.many) })},
		{"pg/8_vs_tpcb", ">", 1.5, measured(func(l ladder) (Result, error) { return l.against(&l.few) })},
		{"pg/cpu_us_per_transfer", "<", 40, measured(ladder.cpu)},
		{"pg/hot_vs_spread", ">", 0.9, func(ctx context.Context) (Result, error) { return hotSpot(ctx, s) }},
		{"pg/lone_p50_vs_direct", "<", 1.2, func(ctx context.Context) (Result, error) { return lone(ctx, s) }},
		{"pg/two_servers_p99_added_ms", "<", 20, func(ctx context.Context) (Result, error) { return twoServers(ctx, s) }},
	}
}

// ladder is what three figures read: pgbench, and the ledger under 1,024 and under 8 callers, round by round.
type ladder struct {
	tpcb      []float64
	many, few steps
}

// steps are the rounds of one load.
type steps struct{ rates, client, server, batch, p50, p99 []float64 }

func (s *steps) add(b batched) {
	client, server := b.micros()
	s.rates, s.batch = append(s.rates, b.rate()), append(s.batch, b.batch)
	s.client, s.server = append(s.client, client), append(s.server, server)
	s.p50 = append(s.p50, sample.Millis(sample.Percentile(b.took, 0.5)))
	s.p99 = append(s.p99, sample.Millis(sample.Percentile(b.took, 0.99)))
}

// note says what else was seen.
func (s *steps) note() string {
	return fmt.Sprintf("batches of %s, p50 %s ms, p99 %s ms, CPU time %s us client and %s us server", sample.Number(sample.Median(s.batch)),
		sample.Number(sample.Median(s.p50)), sample.Number(sample.Median(s.p99)), sample.Number(sample.Median(s.client)), sample.Number(sample.Median(s.server)))
}

func climb(ctx context.Context, s *Setting) (l ladder, err error) {
	g := s.stage()
	defer g.clear()
	server, ledger, err := g.postgres(ctx)
	if err != nil {
		return l, err
	}
	peer, err := newPgbench(ctx, server)
	if err != nil {
		return l, err
	}
	for round := -1; round < s.rounds(5); round++ {
		tps, many, few := 0.0, batched{}, batched{}
		err := inTurns(round,
			func() error { tps, err = peer.run(ctx, stretch); return err },
			func() error {
				many, err = ledger.run(ctx, server, load{callers: 1024, lasts: stretch, one: ledger.spread, around: s.profiled("postgres-1024")})
				return err
			},
			func() error {
				few, err = ledger.run(ctx, server, load{callers: 8, lasts: stretch, one: ledger.spread})
				return err
			})
		if err != nil {
			return l, err
		}
		if round >= 0 { // the first is for warming up
			l.tpcb = append(l.tpcb, tps)
			l.many.add(many)
			l.few.add(few)
		}
	}
	return l, nil
}

// inTurns does a round's parts, beginning with another one in each round.
func inTurns(round int, parts ...func() error) error {
	for i := range parts {
		if err := parts[(i+round+len(parts))%len(parts)](); err != nil {
			return err
		}
	}
	return nil
}

// profiled writes a CPU profile of what it runs, if profiles are wanted; that of the last round stays.
func (s *Setting) profiled(name string) func(run func() error) error {
	if s.Profiles == "" {
		return nil
	}
	return func(run func() error) error {
		file, err := os.Create(filepath.Join(s.Profiles, "tokenomics-"+name+".pprof"))
		if err != nil {
			return err
		}
		defer file.Close()
		if err := pprof.StartCPUProfile(file); err != nil {
			return err
		}
		defer pprof.StopCPUProfile()
		return run()
	}
}

func (l ladder) against(s *steps) (Result, error) {
	return versus("transfers/s", s.rates, "pgbench", l.tpcb, s.note()), nil
}

// cpu is the CPU time of a transfer under 1,024 callers. It is not a figure of small batches.
func (l ladder) cpu() (Result, error) {
	if least := sample.Least(l.many.batch); least < 256 {
		return Result{}, fmt.Errorf("batches had only %s movements", sample.Number(least))
	}
	sum := make([]float64, len(l.many.client))
	for i := range sum {
		sum[i] = l.many.client[i] + l.many.server[i]
	}
	return Result{Value: sample.Median(sum), Unit: "us", Note: l.many.note()}, nil
}

// hotSpot compares 512 callers who all pay to one account with those who pay to any of all.
func hotSpot(ctx context.Context, s *Setting) (r Result, err error) {
	g := s.stage()
	defer g.clear()
	server, ledger, err := g.postgres(ctx)
	if err != nil {
		return r, err
	}
	var hot, spread steps
	for round := -1; round < s.rounds(21); round++ {
		var h, e batched
		err := inTurns(round,
			func() error {
				h, err = ledger.run(ctx, server, load{callers: 512, lasts: brief, one: ledger.hot})
				return err
			},
			func() error {
				e, err = ledger.run(ctx, server, load{callers: 512, lasts: brief, one: ledger.spread})
				return err
			})
		if err != nil {
			return r, err
		}
		if round >= 0 {
			hot.add(h)
			spread.add(e)
		}
	}
	return versus("transfers/s", hot.rates, "spread", spread.rates, "hot: "+hot.note(), "spread: "+spread.note()), nil
}
