package chain

import (
	"crypto/sha256"
	"math/bits"
	"slices"
)

// maxDepth is the depth that no tree reaches: leaves are counted in an int64.
const maxDepth = 63

// Tree computes the root of a Merkle tree (RFC 6962, section 2.1) while its leaves arrive, in 2 KiB and without allocating. The
// zero value is the tree without leaves. It keeps the roots of the full subtrees that the leaves so far consist of, one
// for each bit of their number, as a binary counter does; RFC 6962 splits at powers of two, so these never change again.
type Tree struct {
	count uint64
	full  [maxDepth]Hash // full[k], if bit k of count is set: root of 2^k leaves
}

// Add appends a leaf: what LeafHash has returned.
func (t *Tree) Add(leaf Hash) {
	level := 0
	for ; t.count>>level&1 == 1; level++ {
		leaf = node(t.full[level], leaf)
	}
	t.full[level] = leaf
	t.count++
}

// Count returns the number of leaves.
func (t *Tree) Count() int64 { return int64(t.count) }

// Root returns the root over the leaves so far; without any, it is SHA-256 of nothing. More leaves may follow.
func (t *Tree) Root() Hash {
	if t.count == 0 {
		return sha256.Sum256(nil)
	}
	level := bits.TrailingZeros64(t.count)
	root := t.full[level]
	for rest := t.count & (t.count - 1); rest != 0; rest &= rest - 1 {
		root = node(t.full[bits.TrailingZeros64(rest)], root)
	}
	return root
}

// Reset takes all leaves away.
func (t *Tree) Reset() { t.count = 0 }

// Root returns the root of the tree over leaves, without allocating. Without leaves it is SHA-256 of nothing.
func Root(leaves []Hash) Hash {
	var t Tree
	for _, leaf := range leaves {
		t.Add(leaf)
	}
	return t.Root()
}

// Proof returns the audit path of leaf i (RFC 6962, section 2.1.1): the sibling at each step from the leaf up to the root. It is
// empty for a single leaf, and nil if there is no leaf i. It takes as many hashes as there are leaves.
func Proof(leaves []Hash, i int) []Hash {
	if i < 0 || i >= len(leaves) {
		return nil
	}
	path := make([]Hash, 0, bits.Len(uint(len(leaves)-1)))
	for len(leaves) > 1 {
		split := 1 << (bits.Len(uint(len(leaves)-1)) - 1) // the largest power of two below their number
		if i < split {
			path = append(path, Root(leaves[split:]))
			leaves = leaves[:split]
		} else {
			path = append(path, Root(leaves[:split]))
			leaves, i = leaves[split:], i-split
		}
	}
	slices.Reverse(path)
	return path
}

// VerifyProof reports whether proof leads from leaf, being number i (from 0) of n leaves, to root: RFC 9162, section 2.1.3.2. i
// and n are part of what is proved only if n is known for certain, as it is from a Header. Nothing in it can fail: whatever does
// not fit is false.
func VerifyProof(leaf Hash, i, n int, proof []Hash, root Hash) bool {
	if i < 0 || i >= n {
		return false
	}
	index, last := uint(i), uint(n-1) // of the node on the path, and of the last node of its level
	for _, sibling := range proof {
		if last == 0 {
			return false
		}
		if index&1 == 1 || index == last {
			leaf = node(sibling, leaf)
			for index&1 == 0 && index != 0 { // levels on which the node has no sibling
				index, last = index>>1, last>>1
			}
		} else {
			leaf = node(leaf, sibling)
		}
		index, last = index>>1, last>>1
	}
	return last == 0 && leaf == root
}
