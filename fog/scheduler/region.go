package scheduler

import (
	"cmp"
	"slices"
)

// shardNodes is how many nodes a search looks at, at most, and so the size of a fleet above which it looks at some regions at a time.
const shardNodes = 5000

// maxShards is how many regions a search looks at, at most, so that it can look at some attempts of each.
const maxShards = 16

// window is the part of a large fleet that one search looks at: whole regions, or parts of regions that are larger than that. A nil
// window is the whole fleet.
type window struct {
	shard []int32 // of each node of the fleet, -1 for none of this window
	count int     // shards, 1 to maxShards
	nodes int
}

// windowAt is the window whose turn it is, and whose is next; nil where the fleet is small enough.
func (f *fleet) windowAt(turn int) (w *window, next int) {
	if len(f.nodes) <= shardNodes {
		return nil, 0
	}
	shards := f.regions()
	turn %= len(shards)
	w = &window{shard: slices.Repeat([]int32{-1}, len(f.nodes))}
	for ; turn < len(shards) && w.count < maxShards; turn++ {
		nodes := shards[turn]
		if w.count > 0 && w.nodes+len(nodes) > shardNodes {
			break
		}
		for _, n := range nodes {
			w.shard[n] = int32(w.count) //nolint:gosec // a fleet has fewer nodes than 2^31
		}
		w.count, w.nodes = w.count+1, w.nodes+len(nodes)
	}
	return w, turn % len(shards)
}

// regions are the nodes of each region, in the order of their names. Those of a region that is too large for a window are split evenly, in
// the order of their identifiers.
func (f *fleet) regions() [][]int32 {
	order := make([]int32, len(f.nodes))
	for i := range order {
		order[i] = int32(i) //nolint:gosec // as above
	}
	region := func(i int32) string { return f.nodes[i].Labels[LabelRegion] }
	sortBy(order, func(a, b *int32) int { return cmp.Or(cmp.Compare(region(*a), region(*b)), cmp.Compare(*a, *b)) })
	var out [][]int32
	for len(order) > 0 {
		n := 1
		for n < len(order) && region(order[n]) == region(order[0]) {
			n++
		}
		parts := (n + shardNodes - 1) / shardNodes
		for nodes := range slices.Chunk(order[:n], (n+parts-1)/parts) {
			out = append(out, nodes)
		}
		order = order[n:]
	}
	return out
}

// of is the shard of a node, -1 for one that is left out.
func (w *window) of(node int) int32 {
	if w == nil {
		return 0
	}
	return w.shard[node]
}

// share is how many items of each shard a puzzle has at most, so that a busy region does not keep the others out.
func (w *window) share() int {
	if w == nil {
		return maxItems
	}
	return maxItems / w.count
}

// size is how many nodes a search for candidates looks at.
func (w *window) size(f *fleet) int {
	if w == nil {
		return len(f.nodes)
	}
	return w.nodes
}
