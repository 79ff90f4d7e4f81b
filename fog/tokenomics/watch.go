package tokenomics

import (
	"context"
	"iter"
	"slices"
	"time"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
	"github.com/fogcompute/fogcompute/fog/principal"
)

// watchPage is how many movements a watcher reads at once.
const watchPage = 256

// Watch yields the movements of the caller's tenant that touch an account, or all of them if account is empty, in order, those
// behind a movement (0: from the first on), and then each as it happens, until ctx ends or the reader stops. Whoever
// remembers the Seq of the last one can go on there, on any server, and misses nothing: the ledger keeps everything. All
// accounts at once are the operator's. The last pair has an error if it ends for another reason than the reader's: Invalid,
// Denied, Unavailable, or that of ctx.
func (t *Tokenomics) Watch(ctx context.Context, account Account, after int64) iter.Seq2[Movement, error] {
	return func(yield func(Movement, error) bool) {
		tenant, err := t.watcher(ctx, account, after)
		for err == nil {
			ring := t.moved.listen()
			var page []Movement
			if page, err = t.store.Movements(ctx, after, watchPage); err != nil {
				break
			}
			for _, m := range page {
				if after = m.Seq; m.Tenant == tenant && m.touches(account) && !yield(m, nil) {
					return
				}
			}
			if len(page) < watchPage {
				err = pause(ctx, t.config.Poll, ring, nil)
			}
		}
		yield(Movement{}, fault.Wrap("tokenomics.watch", err))
	}
}

// Movements is one page of a watch, for those who come back for each: at most limit movements behind one, and the number to go on from.
// Only those of the page that touch the account, or any if account is empty, are returned, so there may be none and more to come.
// Where the log ends it waits, for at most the given time or until ctx ends. A limit of 0 means 100, more than 1000 means 1000. Errors are
// those of Watch; that nothing has happened is none.
func (t *Tokenomics) Movements(ctx context.Context, account Account, after int64, limit int, wait time.Duration) ([]Movement, int64, error) {
	const op = "tokenomics.movements"
	tenant, err := t.watcher(ctx, account, after)
	if err == nil {
		limit, err = pageLimit(op, limit)
	}
	if err != nil {
		return nil, 0, err
	}
	patience, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	for {
		ring := t.moved.listen()
		page, err := t.store.Movements(ctx, after, limit)
		if err != nil {
			return nil, 0, fault.Wrap(op, err)
		}
		if len(page) > 0 {
			next := page[len(page)-1].Seq
			foreign := func(m Movement) bool { return m.Tenant != tenant || !m.touches(account) }
			return slices.DeleteFunc(page, foreign), next, nil
		}
		if pause(patience, t.config.Poll, ring, nil) != nil {
			return nil, after, nil
		}
	}
}

// watcher checks that a caller may watch.
func (t *Tokenomics) watcher(ctx context.Context, account Account, after int64) (principal.Tenant, error) {
	const op = "tokenomics.watch"
	if after < 0 {
		return "", fault.Field(op, "after", "must not be negative")
	}
	if account == "" {
		if err := t.operates(ctx, op); err != nil {
			return "", err
		}
		return principal.From(ctx).Tenant, t.open(ctx)
	}
	tenant, _, err := t.reader(ctx, op, account)
	return tenant, err
}

// touches reports whether a movement has a posting to an account; any movement touches the empty one.
func (m *Movement) touches(account Account) bool {
	return account == "" || m.Owner == account ||
		slices.ContainsFunc(m.Postings, func(p Posting) bool { return p.Account == account })
}
