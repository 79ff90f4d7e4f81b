// Package model is the ledger as a child would write it: one request after the other, without batches, stores, digests, accumulators
// or running sums. Everything is divided, added up and counted anew whenever somebody asks, in whole numbers, so that the
// ledger has to agree to the last base unit. What the rules of the ledger are stands here a second time, and nothing of
// how it works.
//
// Shared with the ledger is what is tested by itself: the schedule of emission, a product divided exactly, and how a parameter is read
// and judged.
package model

import (
	"encoding/json"
	"time"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
	"github.com/fogcompute/fogcompute/fog/tokenomics"
	"github.com/fogcompute/fogcompute/fog/tokenomics/accrual"
)

// Yes is the answer to a request that is carried out, now or before.
const Yes = "yes"

// Answers to a request that is refused: the kinds of the ledger's errors.
var (
	invalid      = fault.Invalid.String()
	notFound     = fault.NotFound.String()
	conflict     = fault.Conflict.String()
	insufficient = fault.Insufficient.String()
	denied       = fault.Denied.String()
)

// Config is what a ledger is told as well. Everything in it is explicit: the model knows no defaults.
type Config struct {
	Genesis    tokenomics.Amount
	Economics  tokenomics.Economics // where none was voted for
	Governance tokenomics.Governance
	Identities map[tokenomics.Account]string // persons behind accounts
	Retention  time.Duration                 // of resolved holds
}

// Place is a compartment of an account.
type Place struct {
	Account tokenomics.Account
	Kind    tokenomics.Kind
}

// Model is a ledger. Make one with New. All of it stands in maps of plain values that are replaced and never changed, so that a request that
// is refused can be undone.
type Model struct {
	Config
	Parameters *tokenomics.Registry // of the lamp, of governance, and of staking
	Now        time.Time
	Seq        int64 // movements so far

	bodies map[string]string // requests that were carried out, by operation and key
	lines  map[Place]tokenomics.Amount
	escrow
	staking
	assembly

	touched []Place // by the request
	undo    []func()
}

// New is a ledger that has just been opened.
func New(config Config, now time.Time) *Model {
	m := &Model{
		Config: config, Now: now, bodies: map[string]string{}, lines: map[Place]tokenomics.Amount{},
		escrow: newEscrow(), staking: newStaking(), assembly: newAssembly(),
	}
	m.Parameters = m.registry()
	m.move(config.Genesis, Place{tokenomics.Mint, tokenomics.KindMint}, available("operator"))
	m.moved()
	m.end(Yes, 0)
	return m
}

func available(account tokenomics.Account) Place { return Place{account, tokenomics.KindAvailable} }

// set replaces a value and remembers what it was. Without a value there is none.
func set[K comparable, V any](m *Model, rows map[K]V, key K, value *V) {
	old, had := rows[key]
	m.undo = append(m.undo, func() {
		if delete(rows, key); had {
			rows[key] = old
		}
	})
	if delete(rows, key); value != nil {
		rows[key] = *value
	}
}

// move takes tokens from one place to another. Whether they were there is looked at when the request has ended.
func (m *Model) move(amount tokenomics.Amount, from, to Place) {
	m.add(from, -amount)
	m.add(to, amount)
}

func (m *Model) add(place Place, amount tokenomics.Amount) {
	if amount == 0 {
		return
	}
	sum := m.lines[place] + amount
	set(m, m.lines, place, &sum)
	m.touched = append(m.touched, place)
}

// moved counts a movement. There is at most one a request.
func (m *Model) moved() { m.Seq++ }

// end keeps what a request has done, or undoes it.
func (m *Model) end(answer string, before int64) string {
	for _, place := range m.touched {
		if answer == Yes && m.lines[place] < 0 && place.Kind != tokenomics.KindMint {
			answer = insufficient
		}
	}
	if answer != Yes {
		for i := len(m.undo) - 1; i >= 0; i-- {
			m.undo[i]()
		}
		m.Seq = before
	}
	m.undo, m.touched = m.undo[:0], m.touched[:0]
	return answer
}

// Post carries a request out and answers Yes or the kind of the refusal.
func (m *Model) Post(r tokenomics.Request) string {
	before := m.Seq
	return m.end(m.post(r), before)
}

