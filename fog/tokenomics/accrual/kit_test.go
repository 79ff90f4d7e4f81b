package accrual_test

import (
	"math/big"

	"pgregory.net/rapid"

	"github.com/fogcompute/fogcompute/fog/tokenomics/accrual"
)

// bigOf returns a number of 128 bits as a big one.
func bigOf(u accrual.U128) *big.Int {
	n := new(big.Int).SetUint64(u.Hi)
	return n.Lsh(n, 64).Add(n, new(big.Int).SetUint64(u.Lo))
}

// tokens returns base units in units of 2^-64.
func tokens(n int64) *big.Int { return new(big.Int).Lsh(big.NewInt(n), 64) }

// rat returns units of 2^-64 in base units.
func rat(units *big.Int) *big.Rat { return new(big.Rat).SetFrac(units, tokens(1)) }

// must returns the value of a call that cannot fail.
func must[V any](v V, err error) V {
	if err != nil {
		panic(err)
	}
	return v
}

// earned is Pot.Earned as a big number.
func earned(p accrual.Pot, s accrual.Share) *big.Int { return bigOf(must(p.Earned(s))) }

// drawNumber draws 0 to most: small numbers, great ones, and those at the bounds.
func drawNumber(t *rapid.T, label string, most int64) int64 {
	return rapid.OneOf(
		rapid.Int64Range(0, min(10, most)), rapid.Int64Range(0, most), rapid.Int64Range(max(most-3, 0), most),
	).Draw(t, label)
}
