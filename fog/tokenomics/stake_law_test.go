package tokenomics_test

import (
	"encoding/json"
	"fmt"
	"math/big"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
	"github.com/fogcompute/fogcompute/fog/tokenomics"
	"github.com/fogcompute/fogcompute/fog/tokenomics/accrual"
	"github.com/fogcompute/fogcompute/fog/tokenomics/tokenomicstest"
)

const fog = tokenomics.FOG

var (
	people    = []tokenomics.Account{"ann", "bob", "cid"}
	operators = []tokenomics.Account{"x", "y"}
)

// livelyEconomics has everything switched on. The appeal window ends at no full hour, so that nothing else is due with it.
func livelyEconomics() tokenomics.Economics {
	return tokenomics.Economics{
		Unbonding: 48 * time.Hour, Fee: 500, FeeToStakers: 6000, EmissionToStakers: 7000, ComputeReward: 2500,
		Emission:     accrual.Emission{Start: tokenomicstest.NewClock().Now(), Period: 30 * 24 * time.Hour, First: 1_000_003},
		AppealWindow: 20*time.Hour + 30*time.Minute, SlashCap: 4000, SlashWindow: 70*time.Hour + 10*time.Minute,
		Compensation: fog, InsurancePart: 3333,
	}
}

// step is one thing that happens: a request, or time passing with the sweeps in it.
type step struct {
	tokenomics.Request
	passes time.Duration
	about  string // key of the proposal that the request is about
}

func (s step) String() string {
	if s.passes > 0 {
		return s.passes.String() + " pass"
	}
	text, _ := json.Marshal(s.Request)
	return string(text)
}

// script draws steps and remembers what they may come back to.
type script struct {
	n       int
	slashes []*tokenomics.SlashEvidence
	left    []*tokenomics.Unstake
	holds   []tokenomics.HoldID // beside the first
}

// steps draws what happens next: one step, or those of a change of parameters.
func (s *script) steps(t *rapid.T, now time.Time) []step {
	if rapid.IntRange(0, 9).Draw(t, "changes") == 0 {
		return s.change(t, now)
	}
	return []step{s.step(t, now)}
}

// step draws a step whose request has a key of its own.
func (s *script) step(t *rapid.T, now time.Time) step {
	s.n++
	key := "k" + strconv.Itoa(s.n)
	who, op := rapid.SampledFrom(people).Draw(t, "who"), rapid.SampledFrom(operators).Draw(t, "operator")
	amount := fog * tokenomics.Amount(rapid.IntRange(1, 60).Draw(t, "amount"))
	all := rapid.SampledFrom([]tokenomics.Amount{0, amount, amount + 7}).Draw(t, "or all")
	var r tokenomics.Request
	switch rapid.IntRange(0, 15).Draw(t, "step") {
	case 0, 1, 2:
		r.Stake = &tokenomics.Stake{Key: key, Account: who, Operator: op, Amount: amount}
	case 3, 4:
		r.Unstake = &tokenomics.Unstake{Key: key, Account: who, Operator: op, Amount: all}
		s.left = append(s.left, r.Unstake)
	case 5:
		r.CancelUnstake = &tokenomics.CancelUnstake{Key: key, Account: who, Operator: op, Unstake: key}
		if len(s.left) > 0 {
			back := rapid.SampledFrom(s.left).Draw(t, "back")
			r.CancelUnstake.Account, r.CancelUnstake.Operator, r.CancelUnstake.Unstake = back.Account, back.Operator, back.Key
		}
	case 6, 7:
		other := operators[0]
		if op == other {
			other = operators[1]
		}
		r.Redelegate = &tokenomics.Redelegate{Key: key, Account: who, From: op, To: other, Amount: all}
	case 8:
		r.Claim = &tokenomics.Claim{Key: key, Account: who}
	case 9:
		r.Compound = &tokenomics.Compound{Key: key, Account: who, Operator: op}
	case 10:
		r.Delegate = &tokenomics.Delegate{Key: key, Account: who, To: drawDelegation(t, who)}
	case 11:
		bank := rapid.SampledFrom(append([]tokenomics.HoldID{"bank"}, s.holds...)).Draw(t, "hold")
		r.Capture = &tokenomics.Capture{Key: key, Hold: bank, To: []tokenomics.Share{{Account: who, Amount: amount / 7}}}
	case 12:
		r.SlashEvidence = &tokenomics.SlashEvidence{
			ID: key, Operator: op, Kind: tokenomics.FaultSLA, At: now.Add(-time.Duration(rapid.IntRange(0, 30).Draw(t, "ago")) * time.Hour),
			Part: rapid.IntRange(1, 2500).Draw(t, "bp"), Harmed: "dora", Loss: amount / 50,
		}
		s.slashes = append(s.slashes, r.SlashEvidence)
	case 13:
		of := &tokenomics.SlashEvidence{ID: key, Operator: op}
		if len(s.slashes) > 0 {
			of = rapid.SampledFrom(s.slashes).Draw(t, "slash")
		}
		r = rapid.SampledFrom([]tokenomics.Request{
			{Appeal: &tokenomics.Appeal{ID: of.ID, Operator: of.Operator}}, {Dismiss: &tokenomics.Dismiss{ID: of.ID}},
			{Uphold: &tokenomics.Uphold{ID: of.ID}},
		}).Draw(t, "decision")
	default:
		return step{passes: time.Duration(rapid.IntRange(1, 30).Draw(t, "hours")) * time.Hour}
	}
	return step{Request: r}
}

