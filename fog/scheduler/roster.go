package scheduler

import (
	"slices"
	"time"

	"github.com/fogcompute/fogcompute/fog/principal"
)

// roster is who takes up room where, as the planner sees it: what it needs to share the fleet fairly, to know when room comes
// free, and whom to evict.
type roster struct {
	nodes   map[NodeID][]occupant
	users   map[account]*user
	weights map[int]int                   // live attempts by the weight of their tier
	whole   map[principal.Tenant]Capacity // of the nodes that are not down
}

// occupant is a live attempt in short.
type occupant struct {
	id       AttemptID
	job      JobID
	user     *user
	tier     Tier // to which its job had risen
	demand   Demand
	gpus     uint64
	placed   bool      // not fetched yet
	began    time.Time // when it was placed or, once it is, started
	ends     time.Time // when it should be done
	by       time.Time // when it has used up its time
	evictAt  time.Time
	evictFor JobID
}

// user is an owner of jobs and what the live attempts take up.
type user struct {
	account
	used Capacity
	live int
}

func newRoster(nodes []Node, live []Attempt) *roster {
	r := &roster{nodes: make(map[NodeID][]occupant, len(nodes)), users: make(map[account]*user), weights: make(map[int]int)}
	r.measure(nodes)
	for i := range live {
		r.load(&live[i])
	}
	return r
}

// measure sums the nodes up.
func (r *roster) measure(nodes []Node) {
	r.whole = make(map[principal.Tenant]Capacity, 1)
	for i := range nodes {
		if n := &nodes[i]; n.State != NodeDown {
			sum := r.whole[n.Tenant]
			sum.add(n.Capacity)
			r.whole[n.Tenant] = sum
		}
	}
}

// user finds an owner.
func (r *roster) user(a account) *user {
	u := r.users[a]
	if u == nil {
		u = &user{account: a}
		r.users[a] = u
	}
	return u
}

// load adds a live attempt.
func (r *roster) load(a *Attempt) {
	u := r.user(account{a.Tenant, a.Owner})
	u.used.add(a.Demand.capacity())
	u.live++
	r.weights[TermsOf(a.Tier).Weight]++
	o := occupant{
		id: a.ID, job: a.Job, user: u, tier: a.Tier, demand: a.Demand, gpus: a.GPUs, placed: a.State == AttemptPlaced,
		began: a.Started, by: a.EndBy, evictAt: a.EvictAt, evictFor: a.EvictFor,
	}
	if o.placed || o.began.IsZero() {
		o.began = a.Placed
	}
	o.ends = o.began.Add(a.Span)
	if !o.by.IsZero() && o.ends.After(o.by) {
		o.ends = o.by
	}
	r.nodes[a.Node] = append(r.nodes[a.Node], o)
}

// recount takes the live attempts of some nodes for the whole truth about them.
func (r *roster) recount(of []NodeID, live []Attempt) {
	for _, n := range of {
		for i := range r.nodes[n] {
			r.leave(&r.nodes[n][i])
		}
		delete(r.nodes, n)
	}
	for i := range live {
		r.load(&live[i])
	}
}

// drop takes one attempt away, which was not stored after all.
func (r *roster) drop(n NodeID, id AttemptID) {
	r.nodes[n] = slices.DeleteFunc(r.nodes[n], func(o occupant) bool {
		if o.id != id {
			return false
		}
		r.leave(&o)
		return true
	})
}

func (r *roster) leave(o *occupant) {
	r.weights[TermsOf(o.tier).Weight]--
	o.user.used.sub(o.demand.capacity())
	o.user.live--
}

// share is the owner's dominant share (Ghodsi et al., "Dominant Resource Fairness", NSDI 2011, section 4.1) of the tenant's nodes,
// divided by the owner's weight: of the dimensions the one of which the owner has the greatest part.
func (r *roster) share(u *user, used Capacity, weight float64) float64 {
	whole := r.whole[u.tenant]
	return whole.fullest(&used) / weight
}
