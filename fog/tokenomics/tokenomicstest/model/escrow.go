package model

import (
	"slices"
	"time"

	"github.com/fogcompute/fogcompute/fog/tokenomics"
)

// escrow is the part of the model about holds.
type escrow struct {
	holds    map[tokenomics.HoldID]hold
	captures map[int64]payments // by hours since 1970
}

// hold is a hold; without a payer it is a tombstone.
type hold struct {
	tokenomics.HoldRecord
	gone bool // its record was purged
}

// payments are captures, and what they have paid.
type payments struct {
	n     int64
	total tokenomics.Amount
}

func newEscrow() escrow {
	return escrow{holds: map[tokenomics.HoldID]hold{}, captures: map[int64]payments{}}
}

func held(account tokenomics.Account) Place { return Place{account, tokenomics.KindHeld} }

func (h *hold) expired(now time.Time) bool { return !h.Expires.IsZero() && !now.Before(h.Expires) }

// keep stores a hold; one of which nothing remains is settled.
func (m *Model) keep(h hold) {
	if h.State == tokenomics.HoldOpen && h.Remaining() == 0 {
		h.State = tokenomics.HoldSettled
	}
	if h.State != tokenomics.HoldOpen && h.Resolved.IsZero() {
		h.Resolved = m.Now
	}
	set(m, m.holds, h.ID, &h)
	m.moved()
}

func (m *Model) hold(h tokenomics.Hold) string {
	if !h.Expires.IsZero() && !m.Now.Before(h.Expires) {
		return invalid
	}
	m.move(h.Amount, available(h.Payer), held(h.Payer))
	record := tokenomics.HoldRecord{
		ID: h.ID, Tenant: "default", Payer: h.Payer, Creator: "operator", Amount: h.Amount, State: tokenomics.HoldOpen, Created: m.Now,
		Expires: h.Expires,
	}
	m.keep(hold{HoldRecord: record})
	return Yes
}

func (m *Model) capture(c tokenomics.Capture) string {
	h, known := m.holds[c.Hold]
	total := tokenomics.Amount(0)
	for _, share := range c.To {
		total += share.Amount
	}
	switch {
	case !known:
		return notFound
	case h.State == tokenomics.HoldVoided, m.outlived(h), h.expired(m.Now):
		return conflict
	case total > h.Remaining():
		return insufficient
	}
	economics := m.at(h.Created)
	if economics.Fee > 0 || economics.ComputeReward > 0 {
		m.accrue()
	}
	m.pay(economics, h.Payer, c.To)
	h.Captured += total
	if c.Final {
		m.giveBack(&h)
	}
	hour := m.Now.Unix() / 3600
	paid := payments{m.captures[hour].n + 1, m.captures[hour].total + total}
	set(m, m.captures, hour, &paid)
	m.keep(h)
	return Yes
}

// pay pays shares out of what a payer has held. Fees are kept back; receivers other than the payer are rewarded, as far as the emission
// has left something for it. All of that is by the parameters of when the hold was placed.
func (m *Model) pay(economics tokenomics.Economics, payer tokenomics.Account, to []tokenomics.Share) {
	fees := tokenomics.Amount(0)
	for _, share := range to {
		fee := part(share.Amount, economics.Fee)
		fees += fee
		m.add(held(payer), -share.Amount)
		m.add(available(share.Account), share.Amount-fee)
		if share.Account != payer {
			m.rewardCompute(share.Account, part(share.Amount-fee, economics.ComputeReward))
		}
	}
	stakers := part(fees, economics.FeeToStakers)
	m.add(available(tokenomics.Treasury), fees-stakers)
	m.add(rewardsPlace, stakers)
	m.reward(stakers)
}

// giveBack returns what a hold has left.
func (m *Model) giveBack(h *hold) {
	rest := h.Remaining()
	m.move(rest, held(h.Payer), available(h.Payer))
	h.Returned += rest
}

func (m *Model) void(v tokenomics.Void) string {
	h, known := m.holds[v.Hold]
	switch {
	case !known:
		h.HoldRecord = tokenomics.HoldRecord{ID: v.Hold, Tenant: "default", Creator: "operator", State: tokenomics.HoldVoided, Created: m.Now}
		m.keep(h)
	case h.State == tokenomics.HoldOpen:
		m.giveBack(&h)
		h.State = tokenomics.HoldVoided
		m.keep(h)
	}
	return Yes
}

// expire gives back what holds have left whose time is over, the longest over first.
func (m *Model) expire() {
	var due []hold
	for _, h := range m.holds {
		if h.State == tokenomics.HoldOpen && h.expired(m.Now) {
			due = append(due, h)
		}
	}
	slices.SortFunc(due, func(a, b hold) int { return compare(a.Expires, string(a.ID), b.Expires, string(b.ID)) })
	for _, h := range due {
		m.giveBack(&h)
		h.State = tokenomics.HoldExpired
		m.keep(h)
	}
}

// outlived reports whether a hold was resolved long ago: then only its movements count.
func (m *Model) outlived(h hold) bool {
	return h.State != tokenomics.HoldOpen && h.Resolved.Before(m.Now.Add(-m.Retention))
}

// purge forgets the records of holds that were resolved long ago.
func (m *Model) purge() {
	for id, h := range m.holds {
		if m.outlived(h) && !h.gone {
			h.gone = true
			set(m, m.holds, id, &h)
		}
	}
}
