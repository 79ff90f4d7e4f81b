package fog

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fogcompute/fogcompute/fog/scheduler"
	"github.com/fogcompute/fogcompute/fog/tokenomics"
	"github.com/fogcompute/fogcompute/fog/tokenomics/tokenomicstest"
)

// A proposal that is voted for and executed changes what the scheduler pulls before its next round, also after the house was opened again.
func TestAVoteChangesTheScheduler(t *testing.T) {
	clock := tokenomicstest.NewClock()
	pulled := func(house *Fog) scheduler.Params { return house.params.forScheduler(nil)() }
	config := Config{Now: clock.Now, Tokenomics: tokenomics.Config{Store: tokenomics.NewMemory(nil)}}
	house, err := Open(t.Context(), config)
	require.NoError(t, err)
	defer func() { require.NoError(t, house.Close()) }()
	ledger := house.Tokenomics
	post := func(r tokenomics.Request) {
		t.Helper()
		verdicts, err := ledger.Post(t.Context(), []tokenomics.Request{r})
		require.NoError(t, err)
		require.NoError(t, verdicts[0])
	}
	post(tokenomics.Request{Stake: &tokenomics.Stake{Key: "s", Account: "operator", Amount: 1000 * tokenomics.FOG}})
	ids, verdicts, err := ledger.Propose(t.Context(), []tokenomics.Propose{{
		Key: "p", Proposer: "operator", Title: "Think longer about plans", Description: strings.Repeat("Rounds may take longer. ", 3),
		Kind: tokenomics.ParameterChange,
		Actions: []tokenomics.Action{{
			Set: &tokenomics.SetParameter{Key: "scheduler.round_budget", Value: json.RawMessage(`"250ms"`)},
		}},
	}})
	require.NoError(t, err)
	require.NoError(t, verdicts[0])
	post(tokenomics.Request{Vote: &tokenomics.Vote{Key: "v", Proposal: ids[0], Voter: "operator", Choice: tokenomics.ChoiceFor}})
	clock.Advance(7 * 24 * time.Hour)
	require.NoError(t, ledger.Queue(t.Context(), tokenomics.Enqueue{Key: "q", Proposal: ids[0], Account: "operator"}))
	clock.Advance(24 * time.Hour)
	require.Zero(t, pulled(house))
	require.NoError(t, ledger.Execute(t.Context(), tokenomics.Execute{Key: "x", Proposal: ids[0], Account: "operator"}))
	require.NoError(t, house.params.refresh(t.Context()), "as its follower does now")
	require.Equal(t, scheduler.Params{RoundBudget: 250 * time.Millisecond}, pulled(house))
	require.EqualValues(t, 1, house.Parameters().Version())

	again, err := Open(t.Context(), config)
	require.NoError(t, err)
	require.Equal(t, scheduler.Params{RoundBudget: 250 * time.Millisecond}, pulled(again), "before its first round")
	require.NoError(t, again.Close())
}
