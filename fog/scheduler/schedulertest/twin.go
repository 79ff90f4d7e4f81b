package schedulertest

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fogcompute/fogcompute/fog/internal/duty"
	"github.com/fogcompute/fogcompute/fog/principal"
	"github.com/fogcompute/fogcompute/fog/scheduler"
)

// twins is a store that gets the same random calls as a Memory.
type twins struct {
	t      *testing.T
	rand   *rand.Rand
	stores [2]scheduler.Store // the memory first
	made   int
}

// testTwin does the same things to the store and to a Memory, and finds the same in both.
func testTwin(t *testing.T, s Subject) {
	w := &twins{t: t, rand: rand.New(rand.NewPCG(1, 2)), stores: [2]scheduler.Store{scheduler.NewMemory(nil, duty.NewMemory(nil)), s.Store}}
	for range 120 {
		switch w.rand.IntN(6) {
		case 0, 1:
			w.insert()
		case 2, 3, 4:
			w.change()
			before, limit := w.time(), w.rand.IntN(2)*1000 // nothing or all: which of those of one time is not defined
			both(w, func(s scheduler.Store) (int, error) { return s.Purge(w.t.Context(), before, limit) })
		default:
			w.look()
		}
	}
	w.look()
}

func (w *twins) pick() scheduler.JobID {
	return scheduler.JobID(fmt.Sprintf("j%03d", w.rand.IntN(w.made+1)))
}

func (w *twins) time() time.Time {
	return start().Add(time.Duration(w.rand.IntN(20)) * time.Microsecond)
}

// both calls a function on each store and compares the answers.
func both[T any](w *twins, f func(s scheduler.Store) (T, error)) T {
	w.t.Helper()
	want, err := f(w.stores[0])
	require.NoError(w.t, err)
	got, err := f(w.stores[1])
	require.NoError(w.t, err)
	Same(w.t, want, got)
	return want
}

func (w *twins) insert() {
	var ins []scheduler.Insertion
	for range 1 + w.rand.IntN(4) {
		w.made++
		j := job(fmt.Sprintf("j%03d", w.made))
		j.Tenant = []principal.Tenant{"t", "u"}[w.rand.IntN(2)]
		j.Tier = scheduler.Tiers()[w.rand.IntN(4)]
		j.Owner = []principal.Account{"o", "p"}[w.rand.IntN(2)]
		j.Submitted, j.Order, j.ReadyAt = w.time(), w.time(), w.time()
		if w.rand.IntN(3) == 0 {
			j.Key = fmt.Sprint("k", w.rand.IntN(10))
		}
		if w.rand.IntN(2) == 0 {
			j.DueAt = w.time()
		}
		ins = append(ins, scheduler.Insertion{Job: j, Tally: w.tally(), News: w.rand.IntN(2) == 0})
	}
	last := &ins[len(ins)-1]
	last.Job.After = []scheduler.Dependency{{Job: w.pick(), When: scheduler.OnEnd}}
	last.Job.State = []scheduler.State{scheduler.Pending, scheduler.Blocked, scheduler.Queued}[w.rand.IntN(3)]
	if w.rand.IntN(3) == 0 {
		last.Job.Array, last.Job.Count = last.Job.ID, 1+w.rand.IntN(4)
		for i := 1; i < last.Job.Count; i++ {
			w.made++
			task := last.Job
			task.ID, task.Key, task.Index = scheduler.JobID(fmt.Sprintf("j%03d", w.made)), "", i
			last.Rest = append(last.Rest, task)
		}
	}
	both(w, func(s scheduler.Store) ([]scheduler.Inserted, error) { return s.Insert(w.t.Context(), ins) })
}

func (w *twins) tally() scheduler.Tally {
	return scheduler.Tally{{Tier: scheduler.Tiers()[w.rand.IntN(4)], Name: fmt.Sprint("n", w.rand.IntN(3))}: int64(w.rand.IntN(100) - 50)}
}

// change commits random changes, some of them stale.
func (w *twins) change() {
	seen := map[scheduler.JobID]bool{}
	var changes []scheduler.Change
	for range 1 + w.rand.IntN(5) {
		id := w.pick()
		records, err := w.stores[0].Load(w.t.Context(), []scheduler.JobID{id})
		require.NoError(w.t, err)
		if len(records) == 0 || seen[id] {
			continue
		}
		seen[id] = true
		r := records[0]
		if w.rand.IntN(5) == 0 {
			r.Job.Version--
		}
		c := next(r, w.edit, w.attempts(&r)...)
		c.Tally = w.tally()
		c.News, c.Now = w.rand.IntN(2) == 0, w.time()
		changes = append(changes, c)
	}
	both(w, func(s scheduler.Store) ([]bool, error) { return s.Commit(w.t.Context(), scheduler.Fence{}, changes) })
}

