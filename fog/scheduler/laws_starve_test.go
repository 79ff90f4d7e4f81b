package scheduler_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/fogcompute/fogcompute/fog/scheduler"
)

// TestNobodyStarves lets platinum jobs come forever, more than there is room for, while one job of a lower tier waits. It rises by one tier
// each time that Params.Aging has passed; once among the best it stands before whatever came after it. So it starts within three times
// Aging, the run time of those who were there then, and what the leases and the planner take.
func TestNobodyStarves(t *testing.T) {
	fewer(t, 25)
	synctest.Test(t, func(t *testing.T) {
		rapid.Check(struct{ rapid.TB }{t}, func(rt *rapid.T) { starve(t, rt) })
	})
}

const (
	aging = time.Minute
	lease = 10 * time.Second
)

func starve(t *testing.T, rt *rapid.T) {
	cfg := params(scheduler.Params{Aging: aging, RoundBudget: -1})
	cfg.Lease, cfg.PickUp = lease, lease
	r := start(t, cfg)
	defer func() { r.stop(); require.NoError(t, r.Close()) }()
	fleet := []scheduler.NodeID{"a", "b"}[:rapid.IntRange(1, 2).Draw(rt, "nodes")]
	for _, id := range fleet {
		r.nodes(string(id))
	}
	runtime := time.Duration(rapid.IntRange(60, 120).Draw(rt, "runtime")) * time.Second
	rivals := &rivals{rig: r, cores: rapid.Int64Range(1, 4).Draw(rt, "rival cores"), runtime: runtime, began: map[scheduler.AttemptID]time.Time{}, held: map[scheduler.AttemptID]scheduler.Offer{}}
	rivals.come(len(fleet) * int(4/rivals.cores)) // nobody waits yet
	rivals.work(fleet)

	tier := rapid.SampledFrom(scheduler.Tiers()[1:]).Draw(rt, "tier")
	b := scheduler.Submission{Name: "patient", Tier: tier, Trust: quorum(1, 1), Demand: scheduler.Demand{MilliCPU: 1000 * rapid.Int64Range(1, 4).Draw(rt, "cores"), MemoryMB: 64}, Estimate: time.Second}
	if len(fleet) == 2 && rapid.Bool().Draw(rt, "gang") {
		b.Count, b.Gang = 2, true
	}
	ctx := t.Context()
	if rapid.Bool().Draw(rt, "other owner") {
		ctx = as(ctx, "ann")
	}
	out, err := r.Submit(ctx, []scheduler.Submission{b})
	require.NoError(rt, err)
	begun := time.Now()
	bound := 3*aging + runtime + 4*lease
	for {
		rivals.come(2)
		rivals.work(fleet)
		r.wait(5 * time.Second)
		record := r.get(out[0].Job.ID)
		waited := time.Since(begun)
		if len(record.Attempts) > 0 {
			require.False(rt, record.Job.State == scheduler.Queued, "what has started is not sent away: %v", texts(record.Job.Log))
			return
		}
		j := record.Job
		risen := min(int(waited/aging), 3-indexOf(tier))
		if waited%aging > 2*time.Second { // the timer has had its turn
			require.Equal(rt, risen, j.Boost, "after %v", waited)
		}
		require.Less(rt, waited, bound, "%s starves: %v", tier, texts(j.Log))
	}
}

// indexOf counts tiers from the lowest.
func indexOf(tier scheduler.Tier) int {
	for i, t := range scheduler.Tiers() {
		if t == tier {
			return 3 - i
		}
	}
	return -1
}

// rivals are platinum jobs that use all of their time.
type rivals struct {
	*rig
	cores   int64
	runtime time.Duration
	made    int
	began   map[scheduler.AttemptID]time.Time
	held    map[scheduler.AttemptID]scheduler.Offer
}

func (v *rivals) come(n int) {
	for range n {
		v.made++
		v.submit(scheduler.Submission{
			Name: fmt.Sprint("rival ", v.made), Tier: scheduler.Platinum, Trust: quorum(1, 1),
			Demand: scheduler.Demand{MilliCPU: v.cores * 1000, MemoryMB: 64}, Estimate: v.runtime, MaxRuntime: v.runtime,
		})
	}
}

// work lets the nodes fetch what waits for them, and report what has run for its time.
func (v *rivals) work(fleet []scheduler.NodeID) {
	for _, n := range fleet {
		var beat []scheduler.Held
		for id, o := range v.held {
			if time.Since(v.began[id]) >= v.runtime-lease {
				_ = v.report(done(o, "")) // refused where the node has lost it
				delete(v.held, id)
			} else {
				beat = append(beat, held(o))
			}
		}
		for _, o := range v.claim(scheduler.Claim{Node: n, Take: 9, Held: beat}).Offers {
			v.began[o.Attempt], v.held[o.Attempt] = time.Now(), o
		}
	}
}
