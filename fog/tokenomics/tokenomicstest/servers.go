package tokenomicstest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
	"github.com/fogcompute/fogcompute/fog/tokenomics"
)

// poisonous breaks every commit that mentions a key, as a constraint of a database would.
func poisonous(store tokenomics.Store, key string) tokenomics.Store {
	return faulty{Store: store, commit: func(ctx context.Context, fence tokenomics.Fence, changes tokenomics.Changes) error {
		if mentions(changes, key) {
			return errors.New("constraint violated")
		}
		return store.Commit(ctx, fence, changes)
	}}
}

// transfers returns n transfers of one FOG each from the operator.
func transfers(n int) []tokenomics.Transfer {
	list := make([]tokenomics.Transfer, n)
	for i := range list {
		list[i] = tokenomics.Transfer{Key: fmt.Sprintf("t%d", i), From: "operator", To: "dev", Amount: fog}
	}
	return list
}

func testCulprit(t *testing.T, b *bench) {
	ledger := b.ledger(t, func(c *tokenomics.Config) { c.Store = poisonous(b.Store, "t5") })
	verdicts, err := ledger.Transfer(t.Context(), transfers(11))
	require.NoError(t, err)
	for i, verdict := range verdicts {
		if i == 5 {
			require.ErrorIs(t, verdict, internal)
			require.Equal(t, "internal error", fault.Detail(verdict))
			continue
		}
		require.NoError(t, verdict, "transfer %d is a neighbour of the culprit", i)
	}
	available, _ := balance(t, ledger, "dev")
	require.Equal(t, 10*fog, available)
	sound(t, ledger)
}

func testLostReply(t *testing.T, b *bench) {
	lose := true
	store := faulty{Store: b.Store, commit: func(ctx context.Context, fence tokenomics.Fence, changes tokenomics.Changes) error {
		err := b.Store.Commit(ctx, fence, changes)
		if lose && mentions(changes, "t0") {
			lose = false
			return fault.New(fault.Unavailable, "db", "connection lost")
		}
		return err
	}}
	ledger := b.ledger(t, func(c *tokenomics.Config) { c.Store = store })
	_, err := ledger.Transfer(t.Context(), transfers(1))
	require.ErrorIs(t, err, unavailable)
	require.Contains(t, fault.Detail(err), "ask again with the same key")
	one(t)(ledger.Transfer(t.Context(), transfers(1)))
	available, _ := balance(t, ledger, "dev")
	require.Equal(t, fog, available, "what was done before the reply was lost is not done again")
	sound(t, ledger)
}

// testKilledAfterCommit stops a server for ever between a commit and its reply, at each kind of commit, and lets its caller
// ask another server.
func testKilledAfterCommit(t *testing.T, b *bench) {
	requests := map[string]tokenomics.Request{
		"tokenomics.hold":     {Hold: &tokenomics.Hold{ID: "x", Payer: "operator", Amount: 5 * fog}},
		"tokenomics.capture":  {Capture: &tokenomics.Capture{Key: "x", Hold: "open", To: []tokenomics.Share{{Account: "dev", Amount: fog}}}},
		"tokenomics.void":     {Void: &tokenomics.Void{Hold: "unwanted"}},
		"tokenomics.transfer": {Transfer: &tokenomics.Transfer{Key: "x", From: "operator", To: "dev", Amount: fog}},
	}
	setup := b.ledger(t)
	for _, id := range []tokenomics.HoldID{"open", "unwanted"} {
		one(t)(setup.Hold(t.Context(), []tokenomics.Hold{{ID: id, Payer: "operator", Amount: 5 * fog}}))
	}
	for step, request := range requests {
		b.clock.Advance(time.Hour) // the duty of whoever came before has lapsed
		reached, release, done := make(chan struct{}), make(chan struct{}), make(chan struct{})
		killed := b.server(t, "killed at "+step, func(c *tokenomics.Config) {
			c.Step = func(name string) {
				if name == step {
					close(reached)
					<-release
				}
			}
		})
		go func() {
			defer close(done)
			_, _ = killed.Post(context.Background(), []tokenomics.Request{request})
		}()
		<-reached
		b.clock.Advance(time.Hour)
		other := b.server(t, "after "+step)
		one(t)(other.Post(t.Context(), []tokenomics.Request{request}))
		require.NoError(t, other.Verify(t.Context()))
		close(release)
		<-done
	}
	available, _ := balance(t, setup, "dev")
	require.Equal(t, 2*fog, available)
	available, held := balance(t, setup, "operator")
	require.Equal(t, 1_000_000*fog-2*fog-4*fog-5*fog, available)
	require.Equal(t, 9*fog, held)
	sound(t, setup)
}

