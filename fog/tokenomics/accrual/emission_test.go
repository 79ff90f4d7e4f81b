package accrual_test

import (
	"encoding/json"
	"math"
	"math/big"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
	"github.com/fogcompute/fogcompute/fog/tokenomics/accrual"
)

var start = time.Date(2026, time.January, 1, 0, 0, 0, 0, time.UTC)

// drawEmission draws a schedule that Validate accepts.
func drawEmission(t *rapid.T) accrual.Emission {
	period := time.Microsecond * time.Duration(1+drawNumber(t, "period", int64(10*365*24*time.Hour/time.Microsecond)))
	return accrual.Emission{Start: start, Period: period, First: drawNumber(t, "first", accrual.Max), Cap: drawNumber(t, "cap", accrual.Max)}
}

// exactly is what a schedule emits in so many microseconds, by its definition in rational numbers.
func exactly(e accrual.Emission, micros int64) int64 {
	period, total := e.Period.Microseconds(), new(big.Rat)
	for amount := e.First; amount > 0 && micros > 0; amount /= 2 {
		part := new(big.Rat).SetFrac64(min(micros, period), period)
		total.Add(total, part.Mul(part, new(big.Rat).SetInt64(amount)))
		micros -= period
	}
	emitted, most := new(big.Int).Quo(total.Num(), total.Denom()), int64(accrual.Max)
	if e.Cap > 0 {
		most = e.Cap
	}
	if emitted.Cmp(big.NewInt(most)) > 0 {
		return most
	}
	return emitted.Int64()
}

// after is a time so many microseconds after the start; time.Duration ends after 292 years.
func after(micros int64) time.Time { return time.UnixMicro(start.UnixMicro() + micros) }

// Emitted is what the definition says, never falls, never passes the cap, and does not depend on who asks when: what was
// due from time to time adds up to the whole.
func TestEmissionLaws(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e := drawEmission(t)
		if err := e.Validate(); err != nil {
			t.Fatal(err)
		}
		at, paid, before := int64(0), int64(0), int64(0)
		for range rapid.IntRange(1, 30).Draw(t, "asked") {
			at = min(at+drawNumber(t, "later", 3*e.Period.Microseconds()), int64(1e17)) // up to about the year 5200
			emitted := e.Emitted(after(at))
			if want := exactly(e, at); emitted != want {
				t.Fatalf("%d emitted after %d µs instead of %d", emitted, at, want)
			}
			if emitted < before || emitted > e.Total() {
				t.Fatalf("%d after %d, of %d", emitted, before, e.Total())
			}
			due := e.Due(after(at), paid)
			paid, before = paid+due, emitted
		}
		if paid != before {
			t.Fatalf("%d paid of %d", paid, before)
		}
	})
}

func TestEmissionAtTheEndsOfPeriods(t *testing.T) {
	e := accrual.Emission{Start: start, Period: 4 * 365 * 24 * time.Hour, First: 400_000_000_000_003}
	sum, amount := int64(0), e.First
	for k := range int64(60) {
		require.Equal(t, sum, e.Emitted(after(k*e.Period.Microseconds())), "period %d", k)
		require.LessOrEqual(t, e.Emitted(after(k*e.Period.Microseconds()-1)), sum)
		sum, amount = sum+amount, amount/2
	}
	require.Equal(t, sum, e.Total())
	require.Equal(t, sum, e.Emitted(time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)))
	require.Less(t, sum, 2*e.First)

	e.Cap = 500_000_000_000_000
	require.EqualValues(t, 500_000_000_000_000, e.Emitted(after(100*e.Period.Microseconds())))
	require.EqualValues(t, 500_000_000_000_000, e.Total())
	require.Equal(t, e.First, e.Emitted(after(e.Period.Microseconds())))
}

