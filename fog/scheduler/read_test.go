package scheduler_test

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
	"github.com/fogcompute/fogcompute/fog/scheduler"
)

// gate is a store that holds its first Load back until it is opened, and counts all of them.
type gate struct {
	scheduler.Store
	open  chan struct{}
	loads atomic.Int64
}

func (g *gate) Load(ctx context.Context, ids []scheduler.JobID) ([]scheduler.Record, error) {
	if g.loads.Add(1) == 1 {
		<-g.open
	}
	return g.Store.Load(ctx, ids)
}

// Readers that meet share one read of the store, and nothing of what it answers.
func TestReadersShareARead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &gate{Store: scheduler.NewMemory(nil, nil), open: make(chan struct{})}
		s, err := scheduler.New(scheduler.Config{Store: g})
		require.NoError(t, err)
		submitted, err := s.Submit(t.Context(), []scheduler.Submission{{Name: "one"}, {Name: "two"}})
		require.NoError(t, err)
		one, two := submitted[0].Job.ID, submitted[1].Job.ID

		asked := []scheduler.JobID{one, one, two, "unknown", one, two}
		records, errs := make([]scheduler.Record, len(asked)), make([]error, len(asked))
		done := make(chan int, len(asked))
		for i, id := range asked {
			go func() {
				if i%2 == 0 {
					records[i], errs[i] = s.Get(t.Context(), id)
				} else {
					var e scheduler.Explanation
					e, errs[i] = s.Explain(t.Context(), id)
					records[i] = e.Record
				}
				done <- i
			}()
			synctest.Wait()
		}
		close(g.open)
		for range asked {
			<-done
		}
		require.EqualValues(t, 2, g.loads.Load(), "one for the first reader, one for all who came meanwhile")
		for i, id := range asked {
			if id == "unknown" {
				require.Equal(t, fault.NotFound, fault.KindOf(errs[i]))
				continue
			}
			require.NoError(t, errs[i])
			require.Equal(t, id, records[i].Job.ID)
		}
	})
}
