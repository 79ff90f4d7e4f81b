package tokenomics

import (
	"context"
	"fmt"
	"maps"
)

// Audit implements Books.
func (m *Memory) Audit(_ context.Context, limit int) ([]string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	a := auditor{limit: limit, balances: map[SubAccount]Amount{}, tally: map[tallyKey]int64{}}
	for i, movement := range m.movements {
		a.movement(int64(i+1), movement)
	}
	for sub, line := range m.lines {
		if sum := a.balances[sub]; sum != line.Balance {
			a.find("account %q has %s FOG %s, its postings add up to %s", sub.Account, line.Balance, sub.Kind, sum)
		}
		if line.Balance < 0 && sub.Kind != KindMint {
			a.find("account %q has %s FOG %s", sub.Account, line.Balance, sub.Kind)
		}
		if sub.Kind == KindAvailable {
			a.tally[tallyKey{sub.Tenant, Count{Name: countAccounts}}]++
		}
	}
	for sub := range a.balances {
		if _, known := m.lines[sub]; !known {
			a.find("account %q has postings and no %s balance", sub.Account, sub.Kind)
		}
	}
	a.holds(m.holds)
	a.sums(m.tally)
	return a.found, nil
}

// auditor recomputes a ledger from its movements.
type auditor struct {
	limit    int
	found    []string
	balances map[SubAccount]Amount
	tally    map[tallyKey]int64
}

// find notes a disagreement.
func (a *auditor) find(format string, args ...any) {
	if len(a.found) < a.limit {
		a.found = append(a.found, fmt.Sprintf(format, args...))
	}
}

// movement checks one movement and carries its postings forward.
func (a *auditor) movement(seq int64, m Movement) {
	if m.Seq != seq {
		a.find("movement %d has number %d", seq, m.Seq)
	}
	sum := Amount(0)
	for _, p := range m.Postings {
		sum += p.Amount
		a.balances[p.SubAccount] += p.Amount
		a.tally[tallyKey{p.Tenant, Count{Name: sumOf(p.Kind)}}] += int64(p.Amount)
		if a.balances[p.SubAccount] != p.After {
			a.find("movement %d leaves account %q with %s FOG %s instead of %s",
				seq, p.Account, p.After, p.Kind, a.balances[p.SubAccount])
		}
	}
	if sum != 0 {
		a.find("postings of movement %d add up to %s", seq, sum)
	}
	a.tally[tallyKey{m.Tenant, Count{Name: countMovements}}]++
}

// holds checks that what accounts hold is what their open holds have left.
func (a *auditor) holds(holds map[HoldRef]HoldRecord) {
	left := map[SubAccount]Amount{}
	for _, h := range holds {
		if h.State == HoldOpen {
			left[SubAccount{h.Tenant, h.Payer, KindHeld}] += h.Remaining()
			a.tally[tallyKey{h.Tenant, Count{Name: countHolds}}]++
		}
	}
	for sub, balance := range a.balances {
		if sub.Kind == KindHeld && balance != left[sub] {
			a.find("account %q has %s FOG held, its open holds have %s left", sub.Account, balance, left[sub])
		}
		delete(left, sub)
	}
	for sub, amount := range left {
		a.find("account %q has nothing held, its open holds have %s left", sub.Account, amount)
	}
}

// sums checks the running sums that can be recomputed.
func (a *auditor) sums(kept map[tallyKey]int64) {
	keys := maps.Clone(a.tally)
	maps.Copy(keys, kept)
	for key := range keys {
		derived := key.count.Hour == 0 && key.count.Name != countCaptures && key.count.Name != countVolume
		if derived && kept[key] != a.tally[key] {
			a.find("running sum %s is %d, recomputed %d", key.count.Name, kept[key], a.tally[key])
		}
	}
}
