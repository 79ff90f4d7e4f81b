package scheduler_test

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
	"github.com/fogcompute/fogcompute/fog/principal"
	"github.com/fogcompute/fogcompute/fog/scheduler"
)

// world is a random fleet at work. Whatever happens, the laws hold after each step, and once the fleet is honest and up every job
// ends.
type world struct {
	*rig
	rt       *rapid.T
	escrow   *escrow
	doubts   *doubts
	jobs     []scheduler.JobID
	held     map[scheduler.AttemptID]scheduler.Offer
	fleet    map[scheduler.NodeID]scheduler.Node
	finals   map[scheduler.JobID]scheduler.State
	newest   map[scheduler.JobID]int64
	reported map[scheduler.AttemptID]bool
}

func TestLaws(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rapid.Check(struct{ rapid.TB }{t}, func(rt *rapid.T) { // hides the deadline, which a bubble has not
			e, d := &escrow{}, &doubts{of: map[scheduler.NodeID]bool{"b": true}}
			w := &world{
				rig: start(t, scheduler.Config{Random: rand.NewChaCha8([32]byte{}), Escrow: e, Auditor: d, HoldBack: 20 * time.Second, Lease: 10 * time.Second, PickUp: 5 * time.Second, MaxSuspend: 20 * time.Second}),
				rt:  rt, escrow: e, doubts: d,
				held: map[scheduler.AttemptID]scheduler.Offer{}, fleet: map[scheduler.NodeID]scheduler.Node{},
				finals: map[scheduler.JobID]scheduler.State{}, newest: map[scheduler.JobID]int64{},
				reported: map[scheduler.AttemptID]bool{},
			}
			defer func() { require.NoError(t, w.Close()) }()
			rt.Repeat(map[string]func(*rapid.T){
				"": w.laws, "submit": w.submitOne, "node": w.changeNode, "claim": w.claimSome, "beat": w.beatAll,
				"report": w.reportOne, "old": w.reportOld, "command": w.command, "time": w.pass, "escrow": w.changeEscrow, "audit": w.audit,
			})
			w.finish()
		})
	})
}

func (w *world) submitOne(rt *rapid.T) {
	n := rapid.IntRange(1, 3).Draw(rt, "replicas")
	b := scheduler.Submission{
		Name:   fmt.Sprint("job ", len(w.jobs)),
		Tier:   rapid.SampledFrom(scheduler.Tiers()).Draw(rt, "tier"),
		Trust:  quorum(rapid.IntRange(1, n).Draw(rt, "quorum"), n),
		Demand: scheduler.Demand{MilliCPU: rapid.Int64Range(1, 3000).Draw(rt, "cpu"), MemoryMB: rapid.Int64Range(1, 6000).Draw(rt, "memory")},
	}
	if rapid.IntRange(0, 2).Draw(rt, "adaptive") == 0 {
		b.Trust = adaptive().Trust
	}
	if rapid.IntRange(0, 5).Draw(rt, "hurry") == 0 {
		b.Deadline = time.Now().Add(time.Minute)
	}
	out := w.try(b)
	if out.Err != nil {
		kind(w.t, fault.Insufficient, out.Err)
	}
	w.jobs = append(w.jobs, out.Job.ID)
}

func (w *world) changeNode(rt *rapid.T) {
	id := rapid.SampledFrom([]string{"a", "b", "b2", "c", "d"}).Draw(rt, "node")
	n := node(id)
	if id == "b2" {
		n.Owner = "device:b"
	}
	n.State = rapid.SampledFrom([]scheduler.NodeState{scheduler.NodeUp, scheduler.NodeUp, scheduler.NodeUp, scheduler.NodeClosed, scheduler.NodeDown}).Draw(rt, "state")
	w.fleet[n.ID] = n
	w.sync(n)
}

func (w *world) nodeIDs() []scheduler.NodeID { return slices.Sorted(maps.Keys(w.fleet)) }

func (w *world) claimSome(rt *rapid.T) {
	if len(w.fleet) == 0 {
		return
	}
	n := rapid.SampledFrom(w.nodeIDs()).Draw(rt, "node")
	w.take(scheduler.Claim{Node: n, Take: rapid.IntRange(0, 3).Draw(rt, "take"), Held: w.holds(false)[n]})
}

