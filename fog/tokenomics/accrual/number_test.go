package accrual_test

import (
	"math"
	"math/big"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
	"github.com/fogcompute/fogcompute/fog/tokenomics/accrual"
)

func TestMulDiv(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b, c := rapid.Uint64().Draw(t, "a"), rapid.Uint64().Draw(t, "b"), rapid.Uint64().Draw(t, "c")
		checkMulDiv(t, a, b, c)
	})
	for _, c := range [][3]uint64{
		{0, 0, 0}, {1, 1, 0}, {math.MaxUint64, math.MaxUint64, math.MaxUint64}, {math.MaxUint64, math.MaxUint64, math.MaxUint64 - 1},
		{1 << 32, 1 << 32, 1}, {1 << 32, 1 << 32, 2}, {0, 5, 1},
	} {
		checkMulDiv(t, c[0], c[1], c[2])
	}
}

func checkMulDiv(t interface{ Fatalf(string, ...any) }, a, b, c uint64) {
	number := func(n uint64) *big.Int { return new(big.Int).SetUint64(n) }
	q, r, ok := accrual.MulDiv(a, b, c)
	if c == 0 {
		if ok {
			t.Fatalf("divided by 0")
		}
		return
	}
	want, rest := new(big.Int).QuoRem(new(big.Int).Mul(number(a), number(b)), number(c), new(big.Int))
	if ok != want.IsUint64() || ok && (want.Uint64() != q || rest.Uint64() != r) {
		t.Fatalf("%d*%d/%d = %d, %d, %v instead of %s, %s", a, b, c, q, r, ok, want, rest)
	}
}

func FuzzMulDiv(f *testing.F) {
	f.Add(uint64(7), uint64(9), uint64(10))
	f.Add(uint64(math.MaxUint64), uint64(math.MaxUint64), uint64(math.MaxUint64))
	f.Fuzz(func(t *testing.T, a, b, c uint64) { checkMulDiv(t, a, b, c) })
}

func TestU128Text(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		u := accrual.U128{Hi: rapid.Uint64().Draw(t, "hi"), Lo: rapid.Uint64().Draw(t, "lo")}
		text, err := u.MarshalText()
		if err != nil || string(text) != bigOf(u).String() {
			t.Fatalf("%s instead of %s", text, bigOf(u))
		}
		var read accrual.U128
		if err := read.UnmarshalText(text); err != nil || read != u {
			t.Fatalf("%s read as %v, %v", text, read, err)
		}
	})
	require.Equal(t, "0", accrual.U128{}.String())
}

func TestU128Refuses(t *testing.T) {
	for _, text := range []string{
		"", "00", "01", "-1", "+1", "1.0", "1e3", "0x1", " 1", "1 ", "a", "٣",
		"340282366920938463463374607431768211456", "999999999999999999999999999999999999999", "1000000000000000000000000000000000000000",
	} {
		u := accrual.U128{Lo: 5}
		err := u.UnmarshalText([]byte(text))
		require.ErrorIs(t, err, &fault.Error{Kind: fault.Invalid}, "%q", text)
		require.Equal(t, "number", fault.FieldOf(err))
		require.Equal(t, accrual.U128{Lo: 5}, u)
	}
}

func FuzzU128Text(f *testing.F) {
	f.Add("0")
	f.Add("18446744073709551616")
	f.Add("340282366920938463463374607431768211456")
	f.Fuzz(func(t *testing.T, text string) {
		var u accrual.U128
		want, isNumber := new(big.Int).SetString(text, 10)
		err := u.UnmarshalText([]byte(text))
		canonical := isNumber && want.Sign() >= 0 && want.BitLen() <= 128 && want.String() == text
		if canonical != (err == nil) || canonical && bigOf(u).Cmp(want) != 0 {
			t.Fatalf("%q: %s, %v", text, u, err)
		}
	})
}
