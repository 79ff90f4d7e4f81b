package scheduler_test

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fogcompute/fogcompute/fog/internal/duty"
	"github.com/fogcompute/fogcompute/fog/internal/fault"
	"github.com/fogcompute/fogcompute/fog/internal/journal"
	"github.com/fogcompute/fogcompute/fog/principal"
	"github.com/fogcompute/fogcompute/fog/scheduler"
)

func (r *rig) put(one scheduler.Schedule) scheduler.Schedule {
	r.t.Helper()
	if one.Template.Name == "" {
		one.Template.Name = one.ID
	}
	stored, err := r.PutSchedule(r.t.Context(), one)
	require.NoError(r.t, err)
	return stored
}

// named lists the jobs of a name, oldest first.
func (r *rig) named(name string) []scheduler.Job {
	r.t.Helper()
	page, err := r.List(r.t.Context(), scheduler.JobQuery{Limit: 1000})
	require.NoError(r.t, err)
	var out []scheduler.Job
	for _, j := range page.Jobs {
		if j.Name == name {
			out = append([]scheduler.Job{j}, out...)
		}
	}
	return out
}

func (r *rig) schedule(id string) scheduler.Schedule {
	r.t.Helper()
	all, err := r.Schedules(r.t.Context())
	require.NoError(r.t, err)
	for _, one := range all {
		if one.ID == id {
			return one
		}
	}
	r.t.Fatalf("no schedule %s in %v", id, all)
	return scheduler.Schedule{}
}

func TestSchedulesFire(t *testing.T) { // the bubble's clock begins at midnight
	inBubble(t, scheduler.Config{}, func(t *testing.T, r *rig) {
		one := r.put(scheduler.Schedule{ID: "report", Spec: "*/15 * * * *", Template: scheduler.Submission{Tier: scheduler.Gold, Count: 2}})
		require.Equal(t, time.Date(2000, 1, 1, 0, 15, 0, 0, time.UTC), one.Next)
		r.wait(14 * time.Minute)
		require.Empty(t, r.named("report"))
		r.wait(62 * time.Minute)
		jobs := r.named("report")
		require.Len(t, jobs, 2*5)
		for i, j := range jobs {
			due := time.Date(2000, 1, 1, 0, 15*(i/2+1), 0, 0, time.UTC)
			require.WithinDuration(t, due, j.Submitted, 2*time.Second)
			require.Equal(t, scheduler.Gold, j.Tier)
			if i%2 == 0 {
				require.Equal(t, fmt.Sprintf("@report/%d", due.Unix()), j.Key)
			}
		}
		got := r.schedule("report")
		require.EqualValues(t, 5, got.Fired)
		require.Zero(t, got.Skipped)
		require.Equal(t, jobs[8].ID, got.LastJob)
		require.Equal(t, time.Date(2000, 1, 1, 1, 15, 0, 0, time.UTC), got.Last)
		require.Equal(t, time.Date(2000, 1, 1, 1, 30, 0, 0, time.UTC), got.Next)

		paused, err := r.PauseSchedule(t.Context(), "report", true)
		require.NoError(t, err)
		require.Zero(t, paused.Next)
		r.wait(time.Hour)
		require.Len(t, r.named("report"), 10)
		resumed, err := r.PauseSchedule(t.Context(), "report", false)
		require.NoError(t, err)
		require.Equal(t, time.Date(2000, 1, 1, 2, 30, 0, 0, time.UTC), resumed.Next)
		r.wait(15 * time.Minute)
		require.Len(t, r.named("report"), 12)
		require.NoError(t, r.DeleteSchedule(t.Context(), "report"))
		r.wait(time.Hour)
		require.Len(t, r.named("report"), 12)
		kind(t, fault.NotFound, r.DeleteSchedule(t.Context(), "report"))
	})
}

func TestScheduleOverlap(t *testing.T) {
	inBubble(t, scheduler.Config{}, func(t *testing.T, r *rig) {
		for _, o := range []scheduler.Overlap{scheduler.Allow, scheduler.Forbid, scheduler.Replace} {
			r.put(scheduler.Schedule{ID: string(o), Spec: "* * * * *", Overlap: o})
		}
		r.put(scheduler.Schedule{ID: "arrays", Spec: "* * * * *", Overlap: scheduler.Replace, Template: scheduler.Submission{Count: 3}})
		r.wait(3*time.Minute + 10*time.Second)
		require.Len(t, r.named("allow"), 3)
		require.Len(t, r.named("forbid"), 1)
		require.EqualValues(t, 2, r.schedule("forbid").Skipped)
		require.Contains(t, r.schedule("forbid").LastError, "is not over")
		states := func(name string) (out []scheduler.State) {
			for _, j := range r.named(name) {
				out = append(out, j.State)
			}
			return out
		}
		require.Equal(t, []scheduler.State{scheduler.Cancelled, scheduler.Cancelled, scheduler.Queued}, states("replace"))
		require.Len(t, states("arrays"), 9)
		require.Equal(t, []scheduler.State{scheduler.Cancelled, scheduler.Queued}, []scheduler.State{states("arrays")[5], states("arrays")[6]})
		_, err := r.Cancel(t.Context(), r.named("forbid")[0].ID)
		require.NoError(t, err)
		r.wait(time.Minute)
		require.Len(t, r.named("forbid"), 2)
		require.Empty(t, r.schedule("forbid").LastError)
	})
}

