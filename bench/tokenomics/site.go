package tokenomics

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/fogcompute/fogcompute/fog/tokenomics"
	"github.com/fogcompute/fogcompute/fog/tokenomics/tokenomicsdb"
)

const (
	accounts = 10_000
	funded   = 90 * tokenomics.FOG // of each account: a load moves single base units, so nobody is ever short
)

// site is a ledger at work on a database.
type site struct {
	ledger  *tokenomics.Tokenomics
	store   *tokenomicsdb.Store
	commits atomic.Int64
	moved   atomic.Int64 // movements that were answered
	keys    atomic.Uint64
	close   func() error
}

// newSite opens a ledger on a database.
func newSite(ctx context.Context, base base, name string, config tokenomics.Config) (*site, error) {
	s := &site{}
	store, end, err := base.open(ctx, name)
	if err != nil {
		return nil, err
	}
	s.store, config.Store, config.Step = store, store, func(string) { s.commits.Add(1) }
	if s.ledger, err = tokenomics.New(config); err != nil {
		return nil, errors.Join(err, end())
	}
	s.close = func() error { return errors.Join(s.ledger.Close(), end()) }
	if err := store.Migrate(ctx); err != nil {
		return nil, errors.Join(err, s.close())
	}
	s.moved.Add(1) // the genesis
	return s, nil
}

// fund gives every account what it needs.
func (s *site) fund(ctx context.Context) error {
	return s.post(ctx, accounts, 500, func(n int) tokenomics.Request {
		return tokenomics.Request{Transfer: &tokenomics.Transfer{Key: s.key(), From: "operator", To: account(uint64(n)), Amount: funded}}
	})
}

// fill makes a number of transfers between any of the accounts.
func (s *site) fill(ctx context.Context, count int) error {
	return s.post(ctx, count, 500, func(n int) tokenomics.Request {
		from, to := pair(uint64(n))
		return tokenomics.Request{Transfer: &tokenomics.Transfer{Key: s.key(), From: from, To: to, Amount: 1}}
	})
}

// post makes requests, a portion of them in a call, each of which is a movement. Two callers at once let the ledger decide on one batch
// while it writes another.
func (s *site) post(ctx context.Context, count, portion int, one func(n int) tokenomics.Request) error {
	group, ctx := errgroup.WithContext(ctx)
	var next atomic.Int64
	for range 2 {
		group.Go(func() error {
			for {
				end := int(next.Add(int64(portion)))
				list := make([]tokenomics.Request, 0, portion)
				for n := end - portion; n < min(end, count); n++ {
					list = append(list, one(n))
				}
				if len(list) == 0 {
					return nil
				}
				verdicts, err := s.ledger.Post(ctx, list)
				if err := errors.Join(append(verdicts, err)...); err != nil {
					return err
				}
				s.moved.Add(int64(len(list)))
			}
		})
	}
	return group.Wait()
}

// account is one of the funded accounts.
func account(i uint64) tokenomics.Account {
	return tokenomics.Account(fmt.Sprintf("device:%07d", i%accounts))
}

// mix spreads numbers evenly (the finaliser of SplitMix64: Steele, Lea and Flood, OOPSLA 2014).
func mix(n uint64) uint64 {
	n += 0x9e3779b97f4a7c15
	n = (n ^ n>>30) * 0xbf58476d1ce4e5b9
	n = (n ^ n>>27) * 0x94d049bb133111eb
	return n ^ n>>31
}

// pair is the payer and the payee of a transfer: two accounts of all.
func pair(n uint64) (from, to tokenomics.Account) {
	a := mix(n) % accounts
	return account(a), account(a + 1 + mix(^n)%(accounts-1))
}

// key is one that was never used: as long as a UUID without hyphens, and like those of version 7 led by the time.
func (s *site) key() string {
	n := s.keys.Add(1)
	return fmt.Sprintf("%012x%016x%04x", time.Now().UnixMilli(), mix(n), n&0xffff)
}

// spread moves one base unit between two accounts of all.
func (s *site) spread(ctx context.Context, n uint64) error {
	from, to := pair(n)
	return s.transfer(ctx, from, to)
}

// hot moves one to the one account that everybody pays to.
func (s *site) hot(ctx context.Context, n uint64) error {
	return s.transfer(ctx, account(mix(n)), "treasury")
}

func (s *site) transfer(ctx context.Context, from, to tokenomics.Account) error {
	verdicts, err := s.ledger.Transfer(ctx, []tokenomics.Transfer{{Key: s.key(), From: from, To: to, Amount: 1}})
	if err := errors.Join(append(verdicts, err)...); err != nil {
		return err
	}
	s.moved.Add(1)
	return nil
}

// check makes sure that the ledger is complete and in order.
func (s *site) check(ctx context.Context) error {
	if err := s.complete(ctx); err != nil {
		return err
	}
	return s.ledger.Verify(ctx)
}

// complete makes sure that the ledger has every movement that was answered, and no other.
func (s *site) complete(ctx context.Context) error {
	stats, err := s.ledger.Stats(ctx)
	if err != nil {
		return err
	}
	if moved := s.moved.Load(); stats.Sum != 0 || stats.Movements != moved {
		return fmt.Errorf("%d movements instead of %d, whose sum is %d", stats.Movements, moved, stats.Sum)
	}
	return nil
}

// batched is one load on a ledger, with the movements of its commits.
type batched struct {
	outcome
	spent
	batch float64 // movements of a commit, on average
}

// micros is the CPU time of a transfer.
func (b batched) micros() (client, server float64) {
	n := float64(len(b.took)) * float64(time.Microsecond)
	return float64(b.client) / n, float64(b.server) / n
}

// run loads the ledger and, out of the clock, checks it.
func (s *site) run(ctx context.Context, server *Server, l load) (b batched, err error) {
	commits := s.commits.Load()
	around := l.around
	if around == nil {
		around = func(run func() error) error { return run() }
	}
	b.spent, err = spend(server, func() error {
		return around(func() error {
			b.outcome, err = l.run(ctx)
			return err
		})
	})
	if err != nil {
		return b, err
	}
	b.batch = float64(len(b.took)) / float64(max(1, s.commits.Load()-commits))
	return b, s.check(ctx)
}
