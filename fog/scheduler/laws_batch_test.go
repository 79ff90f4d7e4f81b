package scheduler_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/fogcompute/fogcompute/fog/internal/duty"
	"github.com/fogcompute/fogcompute/fog/internal/fault"
	"github.com/fogcompute/fogcompute/fog/internal/journal"
	"github.com/fogcompute/fogcompute/fog/principal"
	"github.com/fogcompute/fogcompute/fog/scheduler"
)

// moody is an escrow that answers yes, no, late or never.
type moody struct {
	escrow
	mood string // guarded by escrow.mu
}

func (m *moody) Hold(ctx context.Context, holds []scheduler.Hold) ([]error, error) {
	m.mu.Lock()
	mood := m.mood
	m.mu.Unlock()
	switch mood {
	case "late":
		time.Sleep(3 * time.Second)
	case "never":
		<-ctx.Done()
		return nil, ctx.Err()
	}
	return m.escrow.Hold(ctx, holds)
}

// batchWorld is a world with all that batches bring, on one or two servers that may die at any step.
type batchWorld struct {
	*world
	moody   *moody
	rows    *auditor
	duties  duty.Duties
	servers []*batchServer
	states  map[scheduler.JobID]scheduler.State // by the last census
	born    int
	keys    int
}

func TestBatchLaws(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rapid.Check(struct{ rapid.TB }{t}, func(rt *rapid.T) {
			facts, duties := journal.NewMemory(nil), duty.NewMemory(nil)
			batchLaws(newBatchWorld(t, rt, scheduler.NewMemory(facts, duties), duties, facts), rt)
		})
	})
}

// batchLaws lets anything happen to a world, and then all of its jobs end.
func batchLaws(w *batchWorld, rt *rapid.T) {
	defer w.close()
	rt.Repeat(map[string]func(*rapid.T){
		"": w.laws, "submit": w.submitSome, "submit2": w.submitSome, "node": w.changeNode, "mark": w.markNode, "reserve": w.reserve,
		"claim": w.claimSome, "claim2": w.claimAll, "beat": w.beatAll, "report": w.reportOne, "old": w.reportOld, "command": w.command,
		"array": w.commandArray, "time": w.pass, "escrow": w.changeMood, "schedule": w.changeSchedule, "server": w.changeServer,
		"crash": w.crash, "usurp": w.usurp,
	})
	w.finish(rt)
}

func newBatchWorld(t *testing.T, rt *rapid.T, store scheduler.Store, duties duty.Duties, facts facts) *batchWorld {
	w := &batchWorld{moody: &moody{}, duties: duties, states: map[scheduler.JobID]scheduler.State{}}
	w.rows = &auditor{Store: store, most: map[principal.Account]scheduler.Capacity{
		"bob": {MilliCPU: 5000, MemoryMB: 9000, MilliGPU: 2000, DiskMB: 2000, MbitPS: 200},
	}}
	w.world = &world{
		rt: rt, escrow: &w.moody.escrow,
		held: map[scheduler.AttemptID]scheduler.Offer{}, fleet: map[scheduler.NodeID]scheduler.Node{},
		finals: map[scheduler.JobID]scheduler.State{}, newest: map[scheduler.JobID]int64{}, reported: map[scheduler.AttemptID]bool{},
	}
	w.serve(t, facts)
	require.NoError(t, w.SetQuotas(t.Context(), []scheduler.Quota{{Owner: "bob", Most: w.rows.most["bob"]}, {Owner: "ann", Weight: 2, MaxQueued: 40}}))
	w.wait(time.Second)
	return w
}

// close stops all servers.
func (w *batchWorld) close() {
	for _, s := range w.servers {
		s.stop()
		require.NoError(w.t, s.Close())
	}
}

func evictMark() scheduler.Marks {
	return scheduler.Marks{Taints: []scheduler.Taint{{Key: "out", Effect: scheduler.Evict}}}
}

func (w *batchWorld) submitSome(rt *rapid.T) {
	owner := rapid.SampledFrom([]principal.Account{"ann", "ann", "bob"}).Draw(rt, "owner")
	ctx, cancel := context.WithTimeout(as(w.t.Context(), owner), 2*time.Second)
	defer cancel()
	var call []scheduler.Submission
	for i := range rapid.IntRange(1, 4).Draw(rt, "submissions") {
		call = append(call, w.submission(rt, owner, i))
	}
	out, err := w.Submit(ctx, call)
	if err != nil { // the escrow never answered
		require.ErrorIs(rt, err, context.DeadlineExceeded)
		kind(w.t, fault.Unavailable, err)
	}
	synctest.Wait()
	for i := range out {
		if out[i].Err != nil {
			require.Contains(rt, []fault.Kind{fault.Insufficient, fault.Limited, fault.Invalid, fault.Conflict}, fault.KindOf(out[i].Err), "%v", out[i].Err)
		}
	}
}

