package scheduler_test

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
	"github.com/fogcompute/fogcompute/fog/scheduler"
)

// gangOf is an array whose jobs begin together.
func gangOf(count int, cores int64) scheduler.Submission {
	b := long(scheduler.Bronze, cores)
	b.Count, b.Gang = count, true
	return b
}

// members are the jobs of an array that are not over.
func (r *rig) members(array scheduler.JobID) []scheduler.Record {
	r.t.Helper()
	records, err := r.store.Members(r.t.Context(), []scheduler.JobID{array})
	require.NoError(r.t, err)
	return records
}

// working counts the jobs of an array that have live attempts.
func (r *rig) working(array scheduler.JobID) (n int) {
	for _, m := range r.members(array) {
		if slices.ContainsFunc(m.Attempts, func(a scheduler.Attempt) bool { return a.State.Live() }) {
			n++
		}
	}
	return n
}

func TestGangsBeginTogetherOrNotAtAll(t *testing.T) {
	inBubble(t, scheduler.Config{}, func(t *testing.T, r *rig) {
		r.nodes("a")
		gang := r.submit(gangOf(3, 2))
		r.wait(2 * time.Second)
		require.Zero(t, r.working(gang), "two of three have room")
		small := r.submit(scheduler.Submission{})
		r.wait(time.Second)
		require.Equal(t, scheduler.Placed, r.state(small))
		require.NoError(t, r.report(done(r.fetch("a"), "")).Err)
		r.nodes("b")
		r.wait(2 * time.Second)
		require.Equal(t, 3, r.working(gang))
	})
}

func TestASingleJobsReplicasCanBeAGang(t *testing.T) {
	inBubble(t, scheduler.Config{}, func(t *testing.T, r *rig) {
		r.nodes("a", "b")
		filler := r.submit(long(scheduler.Bronze, 4))
		r.fetch(r.on(filler))
		job := r.submit(scheduler.Submission{Trust: quorum(2, 2), Gang: true})
		r.wait(time.Second)
		require.Empty(t, r.get(job).Attempts, "one of two replicas has room")
		r.nodes("c")
		r.wait(2 * time.Second)
		require.Equal(t, scheduler.Placed, r.state(job))
	})
}

// zoned is a node in a zone.
func zoned(id, zone string) scheduler.Node {
	n := node(id)
	n.Labels = map[string]string{scheduler.LabelZone: zone}
	return n
}

// TestAGangOfReplicasStaysTogether wants replicas in one zone, which they would otherwise avoid, while another zone is idle.
func TestAGangOfReplicasStaysTogether(t *testing.T) {
	inBubble(t, scheduler.Config{}, func(t *testing.T, r *rig) {
		for _, n := range []scheduler.Node{zoned("a", "x"), zoned("b", "x"), zoned("c", "y"), zoned("d", "y")} {
			r.sync(n)
		}
		b := gangOf(2, 2)
		b.Trust, b.Group, b.Constraints.Together = quorum(2, 2), "g", scheduler.LabelZone
		gang := r.submit(b)
		r.wait(2 * time.Second)
		require.Equal(t, 2, r.working(gang))
		zones := map[bool]int{}
		for _, m := range r.members(gang) {
			require.Len(t, m.Attempts, 2)
			for _, a := range m.Attempts {
				zones[a.Node == "a" || a.Node == "b"]++
			}
		}
		require.Len(t, zones, 1, "one zone has them all")
	})
}

// TestAGangGoesWhereAllOfItFits has a zone that is best for one, and another that has room for all.
func TestAGangGoesWhereAllOfItFits(t *testing.T) {
	inBubble(t, scheduler.Config{}, func(t *testing.T, r *rig) {
		best := zoned("a", "x")
		best.Speed = 8
		for _, n := range []scheduler.Node{best, zoned("b", "y"), zoned("c", "y")} {
			r.sync(n)
		}
		b := gangOf(2, 4)
		b.Group, b.Constraints.Together = "g", scheduler.LabelZone
		gang := r.submit(b)
		r.wait(2 * time.Second)
		require.Equal(t, 2, r.working(gang))
		for _, m := range r.members(gang) {
			require.NotEqual(t, scheduler.NodeID("a"), m.Job.Node)
		}
	})
}

