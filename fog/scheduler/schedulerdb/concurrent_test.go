package schedulerdb_test

import (
	"context"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fogcompute/fogcompute/fog/internal/db"
	"github.com/fogcompute/fogcompute/fog/internal/db/dbtest"
	"github.com/fogcompute/fogcompute/fog/scheduler"
	"github.com/fogcompute/fogcompute/fog/scheduler/schedulerdb"
)

// TestCommittersLoseNothing lets several servers change the same jobs in different orders: each success is one version, one
// attempt and one step of the sums; nothing is overwritten and nobody waits for ever.
func TestCommittersLoseNothing(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		const workers, rounds, jobs = 6, 20, 12
		ctx := context.Background()
		s, journal := open(t, d)
		ids := make([]scheduler.JobID, jobs)
		for i := range ids {
			ids[i] = newJob(i).ID
			_, err := s.Insert(ctx, insertions(newJob(i)))
			require.NoError(t, err)
		}
		var mu sync.Mutex
		wrote := map[scheduler.JobID]int64{}
		var all sync.WaitGroup
		for w := range workers {
			server := schedulerdb.New(d.Write.DB, d.Dialect).WithReader(d.Read.DB).WithJournal(journal)
			random := rand.New(rand.NewPCG(1, uint64(w)))
			all.Go(func() {
				for range rounds {
					for id, n := range commitSome(t, server, random, ids) {
						mu.Lock()
						wrote[id] += n
						mu.Unlock()
					}
				}
			})
		}
		all.Wait()
		checkSums(t, s, ids, wrote)
	})
}

// commitSome loads a few jobs, lets others in between, and places one attempt for each of those that nobody changed.
func commitSome(t *testing.T, s *schedulerdb.Store, random *rand.Rand, ids []scheduler.JobID) map[scheduler.JobID]int64 {
	ctx := context.Background()
	some := make([]scheduler.JobID, 0, 4)
	for _, i := range random.Perm(len(ids))[:4] {
		some = append(some, ids[i])
	}
	records, err := s.Load(ctx, some)
	if err != nil {
		t.Error(err)
		return nil
	}
	random.Shuffle(len(records), func(i, k int) { records[i], records[k] = records[k], records[i] })
	changes := make([]scheduler.Change, len(records))
	for i, r := range records {
		state := scheduler.States()[random.IntN(len(scheduler.States()))]
		changes[i] = place(next(r, state), 0, scheduler.NodeID(state))
	}
	written, err := s.Commit(ctx, scheduler.Fence{}, changes)
	if err != nil {
		t.Error(err)
		return nil
	}
	wrote := map[scheduler.JobID]int64{}
	for i, ok := range written {
		if ok {
			wrote[changes[i].Record.Job.ID]++
		}
	}
	return wrote
}

// checkSums compares jobs, attempts, tallies and counts with what was written.
func checkSums(t *testing.T, s *schedulerdb.Store, ids []scheduler.JobID, wrote map[scheduler.JobID]int64) {
	t.Helper()
	ctx := context.Background()
	records, err := s.Load(ctx, ids)
	require.NoError(t, err)
	require.Len(t, records, len(ids))
	var total int64
	states := map[scheduler.State]int64{}
	for _, r := range records {
		n := wrote[r.Job.ID]
		total += n
		states[r.Job.State]++
		require.Equal(t, 1+n, r.Job.Version)
		require.Len(t, r.Attempts, int(n))
		require.Len(t, r.Job.Log, int(1+n))
	}
	require.NotZero(t, total)
	tally, err := s.Tally(ctx, "default")
	require.NoError(t, err)
	require.Equal(t, total, tally[scheduler.TallyKey{Tier: scheduler.Gold, Name: "changes"}])
	for _, state := range scheduler.States() {
		page, err := s.Find(ctx, scheduler.JobQuery{Tenant: "default", States: []scheduler.State{state}})
		require.NoError(t, err)
		require.Equal(t, states[state], page.Filtered, state)
		require.Len(t, page.Jobs, int(states[state]))
	}
}

