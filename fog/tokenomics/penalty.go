package tokenomics

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"time"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
	"github.com/fogcompute/fogcompute/fog/principal"
)

const (
	pageKeys  = 32 // records that one step of a slash touches
	pageSteps = 16 // steps of one slash in one sweep
)

// phases are the classes that a slash works through after it has cut the pool: what has left pays, then what is still there gets
// its new value and power.
var phases = [...]Class{ClassUnbonding, ClassRedelegation, ClassPosition}

// strike cuts the pool of a slash. What has left it pays in steps, or when it is touched.
func (s *stakes) strike(c *slash, p *pool, entry *cut) error {
	economics := s.economy.at(c.At)
	if s.e.now.Sub(p.Window) >= economics.SlashWindow {
		p.Window, p.Lost = s.e.now, 0
	}
	c.Applied = max(min(c.Part, economics.SlashCap-p.Lost), 0)
	p.Lost += c.Applied
	entry.Part, entry.Seq = c.Applied, s.e.state.head.Last+1
	c.State, c.Due = SlashExecuting, s.e.now
	if err := s.collect(p); err != nil {
		return err
	}
	stake, taken, err := p.Stake.Cut(c.Applied)
	if err != nil {
		return fault.Wrap(s.it.op(), err)
	}
	s.forfeit(c, Amount(taken), SubAccount{s.tenant, c.Operator, KindStaked})
	return s.weigh(p, stake)
}

// forfeit posts what is taken from a sub-account by a slash: to the harmed payer, to the insurance, and to the mint.
func (s *stakes) forfeit(c *slash, amount Amount, from SubAccount) {
	economics, compensated := s.economy.at(c.At), Amount(0)
	if c.Harmed != "" {
		most := economics.Compensation
		if c.Loss > 0 {
			most = min(most, c.Loss)
		}
		compensated = max(min(amount, most-c.Compensated), 0)
	}
	insured := partUp(amount-compensated, economics.InsurancePart)
	burned := amount - compensated - insured
	c.Taken, c.Compensated, c.Insured, c.Burned = c.Taken+amount, c.Compensated+compensated, c.Insured+insured, c.Burned+burned
	s.post(line(s.tenant, from.Account, from.Kind, -amount), line(s.tenant, Insurance, KindAvailable, insured),
		line(s.tenant, Mint, KindMint, burned))
	if c.Harmed != "" {
		s.post(line(s.tenant, c.Harmed, KindAvailable, compensated))
	}
}

// reaching lists the slashes that have cut a pool and that reach what a movement took out of it at some time, and which has paid
// up to the movement paid, in their order.
func (p *pool) reaching(left time.Time, seq, paid int64) []cut {
	reaching := slices.DeleteFunc(slices.Clone(p.Slashes), func(c cut) bool {
		return c.Seq <= max(seq, paid) || !c.Fault.Before(left)
	})
	slices.SortFunc(reaching, func(a, b cut) int { return cmp.Compare(a.Seq, b.Seq) })
	return reaching
}

// cutUnbonding lets an entry pay for the slashes that reach it.
func (s *stakes) cutUnbonding(p *pool, u *unbonding) error {
	for _, reached := range p.reaching(u.Created, u.Seq, u.Cut) {
		c, err := row[slash](s, ClassSlash, reached.ID)
		if err != nil {
			return err
		}
		lost := partUp(Amount(u.Amount), reached.Part)
		u.Amount, u.Cut = u.Amount-int64(lost), reached.Seq
		s.forfeit(c, lost, SubAccount{s.tenant, u.Operator, KindUnbonding})
	}
	return nil
}

// cutMoved lets a redelegation pay for the slashes of the operator that was left: out of the position that the stake has come to, then
// out of what the account has taken out of there since.
func (s *stakes) cutMoved(p *pool, d *redelegation) error {
	for _, reached := range p.reaching(d.Created, d.Seq, d.Cut) {
		c, err := row[slash](s, ClassSlash, reached.ID)
		if err != nil {
			return err
		}
		lost := partUp(Amount(d.Amount), reached.Part)
		paid, err := s.payStaked(c, d, lost)
		if err != nil {
			return err
		}
		more, err := s.payUnbonding(c, d, lost-paid)
		if err != nil {
			return err
		}
		d.Amount, d.Cut = d.Amount-int64(paid+more), reached.Seq
	}
	return nil
}

// payStaked takes an amount, or what there is of it, out of the position that a redelegation has come to.
func (s *stakes) payStaked(c *slash, d *redelegation, amount Amount) (Amount, error) {
	p, pos, err := s.pair(d.Target, d.Account)
	if err != nil {
		return 0, err
	}
	amount = min(amount, Amount(p.Stake.Value(int64(pos.Share.Weight))))
	if amount == 0 {
		return 0, nil
	}
	if _, err := s.exit(p, pos, amount); err != nil {
		return 0, err
	}
	s.forfeit(c, amount, SubAccount{s.tenant, d.Target, KindStaked})
	return amount, nil
}

