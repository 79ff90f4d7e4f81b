package tokenomics

import (
	"cmp"
	"errors"
	"slices"
	"time"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
	"github.com/fogcompute/fogcompute/fog/internal/journal"
	"github.com/fogcompute/fogcompute/fog/principal"
	"github.com/fogcompute/fogcompute/fog/tokenomics/chain"
)

// errMissing interrupts an operation that needs to know more. Nobody outside sees it.
var errMissing = errors.New("tokenomics: a row is not loaded yet")

// evaluation decides a batch, item by item, on a state that it moves along. It has no clock, no store and no goroutine:
// the same state and items give the same verdicts and balances, however the items are divided into batches.
type evaluation struct {
	state     *state
	now       time.Time
	economics Economics // with its defaults
	rules     rules
	// parameters are read when somebody needs them first, and forgotten when they change
	parameters *economy
	was        chain.Head
	movements  []Movement
	fresh      []LineChange // sub-accounts that are new
	verdicts   []Verdict    // for the request table
	unknown    bool         // something was not known: nothing counts
}

// evaluate decides items in order. A rejected item leaves no trace but its verdict. It reports false, and leaves the state as
// it was, if the state lacks something.
func evaluate(s *state, items []item, now time.Time, economics Economics, rules rules) (Changes, []error, bool) {
	e := evaluation{
		state: s, now: micros(now), economics: economics.filled(), rules: rules, was: s.head, movements: make([]Movement, 0, len(items)),
	}
	begin, last := s.mark(), s.last
	verdicts := make([]error, len(items))
	for i := range items {
		verdicts[i] = e.item(&items[i])
	}
	if e.unknown {
		s.rollback(begin)
		s.head, s.last = e.was, last
		return Changes{}, nil, false
	}
	changes := e.finish()
	s.settle()
	s.ground = e.was.Last
	return changes, verdicts, true
}

// item decides one item.
func (e *evaluation) item(it *item) error {
	if it.id != 0 {
		waiting, known := e.state.waiting.rows[it.id]
		if !known && e.state.careful {
			e.state.waiting.get(it.id)
			e.unknown = true
			return nil
		}
		if known && !waiting {
			return nil // another batch has decided it meanwhile: its caller must hear that verdict and no other
		}
	}
	before, head, last := e.state.mark(), e.state.head.Last, e.state.last
	movements, fresh := len(e.movements), len(e.fresh)
	err := e.decide(it)
	if err != nil {
		e.state.used.get(it.ref) // unless it was carried out before: no index says so of what is not written
	}
	if e.state.lacks() {
		e.unknown = true
	}
	if err != nil {
		e.state.rollback(before)
		e.state.head.Last, e.state.last = head, last
		e.movements, e.fresh = e.movements[:movements], e.fresh[:fresh]
	}
	if it.id != 0 {
		e.state.waiting.set(it.id, false)
		e.verdicts = append(e.verdicts, verdictOf(it.id, err, e.now))
	}
	return err
}

// decide carries one request out, or returns why not.
func (e *evaluation) decide(it *item) error {
	if it.invalid != nil {
		return it.invalid
	}
	use, known := e.state.used.rows[it.ref]
	if !known && e.state.careful {
		e.state.used.get(it.ref)
		return errMissing
	}
	if use.Seq == 0 {
		return it.decide(e, it)
	}
	if use.Digest != it.digest {
		return fault.Newf(fault.Conflict, it.op(), "%s %q was made before with another content", it.ref.Op, it.ref.Key)
	}
	if h, is := it.order.(*Hold); is { // a repeated request has succeeded, but what was voided since is not held any more
		switch _, _, voided, known := e.past(HoldRef{h.Tenant, h.ID}); {
		case !known:
			return errMissing
		case voided:
			return h.voided()
		}
	}
	return nil
}