func drawDelegation(t *rapid.T, who tokenomics.Account) []tokenomics.Delegation {
	var to []tokenomics.Delegation
	for _, other := range people {
		if part := rapid.IntRange(0, 4999).Draw(t, "part"); other != who && part > 0 {
			to = append(to, tokenomics.Delegation{To: other, Part: part})
		}
	}
	return to
}

// newLively is a ledger on which steps can be taken.
func newLively(t *testing.T) *farm {
	f := newFarm(t, append(people, council)...)
	f.economics = livelyEconomics()
	f.post(t,
		tokenomics.Request{Hold: &tokenomics.Hold{ID: "bank", Payer: "operator", Amount: 10_000 * fog}},
		tokenomics.Request{Stake: &tokenomics.Stake{Key: "council", Account: council, Amount: fog}})
	return f
}

// pass lets time pass, and sweeps until everything that is due was done; what a sweep has put off is done a second later.
func (f *farm) pass(t *testing.T, d time.Duration) {
	t.Helper()
	for _, d := range []time.Duration{d, time.Second} {
		f.clock.Advance(d)
		f.sweep(t)
	}
}

func (f *farm) sweep(t *testing.T) {
	t.Helper()
	for more, n := true, 0; more; n++ {
		var err error
		more, err = f.Sweep(t.Context(), f.clock.Now())
		require.NoError(t, err)
		require.Less(t, n, 100, "sweeping does not end")
	}
}

// machine takes the same steps with the ledger and the model.
type machine struct {
	t      *testing.T
	rt     *rapid.T
	f      *farm
	m      *stakeModel
	n      int
	cash   map[tokenomics.Account]*big.Rat // that the model expects to be available
	powers map[int64]map[tokenomics.Account]tokenomics.Power
	said   map[[2]string]bool // what was said about slashes
	held   map[tokenomics.HoldID]time.Time
	set    map[string]json.RawMessage // by governance
	motion *tokenomics.SetParameter   // the latest; nil: it was refused
}

func newMachine(t *testing.T, rt *rapid.T) *machine {
	f := newLively(t)
	now := f.clock.Now()
	m := &machine{
		t: t, rt: rt, f: f, m: newStakeModel(livelyEconomics(), now), cash: map[tokenomics.Account]*big.Rat{},
		powers: map[int64]map[tokenomics.Account]tokenomics.Power{}, said: map[[2]string]bool{},
		held: map[tokenomics.HoldID]time.Time{"bank": now}, set: map[string]json.RawMessage{},
	}
	for _, account := range people {
		m.pay(account, rat(int64(1000*fog)))
	}
	m.m.position(pair{council, council}).Add(rat(int64(fog)), new(big.Rat))
	return m
}

// take takes one step and compares the verdict. Where roundings decide, the ledger is believed.
func (m *machine) take(s step) {
	m.n++
	m.rt.Logf("step %d at %s: %s", m.n, m.m.now.Format(time.DateTime), s)
	if s.passes > 0 {
		m.f.pass(m.t, s.passes)
		for _, d := range []time.Duration{s.passes, time.Second} {
			m.m.advance(m.m.now.Add(d))
			for account, amount := range m.m.sweep() {
				m.pay(account, amount)
			}
		}
		return
	}
	request := m.f.about(m.t, s)
	verdicts, err := m.f.Post(m.t.Context(), []tokenomics.Request{request})
	require.NoError(m.rt, err)
	say := m.judge(request, verdicts[0] == nil)
	if got := kindOf(verdicts[0]); say != "" && say != got {
		m.rt.Fatalf("step %d %+v: ledger says %s (%v), model says %s", m.n, s.Request, got, verdicts[0], say)
	}
}

