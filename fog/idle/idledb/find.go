package idledb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"github.com/fogcompute/fogcompute/fog/idle"
	"github.com/fogcompute/fogcompute/fog/internal/db"
	"github.com/fogcompute/fogcompute/fog/internal/duty"
	"github.com/fogcompute/fogcompute/fog/internal/journal"
	"github.com/fogcompute/fogcompute/fog/principal"
)

// alive is the condition of living devices; the index fog_idle_devices_alive has the same.
const alive = "d.state IN ('online', 'draining', 'quarantined')"

// selectDevices reads whole devices.
func selectDevices(from bun.IDB, rows *[]row) *bun.SelectQuery {
	return from.NewSelect().Model(rows).ColumnExpr("d.*").ColumnExpr("p.*").Join("JOIN fog_idle_pulses AS p ON p.device = d.id")
}

// load reads devices by their ids.
func load(ctx context.Context, from bun.IDB, ids []idle.DeviceID) ([]idle.Device, error) {
	var rows []row
	if err := selectDevices(from, &rows).Where("d.id IN (?)", bun.List(ids)).Scan(ctx); err != nil {
		return nil, err
	}
	return devices(rows)
}

// Load implements idle.Devices.
func (s *Store) Load(ctx context.Context, ids []idle.DeviceID) ([]idle.Device, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	list, err := load(ctx, s.d.Read, ids)
	return list, failed("load", err)
}

// holder is to whom a device belongs; the index fog_idle_devices_holders has the same expression and condition.
const holder = "CASE WHEN substr(owner, 1, 7) = 'device:' THEN creator ELSE owner END"

// Holders implements idle.Devices.
func (s *Store) Holders(ctx context.Context, tenant principal.Tenant) (least, greatest principal.Account, err error) {
	const end = "(" + holder + ") FROM fog_idle_devices WHERE tenant = ? AND state NOT IN ('unregistered', 'revoked')), '')"
	err = s.d.Read.NewRaw("SELECT COALESCE((SELECT MIN"+end+", COALESCE((SELECT MAX"+end, string(tenant), string(tenant)).
		Scan(ctx, &least, &greatest) // each reads one end of the index
	return least, greatest, failed("holders", err)
}

// Find implements idle.Devices.
func (s *Store) Find(ctx context.Context, q idle.DeviceQuery) (idle.DevicePage, error) {
	var rows []row
	query := selectDevices(s.d.Read, &rows).Where("d.tenant = ?", string(q.Tenant))
	if q.Owner != "" {
		query = query.Where("d.owner = ?", string(q.Owner))
	}
	if q.Type != "" {
		query = query.Where("d.type = ?", string(q.Type))
	}
	query = ofStatus(query, q.Status)
	total, err := query.Clone().Count(ctx)
	if err != nil {
		return idle.DevicePage{}, failed("find", err)
	}
	if q.Cursor != "" {
		query = query.Where("d.id > ?", q.Cursor)
	}
	if err := query.Order("d.id").Limit(int64(q.Limit) + 1).Scan(ctx); err != nil {
		return idle.DevicePage{}, failed("find", err)
	}
	page := idle.DevicePage{Total: int(total)}
	if len(rows) > q.Limit {
		rows = rows[:q.Limit]
		page.Next = rows[q.Limit-1].ID
	}
	page.Devices, err = devices(rows)
	return page, failed("find", err)
}

// ofStatus selects devices as idle.Device.Status describes them, or by state.
func ofStatus(query *bun.SelectQuery, status string) *bun.SelectQuery {
	const online = "d.state = 'online'"
	switch status {
	case "":
		return query.Where("d.state <> 'unregistered'")
	case "harvesting":
		return query.Where(online + " AND p.harvesting > 0")
	case "idle":
		return query.Where(online + " AND p.harvesting = 0 AND d.eligible = 1")
	case "active":
		return query.Where(online + " AND p.harvesting = 0 AND d.eligible = 0")
	default:
		return query.Where("d.state = ?", status)
	}
}

// Silent implements idle.Devices.
func (s *Store) Silent(ctx context.Context, before time.Time, limit int) ([]idle.Device, error) {
	var rows []row
	err := selectDevices(s.d.Read, &rows).Where(alive).Where("p.last_seen_at < ?", db.Micros(before)).
		Order("p.last_seen_at", "d.id").Limit(int64(limit)).Scan(ctx)
	if err != nil {
		return nil, failed("silent", err)
	}
	list, err := devices(rows)
	return list, failed("silent", err)
}