func TestSchedulesAreChecked(t *testing.T) {
	inBubble(t, scheduler.Config{}, func(t *testing.T, r *rig) {
		good := scheduler.Schedule{ID: "x", Spec: "@daily", Template: scheduler.Submission{Name: "x"}}
		for field, edit := range map[string]func(one *scheduler.Schedule){
			"spec":     func(one *scheduler.Schedule) { one.Spec = "61 * * * *" },
			"zone":     func(one *scheduler.Schedule) { one.Zone = "Europe/Atlantis" },
			"id":       func(one *scheduler.Schedule) { one.ID = "a/b" },
			"name":     func(one *scheduler.Schedule) { one.Name = strings.Repeat("x", 201) },
			"overlap":  func(one *scheduler.Schedule) { one.Overlap = "maybe" },
			"catch_up": func(one *scheduler.Schedule) { one.CatchUp = time.Second },
			"template": func(one *scheduler.Schedule) { one.Template.Key = "k" },
			"count":    func(one *scheduler.Schedule) { one.Template.Count = -1 },
		} {
			bad := good
			edit(&bad)
			_, err := r.PutSchedule(t.Context(), bad)
			kind(t, fault.Invalid, err)
			require.Equal(t, field, fault.FieldOf(err))
		}
		late := good
		late.Template.Deadline = time.Now().Add(time.Hour)
		_, err := r.PutSchedule(t.Context(), late)
		kind(t, fault.Invalid, err)

		stored := r.put(good)
		require.Equal(t, scheduler.Allow, stored.Overlap)
		stored.Zone = "Asia/Tokyo"
		stored = r.put(stored)
		require.EqualValues(t, 2, stored.Version)
		require.Equal(t, time.Date(2000, 1, 1, 15, 0, 0, 0, time.UTC), stored.Next, "midnight in Tokyo")

		mallory := as(t.Context(), "mallory")
		_, err = r.PutSchedule(mallory, good)
		require.Error(t, err)
		require.Error(t, r.DeleteSchedule(mallory, "x"))
		_, err = r.PauseSchedule(mallory, "x", true)
		require.Error(t, err)
		seen, err := r.Schedules(mallory)
		require.NoError(t, err)
		require.Empty(t, seen)
		mine, err := r.PutSchedule(mallory, scheduler.Schedule{ID: "mine", Spec: "@hourly", Template: scheduler.Submission{Name: "mine"}})
		require.NoError(t, err)
		require.Equal(t, principal.Account("mallory"), mine.Owner)
		r.wait(61 * time.Minute)
		require.Equal(t, principal.Account("mallory"), r.named("mine")[0].Owner, "the owner of the schedule pays")
	})
}

// TestSchedulesCatchUp leaves the rows without a server for a while.
func TestSchedulesCatchUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		duties := duty.NewMemory(nil)
		rows := scheduler.NewMemory(nil, duties)
		first := start(t, scheduler.Config{Store: rows, Duties: duties, Holder: "first"})
		first.put(scheduler.Schedule{ID: "often", Spec: "* * * * *"})
		first.put(scheduler.Schedule{ID: "late", Spec: "30 0 * * *", CatchUp: time.Hour})
		first.put(scheduler.Schedule{ID: "missed", Spec: "30 0 * * *"})
		first.wait(90 * time.Second)
		require.Len(t, first.named("often"), 1)
		first.stop()
		first.wait(time.Hour)

		second := start(t, scheduler.Config{Store: rows, Duties: duties, Holder: "second"})
		second.wait(15 * time.Second)
		require.Len(t, second.named("often"), 2, "the latest of the missed times")
		require.Len(t, second.named("late"), 1)
		require.Empty(t, second.named("missed"))
		require.EqualValues(t, 1, second.schedule("missed").Skipped)
		require.Contains(t, second.schedule("missed").LastError, "in time")
		require.Equal(t, time.Date(2000, 1, 2, 0, 30, 0, 0, time.UTC), second.schedule("missed").Next)
	})
}

// TestSchedulesFireOnceAcrossCrashes kills the server after each commit of a firing, again and again; another one goes on at once.
func TestSchedulesFireOnceAcrossCrashes(t *testing.T) {
	for _, o := range []scheduler.Overlap{scheduler.Allow, scheduler.Forbid, scheduler.Replace} {
		for _, step := range []string{scheduler.StepSchedule, scheduler.StepSubmit, scheduler.StepHold, scheduler.StepQueue} {
			for after := 1; after <= 3; after++ {
				t.Run(fmt.Sprintf("%s %s %d", o, step, after), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) { firesOnce(t, o, step, after) })
				})
			}
		}
	}
}