// TestSubmittersShareKeys lets several servers submit under the same keys in different orders: one job a key.
func TestSubmittersShareKeys(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		const workers, keys = 6, 40
		s, _ := open(t, d)
		answers := make([][]scheduler.Inserted, workers)
		var all sync.WaitGroup
		for w := range workers {
			all.Go(func() {
				jobs := make([]scheduler.Job, keys)
				for i, k := range rand.New(rand.NewPCG(2, uint64(w))).Perm(keys) {
					jobs[i] = newJob(w*keys + i)
					jobs[i].Key = string(rune('A' + k))
				}
				var err error
				if answers[w], err = s.Insert(context.Background(), insertions(jobs...)); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		fresh, owner := 0, map[string]scheduler.JobID{}
		for _, list := range answers {
			for _, one := range list {
				if one.Fresh {
					fresh++
				}
				if first, ok := owner[one.Job.Key]; ok {
					require.Equal(t, first, one.Job.ID)
				}
				owner[one.Job.Key] = one.Job.ID
			}
		}
		require.Equal(t, keys, fresh)
		page, err := s.Find(context.Background(), scheduler.JobQuery{Tenant: "default"})
		require.NoError(t, err)
		require.EqualValues(t, keys, page.Total)
	})
}

// TestCallersDoNotHoldUpCommits keeps a caller's transaction open while the scheduler works on the same tenant and tier.
func TestCallersDoNotHoldUpCommits(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	d := dbtest.Postgres(t)
	s, _ := open(t, d)
	tx, err := d.Write.DB.BeginTx(ctx, nil)
	require.NoError(t, err)
	_, err = s.InsertTx(ctx, tx, insertions(newJob(1)))
	require.NoError(t, err)

	_, err = s.Insert(ctx, insertions(newJob(2)))
	require.NoError(t, err)
	_, err = s.Commit(ctx, scheduler.Fence{}, []scheduler.Change{next(load(t, s, newJob(2).ID), scheduler.Pending)})
	require.NoError(t, err)
	require.NoError(t, tx.Commit())
	page, err := s.Find(ctx, scheduler.JobQuery{Tenant: "default"})
	require.NoError(t, err)
	require.EqualValues(t, 2, page.Total)
}

// TestLeasesDoNotWaitForOtherServers keeps a job's row locked on another connection, as a server does in the middle of its
// commit: a change that yields is stale at once, the others of its commit are written, and it is written when the row is free.
func TestLeasesDoNotWaitForOtherServers(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	d := dbtest.Postgres(t)
	s, _ := open(t, d)
	_, err := s.Insert(ctx, insertions(newJob(1), newJob(2), newJob(3)))
	require.NoError(t, err)
	other, err := d.Write.DB.BeginTx(ctx, nil)
	require.NoError(t, err)
	_, err = other.ExecContext(ctx, "UPDATE fog_scheduler_jobs SET reason = 'busy' WHERE id = $1", string(newJob(2).ID))
	require.NoError(t, err)

	changes := make([]scheduler.Change, 3)
	for i := range changes {
		changes[i] = place(next(load(t, s, newJob(i+1).ID), scheduler.Running), 0, "n")
		changes[i].Yield = i > 0
	}
	written, err := s.Commit(ctx, scheduler.Fence{}, changes)
	require.NoError(t, err, "it does not wait")
	require.Equal(t, []bool{true, false, true}, written)
	require.Empty(t, load(t, s, newJob(2).ID).Attempts)
	require.NoError(t, other.Rollback())
	written, err = s.Commit(ctx, scheduler.Fence{}, changes[1:2])
	require.NoError(t, err)
	require.Equal(t, []bool{true}, written)
}

// TestClaimsAreOfferedAgain claims while another server is writing the placed job, and once more when it is done.
func TestClaimsAreOfferedAgain(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	d := dbtest.Postgres(t)
	s, _ := open(t, d)
	engine, err := scheduler.New(scheduler.Config{Store: s, Now: start})
	require.NoError(t, err)
	var ids []scheduler.JobID
	for i := range 2 {
		queued := newJob(i)
		queued.State = scheduler.Queued
		_, err := s.Insert(ctx, insertions(queued))
		require.NoError(t, err)
		written, err := s.Commit(ctx, scheduler.Fence{}, []scheduler.Change{place(next(load(t, s, queued.ID), scheduler.Placed), 0, "n")})
		require.NoError(t, err)
		require.Equal(t, []bool{true}, written)
		ids = append(ids, queued.ID)
	}
	other, err := d.Write.DB.BeginTx(ctx, nil)
	require.NoError(t, err)
	_, err = other.ExecContext(ctx, "SELECT 1 FROM fog_scheduler_jobs WHERE id = $1 FOR NO KEY UPDATE", string(ids[0]))
	require.NoError(t, err)
	offered := func() []scheduler.JobID {
		grants, err := engine.Claim(ctx, []scheduler.Claim{{Node: "n", Take: 9}})
		require.NoError(t, err)
		var jobs []scheduler.JobID
		for _, o := range grants[0].Offers {
			jobs = append(jobs, o.Job)
		}
		return jobs
	}
	require.Equal(t, ids[1:], offered(), "the other is not held up")
	require.NoError(t, other.Rollback())
	require.Equal(t, ids[:1], offered())
}

// TestLateCommitsAreNotMissed reads the feed while transactions that began early are open: what they wrote comes after what was
// read, when they commit.
func TestLateCommitsAreNotMissed(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	d := dbtest.Postgres(t)
	s, _ := open(t, d)
	news := func(i int) []scheduler.Insertion {
		in := insertions(newJob(i))
		in[0].News = true
		return in
	}
	seen := scheduler.Seq(0)
	read := func() (jobs []scheduler.JobID) {
		events, at, err := s.Events(ctx, scheduler.EventQuery{Tenant: "default", After: seen, Limit: 9})
		require.NoError(t, err)
		for i, e := range events {
			require.Equal(t, seen+scheduler.Seq(i)+1, e.Seq)
			jobs = append(jobs, e.Job)
		}
		seen = at
		return jobs
	}
	late, err := d.Write.DB.BeginTx(ctx, nil)
	require.NoError(t, err)
	_, err = s.InsertTx(ctx, late, news(1))
	require.NoError(t, err)
	_, err = s.Insert(ctx, news(2))
	require.NoError(t, err)
	require.Equal(t, []scheduler.JobID{newJob(2).ID}, read())
	_, err = s.TrimEvents(ctx, newJob(2).Submitted.Add(time.Hour), 9)
	require.NoError(t, err)
	require.NoError(t, late.Commit())
	require.Equal(t, []scheduler.JobID{newJob(1).ID}, read())
	require.Empty(t, read())
}

// TestReadersNumberTogether lets writers and readers work at once: each reader sees each change once, and the versions of each job
// in their order.
func TestReadersNumberTogether(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		const writers, readers, changes = 3, 3, 30
		s, _ := open(t, d)
		for i := range writers {
			_, err := s.Insert(t.Context(), insertions(newJob(i)))
			require.NoError(t, err)
		}
		var all sync.WaitGroup
		for i := range writers {
			all.Go(func() {
				for range changes {
					records, err := s.Load(context.Background(), []scheduler.JobID{newJob(i).ID})
					if err != nil {
						t.Error(err)
						return
					}
					c := next(records[0], scheduler.Pending)
					c.News, c.Now = true, start()
					if _, err := s.Commit(context.Background(), scheduler.Fence{}, []scheduler.Change{c}); err != nil {
						t.Error(err)
					}
				}
			})
		}
		for range readers {
			all.Go(func() {
				version := map[scheduler.JobID]int64{}
				for seen := scheduler.Seq(0); seen < writers*changes; {
					events, at, err := s.Events(context.Background(), scheduler.EventQuery{Tenant: "default", After: seen, Limit: 7})
					if err != nil {
						t.Error(err)
						return
					}
					for _, e := range events {
						if seen++; e.Seq != seen || e.Version != max(version[e.Job], 1)+1 {
							t.Errorf("after %d: %+v", seen, e)
						}
						version[e.Job] = e.Version
					}
					if at != seen {
						t.Errorf("looked at %d of %d", seen, at)
					}
				}
			})
		}
		all.Wait()
	})
}