func kindOf(err error) string {
	if err == nil {
		return "yes"
	}
	return fault.KindOf(err).String()
}

func (m *machine) pay(account tokenomics.Account, amount *big.Rat) {
	if m.cash[account] == nil {
		m.cash[account] = new(big.Rat)
	}
	m.cash[account].Add(m.cash[account], amount)
}

// compare checks the laws that can be seen from outside after each step.
func (m *machine) compare() {
	require.NoError(m.rt, m.f.Verify(m.t.Context()), "step %d", m.n) // positions <= pools, rewards exactly, powers
	m.n++
	m.f.post(m.t, tokenomics.Request{Claim: &tokenomics.Claim{Key: fmt.Sprint("settle", m.n), Account: "nobody"}})
	head, err := m.f.Head(m.t.Context())
	require.NoError(m.rt, err)
	m.powers[head.Last] = map[tokenomics.Account]tokenomics.Power{}
	for _, account := range people {
		b := m.f.balance(m.t, account)
		m.near("cash of "+string(account), b.Available, m.cash[account])
		m.near("stake of "+string(account), b.Staked, m.m.own(account))
		m.near("rewards of "+string(account), b.Rewards, m.m.pending(account))
		p, err := m.f.PowerAt(m.t.Context(), account, head.Last)
		require.NoError(m.rt, err)
		m.near("power of "+string(account), p.Power, m.m.power(account))
		m.powers[head.Last][account] = p
	}
}

// near requires an amount to be what the model says, but for roundings.
func (m *machine) near(what string, got tokenomics.Amount, want *big.Rat) {
	off := new(big.Rat).Sub(rat(int64(got)), want)
	most := new(big.Rat).Mul(m.m.slack, rat(4))
	if most.Add(most, rat(int64(6*m.n+10))); off.Abs(off).Cmp(most) > 0 {
		m.rt.Fatalf("step %d: %s is %d, model says %s", m.n, what, int64(got), want.FloatString(2))
	}
}

// Laws 5, 6 and 7: pools are at least their positions' values, rewards are paid, owed, fractions and rest, power that is
// delegated arrives, and the past of power stays what it was. The ledger does what the model in rational numbers says, whatever
// changes of its parameters are voted for in between.
func TestStakingLaws(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		m, draw := newMachine(t, rt), &script{}
		for range rapid.IntRange(1, 40).Draw(rt, "steps") {
			for _, s := range draw.steps(rt, m.m.now) {
				m.take(s)
			}
			m.compare()
		}
		checkPast(rt, m)
	})
}

// checkPast checks that powers are what they were when they were read, and that they add up to the total at every movement.
func checkPast(rt *rapid.T, m *machine) {
	for seq, powers := range m.powers {
		for account, was := range powers {
			is, err := m.f.PowerAt(m.t.Context(), account, seq)
			require.NoError(rt, err)
			require.Equal(rt, was, is, "the past of power has changed")
		}
	}
	derived, err := tokenomics.Derive(m.t.Context(), m.f.store)
	require.NoError(rt, err)
	changes := map[int64]map[string]int64{}
	totals := map[int64]int64{}
	for _, p := range derived.Points {
		amount, _ := strconv.ParseInt(string(p.Body), 10, 64)
		switch p.Series {
		case tokenomics.SeriesPower:
			if changes[p.Seq] == nil {
				changes[p.Seq] = map[string]int64{}
			}
			changes[p.Seq][p.Key] = amount
		case tokenomics.SeriesTotal:
			totals[p.Seq] = amount
		}
	}
	head, err := m.f.Head(m.t.Context())
	require.NoError(rt, err)
	now, total := map[string]int64{}, int64(0)
	for seq := range head.Last + 1 {
		for key, amount := range changes[seq] {
			now[key] = amount
		}
		if t, changed := totals[seq]; changed {
			total = t
		}
		sum := int64(0)
		for _, amount := range now {
			sum += amount
		}
		require.Equal(rt, total, sum, "powers at movement %d", seq)
	}
}
