package fog

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fogcompute/fogcompute/fog/scheduler"
	"github.com/fogcompute/fogcompute/fog/tokenomics"
)

// memoryParameters is a source that a test sets.
type memoryParameters struct {
	wake chan struct{} // nil: no hints

	mu   sync.Mutex // guards what follows
	now  tokenomics.Snapshot
	down error
	asks int
}

// Parameters implements parameterSource.
func (m *memoryParameters) Parameters(context.Context, int64) (tokenomics.Snapshot, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.asks++
	return m.now, m.down
}

// Wake implements parameterSource.
func (m *memoryParameters) Wake() <-chan struct{} { return m.wake }

// set puts a version in place, of keys and values in turn.
func (m *memoryParameters) set(t *testing.T, version int64, pairs ...string) {
	t.Helper()
	values := map[string]json.RawMessage{}
	for i := 0; i < len(pairs); i += 2 {
		values[pairs[i]] = json.RawMessage(pairs[i+1])
	}
	next, err := tokenomics.NewSnapshot(version, values)
	require.NoError(t, err)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.now = next
}

// following runs the follower of a config in a synctest bubble.
func following(t *testing.T, config Config, source *memoryParameters, log *bytes.Buffer, test func(p *params)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		source.wake = make(chan struct{}, 1)
		p, err := newParams(&config, source, slog.New(slog.NewTextHandler(log, nil)))
		require.NoError(t, err)
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- p.follow(ctx) }()
		synctest.Wait()
		test(p)
		cancel()
		require.ErrorIs(t, <-ended, context.Canceled)
	})
}

// A hint is followed at once, and a lost one within the poll; the rows go before the Config, which keeps what they do not say.
func TestParametersAreFollowed(t *testing.T) {
	source := &memoryParameters{}
	source.set(t, 3, "scheduler.round_budget", `"250ms"`)
	config := Config{Scheduler: scheduler.Config{Params: func() scheduler.Params {
		return scheduler.Params{RoundBudget: time.Second, Evictions: 7}
	}}}
	following(t, config, source, &bytes.Buffer{}, func(p *params) {
		pull := p.forScheduler(config.Scheduler.Params)
		require.Equal(t, scheduler.Params{RoundBudget: 250 * time.Millisecond, Evictions: 7}, pull())

		began := time.Now()
		source.set(t, 4, "scheduler.grace", `"5s"`, "scheduler.move_gain", "0.25", "scheduler.evictions", "0")
		source.wake <- struct{}{}
		synctest.Wait()
		require.Equal(t, scheduler.Params{RoundBudget: time.Second, Grace: 5 * time.Second, MoveGain: 0.25}, pull())
		require.Zero(t, time.Since(began), "at once")
		require.EqualValues(t, 4, p.published.Load().snapshot.Version())

		source.set(t, 5, "scheduler.aging", `"-1s"`, "scheduler.priority_step", `"2s"`, "scheduler.genetic", "1")
		time.Sleep(paramsPoll)
		synctest.Wait()
		require.Equal(t, scheduler.Params{RoundBudget: time.Second, Evictions: 7, Aging: -time.Second, PriorityStep: 2 * time.Second, Genetic: 1}, pull())

		source.set(t, 4, "scheduler.aging", `"1h"`)
		time.Sleep(3 * paramsPoll)
		synctest.Wait()
		require.Equal(t, -time.Second, pull().Aging, "an older version changes nothing")
	})
}

