package accrual

import "github.com/fogcompute/fogcompute/fog/internal/fault"

// basisPoints is the whole that a cut is a part of.
const basisPoints = 10_000

// Errors of a pool, of kind Conflict.
var (
	// ErrClosed: the pool was cut to nothing while it had shares. It takes tokens again when all of them have left.
	ErrClosed = fault.New(fault.Conflict, "accrual.enter", "the pool was cut to nothing")
	// ErrFull: the pool would have more than Max shares.
	ErrFull = fault.New(fault.Conflict, "accrual.enter", "the pool has too many shares")
)

// Pool is tokens that belong to shares in equal parts. The zero value is an empty pool. Every division is rounded so that what
// is left over stays in the pool; hence nobody gains by entering and leaving, and the value of the others' shares never falls
// by it.
//
// The first owner of a pool cannot rob the next one (the inflation attack on vaults with shares: own the one share, donate
// tokens to make it dear, and let an entry be rounded down to no share at all). Tokens enter a pool only together with shares, the first at
// 1:1, and nothing but entries adds tokens, so
//
//	Tokens <= Shares at any time: a share is worth at most one base unit.
//
// It holds in the empty pool, and each step keeps it. Enter gives floor(t*S/T) >= t shares for t tokens, as S >= T. Exit of s shares
// leaves ceil(T*(S-s)/S) <= S-s tokens, as T <= S. Cut only takes tokens. So who enters with t tokens gets at least t shares; the
// entry costs less than one share, hence less than one base unit, the exit less than another one, and together at most 1:
// who leaves again gets t or t-1. A pool that was cut to nothing has no price, and takes no tokens until its
// worthless shares are gone.
type Pool struct {
	// Tokens are base units, 0 to Shares.
	Tokens int64 `json:"tokens"`
	// Shares are the shares of all owners together, at most Max. Without shares there are no tokens: who leaves last takes
	// everything.
	Shares int64 `json:"shares"`
}

// valid reports whether the pool's numbers can be.
func (p Pool) valid() bool { return p.Tokens >= 0 && p.Tokens <= p.Shares && p.Shares <= Max }

// Enter adds tokens, 1 or more, and returns the new shares for them, at least as many. Errors: Invalid, ErrClosed, ErrFull,
// ErrBroken.
func (p Pool) Enter(tokens int64) (entered Pool, shares int64, err error) {
	switch {
	case !p.valid():
		return Pool{}, 0, ErrBroken
	case tokens < 1 || tokens > Max:
		return Pool{}, 0, fault.Field("accrual.enter", "tokens", "%d is not between 1 and %d", tokens, int64(Max))
	case p.Tokens == 0 && p.Shares > 0:
		return Pool{}, 0, ErrClosed
	}
	fresh := uint64(tokens)
	if p.Shares > 0 {
		var ok bool
		if fresh, _, ok = MulDiv(fresh, uint64(p.Shares), uint64(p.Tokens)); !ok {
			return Pool{}, 0, ErrFull
		}
	}
	if fresh > uint64(Max-p.Shares) {
		return Pool{}, 0, ErrFull
	}
	return Pool{Tokens: p.Tokens + tokens, Shares: p.Shares + int64(fresh)}, int64(fresh), nil
}

// Exit takes shares, 1 or more, out of the pool and returns the tokens for them, rounded down; 0 if the pool was cut to
// nothing. Errors: Invalid, Insufficient if the pool has fewer shares, ErrBroken.
func (p Pool) Exit(shares int64) (left Pool, tokens int64, err error) {
	switch {
	case !p.valid():
		return Pool{}, 0, ErrBroken
	case shares < 1:
		return Pool{}, 0, fault.Field("accrual.exit", "shares", "must be 1 or more")
	case shares > p.Shares:
		return Pool{}, 0, fault.Newf(fault.Insufficient, "accrual.exit", "the pool has %d shares", p.Shares)
	}
	tokens = p.Value(shares)
	return Pool{Tokens: p.Tokens - tokens, Shares: p.Shares - shares}, tokens, nil
}

// Value returns the tokens that shares are worth, rounded down: what Exit pays for them. It is 0 for shares that the pool
// does not have.
func (p Pool) Value(shares int64) int64 {
	if !p.valid() || shares < 1 || shares > p.Shares {
		return 0
	}
	tokens, _ := share(p.Tokens, shares, p.Shares)
	return tokens
}

// Cut takes a part of the tokens, in basis points from 0 to 10,000, rounded up. All shares lose alike. Errors: Invalid,
// ErrBroken.
func (p Pool) Cut(points int) (cut Pool, taken int64, err error) {
	switch {
	case !p.valid():
		return Pool{}, 0, ErrBroken
	case points < 0 || points > basisPoints:
		return Pool{}, 0, fault.Field("accrual.cut", "points", "%d is not between 0 and %d", points, basisPoints)
	}
	taken, rest := share(p.Tokens, int64(points), basisPoints)
	if rest > 0 {
		taken++
	}
	p.Tokens -= taken
	return p, taken, nil
}
