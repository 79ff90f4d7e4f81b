package tokenomics

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"
	"time"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
	"github.com/fogcompute/fogcompute/fog/principal"
)

// Operations of a slash, in the order of its life.
const (
	OpSlash   Op = "slash"   // opens it; its key is the slash
	OpAppeal  Op = "appeal"  // its key is the slash
	OpDismiss Op = "dismiss" // its key is the slash
	OpUphold  Op = "uphold"  // carries it out at once; its key is the slash
	OpExpel   Op = "expel"   // carries it out, or drops it, when its time has come
	OpCut     Op = "cut"     // a step of carrying it out
)

// ClassSlash has a record for each slash, kept for ever; its owner is the operator, its key the slash, its state a SlashState.
const ClassSlash Class = "slash"

// maxSlashes is how many slashes of one operator may be open.
const maxSlashes = 16

// FaultKind says what an operator has done.
type FaultKind string

const (
	// FaultSLA is a promise of service that was broken.
	FaultSLA FaultKind = "sla"
	// FaultBadResult is a result that was proven wrong.
	FaultBadResult FaultKind = "bad_result"
)

// SlashState is where a slash is in its life:
//
//	         window over                  all have paid
//	open -----------------> executing --------------------> done
//	  | \                     ^
//	  |  \ Appeal   Uphold    |
//	  |   \-----> appealed ---+
//	  | Dismiss      |
//	  v              | Dismiss, or nobody decides in time
//	dismissed <------+
type SlashState string

// States of a slash.
const (
	SlashOpen      SlashState = "open"      // the operator may appeal
	SlashAppealed  SlashState = "appealed"  // the house decides; if it does not, the slash is dismissed
	SlashExecuting SlashState = "executing" // the pool has paid; what has left it pays step by step
	SlashDone      SlashState = "done"
	SlashDismissed SlashState = "dismissed"
)

// SlashEvidence says that an operator has done wrong, and opens a slash: after Economics.AppealWindow it takes a part of the
// operator's pool, and of what has left the pool since the fault and is not paid back. The harmed payer gets its loss first, then
// the insurance its part, and the rest is burned. Nobody outside the pool loses anything. It is idempotent by ID, and needs
// the operator's right of the house.
type SlashEvidence struct {
	ID       string           `json:"id"`       // 1 to 200 characters
	Tenant   principal.Tenant `json:"tenant"`   // empty: the caller's
	Operator Account          `json:"operator"` // of the pool
	Kind     FaultKind        `json:"kind"`
	At       time.Time        `json:"at"`               // of the fault: not after now, and not longer ago than Economics.Unbonding
	Part     int              `json:"bp"`               // of the stake, in basis points, at most 10,000; Economics.SlashCap bounds it. 0: Economics.BadResult or SLA
	Harmed   Account          `json:"harmed,omitempty"` // who is compensated, not the operator; empty: nobody
	Loss     Amount           `json:"loss,omitempty"`   // the most that is compensated; 0: no limit but Economics.Compensation
	Detail   string           `json:"detail,omitempty"` // at most 256 characters
}

var _ order = (*SlashEvidence)(nil)

func (r *SlashEvidence) reference() Reference { return Reference{r.Tenant, OpSlash, r.ID} }

func (r *SlashEvidence) owner() Account { return Account(principal.Operator) }

func (r *SlashEvidence) within(tenant principal.Tenant) Request {
	c := *r
	c.Tenant = cmp.Or(c.Tenant, tenant)
	return Request{SlashEvidence: &c}
}

func (r *SlashEvidence) validate(op string) error {
	err := first(
		checkName(op, "tenant", string(r.Tenant), maxName),
		checkName(op, "id", r.ID, maxKey),
		checkName(op, "operator", string(r.Operator), maxName),
		checkText(op, "harmed", string(r.Harmed), maxName),
		checkAmount(op, "loss", r.Loss, 0),
		checkText(op, "detail", r.Detail, maxMemo))
	switch {
	case err != nil:
		return err
	case r.Kind != FaultSLA && r.Kind != FaultBadResult:
		return fault.Field(op, "kind", "must be %q or %q", FaultSLA, FaultBadResult)
	case !stored(r.At):
		return fault.Field(op, "at", "must be after 1970 and before the year 10000, in whole microseconds")
	case r.Part < 0 || r.Part > whole:
		return fault.Field(op, "bp", "must be from 1 to %d basis points, or 0 for what the parameters say", whole)
	case r.Harmed == r.Operator:
		return fault.Field(op, "harmed", "must not be the operator")
	}
	return nil
}

func (r *SlashEvidence) body(b *body) {
	b.text(string(r.Operator))
	b.text(string(r.Kind))
	b.number(r.At.UnixMicro())
	b.number(int64(r.Part))
	b.text(string(r.Harmed))
	b.number(int64(r.Loss))
	b.text(r.Detail)
}

