package tokenomics

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
	"github.com/fogcompute/fogcompute/fog/principal"
	"github.com/fogcompute/fogcompute/fog/tokenomics/chain"
)

const (
	auditPage  = 4096 // rows read at once
	auditFinds = 10   // disagreements that are said
)

// Head returns where the ledger stands: the number of its latest movement and the hash of its latest block. Kept elsewhere, it
// proves later that nothing before it was changed. It is the operator's. Errors: Denied, Unavailable.
func (t *Tokenomics) Head(ctx context.Context) (chain.Head, error) {
	const op = "tokenomics.head"
	if err := t.operates(ctx, op); err != nil {
		return chain.Head{}, err
	}
	loaded, err := t.store.Load(ctx, Wanted{})
	return loaded.Head, fault.Wrap(op, err)
}

// Audit is what reading the whole ledger has brought.
type Audit struct {
	Head  chain.Head // that was arrived at
	Found []error    // the first disagreements; none: the ledger is whole
}

// Verify is Audit for those who need to know only whether the ledger is whole: disagreements are an Internal error that wraps them.
func (t *Tokenomics) Verify(ctx context.Context) error {
	audit, err := t.Audit(ctx)
	if err == nil && len(audit.Found) > 0 {
		err = &fault.Error{Kind: fault.Internal, Op: "tokenomics.verify", Detail: "the ledger disagrees with itself", Err: errors.Join(audit.Found...)}
	}
	return err
}

// Audit reads the whole ledger, of all tenants, at one moment and recomputes what can be derived: each block has its hash
// and its movements; each movement's postings add up to zero and leave the balances that they say; each balance is the sum of its
// postings; only mints are below zero; what is held is what open holds have left; what is staked is what pools have, and
// their positions have all of their shares; rewards are, to the last fraction, what is owed and what waits; powers add up; the
// running sums are right. It is the operator's. Errors: Denied, Unavailable.
func (t *Tokenomics) Audit(ctx context.Context) (Audit, error) {
	const op = "tokenomics.verify"
	if err := t.operates(ctx, op); err != nil {
		return Audit{}, err
	}
	a := auditor{accounts: map[SubAccount]*audited{}, open: map[HoldRef]escrowed{}, tally: map[tallyKey]int64{}, moved: map[principal.Tenant]*moved{}}
	if err := t.store.Snapshot(ctx, func(s Moment) error { return a.read(ctx, s) }); err != nil {
		return Audit{}, fault.Wrap(op, err)
	}
	return Audit{Head: a.head, Found: a.found}, nil
}

// operates asks whether the caller may do what is the operator's of the whole ledger.
func (t *Tokenomics) operates(ctx context.Context, op string) error {
	who := principal.From(ctx)
	resource := principal.Resource{Kind: "ledger", Tenant: who.Tenant}
	return fault.Wrap(op, t.config.Authorize.Authorize(ctx, who, principal.Action(op), resource))
}

// auditor recomputes a ledger from its log.
type auditor struct {
	head     chain.Head
	found    []error
	accounts map[SubAccount]*audited
	open     map[HoldRef]escrowed // holds that the log leaves open
	tally    map[tallyKey]int64
	moved    map[principal.Tenant]*moved
	farms    map[principal.Tenant]*farm
}

// audited is what the log says of a sub-account.
type audited struct {
	number  int64
	creator principal.Account // of the first movement
	balance Amount
	seq     int64 // of the latest movement
	updated time.Time
	trail   Trail
	held    Amount // that open holds have left
	seen    bool   // it has a line
}

// moved sums up what the movements of a tenant say.
type moved struct {
	movements int64
	rewarded  Amount             // for compute
	kinds     [len(codes)]Amount // by their codes
}

// movedIn returns the sums of a tenant.
func (a *auditor) movedIn(tenant principal.Tenant) *moved {
	sums := a.moved[tenant]
	if sums == nil {
		sums = &moved{}
		a.moved[tenant] = sums
	}
	return sums
}

