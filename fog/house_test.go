package fog_test

import (
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fogcompute/fogcompute/fog"
	"github.com/fogcompute/fogcompute/fog/fogtest"
	"github.com/fogcompute/fogcompute/fog/internal/db/dbtest"
	"github.com/fogcompute/fogcompute/fog/scheduler"
)

// TestOneJobAllTheWay: a job that is submitted is placed, run, checked and paid,
// in memory and on both databases.
func TestOneJobAllTheWay(t *testing.T) {
	for name, config := range map[string]func(*testing.T) fog.Config{
		"memory": func(*testing.T) fog.Config { return fog.Config{} },
		"sqlite": func(t *testing.T) fog.Config { return fog.Config{DataDir: t.TempDir()} },
		"postgres": func(t *testing.T) fog.Config {
			return fog.Config{DatabaseURL: dbtest.PostgresURL(t), DataDir: t.TempDir()}
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := config(t)
			c.Logger = slog.New(slog.NewTextHandler(t.Output(), nil))
			house := fogtest.Open(t, c)
			device := fogtest.Join(t, house, fogtest.Device{ID: "d1"})
			answers, err := house.Submit(t.Context(), []scheduler.Submission{{Name: "one", Tier: scheduler.Gold, Estimate: 10 * time.Second}})
			require.NoError(t, err)
			require.NoError(t, answers[0].Err)
			id := answers[0].Job.ID
			require.Eventually(t, func() bool {
				_, err := device.Work(t.Context())
				require.NoError(t, err)
				open, err := unsettled(t.Context(), house, []scheduler.JobID{id})
				require.NoError(t, err)
				return open == 0
			}, 10*time.Second, time.Millisecond, "%v", stuckWhy(house, []scheduler.JobID{id}))
			balance, err := house.Tokenomics.Balance(t.Context(), "device:d1")
			require.NoError(t, err)
			require.Equal(t, int64(answers[0].Job.Price), int64(balance.Available))
			require.NoError(t, house.Tokenomics.Verify(t.Context()))
		})
	}
}
