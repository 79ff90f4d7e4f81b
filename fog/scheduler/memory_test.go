package scheduler_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/fogcompute/fogcompute/fog/internal/duty"
	"github.com/fogcompute/fogcompute/fog/internal/journal"
	"github.com/fogcompute/fogcompute/fog/scheduler"
	"github.com/fogcompute/fogcompute/fog/scheduler/schedulertest"

	"time"
)

func TestMemoryConforms(t *testing.T) {
	schedulertest.RunAll(t, func(*testing.T) schedulertest.Subject {
		facts, duties := journal.NewMemory(nil), duty.NewMemory(nil)
		return schedulertest.Subject{
			Store:  scheduler.NewMemory(facts, duties),
			Duties: duties,
			Facts: func(t *testing.T) []scheduler.Fact {
				claimed, err := facts.Claim(t.Context(), scheduler.TopicSettle, 100, time.Now().Add(time.Hour))
				require.NoError(t, err)
				out := make([]scheduler.Fact, len(claimed))
				for i := range claimed {
					out[i] = claimed[i].Fact
				}
				return out
			},
		}
	})
}

func TestMemoryConformsAlone(t *testing.T) {
	schedulertest.Run(t, func(*testing.T) scheduler.Store { return scheduler.NewMemory(nil, nil) })
}