// Tally implements idle.Devices.
func (s *Store) Tally(ctx context.Context, tenant principal.Tenant) (idle.Tally, error) {
	var tally idle.Tally
	var compute int64
	err := s.d.Read.NewRaw("SELECT tasks, compute, earned FROM fog_idle_totals WHERE tenant = ?", string(tenant)).
		Scan(ctx, &tally.TasksCompleted, &compute, &tally.Earned)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return idle.Tally{}, failed("tally", err)
	}
	tally.ComputeSeconds = float64(compute) / 1e6
	rows, err := s.d.Read.QueryContext(ctx, tallyQuery, string(tenant))
	if err != nil {
		return idle.Tally{}, failed("tally", err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var g idle.Group
		err := rows.Scan(&g.Type, &g.State, &g.Devices, &g.Eligible, &g.Harvesting, &g.Waiting, &g.Charging, &g.Throttled,
			&g.PowerKnown, &g.Powered, &g.Batteries, &g.BatterySum, &g.MilliCPU, &g.BusyCPU, &g.MilliGPU, &g.MemoryMB, &g.CPUSeconds)
		if err != nil {
			return idle.Tally{}, failed("tally", err)
		}
		tally.Groups = append(tally.Groups, g)
	}
	return tally, failed("tally", rows.Err())
}

// tallyQuery counts devices as idle.Group describes it.
const tallyQuery = `
SELECT d.type, d.state, COUNT(*),
	CAST(SUM(d.eligible) AS BIGINT),
	CAST(SUM(CASE WHEN p.harvesting > 0 THEN 1 ELSE 0 END) AS BIGINT),
	CAST(SUM(CASE WHEN p.harvesting = 0 AND d.eligible = 1 THEN 1 ELSE 0 END) AS BIGINT),
	CAST(SUM(COALESCE(p.charging, 0)) AS BIGINT),
	CAST(SUM(d.throttled) AS BIGINT),
	CAST(SUM(CASE WHEN p.charging IS NOT NULL AND (d.eligible = 1 OR p.harvesting > 0) THEN 1 ELSE 0 END) AS BIGINT),
	CAST(SUM(CASE WHEN p.charging = 1 AND (d.eligible = 1 OR p.harvesting > 0) THEN 1 ELSE 0 END) AS BIGINT),
	COUNT(p.battery),
	CAST(COALESCE(SUM(p.battery), 0) AS DOUBLE PRECISION),
	CAST(SUM(d.milli_cpu) AS BIGINT),
	CAST(SUM(CASE WHEN p.harvesting > 0 THEN d.milli_cpu ELSE 0 END) AS BIGINT),
	CAST(SUM(d.milli_gpu) AS BIGINT),
	CAST(SUM(d.memory_mb) AS BIGINT),
	SUM(CAST(d.milli_cpu AS DOUBLE PRECISION) / 1000 * (d.online_before
		+ CASE WHEN d.online_at > 0 AND p.last_seen_at > d.online_at THEN p.last_seen_at - d.online_at ELSE 0 END) / 1e6)
FROM fog_idle_devices AS d JOIN fog_idle_pulses AS p ON p.device = d.id
WHERE d.tenant = ?
GROUP BY d.type, d.state`

// Purge implements idle.Devices.
func (s *Store) Purge(ctx context.Context, fence duty.Fence, seenBefore time.Time, limit int) (int, error) {
	var facts []journal.Fact
	err := db.Tx(ctx, s.d, func(ctx context.Context, tx bun.Tx) error {
		facts = nil
		if err := db.CheckFence(ctx, tx, s.d.Dialect, fence); err != nil {
			return err
		}
		query := "SELECT d.id, d.version FROM fog_idle_devices AS d JOIN fog_idle_pulses AS p ON p.device = d.id " +
			"WHERE d.state IN ('registered', 'lost', 'offline', 'unregistered') AND p.last_seen_at < ? ORDER BY d.id LIMIT ?"
		if s.d.Dialect == Postgres {
			query += " FOR UPDATE"
		}
		var gone []deviceRow
		if err := tx.NewRaw(query, db.Micros(seenBefore), limit).Scan(ctx, &gone); err != nil || len(gone) == 0 {
			return err
		}
		ids := make([]string, len(gone))
		for n := range gone {
			ids[n] = gone[n].ID
			facts = append(facts, journal.Fact{Topic: idle.TopicDevice, ID: gone[n].ID, Version: gone[n].Version + 1})
		}
		for _, statement := range []string{
			"DELETE FROM fog_idle_pulses WHERE device IN (?)", "DELETE FROM fog_idle_devices WHERE id IN (?)",
		} {
			if _, err := tx.NewRaw(statement, bun.List(ids)).Exec(ctx); err != nil {
				return fmt.Errorf("delete: %w", err)
			}
		}
		return s.tell(ctx, tx, facts)
	})
	if err != nil {
		return 0, failed("purge", err)
	}
	s.notify(facts)
	return len(facts), nil
}
