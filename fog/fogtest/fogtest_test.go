package fogtest_test

import (
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/fogcompute/fogcompute/fog"
	"github.com/fogcompute/fogcompute/fog/fogtest"
	"github.com/fogcompute/fogcompute/fog/idle"
	"github.com/fogcompute/fogcompute/fog/internal/db/dbtest"
	"github.com/fogcompute/fogcompute/fog/scheduler"
)

func TestMain(m *testing.M) { os.Exit(dbtest.Main(m)) }

func submitOne(t *testing.T, house *fog.Fog, name string) scheduler.JobID {
	t.Helper()
	answers, err := house.Submit(t.Context(), []scheduler.Submission{{Name: name, Tier: scheduler.Gold, Estimate: time.Second}})
	require.NoError(t, err)
	require.NoError(t, answers[0].Err)
	return answers[0].Job.ID
}

// fetchOne lets a device beat until it holds something.
func fetchOne(t *testing.T, d *fogtest.Device) idle.Offer {
	t.Helper()
	for {
		offers, err := d.Fetch(t.Context(), time.Second)
		require.NoError(t, err)
		if len(offers) > 0 {
			return offers[0]
		}
	}
}

// A device that fails a job says why, and another gets it.
func TestDeviceFails(t *testing.T) {
	house := fogtest.Open(t, fog.Config{})
	bad := fogtest.Join(t, house, fogtest.Device{ID: "bad", Compute: func(idle.Offer) (*scheduler.Result, scheduler.Class, string) {
		return nil, scheduler.ClassDevice, "the disk is full"
	}})
	id := submitOne(t, house, "tried twice")
	verdict, err := bad.Report(t.Context(), fetchOne(t, bad))
	require.NoError(t, err)
	assert.Equal(t, scheduler.AttemptFailed, verdict.State)
	good := fogtest.Join(t, house, fogtest.Device{ID: "good"})
	verdict, err = good.Report(t.Context(), fetchOne(t, good))
	require.NoError(t, err)
	assert.Equal(t, scheduler.AttemptValid, verdict.State)
	done, err := house.Wait(t.Context(), id)
	require.NoError(t, err)
	assert.Equal(t, scheduler.Vested, done[0].Job.State)
}

// A device that restarts forgets what it held; the house gives the work out
// anew, and the result of before the restart is refused.
func TestDeviceRestarts(t *testing.T) {
	house := fogtest.Open(t, fog.Config{})
	d := fogtest.Join(t, house, fogtest.Device{ID: "d1"})
	id := submitOne(t, house, "interrupted")
	before := fetchOne(t, d)
	require.NoError(t, d.Restart(t.Context()))
	after := fetchOne(t, d)
	assert.Equal(t, before.Job, after.Job)
	assert.Greater(t, after.Token, before.Token)
	_, err := d.Report(t.Context(), before)
	assert.Equal(t, fog.KindConflict, fog.KindOf(err))
	_, err = d.Report(t.Context(), after)
	require.NoError(t, err)
	done, err := house.Wait(t.Context(), id)
	require.NoError(t, err)
	assert.Equal(t, scheduler.Vested, done[0].Job.State)
}

// Hash depends on the task alone.
func TestHash(t *testing.T) {
	a, _, _ := fogtest.Hash(idle.Offer{Module: "m", Args: []string{"1", "2"}, Attempt: "x"})
	b, _, _ := fogtest.Hash(idle.Offer{Module: "m", Args: []string{"1", "2"}, Attempt: "y"})
	c, _, _ := fogtest.Hash(idle.Offer{Module: "m", Args: []string{"12"}})
	assert.Equal(t, a.Stdout, b.Stdout)
	assert.NotEqual(t, a.Stdout, c.Stdout)
}
