package fog_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/fogcompute/fogcompute/fog"
	"github.com/fogcompute/fogcompute/fog/fogtest"
	"github.com/fogcompute/fogcompute/fog/idle"
	"github.com/fogcompute/fogcompute/fog/internal/db"
	"github.com/fogcompute/fogcompute/fog/scheduler"
)

// subsets returns every choice of the names.
func subsets(names ...string) [][]string {
	if len(names) == 0 {
		return [][]string{nil}
	}
	var all [][]string
	for _, rest := range subsets(names[1:]...) {
		all = append(all, rest, append([]string{names[0]}, rest...))
	}
	return all
}

// TestLeaveAnyEngineOut: every house that can be built without some of its
// engines answers every call, with a result or a clear word, and does the rest
// of its work.
func TestLeaveAnyEngineOut(t *testing.T) {
	for _, leave := range subsets("scheduler", "tokenomics", "idle", "blob", "benchmark") {
		t.Run("without "+strings.Join(leave, " "), func(t *testing.T) {
			house := fogtest.Open(t, fog.Config{Leave: leave})
			for _, engine := range []string{"scheduler", "tokenomics", "idle", "blob", "benchmark"} {
				err := house.Ready(engine)
				if slices.Contains(leave, engine) {
					require.Equal(t, "left out of this house by its Config", fog.Detail(err))
					continue
				}
				require.NoError(t, err)
			}
			require.Equal(t, fog.Healthy, house.Health().State)
			_, err := house.Stats(t.Context())
			require.NoError(t, err)
			require.NoError(t, house.Check(t.Context()))
			oneJobWithout(t, house)
			require.Equal(t, fog.Healthy, house.Health().State, "%+v", house.Health())
		})
	}
}

// oneJobWithout has a job done in a house that may lack anything.
func oneJobWithout(t *testing.T, house *fog.Fog) {
	t.Helper()
	if house.Scheduler == nil {
		_, err := house.Submit(t.Context(), []scheduler.Submission{job("nobody's")})
		require.Equal(t, fog.KindUnavailable, fog.KindOf(err))
		_, err = house.Wait(t.Context(), "nobody's")
		require.Equal(t, fog.KindUnavailable, fog.KindOf(err))
		return
	}
	id := submit(t.Context(), t, house, job("everybody's")).ID
	if house.Idle == nil {
		runByHand(t, house, "n1", id)
	} else {
		device := fogtest.Join(t, house, fogtest.Device{ID: "n1"})
		soon(t, func() bool {
			_, err := device.Work(t.Context())
			require.NoError(t, err)
			record, err := house.Scheduler.Get(t.Context(), id)
			return err == nil && record.Job.State.Final()
		}, "the job must end")
	}
	done, err := house.Wait(t.Context(), id)
	require.NoError(t, err)
	require.Equal(t, scheduler.Vested, done[0].Job.State)
	if house.Tokenomics == nil {
		assert.Zero(t, done[0].Job.Quote, "free")
	} else {
		soon(t, func() bool { return int64(available(t, house, "device:n1")) == int64(done[0].Job.Price) }, "it is paid")
	}
	if house.Idle != nil {
		soon(t, func() bool { return len(contributions(t, house, id)) == 1 }, "it is recorded")
	}
}

// runByHand is what a program with nodes of its own does.
func runByHand(t *testing.T, house *fog.Fog, node scheduler.NodeID, id scheduler.JobID) {
	t.Helper()
	require.NoError(t, house.Scheduler.SyncNodes(t.Context(), []scheduler.Node{{
		ID: node, Owner: "device:n1", State: scheduler.NodeUp, Executors: []string{scheduler.ExecutorWASM}, Trust: 1,
		Capacity: scheduler.Capacity{MilliCPU: 4000, MemoryMB: 4096},
	}}))
	soon(t, func() bool {
		grants, err := house.Scheduler.Claim(t.Context(), []scheduler.Claim{{Node: node, Take: 1}})
		require.NoError(t, err)
		for _, o := range grants[0].Offers {
			require.Equal(t, id, o.Job)
			verdicts, err := house.Scheduler.Report(t.Context(), []scheduler.Report{{
				Attempt: o.Attempt, Token: o.Token, Node: node, Result: &scheduler.Result{Stdout: []byte("done")},
			}})
			require.NoError(t, err)
			require.NoError(t, verdicts[0].Err)
			return true
		}
		return false
	}, "the job must be offered")
}

// Facts that no flow of the house reads are not written: they would stay for ever.
func TestNoFactsForNobody(t *testing.T) {
	for _, leave := range [][]string{{"tokenomics", "idle"}, {"scheduler"}} {
		dir := t.TempDir()
		house, err := fog.Open(t.Context(), fog.Config{DataDir: dir, Leave: leave})
		require.NoError(t, err)
		if house.Scheduler != nil {
			_, err := house.Scheduler.Cancel(t.Context(), submit(t.Context(), t, house, job("cancelled")).ID)
			require.NoError(t, err)
		} else {
			_, err := house.Idle.Register(t.Context(), idle.Enrolment{ID: "d1", Type: idle.Server, CPUCores: 1, MemoryMB: 1024})
			require.NoError(t, err)
		}
		require.NoError(t, house.Close())
		d, err := db.Open(t.Context(), "", dir)
		require.NoError(t, err)
		var facts int
		require.NoError(t, d.Read.NewRaw("SELECT count(*) FROM fog_facts").Scan(t.Context(), &facts))
		assert.Zero(t, facts, "%v", leave)
		require.NoError(t, d.Close())
	}
}
