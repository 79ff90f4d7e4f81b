package schedulerdb_test

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/fogcompute/fogcompute/fog/internal/db"
	"github.com/fogcompute/fogcompute/fog/internal/db/dbtest"
	"github.com/fogcompute/fogcompute/fog/internal/fault"
	"github.com/fogcompute/fogcompute/fog/principal"
	"github.com/fogcompute/fogcompute/fog/scheduler"
	"github.com/fogcompute/fogcompute/fog/scheduler/schedulerdb"
)

// TestTwin drives the database and the store in memory with the same random calls: every answer must be the same.
func TestTwin(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := schedulerdb.New(d.Write.DB, d.Dialect).WithReader(d.Read.DB)
		require.NoError(t, s.Migrate(context.Background()))
		rapid.Check(t, func(t *rapid.T) {
			for _, table := range []string{"attempts", "jobs", "nodes", "tally", "counts"} {
				_, err := d.Write.Exec("DELETE FROM fog_scheduler_" + table)
				require.NoError(t, err)
			}
			p := &pair{memory: scheduler.NewMemory(nil, nil), database: s}
			t.Repeat(map[string]func(*rapid.T){
				"insert": p.insert, "commit": p.commit, "nodes": p.saveNodes, "drain": p.drain, "delete": p.deleteNodes,
				"purge": p.purge, "find": p.find, "ready": p.ready, "due": p.due, "live": p.live, "load": p.load,
			})
		})
	})
}

// pair is the two stores and what is known about both.
type pair struct {
	memory, database scheduler.Store
	ids              []scheduler.JobID
}

func (p *pair) stores() [2]scheduler.Store { return [2]scheduler.Store{p.memory, p.database} }

// same asks both stores and compares their answers.
func same[T any](t *rapid.T, p *pair, ask func(scheduler.Store) (T, error)) T {
	t.Helper()
	var answers [2]T
	for i, s := range p.stores() {
		var err error
		answers[i], err = ask(s)
		require.NoError(t, err)
	}
	require.Equal(t, answers[0], answers[1])
	return answers[0]
}

// records asks both stores for records, in their order or sorted by identifier.
func records(t *rapid.T, p *pair, ordered bool, ask func(scheduler.Store) ([]scheduler.Record, error)) []scheduler.Record {
	return same(t, p, func(s scheduler.Store) ([]scheduler.Record, error) {
		list, err := ask(s)
		if len(list) == 0 {
			list = nil
		}
		if !ordered {
			slices.SortFunc(list, func(a, b scheduler.Record) int { return cmp.Compare(a.Job.ID, b.Job.ID) })
		}
		return list, err
	})
}

// soon draws one of a few moments, so that many are equal; the zero time among them.
func soon(t *rapid.T, label string) time.Time {
	n := rapid.IntRange(0, 6).Draw(t, label)
	if n == 0 {
		return time.Time{}
	}
	return start().Add(time.Duration(n) * time.Second)
}

func (p *pair) insert(t *rapid.T) {
	in := make([]scheduler.Insertion, rapid.IntRange(0, 4).Draw(t, "jobs"))
	for i := range in {
		j := newJob(len(p.ids))
		p.ids = append(p.ids, j.ID)
		j.Tenant = rapid.SampledFrom([]principal.Tenant{"a", "b"}).Draw(t, "tenant")
		j.Owner = rapid.SampledFrom([]principal.Account{"x", "y"}).Draw(t, "owner")
		j.Key = rapid.SampledFrom([]string{"", "k", "l", "m"}).Draw(t, "key")
		j.Tier = rapid.SampledFrom(scheduler.Tiers()).Draw(t, "tier")
		j.State = rapid.SampledFrom(scheduler.States()[:2]).Draw(t, "state")
		j.Submitted, j.Order = start().Add(time.Duration(i)*time.Second), soon(t, "order")
		j.ReadyAt, j.DueAt = soon(t, "ready"), soon(t, "due")
		in[i] = scheduler.Insertion{Job: j, Tally: drawTally(t, j.Tier)}
	}
	same(t, p, func(s scheduler.Store) ([]scheduler.Inserted, error) {
		out, err := s.Insert(context.Background(), in)
		for i := range out {
			if !out[i].Fresh {
				out[i].Job.Log = nil // shared in memory
			}
		}
		return slices.Clip(append([]scheduler.Inserted{}, out...)), err
	})
}

