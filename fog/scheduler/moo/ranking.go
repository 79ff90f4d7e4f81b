package moo

import (
	"math"
	"slices"

	"github.com/fogcompute/fogcompute/fog/scheduler/moo/nds"
)

// ranking finds the fronts of the merged population under constraint domination (Deb et al. 2002, section VI).
type ranking struct {
	sorter nds.Workspace
	order  []int32 // slots by rank, then by slot
	starts []int32 // order[starts[r]:starts[r+1]] is front r
	seen   table
}

// sort fills rank and order for the living and the first `children` of the free slots; the other free slots come last.
func (c *cohort) sort(children int) {
	k := &c.ranking
	for _, slot := range c.free[children:] {
		c.violation[slot] = math.Inf(1) // so that what is left in the row takes no part
	}
	copy(c.rank, k.sorter.SortConstrained(c.value, c.violation, c.objectives))
	worst := slices.Max(c.rank) + 1
	if c.duplicates == LastDuplicates {
		worst = c.demote(worst)
	}
	for _, slot := range c.free[children:] {
		c.rank[slot] = worst
	}
	if children < len(c.free) {
		worst++
	}
	k.starts = append(k.starts[:0], make([]int32, worst+1)...)
	for _, rank := range c.rank {
		k.starts[rank+1]++
	}
	for r := range worst {
		k.starts[r+1] += k.starts[r]
	}
	k.order = slices.Grow(k.order[:0], len(c.rank))[:len(c.rank)]
	for slot, rank := range c.rank {
		k.order[k.starts[rank]] = int32(slot)
		k.starts[rank]++
	}
	copy(k.starts[1:], k.starts[:worst]) // each start has run to the next one
	k.starts[0] = 0
}

// demote puts every copy of an earlier slot behind all ranks, in the order of their own ranks.
func (c *cohort) demote(worst int32) int32 {
	next := worst
	c.ranking.seen.reset(2 * c.size)
	for slot := range int32(len(c.rank)) {
		if c.ranking.seen.add(c, slot) {
			continue
		}
		c.rank[slot] += worst
		next = max(next, c.rank[slot]+1)
	}
	return next
}

// table is a set of slots, equal when their objectives and violation are; open addressing, never cleared: an entry of an
// earlier epoch is empty.
type table struct {
	slots []int32
	epoch []uint32
	now   uint32
	mask  uint64
}

// reset empties the table and gives it room for n slots.
func (t *table) reset(n int) {
	size := 1
	for size < 2*n {
		size *= 2
	}
	t.now++
	if len(t.slots) != size || t.now == 0 {
		t.slots, t.epoch, t.now, t.mask = make([]int32, size), make([]uint32, size), 1, uint64(size-1)
	}
}

// add puts a slot in and reports whether no equal one was there.
func (t *table) add(c *cohort, slot int32) bool {
	row := c.row(slot)
	h := math.Float64bits(c.violation[slot])
	for _, v := range row {
		h = (h ^ math.Float64bits(v+0)) * 0x9E3779B97F4A7C15 // -0 + 0 is 0
		h ^= h >> 29
	}
	for at := h & t.mask; ; at = (at + 1) & t.mask {
		if t.epoch[at] != t.now {
			t.epoch[at], t.slots[at] = t.now, slot
			return true
		}
		if other := t.slots[at]; c.violation[other] == c.violation[slot] && slices.Equal(c.row(other), row) {
			return false
		}
	}
}
