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
	"github.com/fogcompute/fogcompute/fog/idle"
	"github.com/fogcompute/fogcompute/fog/scheduler"
)

// TestBytesOfWaitingJobsAreKept: what an unfinished job needs outlives the
// grace of the blob store, however short that is and whatever tenant it is of;
// what nobody needs does not.
func TestBytesOfWaitingJobsAreKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		house := fogtest.Open(t, fog.Config{
			Blob:      blob.Config{Grace: time.Minute, CollectEvery: 10 * time.Second},
			Scheduler: scheduler.Config{Pricer: gratis{}},
		})
		alice := user(t.Context(), "acme", "alice")
		s := job("waits for a device that never comes")
		s.Task.Module = put(alice, t, house, "module")
		s.Task.Stdin = put(alice, t, house, "stdin")
		s.Task.Inputs = []scheduler.Input{{Path: "a", SHA256: put(alice, t, house, "input")}}
		unused := put(alice, t, house, "unused")
		id := submit(alice, t, house, s).ID
		there := func(digest string) bool {
			_, err := house.Blob.Stat(alice, blob.Digest(digest))
			if err != nil {
				require.Equal(t, fog.KindNotFound, fog.KindOf(err))
			}
			return err == nil
		}
		time.Sleep(time.Hour)
		assert.False(t, there(unused))
		for _, needed := range []string{s.Task.Module, s.Task.Stdin, s.Task.Inputs[0].SHA256} {
			assert.True(t, there(needed))
		}
		assert.Equal(t, fog.Healthy, house.Health().Parts["retention"].State)
		_, err := house.Scheduler.Cancel(alice, id)
		require.NoError(t, err)
		time.Sleep(5 * time.Minute)
		assert.False(t, there(s.Task.Module), "the job is over")
	})
}

// Jobs that name nothing that was ever stored are no trouble to the retention.
func TestRetentionOfStrangeJobs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		house := fogtest.Open(t, fog.Config{Scheduler: scheduler.Config{Pricer: gratis{}}})
		bare := job("past the house's door")
		answers, err := house.Scheduler.Submit(t.Context(), []scheduler.Submission{bare})
		require.NoError(t, err)
		require.NoError(t, answers[0].Err)
		bare.Task.Module = string(blob.DigestOf([]byte("never stored")))
		answers, err = house.Scheduler.Submit(t.Context(), []scheduler.Submission{bare})
		require.NoError(t, err)
		require.NoError(t, answers[0].Err)
		time.Sleep(time.Hour)
		assert.Equal(t, fog.Healthy, house.Health().State, "%+v", house.Health())
	})
}

// TestNodesFollowTheirDevices: a device that comes, closes, falls silent and is
// purged takes its node along, and what it ran goes back to the queue.
func TestNodesFollowTheirDevices(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		house := fogtest.Open(t, fog.Config{
			Idle:      idle.Config{Retention: 10 * time.Minute},
			Scheduler: scheduler.Config{Pricer: gratis{}},
		})
		node := func() *scheduler.NodeView {
			synctest.Wait()
			nodes, err := house.Scheduler.Nodes(t.Context())
			require.NoError(t, err)
			if len(nodes) == 0 {
				return nil
			}
			require.Len(t, nodes, 1)
			return &nodes[0]
		}
		require.Nil(t, node())
		device := fogtest.Join(t, house, fogtest.Device{ID: "d1", Cores: 2})
		require.Equal(t, scheduler.NodeUp, node().State)
		assert.EqualValues(t, 2000, node().Capacity.MilliCPU)
		assert.EqualValues(t, "device:d1", node().Owner)

		_, err := house.Idle.Drain(t.Context(), "d1", true)
		require.NoError(t, err)
		require.Equal(t, scheduler.NodeClosed, node().State)
		assert.Contains(t, node().Reasons, "the device is draining")
		_, err = house.Idle.Drain(t.Context(), "d1", false)
		require.NoError(t, err)
		require.Equal(t, scheduler.NodeUp, node().State)

		id := submit(t.Context(), t, house, job("taken along")).ID
		offers, err := device.Fetch(t.Context(), time.Second)
		require.NoError(t, err)
		require.Len(t, offers, 1)
		time.Sleep(time.Minute) // in silence
		require.Equal(t, scheduler.NodeDown, node().State)
		record, err := house.Scheduler.Get(t.Context(), id)
		require.NoError(t, err)
		assert.Equal(t, scheduler.Queued, record.Job.State)

		time.Sleep(time.Hour)
		assert.Nil(t, node(), "the device was purged, and its node with it")
		again := fogtest.Join(t, house, fogtest.Device{ID: "d1", Cores: 1})
		require.Equal(t, scheduler.NodeUp, node().State, "a namesake starts anew, from version 1")
		assert.EqualValues(t, 1000, node().Capacity.MilliCPU)
		finish(t, house, []*fogtest.Device{again}, id)
	})
}

// The same for a device of a tenant that the house itself does not belong to.
func TestPurgedDeviceOfAnotherTenant(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		house := fogtest.Open(t, fog.Config{Idle: idle.Config{Retention: 10 * time.Minute}})
		acme := operator(t.Context(), "acme")
		_, err := house.Idle.Register(acme, idle.Enrolment{ID: "d1", Type: idle.Server, CPUCores: 1, MemoryMB: 1024})
		require.NoError(t, err)
		synctest.Wait()
		nodes, err := house.Scheduler.Nodes(acme)
		require.NoError(t, err)
		require.Len(t, nodes, 1)
		_, err = house.Idle.Unregister(acme, "d1")
		require.NoError(t, err)
		time.Sleep(time.Hour)
		nodes, err = house.Scheduler.Nodes(acme)
		require.NoError(t, err)
		assert.Empty(t, nodes)
		assert.Equal(t, fog.Healthy, house.Health().State)
	})
}
