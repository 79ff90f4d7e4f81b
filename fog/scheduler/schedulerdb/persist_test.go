package schedulerdb_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fogcompute/fogcompute/fog/internal/db"
	"github.com/fogcompute/fogcompute/fog/internal/db/dbtest"
	"github.com/fogcompute/fogcompute/fog/internal/duty"
	"github.com/fogcompute/fogcompute/fog/internal/fault"
	"github.com/fogcompute/fogcompute/fog/scheduler"
	"github.com/fogcompute/fogcompute/fog/scheduler/schedulerdb"
)

func TestRowsSurviveRestart(t *testing.T) {
	ctx := context.Background()
	for name, address := range map[string]func(t *testing.T) string{
		"sqlite":   func(*testing.T) string { return "" },
		"postgres": func(t *testing.T) string { return dbtest.PostgresURL(t) },
	} {
		t.Run(name, func(t *testing.T) {
			url, dir := address(t), t.TempDir()
			run := func(f func(s *schedulerdb.Store)) {
				d, err := db.Open(ctx, url, dir)
				require.NoError(t, err)
				s, _ := open(t, d)
				f(s)
				require.NoError(t, d.Close())
			}
			job := newJob(1)
			job.Key, job.Deadline, job.DataMB = "key", start().Add(time.Hour), 1.5
			job.Failures = map[scheduler.Class]int{scheduler.ClassDevice: 2}
			node := scheduler.Node{
				ID: "n", Tenant: "default", Owner: "bob", State: scheduler.NodeClosed, Reasons: []string{"on battery"},
				Capacity: scheduler.Capacity{MilliCPU: 4000, MemoryMB: 8192, MilliGPU: 500}, Executors: []string{"wasm", "gpu"},
				Trust: 0.25, Labels: map[string]string{"zone": "a"}, Speed: 1.25, Source: 7, Updated: start(),
				Taints:    []scheduler.Taint{{Key: "k", Value: "v", Effect: scheduler.Evict}},
				IdleWatts: 40.5, WattsPerCore: 7, Ask: 1200,
			}
			var stored scheduler.Record
			run(func(s *schedulerdb.Store) {
				_, err := s.Insert(ctx, insertions(job))
				require.NoError(t, err)
				stored = load(t, s, job.ID)
				c := place(next(stored, scheduler.Vested), 0, "n")
				a := &c.Record.Attempts[0]
				a.State, a.Class, a.Reason, a.Progress = scheduler.AttemptValid, scheduler.ClassInfra, "it's \"so\" \\ {n,m}", 0.5
				a.Started, a.Ended, a.EndBy = start(), start(), start().Add(time.Second)
				a.Result = &scheduler.Result{
					ExitCode: 3, Stdout: []byte{0, 255, '\n'}, Stderr: []byte("oh"), CPUSeconds: 1.25, WallSeconds: 2, Digest: "d",
					Outputs: []scheduler.Output{{Path: "a/b.pgm", SHA256: "00", Bytes: 12}},
				}
				c.Record.Job.Result = a.Result
				stored = *c.Record
				written, err := s.Commit(ctx, scheduler.Fence{}, []scheduler.Change{c})
				require.NoError(t, err)
				require.Equal(t, []bool{true}, written)
				require.NoError(t, s.SaveNodes(ctx, scheduler.Fence{}, []scheduler.Node{node}))
			})
			run(func(s *schedulerdb.Store) {
				require.NoError(t, s.Check(ctx))
				require.Equal(t, stored, load(t, s, job.ID))
				nodes, err := s.Nodes(ctx, "")
				require.NoError(t, err)
				node.Version = 1
				require.Equal(t, []scheduler.Node{node}, nodes)
				out, err := s.Insert(ctx, insertions(job))
				require.NoError(t, err)
				require.Equal(t, []scheduler.Inserted{{Job: stored.Job}}, out)
			})
		})
	}
}

func TestMigrateTogetherAndAgain(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		ctx := context.Background()
		s := schedulerdb.New(d.Write.DB, d.Dialect)
		require.Equal(t, fault.Unavailable, fault.KindOf(s.Check(ctx)))
		errs := make([]error, 4)
		var all sync.WaitGroup
		for i := range errs {
			all.Go(func() { errs[i] = schedulerdb.New(d.Write.DB, d.Dialect).Migrate(ctx) })
		}
		all.Wait()
		require.NoError(t, errors.Join(errs...))
		require.NoError(t, s.Check(ctx))
		_, err := s.Insert(ctx, insertions(newJob(1)))
		require.NoError(t, err)
		require.NoError(t, s.Migrate(ctx))
		require.Equal(t, newJob(1), load(t, s, newJob(1).ID).Job)
	})
}

func TestNewerSchemaIsRefused(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		ctx := context.Background()
		s, _ := open(t, d)
		_, err := d.Write.ExecContext(ctx, "INSERT INTO fog_scheduler_migrations (name, group_id) VALUES ('29991231000001', 9)")
		require.NoError(t, err)
		require.Equal(t, fault.Conflict, fault.KindOf(s.Migrate(ctx)))
		require.Equal(t, fault.Conflict, fault.KindOf(s.Check(ctx)))
	})
}

