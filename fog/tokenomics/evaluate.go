package tokenomics

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
	"github.com/fogcompute/fogcompute/fog/internal/journal"
	"github.com/fogcompute/fogcompute/fog/principal"
)

// item is a request in a batch.
type item struct {
	Request
	id RequestID // in the request table; 0: the caller waits in this process
}

// evaluation decides a batch, item by item, on a state that it moves along. It has no clock, no store and no goroutine:
// the same state and items give the same changes and verdicts, however the items are divided into batches.
type evaluation struct {
	state   Loaded // of the store, then after each item
	now     time.Time
	changes Changes
	lines   map[SubAccount]LineChange
	holds   map[HoldRef]HoldRecord
	tally   map[tallyKey]int64
}

type tallyKey struct {
	tenant principal.Tenant
	count  Count
}

// evaluate decides items in order. A rejected item leaves no trace but its verdict.
func evaluate(state Loaded, items []item, now time.Time) (Changes, []error) {
	e := evaluation{
		state: Loaded{
			Head: state.Head, Lines: cloned(state.Lines), Holds: cloned(state.Holds), Digests: cloned(state.Digests),
			Waiting: cloned(state.Waiting),
		},
		now:     now.UTC().Truncate(time.Microsecond),
		changes: Changes{Was: state.Head, Head: state.Head},
		lines:   map[SubAccount]LineChange{},
		holds:   map[HoldRef]HoldRecord{},
		tally:   map[tallyKey]int64{},
	}
	verdicts := make([]error, len(items))
	for i, it := range items {
		if it.id != 0 && !e.state.Waiting[it.id] {
			continue // another batch has decided it meanwhile: its caller must hear that verdict and no other
		}
		verdicts[i] = e.check(it)
		if it.id != 0 {
			delete(e.state.Waiting, it.id)
			e.changes.Verdicts = append(e.changes.Verdicts, verdictOf(it.id, verdicts[i], e.now))
		}
	}
	return e.finish(), verdicts
}

// cloned is maps.Clone that never returns nil.
func cloned[K comparable, V any](m map[K]V) map[K]V {
	if m == nil {
		return map[K]V{}
	}
	return maps.Clone(m)
}

// check decides an item. One from the request table was validated by another program, perhaps by other rules.
func (e *evaluation) check(it item) error {
	if it.id != 0 {
		if err := it.validate(); err != nil {
			return err
		}
	}
	return e.decide(it.Request)
}

// decide carries one request out, or returns why not.
func (e *evaluation) decide(r Request) error {
	ref := r.Reference()
	if used, known := e.state.Digests[ref]; known {
		if used == r.digest() || ref.Op == OpGenesis {
			return e.repeated(r)
		}
		return fault.Newf(fault.Conflict, "tokenomics."+string(ref.Op), "%s %q was made before with another content", ref.Op, ref.Key)
	}
	switch ref.Op {
	case OpHold:
		return e.hold(r)
	case OpCapture:
		return e.capture(r)
	case OpVoid:
		return e.void(r)
	case OpTransfer:
		return e.transfer(r)
	default:
		return e.genesis(r)
	}
}

// repeated answers a request that has been carried out before: with the same success, except that a hold which was
// voided since no longer holds anything.
func (e *evaluation) repeated(r Request) error {
	if r.Hold != nil {
		return e.refuseVoided(r.Hold)
	}
	return nil
}

// refuseVoided refuses a hold after its void, whether the void came before it or later.
func (e *evaluation) refuseVoided(h *Hold) error {
	if _, voided := e.state.Digests[Reference{h.Tenant, OpVoid, string(h.ID)}]; voided {
		return fault.Newf(fault.Conflict, "tokenomics.hold", "hold %q was voided", h.ID)
	}
	return nil
}

