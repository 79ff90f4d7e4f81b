package fog_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/fogcompute/fogcompute/fog"
	"github.com/fogcompute/fogcompute/fog/fogtest"
	"github.com/fogcompute/fogcompute/fog/idle"
	"github.com/fogcompute/fogcompute/fog/internal/db/dbtest"
	"github.com/fogcompute/fogcompute/fog/scheduler"
	"github.com/fogcompute/fogcompute/fog/tokenomics"
)

// TestTwoHousesOneDatabase: two servers on one PostgreSQL do everything that one
// does, whoever holds which duty. When one closes it hands its duties over, and
// the other goes on without a pause.
func TestTwoHousesOneDatabase(t *testing.T) {
	t.Parallel()
	config := fog.Config{DatabaseURL: dbtest.PostgresURL(t), DataDir: t.TempDir(), Idle: idle.Config{BeatRate: -1}}
	first, err := fog.Open(t.Context(), config)
	require.NoError(t, err)
	second := fogtest.Open(t, config)
	houses := []*fog.Fog{first, second}

	work, stop := context.WithCancel(t.Context())
	var devices sync.WaitGroup
	defer devices.Wait()
	defer stop()
	for i, house := range houses {
		d := fogtest.Join(t, house, fogtest.Device{ID: idle.DeviceID(fmt.Sprintf("d%d", i+1))})
		if i == 1 {
			devices.Go(func() { d.Run(work) })
			continue
		}
		devices.Go(func() { // leaves its house before that closes
			for work.Err() == nil && first.Ready("idle") == nil {
				_, _ = d.Work(work)
			}
		})
	}
	var ids []scheduler.JobID
	for i := range 10 {
		s := job(fmt.Sprint("job ", i))
		s.Key = s.Name
		id := submit(t.Context(), t, houses[i%2], s).ID
		assert.Equal(t, id, submit(t.Context(), t, houses[(i+1)%2], s).ID, "the other server knows it")
		ids = append(ids, id)
	}
	done, err := second.Wait(t.Context(), ids...)
	require.NoError(t, err)
	var owed tokenomics.Amount
	for _, r := range done {
		require.Equal(t, scheduler.Vested, r.Job.State)
		owed += tokenomics.Amount(r.Job.Price)
	}
	paid := func() tokenomics.Amount {
		return available(t, second, "device:d1") + available(t, second, "device:d2")
	}
	soon(t, func() bool { return paid() == owed }, "all must be paid once")
	for _, house := range houses {
		require.NoError(t, house.Tokenomics.Verify(t.Context()))
	}

	require.NoError(t, first.Close())
	began := time.Now()
	_, err = second.Idle.Unregister(t.Context(), "d1") // it has nobody to talk to any more
	require.NoError(t, err)
	id := submit(t.Context(), t, second, job("after")).ID
	done, err = second.Wait(t.Context(), id)
	require.NoError(t, err)
	owed += tokenomics.Amount(done[0].Job.Price)
	soon(t, func() bool { return paid() == owed }, "it is paid as well")
	assert.Less(t, time.Since(began), 15*time.Second, "a duty that was given back need not lapse")
	assert.Equal(t, fog.Healthy, second.Health().State, "%+v", second.Health())
}
