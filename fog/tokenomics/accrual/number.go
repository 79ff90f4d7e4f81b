package accrual

import (
	"math/bits"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
)

// Max is the greatest amount, weight and number of shares: 10^15, as many base units as can exist.
const Max = 1_000_000_000_000_000

// ErrBroken means that a value of this package holds numbers that none of its methods can have made. Kind Internal.
var ErrBroken = fault.New(fault.Internal, "accrual", "the numbers contradict each other")

// MulDiv returns a*b/c, rounded down, and the remainder, exactly for any product. It is not ok if c is 0 or the quotient does
// not fit 64 bits.
func MulDiv(a, b, c uint64) (quotient, remainder uint64, ok bool) {
	hi, lo := bits.Mul64(a, b)
	if hi >= c {
		return 0, 0, false
	}
	quotient, remainder = bits.Div64(hi, lo, c)
	return quotient, remainder, true
}

// share is MulDiv for numbers that are known to fit: whole and part are not negative, part is at most of, and of is not 0.
func share(whole, part, of int64) (quotient, remainder int64) {
	q, r, _ := MulDiv(uint64(whole), uint64(part), uint64(of))
	return int64(q), int64(r)
}

// U128 is a natural number below 2^128. As an amount it counts units of 2^-64 of a base unit: then Hi is the whole base units
// and Lo the fraction. Its text, also in JSON, is decimal.
type U128 struct {
	Hi, Lo uint64
}

// plus returns u + v modulo 2^128, and whether it wrapped around.
func (u U128) plus(v U128) (sum U128, wrapped bool) {
	lo, carry := bits.Add64(u.Lo, v.Lo, 0)
	hi, carry := bits.Add64(u.Hi, v.Hi, carry)
	return U128{hi, lo}, carry != 0
}

// minus returns u - v modulo 2^128.
func (u U128) minus(v U128) U128 {
	lo, borrow := bits.Sub64(u.Lo, v.Lo, 0)
	hi, _ := bits.Sub64(u.Hi, v.Hi, borrow)
	return U128{hi, lo}
}

// times returns u * n, and whether it fits.
func (u U128) times(n uint64) (product U128, ok bool) {
	carry, lo := bits.Mul64(u.Lo, n)
	over, hi := bits.Mul64(u.Hi, n)
	hi, wrapped := bits.Add64(hi, carry, 0)
	return U128{hi, lo}, over == 0 && wrapped == 0
}

// over returns u / n, rounded down, and the remainder; n is not 0.
func (u U128) over(n uint64) (quotient U128, remainder uint64) {
	hi, rest := u.Hi/n, u.Hi%n
	lo, rest := bits.Div64(rest, u.Lo, n)
	return U128{hi, lo}, rest
}

// beyond reports whether u, as an amount, is more than Max base units.
func (u U128) beyond() bool { return u.Hi > Max || u.Hi == Max && u.Lo > 0 }

// maxDigits is the length of 2^128 - 1 in decimal.
const maxDigits = 39

// String returns the number in decimal.
func (u U128) String() string {
	var digits [maxDigits]byte
	at := len(digits)
	for {
		var digit uint64
		u, digit = u.over(10)
		at--
		digits[at] = '0' + byte(digit)
		if u == (U128{}) {
			return string(digits[at:])
		}
	}
}

// MarshalText returns the number in decimal.
func (u U128) MarshalText() ([]byte, error) { return []byte(u.String()), nil }

// UnmarshalText reads what MarshalText writes: decimal digits without a sign or leading zeros. All else, and what is
// beyond 2^128 - 1, is Invalid.
func (u *U128) UnmarshalText(text []byte) error {
	if len(text) == 0 || len(text) > maxDigits || len(text) > 1 && text[0] == '0' {
		return fault.Field("accrual.number", "number", "is not a decimal number of 1 to %d digits", maxDigits)
	}
	var read U128
	for _, digit := range text {
		if digit < '0' || digit > '9' {
			return fault.Field("accrual.number", "number", "is not decimal")
		}
		shifted, ok := read.times(10)
		sum, wrapped := shifted.plus(U128{Lo: uint64(digit - '0')})
		if !ok || wrapped {
			return fault.Field("accrual.number", "number", "is beyond 128 bits")
		}
		read = sum
	}
	*u = read
	return nil
}
