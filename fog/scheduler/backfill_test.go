package scheduler_test

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/fogcompute/fogcompute/fog/scheduler"
)

// exact is a job that runs for as long as it says, and may not run for longer.
func exact(cores int64, span time.Duration) scheduler.Submission {
	return scheduler.Submission{Demand: scheduler.Demand{MilliCPU: cores * 1000}, Estimate: span, MaxRuntime: span}
}

// clockwork is nodes that run each attempt for exactly its time.
type clockwork struct {
	*rig
	names  []scheduler.NodeID
	offers map[scheduler.AttemptID]scheduler.Offer
	ends   map[scheduler.AttemptID]time.Time
}

// tick fetches what is placed and reports what is over.
func (c *clockwork) tick(rt require.TestingT) {
	for id, end := range c.ends {
		if !time.Now().Before(end) {
			require.NoError(rt, c.report(done(c.offers[id], "")).Err)
			delete(c.ends, id)
		}
	}
	for _, n := range c.names {
		for _, o := range c.claim(scheduler.Claim{Node: n, Take: 99, Held: c.holding(n)}).Offers {
			job := c.get(o.Job).Job
			c.offers[o.Attempt], c.ends[o.Attempt] = o, time.Now().Add(job.Estimate)
		}
	}
}

func (r *rig) clockwork(nodes ...string) *clockwork {
	c := &clockwork{rig: r, offers: map[scheduler.AttemptID]scheduler.Offer{}, ends: map[scheduler.AttemptID]time.Time{}}
	for _, n := range nodes {
		c.names = append(c.names, scheduler.NodeID(n))
	}
	r.nodes(nodes...)
	return c
}

func (r *rig) startsAt(id scheduler.JobID) time.Time {
	r.t.Helper()
	e, err := r.Explain(r.t.Context(), id)
	require.NoError(r.t, err)
	return e.StartsAt
}

// TestBackfilledJobsDelayNobody lets jobs of any size come while a large one waits. From when it is the first to wait, it starts no later
// than was said.
func TestBackfilledJobsDelayNobody(t *testing.T) {
	const slack = 15 * time.Second // nodes fetch and report once a second, and each job before adds to that
	synctest.Test(t, func(t *testing.T) {
		rapid.Check(struct{ rapid.TB }{t}, func(rt *rapid.T) {
			cfg := params(scheduler.Params{Aging: -1, Evictions: -1, RoundBudget: -1})
			cfg.Lease = 10 * time.Second
			r := start(t, cfg)
			defer func() { require.NoError(t, r.Close()) }()
			c := r.clockwork("a", "b")
			random := func(longest int) scheduler.Submission {
				return exact(rapid.Int64Range(1, 3).Draw(rt, "cores"), time.Duration(rapid.IntRange(1, longest).Draw(rt, "seconds"))*time.Second)
			}
			var before []scheduler.JobID
			for range rapid.IntRange(2, 8).Draw(rt, "before") {
				before = append(before, r.submit(random(200)))
			}
			c.tick(rt)
			r.wait(2 * time.Second)
			big := r.submit(exact(4, time.Minute))
			r.wait(2 * time.Second)
			c.tick(rt)
			said := time.Time{}
			for waited := 0; r.state(big) == scheduler.Queued; waited++ {
				if rapid.IntRange(0, 2).Draw(rt, "more") == 0 {
					r.submit(random(300))
				}
				first := !slices.ContainsFunc(before, func(id scheduler.JobID) bool { return r.state(id) == scheduler.Queued })
				if first && said.IsZero() {
					r.wait(time.Second)
					said = r.startsAt(big)
					require.False(rt, r.state(big) == scheduler.Queued && said.IsZero(), "the first one is told")
				}
				require.True(rt, said.IsZero() || !time.Now().After(said.Add(slack)), "it is %v late", time.Since(said))
				require.Less(rt, waited, 3000)
				r.wait(time.Second)
				c.tick(rt)
			}
		})
	})
}

func TestBackfillUsesWhatIsFreeUntilThen(t *testing.T) {
	inBubble(t, params(scheduler.Params{Evictions: -1, RoundBudget: -1}), func(t *testing.T, r *rig) {
		c := r.clockwork("a")
		r.submit(exact(3, 10*time.Minute))
		c.tick(t)
		began := time.Now()
		big := r.submit(exact(4, time.Minute))
		short := r.submit(exact(1, time.Minute))
		r.wait(2 * time.Second)
		require.Equal(t, scheduler.Queued, r.state(big))
		require.Equal(t, scheduler.Placed, r.state(short), "it is over before the large one starts")
		require.WithinDuration(t, began.Add(10*time.Minute), r.startsAt(big), 2*time.Second)
		c.tick(t)
		for range 70 {
			r.wait(time.Second)
			c.tick(t)
		}
		require.Equal(t, scheduler.Vested, r.state(short))
		late := r.submit(exact(1, 9*time.Minute))
		r.wait(2 * time.Second)
		require.Equal(t, scheduler.Queued, r.state(late), "it would not be")
		codes := r.explain(late)
		require.Contains(t, codes, scheduler.CodeReservedFor)
		require.Contains(t, codes, scheduler.CodeBehind)
		require.NotContains(t, codes, scheduler.CodeNextRound)
	})
}