// find notes a disagreement.
func (a *auditor) find(format string, args ...any) {
	if len(a.found) < auditFinds {
		a.found = append(a.found, fmt.Errorf(format, args...))
	}
}

// read checks everything in one moment.
func (a *auditor) read(ctx context.Context, s Moment) (err error) {
	if a.head, err = s.Head(ctx); err != nil {
		return err
	}
	for _, part := range []func(context.Context, Moment) error{a.log, a.lines, a.index, a.holds, a.stakes, a.proposals, a.sums} {
		if err := part(ctx, s); err != nil {
			return err
		}
	}
	return nil
}

// pages calls row for every row of a list that is read in pages.
func pages[T any](ctx context.Context, read func(context.Context, T, int) ([]T, error), after T, row func(T)) error {
	for {
		page, err := read(ctx, after, auditPage)
		if err != nil {
			return err
		}
		for _, r := range page {
			row(r)
		}
		if len(page) < auditPage {
			return nil
		}
		after = page[len(page)-1]
	}
}

// log checks the blocks and carries the postings of their movements forward.
func (a *auditor) log(ctx context.Context, s Moment) error {
	var v chain.Verifier
	last := int64(0)
	err := follow(ctx, s, &v, func(m *Movement, body []byte) error {
		last++
		err := m.Decode(body)
		if err == nil {
			a.movement(last, m)
		}
		return err
	})
	if err != nil {
		return err
	}
	end, err := v.End()
	if err == nil && end != a.head {
		err = apart(a.head, end)
	}
	if err != nil {
		a.found = append(a.found, err)
	}
	return nil
}

// movement checks one movement and carries its postings forward.
func (a *auditor) movement(seq int64, m *Movement) {
	if m.Seq != seq {
		a.find("movement %d has number %d", seq, m.Seq)
	}
	sum, sums := Amount(0), a.movedIn(m.Tenant)
	for _, p := range m.Postings {
		sum += p.Amount
		account := a.accounts[p.SubAccount]
		if account == nil {
			account = &audited{number: int64(len(a.accounts) + 1), creator: m.Creator}
			a.accounts[p.SubAccount] = account
		}
		account.balance += p.Amount
		if account.seq != m.Seq {
			account.seq, account.updated = m.Seq, m.At
			account.trail.Add(m.Seq)
		}
		if account.balance != p.After {
			a.find("movement %d leaves account %q with %s FOG %s instead of %s", seq, p.Account, p.After, p.Kind, account.balance)
		}
		sums.kinds[codeOf(p.Kind)] += p.Amount
		if p.Kind == KindReward && p.Account != Rewards && p.Amount > 0 {
			sums.rewarded += p.Amount
		}
	}
	if sum != 0 {
		a.find("postings of movement %d add up to %s", seq, sum)
	}
	sums.movements++
	if m.Op == OpCapture {
		a.tally[tallyKey{m.Tenant, Count{Name: countCaptures}}]++
		a.tally[tallyKey{m.Tenant, Count{countCaptures, hourOf(m.At)}}]++
	}
	if m.Hold != "" {
		a.escrow(m)
	}
}

