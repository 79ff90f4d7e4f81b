package chain_test

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/fogcompute/fogcompute/fog/tokenomics/chain"
)

// A log of two blocks is written, and read as a stream.
func ExampleVerifier() {
	type block struct {
		header  chain.Header
		hash    chain.Hash
		entries []string
	}
	var head chain.Head
	var blocks []block
	for i, entries := range [][]string{{"ada pays bob 5", "bob pays eve 2"}, {"eve pays ada 1"}} {
		var leaves []chain.Hash
		for _, entry := range entries {
			leaves = append(leaves, chain.LeafHash([]byte(entry)))
		}
		header := chain.Header{
			First: head.Last + 1, Last: head.Last + int64(len(entries)), At: 1_767_225_600_000_000 + int64(i), Root: chain.Root(leaves),
		}
		head, _ = head.Append(header)
		blocks = append(blocks, block{header, head.Hash, entries})
	}

	verify := func() (chain.Head, error) {
		var v chain.Verifier
		for _, b := range blocks {
			for i, entry := range b.entries {
				_ = v.Entry(b.header.First+int64(i), []byte(entry)) // End returns its error as well
			}
			_ = v.Block(b.header, b.hash)
		}
		return v.End()
	}
	read, err := verify()
	fmt.Println(read == head, err)
	blocks[1].entries[0] = "eve pays ada 0"
	read, err = verify()
	fmt.Println(read.Last, errors.Is(err, chain.ErrRoot), err)
	// Output:
	// true <nil>
	// 2 true chain.verify: entries 3 to 3 do not have the root of their block: chain: the entries do not have the root of their block
}

// An entry is proved to lie before a head that was published later.
func ExampleReceipt() {
	entries := []string{"ada pays bob 5", "bob pays eve 2", "eve pays ada 1"}
	var leaves []chain.Hash
	for _, entry := range entries {
		leaves = append(leaves, chain.LeafHash([]byte(entry)))
	}
	first := chain.Header{First: 1, Last: 3, At: 1_767_225_600_000_000, Root: chain.Root(leaves)}
	second := chain.Header{First: 4, Last: 4, At: 1_767_225_601_000_000, Root: chain.LeafHash([]byte("bob pays ada 1"))}
	head := chain.Head{Last: 4, Hash: chain.Follow(chain.Hash{}, []chain.Header{first, second})}

	given, _ := chain.NewReceipt(2, leaves, chain.Hash{}, first)
	text, _ := json.Marshal(given)

	var receipt chain.Receipt // elsewhere, from the text
	fmt.Println(json.Unmarshal(text, &receipt))
	fmt.Println(receipt.Verify([]byte("bob pays eve 2")))
	fmt.Println(receipt.Anchor([]chain.Header{second}, head))
	fmt.Println(receipt.Verify([]byte("bob pays eve 3")))
	// Output:
	// <nil>
	// <nil>
	// <nil>
	// chain.receipt: leaf: is not the hash of this data
}

// The root of a tree is known while its leaves arrive.
func ExampleTree() {
	var tree chain.Tree
	for _, entry := range []string{"a", "b", "c"} {
		tree.Add(chain.LeafHash([]byte(entry)))
		fmt.Println(tree.Count(), tree.Root().String()[:16])
	}
	// Output:
	// 1 022a6979e6dab7aa
	// 2 b137985ff484fb60
	// 3 36642e73c2540ab1
}

// A proof for leaf 2 of 3 is one hash long.
func ExampleVerifyProof() {
	leaves := []chain.Hash{chain.LeafHash([]byte("a")), chain.LeafHash([]byte("b")), chain.LeafHash([]byte("c"))}
	proof := chain.Proof(leaves, 2)
	fmt.Println(len(proof), chain.VerifyProof(leaves[2], 2, 3, proof, chain.Root(leaves)))
	fmt.Println(chain.VerifyProof(leaves[2], 1, 3, proof, chain.Root(leaves)))
	// Output:
	// 1 true
	// false
}
