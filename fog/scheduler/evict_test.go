package scheduler_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
	"github.com/fogcompute/fogcompute/fog/principal"
	"github.com/fogcompute/fogcompute/fog/scheduler"
)

// long is a job that runs for hours and takes some cores.
func long(tier scheduler.Tier, cores int64) scheduler.Submission {
	return scheduler.Submission{Tier: tier, Demand: scheduler.Demand{MilliCPU: cores * 1000}, Trust: quorum(1, 1), Estimate: 3 * time.Hour}
}

// beats lets a node hold attempts for a while.
func (r *rig) beats(d time.Duration, n scheduler.NodeID, offers ...scheduler.Offer) scheduler.Grant {
	r.t.Helper()
	var held []scheduler.Held
	for _, o := range offers {
		held = append(held, scheduler.Held{Attempt: o.Attempt, Token: o.Token})
	}
	var g scheduler.Grant
	for range d / (5 * time.Second) {
		g = r.beat(n, held...)
		r.wait(5 * time.Second)
	}
	return g
}

func TestBetterTiersEvictWithGrace(t *testing.T) {
	inBubble(t, params(scheduler.Params{Grace: time.Minute}), func(t *testing.T, r *rig) {
		r.nodes("a")
		low := r.submit(long(scheduler.Bronze, 4))
		o := r.fetch("a")
		r.beats(time.Minute, "a", o)
		asked := time.Now()
		high := r.submit(long(scheduler.Gold, 2))
		r.wait(time.Second)
		g := r.beat("a", held(o))
		require.Len(t, g.Renewed, 1, "it may go on for the grace")
		require.WithinDuration(t, asked.Add(time.Minute), g.Renewed[0].Evict, 2*time.Second, "and its node knows for how long")
		require.False(t, g.Renewed[0].Until.After(g.Renewed[0].Evict), "the lease ends with it")
		require.Equal(t, high, r.get(low).Attempts[0].EvictFor)
		require.Equal(t, scheduler.Queued, r.state(high))

		other := r.submit(long(scheduler.Silver, 2))
		r.beats(50*time.Second, "a", o)
		require.Equal(t, scheduler.Queued, r.state(high))
		g = r.beats(20*time.Second, "a", o)
		require.Equal(t, []scheduler.AttemptID{o.Attempt}, g.Cancel, "then it must stop")
		require.Equal(t, scheduler.Placed, r.state(high), "and its room is the evictor's")
		record := r.get(low)
		require.Equal(t, scheduler.AttemptCancelled, record.Attempts[0].State)
		require.Empty(t, record.Job.Failures, "it counts as nobody's failure")
		require.Equal(t, scheduler.Queued, record.Job.State)
		require.Equal(t, scheduler.Placed, r.state(other), "what is left over goes to who comes next")
		kind(t, fault.Conflict, r.report(done(o, "late")).Err)

		for range 2 {
			for _, o := range r.claim(scheduler.Claim{Node: "a", Take: 9}).Offers {
				require.NoError(t, r.report(done(o, "")).Err)
			}
			r.wait(time.Second)
		}
		record = r.get(low)
		require.Equal(t, scheduler.Vested, record.Job.State)
		valid := slices.DeleteFunc(record.Attempts, func(a scheduler.Attempt) bool { return a.State != scheduler.AttemptValid })
		require.Len(t, valid, 1, "evicted work comes back and is paid once")
	})
}

func TestEvictedWorkMayFinishWithinTheGrace(t *testing.T) {
	inBubble(t, params(scheduler.Params{Grace: time.Minute}), func(t *testing.T, r *rig) {
		r.nodes("a")
		low := r.submit(long(scheduler.Bronze, 4))
		o := r.fetch("a")
		high := r.submit(long(scheduler.Gold, 4))
		r.wait(time.Second)
		require.NotEmpty(t, r.get(low).Attempts[0].EvictFor)
		require.NoError(t, r.report(done(o, "in time")).Err)
		require.Equal(t, scheduler.Vested, r.state(low))
		r.wait(time.Second)
		require.Equal(t, scheduler.Placed, r.state(high))
	})
}

