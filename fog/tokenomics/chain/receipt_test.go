package chain_test

import (
	"encoding/json"
	"math"
	"reflect"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
	"github.com/fogcompute/fogcompute/fog/tokenomics/chain"
)

func TestReceiptsOfAnyLog(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := drawLog(t)
		n := rapid.IntRange(0, len(l.blocks)-1).Draw(t, "block")
		i := rapid.IntRange(0, len(l.blocks[n].entries)-1).Draw(t, "entry")
		r, later := l.receipt(n, i)
		if err := r.Verify(l.blocks[n].entries[i]); err != nil {
			t.Fatal(err)
		}
		if r.Hash != l.blocks[n].hash {
			t.Fatal("the receipt is for another block")
		}
		if err := r.Anchor(later, l.head); err != nil {
			t.Fatal(err)
		}
		if chain.Follow(r.Hash, later) != l.head.Hash {
			t.Fatal("the headers lead elsewhere")
		}
		text, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		var read chain.Receipt
		if err := json.Unmarshal(text, &read); err != nil || !reflect.DeepEqual(r, read) {
			t.Fatalf("%v: %s read as %+v", err, text, read)
		}
	})
}

// Every single bit of a receipt and of its entry is flipped in turn; the error names what does not fit.
func TestEveryFlippedBitOfAReceiptIsFound(t *testing.T) {
	l := sample()
	for n, b := range l.blocks {
		for i := range b.entries {
			r, _ := l.receipt(n, i)
			data := b.entries[i]
			check := func(flip func(bit int), n int, fields ...string) {
				t.Helper()
				for bit := range n {
					flip(bit)
					err := r.Verify(data)
					require.ErrorIs(t, err, &fault.Error{Kind: fault.Invalid}, "bit %d", bit)
					require.Contains(t, fields, fault.FieldOf(err), "bit %d", bit)
					flip(bit)
				}
			}
			check(func(bit int) { flip(data, bit) }, bits(data), "leaf")
			check(func(bit int) { flip(r.Leaf[:], bit) }, 256, "leaf")
			for k := range r.Proof {
				check(func(bit int) { flip(r.Proof[k][:], bit) }, 256, "proof")
			}
			check(func(bit int) { flip(r.Header.Root[:], bit) }, 256, "proof")
			check(func(bit int) { flip(r.Previous[:], bit) }, 256, "hash")
			check(func(bit int) { flip(r.Hash[:], bit) }, 256, "hash")
			check(func(bit int) { flipNumber(&r.Header.At, bit) }, 64, "hash")
			check(func(bit int) { flipNumber(&r.Seq, bit) }, 64, "seq")
			check(func(bit int) { flipNumber(&r.Count, bit) }, 64, "count")
			check(func(bit int) { flipNumber(&r.Index, bit) }, 64, "index", "seq")
			check(func(bit int) { flipNumber(&r.Header.First, bit) }, 64, "header", "count")
			check(func(bit int) { flipNumber(&r.Header.Last, bit) }, 64, "header", "count")
			whole := r.Proof
			r.Proof = append(whole[:len(whole):len(whole)], r.Leaf)
			require.Equal(t, "proof", fault.FieldOf(r.Verify(data)))
			if r.Proof = whole; len(whole) > 0 {
				r.Proof = whole[1:]
				require.Equal(t, "proof", fault.FieldOf(r.Verify(data)))
			}
			r.Proof = whole
			require.NoError(t, r.Verify(data))
		}
	}
}

// Numbers that agree with each other, but not with any block.
func TestReceiptOfNoBlock(t *testing.T) {
	whole, _ := sample().receipt(2, 3)
	for field, spoil := range map[string][]func(*chain.Receipt){
		"index": {
			func(r *chain.Receipt) { r.Index, r.Seq = -1, r.Header.First-1 },
			func(r *chain.Receipt) { r.Index, r.Seq = r.Count, r.Header.Last+1 },
		},
		"header": {
			func(r *chain.Receipt) { r.Header.First, r.Header.Last, r.Count = 1, 1<<31, 1<<31 },
			func(r *chain.Receipt) { r.Header.First, r.Header.Last, r.Count = 0, 4, 5 },
			func(r *chain.Receipt) { r.Header.First, r.Header.Last, r.Count = 5, 4, 0 },
			func(r *chain.Receipt) { r.Header.First, r.Header.Last, r.Count = math.MinInt64, math.MaxInt64, 0 },
		},
	} {
		for _, f := range spoil {
			r := whole
			f(&r)
			require.Equal(t, field, fault.FieldOf(r.Verify([]byte("h"))), "%+v", r)
		}
	}
}

// Numbers that agree with each other and with the tree, but not with the hash of the block.
func TestReceiptRenumbered(t *testing.T) {
	r, _ := sample().receipt(2, 3)
	r.Seq, r.Header.First, r.Header.Last = r.Seq+10, r.Header.First+10, r.Header.Last+10
	require.Equal(t, "hash", fault.FieldOf(r.Verify([]byte("h"))))
}