// TestSearchesLeaveReservationsAlone lets searches look at jobs of the same kind as one that would hold a reservation up.
func TestSearchesLeaveReservationsAlone(t *testing.T) {
	cfg := params(scheduler.Params{Evictions: -1})
	cfg.PickUp = time.Hour
	inBubble(t, cfg, func(t *testing.T, r *rig) {
		small := node("b")
		small.Capacity.MilliCPU, small.Speed = 2000, 4
		r.sync(small)
		like := exact(1, 9*time.Minute)
		like.Tier, like.Trust = scheduler.Platinum, quorum(1, 1) // they stay on the faster node
		r.submit(like)
		r.submit(like)
		slow := node("a")
		slow.Speed, slow.Trust = 0.25, 0.1
		r.sync(slow)
		r.submit(exact(3, 30*time.Minute))
		r.fetch("a")
		r.wait(time.Second)
		large := exact(4, time.Minute)
		large.Tier, large.Trust = scheduler.Platinum, quorum(1, 1)
		big := r.submit(large)
		r.wait(time.Second)
		for range 20 {
			r.beat("a", r.holding("a")...)
			r.wait(230 * time.Millisecond)
			late := r.submit(like)
			require.Equal(t, scheduler.Queued, r.state(late), "on %s", r.on(late))
			_, err := r.Cancel(t.Context(), late)
			require.NoError(t, err)
		}
		require.Equal(t, scheduler.Queued, r.state(big))
		stats, err := r.Stats(t.Context())
		require.NoError(t, err)
		require.Positive(t, stats.Optimiser.Searches)
	})
}

// TestQuickJobsThatAreLateAreStillQuick has nodes full of attempts that should have been over within a tenth of a second, but may take an
// hour: who waits is told seconds, and nothing that takes long gets in before a gang.
func TestQuickJobsThatAreLateAreStillQuick(t *testing.T) {
	for _, span := range []time.Duration{time.Microsecond, 100 * time.Millisecond} {
		inBubble(t, params(scheduler.Params{Evictions: -1, RoundBudget: -1}), func(t *testing.T, r *rig) {
			r.nodes("a", "b")
			quick := scheduler.Submission{Demand: scheduler.Demand{MilliCPU: 3000}, Estimate: span, MaxRuntime: time.Hour}
			r.submit(quick)
			r.submit(quick)
			offers := []scheduler.Offer{r.fetch("a"), r.fetch("b")}
			r.wait(2 * time.Second)
			one := r.submit(scheduler.Submission{Tier: scheduler.Gold, Demand: whole(), Estimate: span})
			r.wait(time.Second)
			require.WithinDuration(t, time.Now(), r.startsAt(one), 10*time.Second)
			_, err := r.Cancel(t.Context(), one)
			require.NoError(t, err)
			b := gangOf(2, 4)
			b.Estimate = span
			gang := r.submit(b)
			r.wait(time.Second)
			short := scheduler.Submission{Demand: scheduler.Demand{MilliCPU: 1000}, MaxRuntime: 20 * time.Minute}
			between := r.submit(short)
			r.wait(2 * time.Second)
			require.Equal(t, scheduler.Queued, r.state(between), "it would hold the gang up for twenty minutes")
			for _, o := range offers {
				require.NoError(t, r.report(done(o, "")).Err)
			}
			r.wait(time.Second)
			require.Equal(t, 2, r.working(gang))
		})
	}
}

func TestExplainOfQuotasAndEvictions(t *testing.T) {
	inBubble(t, params(scheduler.Params{Grace: time.Minute}), func(t *testing.T, r *rig) {
		require.NoError(t, r.SetQuotas(t.Context(), []scheduler.Quota{{Owner: "x", Most: scheduler.Capacity{MilliCPU: 1000}}}))
		r.wait(2 * time.Second)
		r.nodes("a")
		out := r.submitAs("x", many(2, scheduler.Submission{})...)
		r.wait(time.Second)
		waits := out[0].Job.ID
		if r.state(waits) != scheduler.Queued {
			waits = out[1].Job.ID
		}
		codes := r.explain(waits)
		require.Contains(t, codes, scheduler.CodeQuota)
		require.NotContains(t, codes, scheduler.CodeNextRound)
		require.True(t, r.startsAt(waits).IsZero(), "nobody knows")

		r.claim(scheduler.Claim{Node: "a", Take: 9})
		asked := time.Now()
		high := r.submit(long(scheduler.Gold, 4))
		r.wait(time.Second)
		require.Contains(t, r.explain(high), scheduler.CodeEvicting)
		require.WithinDuration(t, asked.Add(time.Minute), r.startsAt(high), 2*time.Second)
	})
}
