package tokenomicstest

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
	"github.com/fogcompute/fogcompute/fog/internal/journal"
	"github.com/fogcompute/fogcompute/fog/principal"
	"github.com/fogcompute/fogcompute/fog/tokenomics"
	"github.com/fogcompute/fogcompute/fog/tokenomics/tokenomicstest/model"
)

// everything is more rows than there are.
const everything = 1 << 16

// runner is a ledger on a course.
type runner struct {
	*tokenomics.Tokenomics
	course *course
	store  *idling
	config tokenomics.Config

	size     func(most int) int // of the next batch
	restarts func() bool        // now and then the process dies
	only     bool               // it is asked only for what is accepted
	law      string             // that is checked
	version  int64              // of the parameters, the newest that was read
}

// run adds a ledger on an empty store. Nil sizes are batches of one request, nil restarts are none.
func (c *course) run(store tokenomics.Store, size func(most int) int, restarts func() bool) *runner {
	r := &runner{course: c, store: &idling{Store: store}, size: size, restarts: restarts}
	r.config = tokenomics.Config{
		Store: r.store, Now: c.clock.Now, Poll: time.Millisecond, Economics: func() tokenomics.Economics { return c.economics },
		Governance: c.model.Governance, Parameters: c.model.Parameters, Identities: persons(c.model.Identities),
		Retention: c.model.Retention,
	}
	r.open()
	c.runners = append(c.runners, r)
	return r
}

// open begins a new process on the store.
func (r *runner) open() {
	var err error
	r.Tokenomics, err = tokenomics.New(r.config)
	require.NoError(r.course.t, err)
}

// persons are those behind accounts, at any time.
type persons map[tokenomics.Account]string

// Identity implements tokenomics.Identities.
func (p persons) Identity(_ principal.Tenant, account tokenomics.Account, _ int64) string {
	return p[account]
}

// take posts requests in batches.
func (r *runner) take(requests []tokenomics.Request) (verdicts []string) {
	for len(requests) > 0 {
		size := 1
		if r.size != nil {
			size = r.size(len(requests))
		}
		if r.restarts != nil && r.restarts() {
			r.open()
		}
		answers, err := r.Post(context.Background(), requests[:size])
		require.NoError(r.course.t, err)
		for _, answer := range answers {
			verdicts = append(verdicts, verdictOf(answer))
		}
		requests = requests[size:]
	}
	return verdicts
}

// settle runs the ledger until it has nothing left to do.
func (r *runner) settle() { require.NoError(r.course.t, r.runOnce()) }

func (r *runner) runOnce() error {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	r.store.whenIdle(cancel)
	return r.Run(ctx)
}

// idling is a store that says when Run begins to wait.
type idling struct {
	tokenomics.Store
	mu   sync.Mutex // guards idle
	idle func()
}

func (s *idling) whenIdle(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.idle = f
}

// Wake implements tokenomics.Queue: Run asks for hints about requests when it has nothing to do.
func (s *idling) Wake(topic journal.Topic) <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if topic == tokenomics.TopicRequest && s.idle != nil {
		s.idle()
	}
	return s.Store.Wake(topic)
}

// view reads of a ledger what the model says that there is.
func (r *runner) view(want model.View) (v model.View) {
	ctx, t := context.Background(), r.course.t
	v = model.View{
		Lines: map[model.Place]tokenomics.Amount{}, Accounts: map[tokenomics.Account]model.Account{},
		Holds: map[tokenomics.HoldID]tokenomics.HoldRecord{}, Slashes: map[string]tokenomics.Slash{},
	}
	require.NoError(t, r.store.Snapshot(ctx, func(m tokenomics.Moment) error {
		head, err1 := m.Head(ctx)
		lines, err2 := m.Lines(ctx, 0, everything)
		for _, line := range lines {
			v.Lines[model.Place{Account: line.Account, Kind: line.Kind}] = line.Balance
		}
		v.Movements = head.Last
		return errors.Join(err1, err2)
	}))
	for account := range want.Accounts {
		v.Accounts[account] = r.account(account, v.Movements)
	}
	var holds tokenomics.Wanted
	for id := range want.Holds {
		holds.Holds = append(holds.Holds, tokenomics.HoldRef{Tenant: "default", ID: id})
	}
	loaded, err := r.store.Load(ctx, holds)
	require.NoError(t, err)
	for ref, h := range loaded.Holds {
		v.Holds[ref.ID] = h
	}
	for id := range want.Slashes {
		v.Slashes[id], err = r.Slashed(ctx, id)
		require.NoError(t, err, id)
	}
	for query, more := (tokenomics.ProposalQuery{Limit: 1000}), true; more; more = query.Cursor != "" {
		page, err := r.Proposals(ctx, query)
		require.NoError(t, err)
		v.Proposals, query.Cursor = append(v.Proposals, page.Proposals...), page.Next
	}
	v.Parameters, err = r.Parameters(ctx)
	require.NoError(t, err)
	v.Stats, err = r.Stats(ctx)
	require.NoError(t, err)
	v.Stats.StakingRate, v.Stats.Writer, v.Stats.Prices = 0, false, tokenomics.Stats{}.Prices
	return v
}

// account reads what can be seen of an account.
func (r *runner) account(account tokenomics.Account, seq int64) (a model.Account) {
	ctx := context.Background()
	var err1, err2, err3 error
	a.Balance, err1 = r.Balance(ctx, account)
	a.Power, err2 = r.PowerAt(ctx, account, seq)
	a.Positions, err3 = r.Positions(ctx, account)
	require.NoError(r.course.t, errors.Join(err1, err2, err3))
	a.Balance.Updated = time.Time{}
	return a
}

// compareAt compares what accounts were at some movement with what is said of it now.
func (r *runner) compareAt(seq int64, accounts map[tokenomics.Account]model.Account) {
	ctx, t := context.Background(), r.course.t
	for account, was := range accounts {
		power, err := r.PowerAt(ctx, account, seq)
		require.NoError(t, err)
		require.Equal(t, was.Power, power, "the past of power has changed")
		balance, err := r.BalanceAt(ctx, account, seq)
		require.NoError(t, err)
		is := [...]tokenomics.Amount{was.Balance.Available, was.Balance.Held, was.Power.Own}
		require.Equal(t, is, [...]tokenomics.Amount{balance.Available, balance.Held, balance.Staked}, "%s at movement %d", account, seq)
	}
}

// trace is the movements of a ledger, and all that follows from them.
type trace struct {
	movements []string
	records   []tokenomics.Record
	points    []tokenomics.Point
}

func (r *runner) trace() (t trace) {
	ctx := context.Background()
	require.NoError(r.course.t, r.store.Snapshot(ctx, func(m tokenomics.Moment) error {
		var err2, err3 error
		err1 := m.Movements(ctx, 0, everything, func(one *tokenomics.Movement, body []byte) error {
			err := one.Decode(body)
			t.movements = append(t.movements, string(one.Data()))
			return err
		})
		t.records, err2 = m.Records(ctx, tokenomics.RecordRef{}, everything)
		t.points, err3 = m.Points(ctx, tokenomics.PointRef{}, everything)
		return errors.Join(err1, err2, err3)
	}))
	return t
}

// unsure reports whether an error leaves open what has happened.
func unsure(err error) bool { return fault.KindOf(err) == fault.Unavailable }