// testOldFence stops a writer in the middle of a commit for longer than its duty lasts. Another server takes over; the
// old one, woken up, writes nothing, and its caller gets its answer from the new one.
func testOldFence(t *testing.T, b *bench) {
	stopped, resume := make(chan struct{}), make(chan struct{})
	var once sync.Once
	refusals := make(chan error, 16)
	old := b.server(t, "old", func(c *tokenomics.Config) {
		c.Store = faulty{Store: b.Store, commit: func(ctx context.Context, fence tokenomics.Fence, changes tokenomics.Changes) error {
			if mentions(changes, "t0") {
				once.Do(func() { close(stopped); <-resume })
			}
			err := b.Store.Commit(ctx, fence, changes)
			refusals <- err
			return err
		}}
	})
	done := make(chan error, 1)
	go func() {
		verdicts, err := old.Transfer(context.Background(), transfers(1))
		done <- errors.Join(append(verdicts, err)...)
	}()
	<-stopped
	b.clock.Advance(time.Hour)
	heir := b.server(t, "new")
	running(t, heir)
	one(t)(heir.Transfer(t.Context(), []tokenomics.Transfer{{Key: "new", From: "operator", To: "dev", Amount: fog}}))
	close(resume)
	require.NoError(t, <-done)
	var seen []error
	for len(refusals) > 0 {
		if err := <-refusals; err != nil {
			seen = append(seen, err)
		}
	}
	require.Len(t, seen, 1)
	require.ErrorIs(t, seen[0], tokenomics.ErrFenced, "the old writer must not commit")
	available, _ := balance(t, heir, "dev")
	require.Equal(t, 2*fog, available)
	sound(t, heir)
}

func testAsk(t *testing.T, b *bench) {
	writer := b.server(t, "writer")
	running(t, writer)
	asker := b.server(t, "asker")
	pay(t, writer, 10*fog, "alice")
	running(t, asker)

	verdicts, err := asker.Hold(t.Context(), []tokenomics.Hold{
		{ID: "a", Payer: "alice", Amount: 4 * fog}, {ID: "b", Payer: "alice", Amount: 40 * fog}, {ID: "", Payer: "alice"},
		{ID: "a", Payer: "alice", Amount: 5 * fog},
	})
	require.NoError(t, err)
	require.NoError(t, verdicts[0])
	require.ErrorIs(t, verdicts[1], insufficient)
	require.Equal(t, `account "alice" has 6 FOG available, 40 asked`, fault.Detail(verdicts[1]))
	require.ErrorIs(t, verdicts[2], invalid)
	require.Equal(t, "id", fault.FieldOf(verdicts[2]))
	require.ErrorIs(t, verdicts[3], conflict)

	const callers, each = 8, 8
	var all sync.WaitGroup
	for c := range callers {
		all.Go(func() {
			for i := range each {
				ledger := []*tokenomics.Tokenomics{writer, asker}[(c+i)%2]
				verdicts, err := ledger.Transfer(t.Context(), []tokenomics.Transfer{
					{Key: fmt.Sprintf("both %d", i), From: "operator", To: "dev", Amount: fog},
				})
				if err != nil || verdicts[0] != nil {
					t.Errorf("transfer: %v %v", verdicts, err)
				}
			}
		})
	}
	all.Wait()
	available, _ := balance(t, asker, "dev")
	require.Equal(t, each*fog, available, "two servers, the same keys: each once")
	stats, err := asker.Stats(t.Context())
	require.NoError(t, err)
	require.False(t, stats.Writer)
	sound(t, asker)
}