func (e *evaluation) hold(r Request) error {
	h := r.Hold
	if err := e.refuseVoided(h); err != nil {
		return err
	}
	err := e.post(r, Movement{Owner: h.Payer, Hold: h.ID},
		Posting{SubAccount: SubAccount{h.Tenant, h.Payer, KindAvailable}, Amount: -h.Amount},
		Posting{SubAccount: SubAccount{h.Tenant, h.Payer, KindHeld}, Amount: h.Amount})
	if err != nil {
		return err
	}
	e.keep(HoldRecord{
		ID: h.ID, Tenant: h.Tenant, Payer: h.Payer, Creator: r.Creator, Amount: h.Amount, State: HoldOpen, Created: e.now,
	})
	return nil
}

func (e *evaluation) capture(r Request) error {
	const op = "tokenomics.capture"
	c := r.Capture
	record, known := e.state.Holds[HoldRef{c.Tenant, c.Hold}]
	_, placed := e.state.Digests[Reference{c.Tenant, OpHold, string(c.Hold)}]
	_, voided := e.state.Digests[Reference{c.Tenant, OpVoid, string(c.Hold)}]
	switch {
	case voided:
		return fault.Newf(fault.Conflict, op, "hold %q was voided", c.Hold)
	case !known && placed:
		return fault.Newf(fault.Conflict, op, "hold %q was settled long ago", c.Hold)
	case !known:
		return fault.Newf(fault.NotFound, op, "hold %q not found", c.Hold)
	}
	total := Amount(0)
	postings := make([]Posting, 1, len(c.To)+2)
	for _, share := range c.To {
		total += share.Amount // bounded: the request has been validated
		postings = append(postings, Posting{SubAccount: SubAccount{c.Tenant, share.Account, KindAvailable}, Amount: share.Amount})
	}
	if total > record.Remaining() {
		return fault.Newf(fault.Insufficient, op, "hold %q has %s FOG left, %s asked", c.Hold, record.Remaining(), total)
	}
	rest := Amount(0)
	if c.Final {
		rest = record.Remaining() - total
		postings = append(postings, Posting{SubAccount: SubAccount{c.Tenant, record.Payer, KindAvailable}, Amount: rest})
	}
	postings[0] = Posting{SubAccount: SubAccount{c.Tenant, record.Payer, KindHeld}, Amount: -total - rest}
	if err := e.post(r, Movement{Owner: record.Payer, Hold: c.Hold}, postings...); err != nil {
		return err
	}
	record.Captured += total
	record.Returned += rest
	e.keep(record)
	e.count(c.Tenant, countCaptures, 1, true)
	e.count(c.Tenant, countVolume, int64(total), true)
	return nil
}

func (e *evaluation) void(r Request) error {
	v := r.Void
	record, known := e.state.Holds[HoldRef{v.Tenant, v.Hold}]
	_, placed := e.state.Digests[Reference{v.Tenant, OpHold, string(v.Hold)}]
	switch {
	case placed && (!known || record.State != HoldOpen):
		return nil // nothing is left to give back
	case !placed:
		if err := e.post(r, Movement{Owner: r.Owner(), Hold: v.Hold}); err != nil {
			return err
		}
		e.keep(HoldRecord{ID: v.Hold, Tenant: v.Tenant, Creator: r.Creator, State: HoldVoided, Created: e.now})
		return nil
	}
	rest := record.Remaining()
	err := e.post(r, Movement{Owner: record.Payer, Hold: v.Hold},
		Posting{SubAccount: SubAccount{v.Tenant, record.Payer, KindHeld}, Amount: -rest},
		Posting{SubAccount: SubAccount{v.Tenant, record.Payer, KindAvailable}, Amount: rest})
	if err != nil {
		return err
	}
	record.Returned, record.State = record.Returned+rest, HoldVoided
	e.keep(record)
	return nil
}

func (e *evaluation) transfer(r Request) error {
	t := r.Transfer
	return e.post(r, Movement{Owner: t.From, Memo: t.Memo},
		Posting{SubAccount: SubAccount{t.Tenant, t.From, KindAvailable}, Amount: -t.Amount},
		Posting{SubAccount: SubAccount{t.Tenant, t.To, KindAvailable}, Amount: t.Amount})
}