func TestEvictedWorkMayBeGivenBackWithinTheGrace(t *testing.T) {
	inBubble(t, params(scheduler.Params{Grace: time.Minute}), func(t *testing.T, r *rig) {
		r.nodes("a")
		low := r.submit(long(scheduler.Bronze, 4))
		o := r.fetch("a")
		high := r.submit(long(scheduler.Gold, 4))
		r.wait(time.Second)
		require.NoError(t, r.report(failed(o, scheduler.ClassDevice)).Err)
		require.Equal(t, scheduler.AttemptCancelled, r.get(low).Attempts[0].State)
		require.Empty(t, r.get(low).Job.Failures, "that is nobody's failure")
		require.NoError(t, r.report(failed(o, scheduler.ClassDevice)).Err, "a repeated report is answered as the first")
		r.wait(time.Second)
		require.Equal(t, scheduler.Placed, r.state(high), "its room is free at once")
		kind(t, fault.Conflict, r.report(done(o, "after all")).Err)
	})
}

func TestWhatWasNotFetchedGoesAtOnce(t *testing.T) {
	inBubble(t, scheduler.Config{}, func(t *testing.T, r *rig) {
		r.nodes("a")
		low := r.submit(long(scheduler.Bronze, 4))
		require.Equal(t, scheduler.Placed, r.state(low))
		high := r.submit(long(scheduler.Gold, 4))
		r.wait(time.Second)
		require.Equal(t, scheduler.Placed, r.state(high))
		require.Equal(t, scheduler.Queued, r.state(low))
		require.Empty(t, r.get(low).Job.Failures)
	})
}

func TestTheCheapestSufficientSetGoes(t *testing.T) {
	inBubble(t, scheduler.Config{}, func(t *testing.T, r *rig) {
		r.nodes("a")
		jobs := map[string]scheduler.JobID{}
		var offers []scheduler.Offer
		for _, j := range []struct {
			name  string
			tier  scheduler.Tier
			cores int64
		}{{"silver", scheduler.Silver, 1}, {"old", scheduler.Bronze, 1}, {"wide", scheduler.Bronze, 1}, {"young", scheduler.Bronze, 1}} {
			jobs[j.name] = r.submit(long(j.tier, j.cores))
			r.wait(time.Second)
			offers = append(offers, r.fetch("a"))
			r.beats(10*time.Second, "a", offers...)
		}
		r.submit(long(scheduler.Gold, 2))
		r.wait(time.Second)
		for name, id := range jobs {
			require.Equal(t, name == "young" || name == "wide", !r.get(id).Attempts[0].EvictAt.IsZero(), "%s: the worse tier, and of it who started last", name)
		}
	})
}

func TestNothingIsEvictedForRoomThatComesAnyway(t *testing.T) {
	inBubble(t, params(scheduler.Params{Grace: time.Minute}), func(t *testing.T, r *rig) {
		r.nodes("a")
		soon := long(scheduler.Bronze, 4)
		soon.Estimate = 50 * time.Second
		low := r.submit(soon)
		o := r.fetch("a")
		high := r.submit(long(scheduler.Gold, 4))
		r.beats(40*time.Second, "a", o)
		require.Empty(t, r.get(low).Attempts[0].EvictFor)
		require.NoError(t, r.report(done(o, "")).Err)
		r.wait(time.Second)
		require.Equal(t, scheduler.Placed, r.state(high))
	})
}

func TestEvictionIsTakenBackWhenNobodyNeedsIt(t *testing.T) {
	inBubble(t, params(scheduler.Params{Grace: time.Hour}), func(t *testing.T, r *rig) {
		r.nodes("a")
		low := r.submit(long(scheduler.Bronze, 4))
		o := r.fetch("a")
		high := r.submit(long(scheduler.Gold, 4))
		r.wait(time.Second)
		require.Equal(t, high, r.get(low).Attempts[0].EvictFor)
		_, err := r.Cancel(t.Context(), high)
		require.NoError(t, err)
		r.wait(2 * time.Second)
		a := r.get(low).Attempts[0]
		require.Empty(t, a.EvictFor)
		require.True(t, a.EvictAt.IsZero())
		require.True(t, r.beat("a", held(o)).Renewed[0].Evict.IsZero(), "its node is told")
	})
}

// TestNobodyMakesWayOnANodeThatCloses drains the node for whose room an attempt was told to go.
func TestNobodyMakesWayOnANodeThatCloses(t *testing.T) {
	inBubble(t, params(scheduler.Params{Grace: time.Hour}), func(t *testing.T, r *rig) {
		r.nodes("a")
		low := r.submit(long(scheduler.Bronze, 4))
		o := r.fetch("a")
		high := r.submit(long(scheduler.Gold, 4))
		r.wait(time.Second)
		require.Equal(t, high, r.get(low).Attempts[0].EvictFor)
		r.wait(2 * time.Second)
		require.Equal(t, high, r.get(low).Attempts[0].EvictFor, "it may have the node")
		require.NoError(t, r.Drain(t.Context(), "a", true))
		r.wait(3 * time.Second)
		require.Empty(t, r.get(low).Attempts[0].EvictFor, "the evictor cannot go there any more")
		require.True(t, r.beat("a", held(o)).Renewed[0].Evict.IsZero())
	})
}