// submission draws the i-th submission of a call.
func (w *batchWorld) submission(rt *rapid.T, owner principal.Account, i int) scheduler.Submission {
	n := rapid.SampledFrom([]int{1, 1, 1, 2, 3}).Draw(rt, "replicas")
	b := scheduler.Submission{
		Name: "job", Tier: rapid.SampledFrom(scheduler.Tiers()).Draw(rt, "tier"), Trust: quorum(rapid.IntRange(1, n).Draw(rt, "quorum"), n),
		Demand: scheduler.Demand{
			MilliCPU: rapid.SampledFrom([]int64{100, 1000, 2000, 4000}).Draw(rt, "cpu"), MemoryMB: rapid.SampledFrom([]int64{64, 64, 1000, 3000}).Draw(rt, "memory"),
			DiskMB: rapid.SampledFrom([]int64{0, 0, 100, 500}).Draw(rt, "disk"), MbitPS: rapid.SampledFrom([]int64{0, 0, 10, 60}).Draw(rt, "network"),
			MilliGPU: rapid.SampledFrom([]int64{0, 0, 0, 300, 700, 1000, 1500}).Draw(rt, "gpu"),
		},
		Estimate: time.Duration(rapid.SampledFrom([]int{0, 1, 30}).Draw(rt, "estimate")) * time.Second,
		Priority: rapid.IntRange(-2, 2).Draw(rt, "priority"),
		Count:    rapid.SampledFrom([]int{0, 0, 2, 3}).Draw(rt, "count"),
		Gang:     rapid.Bool().Draw(rt, "gang"),
		Group:    rapid.SampledFrom([]string{"", "team"}).Draw(rt, "group"),
	}
	if b.Demand.MilliCPU*int64(n*max(1, b.Count)) > 5000 && owner == "bob" || n > 2 && b.Demand.MilliGPU > 0 {
		b.Gang = false
	}
	if rapid.IntRange(0, 7).Draw(rt, "hurry") == 0 {
		b.Deadline = time.Now().Add(30 * time.Second)
	}
	if rapid.IntRange(0, 3).Draw(rt, "keyed") == 0 {
		w.keys++
		b.Key = fmt.Sprint("key ", rapid.IntRange(max(0, w.keys-2), w.keys).Draw(rt, "key"))
	}
	w.constrain(rt, &b)
	when := rapid.SampledFrom([]scheduler.When{scheduler.OnSuccess, scheduler.OnFailure, scheduler.OnEnd})
	if i > 0 && rapid.IntRange(0, 2).Draw(rt, "graph") == 0 {
		b.After = append(b.After, on(when.Draw(rt, "when"), scheduler.JobID(fmt.Sprint("#", i-1)))...)
	}
	return b
}

func (w *batchWorld) constrain(rt *rapid.T, b *scheduler.Submission) {
	c := &b.Constraints
	switch rapid.IntRange(0, 7).Draw(rt, "wish") {
	case 0:
		c.Spread = []scheduler.Spread{{Key: rapid.SampledFrom([]string{"node", "owner", "zone"}).Draw(rt, "spread"), Max: 2}}
		b.Gang = false
	case 1:
		c.Together = "zone"
		b.Gang = b.Gang && b.Trust.Replicas == 1
	case 2:
		c.Require = []scheduler.Term{{Key: "zone", Op: scheduler.NotIn, Values: []string{"a"}}}
	case 3:
		c.Tolerate = []scheduler.Toleration{{Key: "out"}}
	}
}

func (w *batchWorld) changeNode(rt *rapid.T) {
	id := scheduler.NodeID(rapid.SampledFrom([]string{"a", "b", "c", "g", "g2", "h"}).Draw(rt, "node"))
	ctx := w.t.Context()
	switch known := w.fleet[id].ID != ""; rapid.IntRange(0, 6).Draw(rt, "change") {
	case 0:
		require.NoError(rt, w.RemoveNodes(ctx, []scheduler.NodeID{id}))
		delete(w.fleet, id)
	case 1:
		if known {
			require.NoError(rt, w.Drain(ctx, id, rapid.Bool().Draw(rt, "drained")))
		}
	default:
		n := batchNode(string(id))
		n.State = rapid.SampledFrom([]scheduler.NodeState{scheduler.NodeUp, scheduler.NodeUp, scheduler.NodeUp, scheduler.NodeClosed, scheduler.NodeDown}).Draw(rt, "state")
		w.fleet[id] = n
		w.sync(n)
	}
	synctest.Wait()
}

