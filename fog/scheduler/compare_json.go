package scheduler

import (
	"bytes"
	"slices"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// canonicalJSON is a JSON text (RFC 8259) in a form that is the same for texts that say the same: without white space, the names of
// objects in order, strings with the fewest escapes, and numbers, which are kept exactly, as a whole mantissa without zeros at
// its end and an exponent. It departs from RFC 8785, which rounds numbers to what a double holds. False is what is not JSON, has
// a name twice, half a surrogate pair, or lies deeper than maxDepth. encoding/json would make every program that schedules 0.2 MB larger, and
// overlooks the second and the third.
func canonicalJSON(text []byte) ([]byte, bool) {
	p := jsonText{in: text, out: make([]byte, 0, len(text))}
	if !p.value(0) {
		return nil, false
	}
	p.space()
	return p.out, len(p.in) == 0
}

const maxDepth = 256

// jsonText is a text being read, and what is written of it.
type jsonText struct{ in, out []byte }

func (p *jsonText) space() { p.in = bytes.TrimLeft(p.in, " \t\r\n") }

// take takes a byte off the text if it is the next one.
func (p *jsonText) take(c byte) bool {
	if len(p.in) == 0 || p.in[0] != c {
		return false
	}
	p.in = p.in[1:]
	return true
}

// digits takes digits off the text.
func (p *jsonText) digits() []byte {
	n := 0
	for n < len(p.in) && p.in[n] >= '0' && p.in[n] <= '9' {
		n++
	}
	d := p.in[:n]
	p.in = p.in[n:]
	return d
}

func (p *jsonText) value(depth int) bool {
	p.space()
	if len(p.in) == 0 || depth > maxDepth {
		return false
	}
	switch p.in[0] {
	case '{':
		return p.object(depth)
	case '[':
		return p.array(depth)
	case '"':
		return p.text()
	case 't', 'f', 'n':
		return p.literal("true") || p.literal("false") || p.literal("null")
	}
	return p.number()
}

func (p *jsonText) literal(word string) bool {
	if !bytes.HasPrefix(p.in, []byte(word)) {
		return false
	}
	p.in, p.out = p.in[len(word):], append(p.out, word...)
	return true
}

func (p *jsonText) array(depth int) bool {
	p.take('[')
	p.out = append(p.out, '[')
	p.space()
	for first := true; !p.take(']'); first = false {
		if !first {
			if !p.take(',') {
				return false
			}
			p.out = append(p.out, ',')
		}
		if !p.value(depth + 1) {
			return false
		}
		p.space()
	}
	p.out = append(p.out, ']')
	return true
}

// member is where a name, and its value with it, stands in what was written.
type member struct{ from, colon, to int }

func (p *jsonText) object(depth int) bool {
	p.take('{')
	begin := len(p.out)
	var members []member
	p.space()
	for first := true; !p.take('}'); first = false {
		if !first && !p.take(',') {
			return false
		}
		m := member{from: len(p.out)}
		p.space()
		if !p.text() {
			return false
		}
		m.colon = len(p.out)
		p.space()
		if !p.take(':') || !p.value(depth+1) {
			return false
		}
		m.to = len(p.out)
		members = append(members, m)
		p.space()
	}
	return p.order(begin, members)
}

// order writes an object anew, whose members stand in the output from begin on. Names are put in the order of their bytes.
func (p *jsonText) order(begin int, members []member) bool {
	name := func(m member) []byte { return p.out[m.from:m.colon] }
	slices.SortFunc(members, func(a, b member) int { return bytes.Compare(name(a), name(b)) })
	sorted := []byte{'{'}
	for i, m := range members {
		if i > 0 {
			if bytes.Equal(name(members[i-1]), name(m)) {
				return false
			}
			sorted = append(sorted, ',')
		}
		sorted = append(append(append(sorted, name(m)...), ':'), p.out[m.colon:m.to]...)
	}
	p.out = append(p.out[:begin], append(sorted, '}')...)
	return true
}

// number writes sign, mantissa, "e" and exponent; zero is "0".
func (p *jsonText) number() bool {
	minus := p.take('-')
	whole := p.digits()
	if len(whole) == 0 || len(whole) > 1 && whole[0] == '0' {
		return false
	}
	var part []byte
	if p.take('.') {
		if part = p.digits(); len(part) == 0 {
			return false
		}
	}
	exponent, ok := p.exponent()
	if !ok {
		return false
	}
	mantissa := bytes.TrimLeft(slices.Concat(whole, part), "0")
	if len(mantissa) == 0 {
		p.out = append(p.out, '0')
		return true
	}
	exponent -= len(part)
	exponent += len(mantissa)
	mantissa = bytes.TrimRight(mantissa, "0")
	exponent -= len(mantissa)
	if minus {
		p.out = append(p.out, '-')
	}
	p.out = strconv.AppendInt(append(append(p.out, mantissa...), 'e'), int64(exponent), 10)
	return true
}

// exponent reads one that fits into nine digits; others are no numbers to anybody.
func (p *jsonText) exponent() (int, bool) {
	if !p.take('e') && !p.take('E') {
		return 0, true
	}
	minus := p.take('-')
	if !minus {
		p.take('+')
	}
	digits := p.digits()
	if len(digits) == 0 {
		return 0, false
	}
	digits = bytes.TrimLeft(digits, "0")
	if len(digits) > 9 {
		return 0, false
	}
	n := 0
	for _, c := range digits {
		n = 10*n + int(c-'0')
	}
	if minus {
		n = -n
	}
	return n, true
}

// text writes a string in which only quotes, backslashes and control characters are escaped.
func (p *jsonText) text() bool {
	if !p.take('"') {
		return false
	}
	p.out = append(p.out, '"')
	for len(p.in) > 0 {
		r, size := utf8.DecodeRune(p.in)
		switch {
		case r == '"':
			p.in, p.out = p.in[1:], append(p.out, '"')
			return true
		case r < ' ' || r == utf8.RuneError && size == 1:
			return false
		case r == '\\':
			var ok bool
			if r, ok = p.escape(); !ok {
				return false
			}
		default:
			p.in = p.in[size:]
		}
		p.put(r)
	}
	return false
}

func (p *jsonText) put(r rune) {
	const hex = "0123456789abcdef"
	switch {
	case r == '"' || r == '\\':
		p.out = append(p.out, '\\', byte(r))
	case r < ' ':
		p.out = append(p.out, '\\', 'u', '0', '0', hex[r>>4], hex[r&15])
	default:
		p.out = utf8.AppendRune(p.out, r)
	}
}

// escape reads what a backslash begins.
func (p *jsonText) escape() (rune, bool) {
	const short, meant = `"\/bfnrt`, "\"\\/\b\f\n\r\t"
	if len(p.in) < 2 {
		return 0, false
	}
	if i := bytes.IndexByte([]byte(short), p.in[1]); i >= 0 {
		p.in = p.in[2:]
		return rune(meant[i]), true
	}
	r, ok := p.unit()
	if !ok || !utf16.IsSurrogate(r) {
		return r, ok
	}
	low, ok := p.unit()
	r = utf16.DecodeRune(r, low)
	return r, ok && r != utf8.RuneError
}

// unit reads one \uXXXX.
func (p *jsonText) unit() (rune, bool) {
	if len(p.in) < 6 || p.in[0] != '\\' || p.in[1] != 'u' {
		return 0, false
	}
	n := rune(0)
	for _, c := range p.in[2:6] {
		digit := bytes.IndexByte([]byte("0123456789abcdef"), c|0x20)
		if digit < 0 || c < '0' {
			return 0, false
		}
		n = n<<4 | rune(digit)
	}
	p.in = p.in[6:]
	return n, true
}
