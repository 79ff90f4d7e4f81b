package scheduler_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/fogcompute/fogcompute/fog/internal/duty"
	"github.com/fogcompute/fogcompute/fog/internal/fault"
	"github.com/fogcompute/fogcompute/fog/principal"
	"github.com/fogcompute/fogcompute/fog/scheduler"
)

// submitAs stores jobs of an owner.
func (r *rig) submitAs(owner principal.Account, b ...scheduler.Submission) []scheduler.Submitted {
	r.t.Helper()
	out, err := r.Submit(as(r.t.Context(), owner), b)
	require.NoError(r.t, err)
	synctest.Wait()
	return out
}

// many is n times the same submission.
func many(n int, b scheduler.Submission) []scheduler.Submission {
	if b.Name == "" {
		b.Name = "job"
	}
	return slices.Repeat([]scheduler.Submission{b}, n)
}

// used sums up what each owner's live attempts take, and counts them.
func (r *rig) used() (room map[principal.Account]scheduler.Capacity, count map[principal.Account]int) {
	r.t.Helper()
	live, err := r.store.Live(r.t.Context(), nil)
	require.NoError(r.t, err)
	room, count = map[principal.Account]scheduler.Capacity{}, map[principal.Account]int{}
	for _, a := range live {
		c := room[a.Owner]
		c.MilliCPU += a.Demand.MilliCPU
		c.MemoryMB += a.Demand.MemoryMB
		room[a.Owner] = c
		count[a.Owner]++
	}
	return room, count
}

// TestOwnersShareFairly lets owners with like jobs want more than there is. Nobody is ahead of somebody who still waits by more
// than one job, in weighted shares; and nothing stays free that somebody waits for.
func TestOwnersShareFairly(t *testing.T) {
	const room = 60
	synctest.Test(t, func(t *testing.T) {
		rapid.Check(struct{ rapid.TB }{t}, func(rt *rapid.T) {
			r := start(t, params(scheduler.Params{Evictions: -1, RoundBudget: -1}))
			defer func() { require.NoError(t, r.Close()) }()
			demand := scheduler.Demand{MilliCPU: rapid.Int64Range(1, 4).Draw(rt, "cores") * 1000, MemoryMB: rapid.Int64Range(1, 4).Draw(rt, "memory") * 1000}
			fits := int(room / (max(demand.MilliCPU, demand.MemoryMB) / 1000))
			weights, jobs := map[principal.Account]int{}, map[principal.Account]int{}
			for i := range rapid.IntRange(1, 5).Draw(rt, "owners") {
				name := principal.Account(fmt.Sprint("owner", i))
				weights[name] = rapid.IntRange(1, 4).Draw(rt, "weight")
				jobs[name] = rapid.IntRange(1, 150).Draw(rt, "jobs")
				require.NoError(t, r.SetQuotas(t.Context(), []scheduler.Quota{{Owner: name, Weight: float64(weights[name])}}))
				r.submitAs(name, many(jobs[name], scheduler.Submission{Demand: demand})...)
			}
			r.wait(2 * time.Second)
			big := node("a")
			big.Capacity = scheduler.Capacity{MilliCPU: room * 1000, MemoryMB: room * 1000}
			r.sync(big)
			r.wait(3 * time.Second)
			_, count := r.used()
			total, wanted := 0, 0
			for x, n := range jobs {
				total += count[x]
				wanted += n
				for y := range jobs {
					if count[y] < jobs[y] {
						require.LessOrEqual(rt, (count[x]-1)*weights[y], count[y]*weights[x], "%s is ahead of %s: %v of %v, weights %v", x, y, count, jobs, weights)
					}
				}
			}
			require.Equal(rt, min(fits, wanted), total)
		})
	})
}

// TestDominantResourcesCount is the example of section 4.1 of the DRF paper: of 9 cores and 18 GB, A (1 core, 4 GB a task) gets three
// tasks and B (3 cores, 1 GB) two, so that each has two thirds of what it needs most.
func TestDominantResourcesCount(t *testing.T) {
	for _, jobs := range []int{10, 200} { // the queue as a whole, and line by line
		inBubble(t, scheduler.Config{}, func(t *testing.T, r *rig) {
			r.submitAs("a", many(jobs, scheduler.Submission{Demand: scheduler.Demand{MilliCPU: 1000, MemoryMB: 4000}})...)
			r.submitAs("b", many(jobs, scheduler.Submission{Demand: scheduler.Demand{MilliCPU: 3000, MemoryMB: 1000}})...)
			r.wait(2 * time.Second)
			n := node("n")
			n.Capacity = scheduler.Capacity{MilliCPU: 9000, MemoryMB: 18_000}
			r.sync(n)
			r.wait(2 * time.Second)
			_, count := r.used()
			require.Equal(t, map[principal.Account]int{"a": 3, "b": 2}, count)
		})
	}
}

