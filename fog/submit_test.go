package fog_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/fogcompute/fogcompute/fog"
	"github.com/fogcompute/fogcompute/fog/blob"
	"github.com/fogcompute/fogcompute/fog/fogtest"
	"github.com/fogcompute/fogcompute/fog/guest"
	"github.com/fogcompute/fogcompute/fog/internal/db/dbtest"
	"github.com/fogcompute/fogcompute/fog/scheduler"
)

// A job that names bytes which nobody has stored, or no digest at all, is
// refused with the name of the field; the others go on.
func TestSubmitNamesWhatIsMissing(t *testing.T) {
	house := fogtest.Open(t, fog.Config{})
	there := put(t.Context(), t, house, "module")
	missing := string(blob.DigestOf([]byte("never stored")))
	bad := []struct {
		field string
		task  scheduler.Task
	}{
		{"module", scheduler.Task{Module: missing}},
		{"module", scheduler.Task{Module: "../../etc/passwd"}},
		{"module", scheduler.Task{Module: strings.ToUpper(there)}},
		{"stdin", scheduler.Task{Module: there, Stdin: missing}},
		{"stdin", scheduler.Task{Module: there, Stdin: "x"}},
		{"inputs", scheduler.Task{Module: there, Inputs: []scheduler.Input{{Path: "a", SHA256: there}, {Path: "b", SHA256: missing}}}},
		{"inputs", scheduler.Task{Module: there, Inputs: []scheduler.Input{{Path: "a", SHA256: ""}}}},
	}
	var batch []scheduler.Submission
	for _, b := range bad {
		s := job("bad")
		s.Task = b.task
		batch = append(batch, s, job("good"))
	}
	answers, err := house.Submit(t.Context(), batch)
	require.NoError(t, err)
	require.Len(t, answers, len(batch))
	for i, b := range bad {
		refused, accepted := answers[2*i], answers[2*i+1]
		assert.Equal(t, fog.KindInvalid, fog.KindOf(refused.Err), "%+v", b)
		assert.Equal(t, b.field, fog.FieldOf(refused.Err), "%+v", b)
		assert.Empty(t, refused.Job.ID)
		require.NoError(t, accepted.Err)
		assert.Equal(t, "good", accepted.Job.Name)
	}
	assert.Contains(t, fog.Detail(answers[0].Err), "/api/blobs/"+missing, "where to put it")
	answers, err = house.Submit(t.Context(), nil)
	require.NoError(t, err)
	assert.Empty(t, answers)
}

// A job without a module runs the house's guest, which is stored when it is first
// needed; one for an executor of the caller's own is left as it is.
func TestSubmitWithoutAModule(t *testing.T) {
	house := fogtest.Open(t, fog.Config{})
	_, err := house.Blob.Stat(t.Context(), blob.Digest(guest.Digest()))
	require.Equal(t, fog.KindNotFound, fog.KindOf(err))
	j := submit(t.Context(), t, house, job("the house's own"))
	assert.Equal(t, guest.Digest(), j.Task.Module)
	assert.True(t, j.Task.Output)
	assert.NotEmpty(t, j.Task.Args)
	info, err := house.Blob.Stat(t.Context(), blob.Digest(guest.Digest()))
	require.NoError(t, err)
	assert.Len(t, guest.Mandelbrot(), int(info.Bytes))

	own := job("for another executor")
	own.Demand.Executor = "python"
	own.Task.Args = []string{"print(1)"}
	j = submit(t.Context(), t, house, own)
	assert.Empty(t, j.Task.Module)
	assert.Equal(t, own.Task.Args, j.Task.Args)
}

