package schedulerdb

import (
	"context"
	"database/sql"
	"time"

	"github.com/uptrace/bun"

	"github.com/fogcompute/fogcompute/fog/internal/db"
	"github.com/fogcompute/fogcompute/fog/scheduler"
)

func eventColumns() []column {
	return []column{
		{"seq", "bigint"}, {"at", "bigint"}, {"tenant", "text"}, {"owner", "text"}, {"creator", "text"},
		{"job", "text"}, {"array_id", "text"}, {"state", "text"}, {"job_version", "bigint"},
	}
}

// eventRow is an event without a number.
func eventRow(j *scheduler.Job, at time.Time) row {
	return row{
		int64(0), db.Micros(at), string(j.Tenant), string(j.Owner), string(j.Creator),
		string(j.ID), string(j.Array), string(j.State), j.Version,
	}
}

func scanEvent(rows *sql.Rows) (e scheduler.Event, err error) {
	var at int64
	err = rows.Scan(&e.Seq, &at, &e.Tenant, &e.Owner, &e.Job, &e.Array, &e.State, &e.Version)
	e.At = db.Time(at)
	return e, err
}

// Events implements scheduler.Feed.
func (s *Store) Events(ctx context.Context, q scheduler.EventQuery) ([]scheduler.Event, scheduler.Seq, error) {
	if err := s.number(ctx); err != nil {
		return nil, 0, failed("events", err)
	}
	var last, trimmed scheduler.Seq
	if err := s.d.Read.NewRaw("SELECT last, trimmed FROM fog_scheduler_feed").Scan(ctx, &last, &trimmed); err != nil {
		return nil, 0, failed("events", err)
	}
	switch {
	case q.After < 0:
		return nil, last, nil
	case q.After < trimmed || q.After > last:
		return nil, 0, scheduler.ErrTrimmed
	}
	events, err := collect(ctx, eventsAfter(s.d.Read.NewSelect(), q, last), scanEvent)
	if err != nil {
		return nil, 0, failed("events", err)
	}
	if n := len(events); n > 0 && n >= q.Limit {
		last = events[n-1].Seq
	}
	// What was deleted between the two readings may be missing.
	if err := s.d.Read.NewRaw("SELECT trimmed FROM fog_scheduler_feed").Scan(ctx, &trimmed); err != nil {
		return nil, 0, failed("events", err)
	}
	if q.After < trimmed {
		return nil, 0, scheduler.ErrTrimmed
	}
	return events, last, nil
}

// eventsAfter selects what Events reads. The index fog_scheduler_events_seq answers it in order.
func eventsAfter(to *bun.SelectQuery, q scheduler.EventQuery, last scheduler.Seq) *bun.SelectQuery {
	to = to.TableExpr("fog_scheduler_events").ColumnExpr("seq, at, tenant, owner, job, array_id, state, job_version").
		Where("seq > 0 AND seq > ? AND seq <= ?", int64(q.After), int64(last)).Where("tenant = ?", clean(string(q.Tenant)))
	if q.Owner != "" {
		to = to.Where("owner = ?", clean(string(q.Owner)))
	}
	if q.Array != "" {
		to = to.Where("array_id = ?", clean(string(q.Array)))
	}
	return to.OrderExpr("seq").Limit(int64(q.Limit))
}

// numberPage is the number of events that are numbered in one transaction.
const numberPage = 10_000

// number gives numbers to the events that have been committed, in the order of their writing. Whoever does so has locked the one
// row of the feed, so no number is given before a smaller one can be read.
func (s *Store) number(ctx context.Context) error {
	for {
		var open bool
		err := s.d.Read.NewRaw("SELECT EXISTS (SELECT 1 FROM fog_scheduler_events WHERE seq = 0)").Scan(ctx, &open)
		if err != nil || !open {
			return err
		}
		more := false
		err = db.Tx(ctx, s.d, func(ctx context.Context, tx bun.Tx) error {
			last, err := s.lockFeed(ctx, tx)
			if err != nil {
				return err
			}
			result, err := tx.ExecContext(ctx, `UPDATE fog_scheduler_events SET seq = u.n + ? FROM (
				SELECT id AS uid, row_number() OVER (ORDER BY id) AS n FROM fog_scheduler_events WHERE seq = 0 ORDER BY id LIMIT ?
				) AS u WHERE fog_scheduler_events.id = u.uid AND seq = 0`, last, numberPage)
			if err != nil {
				return err
			}
			n, err := result.RowsAffected()
			if err != nil {
				return err
			}
			more = n == numberPage
			_, err = tx.ExecContext(ctx, "UPDATE fog_scheduler_feed SET last = last + ?", n)
			return err
		})
		if err != nil || !more {
			return err
		}
	}
}

// lockFeed locks the one row of the feed and answers its last number.
func (s *Store) lockFeed(ctx context.Context, tx bun.Tx) (last int64, err error) {
	text := "SELECT last FROM fog_scheduler_feed"
	if s.d.Dialect == Postgres {
		text += " FOR UPDATE"
	}
	return last, tx.NewRaw(text).Scan(ctx, &last)
}

// TrimEvents implements scheduler.Feed. Events that nobody has numbered count as numbered when they are deleted.
func (s *Store) TrimEvents(ctx context.Context, before time.Time, limit int) (int, error) {
	if limit <= 0 {
		return 0, nil
	}
	if err := s.number(ctx); err != nil {
		return 0, failed("trim", err)
	}
	trimmed := int64(0)
	err := db.Tx(ctx, s.d, func(ctx context.Context, tx bun.Tx) error {
		if _, err := s.lockFeed(ctx, tx); err != nil {
			return err
		}
		var last, young sql.NullInt64 // of the oldest events: the last one, and the first that is to stay
		err := tx.NewRaw(`SELECT max(seq), min(CASE WHEN at >= ? THEN seq END) FROM (
			SELECT seq, at FROM fog_scheduler_events WHERE seq > 0 ORDER BY seq LIMIT ?) AS oldest`, db.Micros(before), limit).Scan(ctx, &last, &young)
		if err != nil || !last.Valid {
			return err
		}
		until := last.Int64
		if young.Valid {
			until = young.Int64 - 1
		}
		result, err := tx.ExecContext(ctx, "DELETE FROM fog_scheduler_events WHERE seq > 0 AND seq <= ?", until)
		if err != nil {
			return err
		}
		if trimmed, err = result.RowsAffected(); err != nil || trimmed == 0 {
			return err
		}
		_, err = tx.ExecContext(ctx, "UPDATE fog_scheduler_feed SET trimmed = ?", until)
		return err
	})
	return int(trimmed), failed("trim", err)
}
