package tokenomics

import (
	"math"
	"math/big"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func (w wide) big() *big.Int {
	out := new(big.Int)
	for i := len(w) - 1; i >= 0; i-- {
		out.Lsh(out, 64).Or(out, new(big.Int).SetUint64(w[i]))
	}
	return out
}

func TestWideIsBig(t *testing.T) {
	limit := widest().big()
	word := rapid.OneOf(rapid.Uint64(), rapid.Uint64Range(0, 3), rapid.Uint64Range(math.MaxUint64-3, math.MaxUint64))
	rapid.Check(t, func(t *rapid.T) {
		a, b, n := wide{}, wide{}, word.Draw(t, "n")
		for i := range a {
			a[i], b[i] = word.Draw(t, "a"), word.Draw(t, "b")
		}
		capped := func(n *big.Int) *big.Int {
			if n.Cmp(limit) > 0 {
				return limit
			}
			return n
		}
		factor := new(big.Int).SetUint64(n)
		require.Equal(t, capped(new(big.Int).Add(a.big(), b.big())).String(), a.plus(b).big().String())
		require.Equal(t, capped(new(big.Int).Mul(a.big(), factor)).String(), a.times(n).big().String())
		if n > 0 {
			up := new(big.Int).Add(a.big(), new(big.Int).Sub(factor, big.NewInt(1)))
			require.Equal(t, up.Quo(up, factor).String(), a.over(n).big().String())
		}
		require.Equal(t, a.big().IsUint64(), a.saturated() == a[0] && a[1]|a[2]|a[3] == 0)
	})
}

func TestPower(t *testing.T) {
	half := uint64(1) << 63
	require.Equal(t, half, power(half, 1))
	require.Equal(t, half>>9, power(half, 10))
	require.Zero(t, power(half, 1<<40))
	rapid.Check(t, func(t *rapid.T) {
		f, n := rapid.Uint64().Draw(t, "fraction"), rapid.Uint64Range(1, 100_000).Draw(t, "n")
		want := math.Pow(float64(f)/(1<<64), float64(n))
		require.InDelta(t, want, float64(power(f, n))/(1<<64), 1e-9)
	})
}
