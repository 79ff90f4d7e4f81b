package chain_test

import (
	"bytes"
	"crypto/sha256"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
	"github.com/fogcompute/fogcompute/fog/tokenomics/chain"
)

// pair is the hash of a node, written from the RFC and not from the package.
func pair(left, right chain.Hash) chain.Hash {
	return sha256.Sum256(bytes.Join([][]byte{{1}, left[:], right[:]}, nil))
}

// The roots and paths that the tests of certificate-transparency have for their eight leaves.
func TestCertificateTransparencyVectors(t *testing.T) {
	roots := []string{
		"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
		"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
		"fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
		"aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
		"d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
		"4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
		"76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
		"ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
		"5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
	}
	var tree chain.Tree
	var leaves []chain.Hash
	require.Equal(t, hash(roots[0]), tree.Root())
	for i, text := range classic {
		leaves = append(leaves, chain.LeafHash(unhex(text)))
		tree.Add(leaves[i])
		require.Equal(t, roots[i+1], tree.Root().String())
		require.Equal(t, hash(roots[i+1]), chain.Root(leaves))
		require.EqualValues(t, i+1, tree.Count())
	}
	for _, c := range []struct {
		i, n int
		path []string
	}{
		{0, 1, nil},
		{0, 8, []string{
			"96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
			"5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
			"6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
		}},
		{5, 8, []string{
			"bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
			"ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
			"d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
		}},
		{2, 3, []string{"fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"}},
		{1, 5, []string{
			"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
			"5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
			"bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
		}},
	} {
		proof := chain.Proof(leaves[:c.n], c.i)
		require.Len(t, proof, len(c.path))
		for k := range proof {
			require.Equal(t, c.path[k], proof[k].String(), "leaf %d of %d", c.i, c.n)
		}
		require.True(t, chain.VerifyProof(leaves[c.i], c.i, c.n, proof, hash(roots[c.n])))
	}
}

// Every tree of up to 34 leaves, against the RFC's recursive definitions; every leaf's proof fits its own place and no other.
func TestSmallTreesExhaustively(t *testing.T) {
	all := leavesOf(34)
	for n := 1; n <= len(all); n++ {
		leaves := all[:n]
		root := naiveRoot(leaves)
		require.Equal(t, root, chain.Root(leaves), "%d leaves", n)
		for i, leaf := range leaves {
			proof := chain.Proof(leaves, i)
			require.Equal(t, naiveProof(i, leaves), proof, "leaf %d of %d", i, n)
			for j := -1; j <= n; j++ {
				require.Equal(t, i == j, chain.VerifyProof(leaf, j, n, proof, root), "leaf %d as %d of %d", i, j, n)
			}
		}
	}
	require.Nil(t, chain.Proof(all, -1))
	require.Nil(t, chain.Proof(all, len(all)))
	require.Nil(t, chain.Proof(nil, 0))
	require.False(t, chain.VerifyProof(all[0], 0, 0, nil, all[0]))
	require.False(t, chain.VerifyProof(all[0], 0, -1, nil, all[0]))
}

// shape says on which side the siblings of leaf i of n stand, from the leaf up.
func shape(i, n int) string {
	if n == 1 {
		return ""
	}
	k := 1
	for k*2 < n {
		k *= 2
	}
	if i < k {
		return shape(i, k) + "R"
	}
	return shape(i-k, n-k) + "L"
}

// A proof also fits another place in a tree of another size only if its path has the same shape there: that is why the size must
// be known for certain.
func TestProofsInTreesOfOtherSizes(t *testing.T) {
	const most = 18
	all := leavesOf(most)
	for n := 1; n <= most; n++ {
		root := chain.Root(all[:n])
		for i := range n {
			proof := chain.Proof(all[:n], i)
			for m := 1; m <= most; m++ {
				for j := range m {
					require.Equal(t, shape(i, n) == shape(j, m), chain.VerifyProof(all[i], j, m, proof, root), "%d of %d as %d of %d", i, n, j, m)
				}
			}
		}
	}
}