func (e *evaluation) genesis(r Request) error {
	g := r.genesis
	return e.post(r, Movement{Owner: Mint},
		Posting{SubAccount: SubAccount{g.tenant, Mint, KindMint}, Amount: -g.amount},
		Posting{SubAccount: SubAccount{g.tenant, g.to, KindAvailable}, Amount: g.amount})
}

// post adds a movement, or returns why it cannot be without having changed anything. Postings of nothing are left out.
func (e *evaluation) post(r Request, m Movement, postings ...Posting) error {
	sum := Amount(0)
	after := make(map[SubAccount]Amount, len(postings))
	for _, p := range postings {
		if p.Amount == 0 {
			continue
		}
		sum += p.Amount
		was, seen := after[p.SubAccount]
		if !seen {
			was = e.state.Lines[p.SubAccount].Balance
		}
		now, err := was.Add(p.Amount)
		if err != nil {
			return fault.Wrap("tokenomics."+string(r.Op()), err)
		}
		if now < 0 && p.Kind != KindMint {
			return fault.Newf(fault.Insufficient, "tokenomics."+string(r.Op()), "account %q has %s FOG %s, %s asked",
				p.Account, was, p.Kind, -p.Amount)
		}
		after[p.SubAccount], p.After = now, now
		m.Postings = append(m.Postings, p)
	}
	if sum != 0 {
		return fault.Newf(fault.Internal, "tokenomics."+string(r.Op()), "postings add up to %s", sum)
	}
	e.apply(r, m)
	return nil
}

// apply moves the state along by a movement that is in order.
func (e *evaluation) apply(r Request, m Movement) {
	e.changes.Head++
	m.Seq, m.Reference, m.Digest, m.Creator, m.At = e.changes.Head, r.Reference(), r.digest(), r.Creator, e.now
	e.changes.Movements = append(e.changes.Movements, m)
	e.state.Digests[m.Reference] = m.Digest
	e.count(m.Tenant, countMovements, 1, false)
	for _, p := range m.Postings {
		_, known := e.state.Lines[p.SubAccount]
		change, changed := e.lines[p.SubAccount]
		if !changed {
			change = LineChange{SubAccount: p.SubAccount, Creator: r.Creator, Fresh: !known}
		}
		if !known && p.Kind == KindAvailable {
			e.count(m.Tenant, countAccounts, 1, false)
		}
		change.Line = Line{Balance: p.After, Updated: e.now}
		e.lines[p.SubAccount], e.state.Lines[p.SubAccount] = change, change.Line
		e.count(m.Tenant, sumOf(p.Kind), int64(p.Amount), false)
	}
}

// keep stores a hold's new state; a hold of which nothing remains is settled, unless it was voided.
func (e *evaluation) keep(h HoldRecord) {
	ref := HoldRef{h.Tenant, h.ID}
	before, existed := e.state.Holds[ref]
	wasOpen := existed && before.State == HoldOpen
	if h.State == HoldOpen && h.Remaining() == 0 {
		h.State = HoldSettled
	}
	isOpen := h.State == HoldOpen
	if !isOpen && h.Resolved.IsZero() {
		h.Resolved = e.now
	}
	switch {
	case isOpen && !wasOpen:
		e.count(h.Tenant, countHolds, 1, false)
	case wasOpen && !isOpen:
		e.count(h.Tenant, countHolds, -1, false)
	}
	e.state.Holds[ref], e.holds[ref] = h, h
}

// count adds to a running sum, and to the one of this hour if hourly.
func (e *evaluation) count(tenant principal.Tenant, name string, add int64, hourly bool) {
	e.tally[tallyKey{tenant, Count{Name: name}}] += add
	if hourly {
		e.tally[tallyKey{tenant, Count{Name: name, Hour: hourOf(e.now)}}] += add
	}
}