func TestFence(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		ctx := context.Background()
		s, journal := open(t, d)
		duties := db.NewDuties(d, start)
		old, _, err := duties.Take(ctx, scheduler.DutyPlan, "a", start())
		require.NoError(t, err)
		newest, ok, err := duties.Take(ctx, scheduler.DutyPlan, "b", start().Add(time.Hour))
		require.NoError(t, err)
		require.True(t, ok)
		_, err = s.Insert(ctx, insertions(newJob(1)))
		require.NoError(t, err)
		change := place(next(load(t, s, newJob(1).ID), scheduler.Failed), 0, "n")

		_, err = s.Commit(ctx, old, []scheduler.Change{change})
		require.ErrorIs(t, err, scheduler.ErrFenced)
		require.ErrorIs(t, s.SaveNodes(ctx, old, []scheduler.Node{{ID: "n"}}), duty.ErrFenced)
		require.Equal(t, scheduler.Record{Job: newJob(1)}, load(t, s, newJob(1).ID))
		claimed, err := journal.Claim(ctx, scheduler.TopicSettle, 1, start())
		require.NoError(t, err)
		require.Empty(t, claimed)

		written, err := s.Commit(ctx, newest, []scheduler.Change{change})
		require.NoError(t, err)
		require.Equal(t, []bool{true}, written)
	})
}

func TestPurgeKeepsJobsWithOpenFacts(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		ctx := context.Background()
		s, journal := open(t, d)
		var changes []scheduler.Change
		for i := range 4 {
			_, err := s.Insert(ctx, insertions(newJob(i)))
			require.NoError(t, err)
			changes = append(changes, place(next(load(t, s, newJob(i).ID), scheduler.Failed), 0, "n"))
		}
		_, err := s.Commit(ctx, scheduler.Fence{}, changes)
		require.NoError(t, err)
		later := start().Add(time.Second)
		purge := func() int {
			n, err := s.Purge(ctx, later, 3)
			require.NoError(t, err)
			return n
		}
		require.Zero(t, purge())

		claimed, err := journal.Claim(ctx, scheduler.TopicSettle, 10, start())
		require.NoError(t, err)
		require.Len(t, claimed, 4)
		require.NoError(t, journal.Done(ctx, claimed[:2]))
		require.NoError(t, journal.Fail(ctx, claimed[2:3], "no", start(), 1))
		require.Equal(t, 2, purge())
		require.NoError(t, journal.Done(ctx, claimed[3:]))
		require.Equal(t, 1, purge())
		page, err := s.Find(ctx, scheduler.JobQuery{Tenant: "default"})
		require.NoError(t, err)
		require.Len(t, page.Jobs, 1)
		require.EqualValues(t, 1, page.Total)
		var attempts int
		require.NoError(t, d.Read.QueryRowContext(ctx, "SELECT count(*) FROM fog_scheduler_attempts").Scan(&attempts))
		require.Equal(t, 1, attempts)
	})
}

func TestASlotIsValidOnce(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		ctx := context.Background()
		s, _ := open(t, d)
		_, err := s.Insert(ctx, insertions(newJob(1)))
		require.NoError(t, err)
		c := place(place(next(load(t, s, newJob(1).ID), scheduler.Validated), 0, "m"), 0, "n")
		for i := range c.Record.Attempts {
			c.Record.Attempts[i].State = scheduler.AttemptValid
		}
		_, err = s.Commit(ctx, scheduler.Fence{}, []scheduler.Change{c})
		require.True(t, db.IsUnique(err), "%v", err)
		require.Equal(t, scheduler.Record{Job: newJob(1)}, load(t, s, newJob(1).ID))
	})
}

func TestBytesThatNoDatabaseWants(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		ctx := context.Background()
		s, _ := open(t, d)
		bad, good := newJob(1), newJob(2)
		bad.Name, bad.Key = "a\x00b\xff{\"',\\}'", "k\x00"
		_, err := s.Insert(ctx, insertions(bad, good))
		require.NoError(t, err)
		require.Equal(t, "a\uFFFDb\uFFFD{\"',\\}'", load(t, s, bad.ID).Job.Name)
		out, err := s.Insert(ctx, insertions(bad))
		require.NoError(t, err)
		require.False(t, out[0].Fresh)

		records, err := s.Load(ctx, []scheduler.JobID{"\x00", "\xff", "'", good.ID})
		require.NoError(t, err)
		require.Len(t, records, 1)
		_, err = s.Live(ctx, []scheduler.NodeID{"\x00"})
		require.NoError(t, err)
		require.Equal(t, fault.NotFound, fault.KindOf(s.SetDrain(ctx, "\x00", true, start())))
		cursor := scheduler.Cursor{Submitted: start(), ID: "\x00\xff"}.String()
		_, err = s.Find(ctx, scheduler.JobQuery{Tenant: "\x00", Cursor: cursor})
		require.NoError(t, err)
		_, err = s.Find(ctx, scheduler.JobQuery{Cursor: strings.Repeat("!", 9)})
		require.Equal(t, fault.Invalid, fault.KindOf(err))
	})
}

func TestAnIdentifierIsStoredOnce(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s, _ := open(t, d)
		_, err := s.Insert(context.Background(), insertions(newJob(1)))
		require.NoError(t, err)
		_, err = s.Insert(context.Background(), insertions(newJob(2), newJob(1)))
		require.Equal(t, fault.Conflict, fault.KindOf(err))
		page, err := s.Find(context.Background(), scheduler.JobQuery{Tenant: "default"})
		require.NoError(t, err)
		require.Len(t, page.Jobs, 1)
	})
}
