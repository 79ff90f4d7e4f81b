package scheduler

import (
	"context"
	"slices"
	"time"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
	"github.com/fogcompute/fogcompute/fog/principal"
)

// Reservation keeps nodes free for one owner from a time on. A job of anybody else is not placed there if it could still
// run by then; what runs there already goes on.
type Reservation struct {
	// ID names the reservation within its tenant, 1 to 128 bytes.
	ID     string
	Tenant principal.Tenant
	// Owner is whose jobs may use the nodes.
	Owner principal.Account
	// Nodes are reserved, and so are those whose labels meet all of Require, unless it is empty.
	Nodes   []NodeID
	Require []Term
	// From and Until bound the time; the zero From is now.
	From, Until time.Time
}

// covers reports whether a node is reserved.
func (r *Reservation) covers(n *Node) bool {
	if r.Tenant != n.Tenant {
		return false
	}
	return slices.Contains(r.Nodes, n.ID) || len(r.Require) > 0 && (&Constraints{Require: r.Require}).admits(n)
}

// bookedFor reports whether the node is kept free for somebody else while the request's job could run.
func (f *fleet) bookedFor(n *Node, q *request) bool {
	for i := range f.booked {
		r := &f.booked[i]
		if r.Owner != q.owner && q.now.Before(r.Until) && q.now.Add(max(q.most, q.job.MaxRuntime)).After(r.From) && r.covers(n) {
			return true
		}
	}
	return false
}

// Reserve saves reservations of the caller's tenant; one with a known identifier is replaced. It is the operator's. Errors are of kind
// Invalid, Denied and Unavailable.
func (s *Scheduler) Reserve(ctx context.Context, reservations []Reservation) error {
	const op = "scheduler.reserve"
	p := principal.From(ctx)
	saved := make([]Reservation, len(reservations))
	for i, r := range reservations {
		if err := s.allowReservation(ctx, p, op, r.ID); err != nil {
			return fault.Wrap(op, err)
		}
		r.Tenant = p.Tenant
		r.From, r.Until = r.From.UTC().Truncate(time.Microsecond), r.Until.UTC().Truncate(time.Microsecond)
		if err := r.validate(s.now()); err != nil {
			return err
		}
		saved[i] = r
	}
	if len(saved) == 0 {
		return nil
	}
	if err := s.cfg.Store.SaveReservations(ctx, saved); err != nil {
		return fault.Wrap(op, err)
	}
	s.marks.changedNodes()
	return nil
}

func (s *Scheduler) allowReservation(ctx context.Context, p principal.Principal, a principal.Action, id string) error {
	return s.cfg.Authorize.Authorize(ctx, p, a, principal.Resource{Kind: "reservation", ID: id, Tenant: p.Tenant})
}

// validate checks what a reservation says.
func (r *Reservation) validate(now time.Time) error {
	const op = "scheduler.reserve"
	switch {
	case r.ID == "" || !isWord(r.ID):
		return fault.Field(op, "id", "want 1 to %d bytes of text", maxWord)
	case r.Owner == "" || !isText(string(r.Owner), maxAccount):
		return fault.Field(op, "owner", "want the account whose jobs may use the nodes")
	case len(r.Nodes)+len(r.Require) == 0:
		return fault.Field(op, "nodes", "want nodes or conditions")
	case len(r.Nodes) > 10_000:
		return fault.Field(op, "nodes", "want at most 10000 nodes: name them by a label")
	case slices.ContainsFunc(r.Nodes, func(n NodeID) bool { return !isWord(string(n)) }):
		return fault.Field(op, "nodes", "want names of at most %d bytes of text", maxWord)
	case !isDate(r.From) || !isDate(r.Until):
		return fault.Field(op, "until", "want years of up to four digits in UTC")
	case !r.Until.After(now) || !r.Until.After(r.From):
		return fault.Field(op, "until", "want a time to come, after from")
	}
	return validateTerms(op, "require", r.Require)
}

// Reservations lists those of the caller's tenant that are not over, ordered by identifier. Errors are of kind Denied and
// Unavailable.
func (s *Scheduler) Reservations(ctx context.Context) ([]Reservation, error) {
	const op = "scheduler.reservations"
	p := principal.From(ctx)
	if err := s.allowReservation(ctx, p, op, ""); err != nil {
		return nil, fault.Wrap(op, err)
	}
	all, err := s.cfg.Store.Reservations(ctx, p.Tenant)
	if err != nil {
		return nil, fault.Wrap(op, err)
	}
	now := s.now()
	return slices.DeleteFunc(all, func(r Reservation) bool { return !r.Until.After(now) }), nil
}

// CancelReservations deletes reservations of the caller's tenant; unknown ones are ignored. Errors are of kind Denied and
// Unavailable.
func (s *Scheduler) CancelReservations(ctx context.Context, ids []string) error {
	const op = "scheduler.cancel_reservations"
	p := principal.From(ctx)
	for _, id := range ids {
		if err := s.allowReservation(ctx, p, op, id); err != nil {
			return fault.Wrap(op, err)
		}
	}
	if err := s.cfg.Store.DeleteReservations(ctx, p.Tenant, ids); err != nil {
		return fault.Wrap(op, err)
	}
	s.marks.changedNodes()
	return nil
}

// validateTerms checks conditions on labels.
func validateTerms(op, field string, terms []Term) error {
	if len(terms) > maxTerms {
		return fault.Field(op, field, "want at most %d conditions", maxTerms)
	}
	for i := range terms {
		if err := terms[i].validate(op, field); err != nil {
			return err
		}
	}
	return nil
}

// Limits of constraints.
const (
	maxTerms  = 16
	maxValues = 64
	maxLabel  = 256 // bytes of a key or value
)

func (t *Term) validate(op, field string) error {
	values := len(t.Values)
	if t.Key == "" || !isText(t.Key, maxLabel) {
		return fault.Field(op, field, "want a label of 1 to %d bytes of text", maxLabel)
	}
	if slices.ContainsFunc(t.Values, func(v string) bool { return !isText(v, maxLabel) }) {
		return fault.Field(op, field, "%s: want values of at most %d bytes of text", t.Key, maxLabel)
	}
	fits := false
	switch t.Op {
	case In, NotIn:
		fits = values >= 1 && values <= maxValues
	case Exists, Absent:
		fits = values == 0
	case Less, More:
		fits = values == 1 && isNumber(t.Values[0])
	default:
		return fault.Field(op, field, "%s: unknown comparison %q: want in, not_in, exists, absent, less or more", t.Key, t.Op)
	}
	if !fits {
		return fault.Field(op, field, "%s: %s takes %s", t.Key, t.Op, t.Op.takes())
	}
	return nil
}

// takes says in words which values a comparison takes.
func (o Op) takes() string {
	switch o {
	case In, NotIn:
		return "1 to 64 values"
	case Less, More:
		return "one number"
	}
	return "no values"
}