// TestNobodyMakesWayForWhomAQuotaStops lowers the evictor's quota while an attempt makes way for it.
func TestNobodyMakesWayForWhomAQuotaStops(t *testing.T) {
	inBubble(t, params(scheduler.Params{Grace: time.Hour}), func(t *testing.T, r *rig) {
		r.nodes("a")
		low := r.submit(long(scheduler.Bronze, 4))
		o := r.fetch("a")
		high := r.submitAs("x", many(1, long(scheduler.Gold, 4))...)[0].Job.ID
		r.wait(3 * time.Second)
		require.Equal(t, high, r.get(low).Attempts[0].EvictFor)
		require.NoError(t, r.SetQuotas(t.Context(), []scheduler.Quota{{Owner: "x", Most: scheduler.Capacity{MilliCPU: 1000}}}))
		r.beats(10*time.Second, "a", o)
		require.Empty(t, r.get(low).Attempts[0].EvictFor)
		require.NoError(t, r.SetQuotas(t.Context(), []scheduler.Quota{{Owner: "x", Most: scheduler.Capacity{MilliCPU: 4000}}}))
		r.beats(10*time.Second, "a", o)
		require.Equal(t, high, r.get(low).Attempts[0].EvictFor, "and it does again when the quota lets it")
	})
}

func TestEvictionsHaveABound(t *testing.T) {
	const most = 2
	inBubble(t, params(scheduler.Params{Grace: -1, Evictions: most}), func(t *testing.T, r *rig) {
		r.nodes("a")
		low := r.submit(long(scheduler.Bronze, 4))
		evictions := func() (n int) {
			for _, a := range r.get(low).Attempts {
				if a.EvictFor != "" {
					n++
				}
			}
			return n
		}
		for i := range 4 {
			r.claim(scheduler.Claim{Node: "a", Take: 9})
			high := r.submit(long(scheduler.Gold, 4))
			r.wait(2 * time.Second)
			require.Equal(t, min(i+1, most), evictions())
			if i < most {
				require.NoError(t, r.report(done(r.fetch("a"), "")).Err)
			} else {
				require.Equal(t, scheduler.Queued, r.state(high), "who was evicted often enough is left alone")
				_, err := r.Cancel(t.Context(), high)
				require.NoError(t, err)
			}
			r.wait(2 * time.Second)
		}
	})
}

// TestTheSlotsOfAJobShareItsBound lets a gang ask for the nodes of both replicas of a job that may be evicted once.
func TestTheSlotsOfAJobShareItsBound(t *testing.T) {
	for most, evicted := range map[int]int{1: 0, 2: 2} {
		t.Run(fmt.Sprint(most), func(t *testing.T) {
			inBubble(t, params(scheduler.Params{Grace: -1, Evictions: most}), func(t *testing.T, r *rig) {
				r.nodes("a", "b")
				pair := long(scheduler.Bronze, 4)
				pair.Trust = quorum(2, 2)
				low := r.submit(pair)
				r.fetch("a")
				r.fetch("b")
				gang := gangOf(2, 4)
				gang.Tier = scheduler.Gold
				high := r.submit(gang)
				r.wait(20 * time.Second)
				n := 0
				for _, a := range r.get(low).Attempts {
					if a.EvictFor != "" {
						n++
					}
				}
				require.Equal(t, evicted, n)
				require.Equal(t, evicted, r.working(high))
			})
		})
	}
}

func TestEvictionCanBeOff(t *testing.T) {
	inBubble(t, params(scheduler.Params{Evictions: -1}), func(t *testing.T, r *rig) {
		r.nodes("a")
		low := r.submit(long(scheduler.Bronze, 4))
		r.fetch("a")
		high := r.submit(long(scheduler.Platinum, 4))
		r.wait(20 * time.Second)
		require.Empty(t, r.get(low).Attempts[0].EvictFor)
		require.Equal(t, scheduler.Queued, r.state(high))
	})
}