func (w *batchWorld) markNode(rt *rapid.T) {
	if len(w.fleet) == 0 {
		return
	}
	marks := scheduler.Marks{}
	if e := rapid.SampledFrom([]scheduler.TaintEffect{"", "", scheduler.Refuse, scheduler.Avoid, scheduler.Evict}).Draw(rt, "effect"); e != "" {
		marks.Taints = []scheduler.Taint{{Key: "out", Effect: e}}
	}
	require.NoError(rt, w.Mark(w.t.Context(), rapid.SampledFrom(w.nodeIDs()).Draw(rt, "node"), marks))
	synctest.Wait()
}

func (w *batchWorld) reserve(rt *rapid.T) {
	if rapid.Bool().Draw(rt, "cancelled") {
		require.NoError(rt, w.CancelReservations(w.t.Context(), []string{"r"}))
	} else {
		from := time.Now().Add(time.Duration(rapid.IntRange(0, 60).Draw(rt, "from")) * time.Second)
		require.NoError(rt, w.Reserve(w.t.Context(), []scheduler.Reservation{{ID: "r", Owner: "ann", Nodes: []scheduler.NodeID{"a", "g"}, From: from, Until: from.Add(time.Minute)}}))
	}
	synctest.Wait()
}

// claimAll lets every node fetch what waits for it, all in one call.
func (w *batchWorld) claimAll(*rapid.T) {
	var claims []scheduler.Claim
	holds := w.holds(false)
	for _, n := range w.nodeIDs() {
		claims = append(claims, scheduler.Claim{Node: n, Take: 9, Held: holds[n]})
	}
	w.take(claims...)
}

func (w *batchWorld) command(rt *rapid.T) {
	w.census()
	w.world.command(rt)
}

func (w *batchWorld) commandArray(rt *rapid.T) {
	for _, id := range w.census() {
		if j := w.get(id).Job; j.Array == id && rapid.IntRange(0, 3).Draw(rt, "this") == 0 {
			ctx := w.t.Context()
			do := rapid.SampledFrom([]func(context.Context, scheduler.JobID) (scheduler.Array, error){w.CancelArray, w.PauseArray, w.ResumeArray, w.ResumeArray}).Draw(rt, "command")
			if _, err := do(ctx, id); err != nil {
				kind(w.t, fault.Conflict, err)
			}
			synctest.Wait()
			return
		}
	}
}

func (w *batchWorld) changeMood(rt *rapid.T) {
	mood := rapid.SampledFrom([]string{"yes", "yes", "no", "away", "late", "never"}).Draw(rt, "mood")
	w.moody.mu.Lock()
	w.moody.mood = mood
	w.moody.mu.Unlock()
	switch mood {
	case "no":
		w.moody.set(nil, fault.New(fault.Insufficient, "test", "poor"))
	case "away":
		w.moody.set(errors.New("away"), nil)
	default:
		w.moody.set(nil, nil)
	}
}

func (w *batchWorld) changeSchedule(rt *rapid.T) {
	ctx := as(w.t.Context(), "ann")
	if rapid.Bool().Draw(rt, "deleted") {
		if err := w.DeleteSchedule(ctx, "s"); err != nil {
			kind(w.t, fault.NotFound, err)
		}
		return
	}
	_, err := w.PutSchedule(ctx, scheduler.Schedule{
		ID: "s", Spec: "* * * * *", Overlap: rapid.SampledFrom([]scheduler.Overlap{scheduler.Allow, scheduler.Forbid, scheduler.Replace}).Draw(rt, "overlap"),
		Template: scheduler.Submission{Name: "now and then", Demand: scheduler.Demand{MilliCPU: 500}, Count: rapid.SampledFrom([]int{0, 2}).Draw(rt, "count")},
	})
	require.NoError(rt, err)
}

// census lists all jobs.
func (w *batchWorld) census() []scheduler.JobID {
	w.jobs = w.jobs[:0]
	clear(w.states)
	q := scheduler.JobQuery{Limit: 1000}
	for {
		page, err := w.List(w.t.Context(), q)
		require.NoError(w.rt, err)
		for i := range page.Jobs {
			w.jobs = append(w.jobs, page.Jobs[i].ID)
			w.states[page.Jobs[i].ID] = page.Jobs[i].State
		}
		if q.Cursor = page.Next; q.Cursor == "" {
			require.Len(w.rt, w.jobs, int(page.Total), "each job is listed once")
			return w.jobs
		}
	}
}