func testAskGivesUp(t *testing.T, b *bench) {
	writer := b.server(t, "writer") // has the duty, and serves nobody
	pay(t, writer, fog, "dev")
	ctx, cancel := context.WithCancel(t.Context())
	asker := b.server(t, "asker", func(c *tokenomics.Config) {
		c.Step = func(name string) {
			if name == "tokenomics.request" {
				cancel()
			}
		}
	})
	_, err := asker.Transfer(ctx, transfers(1))
	require.ErrorIs(t, err, unavailable)
	require.ErrorIs(t, err, context.Canceled)
	require.Equal(t, "outcome unknown, ask again with the same key", fault.Detail(err))
	running(t, writer)
	one(t)(asker.Transfer(t.Context(), transfers(1))) // both requests are decided, the second finds the first done
	available, _ := balance(t, writer, "dev")
	require.Equal(t, 2*fog, available)
	sound(t, writer)
}

func testAskPoison(t *testing.T, b *bench) {
	writer := b.server(t, "writer", func(c *tokenomics.Config) { c.Store = poisonous(b.Store, "t2") })
	pay(t, writer, fog, "dev")
	running(t, writer)
	asker := b.server(t, "asker")
	_, err := b.Store.Put(t.Context(), []tokenomics.Request{{}}, b.clock.Now()) // of a program that knows more operations
	require.NoError(t, err)
	verdicts, err := asker.Transfer(t.Context(), transfers(5))
	require.NoError(t, err)
	for i, verdict := range verdicts {
		if i == 2 {
			require.ErrorIs(t, verdict, internal)
			continue
		}
		require.NoError(t, verdict, "transfer %d is a neighbour of the culprit", i)
	}
	pending, err := b.Store.Pending(t.Context(), 9)
	require.NoError(t, err)
	require.Empty(t, pending, "nothing comes back for ever")
	sound(t, asker)
}

// testOvertaken lets another writer commit between the reading and the writing of a batch: the batch is decided again.
func testOvertaken(t *testing.T, b *bench) {
	other := b.ledger(t, func(c *tokenomics.Config) { c.Duties = nil })
	pay(t, other, fog, "alice")
	var once sync.Once
	store := faulty{Store: b.Store, commit: func(ctx context.Context, fence tokenomics.Fence, changes tokenomics.Changes) error {
		once.Do(func() {
			one(t)(other.Transfer(ctx, []tokenomics.Transfer{{Key: "first", From: "alice", To: "dev", Amount: fog}}))
		})
		return b.Store.Commit(ctx, fence, changes)
	}}
	ledger := b.ledger(t, func(c *tokenomics.Config) { c.Store, c.Duties, c.Genesis = store, nil, -1 })
	verdicts, err := ledger.Transfer(t.Context(), []tokenomics.Transfer{
		{Key: "second", From: "alice", To: "eve", Amount: fog}, {Key: "third", From: "operator", To: "eve", Amount: fog},
	})
	require.NoError(t, err)
	require.ErrorIs(t, verdicts[0], insufficient, "the token is spent")
	require.NoError(t, verdicts[1])
	sound(t, ledger)
}

// testStaleRefusal asks a server for what its memory refuses and the ledger does not: another server has made it possible since, and
// has done it. With duties the server has lost its own without knowing, since its clock stands still.
func testStaleRefusal(t *testing.T, b *bench) {
	for name, duties := range map[string]bool{"fenced": true, "overtaken": false} {
		t.Run(name, func(t *testing.T) {
			then, change := b.clock.Now(), func(*tokenomics.Config) {}
			if !duties {
				change = func(c *tokenomics.Config) { c.Duties = nil }
			}
			old := b.server(t, "old", change, func(c *tokenomics.Config) { c.Now = func() time.Time { return then } })
			pauper := tokenomics.Account("pauper " + name)
			poor := []tokenomics.Transfer{{Key: name, From: pauper, To: "dev", Amount: fog}}
			refused(t, insufficient)(old.Transfer(t.Context(), poor))
			b.clock.Advance(time.Hour)
			heir := b.server(t, "new", change)
			running(t, heir)
			pay(t, heir, fog, pauper)
			one(t)(heir.Transfer(t.Context(), poor))
			one(t)(old.Transfer(t.Context(), poor))
			refused(t, insufficient)(old.Transfer(t.Context(), []tokenomics.Transfer{{Key: "more " + name, From: pauper, To: "dev", Amount: fog}}))
			sound(t, heir)
		})
	}
}

