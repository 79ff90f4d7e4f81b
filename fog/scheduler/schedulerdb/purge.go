package schedulerdb

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"github.com/fogcompute/fogcompute/fog/internal/db"
	"github.com/fogcompute/fogcompute/fog/scheduler"
)

// Purge implements scheduler.Jobs. A job is kept as long as one of its facts is not done: whoever acts on it will want to
// read the job.
func (s *Store) Purge(ctx context.Context, finishedBefore time.Time, limit int) (int, error) {
	if limit <= 0 {
		return 0, nil
	}
	stmts, err := s.prepared.get(ctx, s.d.Dialect, s.writes)
	if err != nil {
		return 0, err
	}
	purged := 0
	err = db.Tx(ctx, s.d, func(ctx context.Context, tx bun.Tx) error {
		over := overJobs(tx.NewSelect(), finishedBefore, limit)
		if s.d.Dialect == Postgres {
			over = over.For("UPDATE SKIP LOCKED") // another server purges those
		}
		rows, err := tx.QueryContext(ctx, `WITH over AS MATERIALIZED (?)
			DELETE FROM fog_scheduler_jobs WHERE id IN (SELECT id FROM over) RETURNING tenant, owner, tier, state`, over)
		if err != nil {
			return err
		}
		defer func() { _ = rows.Close() }()
		purged = 0
		sums := newSums()
		for rows.Next() {
			var j scheduler.Job
			if err := rows.Scan(&j.Tenant, &j.Owner, &j.Tier, &j.State); err != nil {
				return err
			}
			sums.count(&j, string(j.State), -1)
			purged++
		}
		if err := rows.Err(); err != nil {
			return err
		}
		return sums.save(ctx, &transaction{Tx: tx.Tx, dialect: s.d.Dialect, stmts: stmts}, s.writes)
	})
	if err != nil {
		return 0, failed("purge", err)
	}
	return purged, nil
}

// overJobs selects the jobs that Purge deletes. The index fog_scheduler_jobs_over answers it in order.
func overJobs(q *bun.SelectQuery, finishedBefore time.Time, limit int) *bun.SelectQuery {
	topic := string(scheduler.TopicSettle)
	return q.TableExpr("fog_scheduler_jobs").ColumnExpr("id").
		Where("state IN ('refused', 'vested', 'cancelled', 'failed', 'expired')").
		Where("finished < ?", db.Micros(finishedBefore)).
		Where("id NOT IN (SELECT id FROM fog_facts WHERE topic = ? AND state = 0)", topic).
		Where("id NOT IN (SELECT id FROM fog_facts WHERE topic = ? AND state = 1)", topic). // one index each
		Where("id NOT IN (SELECT awaits FROM fog_scheduler_waits)").
		Where("array_id NOT IN (SELECT awaits FROM fog_scheduler_waits)").
		OrderExpr("finished").Limit(int64(limit))
}
