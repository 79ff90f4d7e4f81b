package tokenomics

import (
	"encoding/json"
	"strconv"
	"strings"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
)

// Amount is a number of tokens in base units: 1e-6 FOG. It may be negative, as a debit is. Amounts between -MaxSupply and
// MaxSupply are the valid ones; they fit a float64 exactly, so no JSON reader rounds them.
type Amount int64

const (
	// FOG is one token.
	FOG Amount = 1_000_000
	// MaxSupply is the most that can ever exist: a thousand million FOG.
	MaxSupply Amount = 1_000_000_000 * FOG
)

const (
	decimals    = 6  // of one FOG
	maxAmount   = 64 // characters of an amount's text
	maxExponent = 30 // of an amount in exponent form, either way
)

// ParseAmount reads an amount in FOG as a decimal text: "12", "-0.5", "1.000001", "2.5e3". Zeros after the sixth decimal
// are allowed, any other digit there is Invalid, as are a value beyond MaxSupply, an exponent beyond 30, and every
// text that is not a number (also "NaN" and "Inf").
func ParseAmount(text string) (Amount, error) {
	negative, digits, exponent, ok := scanDecimal(text)
	if !ok {
		return 0, invalidAmount("%q is not a decimal number", clip(text))
	}
	trimmed := strings.TrimRight(digits, "0")
	shift := exponent + decimals + len(digits) - len(trimmed) // value = trimmed x 10^shift base units
	switch {
	case trimmed == "":
		return 0, nil
	case shift < 0:
		return 0, invalidAmount("%q has more than %d decimals", clip(text), decimals)
	case len(trimmed)+shift > len("1000000000000000"):
		return 0, invalidAmount("%q is beyond %s", clip(text), MaxSupply)
	}
	value, err := strconv.ParseInt(trimmed+strings.Repeat("0", shift), 10, 64)
	if err != nil || Amount(value) > MaxSupply {
		return 0, invalidAmount("%q is beyond %s", clip(text), MaxSupply)
	}
	if negative {
		value = -value
	}
	return Amount(value), nil
}

// scanDecimal splits [sign] digits [. digits] [e [sign] digits] into its significant digits, without leading zeros,
// and the power of ten that they are multiplied by.
func scanDecimal(text string) (negative bool, digits string, exponent int, ok bool) {
	if len(text) == 0 || len(text) > maxAmount {
		return false, "", 0, false
	}
	rest := text
	if text[0] == '-' || text[0] == '+' {
		negative, rest = text[0] == '-', text[1:]
	}
	mantissa, power, scientific := rest, "", false
	if i := strings.IndexAny(rest, "eE"); i >= 0 {
		mantissa, power, scientific = rest[:i], rest[i+1:], true
	}
	whole, fraction, pointed := strings.Cut(mantissa, ".")
	if !isDigits(whole) || pointed && !isDigits(fraction) {
		return false, "", 0, false
	}
	if scientific {
		if exponent, ok = scanExponent(power); !ok {
			return false, "", 0, false
		}
	}
	return negative, strings.TrimLeft(whole+fraction, "0"), exponent - len(fraction), true
}

// scanExponent reads the part after the e.
func scanExponent(text string) (exponent int, ok bool) {
	unsigned := strings.TrimPrefix(strings.TrimPrefix(text, "+"), "-")
	if len(text)-len(unsigned) > 1 || !isDigits(unsigned) || len(unsigned) > 4 {
		return 0, false
	}
	exponent, err := strconv.Atoi(text)
	return exponent, err == nil && exponent >= -maxExponent && exponent <= maxExponent
}

// isDigits reports whether a text is one or more ASCII digits.
func isDigits(text string) bool {
	return text != "" && strings.Trim(text, "0123456789") == ""
}

// clip shortens a hostile text for an error.
func clip(text string) string {
	const most = 40
	if len(text) <= most {
		return text
	}
	return text[:most] + "..."
}

func invalidAmount(format string, a ...any) error {
	return fault.Field("tokenomics.amount", "amount", format, a...)
}

// String writes the amount in FOG, exactly and without an exponent: "12", "-0.5", "1.000001".
func (a Amount) String() string {
	sign, magnitude := "", uint64(a)
	if a < 0 {
		sign, magnitude = "-", -magnitude
	}
	unit := uint64(FOG)
	whole := sign + strconv.FormatUint(magnitude/unit, 10)
	if magnitude%unit == 0 {
		return whole
	}
	fraction := strconv.FormatUint(unit+magnitude%unit, 10)[1:]
	return whole + "." + strings.TrimRight(fraction, "0")
}

// MarshalJSON writes the amount as the exact decimal number of FOG.
func (a Amount) MarshalJSON() ([]byte, error) { return []byte(a.String()), nil }

// UnmarshalJSON reads a number or a decimal string of FOG by the rules of ParseAmount. As everywhere in encoding/json,
// null changes nothing.
func (a *Amount) UnmarshalJSON(data []byte) error {
	text := string(data)
	switch {
	case text == "null":
		return nil
	case len(data) > 0 && data[0] == '"':
		if err := json.Unmarshal(data, &text); err != nil {
			return invalidAmount("not a JSON string")
		}
	case !json.Valid(data):
		return invalidAmount("%q is not a JSON number", clip(text))
	}
	parsed, err := ParseAmount(text)
	if err != nil {
		return err
	}
	*a = parsed
	return nil
}

// Add returns a + b, or Invalid if the sum lies beyond MaxSupply on either side.
func (a Amount) Add(b Amount) (Amount, error) {
	sum := a + b
	overflow := b > 0 && sum < a || b < 0 && sum > a
	if overflow || !sum.valid() {
		return 0, invalidAmount("%s + %s is beyond %s", a, b, MaxSupply)
	}
	return sum, nil
}

// Sub returns a - b, or Invalid if the difference lies beyond MaxSupply on either side.
func (a Amount) Sub(b Amount) (Amount, error) {
	difference := a - b
	overflow := b > 0 && difference > a || b < 0 && difference < a
	if overflow || !difference.valid() {
		return 0, invalidAmount("%s - %s is beyond %s", a, b, MaxSupply)
	}
	return difference, nil
}

// valid reports whether the amount can exist.
func (a Amount) valid() bool { return a >= -MaxSupply && a <= MaxSupply }
