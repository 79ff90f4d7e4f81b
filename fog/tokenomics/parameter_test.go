package tokenomics_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
	"github.com/fogcompute/fogcompute/fog/tokenomics"
)

// lamp is an engine's parameters, for the tests.
type lamp struct {
	Watts  int64
	Fade   time.Duration
	Colour string
}

func (l lamp) Validate() error {
	switch {
	case l.Watts > 100:
		return fault.Field("lamp", "Watts", "%d is more than 100", l.Watts)
	case l.Watts > 50 && l.Fade > time.Minute:
		return errors.New("too bright for so long")
	}
	return nil
}

func lampKnobs() tokenomics.Knobs[lamp] {
	return tokenomics.Knobs[lamp]{
		tokenomics.NewKnob("lamp.watts", "watts", "How bright.", int64(5), func(l *lamp, v int64) { l.Watts = v }),
		tokenomics.NewKnob("lamp.fade", "duration", "How long.", tokenomics.Span(time.Second), func(l *lamp, v tokenomics.Span) { l.Fade = time.Duration(v) }),
		tokenomics.NewKnob("lamp.colour", "", "What it looks like.", "white", func(l *lamp, v string) { l.Colour = v }),
	}
}

func lamps(t *testing.T) *tokenomics.Registry {
	t.Helper()
	r, err := tokenomics.NewRegistry(lampKnobs().Set(nil))
	require.NoError(t, err)
	return r
}

// snapshot makes one of pairs of keys and values.
func snapshot(t *testing.T, version int64, pairs ...string) tokenomics.Snapshot {
	t.Helper()
	values := map[string]json.RawMessage{}
	for i := 0; i < len(pairs); i += 2 {
		values[pairs[i]] = json.RawMessage(pairs[i+1])
	}
	s, err := tokenomics.NewSnapshot(version, values)
	require.NoError(t, err)
	return s
}

func TestRegistryRefusesWhatCannotBeDeclared(t *testing.T) {
	knob := func(key string) tokenomics.Set {
		return tokenomics.Set{Parameters: []tokenomics.Parameter{{Key: key, Default: json.RawMessage("1")}}}
	}
	for _, key := range []string{"", "lamp", "lamp.", ".watts", "lamp..watts", "Lamp.watts", "lamp.wätts", "lamp watts.x", "a." + strings.Repeat("b", 99)} {
		_, err := tokenomics.NewRegistry(knob(key))
		require.Equal(t, fault.Invalid, fault.KindOf(err), key)
	}
	_, err := tokenomics.NewRegistry(knob("lamp.watts"), knob("lamp.watts"))
	require.ErrorContains(t, err, `"lamp.watts" is declared twice`)
	bad := lampKnobs()
	bad[0] = tokenomics.NewKnob("lamp.watts", "", "", int64(101), func(l *lamp, v int64) { l.Watts = v })
	_, err = tokenomics.NewRegistry(bad.Set(nil))
	require.ErrorContains(t, err, "lamp.watts: default: Watts: 101 is more than 100")
	_, err = tokenomics.NewRegistry(tokenomics.Set{Parameters: []tokenomics.Parameter{{Key: "a.b"}}})
	require.ErrorContains(t, err, "a.b: default")

	var none *tokenomics.Registry
	require.Empty(t, none.Parameters())
	require.NoError(t, none.Validate(tokenomics.Snapshot{}))
	require.Error(t, none.Validate(snapshot(t, 1, "lamp.watts", "1")))
}

func TestRegistryValidates(t *testing.T) {
	r := lamps(t)
	var keys []string
	for _, p := range r.Parameters() {
		keys = append(keys, p.Key+"="+string(p.Default))
	}
	require.Equal(t, []string{`lamp.colour="white"`, `lamp.fade="1s"`, `lamp.watts=5`}, keys)
	require.NoError(t, r.Validate(snapshot(t, 1, "lamp.watts", "100", "lamp.fade", `"1m"`)))
	for _, c := range []struct{ key, value, part string }{
		{"lamp.watts", "101", "Watts: 101 is more than 100"},
		{"lamp.watts", "1.5", "not of the right type"},
		{"lamp.watts", `"5"`, "not of the right type"},
		{"lamp.watts", "1e30", "not of the right type"},
		{"lamp.fade", "5", "not of the right type"},
		{"lamp.fade", `"soon"`, "not a duration"},
		{"lamp.colour", `[]`, "not of the right type"},
		{"lamp.sound", "1", "no engine of this house"},
	} {
		err := r.Validate(snapshot(t, 1, c.key, c.value))
		require.Equal(t, fault.Invalid, fault.KindOf(err), "%v", c)
		require.Equal(t, c.key, fault.FieldOf(err))
		require.Contains(t, fault.Detail(err), c.part)
	}
	err := r.Validate(snapshot(t, 1, "lamp.watts", "60", "lamp.fade", `"2m"`))
	require.ErrorContains(t, err, "too bright for so long")
}