func (r *SlashEvidence) decide(e *evaluation, it *item) error {
	s, err := e.stakes(it)
	if err != nil {
		return err
	}
	switch limit := s.economy.at(r.At).Unbonding; {
	case r.At.After(e.now):
		return fault.Field(it.op(), "at", "must not be later than now")
	case e.now.Sub(r.At) > limit:
		return fault.Field(it.op(), "at", "must not be longer ago than %s", limit)
	}
	p, err := s.pool(r.Operator)
	if err != nil {
		return err
	}
	switch {
	case !e.state.records.rows[RecordRef{r.Tenant, ClassPool, string(r.Operator)}].exists():
		return fault.Newf(fault.NotFound, it.op(), "nothing was ever staked with %q", r.Operator)
	case len(p.Slashes) >= maxSlashes:
		return fault.Newf(fault.Conflict, it.op(), "%d slashes of %q are not finished", maxSlashes, r.Operator)
	}
	evidence := *r
	if evidence.Part = cmp.Or(r.Part, s.economy.at(r.At).penalty(r.Kind)); evidence.Part == 0 {
		return fault.Newf(fault.Conflict, it.op(), "nothing is lost for a fault of kind %q, by the parameters of that moment: say how much", r.Kind)
	}
	c, err := row[slash](s, ClassSlash, r.ID)
	if err != nil {
		return err
	}
	due := e.now.Add(s.economy.now.AppealWindow)
	*c = slash{SlashEvidence: evidence, State: SlashOpen, Due: due, Opened: e.now}
	p.Slashes = append(p.Slashes, cut{ID: r.ID, Fault: r.At.UTC(), Due: due})
	detail, err := json.Marshal(evidence)
	if err != nil {
		return fault.Newf(fault.Internal, it.op(), "%v", err)
	}
	return s.settle(Movement{Owner: r.owner(), Detail: detail})
}

// penalty is what a pool loses for a fault, in basis points, where the evidence does not say.
func (c Economics) penalty(kind FaultKind) int {
	if kind == FaultSLA {
		return c.SLA
	}
	return c.BadResult
}

// slash is a slash as its record keeps it.
type slash struct {
	SlashEvidence
	State   SlashState `json:"state"`
	Opened  time.Time  `json:"opened"`
	Due     time.Time  `json:"due,omitzero"`      // when its state ends by itself
	Appeal  string     `json:"appeal,omitempty"`  // what the operator says
	Verdict string     `json:"verdict,omitempty"` // what the house says
	Applied int        `json:"applied,omitempty"` // basis points that the cap has left

	Taken       Amount `json:"taken"` // so far: the sum of the next three
	Compensated Amount `json:"compensated"`
	Insured     Amount `json:"insured"`
	Burned      Amount `json:"burned"`

	Phase  int    `json:"phase,omitempty"`  // of executing: which class pays
	Cursor string `json:"cursor,omitempty"` // of executing: the latest key of that class that has paid
}

func (c *slash) describe(r *Record) bool {
	r.Owner, r.State, r.Due = c.Operator, string(c.State), c.Due
	return c.State != ""
}

// cut is a slash in the record of the pool that it is about, until everything that it reaches has paid.
type cut struct {
	ID    string    `json:"id"`
	Fault time.Time `json:"fault"`         // what had left the pool by then is not reached
	Due   time.Time `json:"due"`           // when it is decided, at the latest
	Seq   int64     `json:"seq,omitempty"` // of the movement that has cut the pool; 0: not yet
	Part  int       `json:"bp,omitempty"`  // basis points that the cap has left
}

// lookAgain is how often the ledger looks whether a slash still keeps what has matured: it may be dismissed any time.
const lookAgain = time.Hour