// take claims for nodes and keeps what they are offered.
func (w *world) take(claims ...scheduler.Claim) {
	for _, g := range w.claims(claims...) {
		for _, o := range g.Offers {
			w.held[o.Attempt] = o
		}
	}
}

// holds is what each node says it runs.
func (w *world) holds(suspended bool) map[scheduler.NodeID][]scheduler.Held {
	var jobs []scheduler.JobID
	for id := range w.held {
		if job, _, _, _ := id.Split(); !w.reported[id] {
			jobs = append(jobs, job)
		}
	}
	known, out := w.records(jobs), map[scheduler.NodeID][]scheduler.Held{}
	for _, id := range slices.Sorted(maps.Keys(w.held)) {
		job, _, _, _ := id.Split()
		for _, a := range known[job].Attempts {
			if a.ID == id && !w.reported[id] {
				out[a.Node] = append(out[a.Node], scheduler.Held{Attempt: id, Token: w.held[id].Token, Suspended: suspended})
			}
		}
	}
	return out
}

// records reads jobs, all at once.
func (w *world) records(ids []scheduler.JobID) map[scheduler.JobID]scheduler.Record {
	found, err := w.Records(w.t.Context(), ids)
	require.NoError(w.rt, err)
	known := make(map[scheduler.JobID]scheduler.Record, len(found))
	for _, r := range found {
		known[r.Job.ID] = r
	}
	return known
}

func (w *world) beatAll(rt *rapid.T) {
	suspended, restarted := rapid.Bool().Draw(rt, "suspended"), rapid.IntRange(0, 9).Draw(rt, "restarted") == 0
	holds := w.holds(suspended)
	for _, n := range w.nodeIDs() {
		c := scheduler.Claim{Node: n, Held: holds[n]}
		if restarted {
			c.Held, c.Restarted = nil, true
		}
		w.claim(c)
	}
}

func (w *world) reportOne(rt *rapid.T) {
	if len(w.held) == 0 {
		return
	}
	id := rapid.SampledFrom(slices.Sorted(maps.Keys(w.held))).Draw(rt, "attempt")
	o := w.held[id]
	in := done(o, rapid.SampledFrom([]string{"right", "right", "right", "wrong"}).Draw(rt, "out"))
	switch rapid.IntRange(0, 5).Draw(rt, "how") {
	case 0:
		in = exit(o, 1)
	case 1:
		in = failed(o, rapid.SampledFrom(scheduler.Classes()).Draw(rt, "class"))
	}
	job, slot, _, _ := id.Split()
	before := w.get(job)
	v := w.report(in)
	if v.Err != nil || w.reported[id] {
		if v.Err != nil {
			kind(w.t, fault.Conflict, v.Err)
		}
		if v.Err != nil || before.Job.State != scheduler.Reported { // else the auditor is asked again
			unchanged(rt, before, w.get(job))
		}
		return
	}
	if superseded(before, slot, o.Token) { // an evicted attempt may say that it stopped
		unchanged(rt, before, w.get(job))
		return
	}
	w.reported[id] = true
	after := w.get(job)
	again := w.report(in)
	require.NoError(rt, again.Err, "the same again")
	require.Equal(rt, v.State == scheduler.AttemptFailed, again.State == scheduler.AttemptFailed)
	if after.Job.State.Final() {
		unchanged(rt, after, w.get(job))
	}
}

// superseded reports whether a slot has a newer attempt than the token's.
func superseded(r scheduler.Record, slot int, token int64) bool {
	return slices.ContainsFunc(r.Attempts, func(a scheduler.Attempt) bool { return a.Slot == slot && a.Token > token })
}

func unchanged(rt *rapid.T, want, got scheduler.Record) {
	require.Equal(rt, want.Job.Version, got.Job.Version, "nothing changed")
}

// reportOld reports with a token that somebody else's attempt has.
func (w *world) reportOld(rt *rapid.T) {
	if len(w.held) == 0 {
		return
	}
	o := w.held[rapid.SampledFrom(slices.Sorted(maps.Keys(w.held))).Draw(rt, "attempt")]
	in := done(o, "stale")
	in.Token += rapid.SampledFrom([]int64{-1, 1, 100}).Draw(rt, "off")
	job, _, _, _ := o.Attempt.Split()
	before := w.get(job)
	kind(w.t, fault.Conflict, w.report(in).Err)
	unchanged(rt, before, w.get(job))
}