// What is refused keeps its last good value; what is good beside it takes effect.
func TestAcceptKeepsTheLastGoodValues(t *testing.T) {
	r := lamps(t)
	last := snapshot(t, 1, "lamp.watts", "40", "lamp.colour", `"red"`)
	next := snapshot(t, 2, "lamp.watts", "1000", "lamp.fade", `"3m"`, "radio.station", "5")
	good, refused := r.Accept(last, next)
	require.Equal(t, snapshot(t, 2, "lamp.watts", "40", "lamp.fade", `"3m"`), good, "colour was given back to its default")
	require.Len(t, refused, 2)
	require.ErrorContains(t, refused[0], "lamp.watts: 1000 is refused: Watts")
	require.ErrorContains(t, refused[1], "radio.station: 5 is refused: no engine")

	again, refused := r.Accept(good, snapshot(t, 3, "lamp.watts", "60", "lamp.fade", `"3m"`, "lamp.colour", `"blue"`))
	require.Equal(t, snapshot(t, 3, "lamp.watts", "40", "lamp.fade", `"3m"`), again, "all of an engine's stay")
	require.Len(t, refused, 1)
	require.ErrorContains(t, refused[0], "too bright for so long")
}

// Whatever is accepted in whatever order, what is published can always work.
func TestAcceptedSnapshotsWork(t *testing.T) {
	r := lamps(t)
	rapid.Check(t, func(rt *rapid.T) {
		var current tokenomics.Snapshot
		for version := range int64(rapid.IntRange(1, 10).Draw(rt, "versions")) {
			values := map[string]json.RawMessage{}
			for key, gen := range map[string]*rapid.Generator[string]{
				"lamp.watts": rapid.SampledFrom([]string{"", "1", "60", "101", "true"}),
				"lamp.fade":  rapid.SampledFrom([]string{"", `"1s"`, `"2m"`, `"x"`}),
				"lamp.sound": rapid.SampledFrom([]string{"", "1"}),
			} {
				if v := gen.Draw(rt, key); v != "" {
					values[key] = json.RawMessage(v)
				}
			}
			next, err := tokenomics.NewSnapshot(version+1, values)
			require.NoError(rt, err)
			accepted, refused := r.Accept(current, next)
			require.NoError(rt, r.Validate(accepted))
			require.Equal(rt, version+1, accepted.Version())
			if r.Validate(next) == nil {
				require.Equal(rt, next, accepted)
				require.Empty(rt, refused)
			} else {
				require.NotEmpty(rt, refused)
			}
			current = accepted
		}
	})
}

func TestSnapshotNeverChanges(t *testing.T) {
	values := map[string]json.RawMessage{"b.b": json.RawMessage(" 1.50 "), "a.a": json.RawMessage(`"x"`)}
	s, err := tokenomics.NewSnapshot(7, values)
	require.NoError(t, err)
	values["b.b"], values["c.c"] = json.RawMessage("2"), json.RawMessage("3")
	value, ok := s.Value("b.b")
	require.True(t, ok)
	require.Equal(t, "1.5", string(value))
	value[0] = '9'
	for key, value := range s.Values() {
		value[0] = 'x'
		_ = key
	}
	text, err := json.Marshal(s)
	require.NoError(t, err)
	require.JSONEq(t, `{"version":7,"values":{"a.a":"x","b.b":1.5}}`, string(text))
	require.Equal(t, `{"version":7,"values":{"a.a":"x","b.b":1.5}}`, string(text), "in order")

	next, err := s.With(8, map[string]json.RawMessage{"a.a": json.RawMessage("null"), "d.d": json.RawMessage("{}")})
	require.NoError(t, err)
	_, ok = next.Value("a.a")
	require.False(t, ok, "back to its default")
	_, ok = s.Value("a.a")
	require.True(t, ok, "the one before stays")
	_, err = s.With(9, map[string]json.RawMessage{"a.a": json.RawMessage("{")})
	require.Equal(t, "a.a", fault.FieldOf(err))
	text, err = json.Marshal(tokenomics.Snapshot{})
	require.NoError(t, err)
	require.Equal(t, `{"version":0,"values":{}}`, string(text))

	n, ok := tokenomics.Get[float64](s, "b.b")
	require.True(t, ok)
	require.InDelta(t, 1.5, n, 0)
	_, ok = tokenomics.Get[int64](s, "b.b")
	require.False(t, ok, "of another type")
	_, ok = tokenomics.Get[int64](s, "z.z")
	require.False(t, ok)
}

func TestOverlayLeavesTheRest(t *testing.T) {
	l := lamp{Watts: 1, Fade: 2, Colour: "red"}
	lampKnobs().Overlay(snapshot(t, 1, "lamp.fade", `"0s"`, "lamp.watts", `"no number"`))(&l)
	require.Equal(t, lamp{Watts: 1, Fade: 0, Colour: "red"}, l)
}

