package schedulerdb_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fogcompute/fogcompute/fog/internal/db"
	"github.com/fogcompute/fogcompute/fog/internal/db/dbtest"
	"github.com/fogcompute/fogcompute/fog/scheduler"
	"github.com/fogcompute/fogcompute/fog/scheduler/schedulerdb"
)

// stage is one step in the life of a batch of jobs.
type stage struct {
	name   string
	change func(scheduler.Record) scheduler.Change
}

// life is what a scheduler commits for a job between its submission and its end.
func life() []stage {
	return []stage{
		{"queue", func(r scheduler.Record) scheduler.Change { return next(r, scheduler.Queued) }},
		{"place", func(r scheduler.Record) scheduler.Change { return place(next(r, scheduler.Placed), 0, "node-1") }},
		{"lease", func(r scheduler.Record) scheduler.Change {
			return carry(next(r, scheduler.Running), r, scheduler.AttemptRunning, nil)
		}},
		{"vest", func(r scheduler.Record) scheduler.Change {
			return carry(next(r, scheduler.Vested), r, scheduler.AttemptValid, &scheduler.Result{
				Stdout:  []byte("tile 12 of 64: 1000 iterations at most, 16384 pixels\n"),
				Outputs: []scheduler.Output{{Path: "tile.pgm", SHA256: r.Job.Task.Module, Bytes: 16399}},
				Digest:  r.Job.Task.Module, CPUSeconds: 0.8, WallSeconds: 0.9,
			})
		}},
	}
}

// carry brings the attempt of a record into a state.
func carry(c scheduler.Change, r scheduler.Record, state scheduler.AttemptState, result *scheduler.Result) scheduler.Change {
	a := r.Attempts[0]
	a.State, a.Result, a.Started = state, result, start()
	c.Record.Job.Result = result
	c.Record.Attempts = []scheduler.Attempt{a}
	return c
}

// BenchmarkLife measures each stage of the way of jobs that share their commits, in jobs per second, and the whole way.
func BenchmarkLife(b *testing.B) {
	for name, open := range map[string]func(testing.TB) *db.DB{"sqlite": dbtest.SQLite, "postgres": dbtest.Postgres} {
		for _, batch := range []int{1, 64, 1024} {
			b.Run(fmt.Sprintf("%s/batch=%d", name, batch), func(b *testing.B) { benchmarkLife(b, open(b), batch) })
		}
	}
}

func benchmarkLife(b *testing.B, d *db.DB, batch int) {
	s, _ := open(b, d)
	spent := map[string]time.Duration{}
	measure := func(name string, f func()) {
		begin := time.Now()
		f()
		spent[name] += time.Since(begin)
	}
	b.ResetTimer()
	for n := range b.N {
		jobs := make([]scheduler.Job, batch)
		ids := make([]scheduler.JobID, batch)
		for i := range jobs {
			jobs[i] = newJob(n*batch + i)
			jobs[i].Key = string(jobs[i].ID)
			ids[i] = jobs[i].ID
		}
		measure("insert", func() {
			_, err := s.Insert(b.Context(), insertions(jobs...))
			require.NoError(b, err)
		})
		for _, stage := range life() {
			var records []scheduler.Record
			measure("load", func() {
				var err error
				records, err = s.Load(b.Context(), ids)
				require.NoError(b, err)
			})
			changes := make([]scheduler.Change, batch)
			for i, r := range records {
				changes[i] = stage.change(r)
			}
			measure(stage.name, func() {
				written, err := s.Commit(b.Context(), scheduler.Fence{}, changes)
				require.NoError(b, err)
				require.NotContains(b, written, false)
			})
		}
	}
	b.StopTimer()
	for name, d := range spent {
		loads := 1
		if name == "load" {
			loads = len(life())
		}
		b.ReportMetric(float64(b.N*batch*loads)/d.Seconds(), name+"_jobs/s")
	}
	b.ReportMetric(float64(b.N*batch)/b.Elapsed().Seconds(), "whole_jobs/s")
}