func (m *Model) post(r tokenomics.Request) string {
	ref := r.Reference()
	body, _ := json.Marshal(r) // requests are written in one way only
	key := string(ref.Op) + " " + ref.Key
	if !wellFormed(r) {
		return invalid
	}
	if r.Hold != nil && m.holds[r.Hold.ID].State == tokenomics.HoldVoided {
		return conflict // whether it was placed before or not
	}
	if old, used := m.bodies[key]; used {
		if old == string(body) {
			return Yes
		}
		return conflict
	}
	answer := m.decide(r)
	if text := string(body); answer == Yes && r.Void == nil { // a void that finds nothing is no movement
		set(m, m.bodies, key, &text)
	}
	return answer
}

// decide carries a request out that was not made before.
func (m *Model) decide(r tokenomics.Request) string {
	switch {
	case r.Hold != nil:
		return m.hold(*r.Hold)
	case r.Capture != nil:
		return m.capture(*r.Capture)
	case r.Void != nil:
		return m.void(*r.Void)
	case r.Transfer != nil:
		m.move(r.Transfer.Amount, available(r.Transfer.From), available(r.Transfer.To))
		m.moved()
		return Yes
	case r.Burn != nil:
		m.move(r.Burn.Amount, available(r.Burn.Account), Place{tokenomics.Mint, tokenomics.KindMint})
		m.moved()
		return Yes
	case r.Propose != nil:
		return m.propose(*r.Propose)
	case r.Deposit != nil, r.Vote != nil, r.Queue != nil, r.Execute != nil, r.Cancel != nil:
		return m.steer(r)
	}
	m.accrue()
	answer := m.farm(r)
	m.moved()
	return answer
}

// farm carries a request about stakes out.
func (m *Model) farm(r tokenomics.Request) string {
	switch {
	case r.Stake != nil:
		return m.stake(*r.Stake)
	case r.Unstake != nil:
		return m.unstake(*r.Unstake)
	case r.CancelUnstake != nil:
		return m.cancelUnstake(*r.CancelUnstake)
	case r.Redelegate != nil:
		return m.redelegate(*r.Redelegate)
	case r.Delegate != nil:
		set(m, m.delegations, r.Delegate.Account, &r.Delegate.To)
		return Yes
	case r.Claim != nil:
		m.claim(r.Claim.Account)
		return Yes
	case r.Compound != nil:
		return m.compound(*r.Compound)
	case r.SlashEvidence != nil:
		return m.accuse(*r.SlashEvidence)
	case r.Appeal != nil:
		return m.appeal(*r.Appeal)
	case r.Dismiss != nil:
		return m.dismiss(r.Dismiss.ID, r.Dismiss.Detail)
	default:
		return m.uphold(r.Uphold.ID, r.Uphold.Detail)
	}
}

// wellFormed reports whether what needs no state is allowed, as far as histories try it.
func wellFormed(r tokenomics.Request) bool {
	switch {
	case r.Hold != nil:
		return r.Hold.Amount >= 0
	case r.Capture != nil:
		for _, share := range r.Capture.To {
			if share.Amount < 0 {
				return false
			}
		}
	case r.Transfer != nil:
		return r.Transfer.Amount > 0 && r.Transfer.From != r.Transfer.To
	case r.Burn != nil:
		return r.Burn.Amount > 0
	case r.Stake != nil:
		return r.Stake.Amount > 0
	case r.Unstake != nil:
		return r.Unstake.Amount >= 0
	case r.Redelegate != nil:
		return r.Redelegate.Amount >= 0 && r.Redelegate.From != r.Redelegate.To
	case r.SlashEvidence != nil:
		return r.SlashEvidence.Part >= 0 && r.SlashEvidence.Harmed != r.SlashEvidence.Operator
	case r.Deposit != nil:
		return r.Deposit.Amount > 0
	}
	return true
}

// part is so many basis points of an amount, rounded down; partUp is it rounded up.
func part(amount tokenomics.Amount, points int) tokenomics.Amount {
	q, _, _ := accrual.MulDiv(uint64(amount), uint64(points), 10_000)
	return tokenomics.Amount(q)
}

func partUp(amount tokenomics.Amount, points int) tokenomics.Amount {
	q, r, _ := accrual.MulDiv(uint64(amount), uint64(points), 10_000)
	return tokenomics.Amount(q + min(r, 1))
}