func TestTreeAgainstDefinition(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 600).Draw(t, "leaves")
		leaves := leavesOf(n)
		root := naiveRoot(leaves)
		var tree chain.Tree
		tree.Add(leaves[0]) // forgotten again
		tree.Reset()
		for i, leaf := range leaves {
			tree.Add(leaf)
			if i%97 == 0 {
				tree.Root() // changes nothing
			}
		}
		if tree.Root() != root || chain.Root(leaves) != root {
			t.Fatalf("another root of %d leaves", n)
		}
		i := rapid.IntRange(0, n-1).Draw(t, "index")
		proof := chain.Proof(leaves, i)
		if !chain.VerifyProof(leaves[i], i, n, proof, root) {
			t.Fatalf("leaf %d of %d has no proof", i, n)
		}
		if longer := append(proof[:len(proof):len(proof)], root); chain.VerifyProof(leaves[i], i, n, longer, root) {
			t.Fatal("a longer proof fits")
		}
		if len(proof) > 0 && chain.VerifyProof(leaves[i], i, n, proof[:len(proof)-1], root) {
			t.Fatal("a shorter proof fits")
		}
	})
}

// An inner node cannot be passed off as a leaf, nor a block as either: they are hashed with different first bytes.
func TestHashesOfDifferentThingsDiffer(t *testing.T) {
	leaves := leavesOf(2)
	inner := append(append([]byte{}, leaves[0][:]...), leaves[1][:]...)
	require.NotEqual(t, chain.Root(leaves), chain.LeafHash(inner))
	require.NotEqual(t, chain.Root(leaves), chain.LeafHash(append([]byte{1}, inner...)))
}

func TestLeafHashOfParts(t *testing.T) {
	for _, n := range []int{0, 1, 54, 55, 64, 200, 510, 511, 512, 513, 4096} {
		data := bytes.Repeat([]byte{7}, n)
		want := chain.Hash(sha256.Sum256(append([]byte{0}, data...)))
		require.Equal(t, want, chain.LeafHash(data), "%d bytes", n)
		require.Equal(t, want, chain.LeafHash(data[:n/3], nil, data[n/3:n/2], data[n/2:]), "%d bytes", n)
	}
	require.Equal(t, chain.LeafHash([]byte{}), chain.LeafHash())
}

func TestLinkVector(t *testing.T) {
	h := chain.Header{First: 1, Last: 3, At: 1_700_000_000_000_001, Root: chain.Root(leavesOf(3))}
	previous := leavesOf(1)[0]
	written := bytes.Join([][]byte{
		[]byte("\x02fog.chain.block"), previous[:],
		unhex("0000000000000001"), unhex("0000000000000003"), unhex("00060a24181e4001"), h.Root[:],
	}, nil)
	require.Len(t, written, 104)
	require.Equal(t, chain.Hash(sha256.Sum256(written)), chain.Link(previous, h))
	require.Equal(t, "21a73cc1a32dd8fd44a91a91aa29aed10bcd58ae71a21f9a12a39803c9d9d4d3", chain.Link(previous, h).String())
}

func TestHashText(t *testing.T) {
	text := "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
	require.Equal(t, text, hash(text).String())
	for _, bad := range []string{"", text[1:], text + "0", strings.ToUpper(text), "g" + text[1:], "0x" + text[2:], " " + text[1:]} {
		h := chain.Hash{1}
		err := h.UnmarshalText([]byte(bad))
		require.ErrorIs(t, err, &fault.Error{Kind: fault.Invalid}, "%q", bad)
		require.Equal(t, "hash", fault.FieldOf(err))
		require.Equal(t, chain.Hash{1}, h)
	}
}

func FuzzVerifyProof(f *testing.F) {
	leaves := leavesOf(11)
	root := chain.Root(leaves)
	for i := range leaves {
		f.Add(i, 11, flat(chain.Proof(leaves, i)))
		f.Add(i, 1<<40, []byte{})
	}
	f.Fuzz(func(t *testing.T, i, n int, path []byte) {
		var proof []chain.Hash
		for ; len(path) >= chain.Size; path = path[chain.Size:] {
			proof = append(proof, chain.Hash(path))
		}
		leaf := leaves[5]
		got := chain.VerifyProof(leaf, i, n, proof, root)
		if n == 11 && got != (i == 5 && equal(proof, chain.Proof(leaves, 5))) {
			t.Fatalf("leaf 5 of 11 as %d with %x: %v", i, proof, got)
		}
	})
}

func flat(proof []chain.Hash) (data []byte) {
	for _, h := range proof {
		data = append(data, h[:]...)
	}
	return data
}

func equal(a, b []chain.Hash) bool { return bytes.Equal(flat(a), flat(b)) }