// BenchmarkQueue measures what the planner asks, on 20,000 finished and 2,000 queued jobs: records per second.
func BenchmarkQueue(b *testing.B) {
	for name, open := range map[string]func(testing.TB) *db.DB{"sqlite": dbtest.SQLite, "postgres": dbtest.Postgres} {
		b.Run(name, func(b *testing.B) { benchmarkQueue(b, open(b)) })
	}
}

func benchmarkQueue(b *testing.B, d *db.DB) {
	s, _ := open(b, d)
	fillQueue(b, s)
	if d.Dialect == db.Postgres { // it does so by itself, but not at once
		_, err := d.Write.ExecContext(b.Context(), "ANALYZE")
		require.NoError(b, err)
	}
	for name, ask := range map[string]func(context.Context) (int, error){
		"ready": func(ctx context.Context) (int, error) {
			records, err := s.Ready(ctx, start().Add(time.Hour), nil, 256)
			return len(records), err
		},
		"due": func(ctx context.Context) (int, error) {
			records, err := s.Due(ctx, start().Add(time.Hour), 256)
			return len(records), err
		},
		"list": func(ctx context.Context) (int, error) {
			page, err := s.Find(ctx, scheduler.JobQuery{Tenant: "default"})
			return len(page.Jobs), err
		},
		"get": func(ctx context.Context) (int, error) {
			records, err := s.Load(ctx, []scheduler.JobID{newJob(7).ID})
			return len(records), err
		},
		"tally": func(ctx context.Context) (int, error) {
			tally, err := s.Tally(ctx, "default")
			return len(tally), err
		},
	} {
		b.Run(name, func(b *testing.B) {
			read := 0
			for b.Loop() {
				n, err := ask(b.Context())
				require.NoError(b, err)
				require.NotZero(b, n)
				read += n
			}
			b.ReportMetric(float64(read)/b.Elapsed().Seconds(), "rows/s")
		})
	}
}

// fillQueue stores jobs: one of eleven is queued, the others are over.
func fillQueue(b *testing.B, s *schedulerdb.Store) {
	b.Helper()
	for batch := range 22 {
		jobs := make([]scheduler.Job, 1000)
		for i := range jobs {
			jobs[i] = newJob(batch*1000 + i)
			if jobs[i].State = scheduler.Vested; i%11 == 0 {
				jobs[i].State = scheduler.Queued
			} else {
				jobs[i].Finished, jobs[i].DueAt = start(), time.Time{}
			}
		}
		_, err := s.Insert(b.Context(), insertions(jobs...))
		require.NoError(b, err)
	}
}

// BenchmarkFeed commits 64 changes at a time, in turns with and without events, and reports how much longer those with events take.
func BenchmarkFeed(b *testing.B) {
	for name, open := range map[string]func(testing.TB) *db.DB{"sqlite": dbtest.SQLite, "postgres": dbtest.Postgres} {
		b.Run(name, func(b *testing.B) { benchmarkFeed(b, open(b)) })
	}
}

func benchmarkFeed(b *testing.B, d *db.DB) {
	const batch = 64
	s, _ := open(b, d)
	jobs := make([]scheduler.Job, batch)
	records := make([]scheduler.Record, batch)
	for i := range jobs {
		jobs[i] = newJob(i)
		records[i].Job = jobs[i]
	}
	_, err := s.Insert(b.Context(), insertions(jobs...))
	require.NoError(b, err)
	var spent [2]time.Duration
	b.ResetTimer()
	for n := range 2 * b.N {
		changes := make([]scheduler.Change, batch)
		for i := range changes {
			changes[i] = next(records[i], scheduler.Pending)
			changes[i].Record.Job.Log = jobs[i].Log
			changes[i].News, changes[i].Now = n%2 == 1, start()
			records[i].Job = changes[i].Record.Job
		}
		begin := time.Now()
		written, err := s.Commit(b.Context(), scheduler.Fence{}, changes)
		spent[n%2] += time.Since(begin)
		require.NoError(b, err)
		require.NotContains(b, written, false)
	}
	b.ReportMetric(float64(spent[0].Microseconds())/float64(b.N), "us/commit")
	b.ReportMetric(float64(spent[1].Microseconds())/float64(b.N), "us/commit+events")
	b.ReportMetric(float64(spent[1])/float64(spent[0]), "ratio")
}
