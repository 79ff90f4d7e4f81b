package scheduler

import (
	"context"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
	"github.com/fogcompute/fogcompute/fog/principal"
)

// Claim is what a node says when it asks for leases.
type Claim struct {
	Node NodeID
	// Held are the attempts that the node runs.
	Held []Held
	// Take is how many new attempts the node wants at most.
	Take int
	// Restarted says that the node has just started and runs nothing but what it holds: whatever else was leased to it is
	// lost and is tried again at once, rather than when its lease ends.
	Restarted bool
}

// Held is one attempt that a node runs.
type Held struct {
	Attempt AttemptID
	Token   int64
	// Suspended says that the attempt waits for the node's user to leave.
	Suspended bool
	// Progress is 0..1; less than what is known counts as unknown.
	Progress float64
}

// Grant answers a claim.
type Grant struct {
	// Renewed are the held attempts that go on, each with its lease.
	Renewed []Lease
	// Cancel are the held attempts that the node must stop: their job is over, paused, or somebody else's.
	Cancel []AttemptID
	// Offers are new attempts, leased from now on.
	Offers []Offer
}

// Lease is the right to run an attempt until a time by the server's clock.
type Lease struct {
	Attempt AttemptID
	Token   int64
	Until   time.Time
	// Evict is when the attempt is taken off the node, for a job that comes first: what is not reported by then was in vain. The
	// zero time is never.
	Evict time.Time
}

// Offer is an attempt that a node is to run.
type Offer struct {
	Attempt AttemptID
	Token   int64
	Job     JobID
	Name    string
	Until   time.Time
	Task    Task
	Demand  Demand
	// MaxRuntime bounds the run time, time spent suspended not counted.
	MaxRuntime time.Duration
}

// granting is one claim being answered.
type granting struct {
	claim Claim
	live  []Attempt // on the node
	grant Grant
	ops   []op
	done  []func(outcome) // what each operation's outcome adds to the grant
}

// Claim renews leases and hands placed attempts out; each claim has an answer, in the same order. A lease is written when it
// has used up a third, so that most claims of busy nodes cost no commit. Errors are of kind Denied (the node has attempts and
// belongs to somebody else), NotFound (to another tenant) and Unavailable.
func (s *Scheduler) Claim(ctx context.Context, claims []Claim) ([]Grant, error) {
	const op = "scheduler.claim"
	p := principal.From(ctx)
	nodes := make([][]NodeID, len(claims))
	for i := range claims {
		nodes[i] = []NodeID{claims[i].Node}
	}
	live, err := s.looks.Do(ctx, nodes...)
	if err != nil {
		return nil, fault.Wrap(op, err)
	}
	now, rules := s.now(), s.rules()
	all := make([]granting, len(claims))
	for i := range claims {
		g := &all[i]
		g.claim, g.live = claims[i], live[i]
		if len(g.live) > 0 {
			a := &g.live[0]
			if err := s.allowNode(ctx, p, op, a.Node, a.Tenant, a.NodeOwner); err != nil {
				return nil, fault.Wrap(op, err)
			}
		}
		g.hold(now, rules)
		g.offer()
	}
	if err := s.decide(ctx, all); err != nil {
		return nil, fault.Wrap(op, err)
	}
	grants := make([]Grant, len(all))
	for i := range all {
		grants[i] = all[i].grant
	}
	return grants, nil
}

// decide applies the operations of all claims together.
func (s *Scheduler) decide(ctx context.Context, all []granting) error {
	var ops []op
	for i := range all {
		ops = append(ops, all[i].ops...)
	}
	out, err := s.ops.Do(ctx, ops...)
	if err != nil {
		return err
	}
	for i := range all {
		for k, done := range all[i].done {
			done(out[k])
		}
		out = out[len(all[i].done):]
	}
	return nil
}

// hold answers for the attempts that the node runs, and gives up those that it should run and does not.
func (g *granting) hold(now time.Time, r rules) {
	held := make(map[AttemptID]bool, len(g.claim.Held))
	for _, h := range g.claim.Held {
		if held[h.Attempt] {
			continue
		}
		held[h.Attempt] = true
		if math.IsNaN(h.Progress) {
			h.Progress = 0
		}
		i := slices.IndexFunc(g.live, func(a Attempt) bool { return a.ID == h.Attempt && a.Token == h.Token && a.State.leased() })
		switch {
		case i < 0:
			g.grant.Cancel = append(g.grant.Cancel, h.Attempt)
		case g.live[i].news(h, now, r):
			g.renew(&g.live[i], h)
		default:
			g.grant.Renewed = append(g.grant.Renewed, g.live[i].right())
		}
	}
	if !g.claim.Restarted {
		return
	}
	for i := range g.live {
		if a := &g.live[i]; a.State.leased() && !held[a.ID] {
			g.lose(a)
		}
	}
}

func (g *granting) then(o op, done func(outcome)) {
	g.ops = append(g.ops, o)
	g.done = append(g.done, done)
}

func (g *granting) renew(a *Attempt, h Held) {
	g.then(op{job: a.Job, step: StepRenew, decide: func(d *draft) error { return d.renew(h) }}, func(o outcome) {
		if o.err != nil {
			g.grant.Cancel = append(g.grant.Cancel, h.Attempt)
			return
		}
		g.grant.Renewed = append(g.grant.Renewed, o.record.attempt(h.Attempt).right())
	})
}

// right is the lease of an attempt as its node is told of it. It ends with the grace of an eviction at the latest, for nodes that do
// not look at Evict.
func (a *Attempt) right() Lease {
	l := Lease{Attempt: a.ID, Token: a.Token, Until: a.LeaseUntil, Evict: a.EvictAt}
	if !l.Evict.IsZero() && l.Evict.Before(l.Until) {
		l.Until = l.Evict
	}
	return l
}

func (g *granting) lose(a *Attempt) {
	id := a.ID
	g.then(op{job: a.Job, step: StepLose, decide: func(d *draft) error {
		if a := d.attempt(id); a != nil && a.State.leased() {
			d.lose(a, "its node restarted")
		}
		return nil
	}}, func(outcome) {})
}

// offer leases placed attempts to the node, those that were placed first before the others.
func (g *granting) offer() {
	if g.claim.Take <= 0 {
		return
	}
	ready := slices.DeleteFunc(slices.Clone(g.live), func(a Attempt) bool { return a.State != AttemptPlaced })
	sortBy(ready, func(a, b *Attempt) int {
		if c := a.Placed.Compare(b.Placed); c != 0 {
			return c
		}
		return strings.Compare(string(a.ID), string(b.ID))
	})
	for _, a := range ready[:min(len(ready), g.claim.Take)] {
		g.then(op{job: a.Job, step: StepLease, decide: func(d *draft) error { return d.lease(a.ID) }}, func(o outcome) {
			if o.err == nil {
				g.grant.Offers = append(g.grant.Offers, o.record.offer(a.ID))
			}
		})
	}
}

// offer is an attempt as its node is told of it.
func (r *Record) offer(id AttemptID) Offer {
	a := r.attempt(id)
	return Offer{
		Attempt: a.ID, Token: a.Token, Job: r.Job.ID, Name: r.Job.Name, Until: a.LeaseUntil,
		Task: r.Job.Task, Demand: a.Demand, MaxRuntime: r.Job.MaxRuntime,
	}
}
