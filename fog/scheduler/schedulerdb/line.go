package schedulerdb

import (
	"cmp"
	"context"
	"database/sql"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/fogcompute/fogcompute/fog/internal/db"
	"github.com/fogcompute/fogcompute/fog/scheduler"
)

// lineQueries are the queries that read the queue line by line. The index fog_scheduler_jobs_lines answers them in order.
type lineQueries struct {
	lines, heads, members string
}

func newLineQueries(dialect Dialect, c columns) lineQueries {
	if dialect == Postgres {
		return postgresLines(c)
	}
	next := func(weight, tenant, owner string) string {
		return `(SELECT k.id FROM fog_scheduler_jobs AS k WHERE k.state = 'queued' AND k.ready_at <= ?4
			AND (k.rank, k.tenant, k.owner) > (` + weight + `, ` + tenant + `, ` + owner + `)
			ORDER BY k.rank, k.tenant, k.owner, k.order_at, k.id LIMIT 1)`
	}
	return lineQueries{
		lines: skipping(next("?1", "?2", "?3"), next("l.rank", "l.tenant", "l.owner")) + " LIMIT ?5",
		heads: "SELECT " + c.job + ` FROM fog_scheduler_jobs WHERE state = 'queued' AND rank = ?1 AND tenant = ?2 AND owner = ?3
			AND (order_at, id) > (?4, ?5) AND ready_at <= ?6 ORDER BY order_at, id LIMIT ?7`,
		members: "SELECT " + c.job + " FROM fog_scheduler_jobs WHERE array_id <> '' AND array_id IN (SELECT value FROM json_each(?1)) AND " + open,
	}
}

// open holds for jobs that are not in a final state.
const open = "state NOT IN ('refused', 'vested', 'cancelled', 'failed', 'expired')"

func postgresLines(c columns) lineQueries {
	next := func(weight, tenant, owner string) string {
		return `(SELECT k.id FROM fog_scheduler_jobs AS k WHERE k.state = 'queued' AND k.ready_at <= $4::text::bigint
			AND (k.rank, k.tenant COLLATE "C", k.owner COLLATE "C") > (` + weight + `, ` + tenant + `, ` + owner + `)
			ORDER BY k.rank, k.tenant COLLATE "C", k.owner COLLATE "C", k.order_at, k.id LIMIT 1)`
	}
	head := []column{{"l_rank", "bigint"}, {"l_tenant", "text"}, {"l_owner", "text"}, {"l_order", "bigint"}, {"l_id", "text"}}
	return lineQueries{
		lines: skipping(next("$1::text::bigint", "$2::text", "$3::text"), next("l.rank", "l.tenant", "l.owner")) + " LIMIT $5::text::bigint",
		heads: "SELECT " + c.job + " FROM " + unnest(head) + ` CROSS JOIN LATERAL (
			SELECT * FROM fog_scheduler_jobs AS k WHERE k.state = 'queued' AND k.rank = l_rank
			AND k.tenant COLLATE "C" = l_tenant AND k.owner COLLATE "C" = l_owner
			AND (k.order_at, k.id) > (l_order, l_id) AND k.ready_at <= $6::text::bigint
			ORDER BY k.order_at, k.id LIMIT $7::text::bigint) AS j`,
		members: "SELECT " + c.job + " FROM fog_scheduler_jobs WHERE array_id <> '' AND array_id = ANY ($1::text::text[]) AND " + open,
	}
}

// skipping names the lines, jumping from the first job of each to the first one after that line.
func skipping(first, next string) string {
	return `WITH RECURSIVE l AS (
		SELECT j.id, j.rank, j.tenant, j.owner FROM fog_scheduler_jobs AS j WHERE j.id = ` + first + `
		UNION ALL
		SELECT j.id, j.rank, j.tenant, j.owner FROM l JOIN fog_scheduler_jobs AS j ON j.id = ` + next + `
	) SELECT rank, tenant, owner FROM l`
}

// Lines implements scheduler.Lines.
func (s *Store) Lines(ctx context.Context, now time.Time, after *scheduler.Line, limit int) ([]scheduler.Line, error) {
	if limit <= 0 {
		return nil, nil
	}
	rank, tenant, owner := int64(math.MinInt32), "", ""
	if after != nil {
		rank, tenant, owner = -int64(after.Weight), clean(string(after.Tenant)), clean(string(after.Owner))
	}
	rows, err := s.readers.query(ctx, s.d.Dialect, s.d.Read.DB, s.lines.lines, s.texts(rank, tenant, owner, db.Micros(now), int64(limit)))
	if err != nil {
		return nil, failed("lines", err)
	}
	lines, err := drain(rows, func(rows *sql.Rows) (l scheduler.Line, err error) {
		err = rows.Scan(&l.Weight, &l.Tenant, &l.Owner)
		l.Weight = -l.Weight
		return l, err
	})
	return lines, failed("lines", err)
}

// texts are parameters as the dialect's queries take them: PostgreSQL's take texts, so that any mode of the driver can carry them.
func (s *Store) texts(args ...any) []any {
	if s.d.Dialect == SQLite {
		return args
	}
	for i, a := range args {
		if n, ok := a.(int64); ok {
			args[i] = strconv.FormatInt(n, 10)
		}
	}
	return args
}

