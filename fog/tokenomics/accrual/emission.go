package accrual

import (
	"time"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
)

// Emission is a schedule by which tokens are emitted: First base units in the first period, evenly over its time, half of it in the
// second, and so on, each time rounded down, until a period has none. Times count in whole microseconds. The zero value
// emits nothing.
//
// To change a schedule that has begun, keep what it has emitted up to now, and begin another one now: its totals come on top.
type Emission struct {
	// Start is when the first period begins.
	Start time.Time `json:"start"`
	// Period is how long each period lasts: whole microseconds, 1 or more. In JSON it is a text of nanoseconds.
	Period time.Duration `json:"period,string"`
	// First is what the first period emits, 0 to Max.
	First int64 `json:"first"`
	// Cap is the most that is ever emitted, 0 to Max; 0 leaves it to the halving, which ends below twice First.
	Cap int64 `json:"cap"`
}

// last is the end of the time that schedules are made for.
var last = time.Date(9999, time.December, 31, 0, 0, 0, 0, time.UTC)

// Validate reports what is wrong with a schedule, as Invalid with the field.
func (e Emission) Validate() error {
	const op = "accrual.emission"
	switch {
	case e.First < 0 || e.First > Max:
		return fault.Field(op, "first", "%d is not between 0 and %d", e.First, int64(Max))
	case e.Cap < 0 || e.Cap > Max:
		return fault.Field(op, "cap", "%d is not between 0 and %d", e.Cap, int64(Max))
	case e.First == 0:
		return nil
	case e.Period < time.Microsecond || e.Period%time.Microsecond != 0:
		return fault.Field(op, "period", "%s is not a positive number of whole microseconds", e.Period)
	case e.Start.Year() < 1 || e.Start.After(last):
		return fault.Field(op, "start", "is not in the years 1 to 9999")
	}
	return nil
}

// limit is the most that is ever emitted.
func (e Emission) limit() int64 {
	if e.Cap == 0 {
		return Max
	}
	return e.Cap
}

// Emitted returns all that is emitted up to t: 0 before Start, never less for a later t, exactly the sum of the periods at
// the end of each, and exact inside a period but for the fraction of a base unit that it is short of. A schedule that Validate refuses
// emits nothing.
//
// Inside period k it is a product in 128 bits, (First >> k) * elapsed / Period, and not a rate times a duration. A rate that was
// rounded once would be wrong by up to one unit for each unit of time (Synthetix loses that much with each period).
func (e Emission) Emitted(t time.Time) int64 {
	if e.First == 0 || !t.After(e.Start) || e.Validate() != nil {
		return 0
	}
	if t.After(last) {
		t = last
	}
	elapsed, period := t.UnixMicro()-e.Start.UnixMicro(), e.Period.Microseconds()
	total, amount := int64(0), e.First
	for ; elapsed >= period && amount > 0 && total < e.limit(); amount >>= 1 { // at most 50 times, as First < 2^50
		total, elapsed = total+amount, elapsed-period
	}
	part, _ := share(amount, min(elapsed, period), period)
	return min(total+part, e.limit())
}

// Due returns what is due at t when emitted has been paid out before: never negative.
func (e Emission) Due(t time.Time, emitted int64) int64 { return max(e.Emitted(t)-emitted, 0) }

// Total returns all that the schedule will ever have emitted.
func (e Emission) Total() int64 {
	if e.Validate() != nil {
		return 0
	}
	total := int64(0)
	for amount := e.First; amount > 0; amount >>= 1 {
		total += amount
	}
	return min(total, e.limit())
}