func TestAGangThatLosesANodeGoesOnTogetherOrWaits(t *testing.T) {
	inBubble(t, scheduler.Config{}, func(t *testing.T, r *rig) {
		r.nodes("a", "b")
		gang := r.submit(gangOf(2, 4))
		r.claim(scheduler.Claim{Node: "a", Take: 9})
		o := r.fetch("b")
		down := node("b")
		down.State = scheduler.NodeDown
		r.sync(down)
		for range 8 {
			r.beat("a", r.holding("a")...)
			r.wait(time.Second)
		}
		require.Zero(t, r.working(gang), "the other does not go on alone")
		for _, m := range r.members(gang) {
			require.LessOrEqual(t, m.Job.Failures[scheduler.ClassDevice], 1)
		}
		r.nodes("c")
		r.wait(2 * time.Second)
		require.Equal(t, 2, r.working(gang))
		kind(t, fault.Conflict, r.report(done(o, "late")).Err)
	})
}

// TestATornGangStopsWhereverItStands lets a gang lose a node that stands behind more jobs than a round looks at, or whose owner's quota was
// taken by another job meanwhile.
func TestATornGangStopsWhereverItStands(t *testing.T) {
	for name, hinder := range map[string]func(r *rig){
		"queue": func(r *rig) { r.submitAs("y", many(5000, long(scheduler.Gold, 4))...) },
		"quota": func(r *rig) {
			r.nodes("c")
			r.submitAs("x", many(1, long(scheduler.Gold, 4))...)
		},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, params(scheduler.Params{Evictions: -1, RoundBudget: -1}), func(t *testing.T, r *rig) {
				require.NoError(t, r.SetQuotas(t.Context(), []scheduler.Quota{{Owner: "x", Most: scheduler.Capacity{MilliCPU: 8000}}}))
				r.wait(2 * time.Second)
				r.nodes("a", "b")
				gang := r.submitAs("x", gangNamed(gangOf(2, 4)))[0].Job.ID
				r.fetch("a")
				r.fetch("b")
				down := node("b")
				down.State = scheduler.NodeDown
				r.sync(down)
				hinder(r)
				require.Equal(t, 1, r.working(gang), "it is not over when it has begun to back off")
				r.wait(3 * time.Second)
				require.Zero(t, r.working(gang), "the other does not keep its room for nothing")
				r.wait(3 * time.Minute)
				for _, m := range r.members(gang) {
					require.Less(t, m.Job.Version, int64(20), "and it is not looked at for ever after")
				}
			})
		})
	}
}

// gangNamed is a submission with a name.
func gangNamed(b scheduler.Submission) scheduler.Submission {
	b.Name = "gang"
	return b
}

// holding is what a node says it runs.
func (r *rig) holding(n scheduler.NodeID) []scheduler.Held {
	r.t.Helper()
	live, err := r.store.Live(r.t.Context(), []scheduler.NodeID{n})
	require.NoError(r.t, err)
	var out []scheduler.Held
	for _, a := range live {
		if a.State != scheduler.AttemptPlaced {
			out = append(out, scheduler.Held{Attempt: a.ID, Token: a.Token})
		}
	}
	return out
}

// whole is a store that sees whether a gang begins in one commit.
type wholeGangs struct {
	scheduler.Store
	t *rapid.T
}

func (w *wholeGangs) Commit(ctx context.Context, f scheduler.Fence, changes []scheduler.Change) ([]bool, error) {
	placed := map[scheduler.JobID]int{}
	for _, c := range changes {
		for _, a := range c.Record.Attempts {
			if c.Record.Job.Gang && a.State == scheduler.AttemptPlaced {
				placed[c.Record.Job.Array]++
			}
		}
	}
	for array, n := range placed {
		members, err := w.Members(ctx, []scheduler.JobID{array})
		require.NoError(w.t, err)
		for _, m := range members {
			changed := slices.ContainsFunc(changes, func(c scheduler.Change) bool { return c.Record.Job.ID == m.Job.ID })
			busy := slices.ContainsFunc(m.Attempts, func(a scheduler.Attempt) bool { return a.State.Live() || a.State == scheduler.AttemptReported })
			require.True(w.t, changed || busy, "%d of %d are placed, and %s is not", n, len(members), m.Job.ID)
		}
	}
	return w.Store.Commit(ctx, f, changes)
}

