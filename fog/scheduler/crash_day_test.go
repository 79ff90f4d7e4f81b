package scheduler_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fogcompute/fogcompute/fog/scheduler"
)

// day is what happens on a server until it dies.
type day struct {
	live func(*testing.T, *rig, *mortal)
	cfg  scheduler.Config
}

// dayOf is a day on which a step is reached.
func dayOf(step string) day {
	switch step {
	case scheduler.StepEvict, scheduler.StepReprieve, scheduler.StepWithdraw:
		cfg := params(scheduler.Params{Grace: 20 * time.Second, RoundBudget: -1})
		cfg.Lease = 15 * time.Second
		return day{live: crowd, cfg: cfg}
	case scheduler.StepRelease:
		return day{live: graphDay, cfg: calm()}
	case scheduler.StepSchedule:
		return day{live: scheduleDay, cfg: calm()}
	case scheduler.StepAsk:
		return doubtfulDay("a")
	case scheduler.StepAudit:
		return doubtfulDay()
	case scheduler.StepMove:
		cfg := params(scheduler.Params{})
		cfg.PickUp = time.Minute
		return day{live: moveDay, cfg: cfg}
	}
	return day{live: eventful, cfg: scheduler.Config{Lease: 10 * time.Second}}
}

// calm lets jobs rise soon, and moves nothing.
func calm() scheduler.Config {
	cfg := params(scheduler.Params{Aging: 40 * time.Second, RoundBudget: -1})
	cfg.Lease = 10 * time.Second
	return cfg
}

// doubtfulDay is one on which a result is believed alone, unless its node is doubted, and then audited.
func doubtfulDay(doubted ...scheduler.NodeID) day {
	cfg := calm()
	cfg.HoldBack = time.Minute
	d := &doubts{of: map[scheduler.NodeID]bool{}}
	for _, n := range doubted {
		d.of[n] = true
	}
	cfg.Auditor = d
	return day{cfg: cfg, live: func(t *testing.T, r *rig, _ *mortal) {
		_ = r.SyncNodes(t.Context(), []scheduler.Node{node("a")})
		b := adaptive()
		b.Name = "doubtful"
		out, _ := r.Submit(t.Context(), []scheduler.Submission{b})
		r.wait(time.Second)
		if grants, err := r.Claim(t.Context(), []scheduler.Claim{{Node: "a", Take: 9}}); err == nil && len(grants[0].Offers) == 1 {
			_, _ = r.Report(t.Context(), []scheduler.Report{done(grants[0].Offers[0], "right")})
			_ = r.Audit(t.Context(), []scheduler.JobID{out[0].Job.ID})
		}
	}}
}

// graphDay lets a graph run until its first job is over.
func graphDay(t *testing.T, r *rig, _ *mortal) {
	ctx := t.Context()
	_ = r.SyncNodes(ctx, []scheduler.Node{node("a")})
	out, _ := r.Submit(ctx, []scheduler.Submission{
		{Name: "first"}, {Name: "next", Count: 2, After: on("", "#0")}, {Name: "never", After: on(scheduler.OnFailure, "#0")},
		{Name: "last", After: on(scheduler.OnEnd, "#1", "#2")},
	})
	r.wait(time.Second)
	grants, err := r.Claim(ctx, []scheduler.Claim{{Node: "a", Take: 9}})
	if err != nil || len(out) == 0 {
		return
	}
	for _, o := range grants[0].Offers {
		_, _ = r.Report(ctx, []scheduler.Report{done(o, "")})
	}
	r.wait(time.Second)
}

// scheduleDay is a minute in which a schedule fires.
func scheduleDay(t *testing.T, r *rig, _ *mortal) {
	_, _ = r.PutSchedule(t.Context(), scheduler.Schedule{
		ID: "s", Spec: "0 1 * * *", Template: scheduler.Submission{Name: "now and then", Count: 2},
	})
	r.wait(time.Hour + 2*time.Second)
}

