package model

import (
	"time"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
	"github.com/fogcompute/fogcompute/fog/tokenomics"
	"github.com/fogcompute/fogcompute/fog/tokenomics/accrual"
)

const fog = tokenomics.FOG

// Lively is a ledger with everything switched on, whose periods are hours. Nothing that a slash waits for is due at a full hour, so
// that it is not due together with what others wait for.
func Lively(start time.Time) Config {
	return Config{
		Genesis: 1_000_000 * fog, Governance: governance(), Retention: 90 * time.Hour,
		Identities: map[tokenomics.Account]string{"ann": "Ann", "bob": "Ann", "cid": "Cid", "operator": "Olga"}, // nobody is behind dan
		Economics: tokenomics.Economics{
			Unbonding: 48 * time.Hour, Fee: 500, FeeToStakers: 6000, EmissionToStakers: 7000, ComputeReward: 2500,
			Emission:     accrual.Emission{Start: start, Period: 30 * 24 * time.Hour, First: 1_000_003},
			AppealWindow: 20*time.Hour + 30*time.Minute, SlashCap: 4000, SlashWindow: 70*time.Hour + 10*time.Minute,
			Compensation: fog, InsurancePart: 3333, MinStake: 1, EmissionEvery: time.Hour, BadResult: 1500,
		},
	}
}

// Other is economics with other fees, rewards and penalties, or without: then a capture touches no stake.
func Other(economics tokenomics.Economics) tokenomics.Economics {
	economics.BadResult, economics.SLA = economics.SLA, economics.BadResult
	if economics.Fee, economics.ComputeReward = 0, 0; economics.EmissionToStakers > 5000 {
		economics.EmissionToStakers = 1234
		return economics
	}
	economics.Fee, economics.ComputeReward, economics.EmissionToStakers = 500, 2500, 7000
	return economics
}

func governance() tokenomics.Governance {
	return tokenomics.Governance{
		MinPower: 10 * fog, Deposit: 16 * fog, DepositPeriod: 10 * time.Hour, VotingDelay: 2 * time.Hour, VotingPeriod: 10 * time.Hour,
		LateQuorum: 4 * time.Hour, Timelock: 3 * time.Hour, Grace: 6 * time.Hour, Quorum: 1000, Threshold: 6000, Veto: 4000, VoterCap: 6000,
		Quadratic: 1, EmergencyPeriod: 2 * time.Hour, EmergencyThreshold: 7000, EmergencyEffect: 5 * time.Hour,
	}
}

// lamp is an engine with parameters: a lamp may be bright, or fade slowly, but not both.
type lamp struct {
	watts int64
	fade  time.Duration
}

func (l lamp) Validate() error {
	if l.watts > 100 || l.watts > 50 && l.fade > time.Minute {
		return fault.Field("lamp", "watts", "too bright for so long")
	}
	return nil
}

func lampKnobs() tokenomics.Knobs[lamp] {
	return tokenomics.Knobs[lamp]{
		tokenomics.NewKnob("lamp.watts", "watts", "How bright.", int64(5), func(l *lamp, v int64) { l.watts = v }),
		tokenomics.NewKnob("lamp.fade", "duration", "How long.", tokenomics.Span(time.Second), func(l *lamp, v tokenomics.Span) { l.fade = time.Duration(v) }),
	}
}
