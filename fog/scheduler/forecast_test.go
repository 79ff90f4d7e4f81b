package scheduler_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
	"github.com/fogcompute/fogcompute/fog/scheduler"
)

// counted counts how often the queue is read.
type counted struct {
	scheduler.Store
	reads int
}

func (c *counted) Ready(ctx context.Context, now time.Time, after *scheduler.Rank, limit int) ([]*scheduler.Record, error) {
	c.reads++
	return c.Store.Ready(ctx, now, after, limit)
}

// forecasting is a scheduler that nobody runs, with one node of four cores on which an attempt runs for ten minutes.
func forecasting(t *testing.T) (*scheduler.Scheduler, *counted, *time.Time) {
	t.Helper()
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	clock := &now
	store := &counted{Store: scheduler.NewMemory(nil, nil)}
	s, err := scheduler.New(scheduler.Config{Store: store, Now: func() time.Time { return *clock }})
	require.NoError(t, err)
	require.NoError(t, s.SyncNodes(t.Context(), []scheduler.Node{node("a")}))
	return s, store, clock
}

func forecast(t *testing.T, s *scheduler.Scheduler, b scheduler.Submission) (scheduler.Job, time.Time) {
	t.Helper()
	b.Name = "job"
	out, err := s.Submit(t.Context(), []scheduler.Submission{b})
	require.NoError(t, err)
	require.NoError(t, out[0].Err)
	at, err := s.Forecast(t.Context(), out[0].Job)
	require.NoError(t, err)
	return out[0].Job, at
}

// TestForecastSaysWhatExplainSays asks for each of the first jobs of a queue, and reads the queue once.
func TestForecastSaysWhatExplainSays(t *testing.T) {
	s, store, clock := forecasting(t)
	var jobs []scheduler.Job
	var said []time.Time
	for range 64 {
		*clock = clock.Add(time.Millisecond)
		job, at := forecast(t, s, exact(3, 10*time.Minute))
		jobs, said = append(jobs, job), append(said, at)
	}
	require.Equal(t, 1, store.reads)
	_, at := forecast(t, s, exact(3, 10*time.Minute))
	require.Zero(t, at, "it is too far behind")
	for i := range jobs {
		e, err := s.Explain(t.Context(), jobs[i].ID)
		require.NoError(t, err)
		require.Equal(t, e.StartsAt.IsZero(), said[i].IsZero(), "%d", i)
		require.WithinDuration(t, e.StartsAt, said[i], time.Second, "%d", i)
	}
	require.Equal(t, jobs[0].Submitted, said[0], "at once")

	again, err := s.Forecast(t.Context(), jobs[1])
	require.NoError(t, err)
	require.Equal(t, said[1], again)
}

func TestForecastsAreNotOld(t *testing.T) {
	s, store, clock := forecasting(t)
	first, at := forecast(t, s, exact(3, 10*time.Minute))
	require.Equal(t, *clock, at)
	second, at := forecast(t, s, exact(3, 10*time.Minute))
	require.True(t, at.IsZero() || at.After(*clock), "the first one takes the node")
	for _, j := range []scheduler.Job{first, second} {
		_, err := s.Cancel(t.Context(), j.ID)
		require.NoError(t, err)
	}
	for _, step := range []time.Duration{time.Second, -time.Hour} { // a clock may be set back
		*clock = clock.Add(step)
		reads := store.reads
		job, at := forecast(t, s, exact(3, 10*time.Minute))
		require.Equal(t, *clock, at)
		require.Equal(t, reads+1, store.reads)
		_, err := s.Cancel(t.Context(), job.ID)
		require.NoError(t, err)
	}
}

// TestForecastsKnowTheirLimits has jobs of which nothing is known.
func TestForecastsKnowTheirLimits(t *testing.T) {
	s, _, _ := forecasting(t)
	forecast(t, s, exact(3, 10*time.Minute))
	_, at := forecast(t, s, scheduler.Submission{Demand: scheduler.Demand{MilliCPU: 5000}})
	require.Zero(t, at, "no node is that large")
	better := exact(3, 10*time.Minute)
	better.Tier = scheduler.Gold
	_, at = forecast(t, s, better)
	require.Zero(t, at, "others wait behind it")

	job, _ := forecast(t, s, scheduler.Submission{})
	_, err := s.Forecast(as(t.Context(), "mallory"), job)
	kind(t, fault.Denied, err)
	job, err = s.Pause(t.Context(), job.ID)
	require.NoError(t, err)
	at, err = s.Forecast(t.Context(), job)
	require.NoError(t, err)
	require.Zero(t, at)
}

// BenchmarkForecast submits jobs to 200 nodes behind 1,000 others, with a forecast for each and without.
func BenchmarkForecast(b *testing.B) {
	for name, with := range map[string]bool{"with": true, "without": false} {
		b.Run(name, func(b *testing.B) {
			s, err := scheduler.New(scheduler.Config{})
			require.NoError(b, err)
			nodes := make([]scheduler.Node, 200)
			for i := range nodes {
				nodes[i] = node(string(rune('a'+i/20)) + string(rune('a'+i%20)))
			}
			require.NoError(b, s.SyncNodes(b.Context(), nodes))
			job := []scheduler.Submission{{Name: "job"}}
			for range 1000 {
				_, err := s.Submit(b.Context(), job)
				require.NoError(b, err)
			}
			for b.Loop() {
				out, err := s.Submit(b.Context(), job)
				require.NoError(b, err)
				if with {
					_, err = s.Forecast(b.Context(), out[0].Job)
					require.NoError(b, err)
				}
			}
		})
	}
}
