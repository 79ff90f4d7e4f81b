package main

import "context"

// serverFigures are the figures of the suite server.
func serverFigures(b *bench) []figure {
	under := func(v float64) goal { return goal{"<", v} }
	soak := &soak{clients: 10_000, frame: 2048}
	figures := []figure{
		{"server", "cold_start_ms", under(200), coldStart},
		{"server", "idle_rss_mb", under(60), idleMemory},
		{"server", "health_cpu", under(2.5), b.contest(healthContest())},
		{"server", "list100_cpu", under(1.5), b.contest(listContest())},
		{"server", "create_cpu", under(2.5), b.contest(createContest())},
		{"server", "full_chain_p99_ms", under(10), func(ctx context.Context) (result, error) { return fullChain(ctx, b) }},
	}
	for _, database := range []string{"sqlite", "postgres"} {
		d := &durable{database: database}
		figures = append(figures,
			figure{"server", "create_durable_cpu_us_" + database, goal{}, func(ctx context.Context) (result, error) {
				err := d.measure(ctx, b)
				return d.cpu, err
			}},
			figure{"server", "create_durable_p99_ms_" + database, goal{}, func(ctx context.Context) (result, error) {
				err := d.measure(ctx, b)
				return d.p99, err
			}},
		)
	}
	return append(figures,
		figure{"server", "ws_10k_cpu_share", under(0.25), func(ctx context.Context) (result, error) {
			err := soak.measure(ctx, b)
			return soak.cpu, err
		}},
		figure{"server", "ws_10k_kb_per_conn", under(30), func(ctx context.Context) (result, error) {
			err := soak.measure(ctx, b)
			return soak.memory, err
		}},
	)
}

func (b *bench) contest(k contest) func(context.Context) (result, error) {
	return func(ctx context.Context) (result, error) { return k.run(ctx, b) }
}
