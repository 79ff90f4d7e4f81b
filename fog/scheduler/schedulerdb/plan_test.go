package schedulerdb

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"

	"github.com/fogcompute/fogcompute/fog/internal/db"
	"github.com/fogcompute/fogcompute/fog/internal/db/dbtest"
	"github.com/fogcompute/fogcompute/fog/principal"
	"github.com/fogcompute/fogcompute/fog/scheduler"
)

// TestQueriesUseTheirIndexes fills the tables and asks each database how it would answer. No query may read the whole of
// a table or sort what an index has in order.
func TestQueriesUseTheirIndexes(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		ctx := context.Background()
		s := New(d.Write.DB, d.Dialect).WithReader(d.Read.DB)
		require.NoError(t, s.Migrate(ctx))
		if d.Dialect == Postgres { // whose plans depend on what is there; SQLite never looks unless it is told to
			fillTables(t, s)
			_, err := d.Write.ExecContext(ctx, "INSERT INTO fog_scheduler_schedules SELECT 't', 's' || g, 'o', 'o', "+
				"CASE WHEN g % 10 = 0 THEN g ELSE 0 END, 1, '{}' FROM generate_series(1, 5000) AS g")
			require.NoError(t, err)
			_, err = d.Write.ExecContext(ctx, "ANALYZE")
			require.NoError(t, err)
		}
		now := time.UnixMicro(1_000_000_000)
		page := func(q scheduler.JobQuery) *bun.SelectQuery {
			query, err := foundJobs(s.jobQuery().TableExpr("fog_scheduler_jobs"), q)
			require.NoError(t, err)
			return query
		}
		jobs := s.jobQuery().TableExpr("fog_scheduler_jobs")
		after := scheduler.Rank{Weight: 4, Order: now, ID: "j"}
		cursor := scheduler.Cursor{Submitted: now, ID: "j"}.String()
		for _, c := range []struct {
			name, index string
			query       *bun.SelectQuery
		}{
			{"ready", "fog_scheduler_jobs_ready", readyJobs(jobs.Clone(), now, nil, 10)},
			{"ready after", "fog_scheduler_jobs_ready", readyJobs(jobs.Clone(), now, &after, 10)},
			{"due", "fog_scheduler_jobs_due", dueJobs(jobs.Clone(), now, 10)},
			{"list", "fog_scheduler_jobs_tenant", page(scheduler.JobQuery{Tenant: "t1", Limit: 10, Cursor: cursor})},
			{"list of an owner", "fog_scheduler_jobs_owner", page(scheduler.JobQuery{Tenant: "t1", Owner: "rare", Limit: 10})},
			{"list of a state", "fog_scheduler_jobs_state",
				page(scheduler.JobQuery{Tenant: "t1", States: []scheduler.State{scheduler.Paused}, Limit: 10})},
			{"tasks of an array", "fog_scheduler_jobs_array", page(scheduler.JobQuery{Tenant: "t1", Array: "j00001", Limit: 10})},
			{"due schedules", "fog_scheduler_schedules_due", dueSchedules(s.scheduleQuery(), now, 10)},
			{"purge", "fog_scheduler_jobs_over", overJobs(s.d.Read.NewSelect(), now, 10)},
		} {
			plan := explain(t, d, c.query.String())
			require.Contains(t, plan, c.index, "%s:\n%s", c.name, plan)
			for _, bad := range []string{"Seq Scan on scheduler_", "SCAN fog_scheduler_jobs\n", "SCAN fog_scheduler_attempts\n"} {
				require.NotContains(t, plan, bad, "%s:\n%s", c.name, plan)
			}
			require.NotContains(t, plan, "USE TEMP B-TREE", "%s:\n%s", c.name, plan)
			require.NotContains(t, plan, "Sort Key", "%s:\n%s", c.name, plan)
		}
		ids, err := s.list([]string{"j00001", "n1"})
		require.NoError(t, err)
		for _, c := range []struct{ index, text string }{
			{"fog_scheduler_jobs", s.lookups.jobs}, {"fog_scheduler_attempts", s.lookups.attempts},
			{"fog_scheduler_attempts_live", s.lookups.liveOfNodes}, {"fog_scheduler_jobs_array", s.lookups.arrays},
			{"fog_scheduler_jobs_array", s.lookups.tasks}, {"fog_scheduler_waits", s.lookups.waiting},
		} {
			plan := explain(t, d, c.text, ids)
			require.Contains(t, plan, c.index, plan)
			require.NotContains(t, plan, "Seq Scan on scheduler_", plan)
			require.NotContains(t, plan, "SCAN scheduler_", plan)
		}
		line := headRow(scheduler.Head{Line: scheduler.Line{Weight: 4, Tenant: "t1", Owner: "often"}})
		heads := append(line[:len(line):len(line)], now.UnixMicro(), int64(10))
		if d.Dialect == Postgres {
			heads = s.texts(append(arrays([]row{line}), now.UnixMicro(), int64(10))...)
		}
		for _, c := range []struct {
			index, text string
			args        []any
		}{
			{"fog_scheduler_jobs_lines", s.lines.lines, s.texts(int64(-4), "t1", "often", now.UnixMicro(), int64(10))},
			{"fog_scheduler_jobs_lines", s.lines.heads, heads},
			{"fog_scheduler_jobs_array", s.lines.members, []any{ids}},
		} {
			plan := explain(t, d, c.text, c.args...)
			require.Contains(t, plan, c.index, plan)
			require.NotContains(t, plan, "Seq Scan on fog_scheduler_jobs", plan)
			require.NotContains(t, plan, "SCAN k\n", plan)
		}
	})
}

