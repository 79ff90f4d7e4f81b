package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"github.com/fogcompute/fogcompute/fog/internal/duty"
)

// Duties keeps duties in the table fog_duties. Make it with NewDuties.
type Duties struct {
	d   *DB
	now func() time.Time
}

var _ duty.Duties = (*Duties)(nil)

// NewDuties returns the duties of a database on which MigrateGround has run. A nil now means time.Now. The clocks of the
// servers decide only how soon a silent holder is replaced; the fence keeps commits safe whatever they show.
func NewDuties(d *DB, now func() time.Time) *Duties {
	if now == nil {
		now = time.Now
	}
	return &Duties{d: d, now: now}
}

// Take implements duty.Duties in one statement.
func (s *Duties) Take(ctx context.Context, name duty.Name, holder string, until time.Time) (duty.Fence, bool, error) {
	now, number := Micros(s.now()), int64(0)
	err := Tx(ctx, s.d, func(ctx context.Context, tx bun.Tx) error {
		return tx.NewRaw(`
			INSERT INTO fog_duties (name, holder, until_at, number) VALUES (?, ?, ?, 1)
			ON CONFLICT (name) DO UPDATE SET
				number = fog_duties.number
					+ CASE WHEN fog_duties.holder = excluded.holder AND fog_duties.until_at > ? THEN 0 ELSE 1 END,
				holder = excluded.holder, until_at = excluded.until_at
			WHERE fog_duties.holder = excluded.holder OR fog_duties.until_at <= ?
			RETURNING number`, string(name), holder, Micros(until), now, now).Scan(ctx, &number)
	})
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return duty.Fence{}, false, nil
	case err != nil:
		return duty.Fence{}, false, fmt.Errorf("db.take: %w", err)
	}
	return duty.Fence{Name: name, Number: number}, true, nil
}

// Release implements duty.Duties.
func (s *Duties) Release(ctx context.Context, fence duty.Fence, holder string) error {
	err := Tx(ctx, s.d, func(ctx context.Context, tx bun.Tx) error {
		_, err := tx.NewRaw(`UPDATE fog_duties SET holder = '', until_at = 0 WHERE name = ? AND number = ? AND holder = ?`,
			string(fence.Name), fence.Number, holder).Exec(ctx)
		return err
	})
	if err != nil {
		return fmt.Errorf("db.release: %w", err)
	}
	return nil
}

// CheckFence returns duty.ErrFenced unless the fence is the newest of its duty, or zero. Inside the transaction of a commit
// it also keeps the duty from changing hands until the commit has ended.
func CheckFence(ctx context.Context, tx bun.IDB, dialect Dialect, fence duty.Fence) error {
	if fence == (duty.Fence{}) {
		return nil
	}
	query := "SELECT number FROM fog_duties WHERE name = ?"
	if dialect == Postgres {
		query += " FOR SHARE"
	}
	var number int64
	err := tx.NewRaw(query, string(fence.Name)).Scan(ctx, &number)
	switch {
	case err != nil && !errors.Is(err, sql.ErrNoRows):
		return Kind(fmt.Errorf("db.fence: %w", err))
	case number != fence.Number:
		return duty.ErrFenced
	default:
		return nil
	}
}
