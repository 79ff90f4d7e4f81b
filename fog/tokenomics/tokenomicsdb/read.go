package tokenomicsdb

import (
	"context"
	"fmt"
	"math"
	"strings"

	"github.com/fogcompute/fogcompute/fog/internal/db"
	"github.com/fogcompute/fogcompute/fog/principal"
	"github.com/fogcompute/fogcompute/fog/tokenomics"
)

// kinds are the compartments that an account may have.
var kinds = [...]tokenomics.Kind{tokenomics.KindAvailable, tokenomics.KindHeld, tokenomics.KindMint}

// Entries implements tokenomics.Books. Each compartment gives its newest entries by its index, and the newest of those
// are the page: the cost does not grow with the account's history.
func (s *Store) Entries(
	ctx context.Context, tenant principal.Tenant, account tokenomics.Account, before tokenomics.Place, limit int,
) ([]tokenomics.Entry, error) {
	if before == (tokenomics.Place{}) {
		before.Seq = math.MaxInt64
	}
	parts := make([]string, len(kinds))
	var args []any
	for i, kind := range kinds {
		parts[i] = `SELECT * FROM (
			SELECT seq, n, ? AS kind, amount, balance FROM fog_ledger_postings
			WHERE account = (SELECT number FROM fog_ledger_accounts WHERE tenant = ? AND owner = ? AND kind = ?)
			AND (seq, n) < (?, ?) ORDER BY seq DESC, n DESC LIMIT ?) AS of_kind`
		args = append(args, string(kind), string(tenant), string(account), string(kind), before.Seq, before.N, limit)
	}
	var found []entryRow
	err := s.d.Read.NewRaw(`
		SELECT p.seq, p.n, p.kind, p.amount, p.balance, m.op, m.key, m.hold, m.memo, m.at
		FROM (`+strings.Join(parts, " UNION ALL ")+`) AS p JOIN fog_ledger_movements AS m ON m.seq = p.seq
		ORDER BY p.seq DESC, p.n DESC LIMIT ?`, append(args, limit)...).Scan(ctx, &found)
	if err != nil {
		return nil, db.Kind(fmt.Errorf("tokenomicsdb.entries: %w", err))
	}
	entries := make([]tokenomics.Entry, len(found))
	for i, row := range found {
		entries[i] = row.entry()
	}
	return entries, nil
}

// entryRow is a posting with what its movement says.
type entryRow struct {
	Seq             int64
	N               int
	Kind            string
	Amount, Balance int64
	Op, Key, Hold   string
	Memo            string
	At              int64
}

func (r entryRow) entry() tokenomics.Entry {
	return tokenomics.Entry{
		Place: tokenomics.Place{Seq: r.Seq, N: r.N}, Kind: tokenomics.Kind(r.Kind), Amount: tokenomics.Amount(r.Amount),
		After: tokenomics.Amount(r.Balance), Op: tokenomics.Op(r.Op), Key: r.Key, Hold: tokenomics.HoldID(r.Hold),
		Memo: r.Memo, At: db.Time(r.At),
	}
}

// Tally implements tokenomics.Books.
func (s *Store) Tally(ctx context.Context, tenant principal.Tenant) (map[tokenomics.Count]int64, error) {
	var found []struct {
		Name        string
		Hour, Value int64
	}
	err := s.d.Read.NewRaw("SELECT name, hour, value FROM fog_ledger_tally WHERE tenant = ?", string(tenant)).Scan(ctx, &found)
	if err != nil {
		return nil, db.Kind(fmt.Errorf("tokenomicsdb.tally: %w", err))
	}
	tally := make(map[tokenomics.Count]int64, len(found))
	for _, row := range found {
		tally[tokenomics.Count{Name: row.Name, Hour: row.Hour}] = row.Value
	}
	return tally, nil
}
