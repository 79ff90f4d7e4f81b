package tokenomics

import (
	"cmp"
	"context"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
	"github.com/fogcompute/fogcompute/fog/principal"
)

// Appeal is what an operator says against a slash of its pool, before its window is over. The slash then waits for the house, for
// Economics.AppealWindow; if the house does not decide, the slash is dismissed. There is one appeal a slash.
type Appeal struct {
	ID       string           `json:"id"`       // of the slash
	Tenant   principal.Tenant `json:"tenant"`   // empty: the caller's
	Operator Account          `json:"operator"` // of the pool
	Detail   string           `json:"detail,omitempty"`
}

var _ order = (*Appeal)(nil)

func (r *Appeal) reference() Reference { return Reference{r.Tenant, OpAppeal, r.ID} }

func (r *Appeal) owner() Account { return r.Operator }

func (r *Appeal) within(tenant principal.Tenant) Request {
	c := *r
	c.Tenant = cmp.Or(c.Tenant, tenant)
	return Request{Appeal: &c}
}

func (r *Appeal) validate(op string) error {
	return first(
		checkDecision(op, r.Tenant, r.ID, r.Detail),
		checkName(op, "operator", string(r.Operator), maxName))
}

// checkDecision checks what an appeal and the decisions on it have in common.
func checkDecision(op string, tenant principal.Tenant, id, detail string) error {
	return first(
		checkName(op, "tenant", string(tenant), maxName),
		checkName(op, "id", id, maxKey),
		checkText(op, "detail", detail, maxMemo))
}

func (r *Appeal) body(b *body) {
	b.text(string(r.Operator))
	b.text(r.Detail)
}

func (r *Appeal) decide(e *evaluation, it *item) error {
	s, err := e.stakes(it)
	if err != nil {
		return err
	}
	c, _, entry, err := s.slash(r.ID)
	if err != nil {
		return err
	}
	if c.Operator != r.Operator {
		return fault.Newf(fault.NotFound, it.op(), "%q has no slash %q", r.Operator, r.ID)
	}
	if err := s.in(c, SlashOpen); err != nil {
		return err
	}
	c.State, c.Appeal, c.Due = SlashAppealed, r.Detail, e.now.Add(s.economy.at(c.Opened).AppealWindow)
	entry.Due = c.Due
	return s.settle(Movement{Owner: r.Operator, Memo: r.Detail})
}

// Dismiss ends a slash without effect, before it is carried out. It needs the operator's right of the house.
type Dismiss struct {
	ID     string           `json:"id"`     // of the slash
	Tenant principal.Tenant `json:"tenant"` // empty: the caller's
	Detail string           `json:"detail,omitempty"`
}

var _ order = (*Dismiss)(nil)

func (r *Dismiss) reference() Reference { return Reference{r.Tenant, OpDismiss, r.ID} }

func (r *Dismiss) owner() Account { return Account(principal.Operator) }

func (r *Dismiss) within(tenant principal.Tenant) Request {
	c := *r
	c.Tenant = cmp.Or(c.Tenant, tenant)
	return Request{Dismiss: &c}
}

func (r *Dismiss) validate(op string) error { return checkDecision(op, r.Tenant, r.ID, r.Detail) }

func (r *Dismiss) body(b *body) { b.text(r.Detail) }

func (r *Dismiss) decide(e *evaluation, it *item) error {
	s, err := e.stakes(it)
	if err != nil {
		return err
	}
	c, p, _, err := s.slash(r.ID)
	if err != nil {
		return err
	}
	if err := s.in(c, SlashOpen, SlashAppealed); err != nil {
		return err
	}
	c.Verdict = r.Detail
	s.drop(c, p)
	return s.settle(Movement{Owner: r.owner(), Memo: r.Detail})
}

// Uphold refuses an appeal: the slash is carried out at once. It needs the operator's right of the house.
type Uphold struct {
	ID     string           `json:"id"`     // of the slash
	Tenant principal.Tenant `json:"tenant"` // empty: the caller's
	Detail string           `json:"detail,omitempty"`
}

var _ order = (*Uphold)(nil)

func (r *Uphold) reference() Reference { return Reference{r.Tenant, OpUphold, r.ID} }

func (r *Uphold) owner() Account { return Account(principal.Operator) }

func (r *Uphold) within(tenant principal.Tenant) Request {
	c := *r
	c.Tenant = cmp.Or(c.Tenant, tenant)
	return Request{Uphold: &c}
}

func (r *Uphold) validate(op string) error { return checkDecision(op, r.Tenant, r.ID, r.Detail) }

func (r *Uphold) body(b *body) { b.text(r.Detail) }

func (r *Uphold) decide(e *evaluation, it *item) error {
	s, err := e.stakes(it)
	if err != nil {
		return err
	}
	c, p, entry, err := s.slash(r.ID)
	if err != nil {
		return err
	}
	if err := s.in(c, SlashAppealed); err != nil {
		return err
	}
	c.Verdict = r.Detail
	if err := s.strike(c, p, entry); err != nil {
		return err
	}
	return s.settle(Movement{Owner: r.owner(), Memo: r.Detail})
}

// Appeal appeals against slashes in one commit and answers each by itself: nil (appealed, now or before), NotFound (the operator
// has no such slash), Conflict (another appeal was made, the window is over, or it is decided), Invalid, or Denied. An
// error for all of them leaves the outcome open when it is Unavailable: ask again.
func (t *Tokenomics) Appeal(ctx context.Context, appeals []Appeal) ([]error, error) {
	requests := make([]Request, len(appeals))
	for i := range appeals {
		requests[i].Appeal = &appeals[i]
	}
	return t.Post(ctx, requests)
}

// Dismiss ends slashes in one commit and answers each by itself: nil (dismissed, now or before), NotFound, Conflict (it is carried
// out or its time is over), Invalid, or Denied. An error for all of them leaves the outcome open when it is Unavailable:
// ask again.
func (t *Tokenomics) Dismiss(ctx context.Context, dismissals []Dismiss) ([]error, error) {
	requests := make([]Request, len(dismissals))
	for i := range dismissals {
		requests[i].Dismiss = &dismissals[i]
	}
	return t.Post(ctx, requests)
}

// Uphold carries slashes out in one commit against which was appealed, and answers each by itself: nil (upheld, now or before),
// NotFound, Conflict (nobody appealed, it is decided, or the time is over), Invalid, or Denied. An error for all of them
// leaves the outcome open when it is Unavailable: ask again.
func (t *Tokenomics) Uphold(ctx context.Context, upheld []Uphold) ([]error, error) {
	requests := make([]Request, len(upheld))
	for i := range upheld {
		requests[i].Uphold = &upheld[i]
	}
	return t.Post(ctx, requests)
}
