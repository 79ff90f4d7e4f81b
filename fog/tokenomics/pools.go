package tokenomics

import (
	"context"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
)

// Pool is what is staked with an operator, whoever staked it.
type Pool struct {
	Operator Account
	Staked   Amount
	Slashes  []string // of it, that are not finished, oldest first
}

// PoolPage is a part of the list of pools, in the order of the operators' names.
type PoolPage struct {
	Pools []Pool
	Next  string // cursor of the next page; empty: this was the last
}

// Pools lists the pools of the caller's tenant; one that everybody has left stays. A limit of 0 means 100, more than 1000 means 1000.
// Errors: Invalid, Denied, Unavailable.
func (t *Tokenomics) Pools(ctx context.Context, cursor string, limit int) (PoolPage, error) {
	const op = "tokenomics.pools"
	if err := checkText(op, "cursor", cursor, maxName); err != nil {
		return PoolPage{}, err
	}
	records, more, err := t.members(ctx, op, RecordQuery{Class: ClassPool, After: cursor}, limit)
	if err != nil {
		return PoolPage{}, err
	}
	page := PoolPage{Pools: make([]Pool, len(records))}
	for i, r := range records {
		var p pool
		if err := decodeRecord(r, &p); err != nil {
			return PoolPage{}, fault.Wrap(op, err)
		}
		page.Pools[i] = Pool{Operator: Account(r.Key), Staked: Amount(p.Stake.Tokens)}
		for _, c := range p.Slashes {
			page.Pools[i].Slashes = append(page.Pools[i].Slashes, c.ID)
		}
		if more {
			page.Next = r.Key
		}
	}
	return page, nil
}