func TestPriceKnobsReachEveryField(t *testing.T) {
	values := map[string]json.RawMessage{}
	for i, p := range lookup(t) {
		values[p.Key] = json.RawMessage(fmt.Sprint(1000 + i))
		if p.Unit == "duration" {
			values[p.Key] = json.RawMessage(`"1h"`)
		}
		require.NotEmpty(t, p.Doc, p.Key)
	}
	s, err := tokenomics.NewSnapshot(1, values)
	require.NoError(t, err)
	var p tokenomics.Prices
	tokenomics.PriceKnobs().Overlay(s)(&p)
	require.Equal(t, time.Hour, p.Smoothing)
	seen := map[int64]bool{}
	for _, v := range []int64{
		int64(p.CPUSecond / tokenomics.FOG), int64(p.GPUSecond / tokenomics.FOG), int64(p.MemoryGBSecond / tokenomics.FOG), int64(p.TransferGB / tokenomics.FOG),
		int64(p.Minimum / tokenomics.FOG), p.MemoryFreeMB, p.Tiers.Platinum, p.Tiers.Gold, p.Tiers.Silver, p.Tiers.Bronze,
		p.Balance, p.Elasticity, p.Least, p.Most,
	} {
		require.GreaterOrEqual(t, v, int64(1000))
		require.False(t, seen[v], "each has a place of its own")
		seen[v] = true
	}
	require.Len(t, values, len(seen)+1)
}

func lookup(t *testing.T) []tokenomics.Parameter {
	t.Helper()
	r, err := tokenomics.NewRegistry(tokenomics.PriceKnobs().Set(nil))
	require.NoError(t, err)
	return r.Parameters()
}

func TestCanonical(t *testing.T) {
	for in, want := range map[string]string{
		` { "b" : [ 1.50 , 1e2 , -0.0 ] , "a" : "<\u00e9\n\/>" } `: `{"a":"<é\n/>","b":[1.5,100,0]}`,
		"12e-3": "0.012", "-1.20E+1": "-12", "100000000000000000001": "100000000000000000001", "0.10": "0.1", "123.456e1": "1234.56",
		"true": "true", " null": "null", "[]": "[]", "{}": "{}", `{"a":{}}`: `{"a":{}}`, `""`: `""`,
	} {
		got, err := tokenomics.Canonical(json.RawMessage(in))
		require.NoError(t, err, in)
		require.Equal(t, want, string(got), in)
	}
	for _, bad := range []string{
		"", " ", "{", "[1", "[1,]", `{"a"}`, `{"a":1`, "1 2", "nul", "01", "+1", "NaN", `{"a":1,"a":1}`, `{"a":1,"\u0061":2}`, "1e31", "\"\xff\"",
		strings.Repeat("[", 9) + strings.Repeat("]", 9), `"` + strings.Repeat("a", 4096) + `"`, strings.Repeat("1", 65), strings.Repeat("1", 40) + "e30",
	} {
		_, err := tokenomics.Canonical(json.RawMessage(bad))
		require.Equal(t, fault.Invalid, fault.KindOf(err), bad)
	}
}

func FuzzCanonical(f *testing.F) {
	for _, seed := range []string{`{"b":[1.5,1e2],"a":"x"}`, "-0.000e5", `"\ud800"`, "[[[]]]", `{"":null}`, "1e-30"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		once, err := tokenomics.Canonical(in)
		if err != nil {
			require.Equal(t, fault.Invalid, fault.KindOf(err))
			return
		}
		require.True(t, json.Valid(in), "%q", in)
		require.True(t, json.Valid(once), "%q", once)
		twice, err := tokenomics.Canonical(once)
		require.NoError(t, err, "%q", once)
		require.Equal(t, string(once), string(twice))
		if n, ok := new(big.Rat).SetString(strings.TrimSpace(string(in))); ok && json.Valid(in) {
			m, ok := new(big.Rat).SetString(string(once))
			require.True(t, ok)
			require.Zero(t, n.Cmp(m), "%q is not %q", once, in)
		}
	})
}

func ExampleRegistry() {
	registry, err := tokenomics.NewRegistry(lampKnobs().Set(nil))
	if err != nil {
		panic(err)
	}
	now, _ := tokenomics.NewSnapshot(3, map[string]json.RawMessage{"lamp.watts": json.RawMessage("40")})
	next, _ := now.With(4, map[string]json.RawMessage{"lamp.watts": json.RawMessage("400")})
	fmt.Println(registry.Validate(next))
	var l lamp
	lampKnobs().Overlay(now)(&l)
	fmt.Println(l.Watts)
	// Output:
	// tokenomics.parameters: lamp.watts: Watts: 400 is more than 100
	// 40
}
