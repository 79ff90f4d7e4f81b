// Package tokenomicstest is the conformance suite of the ledger: what every tokenomics.Store must do, alone and under the
// engine. The memory twin and both databases run it.
package tokenomicstest

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fogcompute/fogcompute/fog/internal/duty"
	"github.com/fogcompute/fogcompute/fog/tokenomics"
)

// Setup is an empty store with the duties that its commits are fenced by.
type Setup struct {
	Store  tokenomics.Store
	Duties duty.Duties
}

// Open makes an empty store for one test and closes it when the test ends. The duties live by the clock now.
type Open func(t *testing.T, now func() time.Time) Setup

// Run runs the suite; each part is a subtest on a store of its own.
func Run(t *testing.T, open Open) {
	for _, part := range []struct {
		name string
		test func(*testing.T, *bench)
	}{
		{"Genesis", testGenesis},
		{"HoldCaptureVoid", testHoldCaptureVoid},
		{"FinalCapture", testFinalCapture},
		{"Tombstone", testTombstone},
		{"Keys", testKeys},
		{"Refusals", testRefusals},
		{"Rights", testRights},
		{"Entries", testEntries},
		{"Stats", testStats},
		{"Purge", testPurge},
		{"Expiry", testExpiry},
		{"Staking", testStaking},
		{"Burn", testBurn},
		{"Governance", testGovernance},
		{"Economics", testEconomics},
		{"Votes", testVotes},
		{"Execution", testExecution},
		{"Watch", testWatch},
		{"Receipt", testReceipt},
		{"Overlap", testOverlap},
		{"Concurrency", testConcurrency},
		{"StoreLoad", testStoreLoad},
		{"StoreCommit", testStoreCommit},
		{"StoreLog", testStoreLog},
		{"StoreRecords", testStoreRecords},
		{"StoreMany", testStoreMany},
		{"StoreOrder", testStoreOrder},
		{"StoreMoment", testStoreMoment},
		{"StoreQueue", testStoreQueue},
		{"StoreAudit", testStoreAudit},
		{"Culprit", testCulprit},
		{"LostReply", testLostReply},
		{"KilledAfterCommit", testKilledAfterCommit},
		{"OldFence", testOldFence},
		{"Ask", testAsk},
		{"AskGivesUp", testAskGivesUp},
		{"AskPoison", testAskPoison},
		{"AskFaults", testAskFaults},
		{"Overtaken", testOvertaken},
		{"StaleRefusal", testStaleRefusal},
		{"DecidedOnce", testDecidedOnce},
		{"Takeover", testTakeover},
		{"RestartedWriter", testRestartedWriter},
	} {
		t.Run(part.name, func(t *testing.T) {
			clock := NewClock()
			part.test(t, &bench{Setup: open(t, clock.Now), clock: clock})
		})
	}
}

// Clock is a clock that stands still until it is moved.
type Clock struct {
	mu  sync.Mutex // guards now
	now time.Time
}

// NewClock returns a clock that shows a fixed day.
func NewClock() *Clock { return &Clock{now: time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)} }

// Now returns what the clock shows.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Advance moves the clock.
func (c *Clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// bench is what a part of the suite works with.
type bench struct {
	Setup
	clock *Clock
}

// server makes a ledger on the store, as one server of several.
func (b *bench) server(t *testing.T, holder string, change ...func(*tokenomics.Config)) *tokenomics.Tokenomics {
	t.Helper()
	config := tokenomics.Config{
		Store: b.Store, Duties: b.Duties, Holder: holder, Now: b.clock.Now, Poll: time.Millisecond,
	}
	for _, f := range change {
		f(&config)
	}
	ledger, err := tokenomics.New(config)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, ledger.Close()) })
	return ledger
}

// ledger makes a ledger that is alone on the store.
func (b *bench) ledger(t *testing.T, change ...func(*tokenomics.Config)) *tokenomics.Tokenomics {
	t.Helper()
	return b.server(t, "alone", change...)
}

// running runs a ledger until the test ends.
func running(t *testing.T, ledger *tokenomics.Tokenomics) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- ledger.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		require.NoError(t, <-done)
	})
}

// balance returns what an account has available and held.
func balance(t *testing.T, ledger *tokenomics.Tokenomics, account tokenomics.Account) (available, held tokenomics.Amount) {
	t.Helper()
	b, err := ledger.Balance(t.Context(), account)
	require.NoError(t, err)
	return b.Available, b.Held
}

// pay gives accounts tokens of the operator.
func pay(t *testing.T, ledger *tokenomics.Tokenomics, amount tokenomics.Amount, accounts ...tokenomics.Account) {
	t.Helper()
	for _, account := range accounts {
		one(t)(ledger.Transfer(t.Context(), []tokenomics.Transfer{
			{Key: "fund " + string(account), From: "operator", To: account, Amount: amount},
		}))
	}
}

// one requires that a call with one request succeeded.
func one(t *testing.T) func([]error, error) {
	t.Helper()
	return func(verdicts []error, err error) {
		t.Helper()
		require.NoError(t, err)
		require.Equal(t, []error{nil}, verdicts)
	}
}

// refused requires that a call with one request was refused with an error like want.
func refused(t *testing.T, want error) func([]error, error) {
	t.Helper()
	return func(verdicts []error, err error) {
		t.Helper()
		require.NoError(t, err)
		require.Len(t, verdicts, 1)
		require.ErrorIs(t, verdicts[0], want)
	}
}

// sound requires that the ledger verifies.
func sound(t *testing.T, ledger *tokenomics.Tokenomics) {
	t.Helper()
	require.NoError(t, ledger.Verify(t.Context()))
	stats, err := ledger.Stats(t.Context())
	require.NoError(t, err)
	require.Zero(t, stats.Sum)
}

// faulty is a store whose commits a test can stop, break or lose.
type faulty struct {
	tokenomics.Store
	commit func(ctx context.Context, fence tokenomics.Fence, changes tokenomics.Changes) error
}

func (f faulty) Commit(ctx context.Context, fence tokenomics.Fence, changes tokenomics.Changes) error {
	return f.commit(ctx, fence, changes)
}

// mentions reports whether changes use a key.
func mentions(changes tokenomics.Changes, key string) bool {
	return slices.ContainsFunc(changes.Movements, func(m tokenomics.Movement) bool { return m.Key == key })
}
