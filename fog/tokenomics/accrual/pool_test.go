package accrual_test

import (
	"encoding/json"
	"errors"
	"math"
	"math/big"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
	"github.com/fogcompute/fogcompute/fog/tokenomics/accrual"
)

// owners is a pool and who owns its shares.
type owners struct {
	pool   accrual.Pool
	shares [4]int64
}

// step does one random thing; nobody but who acts may lose by it, unless it is a cut.
func (o *owners) step(t *rapid.T) {
	before, was := o.values(), o.pool
	i := rapid.IntRange(0, len(o.shares)-1).Draw(t, "who")
	switch rapid.IntRange(0, 5).Draw(t, "what") {
	case 0, 1, 2:
		o.enter(t, i)
	case 3, 4:
		if o.shares[i] == 0 {
			return
		}
		n := 1 + drawNumber(t, "shares", o.shares[i]-1)
		pool, tokens, err := o.pool.Exit(n)
		if err != nil {
			t.Fatal(err)
		}
		if tokens != o.pool.Value(n) || pool.Tokens != was.Tokens-tokens || pool.Shares != was.Shares-n {
			t.Fatalf("%+v less %d shares and %d tokens is %+v", was, n, tokens, pool)
		}
		o.pool, o.shares[i] = pool, o.shares[i]-n
	case 5:
		points := rapid.OneOf(rapid.IntRange(0, 10_000), rapid.IntRange(0, 3), rapid.Just(10_000)).Draw(t, "points")
		pool, taken, err := o.pool.Cut(points)
		if err != nil {
			t.Fatal(err)
		}
		exact := new(big.Rat).SetFrac(new(big.Int).Mul(big.NewInt(was.Tokens), big.NewInt(int64(points))), big.NewInt(10_000))
		over := new(big.Rat).Sub(new(big.Rat).SetInt64(taken), exact)
		if over.Sign() < 0 || over.Cmp(big.NewRat(1, 1)) >= 0 || pool.Tokens != was.Tokens-taken || pool.Shares != was.Shares {
			t.Fatalf("%d of %+v taken for %d points", taken, was, points)
		}
		o.pool = pool
		return
	}
	for k, value := range o.values() {
		if k != i && value < before[k] {
			t.Fatalf("what %d did took %d from %d", i, before[k]-value, k)
		}
	}
}

// enter lets i enter, and checks what happens if the tokens leave again at once.
func (o *owners) enter(t *rapid.T, i int) {
	was := o.pool
	tokens := 1 + drawNumber(t, "tokens", max(accrual.Max-1-was.Tokens, 0))
	pool, shares, err := was.Enter(tokens)
	if err != nil {
		closed := was.Tokens == 0 && was.Shares > 0
		full := was.Tokens > 0 && exactShares(was, tokens).Cmp(big.NewInt(accrual.Max-was.Shares)) > 0 || was.Shares+tokens > accrual.Max
		if fault.KindOf(err) != fault.Conflict || closed != errors.Is(err, accrual.ErrClosed) || !closed && !full {
			t.Fatalf("%d tokens into %+v: %v", tokens, was, err)
		}
		return
	}
	if shares < tokens || pool.Tokens != was.Tokens+tokens || pool.Shares != was.Shares+shares {
		t.Fatalf("%d tokens into %+v are %d shares in %+v", tokens, was, shares, pool)
	}
	if was.Tokens > 0 && exactShares(was, tokens).Cmp(big.NewInt(shares)) != 0 {
		t.Fatalf("%d tokens into %+v are %d shares", tokens, was, shares)
	}
	if back := pool.Value(shares); back > tokens || back < tokens-1 {
		t.Fatalf("%d tokens are %d after entering and leaving", tokens, back)
	}
	o.pool, o.shares[i] = pool, o.shares[i]+shares
}

// exactShares is tokens*Shares/Tokens, rounded down.
func exactShares(p accrual.Pool, tokens int64) *big.Int {
	n := new(big.Int).Mul(big.NewInt(tokens), big.NewInt(p.Shares))
	return n.Quo(n, big.NewInt(p.Tokens))
}

func (o *owners) values() (values [4]int64) {
	for i, shares := range o.shares {
		values[i] = o.pool.Value(shares)
	}
	return values
}

// The laws of a pool: nobody gains by entering and leaving, nobody else loses by it, all shares together are never worth more
// than there is, and never much less.
func TestPoolLaws(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		o := &owners{}
		for range rapid.IntRange(1, 80).Draw(t, "steps") {
			o.step(t)
			worth, shares := int64(0), int64(0)
			for i, value := range o.values() {
				worth, shares = worth+value, shares+o.shares[i]
			}
			switch {
			case worth > o.pool.Tokens || worth < o.pool.Tokens-int64(len(o.shares)):
				t.Fatalf("%d are worth %d", o.pool.Tokens, worth)
			case shares != o.pool.Shares:
				t.Fatalf("%d shares instead of %d", o.pool.Shares, shares)
			case o.pool.Tokens > o.pool.Shares:
				t.Fatalf("a share of %+v is worth more than one", o.pool)
			}
		}
	})
}

