package schedulerdb

import (
	"cmp"
	"context"
	"database/sql"
	"slices"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"github.com/fogcompute/fogcompute/fog/internal/db"
	"github.com/fogcompute/fogcompute/fog/scheduler"
)

// columns are the lists of columns that the queries read.
type columns struct {
	job     string // a whole scheduler.Job
	brief   string // the same without task, result and log
	attempt string // a whole scheduler.Attempt
	live    string // the same without result
}

func newColumns() columns {
	job, attempt := names(jobColumns()), names(scannedAttemptColumns())
	return columns{
		job:     job,
		brief:   strings.NewReplacer(" task,", " '',", " result,", " '',", " log,", " '',").Replace(job),
		attempt: attempt,
		live:    strings.TrimSuffix(attempt, "result") + "''",
	}
}

// Load implements scheduler.Jobs.
func (s *Store) Load(ctx context.Context, ids []scheduler.JobID) ([]scheduler.Record, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	jobs, err := lookup(ctx, s, s.lookups.jobs, cleanAll(ids), scanJob)
	if err != nil {
		return nil, failed("load", err)
	}
	records, err := s.records(ctx, jobs)
	return records, failed("load", err)
}

// Ready implements scheduler.Queue.
func (s *Store) Ready(ctx context.Context, now time.Time, after *scheduler.Rank, limit int) ([]*scheduler.Record, error) {
	if limit <= 0 {
		return nil, nil
	}
	jobs, err := s.jobs(ctx, readyJobs(s.jobQuery(), now, after, limit))
	if err != nil {
		return nil, failed("ready", err)
	}
	records, err := s.records(ctx, jobs)
	return pointers(records), failed("ready", err)
}

// pointers points at each of some records.
func pointers(records []scheduler.Record) []*scheduler.Record {
	out := make([]*scheduler.Record, len(records))
	for i := range records {
		out[i] = &records[i]
	}
	return out
}

// readyJobs selects what Ready reads. The index fog_scheduler_jobs_ready answers it in order.
func readyJobs(q *bun.SelectQuery, now time.Time, after *scheduler.Rank, limit int) *bun.SelectQuery {
	q = q.Where("state = 'queued'").Where("ready_at <= ?", db.Micros(now))
	if after != nil {
		q = q.Where("(rank, order_at, id) > (?, ?, ?)", -after.Weight, db.Micros(after.Order), clean(string(after.ID)))
	}
	return q.OrderExpr("rank, order_at, id").Limit(int64(limit))
}

// Due implements scheduler.Queue.
func (s *Store) Due(ctx context.Context, now time.Time, limit int) ([]scheduler.Record, error) {
	if limit <= 0 {
		return nil, nil
	}
	jobs, err := s.jobs(ctx, dueJobs(s.jobQuery(), now, limit))
	if err != nil {
		return nil, failed("due", err)
	}
	records, err := s.records(ctx, jobs)
	return records, failed("due", err)
}

// dueJobs selects what Due reads. The index fog_scheduler_jobs_due answers it in order.
func dueJobs(q *bun.SelectQuery, now time.Time, limit int) *bun.SelectQuery {
	return q.Where("due_at > 0").Where("due_at <= ?", db.Micros(now)).OrderExpr("due_at, id").Limit(int64(limit))
}

// Live implements scheduler.Queue.
func (s *Store) Live(ctx context.Context, nodes []scheduler.NodeID) ([]scheduler.Attempt, error) {
	if nodes != nil && len(nodes) == 0 {
		return nil, nil
	}
	text := s.lookups.liveOfNodes
	if nodes == nil {
		text = s.lookups.live
	}
	attempts, err := lookup(ctx, s, text, cleanAll(nodes), scanAttempt)
	return attempts, failed("live", err)
}

// jobQuery begins a query of whole jobs.
func (s *Store) jobQuery() *bun.SelectQuery { return s.d.Read.NewSelect().ColumnExpr(s.columns.job) }

// records reads the attempts of jobs that have just been read. In this order no attempt is older than its job's version: a
// change that was decided on a job and newer attempts is refused by the version, one on newer versions of the job would not be.
func (s *Store) records(ctx context.Context, jobs []scheduler.Job) ([]scheduler.Record, error) {
	if len(jobs) == 0 {
		return nil, nil
	}
	ids := make([]string, len(jobs))
	records := make([]scheduler.Record, len(jobs))
	at := make(map[scheduler.JobID]*scheduler.Record, len(jobs))
	for i, j := range jobs {
		ids[i], records[i].Job, at[j.ID] = string(j.ID), j, &records[i]
	}
	attempts, err := lookup(ctx, s, s.lookups.attempts, ids, scanAttempt)
	if err != nil {
		return nil, err
	}
	slices.SortFunc(attempts, func(a, b scheduler.Attempt) int { return cmp.Compare(a.Token, b.Token) })
	for _, a := range attempts {
		r := at[a.Job]
		r.Attempts = append(r.Attempts, a)
	}
	return records, nil
}

// jobs runs a query of columns.job or columns.brief.
func (s *Store) jobs(ctx context.Context, q *bun.SelectQuery) ([]scheduler.Job, error) {
	return collect(ctx, q.TableExpr("fog_scheduler_jobs"), scanJob)
}

// collect reads all rows of a query.
func collect[T any](ctx context.Context, q *bun.SelectQuery, scan func(*sql.Rows) (T, error)) ([]T, error) {
	rows, err := q.Rows(ctx)
	if err != nil {
		return nil, err
	}
	return drain(rows, scan)
}

// drain reads all rows and closes them.
func drain[T any](rows *sql.Rows, scan func(*sql.Rows) (T, error)) ([]T, error) {
	defer func() { _ = rows.Close() }()
	var all []T
	for rows.Next() {
		one, err := scan(rows)
		if err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	return all, rows.Err()
}

// cleanAll makes identifiers fit for a query, as scrub made them fit for a row.
func cleanAll[T ~string](ids []T) []string {
	all := make([]string, len(ids))
	for i, id := range ids {
		all[i] = clean(string(id))
	}
	return all
}
