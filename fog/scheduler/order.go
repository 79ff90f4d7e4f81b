package scheduler

import (
	"cmp"
	"iter"
	"slices"
	"strings"
)

// orderKey is one entry of an ordered set.
type orderKey struct {
	a, b int64
	id   string
}

func compareKeys(x, y orderKey) int {
	if x.a != y.a {
		return cmp.Compare(x.a, y.a)
	}
	if x.b != y.b {
		return cmp.Compare(x.b, y.b)
	}
	return strings.Compare(x.id, y.id)
}

// blockSize is where a block of an ordered set is split.
const blockSize = 512

// ordered is a sorted set: a list of sorted blocks, none of them empty. Finding takes two binary searches, adding and
// removing move at most one block's worth of keys.
type ordered struct {
	blocks [][]orderKey
	size   int // keys
}

// find is where k is, or where it belongs: the first block whose last key is not before k.
func (o *ordered) find(k orderKey) (block, index int, found bool) {
	block, _ = slices.BinarySearchFunc(o.blocks, k, func(b []orderKey, k orderKey) int { return compareKeys(b[len(b)-1], k) })
	if block == len(o.blocks) {
		return block, 0, false
	}
	index, found = slices.BinarySearchFunc(o.blocks[block], k, compareKeys)
	return block, index, found
}

func (o *ordered) add(k orderKey) {
	block, index, found := o.find(k)
	if found {
		return
	}
	o.size++
	if block == len(o.blocks) {
		if block == 0 {
			o.blocks = append(o.blocks, append(make([]orderKey, 0, blockSize), k))
			return
		}
		block--
		index = len(o.blocks[block])
	}
	b := slices.Insert(o.blocks[block], index, k)
	o.blocks[block] = b
	if len(b) < blockSize {
		return
	}
	half := len(b) / 2
	if index == len(b)-1 {
		half = len(b) - 1 // keys that come in order leave full blocks behind
	}
	upper := append(make([]orderKey, 0, blockSize), b[half:]...)
	clear(b[half:])
	o.blocks[block] = b[:half]
	o.blocks = slices.Insert(o.blocks, block+1, upper)
}

func (o *ordered) remove(k orderKey) {
	block, index, found := o.find(k)
	if !found {
		return
	}
	o.size--
	if b := o.blocks[block]; index == 0 { // as queues do it
		b[0] = orderKey{}
		o.blocks[block] = b[1:]
	} else {
		o.blocks[block] = slices.Delete(b, index, index+1)
	}
	if len(o.blocks[block]) == 0 {
		o.blocks = slices.Delete(o.blocks, block, block+1)
	}
}

// from yields the keys that are not before k, in order. The set must not change meanwhile.
func (o *ordered) from(k orderKey) iter.Seq[orderKey] {
	return func(yield func(orderKey) bool) {
		block, index, _ := o.find(k)
		for ; block < len(o.blocks); block, index = block+1, 0 {
			for _, key := range o.blocks[block][index:] {
				if !yield(key) {
					return
				}
			}
		}
	}
}

// before yields the keys before k, last first. The set must not change meanwhile.
func (o *ordered) before(k orderKey) iter.Seq[orderKey] {
	return func(yield func(orderKey) bool) {
		block, index, _ := o.find(k)
		for ; block >= 0; block, index = block-1, -1 {
			if block == len(o.blocks) {
				continue
			}
			if index < 0 {
				index = len(o.blocks[block])
			}
			for i := index - 1; i >= 0; i-- {
				if !yield(o.blocks[block][i]) {
					return
				}
			}
		}
	}
}
