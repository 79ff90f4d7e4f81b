package tokenomics_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fogcompute/fogcompute/fog/internal/duty"
	"github.com/fogcompute/fogcompute/fog/internal/fault"
	"github.com/fogcompute/fogcompute/fog/internal/journal"
	"github.com/fogcompute/fogcompute/fog/principal"
	"github.com/fogcompute/fogcompute/fog/tokenomics"
	"github.com/fogcompute/fogcompute/fog/tokenomics/tokenomicstest"
)

func newLedger(t *testing.T, config tokenomics.Config) *tokenomics.Tokenomics {
	t.Helper()
	ledger, err := tokenomics.New(config)
	require.NoError(t, err)
	return ledger
}

func hold(id string) []tokenomics.Hold {
	return []tokenomics.Hold{{ID: tokenomics.HoldID(id), Payer: "operator", Amount: tokenomics.FOG}}
}

// start runs a ledger and returns the function that ends it and returns what Run said.
func start(ledger *tokenomics.Tokenomics) (stop func() error) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- ledger.Run(ctx) }()
	return func() error {
		cancel()
		return <-done
	}
}

// A lone server writes from its first moment: not one call waits for a poll, before, while and after Run runs.
func TestNoWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		duties := duty.NewMemory(nil)
		ledger := newLedger(t, tokenomics.Config{Store: tokenomics.NewMemory(duties), Duties: duties, Poll: time.Hour})
		began := time.Now()
		post := func(id string) {
			verdicts, err := ledger.Hold(t.Context(), hold(id))
			require.NoError(t, err)
			require.Equal(t, []error{nil}, verdicts)
			require.Equal(t, began, time.Now(), id)
		}
		post("before Run")
		stop := start(ledger)
		post("while Run starts")
		synctest.Wait()
		post("while Run runs")
		require.NoError(t, stop())
		post("after Run")
		require.NoError(t, ledger.Close())
		require.NoError(t, ledger.Close())
	})
}

// deaf hears no hints of verdicts: one process has one channel of them, and here two servers share a process.
type deaf struct{ tokenomics.Store }

func (d deaf) Wake(topic journal.Topic) <-chan struct{} {
	if topic == tokenomics.TopicVerdict {
		return nil
	}
	return d.Store.Wake(topic)
}

// A server that comes second is answered without a poll too: hints wake both sides.
func TestHints(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		duties := duty.NewMemory(nil)
		config := tokenomics.Config{Store: tokenomics.NewMemory(duties), Duties: duties, Poll: time.Hour}
		asker := newLedger(t, config)
		config.Store = deaf{config.Store}
		writer := newLedger(t, config)
		stopWriter := start(writer)
		synctest.Wait()
		stopAsker := start(asker)
		synctest.Wait()
		began := time.Now()
		verdicts, err := asker.Hold(t.Context(), hold("x"))
		require.NoError(t, err)
		require.Equal(t, []error{nil}, verdicts)
		require.Equal(t, began, time.Now())

		require.NoError(t, stopWriter()) // gives the duty back: the other has it at its next try
		verdicts, err = asker.Hold(t.Context(), hold("y"))
		require.NoError(t, err)
		require.Equal(t, []error{nil}, verdicts)
		require.Less(t, time.Since(began), 2*time.Hour)
		require.NoError(t, stopAsker())
	})
}

// A fact is written for each changed hold if it is asked for, and none otherwise.
func TestFacts(t *testing.T) {
	for _, asked := range []bool{true, false} {
		facts := journal.NewMemory(nil)
		ledger := newLedger(t, tokenomics.Config{Store: tokenomics.NewMemory(nil).WithJournal(facts), Facts: asked})
		_, err := ledger.Hold(t.Context(), append(hold("a"), hold("b")...))
		require.NoError(t, err)
		claimed, err := facts.Claim(t.Context(), tokenomics.TopicHold, 10, time.Now().Add(time.Hour))
		require.NoError(t, err)
		if !asked {
			require.Empty(t, claimed)
			continue
		}
		require.Len(t, claimed, 2)
		require.Equal(t, journal.Fact{Topic: tokenomics.TopicHold, ID: "a", Version: 3}, claimed[0].Fact)
	}
}

// Rows are purged by the microseconds in which they are kept: what is exactly as old as the retention stays, on every store.
func TestPurgeHorizon(t *testing.T) {
	clock := tokenomicstest.NewClock()
	clock.Advance(300 * time.Nanosecond)
	ledger := newLedger(t, tokenomics.Config{Now: clock.Now, Retention: time.Hour})
	void := tokenomics.Void{Hold: "old"}
	verdicts, err := ledger.Void(t.Context(), []tokenomics.Void{void})
	require.NoError(t, err)
	require.NoError(t, verdicts[0])
	purge := func(after time.Duration) error {
		clock.Advance(after)
		_, err := ledger.PurgeOnce(t.Context(), clock.Now())
		require.NoError(t, err)
		_, err = ledger.Held(t.Context(), void.Hold)
		return err
	}
	require.NoError(t, purge(time.Hour+600*time.Nanosecond))
	require.Equal(t, fault.NotFound, fault.KindOf(purge(100*time.Nanosecond)))
}

func TestConfig(t *testing.T) {
	for field, config := range map[string]tokenomics.Config{
		"Lease": {Lease: time.Millisecond}, "Genesis": {Genesis: tokenomics.MaxSupply + 1}, "Batch": {Batch: -1}, "Poll": {Poll: -1},
	} {
		_, err := tokenomics.New(config)
		require.Equal(t, fault.Invalid, fault.KindOf(err))
		require.Equal(t, field, fault.FieldOf(err))
	}
	empty := newLedger(t, tokenomics.Config{Genesis: -1})
	stats, err := empty.Stats(t.Context())
	require.NoError(t, err)
	require.Equal(t, tokenomics.Stats{Writer: true, Prices: empty.Market().Posted(principal.DefaultTenant)}, stats)
}

func TestViews(t *testing.T) {
	balance := tokenomics.Balance{Account: "a", Available: 5, Held: 2, Staked: 1}.View()
	require.Equal(t, tokenomics.Amount(6), balance.Total)
	stats := tokenomics.Stats{TotalSupply: 10, Circulating: 8, Captures: 3, Volume: 10, CapturesDay: 2}.View()
	require.Equal(t, tokenomics.Amount(3), stats.Marketplace.AvgPrice)
	require.Equal(t, int64(2), stats.Marketplace.Trades24h)
	require.Equal(t, tokenomics.Amount(8), stats.Tokens.CirculatingSupply)
	require.Zero(t, tokenomics.Stats{}.View().Marketplace.AvgPrice)
}
