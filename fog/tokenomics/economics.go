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
type Economics struct {
	// Unbonding is how long stake that leaves a pool stays slashable before it is paid back. 0: 7 days.
	Unbonding time.Duration `json:"unbonding,string"`
	// MinStake is the least that one request may stake. 0: one base unit.
	MinStake Amount `json:"minStake"`

	// Fee is the part of each share of a capture, in basis points, that its receiver does not get; rounded down. 0: none.
	Fee int `json:"fee"`
	// FeeToStakers is the part of fees, in basis points, that is rewarded to stakers; the treasury gets the rest. 0: none.
	FeeToStakers int `json:"feeToStakers"`

	// Emission is the schedule by which tokens are minted in the default tenant. Another schedule counts from its own Start, which
	// must be later. The zero value mints nothing.
	Emission accrual.Emission `json:"emission"`
	// EmissionEvery is how often the ledger mints what is due when nobody stakes, unstakes or claims. 0: one hour.
	EmissionEvery time.Duration `json:"emissionEvery,string"`
	// EmissionToStakers is the part of the emission, in basis points, that is rewarded to stakers; the rest is the budget for
	// compute. 0: none.
	EmissionToStakers int `json:"emissionToStakers"`
	// ComputeReward is what receivers of a capture get in addition, out of the budget for compute, in basis points of what they are
	// paid. A payer gets none for paying itself. 0: none.
	ComputeReward int `json:"computeReward"`

	// AppealWindow is how long an operator may appeal against a slash, and then how long the house may decide. 0: one day.
	AppealWindow time.Duration `json:"appealWindow,string"`
	// SlashCap is the most that a pool loses in one SlashWindow, in basis points over all slashes. 0: 10,000, no cap.
	SlashCap int `json:"slashCap"`
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
