package schedulerdb

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/uptrace/bun"

	"github.com/fogcompute/fogcompute/fog/internal/db"
	"github.com/fogcompute/fogcompute/fog/internal/fault"
	"github.com/fogcompute/fogcompute/fog/principal"
	"github.com/fogcompute/fogcompute/fog/scheduler"
)

// reservationRow is a row of fog_scheduler_reservations.
type reservationRow struct {
	bun.BaseModel `bun:"table:fog_scheduler_reservations"`

	Tenant   string `bun:"tenant,pk"`
	ID       string `bun:"id,pk"`
	Owner    string `bun:"owner"`
	Creator  string `bun:"creator"`
	Nodes    string `bun:"nodes"`
	Required string `bun:"required"`
	From     int64  `bun:"begins"`
	Until    int64  `bun:"ends"`
}

// SaveReservations implements scheduler.Reserved.
func (s *Store) SaveReservations(ctx context.Context, reservations []scheduler.Reservation) error {
	if len(reservations) == 0 {
		return nil
	}
	rows := make([]reservationRow, 0, len(reservations))
	for i := range reservations {
		r := &reservations[i]
		nodes, err := nested(len(r.Nodes) == 0, r.Nodes)
		if err != nil {
			return fault.Wrap("schedulerdb.reserve", err)
		}
		required, err := nested(len(r.Require) == 0, r.Require)
		if err != nil {
			return fault.Wrap("schedulerdb.reserve", err)
		}
		rows = append(rows, reservationRow{
			Tenant: clean(string(r.Tenant)), ID: clean(r.ID), Owner: clean(string(r.Owner)),
			Creator: clean(string(principal.From(ctx).Account)), Nodes: clean(nodes), Required: clean(required),
			From: db.Micros(r.From), Until: db.Micros(r.Until),
		})
	}
	return failed("reserve", db.Tx(ctx, s.d, func(ctx context.Context, tx bun.Tx) error {
		for i := range rows { // few, and one statement may not write a row twice
			_, err := tx.NewInsert().Model(&rows[i]).On("CONFLICT (tenant, id) DO UPDATE").
				Set("owner = EXCLUDED.owner, nodes = EXCLUDED.nodes, required = EXCLUDED.required, begins = EXCLUDED.begins, ends = EXCLUDED.ends").
				Exec(ctx)
			if err != nil {
				return err
			}
		}
		return nil
	}))
}

// Reservations implements scheduler.Reserved.
func (s *Store) Reservations(ctx context.Context, tenant principal.Tenant) ([]scheduler.Reservation, error) {
	var rows []reservationRow
	q := s.d.Read.NewSelect().Model(&rows).OrderExpr("tenant, id")
	if tenant != "" {
		q = q.Where("tenant = ?", clean(string(tenant)))
	}
	if err := q.Scan(ctx); err != nil {
		return nil, failed("reservations", err)
	}
	out := make([]scheduler.Reservation, len(rows))
	for i := range rows {
		r := &rows[i]
		out[i] = scheduler.Reservation{
			ID: r.ID, Tenant: principal.Tenant(r.Tenant), Owner: principal.Account(r.Owner), From: db.Time(r.From), Until: db.Time(r.Until),
		}
		for _, column := range []struct {
			text string
			into any
		}{{r.Nodes, &out[i].Nodes}, {r.Required, &out[i].Require}} {
			if column.text == "" {
				continue
			}
			if err := json.Unmarshal([]byte(column.text), column.into); err != nil {
				return nil, fault.Wrap("schedulerdb.reservations", fmt.Errorf("reservation %s: %w", r.ID, err))
			}
		}
	}
	return out, nil
}

// DeleteReservations implements scheduler.Reserved.
func (s *Store) DeleteReservations(ctx context.Context, tenant principal.Tenant, ids []string) error {
	if len(ids) == 0 {
		return nil
	}
	return failed("reservations", db.Tx(ctx, s.d, func(ctx context.Context, tx bun.Tx) error {
		_, err := tx.ExecContext(ctx, "DELETE FROM fog_scheduler_reservations WHERE tenant = ? AND id IN (?)",
			clean(string(tenant)), bun.List(cleanAll(ids)))
		return err
	}))
}
