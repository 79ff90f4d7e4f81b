package tokenomics

import (
	"time"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
	"github.com/fogcompute/fogcompute/fog/tokenomics/accrual"
)

// Accounts that the ledger itself pays into. Their compartments of KindAvailable are those of ordinary accounts.
const (
	// Rewards is the account whose compartment of KindReward holds what stakers have earned and what is left for compute.
	Rewards Account = "rewards"
	// Treasury gets the part of fees that stakers do not get.
	Treasury Account = "treasury"
	// Insurance gets the part of slashes that is neither compensation nor burned.
	Insurance Account = "insurance"
)

// whole is a whole in basis points.
const whole = 10_000

// Economics are the parameters of staking, rewards and slashes. The zero value works: stakes, no fees, no emission.
//
// They are parameters of governance, EconomicsKnobs: what was voted for goes before Config.Economics, from the movement on that has
// executed it. What had begun before is held to the parameters of its beginning, as each field says; the ledger remembers those of
// before the last 32 such changes. Another value of Config.Economics has no past: it also holds for what has begun since the last vote.
type Economics struct {
	// Unbonding is how long stake that leaves a pool stays slashable before it is paid back. 0: 7 days. What is leaving, or has
	// changed its operator, matures when it was told that it would; a fault can be pursued for as long as it could when it happened.
	Unbonding time.Duration `json:"unbonding,string"`
	// MinStake is the least that one request may stake. 0: one base unit. Less that is staked already stays.
	MinStake Amount `json:"minStake"`

	// Fee is the part of each share of a capture, in basis points, that its receiver does not get; rounded down. 0: none. It is that
	// of the moment at which the hold was placed, here and in FeeToStakers and ComputeReward.
	Fee int `json:"fee"`
	// FeeToStakers is the part of fees, in basis points, that is rewarded to stakers; the treasury gets the rest. 0: none.
	FeeToStakers int `json:"feeToStakers"`

	// Emission is the schedule by which tokens are minted in the default tenant. The zero value mints nothing. Another schedule takes
	// over at its Start, and at once if that is past; until then the one before goes on. What it would have emitted by then is
	// not minted. Its Cap is its own.
	Emission accrual.Emission `json:"emission"`
	// EmissionEvery is how often the ledger mints what is due when nobody stakes, unstakes or claims. 0: one hour.
	EmissionEvery time.Duration `json:"emissionEvery,string"`
	// EmissionToStakers is the part of the emission, in basis points, that is rewarded to stakers; the rest is the budget for
	// compute. 0: none. What is due is divided, at the latest, when it changes.
	EmissionToStakers int `json:"emissionToStakers"`
	// ComputeReward is what receivers of a capture get in addition, out of the budget for compute, in basis points of what they are
	// paid. A payer gets none for paying itself. 0: none.
	ComputeReward int `json:"computeReward"`

	// AppealWindow is how long an operator may appeal against a slash, and then how long the house may decide. 0: one day. It is that
	// of the moment at which the slash was opened.
	AppealWindow time.Duration `json:"appealWindow,string"`
	// SlashCap is the most that a pool loses in one SlashWindow, in basis points over all slashes. 0: 10,000, no cap. It is that of the
	// moment at which the fault happened, here and in what follows.
	SlashCap int `json:"slashCap"`
	// BadResult is what a pool loses for a result that was proven wrong, in basis points, where the evidence does not say; SLA what it
	// loses for a promise of service that was broken. 0: such evidence is refused. They are those of the moment of the fault.
	BadResult int `json:"badResult"`
	SLA       int `json:"sla"`
	// SlashWindow begins with a slash. 0: one day.
	SlashWindow time.Duration `json:"slashWindow,string"`
	// Compensation is the most that a harmed payer gets of one slash. 0: no limit but the loss that the evidence names.
	Compensation Amount `json:"compensation"`
	// InsurancePart is the part of a slash, in basis points of what the harmed payer does not get and rounded up, that goes to the
	// insurance account; the rest is burned. 0: everything is burned.
	InsurancePart int `json:"insurancePart"`
}

// maxPeriod bounds the durations of Economics.
const maxPeriod = 10 * 365 * 24 * time.Hour

// Validate names the first field that cannot work and its limit.
func (c Economics) Validate() error {
	const op = "tokenomics.economics"
	for _, period := range []struct {
		field string
		value time.Duration
	}{
		{"unbonding", c.Unbonding}, {"emissionEvery", c.EmissionEvery}, {"appealWindow", c.AppealWindow}, {"slashWindow", c.SlashWindow},
	} {
		if period.value < 0 || period.value > maxPeriod || period.value%time.Microsecond != 0 {
			return fault.Field(op, period.field, "must be at most %s, in whole microseconds, or 0 for the default", maxPeriod)
		}
	}
	for _, part := range []struct {
		field string
		value int
	}{
		{"fee", c.Fee}, {"feeToStakers", c.FeeToStakers}, {"emissionToStakers", c.EmissionToStakers},
		{"computeReward", c.ComputeReward}, {"slashCap", c.SlashCap}, {"insurancePart", c.InsurancePart},
		{"badResult", c.BadResult}, {"sla", c.SLA},
	} {
		if part.value < 0 || part.value > whole {
			return fault.Field(op, part.field, "must be from 0 to %d basis points", whole)
		}
	}
	return first(
		checkAmount(op, "minStake", c.MinStake, 0),
		checkAmount(op, "compensation", c.Compensation, 0),
		c.Emission.Validate())
}