func TestAnchor(t *testing.T) {
	l := sample()
	r, later := l.receipt(0, 1)
	require.Len(t, later, 2)
	require.NoError(t, r.Anchor(later, l.head))
	require.NoError(t, r.Anchor(later[:1], headBehind(l, 2)))
	require.NoError(t, r.Anchor(nil, headBehind(l, 1)), "the last block needs no headers")
	require.ErrorIs(t, r.Anchor(later[1:], l.head), chain.ErrGap, "one is missing")
	require.ErrorIs(t, r.Anchor(later[:1], l.head), chain.ErrGap, "the last is missing")
	require.ErrorIs(t, r.Anchor(append(later, later[1]), l.head), chain.ErrGap, "one is double")
	require.ErrorIs(t, r.Anchor(later, chain.Head{Last: l.head.Last, Hash: r.Hash}), chain.ErrLink)
	require.ErrorIs(t, r.Anchor(later, chain.Head{Last: 1, Hash: l.head.Hash}), chain.ErrGap)
	later[0].At++
	require.ErrorIs(t, r.Anchor(later, l.head), chain.ErrLink, "one is another")
}

func TestNewReceiptRefuses(t *testing.T) {
	l := sample()
	b := l.blocks[2]
	for name, c := range map[string]struct {
		seq    int64
		leaves []chain.Hash
		header chain.Header
		field  string
	}{
		"before":  {b.header.First - 1, b.leaves, b.header, "seq"},
		"behind":  {b.header.Last + 1, b.leaves, b.header, "seq"},
		"fewer":   {b.header.First, b.leaves[1:], b.header, "leaves"},
		"none":    {b.header.First, nil, b.header, "leaves"},
		"nothing": {0, nil, chain.Header{}, "leaves"},
		"empty":   {1, nil, chain.Header{First: 1}, "leaves"},
		"zero":    {1, b.leaves, chain.Header{First: 0, Last: 4, Root: b.header.Root}, "leaves"},
		"hostile": {1, nil, chain.Header{First: 1, Last: math.MaxInt64}, "leaves"},
		"wrapped": {1, b.leaves, chain.Header{First: math.MinInt64, Last: math.MaxInt64}, "leaves"},
		"others":  {b.header.First, leavesOf(len(b.leaves)), b.header, "leaves"},
	} {
		_, err := chain.NewReceipt(c.seq, c.leaves, l.blocks[1].hash, c.header)
		require.ErrorIs(t, err, &fault.Error{Kind: fault.Invalid}, name)
		require.Equal(t, c.field, fault.FieldOf(err), name)
	}
}

func TestReceiptJSONIsBounded(t *testing.T) {
	r, _ := sample().receipt(0, 0)
	r.Seq, r.Header = math.MaxInt64, chain.Header{First: math.MaxInt64, Last: math.MaxInt64, At: math.MinInt64}
	r.Index, r.Count, r.Proof = math.MaxInt32, math.MaxInt32, leavesOf(31)
	text, err := json.Marshal(r)
	require.NoError(t, err)
	require.Less(t, len(text), 3000)
	var read chain.Receipt
	require.NoError(t, json.Unmarshal(text, &read))
	require.Equal(t, r, read)

	r.Proof = leavesOf(32)
	text, err = json.Marshal(r)
	require.NoError(t, err)
	require.ErrorIs(t, json.Unmarshal(text, &read), &fault.Error{Kind: fault.TooLarge})
	text = []byte(`{"seq":1,` + strings.Repeat(" ", chain.MaxReceipt) + `"index":1}`)
	require.ErrorIs(t, json.Unmarshal(text, &read), &fault.Error{Kind: fault.TooLarge})
	require.NoError(t, json.Unmarshal([]byte("null"), &read))
	require.Equal(t, leavesOf(31), read.Proof, "what is refused, or null, changes nothing")
	for _, bad := range []string{`7`, `"x"`, `{"leaf":"00"}`, `{"seq":1.5}`, `{"count":99999999999999999999}`, `{"hash":null,"proof":[7]}`} {
		require.ErrorIs(t, json.Unmarshal([]byte(bad), &read), &fault.Error{Kind: fault.Invalid}, bad)
	}
}

// FuzzReceiptJSON: no bytes but those that say the same make a receipt that verifies and leads to the same hash.
func FuzzReceiptJSON(f *testing.F) {
	l := sample()
	want, _ := l.receipt(2, 4)
	text, err := json.Marshal(want)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	for bit := 0; bit < bits(text); bit += 7 {
		flipped := append([]byte{}, text...)
		flip(flipped, bit)
		f.Add(flipped)
	}
	f.Add([]byte(`{"proof":[]}`))
	f.Add([]byte(`null`))
	f.Fuzz(func(t *testing.T, data []byte) {
		var r chain.Receipt
		if json.Unmarshal(data, &r) != nil || r.Verify([]byte("i")) != nil || r.Hash != want.Hash {
			return
		}
		if !reflect.DeepEqual(r, want) {
			t.Fatalf("another receipt verifies: %s", data)
		}
	})
}
