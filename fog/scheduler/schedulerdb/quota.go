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

func quotaColumns() []column {
	return []column{
		{"tenant", "text"}, {"owner", "text"}, {"weight", "float8"},
		{"milli_cpu", "bigint"}, {"memory_mb", "bigint"}, {"milli_gpu", "bigint"}, {"disk_mb", "bigint"}, {"mbit_ps", "bigint"},
		{"max_queued", "bigint"}, {"updated", "bigint"},
	}
}

func quotaRow(q *scheduler.Quota) row {
	m := q.Most
	return row{
		string(q.Tenant), string(q.Owner), q.Weight, m.MilliCPU, m.MemoryMB, m.MilliGPU, m.DiskMB, m.MbitPS,
		q.MaxQueued, db.Micros(q.Updated),
	}
}

// SaveQuotas implements scheduler.Quotas.
func (s *Store) SaveQuotas(ctx context.Context, quotas []scheduler.Quota) error {
	if len(quotas) == 0 {
		return nil
	}
	quotas = slices.SortedFunc(slices.Values(quotas), compareQuotas) // so that two servers take the rows in one order
	var kept []row
	for i := range quotas {
		if !quotas[i].Void() {
			kept = append(kept, quotaRow(&quotas[i]))
		}
	}
	err := db.Tx(ctx, s.d, func(ctx context.Context, tx bun.Tx) error {
		for _, q := range quotas {
			if !q.Void() {
				continue
			}
			_, err := tx.NewDelete().TableExpr("fog_scheduler_quotas").
				Where("tenant = ?", clean(string(q.Tenant))).Where("owner = ?", clean(string(q.Owner))).Exec(ctx)
			if err != nil {
				return err
			}
		}
		_, err := (&transaction{Tx: tx.Tx, dialect: s.d.Dialect}).run(ctx, s.writes.saveQuotas, kept)
		return err
	})
	return failed("save quotas", err)
}

// Quotas implements scheduler.Quotas.
func (s *Store) Quotas(ctx context.Context, tenant principal.Tenant) ([]scheduler.Quota, error) {
	query := s.d.Read.NewSelect().TableExpr("fog_scheduler_quotas").ColumnExpr(names(quotaColumns()))
	if tenant != "" {
		query = query.Where("tenant = ?", clean(string(tenant)))
	}
	quotas, err := collect(ctx, query, scanQuota)
	slices.SortFunc(quotas, compareQuotas)
	return quotas, failed("quotas", err)
}

func scanQuota(rows *sql.Rows) (scheduler.Quota, error) {
	var q scheduler.Quota
	var updated int64
	m := &q.Most
	err := rows.Scan(&q.Tenant, &q.Owner, &q.Weight, &m.MilliCPU, &m.MemoryMB, &m.MilliGPU, &m.DiskMB, &m.MbitPS, &q.MaxQueued, &updated)
	q.Updated = db.Time(updated)
	return q, err
}