// What one tenant has stored, submitted and asked for does not exist for another.
func TestTenantsDoNotMeet(t *testing.T) {
	for name, config := range map[string]fog.Config{
		"memory": {}, "sqlite": {DataDir: t.TempDir()}, "postgres": {DatabaseURL: dbtest.PostgresURL(t), DataDir: t.TempDir()},
	} {
		t.Run(name, func(t *testing.T) {
			config.Scheduler.Pricer = gratis{}
			house := fogtest.Open(t, config)
			alice, bob := user(t.Context(), "acme", "alice"), user(t.Context(), "other", "bob")
			s := job("secret")
			s.Task.Module = put(alice, t, house, "alice's module")
			err := refusal(bob, t, house, s)
			assert.Equal(t, "module", fog.FieldOf(err), "knowing a digest is not enough in another tenant")
			id := submit(alice, t, house, s).ID

			for _, stranger := range []context.Context{bob, operator(t.Context(), "other"), user(t.Context(), "acme", "eve")} {
				_, err := house.Wait(stranger, id)
				assert.Equal(t, fog.KindNotFound, fog.KindOf(err))
				_, err = house.Scheduler.Cancel(stranger, id)
				require.Error(t, err)
				page, err := house.Scheduler.List(stranger, scheduler.JobQuery{})
				require.NoError(t, err)
				assert.Empty(t, page.Jobs)
			}
			_, err = house.Scheduler.Cancel(alice, id)
			require.NoError(t, err)
			done, err := house.Wait(alice, id)
			require.NoError(t, err)
			assert.Equal(t, scheduler.Cancelled, done[0].Job.State)
		})
	}
}

// gratis makes jobs free, so that a tenant without funds may submit them.
type gratis struct{}

func (gratis) Quote(_ context.Context, jobs []scheduler.Job) ([]scheduler.Price, error) {
	return make([]scheduler.Price, len(jobs)), nil
}

// Wait answers in the order of the question, also when a job is asked for twice.
func TestWait(t *testing.T) {
	house := fogtest.Open(t, fog.Config{})
	device := fogtest.Join(t, house, fogtest.Device{ID: "d1"})
	a, b := submit(t.Context(), t, house, job("a")).ID, submit(t.Context(), t, house, job("b")).ID
	none, err := house.Wait(t.Context())
	require.NoError(t, err)
	assert.Empty(t, none)

	short, cancel := context.WithTimeout(t.Context(), 2*time.Millisecond)
	defer cancel()
	_, err = house.Wait(short, a)
	assert.Equal(t, fog.KindUnavailable, fog.KindOf(err), "%v", err)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	_, err = house.Wait(t.Context(), a, "no such job")
	assert.Equal(t, fog.KindNotFound, fog.KindOf(err))

	work, stop := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { device.Run(work); close(ended) }()
	defer func() { stop(); <-ended }()
	done, err := house.Wait(t.Context(), b, a, b)
	require.NoError(t, err)
	require.Len(t, done, 3)
	for i, want := range []scheduler.JobID{b, a, b} {
		assert.Equal(t, want, done[i].Job.ID)
		assert.Equal(t, scheduler.Vested, done[i].Job.State)
		assert.NotEmpty(t, done[i].Attempts)
	}
}

// Stats gathers every engine's numbers.
func TestStats(t *testing.T) {
	house := fogtest.Open(t, fog.Config{})
	device := fogtest.Join(t, house, fogtest.Device{ID: "d1", Cores: 3})
	done := finish(t, house, []*fogtest.Device{device}, submit(t.Context(), t, house, job("counted")).ID)
	waiting := job("waiting")
	waiting.Demand.MilliCPU = 8000
	submit(t.Context(), t, house, waiting)
	stats, err := house.Stats(t.Context())
	require.NoError(t, err)
	assert.EqualValues(t, 1, stats.Scheduler.States[scheduler.Vested])
	assert.EqualValues(t, 1, stats.Scheduler.States[scheduler.Queued])
	assert.EqualValues(t, 1, stats.Idle.Devices)
	assert.EqualValues(t, 1, stats.Idle.TasksCompleted)
	assert.EqualValues(t, done[0].Job.Price, stats.Idle.Earned)
	assert.EqualValues(t, done[0].Job.Price, stats.Tokenomics.Volume)
	assert.EqualValues(t, 1, stats.Tokenomics.OpenHolds)
	assert.Zero(t, stats.Tokenomics.Sum)

	_, err = house.Stats(user(t.Context(), "default", "eve"))
	assert.Equal(t, fog.KindDenied, fog.KindOf(err), "%v", err)
}