// past returns a hold, whether it was ever placed, and whether it was voided, before or after. The record of a hold that was
// resolved long ago is gone; its references stay. It reports false if that is not known yet.
func (e *evaluation) past(ref HoldRef) (record HoldRecord, placed, voided, known bool) {
	record, known = e.state.holds.get(ref)
	if record.State != "" && record.State != HoldOpen && e.rules.outlived(record.Resolved, e.now) {
		record = HoldRecord{} // whether it was purged already, or is known from before
	}
	if !known || record.State != "" {
		return record, record.Payer != "", record.State == HoldVoided, known
	}
	hold, known := e.state.used.get(Reference{ref.Tenant, OpHold, string(ref.ID)})
	void, also := e.state.used.get(Reference{ref.Tenant, OpVoid, string(ref.ID)})
	return record, hold.Seq > 0, void.Seq > 0, known && also
}

// line is a posting that is not done yet.
func line(tenant principal.Tenant, account Account, kind Kind, amount Amount) Posting {
	return Posting{SubAccount: SubAccount{tenant, account, kind}, Amount: amount}
}

// post adds a movement, or returns why it cannot be. Postings of nothing are left out.
func (e *evaluation) post(it *item, m Movement, postings ...Posting) error {
	known := true
	for _, p := range postings {
		if _, is := e.state.lines.get(p.SubAccount); !is {
			known = false
		}
	}
	if !known {
		return errMissing
	}
	e.state.head.Last++
	m.Seq, m.Reference, m.Digest, m.Creator, m.At = e.state.head.Last, it.ref, it.digest, it.creator, e.now
	m.Postings = make([]Posting, 0, len(postings))
	sum := Amount(0)
	for _, p := range postings {
		if p.Amount == 0 {
			continue
		}
		sum += p.Amount
		if err := e.apply(it, m.Seq, &p); err != nil {
			return err
		}
		m.Postings = append(m.Postings, p)
	}
	if sum != 0 {
		return fault.Newf(fault.Internal, it.op(), "postings add up to %s", sum)
	}
	e.movements = append(e.movements, m)
	e.state.used.set(it.ref, Use{Seq: m.Seq, Digest: it.digest})
	return nil
}

// apply moves one balance and completes its posting.
func (e *evaluation) apply(it *item, seq int64, p *Posting) error {
	row := e.state.lines.rows[p.SubAccount]
	after, err := row.Balance.Add(p.Amount)
	switch {
	case err != nil:
		return fault.Wrap(it.op(), err)
	case p.Kind == KindMint && after > 0:
		return fault.Newf(fault.Internal, it.op(), "more would be burned than was minted")
	case after < 0 && p.Kind != KindMint:
		return fault.Newf(fault.Insufficient, it.op(), "account %q has %s FOG %s, %s asked", p.Account, row.Balance, p.Kind, -p.Amount)
	}
	fresh := row.Number == 0
	if fresh {
		e.state.last++
		row.Number, row.Creator = e.state.last, it.creator
		if p.Kind == KindAvailable {
			e.state.count(p.Tenant, countAccounts, 1, 0)
		}
	}
	row.Balance, row.Seq, row.Updated = after, seq, e.now
	if fresh {
		e.fresh = append(e.fresh, LineChange{p.SubAccount, row})
	}
	e.state.lines.set(p.SubAccount, row)
	p.After, p.Number = after, row.Number
	return nil
}

// giveBack returns what remains of an open hold to its payer and closes it.
func (e *evaluation) giveBack(it *item, record HoldRecord, state HoldState) error {
	rest := record.Remaining()
	err := e.post(it, Movement{Owner: record.Payer, Hold: record.ID},
		line(record.Tenant, record.Payer, KindHeld, -rest), line(record.Tenant, record.Payer, KindAvailable, rest))
	if err != nil {
		return err
	}
	record.Returned, record.State = record.Returned+rest, state
	e.keep(record)
	return nil
}

// keep stores a hold's new state; an open hold of which nothing remains is settled.
func (e *evaluation) keep(h HoldRecord) {
	ref := HoldRef{h.Tenant, h.ID}
	before := e.state.holds.rows[ref]
	if h.State == HoldOpen && h.Remaining() == 0 {
		h.State = HoldSettled
	}
	if h.State != HoldOpen && h.Resolved.IsZero() {
		h.Resolved = e.now
	}
	if open, was := h.State == HoldOpen, before.State == HoldOpen; open && !was {
		e.state.count(h.Tenant, countHolds, 1, 0)
	} else if was && !open {
		e.state.count(h.Tenant, countHolds, -1, 0)
	}
	e.state.holds.set(ref, h)
}

