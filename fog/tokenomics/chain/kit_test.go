package chain_test

import (
	"encoding/binary"
	"encoding/hex"

	"pgregory.net/rapid"

	"github.com/fogcompute/fogcompute/fog/tokenomics/chain"
)

// classic are the eight test leaves of certificate-transparency.
var classic = []string{"", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"}

func unhex(text string) []byte {
	data, err := hex.DecodeString(text)
	if err != nil {
		panic(err)
	}
	return data
}

func hash(text string) (h chain.Hash) {
	if err := h.UnmarshalText([]byte(text)); err != nil {
		panic(err)
	}
	return h
}

// leavesOf returns n different leaves.
func leavesOf(n int) []chain.Hash {
	leaves := make([]chain.Hash, n)
	for i := range leaves {
		leaves[i] = chain.LeafHash(binary.BigEndian.AppendUint64(nil, uint64(i)))
	}
	return leaves
}

// naiveRoot is MTH as RFC 6962, section 2.1, writes it.
func naiveRoot(leaves []chain.Hash) chain.Hash {
	switch len(leaves) {
	case 0:
		return hash("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
	case 1:
		return leaves[0]
	}
	k := 1
	for k*2 < len(leaves) {
		k *= 2
	}
	return pair(naiveRoot(leaves[:k]), naiveRoot(leaves[k:]))
}

// naiveProof is PATH as RFC 6962, section 2.1.1, writes it.
func naiveProof(m int, leaves []chain.Hash) []chain.Hash {
	if len(leaves) == 1 {
		return []chain.Hash{}
	}
	k := 1
	for k*2 < len(leaves) {
		k *= 2
	}
	if m < k {
		return append(naiveProof(m, leaves[:k]), naiveRoot(leaves[k:]))
	}
	return append(naiveProof(m-k, leaves[k:]), naiveRoot(leaves[:k]))
}

// block is what a log stores of one.
type block struct {
	header  chain.Header
	hash    chain.Hash
	entries [][]byte
	leaves  []chain.Hash
}

// log is a whole log: blocks[i] follows blocks[i-1].
type log struct {
	blocks []block
	head   chain.Head
}

// add closes a block with these entries.
func (l *log) add(at int64, entries ...[]byte) {
	b := block{entries: entries, header: chain.Header{First: l.head.Last + 1, Last: l.head.Last + int64(len(entries)), At: at}}
	for _, entry := range entries {
		b.leaves = append(b.leaves, chain.LeafHash(entry))
	}
	b.header.Root = chain.Root(b.leaves)
	head, err := l.head.Append(b.header)
	if err != nil {
		panic(err)
	}
	b.hash, l.head = head.Hash, head
	l.blocks = append(l.blocks, b)
}

// verify reads a log as a stream.
func (l *log) verify() (chain.Head, error) {
	var v chain.Verifier
	for _, b := range l.blocks {
		for i, entry := range b.entries {
			if err := v.Entry(b.header.First+int64(i), entry); err != nil {
				return v.Head(), err
			}
		}
		if err := v.Block(b.header, b.hash); err != nil {
			return v.Head(), err
		}
	}
	return v.End()
}

// receipt returns the receipt of an entry, and the headers from it to the head.
func (l *log) receipt(blockNumber, index int) (chain.Receipt, []chain.Header) {
	previous := chain.Hash{}
	if blockNumber > 0 {
		previous = l.blocks[blockNumber-1].hash
	}
	b := l.blocks[blockNumber]
	r, err := chain.NewReceipt(b.header.First+int64(index), b.leaves, previous, b.header)
	if err != nil {
		panic(err)
	}
	var later []chain.Header
	for _, next := range l.blocks[blockNumber+1:] {
		later = append(later, next.header)
	}
	return r, later
}

// drawLog draws a log of 1 to 6 blocks of 1 to 9 entries.
func drawLog(t *rapid.T) *log {
	l := &log{}
	for range rapid.IntRange(1, 6).Draw(t, "blocks") {
		entries := rapid.SliceOfN(rapid.SliceOfN(rapid.Byte(), 1, 20), 1, 9).Draw(t, "entries")
		l.add(rapid.Int64().Draw(t, "at"), entries...)
	}
	return l
}

// bits is the number of bits of data, flip inverts one of them.
func bits(data []byte) int { return 8 * len(data) }

func flip(data []byte, bit int) { data[bit/8] ^= 1 << (bit % 8) }

// flipNumber inverts bit 0 to 63 of an integer.
func flipNumber[N int | int64](n *N, bit int) { *n ^= N(1) << bit }
