package schedulerdb_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fogcompute/fogcompute/fog/internal/db"
	"github.com/fogcompute/fogcompute/fog/internal/db/dbtest"
	"github.com/fogcompute/fogcompute/fog/scheduler"
	"github.com/fogcompute/fogcompute/fog/scheduler/schedulerdb"
)

// mortal is a store as one server sees it: once the server is dead nothing is written through it any more.
type mortal struct {
	scheduler.Store
	dead atomic.Bool
}

var errDead = errors.New("this server is dead")

func (m *mortal) Insert(ctx context.Context, jobs []scheduler.Insertion) ([]scheduler.Inserted, error) {
	if m.dead.Load() {
		return nil, errDead
	}
	return m.Store.Insert(ctx, jobs)
}

func (m *mortal) Commit(ctx context.Context, f scheduler.Fence, changes []scheduler.Change) ([]bool, error) {
	if m.dead.Load() {
		return nil, errDead
	}
	return m.Store.Commit(ctx, f, changes)
}

func (m *mortal) SaveSchedules(ctx context.Context, f scheduler.Fence, all []scheduler.Schedule) ([]bool, error) {
	if m.dead.Load() {
		return nil, errDead
	}
	return m.Store.SaveSchedules(ctx, f, all)
}

// server runs a scheduler on the rows, ahead of the real time; it dies after a step ("": never) when it is armed.
func server(t *testing.T, s *schedulerdb.Store, ahead time.Duration, step string, armed *atomic.Bool) (*scheduler.Scheduler, func()) {
	t.Helper()
	m := &mortal{Store: s}
	engine, err := scheduler.New(scheduler.Config{
		Store: m, Duties: s.Abilities().Duties, Poll: 10 * time.Millisecond, Recheck: 20 * time.Millisecond, DutyTTL: time.Hour,
		Now: func() time.Time { return time.Now().Add(ahead) },
		Step: func(name string) {
			if name == step && armed.Load() {
				m.dead.Store(true)
			}
		},
	})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- engine.Run(ctx) }()
	stop := func() {
		cancel()
		if err := <-done; err != nil {
			t.Log("the store that the test broke:", err)
		}
	}
	t.Cleanup(func() { require.NoError(t, engine.Close()) })
	return engine, stop
}

// until watches until an event passes, and answers it.
func until(t *testing.T, s *scheduler.Scheduler, from scheduler.Seq, passes func(scheduler.Event) bool) scheduler.Event {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	for e, err := range s.Watch(ctx, scheduler.EventQuery{After: from}) {
		require.NoError(t, err)
		if passes(e) {
			return e
		}
	}
	t.Fatal("the watch ended")
	return scheduler.Event{}
}

// TestGraphsSurviveACrash kills the server after the commit that ends a job and before the look at its dependents.
func TestGraphsSurviveACrash(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s, _ := openNow(t, d)
		var armed atomic.Bool
		first, kill := server(t, s, 0, scheduler.StepCancel, &armed)
		out, err := first.Submit(t.Context(), []scheduler.Submission{
			{Name: "first", Count: 2}, {Name: "good", After: []scheduler.Dependency{{Job: "#0", When: scheduler.OnFailure}}},
			{Name: "bad", Count: 2, After: []scheduler.Dependency{{Job: "#0"}}}, {Name: "last", After: []scheduler.Dependency{{Job: "#2", When: scheduler.OnEnd}}},
		})
		require.NoError(t, err)
		armed.Store(true)
		_, err = first.CancelArray(t.Context(), out[0].Job.ID)
		require.NoError(t, err)
		kill()
		after, err := first.Array(t.Context(), out[0].Job.ID)
		require.NoError(t, err)
		require.Equal(t, map[scheduler.State]int64{scheduler.Cancelled: 2}, after.States)

		second, stop := server(t, s, 0, "", &armed)
		defer stop()
		for id, state := range map[scheduler.JobID]scheduler.State{
			out[1].Job.ID: scheduler.Queued, out[2].Job.ID: scheduler.Cancelled, out[3].Job.ID: scheduler.Queued,
		} {
			until(t, second, 0, func(e scheduler.Event) bool { return e.Job == id && e.State == state })
		}
	})
}

// TestSchedulesSurviveACrash kills the server after each of the commits of a firing; another one goes on.
func TestSchedulesSurviveACrash(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s, _ := openNow(t, d)
		for _, step := range []string{scheduler.StepSchedule, scheduler.StepSubmit} {
			var armed, never atomic.Bool
			calm, stop := server(t, s, 0, "", &never)
			one, err := calm.PutSchedule(t.Context(), scheduler.Schedule{
				ID: step, Spec: "0 0 1 1 *", Overlap: scheduler.Forbid, Template: scheduler.Submission{Name: step, Count: 2},
			})
			require.NoError(t, err)
			stop()
			ahead := time.Until(one.Next) + time.Minute
			from, err := calm.Position(t.Context())
			require.NoError(t, err)
			armed.Store(true)
			dying, kill := server(t, s, ahead, step, &armed)
			if step == scheduler.StepSubmit {
				until(t, dying, from, func(e scheduler.Event) bool { return e.State == scheduler.Queued })
				require.Zero(t, last(t, s, step).Fired)
			} else {
				firing(t, s, step)
			}
			kill()
			second, end := server(t, s, ahead+time.Second, "", &never)
			fired(t, s, step)
			page, err := second.List(t.Context(), scheduler.JobQuery{Array: last(t, s, step).LastJob})
			require.NoError(t, err)
			require.EqualValues(t, 2, page.Total)
			all, err := second.List(t.Context(), scheduler.JobQuery{Limit: 1000})
			require.NoError(t, err)
			count := 0
			for _, j := range all.Jobs {
				if j.Name == step {
					count++
				}
			}
			require.Equal(t, 2, count, "one array for the time, whoever fired it")
			end()
			require.NoError(t, second.DeleteSchedule(t.Context(), step))
		}
	})
}

// openNow is open with the real clock, which duties need here.
func openNow(t *testing.T, d *db.DB) (*schedulerdb.Store, *db.Journal) {
	t.Helper()
	s, journal := open(t, d)
	return s.WithClock(time.Now), journal
}

func last(t *testing.T, s *schedulerdb.Store, id string) scheduler.Schedule {
	t.Helper()
	all, err := s.ListSchedules(context.Background(), "default", "")
	require.NoError(t, err)
	for _, one := range all {
		if one.ID == id {
			return one
		}
	}
	t.Fatalf("no schedule %s", id)
	return scheduler.Schedule{}
}

// firing waits until a schedule is between its two steps, fired until it has fired.
func firing(t *testing.T, s *schedulerdb.Store, id string) {
	t.Helper()
	require.Eventually(t, func() bool { return !last(t, s, id).Firing.IsZero() }, 30*time.Second, time.Millisecond)
}

func fired(t *testing.T, s *schedulerdb.Store, id string) {
	t.Helper()
	require.Eventually(t, func() bool { one := last(t, s, id); return one.Fired == 1 && one.Firing.IsZero() }, 30*time.Second, time.Millisecond)
}
