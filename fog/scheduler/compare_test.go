package scheduler

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/big"
	"math/rand/v2"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func said(text string) *Result { return &Result{Stdout: []byte(text)} }

func TestCompare(t *testing.T) {
	byJSON, near := Comparator{By: ByJSON}, Comparator{By: ByTolerance, Tolerance: 1e-3}
	for _, c := range []struct {
		by   Comparator
		a, b string
		same bool
	}{
		{Comparator{}, `{"a":1}`, `{"a": 1}`, false},
		{byJSON, `{"a":1,"b":[true,null]}`, "{ \"b\" : [ true , null ] ,\n\"a\":1.0e0 }\n", true},
		{byJSON, `{"a":[1,2]}`, `{"a":[2,1]}`, false},
		{byJSON, `"\u00e9\ud83d\ude00\/"`, `"é😀/"`, true},
		{byJSON, `"\ud83d"`, `"\ud83e"`, false},
		{byJSON, `{"a":1,"a":2}`, `{"a":2}`, false},
		{byJSON, `{"a":1,"a":2}`, `{"a":1, "a":2}`, false},
		{byJSON, `"\ud83d"`, ` "\ud83d"`, false},
		{byJSON, `9007199254740993`, `9007199254740992`, false},
		{byJSON, `-0.0`, `0`, true},
		{byJSON, `1e9999999999`, `1e+9999999999`, false},
		{byJSON, `[1] x`, `[ 1] x`, false},
		{byJSON, `[1,]`, `[1]`, false},
		{byJSON, `[01]`, `[1]`, false},
		{byJSON, `{"a":1`, `{"a": 1`, false},
		{byJSON, "\"\xff\"", "\"\xfe\"", false},
		{byJSON, strings.Repeat("[", 1000) + strings.Repeat("]", 1000), strings.Repeat("[", 1000) + strings.Repeat("]", 1000) + " ", false},
		{near, "energy = -1.5000, steps 10", "energy = -1.5001, steps 10", true},
		{near, "energy = -1.5", "energy = -1.6", false},
		{near, "1000000", "1000900", true},
		{near, "0.0000", "1e-4", true},
		{near, "1.5 ", "1.5", false},
		{near, "x1000", "x1000.1", false},
		{near, "2026-12-01", "2026-12-02", false},
		{near, "v1_000.0", "v1_000.1", false},
		{near, "0x10p1", "0x10p1 ", false},
		{near, "Inf", "NaN", false},
		{near, "1e999", "2e999", false},
	} {
		require.Equal(t, c.same, c.by.Equal(said(c.a), said(c.b)), "%s %q %q", c.by, c.a, c.b)
		require.Equal(t, c.same, c.by.Equal(said(c.b), said(c.a)), "%s %q %q", c.by, c.b, c.a)
	}
	for _, by := range []Comparator{{}, byJSON, near} {
		other := said("1")
		other.ExitCode = 1
		require.False(t, by.Equal(said("1"), other), "exit codes")
		other = said("1")
		other.Outputs = []Output{{Path: "x", SHA256: "y"}}
		require.False(t, by.Equal(said("1"), other), "files")
	}
}

// writer writes a value as JSON in one of many ways.
type writer struct {
	r *rand.Rand
	b strings.Builder
}

func (w *writer) space() { w.b.WriteString([]string{"", "", " ", "\n\t"}[w.r.IntN(4)]) }

func (w *writer) text(s string) {
	w.b.WriteByte('"')
	for _, r := range s {
		if w.r.IntN(3) == 0 || r < ' ' || r == '"' || r == '\\' {
			if r > 0xffff {
				r -= 0x10000
				fmt.Fprintf(&w.b, `\u%04X\u%04x`, 0xd800+r>>10, 0xdc00+r&0x3ff)
				continue
			}
			fmt.Fprintf(&w.b, `\u%04x`, r)
			continue
		}
		w.b.WriteRune(r)
	}
	w.b.WriteByte('"')
}

func (w *writer) number(n int64) {
	switch w.r.IntN(4) {
	case 0:
		fmt.Fprintf(&w.b, "%d", n)
	case 1:
		fmt.Fprintf(&w.b, "%d.%s", n, strings.Repeat("0", 1+w.r.IntN(3)))
	case 2:
		fmt.Fprintf(&w.b, "%d.0e+%d", n, 0)
	default:
		zeros := "00"
		if n == 0 { // no number begins with several zeros
			zeros = ""
		}
		fmt.Fprintf(&w.b, "%d%sE-02", n, zeros)
	}
}

func (w *writer) value(v any) {
	w.space()
	switch v := v.(type) {
	case int64:
		w.number(v)
	case string:
		w.text(v)
	case []any:
		w.b.WriteByte('[')
		for i, x := range v {
			if i > 0 {
				w.b.WriteByte(',')
			}
			w.value(x)
		}
		w.b.WriteByte(']')
	case map[string]any:
		w.b.WriteByte('{')
		first := true
		for k, x := range v { // in whatever order
			if !first {
				w.b.WriteByte(',')
			}
			first = false
			w.space()
			w.text(k)
			w.space()
			w.b.WriteByte(':')
			w.value(x)
		}
		w.b.WriteByte('}')
	default:
		text, _ := json.Marshal(v)
		w.b.Write(text)
	}
	w.space()
}