func TestAnOwnersBacklogHidesNobody(t *testing.T) {
	inBubble(t, scheduler.Config{}, func(t *testing.T, r *rig) {
		r.submitAs("greedy", many(2000, scheduler.Submission{})...)
		for i := range 200 {
			r.submitAs(principal.Account(fmt.Sprint("small", i)), many(1, scheduler.Submission{})...)
		}
		big := node("a")
		big.Capacity = scheduler.Capacity{MilliCPU: 220_000, MemoryMB: 1 << 20}
		r.sync(big)
		r.wait(3 * time.Second)
		_, count := r.used()
		require.Len(t, count, 201, "everybody has a turn before somebody's second")
		require.Equal(t, 20, count["greedy"])
	})
}

func TestMoreOwnersThanARoundLooksAt(t *testing.T) {
	const owners, round = 600, 512
	inBubble(t, params(scheduler.Params{RoundBudget: -1}), func(t *testing.T, r *rig) {
		for i := range owners {
			r.submitAs(principal.Account(fmt.Sprint("owner", i)), many(2, scheduler.Submission{})...)
		}
		r.wait(2 * time.Second)
		for i, cores := range []int64{round, owners - round} {
			n := node(fmt.Sprint("n", i))
			n.Capacity = scheduler.Capacity{MilliCPU: cores * 1000, MemoryMB: 1 << 20}
			r.sync(n)
			r.wait(2 * time.Second)
		}
		_, count := r.used()
		require.Len(t, count, owners, "who was left out has the next turn")
	})
}

func TestTiersGoBeforeShares(t *testing.T) {
	inBubble(t, params(scheduler.Params{Evictions: -1}), func(t *testing.T, r *rig) {
		r.submitAs("modest", many(40, scheduler.Submission{})...)
		r.submitAs("rich", many(40, scheduler.Submission{Tier: scheduler.Gold})...)
		big := node("a")
		big.Capacity.MilliCPU = 44_000
		r.sync(big)
		r.wait(2 * time.Second)
		_, count := r.used()
		require.Equal(t, map[principal.Account]int{"rich": 40, "modest": 4}, count)
	})
}

func TestQuotasAreNeverExceeded(t *testing.T) {
	fewer(t, 30)
	synctest.Test(t, func(t *testing.T) {
		rapid.Check(struct{ rapid.TB }{t}, func(rt *rapid.T) {
			r := start(t, scheduler.Config{})
			defer func() { require.NoError(t, r.Close()) }()
			most := map[principal.Account]scheduler.Capacity{}
			for _, owner := range []principal.Account{"x", "y"} {
				q := scheduler.Quota{Owner: owner, Most: scheduler.Capacity{
					MilliCPU: rapid.Int64Range(0, 8).Draw(rt, "cores") * 1000, MemoryMB: rapid.Int64Range(0, 4).Draw(rt, "memory") * 1000,
				}}
				most[owner] = q.Most
				require.NoError(t, r.SetQuotas(t.Context(), []scheduler.Quota{q}))
			}
			r.wait(2 * time.Second)
			r.nodes("a", "b", "c", "d")
			for range rapid.IntRange(1, 25).Draw(rt, "steps") {
				owner := rapid.SampledFrom([]principal.Account{"x", "y"}).Draw(rt, "owner")
				r.submitAs(owner, many(rapid.IntRange(0, 6).Draw(rt, "jobs"), scheduler.Submission{
					Trust: quorum(1, rapid.IntRange(1, 2).Draw(rt, "replicas")), Tier: rapid.SampledFrom(scheduler.Tiers()).Draw(rt, "tier"),
					Demand: scheduler.Demand{MilliCPU: rapid.Int64Range(1, 3000).Draw(rt, "cpu"), MemoryMB: rapid.Int64Range(1, 1500).Draw(rt, "mb")},
				})...)
				n := scheduler.NodeID(rapid.SampledFrom([]string{"a", "b", "c", "d"}).Draw(rt, "node"))
				for _, o := range r.claim(scheduler.Claim{Node: n, Take: 3, Restarted: true}).Offers {
					r.report(done(o, ""))
				}
				r.wait(time.Duration(rapid.IntRange(1, 3000).Draw(rt, "ms")) * time.Millisecond)
				room, _ := r.used()
				for owner, m := range most {
					require.True(rt, m.MilliCPU == 0 || room[owner].MilliCPU <= m.MilliCPU, "%s uses %+v of %+v", owner, room[owner], m)
					require.True(rt, m.MemoryMB == 0 || room[owner].MemoryMB <= m.MemoryMB, "%s uses %+v of %+v", owner, room[owner], m)
				}
			}
		})
	})
}

