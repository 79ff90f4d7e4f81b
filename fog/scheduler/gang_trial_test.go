package scheduler

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestAReservationTriesEachEndOnce counts the changes of the fleet that a search for a gang's reservation makes: with one end to try
// there is one trial.
func TestAReservationTriesEachEndOnce(t *testing.T) {
	nodes := []Node{{ID: "n", Tenant: "t", Owner: "o", State: NodeUp, Capacity: Capacity{MilliCPU: 4000, MemoryMB: 4000}, Executors: []string{"wasm"}}}
	live := []Attempt{{
		ID: "x.0.1", Job: "x", Tenant: "t", Owner: "p", Tier: Bronze, Node: "n", Demand: Demand{MilliCPU: 4000}, State: AttemptRunning,
		Started: start(), Span: time.Minute, EndBy: start().Add(time.Hour),
	}}
	p := &planner{fleet: newFleet(nodes, live, nil), roster: newRoster(nodes, live)}
	r := Record{Job: Job{
		ID: "j", Tenant: "t", Owner: "p", Tier: Gold, Demand: Demand{MilliCPU: 4000, Executor: "wasm"}, Slots: 1, Gang: true, Array: "j",
		State: Queued, MaxRuntime: time.Minute, Trust: Trust{Replicas: 1, Quorum: 1},
	}}
	g := gangOf("j", []Record{r}, start(), &rules{})
	before := len(p.fleet.log)
	require.NotNil(t, p.together(g, start().Add(time.Minute)))
	trial := len(p.fleet.log) - before
	before = len(p.fleet.log)
	require.NotNil(t, p.seekGang(g, nil, 3))
	require.Equal(t, trial, len(p.fleet.log)-before)
}
