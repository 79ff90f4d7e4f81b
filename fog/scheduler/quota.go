package scheduler

import (
	"context"
	"time"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
	"github.com/fogcompute/fogcompute/fog/principal"
)

// Quota is an owner's share of the fleet and the bounds of it. An owner without a quota has weight 1 and no bounds.
type Quota struct {
	Tenant principal.Tenant
	Owner  principal.Account
	// Weight is the owner's part in the fair share, compared with the others': who has 2 gets twice what who has 1 gets,
	// while both want more. Zero is 1.
	Weight float64
	// Most is what the owner's live attempts may take up at once; zero in a dimension is no bound there. A smaller one than is
	// in use takes nothing away.
	Most Capacity
	// MaxQueued is how many jobs the owner may have that are not over and have no node for each slot; zero is no bound.
	MaxQueued int64
	// Updated is when the quota was set.
	Updated time.Time
}

// Quotas stores quotas.
type Quotas interface {
	// SaveQuotas stores quotas in the place of those of the same tenant and owner, or deletes them where a quota says nothing
	// (Quota.Void). No two are of one owner.
	SaveQuotas(ctx context.Context, quotas []Quota) error
	// Quotas reads the quotas of a tenant ("": of all), ordered by tenant and owner by their bytes.
	Quotas(ctx context.Context, tenant principal.Tenant) ([]Quota, error)
}

// Void reports whether the quota says nothing: its owner is as one without a quota.
func (q *Quota) Void() bool {
	return (q.Weight == 0 || q.Weight == 1) && q.Most == Capacity{} && q.MaxQueued == 0
}

// maxAccount bounds the names of accounts and tenants, in bytes.
const maxAccount = 200

// maxWeight bounds Quota.Weight; its inverse is the least.
const maxWeight = 1e6

// validate checks a quota; errors are of kind Invalid and name the field.
func (q *Quota) validate() error {
	const op = "scheduler.quota"
	m := q.Most
	switch {
	case q.Owner == "" || !isText(string(q.Owner), maxAccount):
		return fault.Field(op, "owner", "want 1 to %d bytes of text", maxAccount)
	case !isText(string(q.Tenant), maxAccount):
		return fault.Field(op, "tenant", "want at most %d bytes of text", maxAccount)
	case q.Weight != 0 && !(q.Weight >= 1/maxWeight && q.Weight <= maxWeight): // NaN as well
		return fault.Field(op, "weight", "%v is not between 1/%v and %v", q.Weight, maxWeight, maxWeight)
	case min(m.MilliCPU, m.MemoryMB, m.MilliGPU, m.DiskMB, m.MbitPS) < 0:
		return fault.Field(op, "most", "want capacities that are not negative")
	case q.MaxQueued < 0:
		return fault.Field(op, "max_queued", "want a number that is not negative")
	}
	return nil
}

// admits reports whether the owner may take up one more capacity beside what is used.
func (q *Quota) admits(used, more Capacity) bool {
	within := func(used, more, most int64) bool { return most == 0 || more == 0 || used+more <= most }
	return within(used.MilliCPU, more.MilliCPU, q.Most.MilliCPU) && within(used.MemoryMB, more.MemoryMB, q.Most.MemoryMB) &&
		within(used.MilliGPU, more.MilliGPU, q.Most.MilliGPU) && within(used.DiskMB, more.DiskMB, q.Most.DiskMB) &&
		within(used.MbitPS, more.MbitPS, q.Most.MbitPS)
}

// SetQuotas sets quotas of owners of the caller's tenant; who runs the installation may name another tenant. The planner follows
// them within Config.Poll. It is for operators. Errors are of kind Invalid, Denied and Unavailable.
func (s *Scheduler) SetQuotas(ctx context.Context, quotas []Quota) error {
	const op = "scheduler.quota"
	p := principal.From(ctx)
	now := s.now()
	saved := make([]Quota, len(quotas))
	seen := make(map[account]bool, len(quotas))
	for i, q := range quotas {
		if q.Tenant == "" {
			q.Tenant = p.Tenant
		}
		if err := s.allowQuotas(p, q.Tenant); err != nil {
			return err
		}
		if err := q.validate(); err != nil {
			return err
		}
		who := account{q.Tenant, q.Owner}
		if seen[who] {
			return fault.Field(op, "owner", "%q is named twice", q.Owner)
		}
		seen[who] = true
		q.Updated = now
		saved[i] = q
	}
	if len(saved) == 0 {
		return nil
	}
	if err := s.cfg.Store.SaveQuotas(ctx, saved); err != nil {
		return fault.Wrap(op, err)
	}
	s.terms.Store(nil)
	s.marks.ready(now)
	return nil
}

// allowance is the quotas as this server last read them.
type allowance struct {
	at     time.Time
	quotas map[account]Quota
}

