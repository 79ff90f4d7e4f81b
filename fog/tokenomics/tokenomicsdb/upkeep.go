package tokenomicsdb

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/uptrace/bun"

	"github.com/fogcompute/fogcompute/fog/internal/db"
	"github.com/fogcompute/fogcompute/fog/tokenomics"
)

// Purge implements tokenomics.Books.
func (s *Store) Purge(ctx context.Context, horizon tokenomics.Horizon, limit int) (int, error) {
	purged := 0
	for _, old := range []struct {
		query  string
		before int64
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
	} {
		err := db.Tx(ctx, s.d, func(ctx context.Context, tx bun.Tx) error {
			result, err := tx.NewRaw(old.query, old.before, limit).Exec(ctx)
			if err != nil {
				return err
			}
			n, err := result.RowsAffected()
			purged += int(n)
			return err
		})
		if err != nil {
			return purged, fmt.Errorf("tokenomicsdb.purge: %w", err)
		}
	}
	return purged, nil
}

// audits are the questions that find a broken ledger. Each row of an answer is a disagreement: what it is about, what is
// stored, and what it should be.
var audits = [...]struct{ text, query string }{
	{"movement %s has a line off by %d (%d expected)", `
		SELECT CAST(seq AS TEXT) AS what, CAST(SUM(amount) AS BIGINT) AS have, 0 AS want
		FROM fog_ledger_postings GROUP BY seq HAVING SUM(amount) <> 0`},
	{"an account has %[2]d base units after movement %[1]s, its postings add up to %[3]d", `
		SELECT CAST(seq AS TEXT) AS what, balance AS have, want FROM (
			SELECT seq, balance, CAST(SUM(amount) OVER (PARTITION BY account ORDER BY seq, n) AS BIGINT) AS want
			FROM fog_ledger_postings) AS running
		WHERE balance <> want`},
	{"account %q has %d base units, its postings add up to %d", `
		SELECT a.owner AS what, a.balance AS have, CAST(COALESCE(SUM(p.amount), 0) AS BIGINT) AS want
		FROM fog_ledger_accounts AS a LEFT JOIN fog_ledger_postings AS p ON p.account = a.number
		GROUP BY a.number, a.owner, a.balance HAVING a.balance <> COALESCE(SUM(p.amount), 0)`},
	{"account %q has %d base units, at least %d expected", `
		SELECT owner AS what, balance AS have, 0 AS want FROM fog_ledger_accounts WHERE balance < 0 AND kind <> 'mint'`},
	{"balances of tenant %q add up to %d instead of %d", `
		SELECT tenant AS what, CAST(SUM(balance) AS BIGINT) AS have, 0 AS want
		FROM fog_ledger_accounts GROUP BY tenant HAVING SUM(balance) <> 0`},
	{"account %q has %d base units held, its open holds have %d left", `
		SELECT owner AS what, CAST(SUM(held) AS BIGINT) AS have, CAST(SUM(rest) AS BIGINT) AS want FROM (
			SELECT tenant, owner, balance AS held, 0 AS rest FROM fog_ledger_accounts WHERE kind = 'held'
			UNION ALL
			SELECT tenant, owner, 0, amount - captured - returned FROM fog_ledger_holds WHERE state = 'open') AS sides
		GROUP BY tenant, owner HAVING SUM(held) <> SUM(rest)`},
	{"running sum %q is %d, recomputed %d", `
		SELECT name AS what, CAST(SUM(kept) AS BIGINT) AS have, CAST(SUM(derived) AS BIGINT) AS want FROM (
			SELECT tenant, name, value AS kept, 0 AS derived FROM fog_ledger_tally
				WHERE hour = 0 AND name NOT IN ('captures', 'volume')
			UNION ALL SELECT tenant, 'sum.' || kind, 0, balance FROM fog_ledger_accounts
			UNION ALL SELECT tenant, 'accounts', 0, 1 FROM fog_ledger_accounts WHERE kind = 'available'
			UNION ALL SELECT tenant, 'movements', 0, 1 FROM fog_ledger_movements
			UNION ALL SELECT tenant, 'holds.open', 0, 1 FROM fog_ledger_holds WHERE state = 'open') AS sides
		GROUP BY tenant, name HAVING SUM(kept) <> SUM(derived)`},
	{"the head of the %s is %d, it has %d movements", `
		SELECT 'ledger' AS what, seq AS have, (SELECT COUNT(*) FROM fog_ledger_movements) AS want
		FROM fog_ledger_head WHERE seq <> (SELECT COUNT(*) FROM fog_ledger_movements)
			OR seq <> (SELECT COALESCE(MAX(seq), 0) FROM fog_ledger_movements)`},
}

// Audit implements tokenomics.Books.
func (s *Store) Audit(ctx context.Context, limit int) ([]string, error) {
	var found []string
	snapshot := &sql.TxOptions{ReadOnly: true}
	if s.d.Dialect == Postgres {
		snapshot.Isolation = sql.LevelRepeatableRead
	}
	err := s.d.Read.RunInTx(ctx, snapshot, func(ctx context.Context, tx bun.Tx) error {
		for _, audit := range audits {
			var wrong []struct {
				What       string
				Have, Want int64
			}
			if err := tx.NewRaw(audit.query+" LIMIT ?", limit-len(found)).Scan(ctx, &wrong); err != nil {
				return err
			}
			for _, w := range wrong {
				found = append(found, fmt.Sprintf(audit.text, w.What, w.Have, w.Want))
			}
		}
		return nil
	})
	if err != nil {
		return nil, db.Kind(fmt.Errorf("tokenomicsdb.audit: %w", err))
	}
	return found, nil
}
