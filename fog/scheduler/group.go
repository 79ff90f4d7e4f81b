package scheduler

import "github.com/fogcompute/fogcompute/fog/principal"

// groupKey names a group of jobs. The zero value is no group.
type groupKey struct {
	tenant principal.Tenant
	owner  principal.Account
	name   string
}

func groupOf(tenant principal.Tenant, owner principal.Account, name string) groupKey {
	if name == "" {
		return groupKey{}
	}
	return groupKey{tenant, owner, name}
}

// group counts where the live attempts of a group are: by node, and by the value of each key that somebody asked for.
type group struct {
	nodes map[int]int
	by    map[string]map[string]int
}

// Keys of Spread and Constraints.Together that are not labels.
const (
	keyNode  = "node"
	keyOwner = "owner"
)

// value is a node's value of a key. Nodes without the label are places of their own.
func (n *Node) value(key string) string {
	switch key {
	case keyNode:
		return string(n.ID)
	case keyOwner:
		return string(n.Owner)
	}
	if v, ok := n.Labels[key]; ok {
		return v
	}
	return "\x00" + string(n.ID)
}

// move adds n attempts of a group to a node, or takes them away.
func (f *fleet) move(k groupKey, node, n int) {
	if k.name == "" || n == 0 {
		return
	}
	g := f.groups[k]
	if g == nil {
		g = &group{nodes: map[int]int{}}
		f.groups[k] = g
	}
	g.nodes[node] += n
	if g.nodes[node] == 0 {
		delete(g.nodes, node)
	}
	for key, counts := range g.by {
		v := f.nodes[node].value(key)
		counts[v] += n
		if counts[v] == 0 {
			delete(counts, v)
		}
	}
	if len(g.nodes) == 0 {
		delete(f.groups, k)
	}
}

// counts is how many attempts of a group there are for each value of a key; nil where there are none.
func (f *fleet) counts(k groupKey, key string) map[string]int {
	g := f.groups[k]
	if g == nil {
		return nil
	}
	if counts, ok := g.by[key]; ok {
		return counts
	}
	counts := make(map[string]int)
	for node, n := range g.nodes {
		counts[f.nodes[node].value(key)] += n
	}
	if f.shared {
		return counts
	}
	if g.by == nil {
		g.by = make(map[string]map[string]int)
	}
	g.by[key] = counts
	return counts
}
