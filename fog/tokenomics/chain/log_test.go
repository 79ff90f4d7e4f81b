package chain_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
	"github.com/fogcompute/fogcompute/fog/tokenomics/chain"
)

// sample is a log of three blocks, of 3, 1 and 5 entries.
func sample() *log {
	l := &log{}
	l.add(1000, []byte("a"), []byte("b"), []byte("c"))
	l.add(900, []byte("d"))
	l.add(2000, []byte("e"), []byte("f"), []byte("g"), []byte("h"), []byte("i"))
	return l
}

func TestVerifierAcceptsAnyLog(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := drawLog(t)
		head, err := l.verify()
		if err != nil || head != l.head {
			t.Fatalf("%v, %+v instead of %+v", err, head, l.head)
		}
		cut := rapid.IntRange(0, len(l.blocks)-1).Draw(t, "cut")
		v := chain.NewVerifier(headBehind(l, cut))
		var headers []chain.Header
		for _, b := range l.blocks[cut:] {
			headers = append(headers, b.header)
			for i, leaf := range b.leaves {
				if err := v.Leaf(b.header.First+int64(i), leaf); err != nil {
					t.Fatal(err)
				}
			}
			if err := v.Block(b.header, b.hash); err != nil {
				t.Fatal(err)
			}
		}
		if head, err := v.End(); err != nil || head != l.head {
			t.Fatalf("behind block %d: %v", cut, err)
		}
		if chain.Follow(headBehind(l, cut).Hash, headers) != l.head.Hash {
			t.Fatal("the headers lead elsewhere")
		}
	})
}

// headBehind is the head after the first n blocks.
func headBehind(l *log, n int) chain.Head {
	if n == 0 {
		return chain.Head{}
	}
	return chain.Head{Last: l.blocks[n-1].header.Last, Hash: l.blocks[n-1].hash}
}

// Every single bit of all that a log stores is flipped in turn: entries, headers and hashes.
func TestEveryFlippedBitOfALogIsFound(t *testing.T) {
	l := sample()
	flips := 0
	check := func(blockNumber int, what string, want error, flip func(bit int), n int) {
		for bit := range n {
			flip(bit)
			head, err := l.verify()
			require.ErrorIs(t, err, want, "%s of block %d, bit %d", what, blockNumber, bit)
			require.ErrorIs(t, err, &fault.Error{Kind: fault.Conflict})
			require.Equal(t, headBehind(l, blockNumber), head, "the part before the break")
			flip(bit)
			flips++
		}
	}
	for n := range l.blocks {
		b := &l.blocks[n]
		for _, entry := range b.entries {
			check(n, "entry", chain.ErrRoot, func(bit int) { flip(entry, bit) }, bits(entry))
		}
		check(n, "root", chain.ErrRoot, func(bit int) { flip(b.header.Root[:], bit) }, 256)
		check(n, "time", chain.ErrLink, func(bit int) { flipNumber(&b.header.At, bit) }, 64)
		check(n, "hash", chain.ErrLink, func(bit int) { flip(b.hash[:], bit) }, 256)
		check(n, "last", chain.ErrGap, func(bit int) { flipNumber(&b.header.Last, bit) }, 64)
		first := b.header.First // the verifier sees the entries with their own numbers
		check(n, "first", chain.ErrGap, func(bit int) {
			if flipNumber(&b.header.First, bit); b.header.First != first {
				b.leaves = nil
			}
		}, 64)
	}
	require.Equal(t, 9*8+3*(256+64+256+64+64), flips)
	_, err := l.verify()
	require.NoError(t, err)
}

// A forger who also repairs what follows from the change must change every later hash, and so the head.
func TestRewrittenHistoryChangesTheHead(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := drawLog(t)
		n := rapid.IntRange(0, len(l.blocks)-1).Draw(t, "block")
		i := rapid.IntRange(0, len(l.blocks[n].entries)-1).Draw(t, "entry")
		forged := &log{}
		for k, b := range l.blocks {
			entries := append([][]byte{}, b.entries...)
			if k == n {
				entries[i] = append([]byte{}, entries[i]...)
				flip(entries[i], rapid.IntRange(0, bits(entries[i])-1).Draw(t, "bit"))
			}
			forged.add(b.header.At, entries...)
		}
		if _, err := forged.verify(); err != nil {
			t.Fatal(err)
		}
		if forged.head == l.head {
			t.Fatal("the same head")
		}
	})
}

