package tokenomics

import (
	"fmt"
	"math/big"
	"math/bits"
	"time"

	"github.com/fogcompute/fogcompute/fog/tokenomics/accrual"
)

// ClassYield has a record for each of the latest days: a mark that says how far rewards had come.
const ClassYield Class = "yield"

const (
	yieldDays = 30              // that the yield looks back
	yieldKept = 32              // marks: more than the days of the look
	year      = 365 * yieldUnit // of the yield
	yieldUnit = 24 * time.Hour
)

// yield is what stakers have earned, and for how much stake over how long.
type yield struct {
	At       time.Time    `json:"at,omitzero"`    // up to which Stake counts
	Stake    accrual.U128 `json:"stake"`          // the integral of all stake over time, in base units x microseconds
	Rewarded int64        `json:"rewarded"`       // base units rewarded to stakers, ever
	First    time.Time    `json:"first,omitzero"` // the first reward
	Day      int64        `json:"day"`            // of the latest mark, since 1970
}

// mark is a yield as it was before the first request of a day.
type mark struct {
	At       time.Time    `json:"at"`
	Staked   uint64       `json:"staked"` // base units, until At
	Stake    accrual.U128 `json:"stake"`
	Rewarded int64        `json:"rewarded"`
}

func (m *mark) describe(*Record) bool { return true }

// advance counts the stake up to now, and leaves a mark once a day. Errors: errMissing.
func (s *stakes) advance() error {
	y, staked := &s.rewards.Yield, s.rewards.Pot.Total
	y.Stake = y.at(s.e.now, staked)
	y.At = s.e.now
	day := s.e.now.Unix() / int64(yieldUnit/time.Second)
	if day == y.Day {
		return nil
	}
	m, err := row[mark](s, ClassYield, fmt.Sprintf("%02d", day%yieldKept))
	if err != nil {
		return err
	}
	*m = mark{At: y.At, Staked: staked, Stake: y.Stake, Rewarded: y.Rewarded}
	y.Day = day
	return nil
}

// at returns the integral up to a time, with what has been staked since y.At.
func (y *yield) at(now time.Time, staked uint64) accrual.U128 {
	passed := now.UnixMicro() - y.At.UnixMicro()
	if y.At.IsZero() || passed <= 0 {
		return y.Stake
	}
	hi, lo := bits.Mul64(staked, uint64(passed))
	lo, carry := bits.Add64(lo, y.Stake.Lo, 0)
	hi, _ = bits.Add64(hi, y.Stake.Hi, carry)
	return accrual.U128{Hi: hi, Lo: lo}
}

// rate returns what a token that was staked has earned lately, in millionths a year: what was rewarded over all stake, over the last 30
// days or since the first reward, begun with the first day in them on which anything happened. A shorter time than a day
// counts as a day with the stake of now. Without stake it is 0.
func (y *yield) rate(marks []mark, now time.Time, staked uint64) int64 {
	if y.First.IsZero() {
		return 0
	}
	from := now.Add(-yieldDays * yieldUnit)
	if y.First.After(from) {
		from = y.First
	}
	begin := mark{At: now, Staked: staked, Stake: y.at(now, staked), Rewarded: y.Rewarded}
	for _, m := range marks {
		if !m.At.Before(from.Truncate(yieldUnit)) && !m.At.After(begin.At) {
			begin = m
		}
	}
	stake := new(big.Int).Sub(bigU128(y.at(now, staked)), bigU128(begin.Stake))
	if gap := begin.At.Sub(from); gap > 0 { // nothing has changed in it
		stake.Add(stake, product(begin.Staked, gap))
	}
	if begin.At.Before(from) {
		from = begin.At
	}
	if short := yieldUnit - now.Sub(from); short > 0 {
		stake.Add(stake, product(staked, short))
	}
	if stake.Sign() <= 0 {
		return 0
	}
	earned := new(big.Int).Mul(big.NewInt(y.Rewarded-begin.Rewarded), big.NewInt(year.Microseconds()))
	earned.Mul(earned, big.NewInt(1_000_000))
	if earned.Quo(earned, stake); !earned.IsInt64() {
		return 0
	}
	return earned.Int64()
}

// product is a stake over a time, in base units x microseconds.
func product(staked uint64, d time.Duration) *big.Int {
	return new(big.Int).Mul(new(big.Int).SetUint64(staked), big.NewInt(d.Microseconds()))
}

// bigU128 returns a number of 128 bits as a big one.
func bigU128(u accrual.U128) *big.Int {
	n := new(big.Int).SetUint64(u.Hi)
	return n.Lsh(n, 64).Add(n, new(big.Int).SetUint64(u.Lo))
}
