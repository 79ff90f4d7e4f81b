package idledb

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"github.com/uptrace/bun"

	"github.com/fogcompute/fogcompute/fog/idle"
	"github.com/fogcompute/fogcompute/fog/internal/db"
	"github.com/fogcompute/fogcompute/fog/internal/duty"
	"github.com/fogcompute/fogcompute/fog/internal/journal"
)

// Save implements idle.Devices.
func (s *Store) Save(ctx context.Context, fence duty.Fence, changes []idle.Change) ([]idle.Saved, error) {
	if len(changes) == 0 {
		return nil, nil
	}
	var saved []idle.Saved
	var facts []journal.Fact
	err := db.Tx(ctx, s.d, func(ctx context.Context, tx bun.Tx) error {
		saved, facts = make([]idle.Saved, len(changes)), nil
		if err := db.CheckFence(ctx, tx, s.d.Dialect, fence); err != nil {
			return err
		}
		for _, pass := range passes(changes) {
			if err := s.savePass(ctx, tx, changes, pass, saved); err != nil {
				return err
			}
		}
		for n := range saved {
			if saved[n].OK {
				facts = append(facts, journal.Fact{Topic: idle.TopicDevice, ID: string(changes[n].Device.ID), Version: changes[n].Was + 1})
			}
		}
		return s.tell(ctx, tx, facts)
	})
	if err != nil {
		return nil, failed("save", err)
	}
	s.notify(facts)
	return saved, nil
}

// tell writes facts if there is a journal.
func (s *Store) tell(ctx context.Context, tx bun.Tx, facts []journal.Fact) error {
	if s.journal == nil {
		return nil
	}
	return db.AppendFacts(ctx, tx, s.d.Dialect, s.now(), facts)
}

// passes splits changes so that no device occurs twice in one pass, keeping the order of each device's changes. Within a
// pass the devices are sorted: transactions that overlap lock them in the same order.
func passes(changes []idle.Change) [][]int {
	var list [][]int
	seen := make(map[idle.DeviceID]int, len(changes))
	for n := range changes {
		id := changes[n].Device.ID
		pass := seen[id]
		seen[id]++
		if pass == len(list) {
			list = append(list, nil)
		}
		list[pass] = append(list[pass], n)
	}
	for _, pass := range list {
		slices.SortFunc(pass, func(a, b int) int {
			return compare(changes[a].Device.ID, changes[b].Device.ID)
		})
	}
	return list
}

// compare orders ids by their bytes.
func compare(a, b idle.DeviceID) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	default:
		return 0
	}
}

// savePass writes changes of distinct devices and reads what is then stored.
func (s *Store) savePass(ctx context.Context, tx bun.Tx, changes []idle.Change, pass []int, saved []idle.Saved) error {
	heard, err := s.heard(ctx, tx, changes, pass)
	if err != nil {
		return err
	}
	var fresh, old []deviceRow
	pulses := make(map[string]pulseRow, len(pass))
	for _, n := range pass {
		c := &changes[n]
		r, err := newDeviceRow(&c.Device, c.Was+1)
		if err != nil {
			return err
		}
		pulse := c.Device.Pulse()
		if pulses[r.ID], err = newPulseRow(&pulse); err != nil {
			return err
		}
		switch {
		case c.Was == 0:
			fresh = append(fresh, r)
		case !heard[r.ID]:
			old = append(old, r)
		}
	}
	inserted, err := write(ctx, tx, s.sql.insertDevices, fresh)
	if err != nil {
		return err
	}
	updated, err := write(ctx, tx, s.sql.updateDevices, old)
	if err != nil {
		return err
	}
	if err := execute(ctx, tx, s.sql.insertPulses, pick(pulses, inserted)); err != nil {
		return err
	}
	if err := s.updatePulses(ctx, tx, pick(pulses, updated)); err != nil {
		return err
	}
	return s.outcomes(ctx, tx, changes, pass, append(inserted, updated...), saved)
}

// heard returns those devices whose change asks for silence and that were not silent, and keeps the others from being
// heard until the transaction ends.
func (s *Store) heard(ctx context.Context, tx bun.Tx, changes []idle.Change, pass []int) (map[string]bool, error) {
	since := map[string]time.Time{}
	var ids []string
	for _, n := range pass {
		if c := &changes[n]; !c.Unheard.IsZero() {
			ids = append(ids, string(c.Device.ID))
			since[string(c.Device.ID)] = c.Unheard
		}
	}
	if len(ids) == 0 {
		return nil, nil
	}
	query := "SELECT device, last_seen_at FROM fog_idle_pulses WHERE device IN (?) ORDER BY device"
	if s.d.Dialect == Postgres {
		query += " FOR UPDATE"
	}
	var rows []pulseRow
	if err := tx.NewRaw(query, bun.List(ids)).Scan(ctx, &rows); err != nil {
		return nil, err
	}
	heard := map[string]bool{}
	for n := range rows {
		heard[rows[n].Device] = rows[n].LastSeen >= db.Micros(since[rows[n].Device])
	}
	return heard, nil
}

