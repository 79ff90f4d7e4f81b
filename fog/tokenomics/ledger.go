package tokenomics

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/fogcompute/fogcompute/fog/internal/batch"
	"github.com/fogcompute/fogcompute/fog/internal/fault"
	"github.com/fogcompute/fogcompute/fog/principal"
)

// Tokenomics is a ledger. Make one with New. It is safe for concurrent use.
type Tokenomics struct {
	config    Config
	store     Store
	seat      *seat
	market    *Market
	commits   *batch.Combiner[item, error]        // group commit of what this server writes
	puts      *batch.Combiner[Request, RequestID] // group commit of what it asks another server
	writer    writer
	rules     rules
	snapshots sync.Map    // the newest Snapshot that was read, by tenant
	decided   bell        // the request table has new verdicts
	moved     bell        // there are new movements
	changed   bell        // a parameter has changed
	opened    atomic.Bool // the genesis is known to be there
	closed    atomic.Bool
}

// New makes a ledger on its store. It starts nothing and reads nothing; a Config that cannot work is Invalid.
func New(config Config) (*Tokenomics, error) {
	if err := config.Validate(); err != nil {
		return nil, err
	}
	config = config.filled()
	rules, err := newRules(config)
	if err != nil {
		return nil, err
	}
	t := &Tokenomics{config: config, store: config.Store, seat: newSeat(config), rules: rules, market: newMarket(config.Prices, config.Logger)}
	t.commits = batch.NewEager(config.Batch, t.commit)
	t.puts = batch.New(config.Batch, t.put)
	t.opened.Store(config.Genesis < 0)
	return t, nil
}

// Market is where compute is priced.
func (t *Tokenomics) Market() *Market { return t.market }

// Registry holds the parameters that governance may change: Config.Parameters with those of GovernanceSet.
func (t *Tokenomics) Registry() *Registry { return t.rules.registry }

// Close ends the ledger: later calls are Unavailable. It gives back the duty if a call has taken it, and leaves the store
// open. It is safe to call twice; what Run has started ends with Run's context.
func (t *Tokenomics) Close() error {
	if t.closed.Swap(true) {
		return nil
	}
	return t.seat.release()
}

// Post carries out requests of any kind, in order and in one commit where it can, and answers each by itself with what Hold,
// Capture, Void and Transfer say. A rejected request changes nothing and does not stop those behind it.
//
// An error for all of them is Unavailable (the outcome is unknown: ask again with the same keys, which never does anything
// twice), or Internal.
func (t *Tokenomics) Post(ctx context.Context, requests []Request) ([]error, error) {
	if len(requests) == 0 {
		return nil, nil
	}
	if err := t.open(ctx); err != nil {
		return nil, fault.Wrap("tokenomics.post", err)
	}
	who := principal.From(ctx)
	verdicts := make([]error, len(requests))
	items := make([]item, 0, len(requests))
	places := make([]int, 0, len(requests))
	for i, r := range requests {
		it, err := t.admit(ctx, who, r)
		if err != nil {
			verdicts[i] = err
			continue
		}
		items, places = append(items, it), append(places, i)
	}
	answers, err := t.decide(ctx, items)
	if err != nil {
		return nil, fault.Wrap("tokenomics.post", err)
	}
	for i, answer := range answers {
		verdicts[places[i]] = answer
	}
	return verdicts, nil
}

// admit completes a request, checks what needs no state, and asks whether its caller may make it.
func (t *Tokenomics) admit(ctx context.Context, who principal.Principal, r Request) (item, error) {
	r.own = nil
	if o := r.order(); o != nil {
		r = o.within(who.Tenant)
	}
	r.Creator = who.Account
	it, err := newItem(r)
	if err != nil {
		return item{}, err
	}
	resource := principal.Resource{
		Kind: string(it.ref.Op), ID: it.ref.Key, Tenant: it.ref.Tenant, Owner: principal.Account(it.owner()),
	}
	if err := t.config.Authorize.Authorize(ctx, who, principal.Action(it.op()), resource); err != nil {
		return item{}, fault.Wrap(it.op(), err)
	}
	return it, nil
}

// decide gets verdicts on items: here if this server writes the ledger, else from the server that does.
func (t *Tokenomics) decide(ctx context.Context, items []item) ([]error, error) {
	for len(items) > 0 {
		seated, err := t.seat.take(ctx)
		if err != nil {
			return nil, err
		}
		if !seated {
			return t.ask(ctx, items)
		}
		verdicts, err := t.commits.Do(ctx, items...)
		if !errors.Is(err, ErrFenced) {
			return verdicts, err
		}
	}
	return nil, nil
}

// open makes sure that the ledger has its genesis: once a process it looks, once a ledger it mints. A server that may not
// write leaves it to the one that does.
func (t *Tokenomics) open(ctx context.Context) error {
	if t.closed.Load() {
		return fault.New(fault.Unavailable, "tokenomics.open", "the ledger is closed")
	}
	if t.opened.Load() {
		return nil
	}
	seated, err := t.seat.take(ctx)
	if err != nil || !seated {
		return err
	}
	mint, err := newItem(Request{
		Creator: principal.Operator,
		own:     &genesis{tenant: principal.DefaultTenant, to: Account(principal.Operator), amount: t.config.Genesis},
	})
	if err != nil {
		return err
	}
	verdicts, err := t.commits.Do(ctx, mint)
	switch {
	case errors.Is(err, ErrFenced):
		return nil
	case err != nil:
		return err
	case verdicts[0] != nil:
		return verdicts[0]
	}
	t.opened.Store(true)
	return nil
}

// patience bounds one batch: a database that has not answered by then counts as gone.
const patience = 30 * time.Second
