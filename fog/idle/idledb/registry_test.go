package idledb_test

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/fogcompute/fogcompute/fog/idle"
	"github.com/fogcompute/fogcompute/fog/internal/db"
	"github.com/fogcompute/fogcompute/fog/internal/db/dbtest"
)

// TestTwoRegistries lets two servers share one database: the fleet beats at both, everything is decided once.
func TestTwoRegistries(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		opened := open(t, d)
		servers := make([]*idle.Idle, 2)
		for n := range servers {
			var err error
			servers[n], err = idle.New(idle.Config{Store: opened.Store, Duties: opened.Duties, BeatRate: -1})
			require.NoError(t, err)
		}
		const devices = 40
		ids := make([]idle.DeviceID, devices)
		var wg sync.WaitGroup
		for n := range ids {
			ids[n] = idle.DeviceID(fmt.Sprintf("d%02d", n))
			wg.Go(func() { life(t, servers, ids[n]) })
		}
		wg.Wait()
		for n := range servers {
			require.NoError(t, servers[n].Close())
		}

		claimed, err := opened.Journal.Claim(t.Context(), idle.TopicDevice, 1000, db.Time(1<<60))
		require.NoError(t, err)
		require.Len(t, claimed, 3*devices, "enrolled, online, not eligible: each once")
		for _, id := range ids {
			rows, err := opened.Store.Load(t.Context(), []idle.DeviceID{id})
			require.NoError(t, err)
			require.EqualValues(t, 3, rows[0].Version)
			require.EqualValues(t, 41, rows[0].Seq)
			require.Equal(t, idle.CPUBusy, rows[0].Decision.Reasons[0].Code)
		}
		s, err := servers[0].Stats(t.Context())
		require.NoError(t, err)
		require.EqualValues(t, devices, s.Active)
		require.Zero(t, s.Idle)
	})
}

// life enrols a device, beats at both servers and ends with a machine that is in use.
func life(t *testing.T, servers []*idle.Idle, id idle.DeviceID) {
	ctx := context.Background()
	if _, err := servers[0].Register(ctx, idle.Enrolment{ID: id, Type: idle.Server, CPUCores: 2, MemoryMB: 1024}); err != nil {
		t.Errorf("register: %v", err)
		return
	}
	for seq := uint64(1); seq <= 41; seq++ {
		beat := idle.Beat{Device: id, Boot: "boot", Seq: seq, Protocol: true}
		if seq > 40 {
			beat.Telemetry.CPUForeign = idle.Some(0.99)
		}
		beaten, err := servers[seq%2].Heartbeat(ctx, []idle.Beat{beat})
		if err != nil || beaten[0].Err != nil {
			t.Errorf("beat %d of %s: %v %v", seq, id, err, beaten)
			return
		}
	}
}