func drawTally(t *rapid.T, tier scheduler.Tier) scheduler.Tally {
	tally := scheduler.Tally{}
	for _, name := range []string{"x", "y"} {
		if rapid.Bool().Draw(t, name) {
			tally[scheduler.TallyKey{Tier: tier, Name: name}] = rapid.Int64Range(1, 5).Draw(t, name)
		}
	}
	return tally
}

func (p *pair) commit(t *rapid.T) {
	if len(p.ids) == 0 {
		return
	}
	ids := rapid.SliceOfNDistinct(rapid.SampledFrom(p.ids), 1, min(5, len(p.ids)), rapid.ID[scheduler.JobID]).Draw(t, "ids")
	loaded, err := p.memory.Load(context.Background(), ids)
	require.NoError(t, err)
	var changes []scheduler.Change
	for _, r := range loaded {
		c := next(r, rapid.SampledFrom(scheduler.States()).Draw(t, "state"))
		c.Tally = drawTally(t, r.Job.Tier)
		j := &c.Record.Job
		j.ReadyAt, j.DueAt, j.Reason = soon(t, "ready"), soon(t, "due"), rapid.String().Draw(t, "reason")
		j.Progress = rapid.Float64Range(0, 1).Draw(t, "progress")
		if j.Reason = cleanly(j.Reason); j.State.Final() {
			j.Finished = start().Add(time.Duration(rapid.IntRange(0, 3).Draw(t, "finished")) * time.Second)
		}
		c = p.tries(t, r, c)
		if rapid.IntRange(0, 4).Draw(t, "stale") == 0 {
			c.Was--
		}
		changes = append(changes, c)
	}
	same(t, p, func(s scheduler.Store) ([]bool, error) {
		written, err := s.Commit(context.Background(), scheduler.Fence{}, changes)
		return append([]bool{}, written...), err
	})
}

// cleanly leaves out the one character that PostgreSQL cannot hold.
func cleanly(s string) string {
	return string(slices.DeleteFunc([]rune(s), func(r rune) bool { return r == 0 }))
}

// tries changes the newest attempt of a job, or adds one. A job that is over has no live attempts.
func (p *pair) tries(t *rapid.T, r scheduler.Record, c scheduler.Change) scheduler.Change {
	if c.Record.Job.State.Final() {
		for _, a := range r.Attempts {
			a.State = scheduler.AttemptCancelled
			c.Record.Attempts = append(c.Record.Attempts, a)
		}
		return c
	}
	if n := len(r.Attempts); n > 0 && rapid.Bool().Draw(t, "same attempt") {
		a := r.Attempts[n-1]
		a.State = rapid.SampledFrom([]scheduler.AttemptState{
			scheduler.AttemptRunning, scheduler.AttemptSuspended, scheduler.AttemptFailed, scheduler.AttemptLost,
		}).Draw(t, "attempt")
		a.LeaseUntil, a.Ended = soon(t, "lease"), soon(t, "ended")
		a.Result = &scheduler.Result{Stdout: rapid.SliceOfN(rapid.Byte(), 1, 9).Draw(t, "stdout"), CPUSeconds: 0.1}
		c.Record.Attempts = append(c.Record.Attempts, a)
		c.Record.Job.Result = a.Result
	}
	if rapid.Bool().Draw(t, "new attempt") {
		c = place(c, rapid.IntRange(0, 2).Draw(t, "slot"), rapid.SampledFrom([]scheduler.NodeID{"m", "n"}).Draw(t, "node"))
	}
	return c
}

func (p *pair) find(t *rapid.T) {
	q := scheduler.JobQuery{
		Tenant: rapid.SampledFrom([]principal.Tenant{"a", "b"}).Draw(t, "tenant"),
		Owner:  rapid.SampledFrom([]principal.Account{"", "x", "y"}).Draw(t, "owner"),
		Tier:   rapid.SampledFrom(append(scheduler.Tiers(), "")).Draw(t, "tier"),
		States: rapid.SliceOfNDistinct(rapid.SampledFrom(scheduler.States()), 0, 3, rapid.ID[scheduler.State]).Draw(t, "states"),
		Limit:  rapid.IntRange(1, 5).Draw(t, "limit"),
	}
	for more := true; more; more = q.Cursor != "" {
		page := same(t, p, func(s scheduler.Store) (scheduler.JobPage, error) {
			page, err := s.Find(context.Background(), q)
			page.Jobs = append([]scheduler.Job{}, page.Jobs...)
			return page, err
		})
		q.Cursor = page.Next
	}
}