// unschedule ends a schedule: it has fired once, whoever did it.
func unschedule(t *testing.T, r *rig) {
	all, err := r.Schedules(t.Context())
	require.NoError(t, err)
	for _, one := range all {
		require.EqualValues(t, 1, one.Fired)
		require.True(t, one.Firing.IsZero())
		require.Len(t, r.named(one.Template.Name), one.Template.Count, "one array for the time")
		require.NoError(t, r.DeleteSchedule(t.Context(), one.ID))
	}
}

// moveDay brings a much better node before what was placed is fetched.
func moveDay(t *testing.T, r *rig, _ *mortal) {
	slow, fast := node("slow"), node("fast")
	slow.Speed, slow.Trust, fast.Speed = 0.25, 0.1, 4
	_ = r.SyncNodes(t.Context(), []scheduler.Node{slow})
	for i := range 4 {
		_, _ = r.Submit(t.Context(), []scheduler.Submission{{Name: fmt.Sprint("job ", i), Tier: scheduler.Gold, Estimate: time.Minute}})
	}
	r.wait(time.Second)
	_ = r.SyncNodes(t.Context(), []scheduler.Node{fast})
	r.wait(5 * time.Second)
}

// gangDay places a gang on two nodes, and an array of others beside it.
func gangDay(t *testing.T, r *rig, _ *mortal) {
	_ = r.SyncNodes(t.Context(), []scheduler.Node{node("a"), node("b")})
	gang := gangOf(2, 3)
	gang.Name = "gang"
	out, _ := r.Submit(t.Context(), []scheduler.Submission{gang})
	r.wait(time.Second)
	r.together(out)
	r.wait(20 * time.Second) // nobody fetches it
	r.together(out)
}

// together checks that all jobs of a gang have nodes, or none.
func (r *rig) together(out []scheduler.Submitted) {
	r.t.Helper()
	if len(out) == 0 {
		return
	}
	there := 0
	ids, err := r.store.(*mortal).Tasks(r.t.Context(), out[0].Job.ID)
	require.NoError(r.t, err)
	records, err := r.store.(*mortal).Store.Load(r.t.Context(), ids)
	require.NoError(r.t, err)
	for i := range records {
		if records[i].Job.State == scheduler.Placed {
			there++
		}
	}
	require.Contains(r.t, []int{0, len(ids)}, there, "all or nobody")
}

// arrayDay submits arrays of which not all find room.
func arrayDay(t *testing.T, r *rig, _ *mortal) {
	_ = r.SyncNodes(t.Context(), []scheduler.Node{node("a")})
	out, _ := r.Submit(t.Context(), []scheduler.Submission{{Name: "many", Count: 7}})
	r.wait(time.Second)
	if len(out) == 1 && out[0].Job.ID != "" {
		_, _ = r.PauseArray(t.Context(), out[0].Job.ID)
		_, _ = r.ResumeArray(t.Context(), out[0].Job.ID)
	}
	r.wait(30 * time.Second) // nobody fetches them
}

// agingDay lets a job wait until it has risen by a tier.
func agingDay(t *testing.T, r *rig, _ *mortal) {
	_ = r.SyncNodes(t.Context(), []scheduler.Node{node("a")})
	_, _ = r.Submit(t.Context(), []scheduler.Submission{{Name: "large", Tier: scheduler.Platinum, Demand: scheduler.Demand{MilliCPU: 4000}, Trust: quorum(1, 1)}})
	r.wait(time.Second)
	g, err := r.Claim(t.Context(), []scheduler.Claim{{Node: "a", Take: 9}})
	_, _ = r.Submit(t.Context(), []scheduler.Submission{{Name: "patient"}})
	for range 9 {
		if err != nil || len(g[0].Offers) == 0 {
			r.wait(5 * time.Second)
			continue
		}
		_, _ = r.Claim(t.Context(), []scheduler.Claim{{Node: "a", Held: []scheduler.Held{held(g[0].Offers[0])}}})
		r.wait(5 * time.Second)
	}
	page, err := r.store.(*mortal).Find(t.Context(), scheduler.JobQuery{Tenant: "default", States: []scheduler.State{scheduler.Queued}, Tier: scheduler.Bronze})
	require.NoError(t, err)
	for _, j := range page.Jobs {
		require.Equal(t, 1, j.Boost, "it has risen")
	}
}

