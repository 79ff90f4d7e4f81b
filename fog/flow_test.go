package fog

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/fogcompute/fogcompute/fog/internal/duty"
	"github.com/fogcompute/fogcompute/fog/internal/fault"
	"github.com/fogcompute/fogcompute/fog/internal/journal"
)

const topic journal.Topic = "test"

// bench is a house with nothing in it but a journal and one flow.
func bench(facts int) (*Fog, *part) {
	f := &Fog{log: slog.New(slog.NewTextHandler(io.Discard, nil)), now: time.Now, holder: "test", dutyTTL: dutyTTL}
	memory := journal.NewMemory(nil)
	for i := range facts {
		memory.Append(journal.Fact{Topic: topic, ID: strconv.Itoa(i)})
	}
	f.ground = &ground{journal: memory, duties: duty.NewMemory(nil)}
	return f, newPart("flow", nil)
}

// carry runs a flow in the background; stop ends it and waits.
func carry(f *Fog, p *part, handle handler) (stop func() error) {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- f.runFlow(ctx, flow{topic: topic, handle: handle, part: p}) }()
	return func() error {
		cancel()
		return <-ended
	}
}

// open counts the facts that are neither done nor parked, by taking them all.
func open(t *testing.T, f *Fog) int {
	t.Helper()
	claimed, err := f.ground.journal.Claim(t.Context(), topic, 1000, time.Now().Add(time.Hour))
	require.NoError(t, err)
	return len(claimed)
}

// causeOf is what a client reads of why a part is not healthy.
func causeOf(p *part) string {
	_, cause := p.status()
	return fault.Detail(cause)
}

// each handles facts one by one.
func each(do func(id string) error) handler {
	return func(_ context.Context, facts []journal.Claimed) []error {
		results := make([]error, len(facts))
		for i, fact := range facts {
			results[i] = do(fact.ID)
		}
		return results
	}
}

// More facts than one claim takes are handled without a pause in between.
func TestFlowDrains(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, p := bench(3*flowBatch + 1)
		seen := map[string]int{}
		began := time.Now()
		stop := carry(f, p, each(func(id string) error { seen[id]++; return nil }))
		synctest.Wait()
		require.NoError(t, stop())
		assert.Zero(t, time.Since(began))
		assert.Len(t, seen, 3*flowBatch+1)
		assert.Zero(t, open(t, f))
		assert.Equal(t, Healthy, stateOf(p))
	})
}

// A fact that makes the handler panic, or fail as a whole, takes nobody with it
// and is parked after its tries; meanwhile the flow is degraded.
func TestFlowIsolatesPoison(t *testing.T) {
	for name, handle := range map[string]handler{
		"panic": each(func(id string) error {
			if id == "3" {
				panic("poison")
			}
			return nil
		}),
		"failure of all": func(_ context.Context, facts []journal.Claimed) []error {
			for _, fact := range facts {
				if fact.ID == "3" {
					return fill(make([]error, len(facts)), fault.New(fault.Invalid, "test", "poison"))
				}
			}
			return make([]error, len(facts))
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f, p := bench(10)
				stop := carry(f, p, handle)
				synctest.Wait()
				assert.Equal(t, Degraded, stateOf(p))
				assert.NotContains(t, causeOf(p), "goroutine")
				time.Sleep(10 * time.Minute)
				require.NoError(t, stop())
				assert.Equal(t, Healthy, stateOf(p), "Health counts the parked fact by itself")
				assert.Zero(t, open(t, f))
				parked, err := f.ground.journal.Parked(t.Context(), 10)
				require.NoError(t, err)
				require.Len(t, parked, 1)
				assert.Equal(t, "3", parked[0].ID)
				assert.Contains(t, parked[0].Reason, "poison")
			})
		})
	}
}

// An outage parks nothing, however long it takes, and is seen to end.
func TestFlowWaitsOutAnOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, p := bench(10)
		end := time.Now().Add(3 * time.Hour)
		stop := carry(f, p, each(func(string) error {
			if time.Now().Before(end) {
				return fault.New(fault.Unavailable, "test", "away")
			}
			return nil
		}))
		time.Sleep(2 * time.Hour)
		assert.Equal(t, Degraded, stateOf(p))
		assert.Contains(t, causeOf(p), "away")
		time.Sleep(2 * time.Hour)
		require.NoError(t, stop())
		assert.Zero(t, open(t, f))
		assert.Equal(t, Healthy, stateOf(p))
	})
}

// A flow that is stopped in the middle of a claim notes what it has done and
// leaves the rest to the next holder, who need not wait for the claim to end.
func TestFlowLetsGoWhenStopped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, p := bench(3)
		stop := carry(f, p, func(ctx context.Context, facts []journal.Claimed) []error {
			<-ctx.Done()
			results := make([]error, len(facts))
			for i := 1; i < len(facts); i++ {
				results[i] = fault.Wrap("test", ctx.Err())
			}
			return results
		})
		synctest.Wait()
		assert.Zero(t, open(t, f), "all are claimed")
		require.NoError(t, stop())
		assert.Equal(t, 2, open(t, f))
	})
}

// A journal that fails fails the flow: its supervisor starts it again.
func TestFlowFailsWithItsJournal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, p := bench(0)
		broken := errors.New("broken")
		f.ground.journal = brokenJournal{f.ground.journal, broken}
		stop := carry(f, p, each(func(string) error { return nil }))
		synctest.Wait()
		require.ErrorIs(t, stop(), broken)
	})
}

type brokenJournal struct {
	journal.Journal
	err error
}

func (b brokenJournal) Claim(context.Context, journal.Topic, int, time.Time) ([]journal.Claimed, error) {
	return nil, b.err
}