// finish collects what has changed, in order, and seals the movements into a block.
func (e *evaluation) finish() Changes {
	s := e.state
	c := Changes{Was: e.was, At: e.now, Fresh: e.fresh, Movements: e.movements, Verdicts: e.verdicts}
	for ref := range s.holds.changed {
		c.Holds = append(c.Holds, s.holds.rows[ref])
		c.Facts = append(c.Facts, journal.Fact{Topic: TopicHold, ID: string(ref.ID), Version: s.head.Last})
	}
	slices.SortFunc(c.Holds, func(a, b HoldRecord) int {
		return cmp.Or(cmp.Compare(a.Tenant, b.Tenant), cmp.Compare(a.ID, b.ID))
	})
	for ref := range s.records.changed {
		record := s.records.rows[ref]
		record.ready = nil
		c.Records = append(c.Records, record)
	}
	slices.SortFunc(c.Records, func(a, b Record) int { return a.compare(b.RecordRef) })
	for ref, before := range s.recent.changed {
		c.Points = append(c.Points, s.recent.rows[ref][len(before):]...)
	}
	slices.SortFunc(c.Points, func(a, b Point) int { return a.compare(b.PointRef) })
	e.total()
	for key := range s.sums.changed {
		if add := s.sums.rows[key]; add != 0 {
			c.Tally = append(c.Tally, TallyChange{Tenant: key.tenant, Count: key.count, Add: add})
		}
	}
	slices.SortFunc(c.Tally, TallyChange.compare)
	c.Seal()
	s.head = c.Head
	return c
}

// total counts what was moved.
func (e *evaluation) total() {
	type sums struct {
		movements int64
		kinds     [len(codes)]Amount
	}
	tenants := map[principal.Tenant]*sums{}
	for i := range e.movements {
		m := &e.movements[i]
		sum := tenants[m.Tenant]
		if sum == nil {
			sum = &sums{}
			tenants[m.Tenant] = sum
		}
		sum.movements++
		for _, p := range m.Postings {
			sum.kinds[codeOf(p.Kind)] += p.Amount
		}
	}
	for tenant, sum := range tenants {
		e.state.count(tenant, countMovements, sum.movements, 0)
		for kind, code := range kinds() {
			e.state.count(tenant, sumOf(kind), int64(sum.kinds[code]), 0)
		}
	}
}

// Seal makes the block of the movements, and the head behind it.
func (c *Changes) Seal() {
	c.Head = c.Was
	if len(c.Movements) == 0 {
		return
	}
	leaves := make([]chain.Hash, len(c.Movements))
	var columns []byte
	for i := range c.Movements {
		m := &c.Movements[i]
		m.body = m.Body()
		columns = m.columns(columns[:0])
		leaves[i] = chain.LeafHash(columns, m.body)
	}
	c.Block.Header = chain.Header{
		First: c.Movements[0].Seq, Last: c.Movements[len(leaves)-1].Seq, At: c.At.UnixMicro(), Root: chain.Root(leaves),
	}
	c.Block.Hash = chain.Link(c.Was.Hash, c.Block.Header)
	c.Head = chain.Head{Last: c.Block.Last, Hash: c.Block.Hash}
}

// Empty reports whether there is nothing to write.
func (c Changes) Empty() bool { return len(c.Movements)+len(c.Verdicts)+len(c.Records) == 0 }

// verdictOf writes an answer in the form of the request table.
func verdictOf(id RequestID, err error, at time.Time) Verdict {
	if err == nil {
		return Verdict{ID: id, At: at, OK: true}
	}
	return Verdict{
		ID: id, At: at, Kind: fault.KindOf(err), Op: opOf(err), Field: fault.FieldOf(err), Detail: fault.Detail(err),
	}
}