func TestVerifierFindsGaps(t *testing.T) {
	l := sample()
	a, b := l.blocks[0], l.blocks[1]
	feed := func(v *chain.Verifier, numbers ...int64) (err error) {
		for _, n := range numbers {
			err = v.Entry(n, a.entries[min(max(n, 1), 3)-1])
		}
		return err
	}
	for name, numbers := range map[string][]int64{
		"late": {2}, "missing": {1, 3}, "double": {1, 1}, "back": {1, 2, 1}, "zero": {0}, "negative": {-1}, "far": {math.MaxInt64},
	} {
		var v chain.Verifier
		require.ErrorIs(t, feed(&v, numbers...), chain.ErrGap, name)
	}
	var v chain.Verifier
	require.ErrorIs(t, v.Block(a.header, a.hash), chain.ErrGap, "a block without its entries")
	v = chain.Verifier{}
	require.NoError(t, feed(&v, 1, 2))
	require.ErrorIs(t, v.Block(a.header, a.hash), chain.ErrGap, "an entry is missing at the end")
	v = chain.Verifier{}
	require.NoError(t, feed(&v, 1, 2, 3))
	require.NoError(t, v.Block(a.header, a.hash))
	require.ErrorIs(t, v.Block(a.header, a.hash), chain.ErrGap, "a block twice")
	v = chain.Verifier{}
	require.NoError(t, feed(&v, 1, 2, 3))
	require.ErrorIs(t, v.Block(b.header, b.hash), chain.ErrGap, "a block is missing")
	v = chain.Verifier{}
	require.NoError(t, feed(&v, 1, 2, 3))
	_, err := v.End()
	require.ErrorIs(t, err, chain.ErrGap, "entries without a block")
}

func TestVerifierRepeatsTheFirstBreak(t *testing.T) {
	l := sample()
	var v chain.Verifier
	first := v.Entry(2, []byte("b"))
	require.Error(t, first)
	require.Equal(t, first, v.Entry(1, []byte("a")))
	require.Equal(t, first, v.Leaf(1, l.blocks[0].leaves[0]))
	require.Equal(t, first, v.Block(l.blocks[0].header, l.blocks[0].hash))
	head, err := v.End()
	require.Equal(t, first, err)
	require.Zero(t, head)
	require.Equal(t, "chain.verify: entry 2 stands in the place of 1: chain: the numbers are not consecutive", err.Error())
}

func TestHeadRefusesWhatDoesNotContinue(t *testing.T) {
	root := chain.Root(nil)
	for _, c := range []struct {
		head chain.Head
		next chain.Header
	}{
		{chain.Head{}, chain.Header{First: 0, Last: 1, Root: root}},
		{chain.Head{}, chain.Header{First: 1, Last: 0, Root: root}},
		{chain.Head{}, chain.Header{First: 2, Last: 2, Root: root}},
		{chain.Head{Last: 5}, chain.Header{First: 5, Last: 7, Root: root}},
		{chain.Head{Last: 5}, chain.Header{First: 6, Last: -1, Root: root}},
		{chain.Head{Last: -1}, chain.Header{First: 0, Last: 3, Root: root}},
		{chain.Head{Last: math.MaxInt64}, chain.Header{First: math.MinInt64, Last: 3, Root: root}},
	} {
		_, err := c.head.Append(c.next)
		require.ErrorIs(t, err, chain.ErrGap, "%+v", c)
	}
	head, err := chain.Head{Last: math.MaxInt64 - 1}.Append(chain.Header{First: math.MaxInt64, Last: math.MaxInt64})
	require.NoError(t, err)
	require.EqualValues(t, math.MaxInt64, head.Last)
}

// FuzzVerifier reads hostile bytes as a stream of entries and blocks: only the streams that are whole may pass.
func FuzzVerifier(f *testing.F) {
	f.Add([]byte{1, 2, 3, 0, 4, 0, 5, 6})
	f.Add([]byte{0, 0})
	f.Add([]byte{9, 0, 255, 9, 0})
	f.Fuzz(func(t *testing.T, script []byte) {
		var v chain.Verifier
		var made chain.Head
		var pending []chain.Hash
		good := true
		for _, step := range script {
			number := made.Last + int64(len(pending)) + 1
			switch step {
			case 0: // close the block rightly; without entries there is none
				h := chain.Header{First: made.Last + 1, Last: made.Last + int64(len(pending)), Root: chain.Root(pending)}
				hash := chain.Link(made.Hash, h)
				good = good && len(pending) > 0
				if (v.Block(h, hash) == nil) != good {
					t.Fatal("a block is judged wrongly")
				}
				if good {
					made, pending = chain.Head{Last: h.Last, Hash: hash}, nil
				}
			case 255: // an entry out of order
				good = false
				if v.Entry(number+1, script) == nil {
					t.Fatal("a gap is not seen")
				}
			default:
				if (v.Entry(number, []byte{step}) == nil) != good {
					t.Fatal("an entry is judged wrongly")
				}
				pending = append(pending, chain.LeafHash([]byte{step}))
			}
		}
		head, err := v.End()
		if (err == nil) != (good && len(pending) == 0) || head != made {
			t.Fatalf("%v, %+v instead of %+v", err, head, made)
		}
	})
}