// hindsight lists requests that have been decided since.
type hindsight struct {
	tokenomics.Store
	asked []tokenomics.Asked
	seen  chan struct{}
}

func (h hindsight) Pending(context.Context, int) ([]tokenomics.Asked, error) {
	select {
	case h.seen <- struct{}{}:
	default:
	}
	return h.asked, nil
}

// testDecidedOnce lets a server come late with a list of requests: what another has refused since stays refused, even if
// it could be carried out now, because its caller has heard the verdict.
func testDecidedOnce(t *testing.T, b *bench) {
	writer, ctx := b.ledger(t, func(c *tokenomics.Config) { c.Duties = nil }), t.Context()
	poor := tokenomics.Transfer{Key: "poor", Tenant: "default", From: "pauper", To: "dev", Amount: fog}
	ids, err := b.Store.Put(ctx, []tokenomics.Request{{Transfer: &poor}}, b.clock.Now())
	require.NoError(t, err)
	asked, err := b.Store.Pending(ctx, 1)
	require.NoError(t, err)
	running(t, writer)
	require.Eventually(t, func() bool {
		verdicts, err := b.Store.Verdicts(ctx, ids)
		return err == nil && len(verdicts) == 1 && !verdicts[0].OK
	}, 10*time.Second, time.Millisecond)
	pay(t, writer, fog, "pauper")

	late := hindsight{Store: b.Store, asked: asked, seen: make(chan struct{})}
	running(t, b.ledger(t, func(c *tokenomics.Config) { c.Duties, c.Store = nil, late }))
	for range 2 { // asked a second time, it has carried out the first list
		select {
		case <-late.seen:
		case <-time.After(10 * time.Second):
			t.Fatal("the late server has stopped")
		}
	}
	available, _ := balance(t, writer, "dev")
	require.Zero(t, available)
	sound(t, writer)
}

// testTakeover lets the writer die while requests wait: the server that asked takes the duty and serves them itself.
func testTakeover(t *testing.T, b *bench) {
	pay(t, b.server(t, "dead"), fog, "dev")
	var asked sync.WaitGroup
	asked.Add(1)
	var once sync.Once
	asker := b.server(t, "asker", func(c *tokenomics.Config) {
		c.Step = func(name string) {
			if name == "tokenomics.request" {
				once.Do(asked.Done)
			}
		}
	})
	done := make(chan error, 1)
	go func() {
		verdicts, err := asker.Transfer(context.Background(), transfers(3))
		done <- errors.Join(append(verdicts, err)...)
	}()
	asked.Wait()
	b.clock.Advance(time.Minute)
	require.NoError(t, <-done)
	available, _ := balance(t, asker, "dev")
	require.Equal(t, 4*fog, available)
	stats, err := asker.Stats(t.Context())
	require.NoError(t, err)
	require.True(t, stats.Writer)
	sound(t, asker)
}

// testRestartedWriter restarts a server under its old name: it writes at once, without waiting for its old duty to lapse.
func testRestartedWriter(t *testing.T, b *bench) {
	first := b.server(t, "same")
	pay(t, first, fog, "dev")
	second := b.server(t, "same")
	one(t)(second.Transfer(t.Context(), transfers(1)))
	pending, err := b.Store.Pending(t.Context(), 1)
	require.NoError(t, err)
	require.Empty(t, pending)
	require.NoError(t, second.Close())
	_, err = second.Transfer(t.Context(), transfers(2))
	require.ErrorIs(t, err, unavailable)
	require.True(t, strings.Contains(err.Error(), "closed"))
	third := b.server(t, "third") // Close has given the duty back
	one(t)(third.Transfer(t.Context(), []tokenomics.Transfer{{Key: "third", From: "operator", To: "dev", Amount: fog}}))
	stats, err := third.Stats(t.Context())
	require.NoError(t, err)
	require.True(t, stats.Writer)
}
