package idledb

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"github.com/fogcompute/fogcompute/fog/idle"
	"github.com/fogcompute/fogcompute/fog/internal/db"
	"github.com/fogcompute/fogcompute/fog/principal"
)

// standingRow is a row of fog_idle_reputations.
type standingRow struct {
	bun.BaseModel `bun:"table:fog_idle_reputations,alias:r" json:"-"`

	Device      string `bun:"device" json:"device"`
	Class       string `bun:"class" json:"class"`
	Runtime     string `bun:"runtime" json:"runtime"`
	Tenant      string `bun:"tenant" json:"tenant"`
	Owner       string `bun:"owner" json:"owner"`
	Creator     string `bun:"creator" json:"creator"`
	Valid       int64  `bun:"valid" json:"valid"`
	Compared    int64  `bun:"compared" json:"compared"`
	Until       int64  `bun:"until_at" json:"until_at"`
	Quarantines int64  `bun:"quarantines" json:"quarantines"`
	Version     int64  `bun:"version" json:"version"`
}

// judgementRow is a row of fog_idle_judgements.
type judgementRow struct {
	bun.BaseModel `bun:"table:fog_idle_judgements,alias:j" json:"-"`

	Attempt string `bun:"attempt" json:"attempt"`
	Job     string `bun:"job" json:"job"`
	Tenant  string `bun:"tenant" json:"tenant"`
	Owner   string `bun:"owner" json:"owner"`
	Creator string `bun:"creator" json:"creator"`
	Device  string `bun:"device" json:"device"`
	Class   string `bun:"class" json:"class"`
	Runtime string `bun:"runtime" json:"runtime"`
	Outcome string `bun:"outcome" json:"outcome"`
	Made    int64  `bun:"made_at" json:"made_at"`
}

// Standings implements idle.Reputations.
func (s *Store) Standings(ctx context.Context, devices []idle.DeviceID) ([]idle.Standing, error) {
	if len(devices) == 0 {
		return nil, nil
	}
	var rows []standingRow
	if err := s.d.Read.NewSelect().Model(&rows).Where("r.device IN (?)", bun.List(devices)).Scan(ctx); err != nil {
		return nil, failed("standings", err)
	}
	known := make([]idle.Standing, len(rows))
	for n, r := range rows {
		known[n] = idle.Standing{
			ReputationKey: idle.ReputationKey{Device: idle.DeviceID(r.Device), Class: r.Class, Runtime: r.Runtime},
			Reputation: idle.Reputation{
				Valid: int(r.Valid), Compared: uint64(r.Compared), Until: db.Time(r.Until), Quarantines: int(r.Quarantines),
			},
			Tenant: principal.Tenant(r.Tenant), Owner: principal.Account(r.Owner), Creator: principal.Account(r.Creator), Version: r.Version,
		}
	}
	return known, nil
}

// Judged implements idle.Reputations.
func (s *Store) Judged(ctx context.Context, attempts []string) ([]idle.Judgement, error) {
	if len(attempts) == 0 {
		return nil, nil
	}
	var rows []judgementRow
	err := s.d.Read.NewSelect().Model(&rows).Where("j.attempt IN (?)", bun.List(attempts)).Scan(ctx)
	return judgements(rows), failed("judged", err)
}

// judgements returns what rows say.
func judgements(rows []judgementRow) []idle.Judgement {
	judged := make([]idle.Judgement, len(rows))
	for n, r := range rows {
		judged[n] = idle.Judgement{
			Attempt: r.Attempt, Job: r.Job, Tenant: principal.Tenant(r.Tenant), Owner: principal.Account(r.Owner),
			Creator: principal.Account(r.Creator), Device: idle.DeviceID(r.Device), Class: r.Class, Runtime: r.Runtime,
			Outcome: idle.Outcome(r.Outcome), At: db.Time(r.Made),
		}
	}
	return judged
}

// Judge implements idle.Reputations.
func (s *Store) Judge(ctx context.Context, moved []idle.Standing, judged []idle.Judgement) error {
	var fresh, old []standingRow
	for _, m := range moved {
		r := standingRow{
			Device: string(m.Device), Class: m.Class, Runtime: m.Runtime, Tenant: string(m.Tenant), Owner: string(m.Owner),
			Creator: string(m.Creator), Valid: int64(m.Valid), Compared: int64(m.Compared), Until: db.Micros(m.Until),
			Quarantines: int64(m.Quarantines), Version: m.Version + 1,
		}
		if m.Version == 0 {
			fresh = append(fresh, r)
		} else {
			old = append(old, r)
		}
	}
	rows := make([]judgementRow, len(judged))
	for n, j := range judged {
		rows[n] = judgementRow{
			Attempt: j.Attempt, Job: j.Job, Tenant: string(j.Tenant), Owner: string(j.Owner), Creator: string(j.Creator),
			Device: string(j.Device), Class: j.Class, Runtime: j.Runtime, Outcome: string(j.Outcome), Made: db.Micros(j.At),
		}
	}
	return failed("judge", db.Tx(ctx, s.d, func(ctx context.Context, tx bun.Tx) error {
		inserted, err := write(ctx, tx, s.sql.insertStandings, fresh)
		if err != nil {
			return err
		}
		updated, err := write(ctx, tx, s.sql.updateStandings, old)
		if err != nil {
			return err
		}
		if len(inserted) < len(fresh) || len(updated) < len(old) {
			return idle.ErrRaced
		}
		return execute(ctx, tx, s.sql.putJudgements, rows)
	}))
}

// HeldAlone implements idle.Reputations.
func (s *Store) HeldAlone(ctx context.Context, key idle.ReputationKey, after, until time.Time, limit int) ([]idle.Judgement, error) {
	var rows []judgementRow
	err := s.d.Read.NewSelect().Model(&rows).
		Where("j.device = ? AND j.class = ? AND j.runtime = ? AND j.outcome = 'alone'", string(key.Device), key.Class, key.Runtime).
		Where("j.made_at > ? AND j.made_at <= ?", db.Micros(after), db.Micros(until)).
		Order("j.made_at DESC", "j.attempt").Limit(int64(limit)).Scan(ctx)
	return judgements(rows), failed("held", err)
}

// PurgeJudgements implements idle.Reputations.
func (s *Store) PurgeJudgements(ctx context.Context, before time.Time, limit int) (int, error) {
	var purged int64
	err := db.Tx(ctx, s.d, func(ctx context.Context, tx bun.Tx) error {
		result, err := tx.NewRaw(`DELETE FROM fog_idle_judgements WHERE attempt IN (
			SELECT attempt FROM fog_idle_judgements WHERE made_at < ? ORDER BY made_at LIMIT ?)`, db.Micros(before), limit).Exec(ctx)
		if err != nil {
			return err
		}
		purged, err = result.RowsAffected()
		return err
	})
	return int(purged), failed("purge", err)
}
