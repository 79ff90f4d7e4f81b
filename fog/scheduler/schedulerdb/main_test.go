package schedulerdb_test

import (
	"context"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fogcompute/fogcompute/fog/internal/db"
	"github.com/fogcompute/fogcompute/fog/internal/db/dbtest"
	"github.com/fogcompute/fogcompute/fog/scheduler"
	"github.com/fogcompute/fogcompute/fog/scheduler/schedulerdb"
)

func TestMain(m *testing.M) { os.Exit(dbtest.Main(m)) }

// start is the time at which the tests begin.
func start() time.Time { return time.Date(2026, 3, 1, 12, 0, 0, 123456000, time.UTC) }

// open returns a migrated store with a journal.
func open(t testing.TB, d *db.DB) (*schedulerdb.Store, *db.Journal) {
	t.Helper()
	journal := db.NewJournal(d, start)
	s := schedulerdb.New(d.Write.DB, d.Dialect).WithReader(d.Read.DB).WithJournal(journal).WithClock(start)
	require.NoError(t, s.Migrate(context.Background()))
	return s, journal
}

// newJob is the i-th job of a test, just submitted.
func newJob(i int) scheduler.Job {
	at := start().Add(time.Duration(i) * time.Millisecond)
	return scheduler.Job{
		ID: scheduler.JobID(fmt.Sprintf("01jobs%020d", i)), Tenant: "default", Owner: "alice", Creator: "alice",
		BodyDigest: "6c2f1f8a9be14d26f8e1a3f0b7a6c9d2", Name: fmt.Sprintf("tile %d", i), Tier: scheduler.Gold,
		Demand: scheduler.Demand{MilliCPU: 1000, MemoryMB: 256, Executor: "wasm"},
		Task: scheduler.Task{
			Module: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
			Args:   []string{"128", "128", "-0.5", "0", "0.01", "0.01", "1000"}, Output: true, Seed: uint64(i),
		},
		Trust: scheduler.Trust{Replicas: 1, Quorum: 1}, Estimate: 10 * time.Second, MaxRuntime: time.Minute,
		Price: 25_000, Quote: 25_000, Submitted: at, Order: at, State: scheduler.Pending, Slots: 1, ReadyAt: at, DueAt: at,
		NextToken: 1, Log: []scheduler.LogLine{{At: at, State: scheduler.Pending, Text: "submitted"}}, Version: 1,
	}
}

// insertions wraps jobs as a scheduler would.
func insertions(jobs ...scheduler.Job) []scheduler.Insertion {
	in := make([]scheduler.Insertion, len(jobs))
	for i, j := range jobs {
		in[i] = scheduler.Insertion{Job: j, Tally: scheduler.Tally{{Tier: j.Tier, Name: "submitted"}: 1}}
	}
	return in
}

// next is the change that brings a record into a state.
func next(r scheduler.Record, state scheduler.State) scheduler.Change {
	c := scheduler.Change{Was: r.Job.Version, Record: &scheduler.Record{Job: r.Job}}
	j := &c.Record.Job
	j.State, j.Version = state, j.Version+1
	j.Log = append(j.Log[:len(j.Log):len(j.Log)], scheduler.LogLine{At: start(), State: state, Text: "so it went on"})
	if state.Final() {
		j.Finished, j.DueAt = start(), time.Time{}
		c.Facts = []scheduler.Fact{{Topic: scheduler.TopicSettle, ID: string(j.ID), Version: j.Version}}
	}
	c.Tally = scheduler.Tally{{Tier: j.Tier, Name: "changes"}: 1}
	return c
}

// place adds a placed attempt on a node to a change.
func place(c scheduler.Change, slot int, node scheduler.NodeID) scheduler.Change {
	j := &c.Record.Job
	a := scheduler.Attempt{
		ID: scheduler.NewAttemptID(j.ID, slot, j.NextToken), Job: j.ID, Tenant: j.Tenant, Slot: slot, Token: j.NextToken,
		Node: node, NodeOwner: "bob", Demand: j.Demand, Price: j.Price, Placed: start(), State: scheduler.AttemptPlaced,
		Since: start(), LeaseUntil: start().Add(15 * time.Second),
	}
	j.NextToken, j.Node = j.NextToken+1, node
	c.Record.Attempts = append(c.Record.Attempts, a)
	return c
}

// load reads one job.
func load(t testing.TB, s scheduler.Store, id scheduler.JobID) scheduler.Record {
	t.Helper()
	records, err := s.Load(context.Background(), []scheduler.JobID{id})
	require.NoError(t, err)
	require.Len(t, records, 1)
	return records[0]
}