// holds returns when to look again whether slashes that are not decided keep what has left the pool at some time; zero if none
// does.
func (p *pool) holds(left, now time.Time) (until time.Time) {
	for _, c := range p.Slashes {
		if c.Seq > 0 || !c.Fault.Before(left) {
			continue
		}
		until = later(until, later(c.Due, now.Add(time.Second)))
		if most := now.Add(lookAgain); until.After(most) {
			until = most
		}
	}
	return until
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// slash reads a slash that must exist, and its place in the pool. Errors: NotFound, errMissing.
func (s *stakes) slash(id string) (*slash, *pool, *cut, error) {
	c, err := row[slash](s, ClassSlash, id)
	if err != nil {
		return nil, nil, nil, err
	}
	if c.State == "" {
		return nil, nil, nil, fault.Newf(fault.NotFound, s.it.op(), "slash %q not found", id)
	}
	p, err := s.pool(c.Operator)
	if err != nil {
		return nil, nil, nil, err
	}
	at := slices.IndexFunc(p.Slashes, func(c cut) bool { return c.ID == id })
	if at < 0 {
		return c, p, &cut{}, nil
	}
	return c, p, &p.Slashes[at], nil
}

// in requires a slash to be in a state whose time is not over.
func (s *stakes) in(c *slash, states ...SlashState) error {
	if !slices.Contains(states, c.State) {
		return fault.Newf(fault.Conflict, s.it.op(), "slash %q is %s", c.ID, c.State)
	}
	if !s.e.now.Before(c.Due) {
		return fault.Newf(fault.Conflict, s.it.op(), "the time for this is over for slash %q since %s", c.ID, c.Due.Format(time.RFC3339))
	}
	return nil
}

// drop ends a slash without effect.
func (s *stakes) drop(c *slash, p *pool) {
	c.State, c.Due = SlashDismissed, time.Time{}
	p.Slashes = slices.DeleteFunc(p.Slashes, func(x cut) bool { return x.ID == c.ID })
}

// SlashEvidence opens slashes in one commit and answers each by itself: nil (open, now or before), NotFound (nothing was ever
// staked with the operator), Conflict (another slash has this ID, or too many are open), Invalid, or Denied: it is the house's. An
// error for all of them leaves the outcome open when it is Unavailable: ask again with the same IDs.
func (t *Tokenomics) SlashEvidence(ctx context.Context, evidence []SlashEvidence) ([]error, error) {
	requests := make([]Request, len(evidence))
	for i := range evidence {
		requests[i].SlashEvidence = &evidence[i]
	}
	return t.Post(ctx, requests)
}

// Slash is a slash as it stands.
type Slash struct {
	SlashEvidence
	State   SlashState
	Opened  time.Time
	Due     time.Time // when its state ends by itself; zero: never
	Appeal  string    // what the operator says
	Verdict string    // what the house says
	Applied int       // basis points that the cap has left; 0 until it is carried out

	Taken, Compensated, Insured, Burned Amount // so far; the first is the sum of the others
}

// Slashed returns a slash of the caller's tenant; it is the operator's whose pool it is about, and the house's. Errors: NotFound,
// Invalid, Denied, Unavailable.
func (t *Tokenomics) Slashed(ctx context.Context, id string) (Slash, error) {
	const op = "tokenomics.slashed"
	if err := checkName(op, "id", id, maxKey); err != nil {
		return Slash{}, err
	}
	who := principal.From(ctx)
	ref := RecordRef{who.Tenant, ClassSlash, id}
	loaded, err := t.store.Load(ctx, Wanted{Records: []RecordRef{ref}})
	if err != nil {
		return Slash{}, fault.Wrap(op, err)
	}
	record := loaded.Records[ref]
	resource := principal.Resource{Kind: "slash", ID: id, Tenant: who.Tenant, Owner: principal.Account(record.Owner)}
	if err := t.config.Authorize.Authorize(ctx, who, "tokenomics.read", resource); err != nil {
		return Slash{}, fault.Wrap(op, err)
	}
	if !record.exists() {
		return Slash{}, fault.Newf(fault.NotFound, op, "slash %q not found", id)
	}
	return slashOf(record)
}

// slashOf reads the record of a slash.
func slashOf(record Record) (Slash, error) {
	var c slash
	if err := decodeRecord(record, &c); err != nil {
		return Slash{}, err
	}
	return Slash{
		SlashEvidence: c.SlashEvidence, State: c.State, Opened: c.Opened, Due: c.Due, Appeal: c.Appeal, Verdict: c.Verdict,
		Applied: c.Applied, Taken: c.Taken, Compensated: c.Compensated, Insured: c.Insured, Burned: c.Burned,
	}, nil
}

// SlashPage is a part of the list of slashes, in the order of their IDs.
type SlashPage struct {
	Slashes []Slash
	Next    string // cursor of the next page; empty: this was the last
}

// Slashes lists the slashes of an operator of the caller's tenant. Those of all operators, of the empty one, are the house's. A limit of
// 0 means 100, more than 1000 means 1000. Errors: Invalid, Denied, Unavailable.
func (t *Tokenomics) Slashes(ctx context.Context, operator Account, cursor string, limit int) (SlashPage, error) {
	const op = "tokenomics.slashes"
	err := checkText(op, "cursor", cursor, maxKey)
	switch {
	case err != nil:
	case operator == "":
		err = t.operates(ctx, op)
	default:
		_, _, err = t.reader(ctx, op, operator)
	}
	if err != nil {
		return SlashPage{}, err
	}
	records, more, err := t.members(ctx, op, RecordQuery{Class: ClassSlash, Owner: operator, After: cursor}, limit)
	if err != nil {
		return SlashPage{}, err
	}
	page := SlashPage{Slashes: make([]Slash, len(records))}
	for i, r := range records {
		if page.Slashes[i], err = slashOf(r); err != nil {
			return SlashPage{}, fault.Wrap(op, err)
		}
		if more {
			page.Next = r.Key
		}
	}
	return page, nil
}