func TestQuotaThatIsRaisedLetsJobsGo(t *testing.T) {
	inBubble(t, scheduler.Config{}, func(t *testing.T, r *rig) {
		require.NoError(t, r.SetQuotas(t.Context(), []scheduler.Quota{{Owner: "x", Most: scheduler.Capacity{MilliCPU: 2000}}}))
		r.wait(2 * time.Second)
		r.nodes("a")
		r.submitAs("x", many(600, scheduler.Submission{})...)
		r.wait(2 * time.Second)
		free := r.submitAs("y", many(1, scheduler.Submission{})...)[0].Job.ID
		r.wait(2 * time.Second)
		_, count := r.used()
		require.Equal(t, map[principal.Account]int{"x": 2, "y": 1}, count)
		require.Equal(t, scheduler.Placed, r.state(free), "who is held back by a quota holds nobody up")
		require.NoError(t, r.SetQuotas(t.Context(), []scheduler.Quota{{Owner: "x"}}))
		r.wait(2 * time.Second)
		_, count = r.used()
		require.Equal(t, map[principal.Account]int{"x": 3, "y": 1}, count)
	})
}

func TestMaxQueuedIsFaultLimited(t *testing.T) {
	inBubble(t, scheduler.Config{}, func(t *testing.T, r *rig) {
		require.NoError(t, r.SetQuotas(t.Context(), []scheduler.Quota{{Owner: "x", MaxQueued: 2}}))
		keyed := scheduler.Submission{Name: "job", Key: "k"}
		out := r.submitAs("x", keyed, scheduler.Submission{Name: "job"}, scheduler.Submission{Name: "job"})
		require.NoError(t, out[0].Err)
		require.NoError(t, out[1].Err)
		kind(t, fault.Limited, out[2].Err)
		require.Empty(t, out[2].Job.ID)
		again := r.submitAs("x", keyed)[0]
		require.NoError(t, again.Err, "what was accepted before is still answered")
		require.Equal(t, out[0].Job.ID, again.Job.ID)
		require.NoError(t, r.submitAs("y", many(3, scheduler.Submission{})...)[2].Err)
		r.nodes("a")
		r.wait(time.Second)
		require.NoError(t, r.submitAs("x", many(1, scheduler.Submission{})...)[0].Err, "the others have nodes now")
	})
}

func TestQuotasAreTheOperators(t *testing.T) {
	s := newIdle(t, scheduler.Config{})
	kind(t, fault.Denied, s.SetQuotas(as(t.Context(), "x"), []scheduler.Quota{{Owner: "x", Weight: 100}}))
	_, err := s.Quotas(as(t.Context(), "x"))
	kind(t, fault.Denied, err)
	stranger := principal.With(t.Context(), principal.Principal{Tenant: "other", Account: "op", Scopes: []principal.Scope{principal.ScopeOperator}})
	kind(t, fault.Denied, s.SetQuotas(stranger, []scheduler.Quota{{Tenant: principal.DefaultTenant, Owner: "x"}}))
	for field, q := range map[string]scheduler.Quota{
		"owner": {}, "weight": {Owner: "x", Weight: -1}, "most": {Owner: "x", Most: scheduler.Capacity{DiskMB: -1}}, "max_queued": {Owner: "x", MaxQueued: -1},
	} {
		err := s.SetQuotas(t.Context(), []scheduler.Quota{q})
		kind(t, fault.Invalid, err)
		require.Equal(t, field, fault.FieldOf(err))
	}
	kind(t, fault.Invalid, s.SetQuotas(t.Context(), []scheduler.Quota{{Owner: "x"}, {Owner: "x"}}))
}

func ExampleScheduler_SetQuotas() {
	s, err := scheduler.New(scheduler.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx := principal.With(context.Background(), principal.Principal{Tenant: principal.DefaultTenant, Account: "admin", Scopes: []principal.Scope{principal.ScopeOperator}})
	err = s.SetQuotas(ctx, []scheduler.Quota{
		{Owner: "research", Weight: 3}, // three times the share of the others
		{Owner: "students", Most: scheduler.Capacity{MilliCPU: 64_000}, MaxQueued: 1000}, // at most 64 cores at once
	})
	quotas, _ := s.Quotas(ctx)
	fmt.Println(err, len(quotas), quotas[0].Owner, quotas[1].Most.MilliCPU)
	// Output: <nil> 2 research 64000
}

// TestQuotasFollowWhatEndsElsewhere lets another server than the planner's take the reports: what they free counts for the quota.
func TestQuotasFollowWhatEndsElsewhere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		duties := duty.NewMemory(nil)
		rows := scheduler.NewMemory(nil, duties)
		first := start(t, scheduler.Config{Store: rows, Duties: duties, Holder: "first"})
		synctest.Wait()
		second := start(t, scheduler.Config{Store: rows, Duties: duties, Holder: "second"})
		first.nodes("a")
		require.NoError(t, first.SetQuotas(t.Context(), []scheduler.Quota{{Owner: "operator", Most: scheduler.Capacity{MilliCPU: 1000}}}))
		first.wait(2 * time.Second)
		before := first.submit(scheduler.Submission{})
		after := first.submit(scheduler.Submission{})
		first.wait(2 * time.Second)
		require.Equal(t, scheduler.Placed, first.state(before))
		require.Equal(t, scheduler.Queued, first.state(after), "the quota is used up")
		require.NoError(t, second.report(done(second.fetch("a"), "")).Err)
		second.wait(3 * time.Second)
		require.Equal(t, scheduler.Placed, first.state(after))
	})
}