// Heads implements scheduler.Lines.
func (s *Store) Heads(ctx context.Context, now time.Time, heads []scheduler.Head, limit int) ([]*scheduler.Record, error) {
	if limit <= 0 || len(heads) == 0 {
		return nil, nil
	}
	asked := make([]row, len(heads))
	for i, h := range heads {
		asked[i] = headRow(h)
	}
	jobs, err := s.heads(ctx, asked, db.Micros(now), int64(limit))
	if err != nil {
		return nil, failed("heads", err)
	}
	slices.SortFunc(jobs, func(a, b scheduler.Job) int { return scheduler.RankOf(&a).Compare(scheduler.RankOf(&b)) })
	records, err := s.records(ctx, jobs)
	return pointers(records), failed("heads", err)
}

// headRow is a line and the last job of it that is known.
func headRow(h scheduler.Head) row {
	r := row{-int64(h.Weight), string(h.Tenant), string(h.Owner), int64(math.MinInt64), ""}
	if h.After != nil {
		r[3], r[4] = db.Micros(h.After.Order), string(h.After.ID)
	}
	scrub(r)
	return r
}

// heads asks PostgreSQL for all lines at once, and SQLite, which has no lateral joins and is not far away, for one after another.
func (s *Store) heads(ctx context.Context, asked []row, now, limit int64) ([]scheduler.Job, error) {
	if s.d.Dialect == Postgres {
		return s.linesOf(ctx, s.lines.heads, s.texts(append(arrays(asked), now, limit)...))
	}
	var all []scheduler.Job
	for _, r := range asked {
		jobs, err := s.linesOf(ctx, s.lines.heads, append(r[:len(r):len(r)], now, limit))
		if err != nil {
			return nil, err
		}
		all = append(all, jobs...)
	}
	return all, nil
}

func (s *Store) linesOf(ctx context.Context, text string, args []any) ([]scheduler.Job, error) {
	rows, err := s.readers.query(ctx, s.d.Dialect, s.d.Read.DB, text, args)
	if err != nil {
		return nil, err
	}
	return drain(rows, scanJob)
}

// Members implements scheduler.Lines.
func (s *Store) Members(ctx context.Context, arrays []scheduler.JobID) ([]scheduler.Record, error) {
	if len(arrays) == 0 {
		return nil, nil
	}
	jobs, err := lookup(ctx, s, s.lines.members, cleanAll(arrays), scanJob)
	if err != nil {
		return nil, failed("members", err)
	}
	records, err := s.records(ctx, jobs)
	return records, failed("members", err)
}

// unbonded leaves out the rows of changes that are tied to a stale one. It locks the rows of all changes first, in the order of
// their identifiers.
func (c *commitment) unbonded(ctx context.Context, t *transaction) ([]row, error) {
	if !slices.ContainsFunc(c.changes, func(one scheduler.Change) bool { return one.Bond != "" }) {
		return c.jobs, nil
	}
	versions, err := c.versions(ctx, t)
	if err != nil {
		return nil, err
	}
	broken := map[string]bool{}
	bonds := make(map[string]string, len(c.changes))
	for i := range c.changes {
		one := &c.changes[i]
		id := clean(string(one.Record.Job.ID))
		bonds[id] = one.Bond
		if version, ok := versions[id]; one.Bond != "" && (!ok || version != one.Was) {
			broken[one.Bond] = true
		}
	}
	return slices.DeleteFunc(slices.Clone(c.jobs), func(r row) bool { return broken[bonds[r[0].(string)]] }), nil
}

// versions reads the versions of the jobs that are to be changed, and locks them.
func (c *commitment) versions(ctx context.Context, t *transaction) (map[string]int64, error) {
	ids := make([]string, len(c.jobs))
	for i, r := range c.jobs {
		ids[i] = clean(r[0].(string))
	}
	list, err := c.s.list(ids)
	if err != nil {
		return nil, err
	}
	text := "SELECT id, version FROM fog_scheduler_jobs WHERE id IN (SELECT value FROM json_each(?1))"
	if t.dialect == Postgres {
		text = "SELECT id, version FROM fog_scheduler_jobs WHERE id = ANY ($1::text::text[]) ORDER BY id FOR NO KEY UPDATE"
	}
	rows, err := t.QueryContext(ctx, text, list)
	if err != nil {
		return nil, err
	}
	type one struct {
		id      string
		version int64
	}
	all, err := drain(rows, func(rows *sql.Rows) (o one, err error) { return o, rows.Scan(&o.id, &o.version) })
	versions := make(map[string]int64, len(all))
	for _, o := range all {
		versions[o.id] = o.version
	}
	return versions, err
}

// compareQuotas orders quotas by the bytes of their tenants and owners, whatever the database's collation.
func compareQuotas(a, b scheduler.Quota) int {
	return cmp.Or(cmp.Compare(a.Tenant, b.Tenant), cmp.Compare(a.Owner, b.Owner))
}