// A value that its engine refuses is said once; the last good one stays while the others take effect.
func TestParametersThatCannotWork(t *testing.T) {
	source := &memoryParameters{}
	source.set(t, 1, "scheduler.round_budget", `"250ms"`, "market.cpu_second", "0.5")
	var log bytes.Buffer
	following(t, Config{}, source, &log, func(p *params) {
		pull, prices := p.forScheduler(nil), p.forMarket(nil)
		for version, budget := range map[int64]string{2: `"1h"`, 3: `"1h"`} {
			source.set(t, version, "scheduler.round_budget", budget, "scheduler.evictions", "2", "market.cpu_second", "0.25", "market.least", "20", "market.most", "10", "privacy.hops", "3")
		}
		time.Sleep(5 * paramsPoll)
		synctest.Wait()
		require.Equal(t, scheduler.Params{RoundBudget: 250 * time.Millisecond, Evictions: 2}, pull())
		require.Equal(t, tokenomics.FOG/2, prices().CPUSecond, "most is less than least: no price of these is taken")
		for _, part := range []string{"scheduler.round_budget", "privacy.hops", "Most"} {
			require.Equal(t, 1, strings.Count(log.String(), part+": "), "%s:\n%s", part, log.String())
		}
		source.set(t, 9, "scheduler.round_budget", `"1h"`)
		time.Sleep(paramsPoll)
		synctest.Wait()
		require.Equal(t, 1, strings.Count(log.String(), "scheduler.round_budget: "), "it was said")
		source.set(t, 10, "scheduler.round_budget", `"2h"`)
		time.Sleep(paramsPoll)
		synctest.Wait()
		require.Equal(t, 2, strings.Count(log.String(), "scheduler.round_budget: "), "this one was not")
	})
}

// A source that does not answer ends the follower, for its supervisor to try again; what was published stays.
func TestParametersOfASourceThatIsDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		source := &memoryParameters{}
		source.set(t, 1, "scheduler.evictions", "2")
		p, err := newParams(&Config{}, source, slog.New(slog.DiscardHandler))
		require.NoError(t, err)
		require.NoError(t, p.refresh(t.Context()))
		source.down = errors.New("gone")
		require.ErrorIs(t, p.follow(t.Context()), source.down)
		require.Equal(t, 2, p.forScheduler(nil)().Evictions)
	})
}

