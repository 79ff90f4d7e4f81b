package fog_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fogcompute/fogcompute/fog"
	"github.com/fogcompute/fogcompute/fog/fogtest"
	"github.com/fogcompute/fogcompute/fog/internal/db/dbtest"
	"github.com/fogcompute/fogcompute/fog/scheduler"
	"github.com/fogcompute/fogcompute/fog/tokenomics"
)

// ballots is a house whose operator decides alone, within a minute.
type ballots struct {
	*fog.Fog
	decided int
}

// swift is the configuration of such a house; its program wants no search for better plans.
func swift() fog.Config {
	return fog.Config{
		Leave:     []string{"idle", "benchmark"},
		Scheduler: scheduler.Config{Params: func() scheduler.Params { return scheduler.Params{RoundBudget: -1} }},
		Tokenomics: tokenomics.Config{Governance: tokenomics.Governance{
			MinPower: -1, VotingPeriod: 20 * time.Second, LateQuorum: -1, Timelock: 20 * time.Second,
		}},
	}
}

// decide takes a new value of the scheduler's budget from its proposal to its execution, letting time pass where it has to.
func (b *ballots) decide(t *testing.T, value string, pass func(time.Duration)) {
	t.Helper()
	b.decided++
	key := fmt.Sprint("decision ", b.decided)
	post := func(r tokenomics.Request) {
		t.Helper()
		verdicts, err := b.Tokenomics.Post(t.Context(), []tokenomics.Request{r})
		require.NoError(t, err)
		require.NoError(t, verdicts[0])
	}
	post(tokenomics.Request{Stake: &tokenomics.Stake{Key: key, Account: "operator", Amount: tokenomics.FOG}})
	ids, verdicts, err := b.Tokenomics.Propose(t.Context(), []tokenomics.Propose{{
		Key: key, Proposer: "operator", Title: "Another budget", Description: strings.Repeat("Rounds shall think longer. ", 3), Kind: tokenomics.ParameterChange,
		Actions: []tokenomics.Action{{Set: &tokenomics.SetParameter{Key: "scheduler.round_budget", Value: json.RawMessage(value)}}},
	}})
	require.NoError(t, err)
	require.NoError(t, verdicts[0])
	post(tokenomics.Request{Vote: &tokenomics.Vote{Key: key, Proposal: ids[0], Voter: "operator", Choice: tokenomics.ChoiceFor}})
	pass(20 * time.Second)
	post(tokenomics.Request{Queue: &tokenomics.Enqueue{Key: key, Proposal: ids[0], Account: "operator"}})
	pass(20 * time.Second)
	post(tokenomics.Request{Execute: &tokenomics.Execute{Key: key, Proposal: ids[0], Account: "operator"}})
}

// searches lets the scheduler place a few jobs on two nodes, and counts how often it has looked for a better plan.
func (b *ballots) searches(t *testing.T) int64 {
	t.Helper()
	synctest.Wait() // the parameters are followed
	var nodes []scheduler.Node
	for i := range 2 {
		nodes = append(nodes, scheduler.Node{
			ID: scheduler.NodeID(fmt.Sprint("n", i)), Owner: "device:n", State: scheduler.NodeUp, Trust: 1, Speed: 1 + float64(i),
			Capacity: scheduler.Capacity{MilliCPU: 4000, MemoryMB: 8192}, Executors: []string{scheduler.ExecutorWASM},
		})
	}
	require.NoError(t, b.Scheduler.SyncNodes(t.Context(), nodes))
	before, err := b.Scheduler.Stats(t.Context())
	require.NoError(t, err)
	var jobs []scheduler.JobID
	for i := range 4 {
		jobs = append(jobs, submit(t.Context(), t, b.Fog, job(fmt.Sprint("job ", i))).ID)
	}
	time.Sleep(2 * time.Second)
	synctest.Wait()
	for _, id := range jobs {
		record, err := b.Scheduler.Get(t.Context(), id)
		require.NoError(t, err)
		require.Equal(t, scheduler.Placed, record.Job.State, "there was a round")
		_, err = b.Scheduler.Cancel(t.Context(), id)
		require.NoError(t, err)
	}
	after, err := b.Scheduler.Stats(t.Context())
	require.NoError(t, err)
	return after.Optimiser.Searches - before.Optimiser.Searches
}

// A vote about the scheduler's budget ends in other rounds: the next one that places jobs looks for a better plan or does not. What was voted for
// goes before the Config, also in a house that is opened anew.
func TestTheNextRoundUsesWhatWasDecided(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		config := swift()
		config.Tokenomics.Store = tokenomics.NewMemory(nil)
		within := func(decided int, use func(*ballots)) {
			house, err := fog.Open(t.Context(), config)
			require.NoError(t, err)
			defer func() { require.NoError(t, house.Close()) }()
			use(&ballots{house, decided})
		}
		within(0, func(house *ballots) {
			require.Zero(t, house.searches(t), "as the program says")
			house.decide(t, `"250ms"`, time.Sleep)
			require.Positive(t, house.searches(t), "as was decided")
		})
		within(1, func(house *ballots) {
			require.Positive(t, house.searches(t), "as was decided, from the first round on")
			house.decide(t, `"-1s"`, time.Sleep)
			require.Zero(t, house.searches(t), "as was decided")
			house.decide(t, `"20ms"`, time.Sleep)
			require.Positive(t, house.searches(t), "as was decided")
			house.decide(t, "null", time.Sleep)
			require.Zero(t, house.searches(t), "as the program says, again")
			require.EqualValues(t, 4, house.Parameters().Version())
		})
	})
}

// Two servers on one database follow what either has executed, and one that was closed meanwhile when it is opened.
func TestEveryServerFollowsAVote(t *testing.T) {
	t.Parallel()
	config, clock := swift(), fogtest.NewClock()
	config.DatabaseURL, config.DataDir, config.Now = dbtest.PostgresURL(t), t.TempDir(), clock.Now
	first, second := &ballots{Fog: fogtest.Open(t, config)}, &ballots{Fog: fogtest.Open(t, config)}
	budget := func(house *ballots) tokenomics.Span {
		value, _ := tokenomics.Get[tokenomics.Span](house.Parameters(), "scheduler.round_budget")
		return value
	}
	first.decide(t, `"250ms"`, clock.Advance)
	for _, house := range []*ballots{first, second} {
		soon(t, func() bool { return time.Duration(budget(house)) == 250*time.Millisecond }, "every server must follow")
	}
	second.decided = 1
	second.decide(t, `"150ms"`, clock.Advance)
	for _, house := range []*ballots{first, second, {Fog: fogtest.Open(t, config)}} {
		soon(t, func() bool { return time.Duration(budget(house)) == 150*time.Millisecond }, "every server must follow")
		require.EqualValues(t, 2, house.Parameters().Version())
	}
}
