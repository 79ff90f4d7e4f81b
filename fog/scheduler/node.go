package scheduler

import (
	"cmp"
	"context"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
	"github.com/fogcompute/fogcompute/fog/principal"
)

// NodeID names a node. It is the identifier of the device behind it.
type NodeID string

// NodeState says whether a node may be given work.
type NodeState string

// The states of a node.
const (
	// NodeUp takes work.
	NodeUp NodeState = "up"
	// NodeClosed keeps what it runs and takes nothing new; Node.Reasons says why.
	NodeClosed NodeState = "closed"
	// NodeDown is gone: what it ran goes back to the queue.
	NodeDown NodeState = "down"
)

// ExecutorWASM and ExecutorGPU are the executors that the scheduler itself knows of.
const (
	ExecutorWASM = "wasm"
	ExecutorGPU  = "gpu"
)

// Node is a place where attempts can run. A stored Node's slices and maps are replaced, not written to.
type Node struct {
	ID     NodeID
	Tenant principal.Tenant
	Owner  principal.Account // is paid
	State  NodeState
	// Drained nodes take nothing new, by an operator's wish. Scheduler.Drain alone sets it: SyncNodes keeps it.
	Drained bool
	// Marks are the operator's additions. They are set by Mark alone: saving the node keeps them.
	Marks Marks
	// Reasons are the sentences that say why the node is closed or down.
	Reasons   []string
	Capacity  Capacity
	Executors []string
	// Trust is 0..1.
	Trust float64
	// Labels are what Constraints speak of. "region" is where the node is; see Route.
	Labels map[string]string
	// Taints keep jobs away that do not tolerate them.
	Taints []Taint
	// IdleWatts is what the node draws when a job wakes it up, WattsPerCore what each busy core adds; zero is unknown and
	// counts as nothing.
	IdleWatts, WattsPerCore float64
	// Ask is what a core costs for one second here; zero is unknown and counts as the same everywhere.
	Ask Price
	// Speed is relative to the node on which estimates hold; zero counts as 1.
	Speed float64
	// Source is the version of the device that the node follows. A node with an older one than stored is ignored.
	Source int64
	// Updated is when the node was last saved or drained.
	Updated time.Time
	// Version counts the saves and drains, from 1; the store counts.
	Version int64
}

// Marks are labels and taints that an operator puts on a node beside its own.
type Marks struct {
	// Labels go before the node's own of the same key.
	Labels map[string]string `json:"labels,omitempty"`
	Taints []Taint           `json:"taints,omitempty"`
}

// WithMarks is the node as placement sees it: with its marks among its labels and taints.
func (n Node) WithMarks() Node {
	if len(n.Marks.Labels) > 0 {
		labels := make(map[string]string, len(n.Labels)+len(n.Marks.Labels))
		maps.Copy(labels, n.Labels)
		maps.Copy(labels, n.Marks.Labels)
		n.Labels = labels
	}
	if len(n.Marks.Taints) > 0 {
		n.Taints = slices.Concat(n.Taints, n.Marks.Taints)
	}
	return n
}

// NodeView is a node with its load.
type NodeView struct {
	Node
	// Used is what live attempts take up, Live how many they are.
	Used Capacity
	Live int
}

// Load is the fullest dimension's share, 0..1; zero for a node without capacity.
func (v *NodeView) Load() float64 {
	return min(1, v.Capacity.fullest(&v.Used))
}