// outcomes reads the devices of a pass as they are stored now.
func (s *Store) outcomes(ctx context.Context, tx bun.Tx, changes []idle.Change, pass []int, done []string, saved []idle.Saved) error {
	ids := make([]idle.DeviceID, len(pass))
	for k, n := range pass {
		ids[k] = changes[n].Device.ID
	}
	list, err := load(ctx, tx, ids)
	if err != nil {
		return err
	}
	stored := make(map[idle.DeviceID]*idle.Device, len(list))
	for n := range list {
		stored[list[n].ID] = &list[n]
	}
	ok := make(map[idle.DeviceID]bool, len(done))
	for _, id := range done {
		ok[idle.DeviceID(id)] = true
	}
	for _, n := range pass {
		id := changes[n].Device.ID
		if d := stored[id]; d != nil {
			saved[n] = idle.Saved{OK: ok[id], Device: *d}
		}
	}
	return nil
}

// pick returns the pulses of the given devices.
func pick(pulses map[string]pulseRow, ids []string) []pulseRow {
	rows := make([]pulseRow, 0, len(ids))
	for _, id := range ids {
		rows = append(rows, pulses[id])
	}
	return rows
}

// write runs a statement on a list of rows and returns the ids that it returns.
func write[T any](ctx context.Context, tx bun.Tx, statement string, rows []T) ([]string, error) {
	if len(rows) == 0 {
		return nil, nil
	}
	list, err := json.Marshal(rows)
	if err != nil {
		return nil, err
	}
	var ids []string
	err = tx.NewRaw(statement, string(list)).Scan(ctx, &ids)
	return ids, err
}

// execute runs a statement on a list of rows.
func execute[T any](ctx context.Context, tx bun.Tx, statement string, rows []T) error {
	if len(rows) == 0 {
		return nil
	}
	list, err := json.Marshal(rows)
	if err != nil {
		return err
	}
	_, err = tx.NewRaw(statement, string(list)).Exec(ctx)
	return err
}

// updatePulses writes pulses that are not older than the stored ones.
func (s *Store) updatePulses(ctx context.Context, tx bun.Tx, rows []pulseRow) error {
	if s.d.Dialect == Postgres || len(rows) == 0 {
		return execute(ctx, tx, s.sql.updatePulses, rows)
	}
	statement, err := tx.PrepareContext(ctx, s.sql.updatePulses)
	if err != nil {
		return err
	}
	defer func() { _ = statement.Close() }()
	for n := range rows {
		if _, err := statement.ExecContext(ctx, rows[n].values()...); err != nil {
			return err
		}
	}
	return nil
}

// Touch implements idle.Devices. The versions are read after the pulses are written: a loss that is judged at the same
// time either sees the pulse, or is seen here.
func (s *Store) Touch(ctx context.Context, pulses []idle.Pulse) ([]idle.DeviceID, error) {
	if len(pulses) == 0 {
		return nil, nil
	}
	rows := make([]pulseRow, len(pulses))
	ids := make([]string, len(pulses))
	for n := range pulses {
		var err error
		if rows[n], err = newPulseRow(&pulses[n]); err != nil {
			return nil, failed("touch", err)
		}
		ids[n] = rows[n].Device
	}
	var stored []deviceRow
	err := db.Tx(ctx, s.d, func(ctx context.Context, tx bun.Tx) error {
		stored = stored[:0]
		if err := s.updatePulses(ctx, tx, rows); err != nil {
			return err
		}
		return tx.NewRaw("SELECT id, version FROM fog_idle_devices WHERE id IN (?)", bun.List(ids)).Scan(ctx, &stored)
	})
	if err != nil {
		return nil, failed("touch", err)
	}
	versions := make(map[string]int64, len(stored))
	for n := range stored {
		versions[stored[n].ID] = stored[n].Version
	}
	var moved []idle.DeviceID
	for n := range pulses {
		if version, found := versions[ids[n]]; !found || version != pulses[n].Version {
			moved = append(moved, pulses[n].Device)
		}
	}
	return moved, nil
}