func TestEmissionAtTheBounds(t *testing.T) {
	e := accrual.Emission{Start: start, Period: math.MaxInt64 / 2000 * 2000, First: accrual.Max}
	require.NoError(t, e.Validate())
	require.EqualValues(t, accrual.Max/2, e.Emitted(start.Add(e.Period/2)), "no product overflows")
	require.EqualValues(t, accrual.Max, e.Total(), "First and its halves would be beyond Max")
	long := accrual.Emission{Start: start, Period: e.Period, First: 800}
	require.EqualValues(t, 1300, long.Emitted(after(5*e.Period.Microseconds()/2)), "beyond what a time.Duration holds")
	require.Zero(t, e.Emitted(start))
	require.Zero(t, e.Emitted(start.Add(-time.Hour)))
	require.Zero(t, e.Emitted(time.Time{}))
	fast := accrual.Emission{Period: time.Microsecond, First: 7}
	require.EqualValues(t, 11, fast.Emitted(start), "from the year 1 on")
	require.EqualValues(t, 11, fast.Emitted(time.Unix(math.MaxInt64/4, 0)), "beyond the year 9999")
	require.EqualValues(t, 11, fast.Emitted(time.Unix(9_300_000_000_000, 0)), "beyond an int64 of microseconds")
	require.Zero(t, fast.Emitted(time.Time{}.Add(time.Nanosecond)))
	require.Zero(t, accrual.Emission{}.Emitted(start))
	require.Zero(t, accrual.Emission{}.Total())
	require.EqualValues(t, 5, e.Due(start.Add(e.Period/2), accrual.Max/2-5))
	require.Zero(t, e.Due(start.Add(e.Period/2), accrual.Max), "nothing is taken back")
}

func TestEmissionRefuses(t *testing.T) {
	good := accrual.Emission{Start: start, Period: time.Hour, First: 100}
	require.NoError(t, good.Validate())
	require.NoError(t, accrual.Emission{}.Validate())
	for field, spoil := range map[string][]func(*accrual.Emission){
		"first": {func(e *accrual.Emission) { e.First = -1 }, func(e *accrual.Emission) { e.First = accrual.Max + 1 }},
		"cap":   {func(e *accrual.Emission) { e.Cap = -1 }, func(e *accrual.Emission) { e.Cap = accrual.Max + 1 }},
		"period": {
			func(e *accrual.Emission) { e.Period = 0 }, func(e *accrual.Emission) { e.Period = -time.Hour },
			func(e *accrual.Emission) { e.Period = 1500 },
		},
		"start": {
			func(e *accrual.Emission) { e.Start = time.Date(0, 1, 1, 0, 0, 0, 0, time.UTC) },
			func(e *accrual.Emission) { e.Start = time.Date(10_000, 1, 1, 0, 0, 0, 0, time.UTC) },
		},
	} {
		for _, f := range spoil {
			e := good
			f(&e)
			err := e.Validate()
			require.ErrorIs(t, err, &fault.Error{Kind: fault.Invalid})
			require.Equal(t, field, fault.FieldOf(err))
			require.Zero(t, e.Emitted(start.Add(24*time.Hour)))
			require.Zero(t, e.Total())
		}
	}
}

func TestEmissionJSON(t *testing.T) {
	e := accrual.Emission{Start: start, Period: 4 * 365 * 24 * time.Hour, First: 100, Cap: 150}
	text, err := json.Marshal(e)
	require.NoError(t, err)
	require.Equal(t, `{"start":"2026-01-01T00:00:00Z","period":"126144000000000000","first":100,"cap":150}`, string(text))
	var read accrual.Emission
	require.NoError(t, json.Unmarshal(text, &read))
	require.Equal(t, e, read)
}

// FuzzEmission gives hostile numbers to a schedule: it never falls and never passes its total.
func FuzzEmission(f *testing.F) {
	f.Add(int64(0), int64(time.Hour), int64(100), int64(0), int64(1), int64(2))
	f.Add(int64(-62135596800), int64(1000), int64(accrual.Max), int64(accrual.Max), int64(1<<62), int64(math.MaxInt64))
	f.Fuzz(func(t *testing.T, from, period, first, limit, a, b int64) {
		e := accrual.Emission{Start: time.Unix(from, 0), Period: time.Duration(period), First: first, Cap: limit}
		early, late := time.Unix(min(a, b), 0), time.Unix(max(a, b), 0)
		if late.Before(early) {
			return // beyond what time.Time can hold
		}
		x, y := e.Emitted(early), e.Emitted(late)
		if x < 0 || x > y || y > e.Total() {
			t.Fatalf("%d, then %d of %d", x, y, e.Total())
		}
	})
}