// Nodes lists the nodes of the caller's tenant, ordered by identifier. Errors are of kind Denied and Unavailable.
func (s *Scheduler) Nodes(ctx context.Context) ([]NodeView, error) {
	const op = "scheduler.nodes"
	p := principal.From(ctx)
	if err := s.cfg.Authorize.Authorize(ctx, p, op, principal.Resource{Kind: "nodes", Tenant: p.Tenant, Owner: p.Account}); err != nil {
		return nil, fault.Wrap(op, err)
	}
	nodes, err := s.cfg.Store.Nodes(ctx, p.Tenant)
	if err != nil {
		return nil, fault.Wrap(op, err)
	}
	used, err := s.cfg.Store.Usage(ctx, p.Tenant)
	if err != nil {
		return nil, fault.Wrap(op, err)
	}
	views := make([]NodeView, len(nodes))
	index := make(map[NodeID]*NodeView, len(nodes))
	for i := range nodes {
		views[i].Node = nodes[i]
		index[nodes[i].ID] = &views[i]
	}
	for _, u := range used {
		if v := index[u.Node]; v != nil {
			v.Used, v.Live = u.Used, u.Live
		}
	}
	return views, nil
}

// fleetRows reads a tenant's nodes and live attempts.
func (s *Scheduler) fleetRows(ctx context.Context, tenant principal.Tenant) ([]Node, []Attempt, error) {
	nodes, err := s.cfg.Store.Nodes(ctx, tenant)
	if err != nil {
		return nil, nil, err
	}
	all, err := s.cfg.Store.Live(ctx, nil)
	if err != nil {
		return nil, nil, err
	}
	live := all[:0]
	for i := range all {
		if all[i].Tenant == tenant {
			live = append(live, all[i])
		}
	}
	return nodes, live, nil
}

// SyncNodes saves nodes as they are now. What ran on a node that is down is lost and tried again; what was placed on one that
// is closed and not fetched yet is placed elsewhere. It is for the operator of the default tenant, who runs the installation;
// a node without a tenant gets that one. Errors are of kind Invalid, Denied and Unavailable.
func (s *Scheduler) SyncNodes(ctx context.Context, nodes []Node) error {
	const op = "scheduler.sync"
	p := principal.From(ctx)
	if !installation(p) {
		return fault.New(fault.Denied, op, "only the operator of the installation keeps its nodes")
	}
	now := s.now()
	saved := make([]Node, len(nodes))
	for i, n := range nodes {
		if err := s.admitNode(ctx, p, &n); err != nil {
			return fault.Wrap(op, err)
		}
		n.Updated = now
		saved[i] = n
	}
	if len(saved) == 0 {
		return nil
	}
	if err := s.cfg.Store.SaveNodes(ctx, Fence{}, saved); err != nil {
		return fault.Wrap(op, err)
	}
	s.marks.changedNodes()
	return fault.Wrap(op, s.displace(ctx, saved))
}

// maxCapacity bounds a node in each dimension: the sum over millions of nodes is a number.
const maxCapacity = 1 << 40

// isAmount reports whether a number is finite and not negative.
func isAmount(x float64) bool { return x >= 0 && x <= math.MaxFloat64 }

func (s *Scheduler) admitNode(ctx context.Context, p principal.Principal, n *Node) error {
	if n.Tenant == "" {
		n.Tenant = p.Tenant
	}
	c := n.Capacity
	switch {
	case n.ID == "" || !isWord(string(n.ID)):
		return fault.Field("scheduler.sync", "id", "want 1 to %d bytes of text", maxWord)
	case !isText(string(n.Owner), maxAccount) || !isText(string(n.Tenant), maxAccount):
		return fault.Field("scheduler.sync", "owner", "node %s: want accounts and tenants of at most %d bytes of text", n.ID, maxAccount)
	case n.State != NodeUp && n.State != NodeClosed && n.State != NodeDown:
		return fault.Field("scheduler.sync", "state", "unknown state %q of node %s", n.State, n.ID)
	case c.MilliCPU < 0 || c.MemoryMB < 0 || c.MilliGPU < 0 || c.DiskMB < 0 || c.MbitPS < 0:
		return fault.Field("scheduler.sync", "capacity", "node %s has a negative capacity", n.ID)
	case max(c.MilliCPU, c.MemoryMB, c.MilliGPU, c.DiskMB, c.MbitPS) > maxCapacity:
		return fault.Field("scheduler.sync", "capacity", "node %s has a capacity of more than %d", n.ID, int64(maxCapacity))
	case !isAmount(n.IdleWatts) || !isAmount(n.WattsPerCore) || n.Ask < 0:
		return fault.Field("scheduler.sync", "watts", "node %s has a negative power or price", n.ID)
	case !isAmount(n.Trust) || !isAmount(n.Speed):
		return fault.Field("scheduler.sync", "speed", "node %s: want a trust and a speed that are not negative", n.ID)
	}
	return s.allowNode(ctx, p, "scheduler.sync", n.ID, n.Tenant, "")
}

