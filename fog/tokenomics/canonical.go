package tokenomics

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
)

// Bounds of a parameter's value.
const (
	maxValue = 4096 // bytes
	maxDepth = 8    // of arrays and objects in each other
)

// Canonical is the one encoding of a JSON value: no white space, keys of objects in the order of their bytes, numbers as plain
// decimals without an exponent and without zeros that say nothing, text escaped only where it must be. So equal values are equal bytes, as
// in RFC 8785 (JCS), but numbers keep all their digits instead of going through a float64. What is canonical stays as it is. Invalid
// are: what is not one JSON value in UTF-8, a repeated key, a number with an exponent beyond 30 or of more than 64 characters, before
// or after, more than 4096 bytes, before or after, and more than 8 arrays and objects in each other.
func Canonical(value json.RawMessage) (json.RawMessage, error) {
	if len(value) > maxValue {
		return nil, invalidValue("has more than %d bytes", maxValue)
	}
	if !utf8.Valid(value) {
		return nil, invalidValue("is not UTF-8")
	}
	decoder := json.NewDecoder(bytes.NewReader(value))
	decoder.UseNumber()
	out, err := canonicalValue(decoder, 0)
	if err != nil {
		return nil, err
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, invalidValue("is more than one JSON value")
	}
	if len(out) > maxValue {
		return nil, invalidValue("has more than %d bytes", maxValue)
	}
	return out, nil
}

func invalidValue(format string, a ...any) error {
	return fault.Field("tokenomics.value", "value", format, a...)
}

// canonicalValue reads one value.
func canonicalValue(d *json.Decoder, depth int) ([]byte, error) {
	token, err := d.Token()
	if err != nil {
		return nil, invalidValue("is not JSON")
	}
	switch t := token.(type) {
	case json.Delim:
		if depth == maxDepth {
			return nil, invalidValue("has more than %d arrays and objects in each other", maxDepth)
		}
		if t == '{' {
			return canonicalObject(d, depth+1)
		}
		return canonicalArray(d, depth+1)
	case json.Number:
		return canonicalNumber(t.String())
	case string:
		return canonicalText(t), nil
	case bool:
		return strconv.AppendBool(nil, t), nil
	}
	return []byte("null"), nil
}

func canonicalArray(d *json.Decoder, depth int) ([]byte, error) {
	out := []byte{'['}
	for d.More() {
		item, err := canonicalValue(d, depth)
		if err != nil {
			return nil, err
		}
		if len(out) > 1 {
			out = append(out, ',')
		}
		out = append(out, item...)
	}
	if _, err := d.Token(); err != nil {
		return nil, invalidValue("is not JSON")
	}
	return append(out, ']'), nil
}

func canonicalObject(d *json.Decoder, depth int) ([]byte, error) {
	fields := map[string][]byte{}
	var keys []string
	for d.More() {
		token, err := d.Token()
		key, ok := token.(string)
		if err != nil || !ok {
			return nil, invalidValue("is not JSON")
		}
		if _, twice := fields[key]; twice {
			return nil, invalidValue("has the key %q twice", clip(key))
		}
		if fields[key], err = canonicalValue(d, depth); err != nil {
			return nil, err
		}
		keys = append(keys, key)
	}
	if _, err := d.Token(); err != nil {
		return nil, invalidValue("is not JSON")
	}
	slices.Sort(keys)
	out := []byte{'{'}
	for i, key := range keys {
		if i > 0 {
			out = append(out, ',')
		}
		out = append(append(append(out, canonicalText(key)...), ':'), fields[key]...)
	}
	return append(out, '}'), nil
}

// canonicalNumber writes a number as a plain decimal.
func canonicalNumber(text string) ([]byte, error) {
	tooLong := invalidValue("has a number of more than %d characters, or an exponent beyond %d", maxAmount, maxExponent)
	negative, digits, exponent, ok := scanDecimal(text)
	if !ok {
		return nil, tooLong
	}
	short := strings.TrimRight(digits, "0")
	exponent += len(digits) - len(short)
	switch {
	case short == "":
		return []byte("0"), nil
	case exponent >= 0:
		short += strings.Repeat("0", exponent)
	case -exponent >= len(short):
		short = "0." + strings.Repeat("0", -exponent-len(short)) + short
	default:
		short = short[:len(short)+exponent] + "." + short[len(short)+exponent:]
	}
	if negative {
		short = "-" + short
	}
	if len(short) > maxAmount {
		return nil, tooLong
	}
	return []byte(short), nil
}

// canonicalText writes a text without the escapes that only HTML needs.
func canonicalText(text string) []byte {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(text) // a string is always JSON
	return bytes.TrimSuffix(out.Bytes(), []byte("\n"))
}