// Many engines pull while versions come: each sees values of one version only (run with -race).
func TestParametersAreNeverHalfChanged(t *testing.T) {
	source := &memoryParameters{}
	p, err := newParams(&Config{}, source, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	pull := p.forScheduler(nil)
	var group sync.WaitGroup
	for range 3 {
		group.Go(func() {
			last := 0
			for range 300 {
				got := pull()
				if got.Grace != time.Duration(got.Evictions)*time.Second || got.Evictions < last {
					t.Errorf("half a change, or one back: %+v after %d", got, last)
				}
				last = got.Evictions
			}
		})
	}
	for n := range int64(100) {
		span, err := tokenomics.Span(time.Duration(n) * time.Second).MarshalText()
		require.NoError(t, err)
		source.set(t, n+1, "scheduler.evictions", strconv.FormatInt(n, 10), "scheduler.grace", `"`+string(span)+`"`)
		require.NoError(t, p.refresh(t.Context()))
	}
	group.Wait()
}

// Every parameter of the scheduler can be set, and lands in a field of its own.
func TestSchedulerKnobsReachEveryField(t *testing.T) {
	all := scheduler.Params{RoundBudget: 1e9, PriorityStep: 2e9, Aging: 3e9, Grace: 4e9, Evictions: 5, MoveGain: 6, Genetic: 0.7}
	s, err := tokenomics.NewSnapshot(1, map[string]json.RawMessage{
		"scheduler.round_budget": json.RawMessage(`"1s"`), "scheduler.priority_step": json.RawMessage(`"2s"`), "scheduler.aging": json.RawMessage(`"3s"`),
		"scheduler.grace": json.RawMessage(`"4s"`), "scheduler.evictions": json.RawMessage("5"), "scheduler.move_gain": json.RawMessage("6"),
		"scheduler.genetic": json.RawMessage("0.7"),
	})
	require.NoError(t, err)
	var got scheduler.Params
	schedulerKnobs().Overlay(s)(&got)
	require.Equal(t, all, got)
	require.Len(t, schedulerKnobs(), 7)
}

// A house publishes what its source has before the first round, and its engines follow: here the price of the next job and the step of
// priorities.
func TestAHouseFollowsItsParameters(t *testing.T) {
	house, err := Open(t.Context(), Config{})
	require.NoError(t, err)
	defer func() { require.NoError(t, house.Close()) }()
	source := &memoryParameters{}
	follower := &params{registry: house.params.registry, source: source, log: slog.New(slog.DiscardHandler)}
	submit := func() scheduler.Job {
		out, err := house.Scheduler.Submit(t.Context(), []scheduler.Submission{{Name: "a", Priority: 1, Estimate: time.Second}})
		require.NoError(t, err)
		require.NoError(t, out[0].Err)
		return out[0].Job
	}
	before := submit()
	require.EqualValues(t, 1000, before.Price)
	require.Equal(t, time.Minute, before.Submitted.Sub(before.Order))
	source.set(t, 1, "market.cpu_second", "0.003", "scheduler.priority_step", `"5m"`, "market.elasticity", "-1")
	follower.publish(tokenomics.Snapshot{})
	require.NoError(t, follower.refresh(t.Context()))
	house.params.published.Store(follower.published.Load())
	after := submit()
	require.EqualValues(t, 3000, after.Price)
	require.Equal(t, 5*time.Minute, after.Submitted.Sub(after.Order))
	require.EqualValues(t, 1, house.Parameters().Version())
	own := len(tokenomics.GovernanceSet(tokenomics.Governance{}).Parameters) + len(tokenomics.EconomicsKnobs())
	require.Len(t, house.Tokenomics.Registry().Parameters(), len(schedulerKnobs())+len(tokenomics.PriceKnobs())+own)
}

// A job is priced by its estimate, or by its longest run time, and by what it moves, a started byte counted whole.
func TestOrderOfAJob(t *testing.T) {
	j := scheduler.Job{
		Tier: scheduler.Gold, Demand: scheduler.Demand{MilliCPU: 1, MilliGPU: 2, MemoryMB: 3}, MaxRuntime: time.Hour, DataMB: 0.5,
	}
	want := tokenomics.Order{Tier: "gold", MilliCPU: 1, MilliGPU: 2, MemoryMB: 3, Time: time.Hour, TransferBytes: 500_000}
	require.Equal(t, want, order(&j))
	j.Estimate, want.Time = time.Minute, time.Minute
	j.DataMB, want.TransferBytes = 1e-9, 1
	require.Equal(t, want, order(&j))
	j.DataMB, want.TransferBytes = 1e300, 1<<62
	require.Equal(t, want, order(&j))
}

// Without prices of anybody's own the market asks for what the scheduler's own pricer does, for jobs of usual memory that move nothing.
func TestMarketAgreesWithTheTiers(t *testing.T) {
	ledger, err := tokenomics.New(tokenomics.Config{Prices: (&params{}).withNothing().forMarket(nil)})
	require.NoError(t, err)
	var jobs []scheduler.Job
	for _, tier := range scheduler.Tiers() {
		for _, cpu := range []int64{1, 100, 1000, 63_999} {
			jobs = append(jobs, scheduler.Job{
				Tier: tier, Demand: scheduler.Demand{MilliCPU: cpu, MemoryMB: 1024, MilliGPU: cpu % 1000}, Estimate: time.Duration(cpu) * time.Millisecond,
			})
		}
	}
	want, err := scheduler.TierPricer{}.Quote(t.Context(), jobs)
	require.NoError(t, err)
	got, err := pricer{ledger.Market()}.Quote(t.Context(), jobs)
	require.NoError(t, err)
	require.Equal(t, want, got)
}

// withNothing has published the empty snapshot.
func (p *params) withNothing() *params {
	p.publish(tokenomics.Snapshot{})
	return p
}
