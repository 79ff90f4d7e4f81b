package schedulerdb

import (
	"context"
	"database/sql"
	"slices"

	"github.com/uptrace/bun"

	"github.com/fogcompute/fogcompute/fog/internal/db"
	"github.com/fogcompute/fogcompute/fog/principal"
	"github.com/fogcompute/fogcompute/fog/scheduler"
)

// Find implements scheduler.Jobs.
func (s *Store) Find(ctx context.Context, q scheduler.JobQuery) (scheduler.JobPage, error) {
	query, err := foundJobs(s.d.Read.NewSelect().ColumnExpr(s.columns.brief), q)
	if err != nil {
		return scheduler.JobPage{}, err
	}
	jobs, err := s.jobs(ctx, query)
	if err != nil {
		return scheduler.JobPage{}, failed("find", err)
	}
	page := scheduler.JobPage{Jobs: jobs}
	if size := q.PageSize(); len(jobs) > size {
		page.Jobs = jobs[:size]
		last := &page.Jobs[size-1]
		page.Next = scheduler.Cursor{Submitted: last.Submitted, ID: last.ID}.String()
	}
	page.Total, page.Filtered, err = s.count(ctx, q)
	return page, failed("find", err)
}

// foundJobs selects one page of jobs, and one job more if there is a next page.
func foundJobs(to *bun.SelectQuery, q scheduler.JobQuery) (*bun.SelectQuery, error) {
	if q.Array == "" {
		to = to.Where("tenant = ?", clean(string(q.Tenant)))
	} else { // an array is of one tenant: SQLite must not look for the others' jobs in the tenant's index
		to = to.Where("array_id <> '' AND array_id = ? AND tenant || '' = ?", clean(string(q.Array)), clean(string(q.Tenant)))
	}
	if q.Owner != "" {
		to = to.Where("owner = ?", clean(string(q.Owner)))
	}
	if len(q.States) > 0 {
		to = to.Where("state IN (?)", bun.List(cleanAll(q.States)))
	}
	if q.Tier != "" {
		to = to.Where("tier = ?", clean(string(q.Tier)))
	}
	if q.Cursor != "" {
		last, err := scheduler.ParseCursor(q.Cursor)
		if err != nil {
			return nil, err
		}
		to = to.Where("(submitted, id) < (?, ?)", db.Micros(last.Submitted), clean(string(last.ID)))
	}
	return to.OrderExpr("submitted DESC, id DESC").Limit(int64(q.PageSize()) + 1), nil
}

// count reads how many jobs the tenant and owner of a query have, and how many of them match all of it.
func (s *Store) count(ctx context.Context, q scheduler.JobQuery) (total, filtered int64, err error) {
	type count struct {
		tier  scheduler.Tier
		state scheduler.State
		jobs  int64
	}
	query := s.d.Read.NewSelect().TableExpr("fog_scheduler_counts").ColumnExpr("tier, state, CAST(sum(jobs) AS bigint)")
	if q.Array != "" {
		query = s.d.Read.NewSelect().TableExpr("fog_scheduler_jobs").ColumnExpr("tier, state, count(*)").
			Where("array_id <> '' AND array_id = ?", clean(string(q.Array)))
	}
	query = query.Where("tenant = ?", clean(string(q.Tenant))).GroupExpr("tier, state")
	if q.Owner != "" {
		query = query.Where("owner = ?", clean(string(q.Owner)))
	}
	counts, err := collect(ctx, query, func(rows *sql.Rows) (c count, err error) {
		return c, rows.Scan(&c.tier, &c.state, &c.jobs)
	})
	for _, c := range counts {
		total += c.jobs
		if (q.Tier == "" || q.Tier == c.tier) && (len(q.States) == 0 || slices.Contains(q.States, c.state)) {
			filtered += c.jobs
		}
	}
	return total, filtered, err
}

// Tenants implements scheduler.Jobs.
func (s *Store) Tenants(ctx context.Context) ([]principal.Tenant, error) {
	query := s.d.Read.NewSelect().TableExpr("fog_scheduler_counts").ColumnExpr("tenant").
		GroupExpr("tenant").Having("sum(jobs) > 0").OrderExpr("tenant")
	tenants, err := collect(ctx, query, func(rows *sql.Rows) (t principal.Tenant, err error) { return t, rows.Scan(&t) })
	slices.Sort(tenants) // by bytes, whatever the database's collation
	return tenants, failed("tenants", err)
}