// eventful lets a day happen in which each step is reached, until the server dies.
func eventful(t *testing.T, r *rig, m *mortal) {
	ctx := t.Context()
	_ = r.SyncNodes(ctx, []scheduler.Node{node("a"), node("b")})
	out, _ := r.Submit(ctx, []scheduler.Submission{{Name: "one"}, {Name: "two", Trust: quorum(2, 2)}, {Name: "late", Tier: scheduler.Gold}, {Name: "never"}})
	r.wait(time.Second)
	if m.alive() != nil || len(out) != 4 {
		return
	}
	_, _ = r.Cancel(ctx, out[3].Job.ID)
	_, _ = r.Pause(ctx, out[0].Job.ID)
	_, _ = r.Resume(ctx, out[0].Job.ID)
	r.wait(time.Second)
	var offers []scheduler.Offer
	for _, n := range []scheduler.NodeID{"a", "b"} {
		grants, err := r.Claim(ctx, []scheduler.Claim{{Node: n, Take: 9}})
		if err != nil {
			return
		}
		offers = append(offers, grants[0].Offers...)
	}
	r.wait(5 * time.Second)
	for _, o := range offers {
		_ = r.Progress(ctx, o.Attempt, o.Token, 0.5)
		_, _ = r.Claim(ctx, []scheduler.Claim{{Node: "a", Held: []scheduler.Held{held(o)}}, {Node: "b", Held: []scheduler.Held{held(o)}}})
		if o.Name == "late" {
			down := node(string(r.nodeOf(o)))
			down.State = scheduler.NodeDown
			_ = r.SyncNodes(ctx, []scheduler.Node{down})
			continue
		}
		_, _ = r.Report(ctx, []scheduler.Report{done(o, "right")})
	}
	_ = r.SyncNodes(ctx, []scheduler.Node{node("a"), node("b")})
	r.wait(time.Minute) // leases and placements run out
}

// nodeOf finds an offer's node, on the rows.
func (r *rig) nodeOf(o scheduler.Offer) scheduler.NodeID {
	live, err := r.store.(*mortal).Store.Live(r.t.Context(), nil)
	require.NoError(r.t, err)
	i := slices.IndexFunc(live, func(a scheduler.Attempt) bool { return a.ID == o.Attempt })
	if i < 0 {
		return "a"
	}
	return live[i].Node
}

// crowd lets a gang lose a node, and jobs make way for one that is cancelled then, until the server dies.
func crowd(t *testing.T, r *rig, m *mortal) {
	ctx := t.Context()
	_ = r.SyncNodes(ctx, []scheduler.Node{node("a"), node("b")})
	gang := gangOf(2, 3)
	gang.Name = "gang"
	_, _ = r.Submit(ctx, []scheduler.Submission{gang})
	r.wait(time.Second)
	claims := []scheduler.Claim{{Node: "a", Take: 9}, {Node: "b", Take: 9}}
	_, _ = r.Claim(ctx, claims)
	down := node("b")
	down.State = scheduler.NodeDown
	_ = r.SyncNodes(ctx, []scheduler.Node{down})
	r.wait(3 * time.Second) // the gang cannot go on
	low := long(scheduler.Bronze, 4)
	low.Name = "low"
	_, _ = r.Submit(ctx, []scheduler.Submission{low})
	r.wait(time.Second)
	_, _ = r.Claim(ctx, claims)
	high := long(scheduler.Gold, 4)
	high.Name = "high"
	out, _ := r.Submit(ctx, []scheduler.Submission{high})
	r.wait(time.Second)
	if m.alive() == nil && len(out) == 1 {
		_, _ = r.Cancel(ctx, out[0].Job.ID)
	}
	r.wait(3 * time.Second)
}
