package tokenomics

import (
	"context"
	"sync"
	"time"

	"github.com/fogcompute/fogcompute/fog/internal/duty"
	"github.com/fogcompute/fogcompute/fog/internal/fault"
	"github.com/fogcompute/fogcompute/fog/principal"
)

const (
	sweepEvery = time.Second
	purgeEvery = time.Minute
	purgeLimit = 1000               // rows of each kind in one commit
	tallyKeep  = 2 * 24 * time.Hour // of the running sums by hour
)

// Run serves the ledger until ctx ends: it holds the duty to write whenever it can get it, carries out the requests of
// other servers, and purges what is past its time. It returns nil when ctx ends, and an error when the store fails; it may
// then be called again. At most one Run at a time. The ledger answers calls without it too, but then nobody serves other
// servers or purges.
func (t *Tokenomics) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var listener sync.WaitGroup
	listener.Go(func() { t.listen(ctx) })
	defer listener.Wait()
	defer cancel() // before the listener is waited for
	if t.config.Duties == nil {
		return t.serve(ctx, Fence{})
	}
	return duty.Keep(ctx, t.config.Duties, Duty, t.config.Holder, t.config.Lease, t.config.Now, t.serve)
}

// listen passes the store's hints about verdicts on to every call that waits for one.
func (t *Tokenomics) listen(ctx context.Context) {
	wake := t.store.Wake(TopicVerdict)
	for {
		select {
		case <-ctx.Done():
			return
		case <-wake:
			t.decided.ring()
		}
	}
}

// serve writes the ledger while this server has the duty.
func (t *Tokenomics) serve(ctx context.Context, fence Fence) error {
	t.seat.sit(fence)
	defer t.seat.lose(fence)
	var swept, purged time.Time
	for {
		if err := t.open(ctx); err != nil {
			return ended(ctx, err)
		}
		more, err := t.drain(ctx)
		if err != nil {
			return ended(ctx, err)
		}
		now := t.config.Now()
		if now.Sub(swept) >= sweepEvery {
			behind, err := t.sweep(ctx, now)
			if err != nil {
				return ended(ctx, err)
			}
			if !behind {
				swept = now
			}
			more = more || behind
		}
		if now.Sub(purged) >= purgeEvery {
			behind, err := t.purge(ctx, now)
			if err != nil {
				return ended(ctx, err)
			}
			if !behind {
				purged = now
			}
			more = more || behind
		}
		if more {
			continue
		}
		if pause(ctx, t.config.Poll, nil, t.store.Wake(TopicRequest)) != nil {
			return nil
		}
		if now, ok := t.seat.current(); !ok || now != fence {
			return ErrFenced
		}
	}
}

// ended returns nil instead of an error that comes from the end of ctx.
func ended(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// drain carries out one batch of requests of other servers, and reports whether there may be more.
func (t *Tokenomics) drain(ctx context.Context) (more bool, err error) {
	asked, err := t.store.Pending(ctx, t.config.Batch)
	if err != nil || len(asked) == 0 {
		return false, fault.Wrap("tokenomics.drain", err)
	}
	items := make([]item, len(asked))
	for i, a := range asked {
		items[i] = newAsked(a)
	}
	_, err = t.commits.Do(ctx, items...)
	return len(asked) == t.config.Batch, fault.Wrap("tokenomics.drain", err)
}

// sweep carries out a batch of what waited for a time that has come, and reports whether there may be more. What is allowed
// is decided by the time alone: a late sweep changes nothing but the moment at which tokens go back.
func (t *Tokenomics) sweep(ctx context.Context, now time.Time) (more bool, err error) {
	due, err := t.store.Due(ctx, now, t.config.Batch)
	if err != nil {
		return false, fault.Wrap("tokenomics.sweep", err)
	}
	orders := []order{&emission{micros(now)}}
	for _, hold := range due.Holds {
		orders = append(orders, &expiry{hold})
	}
	more = max(len(due.Holds), len(due.Records)) >= t.config.Batch
	for _, ref := range due.Records {
		if ref.Class == ClassSlash {
			steps, err := t.penalties(ctx, ref, now)
			if err != nil {
				return false, fault.Wrap("tokenomics.sweep", err)
			}
			orders, more = append(orders, steps...), true // it goes on until it is done
		} else if sweep := sweeps(ref.Class); sweep != nil {
			orders = append(orders, sweep(ref, now))
		}
	}
	items := make([]item, len(orders))
	for i, o := range orders {
		if items[i], err = newItem(Request{Creator: principal.Operator, own: o}); err != nil {
			return false, fault.Wrap("tokenomics.sweep", err)
		}
	}
	_, err = t.commits.Do(ctx, items...)
	return more, fault.Wrap("tokenomics.sweep", err)
}

// sweeps returns what is done about a record of a class whose time has come; nil if nothing is.
func sweeps(class Class) func(ref RecordRef, now time.Time) order {
	switch class {
	case ClassUnbonding, ClassRedelegation:
		return func(ref RecordRef, now time.Time) order { return &maturity{ref, now} }
	case ClassProposal:
		return func(ref RecordRef, now time.Time) order { return &turn{ref, now} }
	case ClassEffect:
		return func(ref RecordRef, _ time.Time) order { return &lapse{ref} }
	}
	return nil
}

// purge deletes a bounded number of rows that are past their time, and reports whether there may be more. Its time is in the stores'
// microseconds, as those of the rows are.
func (t *Tokenomics) purge(ctx context.Context, now time.Time) (more bool, err error) {
	now = micros(now)
	horizon := Horizon{Hours: now.Add(-tallyKeep)}
	if t.config.RequestRetention > 0 {
		horizon.Requests = now.Add(-t.config.RequestRetention)
	}
	if t.config.Retention > 0 {
		horizon.Holds = now.Add(-t.config.Retention)
		horizon.Votes = horizon.Holds
	}
	n, err := t.store.Purge(ctx, horizon, purgeLimit)
	return n >= purgeLimit, fault.Wrap("tokenomics.purge", err)
}
