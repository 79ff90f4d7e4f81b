package tokenomics

import (
	"math/bits"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
)

// Quote says what one FOG is worth outside, if the operator says so; the house itself trades it nowhere. The zero value is no quote.
type Quote struct {
	// Price of one FOG, in millionths of the currency; not negative, and at most 10^15. Zero: no quote.
	Price int64
	// Currency is its name, 1 to 16 letters or digits, such as "EUR"; empty with no quote.
	Currency string
}

const maxCurrency = 16

// ParseQuote reads "0.05 EUR", a price with at most 6 decimals and a currency. The empty text is no quote; anything else
// is Invalid, field "quote".
func ParseQuote(text string) (Quote, error) {
	const op = "tokenomics.quote"
	if strings.TrimSpace(text) == "" {
		return Quote{}, nil
	}
	words := strings.Fields(text)
	if len(words) != 2 {
		return Quote{}, fault.Field(op, "quote", "%q: want a price and a currency, such as 0.05 EUR", clip(text))
	}
	price, err := ParseAmount(words[0])
	if err != nil {
		return Quote{}, fault.Field(op, "quote", "%s", fault.Detail(err))
	}
	q := Quote{Price: int64(price), Currency: words[1]}
	return q, q.Validate()
}

// Validate checks a quote; errors are Invalid, field "quote".
func (q Quote) Validate() error {
	const op = "tokenomics.quote"
	letter := func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }
	switch {
	case q == Quote{}:
		return nil
	case q.Price <= 0 || q.Price > int64(MaxSupply):
		return fault.Field(op, "quote", "the price of one FOG must be above 0 and at most %s", MaxSupply)
	case !utf8.ValidString(q.Currency) || q.Currency == "" || utf8.RuneCountInString(q.Currency) > maxCurrency ||
		strings.ContainsFunc(q.Currency, func(r rune) bool { return !letter(r) }):
		return fault.Field(op, "quote", "the currency must have 1 to %d letters or digits", maxCurrency)
	}
	return nil
}

// String writes what ParseQuote reads.
func (q Quote) String() string {
	if q == (Quote{}) {
		return ""
	}
	return Amount(q.Price).String() + " " + q.Currency
}

// Worth is an amount in millionths of the currency, rounded down; zero with no quote or a negative amount.
func (q Quote) Worth(a Amount) int64 {
	const most = 1<<63 - 1
	hi, lo := bits.Mul64(uint64(max(a, 0)), uint64(max(q.Price, 0)))
	if hi >= uint64(FOG) {
		return most
	}
	worth, _ := bits.Div64(hi, lo, uint64(FOG))
	return int64(min(worth, most))
}