// filled returns the parameters with every default in its place.
func (c Economics) filled() Economics {
	c.Unbonding = orDefault(c.Unbonding, 7*24*time.Hour)
	c.EmissionEvery = orDefault(c.EmissionEvery, time.Hour)
	c.AppealWindow = orDefault(c.AppealWindow, 24*time.Hour)
	c.SlashWindow = orDefault(c.SlashWindow, 24*time.Hour)
	c.MinStake = max(c.MinStake, 1)
	if c.Emission.Start = micros(c.Emission.Start); c.Emission.First == 0 {
		c.Emission = accrual.Emission{}
	}
	if c.SlashCap == 0 {
		c.SlashCap = whole
	}
	if c.Compensation == 0 {
		c.Compensation = MaxSupply
	}
	return c
}

// part returns so many basis points of an amount that is not negative, rounded down.
func part(amount Amount, points int) Amount {
	quotient, _, _ := accrual.MulDiv(uint64(amount), uint64(points), whole)
	return Amount(quotient)
}

// partUp is part, rounded up.
func partUp(amount Amount, points int) Amount {
	quotient, rest, _ := accrual.MulDiv(uint64(amount), uint64(points), whole)
	return Amount(quotient + min(rest, 1))
}

// economicsPrefix begins the keys of EconomicsKnobs.
const economicsPrefix = "economics."

// Schedule is an emission schedule as a parameter: {"start":"2027-01-01T00:00:00Z","period":"8760h","first":"1000000","cap":"0"}. What is
// left out is zero.
type Schedule struct {
	Start  time.Time `json:"start"`
	Period Span      `json:"period"`
	First  Amount    `json:"first"` // FOG in the first period; 0: nothing is emitted
	Cap    Amount    `json:"cap"`   // FOG in all; 0: no limit but the halving
}

// EconomicsKnobs are the parameters of Economics. What 0 does is what Economics documents.
func EconomicsKnobs() Knobs[Economics] {
	const fog, duration, points = "FOG", "duration", "basis points"
	span := func(name, doc string, field func(*Economics) *time.Duration) Knob[Economics] {
		return NewKnob(economicsPrefix+name, duration, doc, Span(0), func(e *Economics, v Span) { *field(e) = time.Duration(v) })
	}
	part := func(name, doc string, field func(*Economics) *int) Knob[Economics] {
		return NewKnob(economicsPrefix+name, points, doc, 0, func(e *Economics, v int) { *field(e) = v })
	}
	amount := func(name, doc string, field func(*Economics) *Amount) Knob[Economics] {
		return NewKnob(economicsPrefix+name, fog, doc, Amount(0), func(e *Economics, v Amount) { *field(e) = v })
	}
	return Knobs[Economics]{
		span("unbonding", "How long stake that leaves stays slashable, and how long a fault can be pursued; 0s: 168h.", func(e *Economics) *time.Duration { return &e.Unbonding }),
		amount("min_stake", "Least that one request may stake; 0: 0.000001.", func(e *Economics) *Amount { return &e.MinStake }),
		part("fee", "Part of what a capture pays that its receiver does not get; 0: none.", func(e *Economics) *int { return &e.Fee }),
		part("fee_to_stakers", "Part of fees that is rewarded to stakers, the treasury gets the rest; 0: none.", func(e *Economics) *int { return &e.FeeToStakers }),
		NewKnob(economicsPrefix+"emission", "schedule", "When how much is minted; first of 0: nothing.", Schedule{}, func(e *Economics, v Schedule) {
			e.Emission = accrual.Emission{Start: v.Start, Period: time.Duration(v.Period), First: int64(v.First), Cap: int64(v.Cap)}
		}),
		span("emission_every", "How often what is due is minted when nobody stakes or claims; 0s: 1h.", func(e *Economics) *time.Duration { return &e.EmissionEvery }),
		part("emission_to_stakers", "Part of the emission that is rewarded to stakers, the rest is the budget for compute; 0: none.", func(e *Economics) *int { return &e.EmissionToStakers }),
		part("compute_reward", "What receivers of a capture get in addition, of what they are paid, out of the budget for compute; 0: none.", func(e *Economics) *int { return &e.ComputeReward }),
		span("appeal_window", "How long an operator may appeal against a slash, and then how long the house may decide; 0s: 24h.", func(e *Economics) *time.Duration { return &e.AppealWindow }),
		part("bad_result", "What a pool loses when a result of its operator is proven wrong; 0: nothing.", func(e *Economics) *int { return &e.BadResult }),
		part("sla", "What a pool loses when its operator drops a job that then misses its deadline; 0: nothing.", func(e *Economics) *int { return &e.SLA }),
		part("slash_cap", "Most that a pool loses in one slash window; 0: 10000, no cap.", func(e *Economics) *int { return &e.SlashCap }),
		span("slash_window", "How long a window lasts that begins with a slash; 0s: 24h.", func(e *Economics) *time.Duration { return &e.SlashWindow }),
		amount("compensation", "Most that a harmed payer gets of one slash; 0: no limit but the loss.", func(e *Economics) *Amount { return &e.Compensation }),
		part("insurance_part", "Part of the rest of a slash that goes to the insurance account, what is left is burned; 0: none.", func(e *Economics) *int { return &e.InsurancePart }),
	}
}
