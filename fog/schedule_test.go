package fog_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/fogcompute/fogcompute/fog"
	"github.com/fogcompute/fogcompute/fog/blob"
	"github.com/fogcompute/fogcompute/fog/fogtest"
	"github.com/fogcompute/fogcompute/fog/guest"
	"github.com/fogcompute/fogcompute/fog/scheduler"
)

// A schedule is taken in as a submission is: what it names must be there, and
// without a module it runs the house's own guest, time after time.
func TestSchedulesAreTakenInAsSubmissionsAre(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		house := fogtest.Open(t, fog.Config{Scheduler: scheduler.Config{Pricer: gratis{}}})
		nightly := scheduler.Schedule{ID: "nightly", Spec: "@hourly", Template: job("again")}
		nightly.Template.Task = scheduler.Task{Module: string(blob.DigestOf([]byte("never stored")))}
		_, err := house.PutSchedule(t.Context(), nightly)
		require.Equal(t, fog.KindInvalid, fog.KindOf(err))
		require.Equal(t, "module", fog.FieldOf(err))

		nightly.Template.Task = scheduler.Task{}
		stored, err := house.PutSchedule(t.Context(), nightly)
		require.NoError(t, err)
		require.Equal(t, guest.Digest(), stored.Template.Task.Module)
		time.Sleep(2*time.Hour + time.Minute)
		page, err := house.Scheduler.List(t.Context(), scheduler.JobQuery{})
		require.NoError(t, err)
		require.EqualValues(t, 2, page.Total)
		record, err := house.Scheduler.Get(t.Context(), page.Jobs[0].ID)
		require.NoError(t, err)
		require.Equal(t, guest.Digest(), record.Job.Task.Module)
		require.NotEmpty(t, record.Job.Task.Args)
	})
}

// What a schedule names outlives the grace of the blob store, also while it is
// paused and whatever tenant it is of, until the schedule is deleted.
func TestBytesOfSchedulesAreKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		house := fogtest.Open(t, fog.Config{
			Blob:      blob.Config{Grace: time.Minute, CollectEvery: 10 * time.Second},
			Scheduler: scheduler.Config{Pricer: gratis{}},
		})
		alice := user(t.Context(), "acme", "alice")
		unused := put(alice, t, house, "unused")
		var modules []string
		for _, id := range []string{"yearly", "paused"} {
			one := scheduler.Schedule{ID: id, Spec: "@yearly", Paused: id == "paused", Template: job("rarely")}
			one.Template.Task.Module = put(alice, t, house, "module of "+id)
			modules = append(modules, one.Template.Task.Module)
			_, err := house.PutSchedule(alice, one)
			require.NoError(t, err)
		}
		there := func(digest string) bool {
			_, err := house.Blob.Stat(alice, blob.Digest(digest))
			return err == nil
		}
		time.Sleep(time.Hour)
		assert.False(t, there(unused))
		assert.True(t, there(modules[0]))
		assert.True(t, there(modules[1]))
		require.NoError(t, house.Scheduler.DeleteSchedule(alice, "paused"))
		time.Sleep(5 * time.Minute)
		assert.True(t, there(modules[0]))
		assert.False(t, there(modules[1]), "nobody needs it any more")
	})
}

// A submission that names another of its call by its place means the same one
// when one between them is refused.
func TestDependenciesWithinACallThatIsPartlyRefused(t *testing.T) {
	house := fogtest.Open(t, fog.Config{Scheduler: scheduler.Config{Pricer: gratis{}}})
	bad := job("bad")
	bad.Task.Module = string(blob.DigestOf([]byte("never stored")))
	after := func(name string, refs ...scheduler.JobID) scheduler.Submission {
		s := job(name)
		for _, ref := range refs {
			s.After = append(s.After, scheduler.Dependency{Job: ref})
		}
		return s
	}
	answers, err := house.Submit(t.Context(), []scheduler.Submission{
		job("first"), bad, job("third"), after("both", "#0", "#2"), after("of the refused", "#1"), after("of itself", "#5"), after("of the fourth", "#3"),
	})
	require.NoError(t, err)
	for _, i := range []int{0, 2, 3, 6} {
		require.NoError(t, answers[i].Err, i)
	}
	want := []scheduler.Dependency{{Job: answers[0].Job.ID, When: scheduler.OnSuccess}, {Job: answers[2].Job.ID, When: scheduler.OnSuccess}}
	require.Equal(t, want, answers[3].Job.After)
	require.Equal(t, answers[3].Job.ID, answers[6].Job.After[0].Job)
	for _, i := range []int{4, 5} {
		require.Equal(t, "after", fog.FieldOf(answers[i].Err), i)
	}
}
