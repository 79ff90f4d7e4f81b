package tokenomicsdb

import (
	"context"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"github.com/fogcompute/fogcompute/fog/internal/db"
	"github.com/fogcompute/fogcompute/fog/principal"
	"github.com/fogcompute/fogcompute/fog/tokenomics"
)

var (
	dueHolds = plain("due_holds", "ii", `SELECT tenant, id FROM fog_ledger_holds
		WHERE state = 'open' AND expires_at > 0 AND expires_at <= $1 ORDER BY expires_at, id LIMIT $2`)
	dueRecords = plain("due_records", "ii", `SELECT tenant, class, key FROM fog_ledger_records
		WHERE due_at > 0 AND due_at <= $1 ORDER BY due_at, tenant, class, key LIMIT $2`)
	readTally = plain("tally_of", "t", "SELECT tenant, name, hour, value FROM fog_ledger_tally WHERE tenant = $1")
)

// Due implements tokenomics.Books.
func (s *Store) Due(ctx context.Context, now time.Time, limit int) (due tokenomics.Due, err error) {
	args := []any{db.Micros(now), int64(limit)}
	err = s.read(ctx,
		dueHolds.with(func(read scan) error {
			var tenant, id string
			err := read(&tenant, &id)
			due.Holds = append(due.Holds, tokenomics.HoldRef{Tenant: principal.Tenant(tenant), ID: tokenomics.HoldID(id)})
			return err
		}, args...),
		dueRecords.with(func(read scan) error {
			var tenant, class, key string
			err := read(&tenant, &class, &key)
			due.Records = append(due.Records, tokenomics.RecordRef{Tenant: principal.Tenant(tenant), Class: tokenomics.Class(class), Key: key})
			return err
		}, args...))
	if err != nil {
		return tokenomics.Due{}, fmt.Errorf("tokenomicsdb.due: %w", err)
	}
	return due, nil
}

// Tally implements tokenomics.Books.
func (s *Store) Tally(ctx context.Context, tenant principal.Tenant) (map[tokenomics.Count]int64, error) {
	tally := map[tokenomics.Count]int64{}
	err := s.read(ctx, readTally.with(tallyRow(func(c tokenomics.TallyChange) { tally[c.Count] = c.Add }), string(tenant)))
	if err != nil {
		return nil, fmt.Errorf("tokenomicsdb.tally: %w", err)
	}
	return tally, nil
}

// Statements that delete the votes of proposals which have ended, and those before and after. A poll is marked before the first of its votes
// goes, so that whoever counts them knows that some are missing. SQLite takes the order of a CROSS JOIN as it is: polls first.
const (
	ballots = "v.tenant = p.tenant AND v.class IN (?) AND v.key > p.key || '/' AND v.key < p.key || '0'"

	beginPolls = `UPDATE fog_ledger_records SET state = '' WHERE (tenant, class, key) IN (
		SELECT tenant, class, key FROM fog_ledger_records WHERE class = 'poll' AND state > '' AND state < ? ORDER BY state LIMIT ?)`
	purgeBallots = `DELETE FROM fog_ledger_records WHERE (tenant, class, key) IN (
		SELECT v.tenant, v.class, v.key FROM fog_ledger_records AS p CROSS JOIN fog_ledger_records AS v
		WHERE p.class = 'poll' AND p.state = '' AND ` + ballots + ` LIMIT ?)`
	purgePolls = `DELETE FROM fog_ledger_records WHERE (tenant, class, key) IN (
		SELECT p.tenant, p.class, p.key FROM fog_ledger_records AS p
		WHERE p.class = 'poll' AND p.state = '' AND NOT EXISTS (SELECT 1 FROM fog_ledger_records AS v WHERE ` + ballots + `) LIMIT ?)`
)

// byIndex keeps PostgreSQL's planner from reading a whole table for a few rows of it: it does not know how few votes a range of keys has.
const byIndex = "SELECT set_config('enable_seqscan', 'off', true), set_config('enable_hashjoin', 'off', true), set_config('enable_mergejoin', 'off', true)"

// Purge implements tokenomics.Books.
func (s *Store) Purge(ctx context.Context, horizon tokenomics.Horizon, limit int) (int, error) {
	classes := bun.List(tokenomics.BallotClasses())
	if _, err := s.purge(ctx, beginPolls, horizon.Polls(), limit); err != nil {
		return 0, err
	}
	purged := 0
	for _, old := range []struct {
		query string
		which any
	}{
		{`DELETE FROM fog_ledger_requests WHERE number IN (
			SELECT number FROM fog_ledger_requests WHERE decided_at > 0 AND decided_at < ? ORDER BY decided_at LIMIT ?)`,
			db.Micros(horizon.Requests)},
		{`DELETE FROM fog_ledger_holds WHERE (tenant, id) IN (
			SELECT tenant, id FROM fog_ledger_holds WHERE state <> 'open' AND resolved_at < ? ORDER BY resolved_at LIMIT ?)`,
			db.Micros(horizon.Holds)},
		{`DELETE FROM fog_ledger_tally WHERE (tenant, name, hour) IN (
			SELECT tenant, name, hour FROM fog_ledger_tally WHERE hour > 0 AND hour < ? LIMIT ?)`,
			horizon.Hours.Unix() / 3600},
		{purgeBallots, classes},
		{purgePolls, classes},
	} {
		n, err := s.purge(ctx, old.query, old.which, limit)
		if purged += n; err != nil {
			return purged, err
		}
	}
	return purged, nil
}

// purge changes at most limit rows in a transaction of its own, and says how many.
func (s *Store) purge(ctx context.Context, query string, which any, limit int) (n int, err error) {
	err = db.Tx(ctx, s.d, func(ctx context.Context, tx bun.Tx) error {
		if s.d.Dialect == db.Postgres {
			if _, err := tx.ExecContext(ctx, byIndex); err != nil {
				return err
			}
		}
		result, err := tx.NewRaw(query, which, limit).Exec(ctx)
		if err != nil {
			return err
		}
		rows, err := result.RowsAffected()
		n = int(rows)
		return err
	})
	if err != nil {
		return n, fmt.Errorf("tokenomicsdb.purge: %w", err)
	}
	return n, nil
}