// laws checks what must hold at any time, beside what the store has seen at each instant.
func (w *batchWorld) laws(rt *rapid.T) {
	if _, wrong := w.rows.finding(); wrong != nil {
		w.t.Log(wrong) // where it cannot be repeated
		rt.Fatal(wrong)
	}
	known := w.records(w.census())
	counts := map[scheduler.State]int64{}
	use := map[scheduler.NodeID]scheduler.Usage{}
	w.factsOf(rt, known)
	for _, id := range w.jobs {
		if w.newest[id] == 0 {
			w.newest[id] = 1
		}
		r := known[id]
		counts[r.Job.State]++
		w.lawsOfJob(rt, &r)
		evicted := 0
		for i := range r.Attempts {
			a := &r.Attempts[i]
			if a.State.Live() {
				u := use[a.Node]
				use[a.Node] = scheduler.Usage{Node: a.Node, Used: plus(u.Used, a.Demand), Live: u.Live + 1}
			}
			if a.EvictFor != "" && time.Since(a.EvictAt) < time.Hour {
				evicted++
			}
		}
		require.LessOrEqual(rt, evicted, evictions, "%s is evicted too often: %v", id, texts(r.Job.Log))
	}
	for id := range w.newest {
		require.Contains(rt, known, id, "no job is lost")
	}
	stats, err := w.Stats(w.t.Context())
	require.NoError(rt, err)
	for _, s := range scheduler.States() {
		require.Equal(rt, counts[s], stats.States[s], "the tally of %s", s)
	}
	for _, tenant := range []principal.Tenant{"", principal.DefaultTenant} {
		usage, err := w.rows.Usage(w.t.Context(), tenant)
		require.NoError(rt, err)
		require.Len(rt, usage, len(use))
		for _, u := range usage {
			require.Equal(rt, use[u.Node], u)
		}
	}
	for _, r := range known {
		lawsOfGraph(rt, &r, known)
	}
}

// lawsOfLists checks what pages say of how many jobs are in each state. Those are sums that changes are added to, so that one that has
// been wrong stays wrong: it is enough to look now and then.
func (w *batchWorld) lawsOfLists(rt *rapid.T) {
	counts := map[scheduler.State]int64{}
	for _, id := range w.census() {
		counts[w.states[id]]++
	}
	for _, s := range scheduler.States() {
		page, err := w.rows.Find(w.t.Context(), scheduler.JobQuery{Tenant: principal.DefaultTenant, States: []scheduler.State{s}, Limit: 1})
		require.NoError(rt, err)
		require.Equal(rt, counts[s], page.Filtered, "the count of %s", s)
	}
}

// finish lets an honest fleet work until every job is over.
func (w *batchWorld) finish(rt *rapid.T) {
	ctx := w.t.Context()
	w.lawsOfLists(rt)
	w.moody.mu.Lock()
	w.moody.mood = ""
	w.moody.mu.Unlock()
	w.moody.set(nil, nil)
	_ = w.DeleteSchedule(ctx, "s")
	w.rows.mu.Lock()
	w.rows.most = nil
	w.rows.mu.Unlock()
	require.NoError(rt, w.SetQuotas(ctx, []scheduler.Quota{{Owner: "bob"}, {Owner: "ann"}}))
	require.NoError(rt, w.CancelReservations(ctx, []string{"r"}))
	for _, n := range w.nodeIDs() {
		require.NoError(rt, w.RemoveNodes(ctx, []scheduler.NodeID{n}))
	}
	var fleet []scheduler.NodeID
	for i := range 7 {
		n := batchNode(fmt.Sprint("z", i))
		w.sync(n)
		fleet = append(fleet, n.ID)
	}
	for range 700 {
		open := 0
		for _, id := range w.census() {
			switch s := w.states[id]; {
			case s == scheduler.Paused:
				_, err := w.Resume(ctx, id)
				require.NoError(rt, err)
				open++
			case !s.Final():
				open++
			}
		}
		if open == 0 {
			w.laws(rt)
			w.lawsOfLists(rt)
			return
		}
		w.toil(fleet...)
		w.wait(time.Second)
	}
	for _, id := range w.jobs {
		if r := w.get(id); !r.Job.State.Final() {
			why, _ := w.Explain(ctx, id)
			rt.Fatalf("job never ends: %+v\n%+v\n%v", r, why.Reasons, texts(r.Job.Log))
		}
	}
}