// TestGangsAreWholeUnderNodeKills lets nodes come and go. Whenever a job of a gang is placed, each other one is or has been; and when
// it is quiet, all of a gang work or none.
func TestGangsAreWholeUnderNodeKills(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rapid.Check(struct{ rapid.TB }{t}, func(rt *rapid.T) {
			cfg := params(scheduler.Params{Aging: -1, Evictions: rapid.SampledFrom([]int{-1, 3}).Draw(rt, "evictions"), RoundBudget: -1})
			cfg.Store = &wholeGangs{Store: scheduler.NewMemory(nil, nil), t: rt}
			r := start(t, cfg)
			defer func() { require.NoError(t, r.Close()) }()
			ids := []string{"a", "b", "c", "d"}
			var gangs []scheduler.JobID
			for range rapid.IntRange(2, 12).Draw(rt, "steps") {
				switch rapid.IntRange(0, 3).Draw(rt, "what") {
				case 0:
					gangs = append(gangs, r.submit(gangOf(rapid.IntRange(2, 4).Draw(rt, "count"), rapid.Int64Range(1, 4).Draw(rt, "cores"))))
				case 1:
					r.submit(long(rapid.SampledFrom(scheduler.Tiers()).Draw(rt, "tier"), rapid.Int64Range(1, 4).Draw(rt, "small")))
				default:
					n := node(rapid.SampledFrom(ids).Draw(rt, "node"))
					n.State = rapid.SampledFrom([]scheduler.NodeState{scheduler.NodeUp, scheduler.NodeUp, scheduler.NodeClosed, scheduler.NodeDown}).Draw(rt, "state")
					r.sync(n)
				}
				if rapid.Bool().Draw(rt, "fetch") {
					r.claim(scheduler.Claim{Node: scheduler.NodeID(rapid.SampledFrom(ids).Draw(rt, "who")), Take: 9})
				}
				r.wait(time.Duration(rapid.IntRange(0, 3000).Draw(rt, "ms")) * time.Millisecond)
			}
			for range 60 { // back-offs end, and nothing is left to its lease
				for _, id := range ids {
					n := scheduler.NodeID(id)
					r.claim(scheduler.Claim{Node: n, Take: 9, Held: r.holding(n)})
				}
				r.wait(time.Second)
			}
			for _, g := range gangs {
				all, n := r.members(g), r.working(g)
				require.True(rt, n == 0 || n == len(all), "%d of %d work", n, len(all))
			}
		})
	})
}

// TestSmallJobsDoNotStarveAGang lets small jobs of the same tier come all the time.
func TestSmallJobsDoNotStarveAGang(t *testing.T) {
	inBubble(t, params(scheduler.Params{Aging: -1}), func(t *testing.T, r *rig) {
		r.nodes("a", "b")
		ends := map[scheduler.AttemptID]time.Time{}
		offers := map[scheduler.AttemptID]scheduler.Offer{}
		var gang scheduler.JobID
		for i := range 200 {
			r.submit(scheduler.Submission{Demand: scheduler.Demand{MilliCPU: 2000}, Estimate: 7 * time.Second})
			if i == 3 {
				gang = r.submit(gangOf(2, 4))
			}
			for _, n := range []scheduler.NodeID{"a", "b"} {
				for _, o := range r.claim(scheduler.Claim{Node: n, Take: 9, Held: r.holding(n)}).Offers {
					offers[o.Attempt], ends[o.Attempt] = o, time.Now().Add(7*time.Second)
				}
			}
			for id, end := range ends {
				if !time.Now().Before(end) {
					require.NoError(t, r.report(done(offers[id], "")).Err)
					delete(ends, id)
				}
			}
			if gang != "" && r.working(gang) == 2 {
				require.Less(t, i, 30)
				return
			}
			r.wait(time.Second)
		}
		t.Fatal("the gang starves")
	})
}

func TestAGangEvictsNobodyWhoIsGoneByThen(t *testing.T) {
	for estimate, evicts := range map[time.Duration]bool{time.Microsecond: false, 100 * time.Millisecond: false, 5 * time.Second: false, time.Hour: true} {
		t.Run(estimate.String(), func(t *testing.T) {
			inBubble(t, scheduler.Config{}, func(t *testing.T, r *rig) {
				r.nodes("a", "b")
				for range 2 {
					r.submit(scheduler.Submission{Demand: whole(), Estimate: estimate})
				}
				r.fetch("a")
				r.fetch("b")
				gang := gangOf(2, 4)
				gang.Tier = scheduler.Gold
				r.submit(gang)
				r.wait(2 * time.Second)
				live, err := r.store.Live(t.Context(), nil)
				require.NoError(t, err)
				for _, a := range live {
					require.Equal(t, evicts, !a.EvictAt.IsZero(), "%+v", a)
				}
			})
		})
	}
}

// TestAGangStopsThoughNoNodeIsOpen closes every node after a gang has lost one of its jobs.
func TestAGangStopsThoughNoNodeIsOpen(t *testing.T) {
	inBubble(t, scheduler.Config{}, func(t *testing.T, r *rig) {
		r.nodes("a", "b")
		gang := r.submit(gangOf(2, 4))
		r.fetch("a")
		for _, id := range []string{"b", "a"} {
			closed := node(id)
			closed.State = scheduler.NodeClosed
			r.sync(closed)
		}
		r.wait(3 * time.Second)
		require.Zero(t, r.working(gang), "the one on a does not go on alone")
	})
}