func TestOwnersTakeTheirShareBack(t *testing.T) {
	inBubble(t, params(scheduler.Params{Grace: -1, Evictions: 100}), func(t *testing.T, r *rig) {
		n := node("a")
		n.Capacity = scheduler.Capacity{MilliCPU: 12_000, MemoryMB: 1 << 16}
		r.sync(n)
		r.submitAs("first", many(20, long(scheduler.Silver, 1))...)
		r.wait(time.Second)
		r.claim(scheduler.Claim{Node: "a", Take: 99})
		_, count := r.used()
		require.Equal(t, map[principal.Account]int{"first": 12}, count)
		r.submitAs("second", many(20, long(scheduler.Silver, 1))...)
		r.submitAs("better", many(2, long(scheduler.Gold, 1))...)
		for range 6 {
			r.wait(time.Second)
			r.claim(scheduler.Claim{Node: "a", Take: 99})
		}
		_, count = r.used()
		require.Equal(t, map[principal.Account]int{"first": 5, "second": 5, "better": 2}, count)
		before := r.runs()
		r.wait(10 * time.Second)
		require.Equal(t, before, r.runs(), "and then nobody takes anything any more")
	})
}

// runs names the live attempts.
func (r *rig) runs() []scheduler.AttemptID {
	r.t.Helper()
	live, err := r.store.Live(r.t.Context(), nil)
	require.NoError(r.t, err)
	var out []scheduler.AttemptID
	for _, a := range live {
		out = append(out, a.ID)
	}
	slices.Sort(out)
	return out
}

// TestEvictionIsJust lets owners and tiers fight for a few nodes. An evicted attempt is always of a worse tier than its evictor, or of
// an owner with a greater share; none is evicted more often than allowed; capacity is kept; all work is done and paid once.
func TestEvictionIsJust(t *testing.T) {
	const most = 2
	synctest.Test(t, func(t *testing.T) {
		rapid.Check(struct{ rapid.TB }{t}, func(rt *rapid.T) {
			r := start(t, params(scheduler.Params{Grace: time.Duration(rapid.IntRange(-1, 20).Draw(rt, "grace")) * time.Second, Evictions: most, Aging: -1}))
			defer func() { require.NoError(t, r.Close()) }()
			r.nodes("a", "b")
			var jobs []scheduler.JobID
			for range rapid.IntRange(2, 20).Draw(rt, "steps") {
				b := long(rapid.SampledFrom(scheduler.Tiers()).Draw(rt, "tier"), rapid.Int64Range(1, 4).Draw(rt, "cores"))
				for _, s := range r.submitAs(principal.Account(rapid.SampledFrom([]string{"x", "y"}).Draw(rt, "owner")), many(rapid.IntRange(0, 3).Draw(rt, "jobs"), b)...) {
					jobs = append(jobs, s.Job.ID)
				}
				r.claim(scheduler.Claim{Node: scheduler.NodeID(rapid.SampledFrom([]string{"a", "b"}).Draw(rt, "node")), Take: 9})
				r.wait(time.Duration(rapid.IntRange(0, 4000).Draw(rt, "ms")) * time.Millisecond)
				live, err := r.store.Live(t.Context(), nil)
				require.NoError(rt, err)
				cores := map[scheduler.NodeID]int64{}
				for _, a := range live {
					cores[a.Node] += a.Demand.MilliCPU
					require.LessOrEqual(rt, cores[a.Node], int64(4000))
				}
			}
			weight := func(id scheduler.JobID) int { return scheduler.TermsOf(r.get(id).Job.Tier).Weight }
			for _, id := range jobs {
				record := r.get(id)
				require.Empty(rt, record.Job.Failures[scheduler.ClassJob])
				var at []time.Time
				for _, a := range record.Attempts {
					if a.EvictFor == "" {
						continue
					}
					at = append(at, a.EvictAt)
					by := r.get(a.EvictFor).Job
					require.True(rt, weight(by.ID) > weight(id) || weight(by.ID) == weight(id) && by.Owner != record.Job.Owner,
						"%s of %s evicted %s of %s", by.Tier, by.Owner, record.Job.Tier, record.Job.Owner)
				}
				for i := most; i < len(at); i++ {
					require.GreaterOrEqual(rt, at[i].Sub(at[i-most]), time.Hour)
				}
			}
			for range 150 {
				for _, n := range []scheduler.NodeID{"a", "b"} {
					for _, o := range r.claim(scheduler.Claim{Node: n, Take: 9, Restarted: true}).Offers {
						r.report(done(o, "")) // it may have been evicted meanwhile
					}
				}
				r.wait(time.Second)
			}
			for _, id := range jobs {
				record := r.get(id)
				require.Equal(rt, scheduler.Vested, record.Job.State, strings.Join(texts(record.Job.Log), "\n"))
				valid := 0
				for _, a := range record.Attempts {
					if a.State == scheduler.AttemptValid {
						valid++
					}
				}
				require.Equal(rt, 1, valid, fmt.Sprint(id))
			}
		})
	})
}
