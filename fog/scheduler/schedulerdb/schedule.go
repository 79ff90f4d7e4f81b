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

func scheduleColumns() []column {
	return []column{{"tenant", "text"}, {"id", "text"}, {"owner", "text"}, {"creator", "text"}, {"next_at", "bigint"}, {"version", "bigint"}, {"body", "text"}}
}

func scheduleRow(one *scheduler.Schedule) (row, error) {
	body, err := json.Marshal(one)
	return row{
		string(one.Tenant), one.ID, string(one.Owner), string(one.Owner), db.Micros(one.Next), one.Version, string(body),
	}, err
}

// SaveSchedules implements scheduler.Schedules.
func (s *Store) SaveSchedules(ctx context.Context, fence scheduler.Fence, schedules []scheduler.Schedule) ([]bool, error) {
	var fresh, known []row
	for i := range schedules {
		r, err := scheduleRow(&schedules[i])
		if err != nil {
			return nil, failed("schedules", err)
		}
		if schedules[i].Version > 1 {
			known = append(known, r)
		} else {
			fresh = append(fresh, r)
		}
	}
	stmts, err := s.prepared.get(ctx, s.d.Dialect, s.writes)
	if err != nil {
		return nil, failed("schedules", err)
	}
	var inserted, updated map[string]string
	err = db.Tx(ctx, s.d, func(ctx context.Context, tx bun.Tx) error {
		if err := db.CheckFence(ctx, tx, s.d.Dialect, fence); err != nil {
			return err
		}
		t := &transaction{Tx: tx.Tx, dialect: s.d.Dialect, stmts: stmts}
		if inserted, err = t.run(ctx, s.writes.insertSchedules, fresh); err != nil {
			return err
		}
		updated, err = t.run(ctx, s.writes.updateSchedules, known)
		return err
	})
	if err != nil {
		return nil, failed("schedules", err)
	}
	saved := make([]bool, len(schedules))
	for i := range schedules {
		name := clean(string(schedules[i].Tenant)) + "/" + clean(schedules[i].ID) // an identifier has no slash
		_, first := inserted[name]
		_, later := updated[name]
		saved[i] = first || later
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
