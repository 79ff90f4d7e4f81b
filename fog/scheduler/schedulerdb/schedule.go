package schedulerdb

import (
	"context"
	"database/sql"
	"encoding/json"
	"time"

	"github.com/uptrace/bun"

	"github.com/fogcompute/fogcompute/fog/internal/db"
	"github.com/fogcompute/fogcompute/fog/principal"
	"github.com/fogcompute/fogcompute/fog/scheduler"
)

// SaveSchedule implements scheduler.Schedules.
func (s *Store) SaveSchedule(ctx context.Context, fence scheduler.Fence, one scheduler.Schedule) (bool, error) {
	text, err := json.Marshal(one)
	if err != nil {
		return false, failed("schedule", err)
	}
	body, next := clean(string(text)), db.Micros(one.Next)
	saved := false
	err = db.Tx(ctx, s.d, func(ctx context.Context, tx bun.Tx) error {
		if err := db.CheckFence(ctx, tx, s.d.Dialect, fence); err != nil {
			return err
		}
		query := tx.NewRaw("INSERT INTO fog_scheduler_schedules (tenant, id, owner, creator, next_at, version, body) "+
			"VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
			string(one.Tenant), one.ID, string(one.Owner), string(one.Owner), next, one.Version, body)
		if one.Version > 1 {
			query = tx.NewRaw("UPDATE fog_scheduler_schedules SET owner = ?, next_at = ?, version = ?, body = ? "+
				"WHERE tenant = ? AND id = ? AND version = ?",
				string(one.Owner), next, one.Version, body, string(one.Tenant), one.ID, one.Version-1)
		}
		result, err := query.Exec(ctx)
		if err != nil {
			return err
		}
		n, err := result.RowsAffected()
		saved = n > 0
		return err
	})
	if err != nil {
		return false, failed("schedule", err)
	}
	return saved, nil
}

func scanSchedule(rows *sql.Rows) (one scheduler.Schedule, err error) {
	var body sql.RawBytes
	if err := rows.Scan(&body); err != nil {
		return one, err
	}
	return one, json.Unmarshal(body, &one)
}

func (s *Store) scheduleQuery() *bun.SelectQuery {
	return s.d.Read.NewSelect().TableExpr("fog_scheduler_schedules").ColumnExpr("body")
}

// ListSchedules implements scheduler.Schedules.
func (s *Store) ListSchedules(ctx context.Context, tenant principal.Tenant, owner principal.Account) ([]scheduler.Schedule, error) {
	query := s.scheduleQuery().OrderExpr("id")
	if tenant != "" {
		query = query.Where("tenant = ?", clean(string(tenant)))
	}
	if owner != "" {
		query = query.Where("owner = ?", clean(string(owner)))
	}
	all, err := collect(ctx, query, scanSchedule)
	return all, failed("schedules", err)
}

// DueSchedules implements scheduler.Schedules.
func (s *Store) DueSchedules(ctx context.Context, now time.Time, limit int) ([]scheduler.Schedule, error) {
	if limit <= 0 {
		return nil, nil
	}
	due, err := collect(ctx, dueSchedules(s.scheduleQuery(), now, limit), scanSchedule)
	return due, failed("due schedules", err)
}

// dueSchedules selects what DueSchedules reads. The index fog_scheduler_schedules_due answers it in order.
func dueSchedules(q *bun.SelectQuery, now time.Time, limit int) *bun.SelectQuery {
	return q.Where("next_at > 0").Where("next_at <= ?", db.Micros(now)).OrderExpr("next_at, tenant, id").Limit(int64(limit))
}

// DeleteSchedule implements scheduler.Schedules.
func (s *Store) DeleteSchedule(ctx context.Context, tenant principal.Tenant, id string) (bool, error) {
	result, err := s.d.Write.NewDelete().TableExpr("fog_scheduler_schedules").
		Where("tenant = ?", clean(string(tenant))).Where("id = ?", clean(id)).Exec(ctx)
	if err != nil {
		return false, failed("delete schedule", err)
	}
	n, err := result.RowsAffected()
	return n > 0, failed("delete schedule", err)
}