// allowNode asks whether the principal may do something with a node. Who runs the installation may do so with every tenant's.
func (s *Scheduler) allowNode(ctx context.Context, p principal.Principal, a principal.Action, n NodeID, t principal.Tenant, owner principal.Account) error {
	if installation(p) {
		p.Tenant = t
	}
	return s.cfg.Authorize.Authorize(ctx, p, a, principal.Resource{Kind: "node", ID: string(n), Tenant: t, Owner: owner})
}

// displace takes back what the nodes can no longer do.
func (s *Scheduler) displace(ctx context.Context, nodes []Node) error {
	why := make(map[NodeID]*Node)
	var ids []NodeID
	for i := range nodes {
		if n := &nodes[i]; n.State != NodeUp || n.evicts() {
			why[n.ID] = n
			ids = append(ids, n.ID)
		}
	}
	if len(ids) == 0 {
		return nil
	}
	live, err := s.cfg.Store.Live(ctx, ids)
	if err != nil {
		return err
	}
	sortBy(live, func(a, b *Attempt) int { return cmp.Compare(a.ID, b.ID) })
	var ops []op
	for i := range live {
		id, n := live[i].ID, why[live[i].Node]
		if n.State == NodeClosed && live[i].State != AttemptPlaced && !n.evicts() {
			continue
		}
		ops = append(ops, op{job: live[i].Job, step: StepLose, decide: func(d *draft) error {
			d.displace(id, n)
			return nil
		}})
	}
	_, err = s.ops.Do(ctx, ops...)
	return err
}

// evicts reports whether a taint of the node takes running jobs away.
func (n *Node) evicts() bool {
	return slices.ContainsFunc(n.Taints, func(t Taint) bool { return t.Effect == Evict })
}

// evicting are the nodes that take running jobs away, with their marks.
func evicting(nodes []Node) []Node {
	var out []Node
	for i := range nodes {
		if n := nodes[i].WithMarks(); n.State == NodeUp && n.evicts() {
			out = append(out, n)
		}
	}
	return out
}

// displace takes one attempt back from a node that is closed, down, or tainted.
func (d *draft) displace(id AttemptID, n *Node) {
	a := d.attempt(id)
	switch {
	case a == nil || !a.State.Live():
	case n.State == NodeDown:
		d.lose(a, "its node went down")
	case d.Job.Constraints.tainted(n, Evict):
		d.takeBack(a, "its node was tainted")
	case a.State == AttemptPlaced && n.State != NodeUp:
		d.unplace(a, "its node closed")
	}
}

// takeBack ends a live attempt for a reason that is not its job's: it counts as nobody's failure.
func (d *draft) takeBack(a *Attempt, reason string) {
	d.close(a, AttemptCancelled, reason)
	d.Job.ReadyAt = d.now
	d.aggregate()
	d.note("slot %d taken back from %s: %s", a.Slot, a.Node, reason)
}

// Drain lets a node take nothing new, or take work again. What it runs goes on. Errors are of kind NotFound, Denied and
// Unavailable.
func (s *Scheduler) Drain(ctx context.Context, id NodeID, drained bool) error {
	const op = "scheduler.drain"
	p := principal.From(ctx)
	if err := s.allowNode(ctx, p, op, id, p.Tenant, ""); err != nil {
		return fault.Wrap(op, err)
	}
	nodes, err := s.cfg.Store.Nodes(ctx, p.Tenant)
	if err != nil {
		return fault.Wrap(op, err)
	}
	for i := range nodes {
		if nodes[i].ID != id {
			continue
		}
		if err := s.cfg.Store.SetDrain(ctx, id, drained, s.now()); err != nil {
			return fault.Wrap(op, err)
		}
		s.marks.changedNodes()
		nodes[i].State = NodeClosed
		if !drained {
			return nil
		}
		return fault.Wrap(op, s.displace(ctx, nodes[i:i+1]))
	}
	return fault.Newf(fault.NotFound, op, "no node %q", id)
}

