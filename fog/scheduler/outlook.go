package scheduler

import (
	"context"
	"fmt"
	"time"

	"github.com/fogcompute/fogcompute/fog/principal"
)

// outlookDepth is how many jobs of a tenant's queue an outlook follows. For those behind them it says nothing: so much would have to
// come true that it would be a guess.
const outlookDepth = 64

// outlook is what will become of the first jobs of a tenant's queue, if what runs ends when it should and nobody comes who goes
// first: the planner's own steps, taken once on a copy of the fleet.
type outlook struct {
	starts map[JobID]time.Time // when they start; the jobs that wait for an unknown time are left out
	place  map[JobID]int       // how many come before
	fleet  *fleet              // with the room that is kept for them
	users  *roster
	quotas map[account]Quota
	owed   debts
	more   bool // the queue is longer
	back   Rank // of the last job that waits; the zero Rank where none does
	rules  rules
}

// look ahead on a fleet of its own.
func (s *Scheduler) ahead(ctx context.Context, tenant principal.Tenant, nodes []Node, live []Attempt, booked []Reservation) (*outlook, error) {
	now := s.now()
	queue, err := s.cfg.Store.Ready(ctx, now, nil, outlookDepth)
	if err != nil {
		return nil, err
	}
	quotas, err := s.allowance(ctx)
	if err != nil {
		return nil, err
	}
	o := &outlook{
		starts: make(map[JobID]time.Time), place: make(map[JobID]int), quotas: quotas, owed: newDebts(), more: len(queue) == outlookDepth,
		fleet: newFleet(nodes, live, s.cfg.Objectives), users: newRoster(nodes, live),
	}
	o.fleet.booked = booked
	o.rules = s.rules()
	for i := range queue {
		o.owed.set(queue[i], 0)
	}
	for i := range queue {
		if j := &queue[i].Job; j.Tenant == tenant {
			o.place[j.ID] = len(o.place)
			o.follow(queue[i], now)
		}
	}
	return o, nil
}

// follow does with one job what the planner would: it is placed, or waits for the room of those who make way for it, or keeps the
// node where it can start first. A gang is left to the planner.
func (o *outlook) follow(r *Record, now time.Time) {
	j := &r.Job
	q := o.rules.request(r, now)
	defer func() {
		if at, known := o.starts[j.ID]; (!known || at.After(now)) && (o.back.Weight == 0 || RankOf(j).Compare(o.back) > 0) {
			o.back = RankOf(j)
		}
	}()
	if j.gangs() || o.capped(&q) {
		return
	}
	if at, ok := o.users.makesWay(j.ID); ok {
		o.starts[j.ID] = at
		return
	}
	nodes, fate := q.place(o.fleet)
	o.owed.set(r, len(nodes))
	if fate == placed {
		o.starts[j.ID] = now
		for _, a := range nodes {
			n := &o.fleet.nodes[a.node]
			o.fleet.fill(a.node, &j.Demand, q.most)
			o.users.load(&Attempt{
				ID: NewAttemptID(j.ID, a.slot, j.NextToken), Job: j.ID, Tenant: j.Tenant, Owner: j.Owner, Tier: j.Tier, Node: n.ID,
				Demand: j.Demand, GPUs: a.gpus, Span: j.span(n), Placed: now, EndBy: now.Add(q.most), State: AttemptPlaced,
			})
		}
		return
	}
	if i, start := q.earliest(o.fleet, o.users); fate == busy && i >= 0 {
		o.starts[j.ID] = start
		there := o.users.nodes[o.fleet.nodes[i].ID]
		o.fleet.keep(i, kept{left: start.Sub(now), spare: o.fleet.leftover(i, there, &j.Demand, start, now), gpus: j.Demand.MilliGPU > 0})
	}
}

// capped reports whether the owner's quota leaves no room for the job.
func (o *outlook) capped(q *request) bool {
	who := account{q.tenant, q.owner}
	quota, ok := o.quotas[who]
	return ok && !quota.admits(o.owed.beside(o.users.user(who), q.job.ID), q.demand.times(len(q.slots)))
}

// makesWay is when the last of those is gone who make way for a job.
func (r *roster) makesWay(to JobID) (at time.Time, some bool) {
	for _, there := range r.nodes {
		for i := range there {
			if o := &there[i]; o.evictFor == to {
				at, some = later(at, o.evictAt), true
			}
		}
	}
	return at, some
}

// reasons are why a job waits although nodes have room for it, or others make way, and whether one of them decides.
func (o *outlook) reasons(q *request, f *fleet) (out []Reason, decided bool) {
	if o == nil {
		return nil, false
	}
	most := o.rules.longest(q.job)
	say := func(c Code, nodes int, format string, a ...any) {
		out = append(out, Reason{Code: c, Text: fmt.Sprintf(format, a...), Nodes: nodes})
	}
	if o.capped(q) {
		say(CodeQuota, 0, "its owner's quota leaves no room for it while what runs goes on")
		decided = true
	}
	if at, ok := o.users.makesWay(q.job.ID); ok {
		say(CodeEvicting, 0, "others make way for it until %s", at.Format(time.RFC3339))
	}
	room, reserved := 0, 0
	for i := range f.nodes {
		if n := &f.nodes[i]; q.closed(f, n) != "" || q.busy(f, i) != "" {
			continue
		}
		room++
		if k := o.fleet.kept[i]; k != nil && !k.lets(&q.demand, most) {
			reserved++
		}
	}
	start, known := o.starts[q.job.ID]
	if waits := !known || start.After(q.now); reserved > 0 && waits {
		say(CodeReservedFor, reserved, "%s with room for it that is kept for jobs which come first", devices(reserved))
		decided = decided || reserved == room
	}
	switch ahead, ok := o.place[q.job.ID]; {
	case ok && ahead > 0:
		say(CodeBehind, 0, "%d jobs come before it", ahead)
	case !ok && o.more:
		say(CodeBehind, 0, "more than %d jobs come before it", outlookDepth)
		decided = decided || room > 0
	}
	return out, decided
}