func (w *world) command(rt *rapid.T) {
	if len(w.jobs) == 0 {
		return
	}
	id := rapid.SampledFrom(w.jobs).Draw(rt, "job")
	before := w.get(id)
	var err error
	switch rapid.IntRange(0, 3).Draw(rt, "command") {
	case 0:
		_, err = w.Cancel(w.t.Context(), id)
	case 1:
		_, err = w.Pause(w.t.Context(), id)
	default:
		_, err = w.Resume(w.t.Context(), id)
	}
	synctest.Wait()
	if err != nil {
		kind(w.t, fault.Conflict, err)
		unchanged(rt, before, w.get(id))
	}
}

func (w *world) pass(rt *rapid.T) {
	w.wait(time.Duration(rapid.IntRange(1, 8000).Draw(rt, "ms")) * time.Millisecond)
}

func (w *world) changeEscrow(rt *rapid.T) {
	switch rapid.IntRange(0, 3).Draw(rt, "escrow") {
	case 0:
		w.escrow.set(errors.New("away"), nil)
	case 1:
		w.escrow.set(nil, fault.New(fault.Insufficient, "test", "poor"))
	default:
		w.escrow.set(nil, nil)
	}
}

// audit has a job audited, or keeps the auditor from answering for a while.
func (w *world) audit(rt *rapid.T) {
	if rapid.IntRange(0, 3).Draw(rt, "away") == 0 {
		w.doubts.fail(errors.New("away"))
		return
	}
	w.doubts.fail(nil)
	if len(w.jobs) > 0 {
		require.NoError(rt, w.Audit(w.t.Context(), []scheduler.JobID{rapid.SampledFrom(w.jobs).Draw(rt, "job")}))
		synctest.Wait()
	}
}

// laws checks what must hold at any time.
func (w *world) laws(rt *rapid.T) {
	used := map[scheduler.NodeID]scheduler.Capacity{}
	counts := map[scheduler.State]int64{}
	known := w.records(w.jobs)
	w.factsOf(rt, known)
	for _, id := range w.jobs {
		r := known[id]
		counts[r.Job.State]++
		w.lawsOfJob(rt, &r)
		for _, a := range r.Attempts {
			if a.State.Live() {
				u := used[a.Node]
				u.MilliCPU += a.Demand.MilliCPU
				u.MemoryMB += a.Demand.MemoryMB
				used[a.Node] = u
			}
		}
	}
	for n, u := range used {
		c := node("x").Capacity
		require.LessOrEqual(rt, u.MilliCPU, c.MilliCPU, "cores of %s", n)
		require.LessOrEqual(rt, u.MemoryMB, c.MemoryMB, "memory of %s", n)
	}
	stats, err := w.Stats(w.t.Context())
	require.NoError(rt, err)
	for _, s := range scheduler.States() {
		require.Equal(rt, counts[s], stats.States[s], "the tally of %s", s)
	}
}

// factsOf checks that each job that is over was told once, and no other.
func (w *world) factsOf(rt *rapid.T, known map[scheduler.JobID]scheduler.Record) {
	facts := w.settled()
	for _, id := range w.jobs {
		want := 0
		if known[id].Job.State.Final() {
			want = 1
		}
		require.Equal(rt, want, facts[id], "settle facts of %s", id)
	}
}

func (w *world) lawsOfJob(rt *rapid.T, r *scheduler.Record) {
	j := &r.Job
	if was, ok := w.finals[j.ID]; ok {
		require.Equal(rt, was, j.State, "final is final")
	} else if j.State.Final() {
		w.finals[j.ID] = j.State
		require.False(rt, j.Finished.IsZero())
		require.True(rt, j.DueAt.IsZero())
	}
	require.GreaterOrEqual(rt, j.NextToken, w.newest[j.ID], "tokens only grow")
	w.newest[j.ID] = j.NextToken
	require.LessOrEqual(rt, len(j.Log), scheduler.MaxLog)
	valid := map[int]int{}
	busy := map[int]int{}
	owners := map[principal.Account]bool{}
	token := int64(0)
	for _, a := range r.Attempts {
		require.Greater(rt, a.Token, token)
		token = a.Token
		require.Less(rt, a.Token, j.NextToken)
		require.NotEqual(rt, j.Owner, a.NodeOwner, "nobody pays himself")
		require.Less(rt, a.Slot, j.Slots)
		switch {
		case a.State == scheduler.AttemptValid:
			valid[a.Slot]++
		case a.State.Live():
			require.False(rt, j.State.Final(), "nothing runs for a job that is over")
			require.True(rt, a.Ended.IsZero())
		}
		if a.State.Live() || a.State == scheduler.AttemptReported || a.State == scheduler.AttemptValid {
			busy[a.Slot]++
			require.False(rt, owners[a.NodeOwner], "replicas are on distinct owners")
			owners[a.NodeOwner] = true
		}
	}
	for slot, n := range busy {
		require.Equal(rt, 1, n, "slot %d", slot)
	}
	w.lawsOfState(rt, r, valid, len(busy))
}