// finish brings the changes into their order.
func (e *evaluation) finish() Changes {
	c := e.changes
	c.At = e.now
	c.Lines = slices.SortedFunc(maps.Values(e.lines), func(a, b LineChange) int {
		return cmp.Or(cmp.Compare(a.Tenant, b.Tenant), cmp.Compare(a.Account, b.Account), cmp.Compare(a.Kind, b.Kind))
	})
	c.Holds = slices.SortedFunc(maps.Values(e.holds), func(a, b HoldRecord) int {
		return cmp.Or(cmp.Compare(a.Tenant, b.Tenant), cmp.Compare(a.ID, b.ID))
	})
	for _, h := range c.Holds {
		c.Facts = append(c.Facts, journal.Fact{Topic: TopicHold, ID: string(h.ID), Version: c.Head})
	}
	for key, add := range e.tally {
		if add != 0 {
			c.Tally = append(c.Tally, TallyChange{Tenant: key.tenant, Count: key.count, Add: add})
		}
	}
	slices.SortFunc(c.Tally, func(a, b TallyChange) int {
		return cmp.Or(cmp.Compare(a.Tenant, b.Tenant), cmp.Compare(a.Name, b.Name), cmp.Compare(a.Hour, b.Hour))
	})
	return c
}

// empty reports whether there is nothing to write.
func (c Changes) empty() bool { return len(c.Movements) == 0 && len(c.Verdicts) == 0 }

// wanted lists what the items read and write, without repetition.
func wanted(items []item) Wanted {
	lines := map[SubAccount]bool{}
	holds := map[HoldRef]bool{}
	refs := map[Reference]bool{}
	var requests []RequestID
	for _, it := range items {
		if it.id != 0 {
			requests = append(requests, it.id)
		}
		if it.Op() == "" {
			continue
		}
		ref := it.Reference()
		refs[ref] = true
		switch ref.Op {
		case OpHold:
			lines[SubAccount{ref.Tenant, it.Hold.Payer, KindAvailable}] = true
			lines[SubAccount{ref.Tenant, it.Hold.Payer, KindHeld}] = true
		case OpCapture:
			for _, share := range it.Capture.To {
				lines[SubAccount{ref.Tenant, share.Account, KindAvailable}] = true
			}
		case OpTransfer:
			lines[SubAccount{ref.Tenant, it.Transfer.From, KindAvailable}] = true
			lines[SubAccount{ref.Tenant, it.Transfer.To, KindAvailable}] = true
		case OpGenesis:
			lines[SubAccount{ref.Tenant, Mint, KindMint}] = true
			lines[SubAccount{ref.Tenant, it.genesis.to, KindAvailable}] = true
		}
		if id, concerns := it.holdID(); concerns {
			holds[HoldRef{ref.Tenant, id}] = true
			refs[Reference{ref.Tenant, OpHold, string(id)}] = true
			refs[Reference{ref.Tenant, OpVoid, string(id)}] = true
		}
	}
	return Wanted{
		SubAccounts: slices.Collect(maps.Keys(lines)),
		Holds:       slices.Collect(maps.Keys(holds)),
		References:  slices.Collect(maps.Keys(refs)),
		Requests:    requests,
	}
}

// holdID returns the hold that a request concerns.
func (r Request) holdID() (HoldID, bool) {
	switch {
	case r.Hold != nil:
		return r.Hold.ID, true
	case r.Capture != nil:
		return r.Capture.Hold, true
	case r.Void != nil:
		return r.Void.Hold, true
	}
	return "", false
}

// verdictOf writes an answer in the form of the request table.
func verdictOf(id RequestID, err error, at time.Time) Verdict {
	if err == nil {
		return Verdict{ID: id, At: at, OK: true}
	}
	return Verdict{
		ID: id, At: at, Kind: fault.KindOf(err), Op: opOf(err), Field: fault.FieldOf(err), Detail: fault.Detail(err),
	}
}