func anyValue(depth int) *rapid.Generator[any] {
	leaves := []*rapid.Generator[any]{
		rapid.Map(rapid.Int64(), func(n int64) any { return n }), rapid.Map(rapid.String(), func(s string) any { return s }),
		rapid.SampledFrom([]any{true, false, nil}),
	}
	if depth == 0 {
		return rapid.OneOf(leaves...)
	}
	inner := anyValue(depth - 1)
	return rapid.OneOf(append(leaves,
		rapid.Map(rapid.SliceOfN(inner, 0, 4), func(x []any) any { return x }),
		rapid.Map(rapid.MapOfN(rapid.String(), inner, 0, 4), func(x map[string]any) any { return x }))...)
}

// TestJSONSaysTheSame: however a value is written, it equals itself, and no other value.
func TestJSONSaysTheSame(t *testing.T) {
	by := Comparator{By: ByJSON}
	rapid.Check(t, func(t *rapid.T) {
		x, y := anyValue(3).Draw(t, "x"), anyValue(3).Draw(t, "y")
		write := func(v any) string {
			w := writer{r: rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))}
			w.value(v)
			return w.b.String()
		}
		first, second, other := write(x), write(x), write(y)
		require.True(t, json.Valid([]byte(first)), first)
		require.True(t, by.Equal(said(first), said(second)), "%q %q", first, second)
		plainX, _ := json.Marshal(x)
		plainY, _ := json.Marshal(y)
		require.Equal(t, bytes.Equal(plainX, plainY), by.Equal(said(first), said(other)), "%q %q", first, other)
	})
}

// FuzzCanonicalJSON: what has a canonical form is JSON that says the same as its form, and the form is its own.
func FuzzCanonicalJSON(f *testing.F) {
	for _, text := range []string{`{"b":[1,-2.50e+3,{"a":"\n\u0041"}],"a":null}`, `[1e5,0.1,00]`, `"\ud83d\ude00"`, `{"a":1,"a":1}`, "[\"\x7f\xc3\xa9\"]", `[1e999999999]`} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		form, ok := canonicalJSON(text)
		if !ok {
			return
		}
		require.True(t, json.Valid(text), "%q", text)
		require.True(t, utf8.Valid(form))
		again, ok := canonicalJSON(form)
		require.True(t, ok, "%q", form)
		require.Equal(t, string(form), string(again))
		if bytes.ContainsAny(text, "eE") {
			return // an exponent may stand for more digits than there is memory
		}
		require.Equal(t, decoded(t, text), decoded(t, form), "%q %q", text, form)
	})
}

// decoded is what a JSON text says, its numbers as fractions.
func decoded(t *testing.T, text []byte) any {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var v any
	require.NoError(t, d.Decode(&v))
	return exact(v)
}

func exact(v any) any {
	switch v := v.(type) {
	case json.Number:
		r, _ := new(big.Rat).SetString(v.String())
		return r.String()
	case []any:
		for i := range v {
			v[i] = exact(v[i])
		}
	case map[string]any:
		for k := range v {
			v[k] = exact(v[k])
		}
	}
	return v
}

// TestTolerance: numbers that are moved by less than the tolerance change nothing, and by more they do.
func TestTolerance(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		by := Comparator{By: ByTolerance, Tolerance: rapid.Float64Range(1e-6, 0.1).Draw(t, "tolerance")}
		require.NoError(t, by.Validate())
		var a, b, far strings.Builder
		moved := false
		for range rapid.IntRange(1, 6).Draw(t, "words") {
			word := rapid.StringMatching(`[a-z ,:=(]{1,4} `).Draw(t, "word")
			x := rapid.Float64Range(-1e6, 1e6).Draw(t, "x")
			step := by.Tolerance * max(1, max(x, -x))
			share := rapid.Float64Range(-0.9, 0.9).Draw(t, "share")
			out := x
			if rapid.Bool().Draw(t, "out") {
				out, moved = x+3*step, true
			}
			fmt.Fprintf(&a, " %s%v", word, x)
			fmt.Fprintf(&b, " %s%v", word, x+share*step)
			fmt.Fprintf(&far, " %s%v", word, out)
		}
		require.True(t, by.Equal(said(a.String()), said(b.String())), "%q %q", a.String(), b.String())
		require.True(t, by.Equal(said(b.String()), said(a.String())))
		require.Equal(t, !moved, by.Equal(said(a.String()), said(far.String())), "%q %q", a.String(), far.String())
		require.False(t, by.Equal(said(a.String()), said(a.String()+"x")))
	})
}

// TestAgreement: byte for byte most votes win, of several the result that had them first; and whatever the way of comparing, as many
// results as are counted equal the one that is agreed on, and no other has more.
func TestAgreement(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		texts := rapid.SliceOfN(rapid.SampledFrom([]string{"1", "1.0", "1.04", "1.08", "2", "x"}), 0, 11).Draw(t, "texts")
		results := make([]*Result, len(texts))
		for i, text := range texts {
			results[i] = said(text)
		}
		counts, most, first := map[string]int{}, 0, ""
		for _, text := range texts {
			if counts[text]++; counts[text] > most {
				most, first = counts[text], text
			}
		}
		votes, on := Comparator{}.agreement(results)
		require.Equal(t, most, votes)
		if on != nil {
			require.Equal(t, first, string(on.Stdout))
		}
		for _, by := range []Comparator{{}, {By: ByJSON}, {By: ByTolerance, Tolerance: 0.05}} {
			votes, on := by.agreement(results)
			require.Equal(t, len(results) == 0, on == nil)
			for _, pivot := range results {
				n := 0
				for _, r := range results {
					if by.Equal(pivot, r) {
						n++
					}
				}
				require.LessOrEqual(t, n, votes)
				require.True(t, pivot != on || n == votes)
			}
		}
	})
}