func firesOnce(t *testing.T, o scheduler.Overlap, step string, after int) {
	facts, duties := journal.NewMemory(nil), duty.NewMemory(nil)
	rows := scheduler.NewMemory(facts, duties)
	first := &mortal{Store: rows}
	var seen atomic.Int64
	r := start(t, scheduler.Config{
		Store: first, Duties: mortalDuties{duties, first}, Holder: "first", Escrow: &escrow{},
		Step: func(s string) {
			if s == step {
				if seen.Add(1) > int64(after) { // the first is that of PutSchedule
					first.kill()
				}
			}
		},
	})
	if step != scheduler.StepSchedule {
		seen.Store(1)
	}
	r.put(scheduler.Schedule{ID: "x", Spec: "*/2 * * * *", Overlap: o})
	r.wait(20 * time.Minute)
	r.stop()
	second := start(t, scheduler.Config{Store: rows, Duties: duties, Holder: "second", Escrow: &escrow{}})
	second.wait(10 * time.Minute)
	keys, live := map[string]bool{}, 0
	jobs := second.named("x")
	for _, j := range jobs {
		require.False(t, keys[j.Key], "one job a time")
		keys[j.Key] = true
		if !j.State.Final() {
			live++
		}
	}
	require.NotEmpty(t, jobs)
	if o != scheduler.Allow {
		require.Equal(t, 1, live, "never two beside each other")
	}
	one := second.schedule("x")
	require.Equal(t, int64(len(jobs)), one.Fired)
	require.Equal(t, time.Date(2000, 1, 1, 0, 30, 0, 0, time.UTC), one.Last.Truncate(time.Minute))
	require.Zero(t, one.Firing)
}

// TestTwoServersFireOnce lets both servers believe that they have the duty.
func TestTwoServersFireOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rows := scheduler.NewMemory(nil, nil) // no fences
		a := start(t, scheduler.Config{Store: rows, Holder: "a"})
		start(t, scheduler.Config{Store: rows, Holder: "b"})
		a.put(scheduler.Schedule{ID: "x", Spec: "* * * * *", Template: scheduler.Submission{Count: 2}})
		a.wait(10*time.Minute + time.Second)
		require.Len(t, a.named("x"), 20)
		require.EqualValues(t, 10, a.schedule("x").Fired)
	})
}

func (m *mortal) SaveSchedules(ctx context.Context, f scheduler.Fence, all []scheduler.Schedule) ([]bool, error) {
	if err := m.alive(); err != nil {
		return nil, err
	}
	return m.Store.SaveSchedules(ctx, f, all)
}

func TestSchedulesFireWhileTheEscrowNeverAnswers(t *testing.T) {
	inBubble(t, scheduler.Config{Escrow: &moody{mood: "never"}}, func(t *testing.T, r *rig) {
		_, err := r.PutSchedule(t.Context(), scheduler.Schedule{ID: "s", Spec: "* * * * *", Template: scheduler.Submission{Name: "job"}})
		require.NoError(t, err)
		r.wait(5 * time.Minute)
		one, err := r.Schedule(t.Context(), "s")
		require.NoError(t, err)
		require.GreaterOrEqual(t, one.Fired, int64(4))
	})
}

// failing prices nothing of one owner.
type failing struct{ owner principal.Account }

func (f failing) Quote(_ context.Context, jobs []scheduler.Job) ([]scheduler.Price, error) {
	if jobs[0].Owner == f.owner {
		return nil, fault.New(fault.Unavailable, "test", "no price")
	}
	return make([]scheduler.Price, len(jobs)), nil
}

// TestManySchedulesFireAtOnce has more schedules due in one minute than are read at once, of which some cannot be fired.
func TestManySchedulesFireAtOnce(t *testing.T) {
	const each = 300
	inBubble(t, scheduler.Config{Pricer: failing{"a"}}, func(t *testing.T, r *rig) {
		for _, owner := range []principal.Account{"a", "b"} { // those that fail come first
			for i := range each {
				_, err := r.PutSchedule(as(t.Context(), owner), scheduler.Schedule{
					ID: fmt.Sprintf("%s%03d", owner, i), Spec: "0 * * * *", Template: scheduler.Submission{Name: "job"},
				})
				require.NoError(t, err)
			}
		}
		r.wait(time.Hour + 1500*time.Millisecond)
		require.Len(t, r.named("job"), each)
		one := r.schedule("a000")
		require.Equal(t, time.Date(2000, 1, 1, 1, 0, 0, 0, time.UTC), one.Next, "it is still due")
	})
}