// The inflation attack: whatever is done to a pool before, who enters it loses at most one base unit.
func TestFirstOwnerCannotRobTheSecond(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		attacker := &owners{}
		for range rapid.IntRange(0, 20).Draw(t, "steps") {
			attacker.step(t)
		}
		tokens := 1 + drawNumber(t, "tokens", 1_000_000)
		pool, shares, err := attacker.pool.Enter(tokens)
		if err != nil {
			return // the victim keeps the tokens
		}
		if _, back, err := pool.Exit(shares); err != nil || back < tokens-1 {
			t.Fatalf("%d of %d come back, %v", back, tokens, err)
		}
	})
}

func TestPoolCutToNothing(t *testing.T) {
	pool, shares, err := accrual.Pool{}.Enter(1000)
	require.NoError(t, err)
	require.EqualValues(t, 1000, shares)
	pool, taken, err := pool.Cut(10_000)
	require.NoError(t, err)
	require.EqualValues(t, 1000, taken)
	_, _, err = pool.Enter(5)
	require.ErrorIs(t, err, accrual.ErrClosed)
	pool, tokens, err := pool.Exit(999)
	require.NoError(t, err)
	require.Zero(t, tokens)
	_, _, err = pool.Enter(5)
	require.ErrorIs(t, err, accrual.ErrClosed)
	pool, _, err = pool.Exit(1)
	require.NoError(t, err)
	require.Equal(t, accrual.Pool{}, pool)
	_, shares, err = pool.Enter(5)
	require.NoError(t, err)
	require.EqualValues(t, 5, shares, "begins again at 1:1")
}

func TestPoolRefuses(t *testing.T) {
	pool := accrual.Pool{Tokens: 50, Shares: 100}
	for _, tokens := range []int64{0, -1, accrual.Max + 1, math.MinInt64} {
		_, _, err := pool.Enter(tokens)
		require.Equal(t, "tokens", fault.FieldOf(err))
	}
	_, _, err := pool.Enter(accrual.Max)
	require.ErrorIs(t, err, accrual.ErrFull)
	_, _, err = accrual.Pool{Tokens: 1, Shares: accrual.Max}.Enter(accrual.Max)
	require.ErrorIs(t, err, accrual.ErrFull, "even beyond 64 bits")
	for _, shares := range []int64{0, -1, math.MinInt64} {
		_, _, err := pool.Exit(shares)
		require.Equal(t, "shares", fault.FieldOf(err))
		require.Zero(t, pool.Value(shares))
	}
	_, _, err = pool.Exit(101)
	require.ErrorIs(t, err, &fault.Error{Kind: fault.Insufficient})
	require.Zero(t, pool.Value(101))
	for _, points := range []int{-1, 10_001} {
		_, _, err := pool.Cut(points)
		require.Equal(t, "points", fault.FieldOf(err))
	}
	for _, broken := range []accrual.Pool{{Tokens: 1}, {Tokens: -1, Shares: 1}, {Shares: -1}, {Tokens: 2, Shares: 1}, {Shares: accrual.Max + 1}} {
		_, _, err := broken.Enter(1)
		require.ErrorIs(t, err, accrual.ErrBroken)
		_, _, err = broken.Exit(1)
		require.ErrorIs(t, err, accrual.ErrBroken)
		_, _, err = broken.Cut(1)
		require.ErrorIs(t, err, accrual.ErrBroken)
		require.Zero(t, broken.Value(1))
	}
}

func TestPoolJSON(t *testing.T) {
	text, err := json.Marshal(accrual.Pool{Tokens: 1, Shares: accrual.Max})
	require.NoError(t, err)
	require.Equal(t, `{"tokens":1,"shares":1000000000000000}`, string(text))
}

// FuzzPool gives hostile numbers to a pool: what comes out is a pool again, from which no more was taken than there was.
func FuzzPool(f *testing.F) {
	f.Add(int64(50), int64(100), int64(7), 1)
	f.Add(int64(accrual.Max), int64(accrual.Max), int64(accrual.Max), 10_000)
	f.Add(int64(0), int64(5), int64(-1), -1)
	f.Fuzz(func(t *testing.T, tokens, shares, n int64, points int) {
		pool := accrual.Pool{Tokens: tokens, Shares: shares}
		check := func(next accrual.Pool, in, out int64, err error) {
			if err == nil && (next.Tokens != tokens+in-out || next.Tokens < 0 || next.Tokens > next.Shares || next.Shares > accrual.Max) {
				t.Fatalf("%+v from %+v", next, pool)
			}
		}
		entered, _, err := pool.Enter(n)
		check(entered, n, 0, err)
		left, out, err := pool.Exit(n)
		check(left, 0, out, err)
		cut, taken, err := pool.Cut(points)
		check(cut, 0, taken, err)
	})
}
