package idledb

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"
	"time"

	"github.com/uptrace/bun"

	"github.com/fogcompute/fogcompute/fog/idle"
	"github.com/fogcompute/fogcompute/fog/internal/db"
	"github.com/fogcompute/fogcompute/fog/principal"
)

// workRow is a row of fog_idle_contributions.
type workRow struct {
	bun.BaseModel `bun:"table:fog_idle_contributions,alias:c" json:"-"`

	Job     string `bun:"job" json:"job"`
	Slot    int64  `bun:"slot" json:"slot"`
	Tenant  string `bun:"tenant" json:"tenant"`
	Owner   string `bun:"owner" json:"owner"`
	Creator string `bun:"creator" json:"creator"`
	Attempt string `bun:"attempt" json:"attempt"`
	Device  string `bun:"device" json:"device"`
	Amount  int64  `bun:"amount" json:"amount"`
	Compute int64  `bun:"compute" json:"compute"`
	Done    int64  `bun:"done_at" json:"done_at"`
}

// totalRow adds to the totals of a device, or of a tenant if it has no id.
type totalRow struct {
	ID      string `json:"id"`
	Tenant  string `json:"tenant"`
	Tasks   int64  `json:"tasks"`
	Compute int64  `json:"compute"`
	Earned  int64  `json:"earned"`
}

// place names what is paid once.
type place struct {
	Job  string `bun:"job"`
	Slot int64  `bun:"slot"`
}

// Contribute implements idle.Contributions.
func (s *Store) Contribute(ctx context.Context, work []idle.Contribution) ([]bool, error) {
	if len(work) == 0 {
		return nil, nil
	}
	rows, first := newWorkRows(work)
	list, err := json.Marshal(rows)
	if err != nil {
		return nil, failed("contribute", err)
	}
	var fresh []place
	err = db.Tx(ctx, s.d, func(ctx context.Context, tx bun.Tx) error {
		fresh = nil
		if err := tx.NewRaw(s.sql.insertWork, string(list)).Scan(ctx, &fresh); err != nil {
			return err
		}
		byDevice, byTenant := sums(rows, fresh)
		if err := execute(ctx, tx, s.sql.addToDevices, byDevice); err != nil {
			return err
		}
		return execute(ctx, tx, s.sql.addToTenants, byTenant)
	})
	if err != nil {
		return nil, failed("contribute", err)
	}
	marks := make([]bool, len(work))
	for _, p := range fresh {
		marks[first[p]] = true
	}
	return marks, nil
}

// newWorkRows returns the stored form of contributions, one for each place and in the order of places, so that transactions
// that overlap lock them in the same order; and the first contribution of each place.
func newWorkRows(work []idle.Contribution) (rows []workRow, first map[place]int) {
	first = make(map[place]int, len(work))
	for n := range work {
		c := &work[n]
		p := place{c.Job, int64(c.Slot)}
		if _, again := first[p]; again {
			continue
		}
		first[p] = n
		rows = append(rows, workRow{
			Job: c.Job, Slot: int64(c.Slot), Tenant: string(c.Tenant), Owner: string(c.Account), Creator: string(c.Creator),
			Attempt: c.Attempt, Device: string(c.Device), Amount: c.Amount, Compute: toMicros(c.CPUSeconds), Done: db.Micros(c.At),
		})
	}
	slices.SortFunc(rows, func(a, b workRow) int { return cmp.Or(cmp.Compare(a.Job, b.Job), cmp.Compare(a.Slot, b.Slot)) })
	return rows, first
}

// sums adds up what is new, for each device and each tenant, sorted.
func sums(rows []workRow, fresh []place) (byDevice, byTenant []totalRow) {
	isFresh := make(map[place]bool, len(fresh))
	for _, p := range fresh {
		isFresh[p] = true
	}
	devices, tenants := map[totalRow]*totalRow{}, map[totalRow]*totalRow{}
	for n := range rows {
		r := &rows[n]
		if isFresh[place{r.Job, r.Slot}] {
			total(devices, totalRow{ID: r.Device, Tenant: r.Tenant}).add(r)
			total(tenants, totalRow{Tenant: r.Tenant}).add(r)
		}
	}
	return sorted(devices), sorted(tenants)
}

// total returns the sum of a key.
func total(sums map[totalRow]*totalRow, key totalRow) *totalRow {
	if sums[key] == nil {
		row := key
		sums[key] = &row
	}
	return sums[key]
}

// add counts one contribution.
func (t *totalRow) add(r *workRow) {
	t.Tasks++
	t.Compute += r.Compute
	t.Earned += r.Amount
}

// sorted lists sums in the order of their keys.
func sorted(sums map[totalRow]*totalRow) []totalRow {
	rows := make([]totalRow, 0, len(sums))
	for _, r := range sums {
		rows = append(rows, *r)
	}
	slices.SortFunc(rows, func(a, b totalRow) int { return cmp.Or(cmp.Compare(a.ID, b.ID), cmp.Compare(a.Tenant, b.Tenant)) })
	return rows
}

// Contributions implements idle.Contributions.
func (s *Store) Contributions(ctx context.Context, q idle.ContributionQuery) (idle.ContributionPage, error) {
	var rows []workRow
	query := s.d.Read.NewSelect().Model(&rows).Where("c.tenant = ?", string(q.Tenant))
	if q.Device != "" {
		query = query.Where("c.device = ?", string(q.Device))
	}
	if q.Job != "" {
		query = query.Where("c.job = ?", q.Job)
	}
	if q.Cursor != "" {
		mark, err := idle.ParseMark(q.Cursor)
		if err != nil {
			return idle.ContributionPage{}, err
		}
		query = query.Where("(c.done_at, c.job, c.slot) < (?, ?, ?)", db.Micros(mark.At), mark.Job, mark.Slot)
	}
	if err := query.Order("c.done_at DESC", "c.job DESC", "c.slot DESC").Limit(int64(q.Limit) + 1).Scan(ctx); err != nil {
		return idle.ContributionPage{}, failed("contributions", err)
	}
	var page idle.ContributionPage
	for n := range rows[:min(len(rows), q.Limit)] {
		page.Contributions = append(page.Contributions, rows[n].contribution())
	}
	if len(rows) > q.Limit {
		page.Next = page.Contributions[q.Limit-1].Mark().String()
	}
	return page, nil
}

// contribution returns what a row says.
func (r *workRow) contribution() idle.Contribution {
	return idle.Contribution{
		Tenant: principal.Tenant(r.Tenant), Creator: principal.Account(r.Creator), Job: r.Job, Slot: int(r.Slot), Attempt: r.Attempt,
		Device: idle.DeviceID(r.Device), Account: principal.Account(r.Owner), Amount: r.Amount,
		CPUSeconds: float64(r.Compute) / 1e6, At: db.Time(r.Done),
	}
}

// PurgeContributions implements idle.Contributions.
func (s *Store) PurgeContributions(ctx context.Context, before time.Time, limit int) (int, error) {
	var purged int64
	err := db.Tx(ctx, s.d, func(ctx context.Context, tx bun.Tx) error {
		result, err := tx.NewRaw(`DELETE FROM fog_idle_contributions WHERE (job, slot) IN (
			SELECT job, slot FROM fog_idle_contributions WHERE done_at < ? ORDER BY done_at LIMIT ?)`, db.Micros(before), limit).Exec(ctx)
		if err != nil {
			return err
		}
		purged, err = result.RowsAffected()
		return err
	})
	return int(purged), failed("purge", err)
}