func (p *pair) ready(t *rapid.T) {
	now, limit := start().Add(time.Duration(rapid.IntRange(0, 6).Draw(t, "now"))*time.Second), rapid.IntRange(1, 4).Draw(t, "limit")
	var after *scheduler.Rank
	for {
		list := records(t, p, true, func(s scheduler.Store) ([]scheduler.Record, error) {
			page, err := s.Ready(context.Background(), now, after, limit)
			list := make([]scheduler.Record, len(page))
			for i, r := range page {
				list[i] = *r
			}
			return list, err
		})
		if len(list) == 0 {
			return
		}
		rank := scheduler.RankOf(&list[len(list)-1].Job)
		after = &rank
	}
}

func (p *pair) due(t *rapid.T) {
	now, limit := start().Add(time.Duration(rapid.IntRange(0, 6).Draw(t, "now"))*time.Second), rapid.IntRange(1, 9).Draw(t, "limit")
	records(t, p, true, func(s scheduler.Store) ([]scheduler.Record, error) { return s.Due(context.Background(), now, limit) })
}

func (p *pair) live(t *rapid.T) {
	nodes := rapid.SampledFrom([][]scheduler.NodeID{nil, {}, {"m"}, {"m", "n"}, {"?"}}).Draw(t, "nodes")
	same(t, p, func(s scheduler.Store) ([]scheduler.Attempt, error) {
		list, err := s.Live(context.Background(), nodes)
		slices.SortFunc(list, func(a, b scheduler.Attempt) int { return cmp.Compare(a.ID, b.ID) })
		return append([]scheduler.Attempt{}, list...), err
	})
}

func (p *pair) purge(t *rapid.T) {
	before := start().Add(time.Duration(rapid.IntRange(0, 4).Draw(t, "before")) * time.Second)
	same(t, p, func(s scheduler.Store) (int, error) { return s.Purge(context.Background(), before, 1000) })
}

func (p *pair) saveNodes(t *rapid.T) {
	nodes := make([]scheduler.Node, rapid.IntRange(0, 3).Draw(t, "count"))
	for i := range nodes {
		nodes[i] = scheduler.Node{
			ID: drawNode(t), Tenant: rapid.SampledFrom([]principal.Tenant{"a", "b"}).Draw(t, "tenant"), Owner: "bob",
			State: scheduler.NodeUp, Trust: 0.5, Source: rapid.Int64Range(1, 5).Draw(t, "source"), Updated: soon(t, "updated"),
		}
	}
	for _, s := range p.stores() {
		require.NoError(t, s.SaveNodes(context.Background(), scheduler.Fence{}, nodes))
	}
}

func drawNode(t *rapid.T) scheduler.NodeID {
	return scheduler.NodeID(fmt.Sprintf("n%d", rapid.IntRange(0, 3).Draw(t, "node")))
}

func (p *pair) drain(t *rapid.T) {
	id, drained := drawNode(t), rapid.Bool().Draw(t, "drained")
	same(t, p, func(s scheduler.Store) (fault.Kind, error) {
		return fault.KindOf(s.SetDrain(context.Background(), id, drained, start())), nil
	})
}

func (p *pair) deleteNodes(t *rapid.T) {
	id := drawNode(t)
	for _, s := range p.stores() {
		require.NoError(t, s.DeleteNodes(context.Background(), []scheduler.NodeID{id, "?"}))
	}
}

// load compares everything that can be read at once.
func (p *pair) load(t *rapid.T) {
	records(t, p, false, func(s scheduler.Store) ([]scheduler.Record, error) {
		return s.Load(context.Background(), append(p.ids, "unknown"))
	})
	for _, tenant := range []principal.Tenant{"a", "b", ""} {
		same(t, p, func(s scheduler.Store) (scheduler.Tally, error) { return s.Tally(context.Background(), tenant) })
		same(t, p, func(s scheduler.Store) ([]scheduler.Node, error) {
			nodes, err := s.Nodes(context.Background(), tenant)
			return append([]scheduler.Node{}, nodes...), err
		})
	}
}