func (w *twins) edit(j *scheduler.Job) {
	j.State = scheduler.States()[w.rand.IntN(len(scheduler.States()))]
	j.ReadyAt, j.Finished, j.DueAt = w.time(), time.Time{}, time.Time{}
	if j.State.Final() {
		j.Finished = w.time()
	}
	if w.rand.IntN(2) == 0 {
		j.DueAt = w.time()
	}
	j.Failures = map[scheduler.Class]int{scheduler.ClassDevice: w.rand.IntN(3)}
	j.NextToken++
}

// attempts is a new attempt and a changed one.
func (w *twins) attempts(r *scheduler.Record) []scheduler.Attempt {
	var out []scheduler.Attempt
	if w.rand.IntN(2) == 0 {
		out = append(out, attempt(r.Job.ID, w.rand.IntN(3), r.Job.NextToken, scheduler.NodeID(fmt.Sprint("n", w.rand.IntN(4)))))
	}
	if n := len(r.Attempts); n > 0 {
		a := r.Attempts[w.rand.IntN(n)]
		a.State = []scheduler.AttemptState{scheduler.AttemptRunning, scheduler.AttemptReported, scheduler.AttemptLost}[w.rand.IntN(3)]
		a.LeaseUntil = w.time()
		out = append(out, a)
	}
	return out
}

// look compares what the stores answer.
func (w *twins) look() {
	ctx, now := w.t.Context(), w.time()
	both(w, func(s scheduler.Store) ([]scheduler.Record, error) {
		records, err := s.Ready(ctx, now, nil, 10)
		return whole(records), err
	})
	lines := both(w, func(s scheduler.Store) ([]scheduler.Line, error) {
		lines, err := s.Lines(ctx, now, nil, 9)
		return append([]scheduler.Line{}, lines...), err
	})
	var heads []scheduler.Head
	for _, l := range lines {
		heads = append(heads, scheduler.Head{Line: l})
	}
	both(w, func(s scheduler.Store) ([]scheduler.Record, error) {
		records, err := s.Heads(ctx, now, heads, 3)
		return whole(records), err
	})
	both(w, func(s scheduler.Store) ([]scheduler.Attempt, error) {
		live, err := s.Live(ctx, []scheduler.NodeID{"n1", "n2"})
		return sorted(live), err
	})
	both(w, func(s scheduler.Store) (map[scheduler.TallyKey]int64, error) {
		sums, err := s.Tally(ctx, "t")
		for k, v := range sums { // a sum of zero may be absent
			if v == 0 {
				delete(sums, k)
			}
		}
		return sums, err
	})
	both(w, func(s scheduler.Store) ([]time.Time, error) { // the order within one time is not defined
		records, err := s.Due(ctx, now, 20)
		out := make([]time.Time, len(records))
		for i := range records {
			out[i] = records[i].Job.DueAt
		}
		return out, err
	})
	for _, q := range []scheduler.JobQuery{{Tenant: "t", Limit: 7}, {Tenant: "u", States: []scheduler.State{scheduler.Queued, scheduler.Vested}, Tier: scheduler.Gold}} {
		page := both(w, func(s scheduler.Store) (scheduler.JobPage, error) { return s.Find(ctx, q) })
		for page.Next != "" {
			q.Cursor = page.Next
			page = both(w, func(s scheduler.Store) (scheduler.JobPage, error) { return s.Find(ctx, q) })
		}
	}
	seen := scheduler.Seq(0)
	for range 3 {
		seen = both(w, func(s scheduler.Store) (scheduler.Seq, error) {
			_, at, err := s.Events(ctx, scheduler.EventQuery{Tenant: "t", After: seen, Limit: 3})
			return at, err
		})
		both(w, func(s scheduler.Store) ([]scheduler.Event, error) {
			events, _, err := s.Events(ctx, scheduler.EventQuery{Tenant: "t", After: seen, Limit: 9})
			return events, err
		})
	}
	for range 5 {
		id := w.pick()
		names := []scheduler.JobID{id, w.pick()}
		both(w, func(s scheduler.Store) (map[scheduler.JobID]scheduler.Outcome, error) { return s.Outcomes(ctx, names) })
		both(w, func(s scheduler.Store) ([]scheduler.JobID, error) { return s.Tasks(ctx, id) })
		both(w, func(s scheduler.Store) ([]scheduler.JobID, error) {
			waiting, err := s.Waiting(ctx, names)
			slices.Sort(waiting)
			return waiting, err
		})
		both(w, func(s scheduler.Store) (scheduler.JobPage, error) {
			return s.Find(ctx, scheduler.JobQuery{Tenant: "t", Array: id, States: []scheduler.State{scheduler.Queued}, Limit: 2})
		})
		both(w, func(s scheduler.Store) ([]scheduler.Record, error) { return s.Load(ctx, []scheduler.JobID{id}) })
	}
}
