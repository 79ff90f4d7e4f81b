package chain_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/fogcompute/fogcompute/fog/tokenomics/chain"
)

// BenchmarkVerifier streams entries of 200 bytes in blocks of 256: one operation is one entry.
func BenchmarkVerifier(b *testing.B) {
	l := &log{}
	entries := make([][]byte, 256)
	for i := range entries {
		entries[i] = make([]byte, 200)
		entries[i][0] = byte(i)
	}
	for range 64 {
		l.add(1, entries...)
	}
	b.SetBytes(200)
	b.ReportAllocs()
	b.ResetTimer()
	for left := b.N; left > 0; {
		var v chain.Verifier
		for _, block := range l.blocks {
			for i, entry := range block.entries {
				_ = v.Entry(block.header.First+int64(i), entry)
			}
			_ = v.Block(block.header, block.hash)
			left -= len(block.entries)
		}
		if _, err := v.End(); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "entries/s")
}

func BenchmarkLeafHash(b *testing.B) {
	entry := make([]byte, 200)
	b.ReportAllocs()
	for b.Loop() {
		chain.LeafHash(entry[:50], entry[50:])
	}
}

func BenchmarkRoot(b *testing.B) {
	leaves := leavesOf(1024)
	b.ReportAllocs()
	for b.Loop() {
		chain.Root(leaves)
	}
}

func BenchmarkProof(b *testing.B) {
	leaves := leavesOf(1024)
	b.ReportAllocs()
	for b.Loop() {
		chain.Proof(leaves, 700)
	}
}

func BenchmarkReceiptVerify(b *testing.B) {
	l := &log{}
	entries := make([][]byte, 1024)
	for i := range entries {
		entries[i] = make([]byte, 200)
	}
	l.add(1, entries...)
	r, _ := l.receipt(0, 700)
	b.ReportAllocs()
	for b.Loop() {
		if err := r.Verify(entries[700]); err != nil {
			b.Fatal(err)
		}
	}
}

func TestHotPathsDoNotAllocate(t *testing.T) {
	leaves := leavesOf(300)
	entry := make([]byte, 400)
	var v chain.Verifier
	var tree chain.Tree
	number := int64(0)
	for name, f := range map[string]func(){
		"Root":     func() { chain.Root(leaves) },
		"LeafHash": func() { chain.LeafHash(entry[:7], entry[7:]) },
		"Tree":     func() { tree.Add(leaves[0]); tree.Root() },
		"Link":     func() { chain.Link(leaves[0], chain.Header{First: 1, Last: 2}) },
		"Verifier": func() { number++; _ = v.Entry(number, entry) },
		"Proof":    func() { chain.VerifyProof(leaves[0], 0, 3, leaves[1:3], leaves[4]) },
	} {
		require.Zero(t, testing.AllocsPerRun(50, f), name)
	}
}
