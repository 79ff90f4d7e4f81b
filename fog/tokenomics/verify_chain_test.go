package tokenomics_test

import (
	"context"
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
	"github.com/fogcompute/fogcompute/fog/tokenomics"
	"github.com/fogcompute/fogcompute/fog/tokenomics/chain"
)

// rewritten is a store whose log somebody has changed in places.
type rewritten struct {
	tokenomics.Store
	head     chain.Head // zero: as it is
	movement func(*tokenomics.Movement) (shown bool)
	block    func(*tokenomics.Block)
}

type rewrittenMoment struct {
	tokenomics.Moment
	rewritten
}

func (s rewritten) Snapshot(ctx context.Context, f func(tokenomics.Moment) error) error {
	return s.Store.Snapshot(ctx, func(m tokenomics.Moment) error { return f(rewrittenMoment{m, s}) })
}

func (m rewrittenMoment) Head(ctx context.Context) (chain.Head, error) {
	if m.head != (chain.Head{}) {
		return m.head, nil
	}
	return m.Moment.Head(ctx)
}

func (m rewrittenMoment) Movements(ctx context.Context, after int64, limit int, row func(*tokenomics.Movement, []byte) error) error {
	return m.Moment.Movements(ctx, after, limit, func(one *tokenomics.Movement, body []byte) error {
		if m.movement != nil && !m.movement(one) {
			return nil
		}
		return row(one, body)
	})
}

func (m rewrittenMoment) Blocks(ctx context.Context, after int64, limit int) ([]tokenomics.Block, error) {
	page, err := m.Moment.Blocks(ctx, after, limit)
	for i := range page {
		if m.block != nil {
			m.block(&page[i])
		}
	}
	return page, err
}

// The chain is verified from any head that the ledger ever had, over more than one page of movements and of blocks.
func TestVerifyChain(t *testing.T) {
	store := tokenomics.NewMemory(nil)
	ledger := newLedger(t, tokenomics.Config{Store: store})
	pay := func(n int, key string) chain.Head {
		list := make([]tokenomics.Transfer, n)
		for i := range list {
			list[i] = tokenomics.Transfer{Key: key + strconv.Itoa(i), From: "operator", To: "dev", Amount: 1}
		}
		verdicts, err := ledger.Transfer(t.Context(), list)
		require.NoError(t, err)
		for _, verdict := range verdicts {
			require.NoError(t, verdict)
		}
		head, err := ledger.Head(t.Context())
		require.NoError(t, err)
		return head
	}
	heads := []chain.Head{{}, pay(5000, "many")}
	for i := range 4200 { // each its own block
		heads = append(heads, pay(1, "lone"+strconv.Itoa(i)))
	}
	heads = append(heads, pay(9000, "more"))
	end := heads[len(heads)-1]
	for _, i := range []int{0, 1, 2, 77, 4100, len(heads) - 2, len(heads) - 1} {
		got, err := ledger.VerifyChain(t.Context(), heads[i])
		require.NoError(t, err)
		require.Equal(t, end, got)
	}

	at := heads[40]
	for name, c := range map[string]struct {
		rewritten
		behind chain.Head
		want   error
	}{
		"another head":         {behind: chain.Head{Last: at.Last, Hash: end.Hash}, want: chain.ErrLink},
		"a head in a block":    {behind: chain.Head{Last: 17, Hash: at.Hash}, want: chain.ErrGap},
		"a head of the past":   {rewritten: rewritten{head: at}, want: chain.ErrGap},
		"another end":          {rewritten: rewritten{head: chain.Head{Last: end.Last, Hash: at.Hash}}, want: chain.ErrLink},
		"a head of the future": {behind: chain.Head{Last: end.Last + 1, Hash: at.Hash}, want: chain.ErrGap},
		"another latest head":  {behind: chain.Head{Last: end.Last, Hash: at.Hash}, want: chain.ErrLink},
		"a payer": {behind: at, want: chain.ErrRoot, rewritten: rewritten{movement: func(m *tokenomics.Movement) bool {
			if m.Seq == at.Last+3000 {
				m.Owner = "eve"
			}
			return true
		}}},
		"a movement less": {behind: at, want: chain.ErrGap, rewritten: rewritten{movement: func(m *tokenomics.Movement) bool {
			return m.Seq != at.Last+1
		}}},
		"the last one less": {behind: at, want: chain.ErrGap, rewritten: rewritten{movement: func(m *tokenomics.Movement) bool {
			return m.Seq != end.Last
		}}},
		"a time": {behind: at, want: chain.ErrLink, rewritten: rewritten{block: func(b *tokenomics.Block) {
			if b.Last == at.Last+7 {
				b.At++
			}
		}}},
	} {
		c.Store = store
		broken := newLedger(t, tokenomics.Config{Store: c.rewritten})
		got, err := broken.VerifyChain(t.Context(), c.behind)
		require.ErrorIs(t, err, c.want, name)
		assert.Equal(t, fault.Conflict, fault.KindOf(err), name)
		assert.LessOrEqual(t, got.Last, max(end.Last, c.behind.Last), name)
	}
}