// lines checks the balances that are kept.
func (a *auditor) lines(ctx context.Context, s Moment) error {
	read := func(ctx context.Context, after LineChange, limit int) ([]LineChange, error) {
		return s.Lines(ctx, after.Number, limit)
	}
	err := pages(ctx, read, LineChange{}, func(l LineChange) {
		account := a.accounts[l.SubAccount]
		if account == nil {
			a.find("account %q has %s FOG %s and no postings", l.Account, l.Balance, l.Kind)
			return
		}
		account.seen = true
		if l.Balance != account.balance {
			a.find("account %q has %s FOG %s, its postings add up to %s", l.Account, l.Balance, l.Kind, account.balance)
		}
		if l.Seq != account.seq || l.Number != account.number {
			a.find("account %q %s has number %d and movement %d, its postings say %d and %d",
				l.Account, l.Kind, l.Number, l.Seq, account.number, account.seq)
		}
		if l.Creator != account.creator || !l.Updated.Equal(account.updated) {
			a.find("account %q %s was made by %q and changed at %v, its movements say %q and %v",
				l.Account, l.Kind, l.Creator, l.Updated, account.creator, account.updated)
		}
		if (l.Balance < 0) != (l.Kind == KindMint) && l.Balance != 0 {
			a.find("account %q has %s FOG %s", l.Account, l.Balance, l.Kind)
		}
		if l.Kind == KindAvailable {
			a.tally[tallyKey{l.Tenant, Count{Name: countAccounts}}]++
		}
	})
	for sub, account := range a.accounts {
		if !account.seen && err == nil {
			a.find("account %q has postings and no %s balance", sub.Account, sub.Kind)
		}
	}
	return err
}

// index checks that the movements of every account are found, and no others.
func (a *auditor) index(ctx context.Context, s Moment) error {
	traced := make(map[int64]Trail, len(a.accounts))
	if err := s.Index(ctx, func(number int64, trail Trail) { traced[number] = trail }); err != nil {
		return err
	}
	for sub, account := range a.accounts {
		if traced[account.number] != account.trail {
			a.find("the index of account %q %s does not list its movements", sub.Account, sub.Kind)
		}
		delete(traced, account.number)
	}
	for number := range traced {
		a.find("the index lists movements of number %d, which no account has", number)
	}
	return nil
}

// holds checks that what accounts hold is what their open holds have left.
func (a *auditor) holds(ctx context.Context, s Moment) error {
	read := func(ctx context.Context, after HoldRecord, limit int) ([]HoldRecord, error) {
		return s.Holds(ctx, HoldRef{after.Tenant, after.ID}, limit)
	}
	err := pages(ctx, read, HoldRecord{}, func(h HoldRecord) {
		a.hold(h)
		a.tally[tallyKey{h.Tenant, Count{Name: countHolds}}]++
		if account := a.accounts[SubAccount{h.Tenant, h.Payer, KindHeld}]; account != nil {
			account.held += h.Remaining()
		} else if h.Remaining() != 0 {
			a.find("account %q has nothing held, hold %q has %s left", h.Payer, h.ID, h.Remaining())
		}
	})
	for ref := range a.open {
		a.find("hold %q is open and has no row", ref.ID)
	}
	for sub, account := range a.accounts {
		if sub.Kind == KindHeld && account.held != account.balance && err == nil {
			a.find("account %q has %s FOG held, its open holds have %s left", sub.Account, account.balance, account.held)
		}
	}
	return err
}

// sums checks the running sums that can be recomputed: all but the volume. Those of hours may have been purged.
func (a *auditor) sums(ctx context.Context, s Moment) error {
	rows, err := s.Tally(ctx)
	if err != nil {
		return err
	}
	for tenant, sums := range a.moved {
		a.tally[tallyKey{tenant, Count{Name: countMovements}}] = sums.movements
		a.tally[tallyKey{tenant, Count{Name: countComputeRewards}}] = int64(sums.rewarded)
		for kind, code := range kinds() {
			a.tally[tallyKey{tenant, Count{Name: sumOf(kind)}}] = int64(sums.kinds[code])
		}
	}
	kept := map[tallyKey]int64{}
	for _, row := range rows {
		kept[tallyKey{row.Tenant, row.Count}] = row.Add
	}
	keys := maps.Clone(a.tally)
	maps.Copy(keys, kept)
	for key := range keys {
		_, here := kept[key]
		derived := key.count.Name != countVolume && (here || key.count.Hour == 0)
		if derived && kept[key] != a.tally[key] {
			a.find("running sum %s is %d, recomputed %d", key.count.Name, kept[key], a.tally[key])
		}
	}
	return nil
}