// explain asks how a query would be answered.
func explain(t *testing.T, d *db.DB, query string, args ...any) string {
	t.Helper()
	prefix := "EXPLAIN QUERY PLAN "
	if d.Dialect == Postgres {
		prefix = "EXPLAIN "
	}
	rows, err := d.Read.DB.Query(prefix+query, args...)
	require.NoError(t, err)
	defer rows.Close()
	columns, err := rows.Columns()
	require.NoError(t, err)
	var plan strings.Builder
	for rows.Next() {
		line := make([]any, len(columns))
		into := make([]any, len(columns))
		for i := range line {
			into[i] = &line[i]
		}
		require.NoError(t, rows.Scan(into...))
		fmt.Fprintln(&plan, line[len(line)-1])
	}
	require.NoError(t, rows.Err())
	return plan.String()
}

// fillTables writes 4,000 jobs of four tenants: mostly over, some queued or waiting for a timer, with an attempt each.
func fillTables(t *testing.T, s *Store) {
	t.Helper()
	ctx := context.Background()
	in := make([]scheduler.Insertion, 4000)
	changes := make([]scheduler.Change, len(in))
	for i := range in {
		at := time.UnixMicro(int64(i + 1)).UTC()
		j := scheduler.Job{
			ID: scheduler.JobID(fmt.Sprintf("j%05d", i)), Tenant: principal.Tenant(fmt.Sprintf("t%d", i%4)), Owner: "often",
			Tier: scheduler.Tiers()[i%4], State: scheduler.Vested, Submitted: at, Order: at, Finished: at, Version: 1,
		}
		switch {
		case i%100 < 10:
			j.State, j.ReadyAt, j.Finished = scheduler.Queued, at, time.Time{}
		case i%100 < 20:
			j.State, j.DueAt, j.Finished = scheduler.Running, at, time.Time{}
		case i%100 < 22:
			j.State, j.Owner, j.Finished = scheduler.Paused, "rare", time.Time{}
		}
		in[i].Job = j
		j.Version = 2
		changes[i] = scheduler.Change{Was: 1, Record: &scheduler.Record{Job: j, Attempts: []scheduler.Attempt{{
			Job: j.ID, Token: 1, Node: scheduler.NodeID(fmt.Sprintf("n%d", i%40)), State: scheduler.AttemptValid,
		}}}}
		if j.State == scheduler.Running {
			changes[i].Record.Attempts[0].State = scheduler.AttemptRunning
		}
	}
	_, err := s.Insert(ctx, in)
	require.NoError(t, err)
	_, err = s.Commit(ctx, scheduler.Fence{}, changes)
	require.NoError(t, err)
}