// payUnbonding takes an amount, or what there is of it, out of the entries that have left the position since the redelegation has
// come, the newest first.
func (s *stakes) payUnbonding(c *slash, d *redelegation, amount Amount) (paid Amount, err error) {
	_, pos, err := s.pair(d.Target, d.Account)
	if err != nil || amount == 0 {
		return 0, err
	}
	for _, l := range slices.Backward(pos.Unbonding) {
		u, _, _, err := s.entry(l.Key)
		if err != nil {
			return 0, err
		}
		if u == nil || u.Seq < d.Seq {
			continue
		}
		part := min(amount-paid, Amount(u.Amount))
		u.Amount, paid = u.Amount-int64(part), paid+part
		s.forfeit(c, part, SubAccount{s.tenant, d.Target, KindUnbonding})
	}
	return paid, nil
}

// expiration ends the state of a slash whose time is over: without an appeal it is carried out, with one that nobody has decided on
// it is dismissed. The ledger posts it by itself.
type expiration struct {
	slash RecordRef
	at    time.Time // of the sweep
}

var _ order = (*expiration)(nil)

func (x *expiration) reference() Reference {
	return Reference{x.slash.Tenant, OpExpel, stepKey(x.slash, x.at)}
}

func (x *expiration) owner() Account { return Account(principal.Operator) }

func (x *expiration) within(principal.Tenant) Request { return Request{own: x} }

func (x *expiration) validate(string) error { return nil }

func (x *expiration) body(b *body) { b.text(x.slash.Key) }

func (x *expiration) decide(e *evaluation, it *item) error {
	s, err := e.stakes(it)
	if err != nil {
		return err
	}
	c, p, entry, err := s.slash(x.slash.Key)
	switch {
	case err != nil:
		return err
	case c.Due.After(e.now):
		return nil
	case c.State == SlashOpen:
		err = s.strike(c, p, entry)
	case c.State == SlashAppealed:
		s.drop(c, p)
	default:
		return nil
	}
	if err != nil {
		return err
	}
	return s.settle(Movement{Owner: c.Operator})
}

// page is a step of a slash that is carried out: a bounded number of records of one class. The ledger posts it by itself.
type page struct {
	slash RecordRef
	phase int
	after string   // where the slash stands before it
	keys  []string // in order
	last  bool     // the class has no more
}

var _ order = (*page)(nil)

func (x *page) reference() Reference {
	key := strconv.Quote(x.slash.Key) + ":" + strconv.Itoa(x.phase) + ":" + strconv.Quote(x.after)
	return Reference{x.slash.Tenant, OpCut, key}
}

func (x *page) owner() Account { return Account(principal.Operator) }

func (x *page) within(principal.Tenant) Request { return Request{own: x} }

func (x *page) validate(string) error { return nil }

func (x *page) body(*body) {}

func (x *page) decide(e *evaluation, it *item) error {
	s, err := e.stakes(it)
	if err != nil {
		return err
	}
	c, p, _, err := s.slash(x.slash.Key)
	if err != nil || c.State != SlashExecuting || c.Phase != x.phase || c.Cursor != x.after {
		return err
	}
	s.want(phases[x.phase], x.keys...)
	for _, key := range x.keys {
		if err := s.pay(phases[x.phase], key); err != nil {
			return err
		}
		c.Cursor = key
	}
	if x.last {
		c.Phase, c.Cursor = c.Phase+1, ""
	}
	if c.Phase == len(phases) {
		c.State, c.Due = SlashDone, time.Time{}
		p.Slashes = slices.DeleteFunc(p.Slashes, func(x cut) bool { return x.ID == c.ID })
	}
	return s.settle(Movement{Owner: c.Operator})
}

// pay lets a record pay for the slashes that reach it, or gives a position its new value.
func (s *stakes) pay(class Class, key string) error {
	switch class {
	case ClassUnbonding:
		_, _, _, err := s.entry(key)
		return err
	case ClassRedelegation:
		_, _, err := s.moved(key)
		return err
	}
	pos, err := row[position](s, ClassPosition, key)
	if err != nil || pos.Account == "" {
		return err
	}
	p, err := s.pool(pos.Operator)
	if err != nil {
		return err
	}
	return s.value(p, pos)
}

// penalties are the next steps of a slash whose time has come.
func (t *Tokenomics) penalties(ctx context.Context, ref RecordRef, now time.Time) ([]order, error) {
	loaded, err := t.store.Load(ctx, Wanted{Records: []RecordRef{ref}})
	if err != nil || !loaded.Records[ref].exists() {
		return nil, err
	}
	var c slash
	if err := decodeRecord(loaded.Records[ref], &c); err != nil {
		return nil, err
	}
	if c.State != SlashExecuting {
		return []order{&expiration{ref, now}}, nil
	}
	rows, err := t.store.Records(ctx, RecordQuery{
		Tenant: ref.Tenant, Class: phases[c.Phase], Prefix: pairKey(c.Operator, ""), After: c.Cursor, Limit: pageKeys*pageSteps + 1,
	})
	if err != nil {
		return nil, err
	}
	var steps []order
	after := c.Cursor
	for part := range slices.Chunk(rows[:min(len(rows), pageKeys*pageSteps)], pageKeys) {
		step := &page{slash: ref, phase: c.Phase, after: after}
		for _, r := range part {
			step.keys, after = append(step.keys, r.Key), r.Key
		}
		steps = append(steps, step)
	}
	if len(rows) > pageKeys*pageSteps {
		return steps, nil
	}
	if len(steps) == 0 {
		steps = append(steps, &page{slash: ref, phase: c.Phase, after: after})
	}
	steps[len(steps)-1].(*page).last = true
	return steps, nil
}
