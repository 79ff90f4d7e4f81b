package scheduler

import (
	"bytes"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
)

// Comparator says when two results of a job are equal. Exit codes, and the names and digests of the files, must always be the
// same; what it changes is how standard outputs are compared. The zero value takes byte for byte.
type Comparator struct {
	By CompareBy `json:"by,omitempty"`
	// Tolerance is by how much two numbers of ByTolerance may differ, more than 0 and less than 1: absolutely for numbers up
	// to 1, and as a share of the greater one beyond. Zero otherwise.
	Tolerance float64 `json:"tolerance,omitempty"`
}

// CompareBy is a way to compare standard outputs.
type CompareBy string

const (
	// ByBytes takes outputs for equal that are the same bytes.
	ByBytes CompareBy = ""
	// ByJSON takes JSON texts for equal that say the same: white space, the order of an object's names, and how strings and
	// numbers are written do not matter. What is not JSON, names a thing twice, or was cut off is compared byte for byte.
	ByJSON CompareBy = "json"
	// ByTolerance takes texts for equal whose numbers are nearly the same and which are the same otherwise. A number is a
	// decimal one that stands apart from letters, digits and the signs + - . _ : a date is none.
	ByTolerance CompareBy = "tolerance"
)

// parseComparator reads what String writes, and "exact".
func parseComparator(s string) (Comparator, error) {
	const op, field = "scheduler.trust", "trust"
	by, number, _ := strings.Cut(s, ":")
	switch {
	case s == "exact":
		return Comparator{}, nil
	case s == string(ByJSON):
		return Comparator{By: ByJSON}, nil
	case by == string(ByTolerance):
		tolerance, err := strconv.ParseFloat(number, 64)
		if err != nil {
			return Comparator{}, fault.Field(op, field, "tolerance %q is not a number", number)
		}
		c := Comparator{By: ByTolerance, Tolerance: tolerance}
		return c, c.Validate()
	}
	return Comparator{}, fault.Field(op, field, "unknown comparison %q: want exact, json or tolerance:x", s)
}

// Validate reports a way that is not known, or a tolerance that cannot work, as fault Invalid, field "trust".
func (c Comparator) Validate() error {
	const op, field = "scheduler.trust", "trust"
	switch c.By {
	case ByBytes, ByJSON:
		if c.Tolerance != 0 {
			return fault.Field(op, field, "a tolerance of %v, but nothing that is compared by it", c.Tolerance)
		}
	case ByTolerance:
		if !(c.Tolerance > 0 && c.Tolerance < 1) { // NaN as well
			return fault.Field(op, field, "tolerance %v is not between 0 and 1", c.Tolerance)
		}
	default:
		return fault.Field(op, field, "unknown comparison %q: want json or tolerance", c.By)
	}
	return nil
}

// String is "exact", "json" or "tolerance:x".
func (c Comparator) String() string {
	switch c.By {
	case ByBytes:
		return "exact"
	case ByTolerance:
		return string(ByTolerance) + ":" + strconv.FormatFloat(c.Tolerance, 'g', -1, 64)
	}
	return string(c.By)
}

// Equal reports whether two results are equal. Their outputs are in the order of their paths. Byte for byte and by JSON, results that equal
// a third one equal each other; by tolerance they need not.
func (c Comparator) Equal(a, b *Result) bool { return c.equal(c.normal(a), c.normal(b)) }

// normal is a result in the form in which it is compared. No other text than JSON has the form of one.
func (c Comparator) normal(r *Result) *Result {
	if c.By == ByJSON {
		if text, ok := canonicalJSON(r.Stdout); ok {
			same := *r
			same.Stdout = text
			return &same
		}
	}
	return r
}

func (c Comparator) equal(a, b *Result) bool {
	switch {
	case a.ExitCode != b.ExitCode || !slices.Equal(a.Outputs, b.Outputs):
		return false
	case bytes.Equal(a.Stdout, b.Stdout):
		return true
	}
	return c.By == ByTolerance && near(a.Stdout, b.Stdout, c.Tolerance)
}

// agreement is how many of the results equal the one that most of them equal, itself counted, and that one. Of several it
// takes the one whose votes were complete first. Nil without results. Whoever reports long texts pays for one look at each, and by
// tolerance at each pair.
func (c Comparator) agreement(results []*Result) (votes int, on *Result) {
	type poll struct{ votes, last int } // and who voted last
	polls, forms := make([]poll, len(results)), make([]*Result, len(results))
	for i := range results {
		forms[i] = results[i]
		if len(results) > 1 {
			forms[i] = c.normal(results[i])
		}
		polls[i].votes++
		polls[i].last = i
		for k := range i {
			if c.equal(forms[k], forms[i]) {
				polls[k] = poll{polls[k].votes + 1, i}
				polls[i].votes++
			}
		}
	}
	var best poll
	for i, p := range polls {
		if p.votes > best.votes || p.votes == best.votes && p.last < best.last {
			best, on = p, results[i]
		}
	}
	return best.votes, on
}

// near reports whether two texts are the same but for their numbers, and those are nearly.
func near(a, b []byte, tolerance float64) bool {
	for len(a) > 0 && len(b) > 0 {
		x, y := wordEnd(a), wordEnd(b)
		if !bytes.Equal(a[:x], b[:y]) {
			m, isNumber := decimal(a[:x])
			n, isToo := decimal(b[:y])
			if !isNumber || !isToo || !within(m, n, tolerance) {
				return false
			}
		}
		a, b = a[x:], b[y:]
	}
	return len(a) == len(b)
}

// within reports whether two numbers differ by no more than a tolerance.
func within(a, b, tolerance float64) bool {
	return math.Abs(a-b) <= tolerance*max(1, math.Abs(a), math.Abs(b))
}

// wordEnd is the length of the word that a text begins with, or else 1.
func wordEnd(s []byte) int {
	n := 0
	for n < len(s) && isWordByte(s[n]) {
		n++
	}
	return max(1, n)
}

func isWordByte(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '.' || c == '_' || c == '+' || c == '-' || c >= 0x80
}

// decimal reads a word that is a decimal number, and finite.
func decimal(word []byte) (float64, bool) {
	if len(bytes.Trim(word, "0123456789+-.eE")) > 0 { // neither hexadecimal, nor infinite, nor with underscores
		return 0, false
	}
	n, err := strconv.ParseFloat(string(word), 64)
	return n, err == nil
}
