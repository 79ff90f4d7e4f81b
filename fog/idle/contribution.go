package idle

import (
	"context"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
	"github.com/fogcompute/fogcompute/fog/principal"
)

// Contribution is work that was validated: one paid slot of a job and who did it. There is at most one per job and slot.
type Contribution struct {
	Tenant     principal.Tenant  // empty: the caller's
	Creator    principal.Account // who recorded it; set by Contribute
	Job        string
	Slot       int
	Attempt    string
	Device     DeviceID
	Account    principal.Account // who is paid for it
	Amount     int64             // price of the slot in token base units, 1e-6 FOG; 0 for a free job
	CPUSeconds float64           // as the device reports it
	At         time.Time         // when the work ended; zero: now
}

// ContributionQuery selects contributions of one tenant, newest first.
type ContributionQuery struct {
	Tenant principal.Tenant // empty: the caller's
	Device DeviceID         // empty: any
	Job    string           // empty: any
	Limit  int              // 1 to 1000; 0 means 100
	Cursor string           // from the page before; empty: the first page
}

// ContributionPage is one page of contributions.
type ContributionPage struct {
	Contributions []Contribution
	Next          string // cursor of the next page, empty at the end
}

// Contribute records validated work and reports for each item whether it was new. Work that is already recorded under its
// job and slot changes nothing, so repeating a call is safe. The totals of the device change in the same commit. Only an
// operator may record work. Errors: Invalid with the field, Denied, Unavailable.
func (i *Idle) Contribute(ctx context.Context, work []Contribution) ([]bool, error) {
	const op = "idle.contribute"
	if err := i.trusted(ctx); err != nil {
		return nil, fault.Wrap(op, err)
	}
	if len(work) == 0 {
		return nil, nil
	}
	p, now := principal.From(ctx), i.now()
	rows := make([]Contribution, len(work))
	for n, w := range work {
		if err := w.validate(op); err != nil {
			return nil, err
		}
		fill(&w.Tenant, p.Tenant)
		w.Creator = p.Account
		if w.At.IsZero() {
			w.At = now
		}
		w.At = w.At.UTC().Truncate(time.Microsecond)
		rows[n] = w
	}
	fresh, err := i.store.Contribute(ctx, rows)
	if err != nil {
		return nil, fault.Wrap(op, err)
	}
	i.config.Step(op)
	return fresh, nil
}

// maxCPUSeconds bounds what one contribution may claim: a thousand cores for a year.
const maxCPUSeconds = 1000 * 366 * 24 * 3600

// validate refuses a contribution that cannot be.
func (c *Contribution) validate(op string) error {
	switch {
	case c.Job == "" || len(c.Job) > maxAttempt:
		return fault.Field(op, "job", "must be 1 to %d characters", maxAttempt)
	case c.Slot < 0 || c.Slot > math.MaxInt32:
		return fault.Field(op, "slot", "must not be negative")
	case len(c.Attempt) > maxAttempt:
		return fault.Field(op, "attempt", "must be at most %d characters", maxAttempt)
	case c.Amount < 0:
		return fault.Field(op, "amount", "must not be negative")
	case !within(c.CPUSeconds, 0, maxCPUSeconds):
		return fault.Field(op, "cpu_seconds", "must be between 0 and %d", int64(maxCPUSeconds))
	case len(c.Account) > maxID:
		return fault.Field(op, "account", "must be at most %d characters", maxID)
	}
	return c.Device.validate(op)
}

// Contributions returns one page of contributions, newest first. A caller who may not read the whole tenant must name a
// device of its own. Errors: Invalid, NotFound, Denied, Unavailable.
func (i *Idle) Contributions(ctx context.Context, q ContributionQuery) (ContributionPage, error) {
	const op = "idle.contributions"
	p := principal.From(ctx)
	fill(&q.Tenant, p.Tenant)
	scope := principal.Resource{Kind: "contribution", Tenant: q.Tenant}
	if q.Device != "" {
		rows, err := i.store.Load(ctx, []DeviceID{q.Device})
		if err != nil {
			return ContributionPage{}, fault.Wrap(op, err)
		}
		if len(rows) > 0 && rows[0].Tenant == q.Tenant {
			scope.Owner = rows[0].Owner
		}
	}
	err := i.config.Authorize.Authorize(ctx, p, ActRead, scope)
	if err != nil {
		return ContributionPage{}, fault.Wrap(op, err)
	}
	if q.Limit, err = limit(op, q.Limit); err != nil {
		return ContributionPage{}, err
	}
	if q.Cursor != "" {
		if _, err := ParseMark(q.Cursor); err != nil {
			return ContributionPage{}, fault.Wrap(op, err)
		}
	}
	page, err := i.store.Contributions(ctx, q)
	return page, fault.Wrap(op, err)
}

// Mark is the place of a contribution in the order of pages; its text is a cursor.
type Mark struct {
	At   time.Time
	Job  string
	Slot int
}

// Mark returns the contribution's place.
func (c *Contribution) Mark() Mark { return Mark{At: c.At, Job: c.Job, Slot: c.Slot} }

// String returns the cursor of the page that follows the mark.
func (m Mark) String() string {
	return fmt.Sprintf("%d.%d.%s", m.At.UnixMicro(), m.Slot, m.Job)
}

// ParseMark reads a cursor. Errors are of kind Invalid.
func ParseMark(cursor string) (Mark, error) {
	parts := strings.SplitN(cursor, ".", 3)
	if len(parts) == 3 {
		at, err1 := strconv.ParseInt(parts[0], 10, 64)
		slot, err2 := strconv.Atoi(parts[1])
		if err1 == nil && err2 == nil {
			return Mark{At: time.UnixMicro(at).UTC(), Job: parts[2], Slot: slot}, nil
		}
	}
	return Mark{}, fault.Field("idle.cursor", "cursor", "must be the next value of an earlier page")
}

// Before reports whether the mark stands on an earlier page than another: it is newer.
func (m Mark) Before(o Mark) bool {
	switch {
	case !m.At.Equal(o.At):
		return m.At.After(o.At)
	case m.Job != o.Job:
		return m.Job > o.Job
	default:
		return m.Slot > o.Slot
	}
}
