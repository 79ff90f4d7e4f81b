package tokenomics_test

import (
	"bytes"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
	"github.com/fogcompute/fogcompute/fog/principal"
	"github.com/fogcompute/fogcompute/fog/tokenomics"
)

var kinds = []tokenomics.Kind{
	tokenomics.KindAvailable, tokenomics.KindHeld, tokenomics.KindMint, tokenomics.KindStaked, tokenomics.KindUnbonding,
	tokenomics.KindReward,
}

// drawMovement draws any movement that the ledger could make.
func drawMovement(t *rapid.T) tokenomics.Movement {
	m := tokenomics.Movement{
		Seq: rapid.Int64Min(1).Draw(t, "seq"),
		Reference: tokenomics.Reference{
			Tenant: principal.Tenant(rapid.String().Draw(t, "tenant")), Op: tokenomics.Op(rapid.String().Draw(t, "op")),
			Key: rapid.String().Draw(t, "key"),
		},
		Owner: tokenomics.Account(rapid.String().Draw(t, "owner")), Creator: principal.Account(rapid.String().Draw(t, "creator")),
		Hold: tokenomics.HoldID(rapid.String().Draw(t, "hold")), Memo: rapid.String().Draw(t, "memo"),
		At: time.UnixMicro(rapid.Int64Range(0, 1<<50).Draw(t, "at")).UTC(),
	}
	copy(m.Digest[:], rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "digest"))
	if rapid.Bool().Draw(t, "detailed") {
		m.Detail = []byte(`{"a":1}`)
	}
	m.Postings = make([]tokenomics.Posting, rapid.IntRange(0, 4).Draw(t, "postings"))
	for i := range m.Postings {
		m.Postings[i] = tokenomics.Posting{
			SubAccount: tokenomics.SubAccount{
				Tenant: m.Tenant, Account: tokenomics.Account(rapid.String().Draw(t, "account")),
				Kind: rapid.SampledFrom(kinds).Draw(t, "kind"),
			},
			Amount: tokenomics.Amount(rapid.Int64().Draw(t, "amount")), After: tokenomics.Amount(rapid.Int64().Draw(t, "after")),
		}
	}
	return m
}

// A movement is read as it was written, and two movements are written alike only if they are the same.
func TestMovementEncoding(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		m, other := drawMovement(rt), drawMovement(rt)
		data := m.Data()
		read, err := tokenomics.ParseMovement(data)
		require.NoError(rt, err)
		require.Equal(rt, data, read.Data())
		again := read
		require.NoError(rt, again.Decode(bytes.Clone(read.Body())))
		require.Equal(rt, m.Postings, again.Postings)
		require.Equal(rt, m.Reference, read.Reference)
		require.Equal(rt, m.Digest, again.Digest)
		require.Equal(rt, m.At, again.At)
		require.Equal(rt, m.Leaf(), again.Leaf())
		if bytes.Equal(data, other.Data()) {
			require.Equal(rt, m.Seq, other.Seq)
			require.Equal(rt, m.Postings, other.Postings)
		}
		for cut := range data {
			if read, err := tokenomics.ParseMovement(data[:cut]); err == nil {
				rt.Fatalf("a part of a movement was read: %+v", read)
			}
		}
	})
}

// Hostile bytes are refused, or read and written again as they are or as another canonical encoding, never with a panic or
// more memory than they take.
func FuzzParseMovement(f *testing.F) {
	m := tokenomics.Movement{Seq: 3, Reference: tokenomics.Reference{Tenant: "t", Op: "transfer", Key: "k"}, At: time.Unix(1, 0)}
	f.Add(m.Data())
	m = tokenomics.Movement{Seq: 1, Postings: []tokenomics.Posting{
		{SubAccount: tokenomics.SubAccount{Account: "a", Kind: tokenomics.KindHeld}, Amount: -1, After: 5},
	}}
	f.Add(m.Data())
	f.Add([]byte{2, 0, 0, 0, 0, 0, 9})
	f.Fuzz(func(t *testing.T, data []byte) {
		read, err := tokenomics.ParseMovement(data)
		if err != nil {
			require.Equal(t, fault.Internal, fault.KindOf(err))
			return
		}
		require.LessOrEqual(t, len(read.Postings), len(data))
		again, err := tokenomics.ParseMovement(read.Data())
		require.NoError(t, err)
		require.Equal(t, read.Data(), again.Data())
	})
}