// Mark puts labels and taints on a node of the caller's tenant, in the place of those put before. A taint of effect Evict takes back
// what runs there and does not tolerate it. Errors are of kind Invalid, NotFound, Denied and Unavailable.
func (s *Scheduler) Mark(ctx context.Context, id NodeID, marks Marks) error {
	const op = "scheduler.mark"
	p := principal.From(ctx)
	if err := s.allowNode(ctx, p, op, id, p.Tenant, ""); err != nil {
		return fault.Wrap(op, err)
	}
	if err := marks.validate(); err != nil {
		return err
	}
	nodes, err := s.cfg.Store.Nodes(ctx, p.Tenant)
	if err != nil {
		return fault.Wrap(op, err)
	}
	at := slices.IndexFunc(nodes, func(n Node) bool { return n.ID == id })
	if at < 0 {
		return fault.Newf(fault.NotFound, op, "no node %q", id)
	}
	if err := s.cfg.Store.SetMarks(ctx, id, marks, s.now()); err != nil {
		return fault.Wrap(op, err)
	}
	s.marks.changedNodes()
	nodes[at].Marks = marks
	return fault.Wrap(op, s.displace(ctx, []Node{nodes[at].WithMarks()}))
}

// validate checks an operator's labels and taints.
func (m *Marks) validate() error {
	const op = "scheduler.mark"
	if len(m.Labels) > maxValues || len(m.Taints) > maxValues {
		return fault.Field(op, "labels", "want at most %d labels and taints", maxValues)
	}
	for k, v := range m.Labels {
		if k == "" || !isText(k, maxLabel) || !isText(v, maxLabel) {
			return fault.Field(op, "labels", "want keys of 1 to %d bytes and values of at most %d", maxLabel, maxLabel)
		}
	}
	for _, t := range m.Taints {
		switch {
		case t.Key == "" || !isText(t.Key, maxLabel) || !isText(t.Value, maxLabel):
			return fault.Field(op, "taints", "want keys of 1 to %d bytes and values of at most %d", maxLabel, maxLabel)
		case t.Effect != Refuse && t.Effect != Avoid && t.Effect != Evict:
			return fault.Field(op, "taints", "%s: unknown effect %q: want refuse, avoid or evict", t.Key, t.Effect)
		}
	}
	return nil
}

// RemoveNodes forgets nodes of the caller's tenant, after taking back what runs on them. Unknown ones are ignored. Errors are
// of kind Denied and Unavailable.
func (s *Scheduler) RemoveNodes(ctx context.Context, ids []NodeID) error {
	const op = "scheduler.remove"
	p := principal.From(ctx)
	nodes, err := s.cfg.Store.Nodes(ctx, p.Tenant)
	if err != nil {
		return fault.Wrap(op, err)
	}
	gone := slices.DeleteFunc(nodes, func(n Node) bool { return !slices.Contains(ids, n.ID) })
	names := make([]NodeID, len(gone))
	for i := range gone {
		names[i] = gone[i].ID
		gone[i].State = NodeDown
		if err := s.allowNode(ctx, p, op, gone[i].ID, gone[i].Tenant, ""); err != nil {
			return fault.Wrap(op, err)
		}
	}
	if err := s.cfg.Store.DeleteNodes(ctx, names); err != nil {
		return fault.Wrap(op, err)
	}
	s.marks.changedNodes()
	return fault.Wrap(op, s.displace(ctx, gone))
}