// allowance reads the quotas, at most once in each poll interval.
func (s *Scheduler) allowance(ctx context.Context) (map[account]Quota, error) {
	now := s.now()
	if known := s.terms.Load(); known != nil && !passed(known.at, now, s.cfg.Poll) {
		return known.quotas, nil
	}
	all, err := s.cfg.Store.Quotas(ctx, "")
	if err != nil {
		return nil, err
	}
	known := &allowance{at: now, quotas: make(map[account]Quota, len(all))}
	for _, q := range all {
		known.quotas[account{q.Tenant, q.Owner}] = q
	}
	s.terms.Store(known)
	return known.quotas, nil
}

// verdict is what a quota says of a new job.
type verdict uint8

const (
	admitted verdict = iota // there is room, or no quota bounds its owner's jobs
	repeated                // it is stored under its key, or will be by then
	limited                 // there is no room
	early                   // it is too early to tell
)

// limit judges new jobs by their owners' quotas, in their order, as if they came one by one; nil lets all of them through. Those that
// are not admitted are set to be Known. Where jobs are in the way that may leave the room again, because their funds may be refused or
// what they come after may have ended, the owner's further ones are early. It runs in the combiner of submissions, one call at a
// time; several servers that accept jobs of one owner at the same moment may together accept a few more.
func (s *Scheduler) limit(ctx context.Context, ins []Insertion) ([]verdict, error) {
	quotas, err := s.allowance(ctx)
	if err != nil || len(quotas) == 0 {
		return nil, err
	}
	var bounded []int
	for i := range ins {
		if !ins[i].Known && quotas[ins[i].account()].MaxQueued > 0 {
			bounded = append(bounded, i)
		}
	}
	if len(bounded) == 0 {
		return nil, nil
	}
	verdicts := make([]verdict, len(ins))
	if err := s.recognize(ctx, ins, bounded, verdicts); err != nil {
		return nil, err
	}
	rooms := make(map[account]*room, 1)
	for _, i := range bounded {
		who := ins[i].account()
		if rooms[who] == nil {
			if rooms[who], err = s.room(ctx, who, quotas[who].MaxQueued); err != nil {
				return nil, err
			}
		}
		if verdicts[i] == admitted {
			verdicts[i] = rooms[who].judge(&ins[i])
		}
		ins[i].Known = verdicts[i] != admitted
	}
	return verdicts, nil
}

func (in *Insertion) account() account { return account{in.Job.Tenant, in.Job.Owner} }

// recognize finds those that are stored already under their keys.
func (s *Scheduler) recognize(ctx context.Context, ins []Insertion, bounded []int, verdicts []verdict) error {
	var asked []Insertion
	var at []int
	for _, i := range bounded {
		if ins[i].Job.Key != "" {
			asked, at = append(asked, Insertion{Job: ins[i].Job, Known: true}), append(at, i)
		}
	}
	if len(asked) == 0 {
		return nil
	}
	known, err := s.cfg.Store.Insert(ctx, asked)
	if err != nil {
		return err
	}
	for k, i := range at {
		if known[k].Job.ID != "" {
			verdicts[i] = repeated
		}
	}
	return nil
}

// room is what an owner's quota leaves for new jobs that wait.
type room struct {
	left  int64
	open  bool            // some that were let through may leave the room again
	shut  bool            // one was kept back: whoever comes after it is as well
	keyed map[string]bool // let through
}

func (s *Scheduler) room(ctx context.Context, who account, most int64) (*room, error) {
	page, err := s.cfg.Store.Find(ctx, JobQuery{Tenant: who.tenant, Owner: who.owner, States: []State{Pending, Blocked, Queued, Paused}, Limit: 1})
	if err != nil {
		return nil, err
	}
	return &room{left: most - page.Filtered, keyed: make(map[string]bool)}, nil
}

// judge decides on the next one.
func (r *room) judge(in *Insertion) verdict {
	key, n := in.Job.Key, int64(1+len(in.Rest))
	switch {
	case key != "" && r.keyed[key]:
		return repeated
	case r.shut || n > r.left && r.open:
		r.shut = true
		return early
	case n > r.left:
		return limited
	}
	r.left -= n
	r.open = r.open || in.Job.State != Queued
	if key != "" {
		r.keyed[key] = true
	}
	return admitted
}

// Quotas reads the quotas of the caller's tenant, ordered by owner. It is for operators. Errors are of kind Denied and Unavailable.
func (s *Scheduler) Quotas(ctx context.Context) ([]Quota, error) {
	p := principal.From(ctx)
	if err := s.allowQuotas(p, p.Tenant); err != nil {
		return nil, err
	}
	quotas, err := s.cfg.Store.Quotas(ctx, p.Tenant)
	return quotas, fault.Wrap("scheduler.quota", err)
}

// allowQuotas lets operators of the tenant pass.
func (s *Scheduler) allowQuotas(p principal.Principal, tenant principal.Tenant) error {
	if installation(p) || p.Tenant == tenant && p.Has(principal.ScopeOperator) {
		return nil
	}
	return fault.New(fault.Denied, "scheduler.quota", "only operators keep quotas")
}

// account is an owner of jobs.
type account struct {
	tenant principal.Tenant
	owner  principal.Account
}