// lawsOfState checks that the job's state says what its attempts do.
func (w *world) lawsOfState(rt *rapid.T, r *scheduler.Record, valid map[int]int, busy int) {
	j := &r.Job
	if j.State == scheduler.Vested || j.State == scheduler.Validated {
		require.GreaterOrEqual(rt, len(valid), j.Trust.Quorum)
		require.LessOrEqual(rt, j.Price*scheduler.Price(len(valid)), j.Quote, "never more paid slots than were held for")
		require.NotNil(rt, j.Result)
		require.Zero(rt, j.Result.ExitCode)
	} else {
		require.Empty(rt, valid)
	}
	switch j.State {
	case scheduler.Queued:
		require.Less(rt, busy, j.Slots, "a slot waits")
	case scheduler.Placed:
		require.Equal(rt, j.Slots, busy)
	case scheduler.Reported, scheduler.Validated:
		require.True(rt, j.Trust.Adaptive, "%s is passed within one commit", j.State)
	case scheduler.Pending, scheduler.Refused:
		require.Empty(rt, r.Attempts)
	}
}

// lawsOfGraph checks that a job begins after what it comes after.
func lawsOfGraph(rt *rapid.T, r *scheduler.Record, known map[scheduler.JobID]scheduler.Record) {
	j := &r.Job
	if j.State == scheduler.Blocked {
		require.Empty(rt, r.Attempts)
	}
	if len(j.After) == 0 || len(r.Attempts) == 0 && j.State != scheduler.Queued {
		return
	}
	for _, dep := range j.After {
		good := true
		for _, other := range known {
			if other.Job.ID != dep.Job && other.Job.Array != dep.Job {
				continue
			}
			require.True(rt, other.Job.State.Final(), "%s begins before %s", j.ID, other.Job.ID)
			good = good && other.Job.State == scheduler.Vested
		}
		require.True(rt, dep.When == scheduler.OnEnd || good == (dep.When == scheduler.OnSuccess), "%s: %s", j.ID, dep.When)
	}
}

// toil lets nodes fetch what waits for them and report it at once.
func (w *world) toil(nodes ...scheduler.NodeID) {
	var claims []scheduler.Claim
	for _, n := range nodes {
		claims = append(claims, scheduler.Claim{Node: n, Take: 9, Restarted: true})
	}
	var reports []scheduler.Report
	for _, g := range w.claims(claims...) {
		for _, o := range g.Offers {
			reports = append(reports, done(o, "right"))
		}
	}
	if len(reports) > 0 {
		_, err := w.Report(w.t.Context(), reports)
		require.NoError(w.rt, err)
		synctest.Wait()
	}
}

// finish lets an honest fleet work until every job is over.
func (w *world) finish() {
	w.escrow.set(nil, nil)
	w.doubts.fail(nil)
	for _, id := range []string{"a", "b", "c", "d", "e", "f"} {
		w.sync(node(id))
	}
	for range 400 {
		open := 0
		for _, id := range w.jobs {
			switch s := w.state(id); {
			case s == scheduler.Paused:
				_, err := w.Resume(w.t.Context(), id)
				require.NoError(w.rt, err)
				open++
			case !s.Final():
				open++
			}
		}
		if open == 0 {
			w.laws(w.rt)
			return
		}
		w.toil("a", "b", "c", "d", "e", "f")
		w.wait(time.Second)
	}
	for _, id := range w.jobs {
		if r := w.get(id); !r.Job.State.Final() {
			w.rt.Fatalf("job never ends: %+v", r)
		}
	}
}
