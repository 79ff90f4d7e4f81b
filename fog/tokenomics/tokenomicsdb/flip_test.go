package tokenomicsdb_test

import (
	"encoding/hex"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fogcompute/fogcompute/fog/internal/db"
	"github.com/fogcompute/fogcompute/fog/internal/db/dbtest"
	"github.com/fogcompute/fogcompute/fog/internal/fault"
	"github.com/fogcompute/fogcompute/fog/tokenomics"
	"github.com/fogcompute/fogcompute/fog/tokenomics/chain"
)

// Whatever is changed in a row of the ledger behind its back, Verify finds it or the database refuses it. The rows are those
// that the log explains: of the holds the open ones; of the running sums those over all time but the volume.
func TestEveryFlipIsFound(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		ledger := newLedger(t, tokenomics.Config{Store: hasty(t, d)})
		_, err := ledger.Post(t.Context(), []tokenomics.Request{
			{Transfer: &tokenomics.Transfer{Key: "a", From: "operator", To: "dev", Amount: 7, Memo: "memo"}},
			{Hold: &tokenomics.Hold{ID: "h", Payer: "dev", Amount: 5, Expires: time.Now().Add(time.Hour).UTC().Truncate(time.Second)}},
			{Capture: &tokenomics.Capture{Key: "c", Hold: "h", To: []tokenomics.Share{{Account: "eve", Amount: 2}}}},
		})
		require.NoError(t, err)
		_, err = ledger.Transfer(t.Context(), transfer("b"))
		require.NoError(t, err)
		require.NoError(t, ledger.Verify(t.Context()))
		for _, rows := range []struct{ table, key, where string }{
			{"fog_ledger_head", "id", "1 = 1"},
			{"fog_ledger_accounts", "number", "1 = 1"},
			{"fog_ledger_holds", "id", "state = 'open'"},
			{"fog_ledger_movements", "seq", "1 = 1"},
			{"fog_ledger_index", "CAST(account AS TEXT) || '/' || CAST(seq AS TEXT)", "1 = 1"},
			{"fog_ledger_blocks", "last", "1 = 1"},
			{"fog_ledger_tally", "name", "hour = 0 AND name <> 'volume'"},
		} {
			flips(t, d, ledger, rows.table, rows.key, rows.where)
		}
		require.NoError(t, ledger.Verify(t.Context()), "all is as before")
	})
}

// chained are the tables that the chain covers.
var chained = map[string]bool{"fog_ledger_head": true, "fog_ledger_movements": true, "fog_ledger_blocks": true}

// flips changes each column of each of a table's rows, and back.
func flips(t *testing.T, d *db.DB, ledger *tokenomics.Tokenomics, table, key, where string) {
	t.Helper()
	ctx := t.Context()
	execute := func(statement string) error {
		_, err := d.Write.ExecContext(ctx, statement)
		return err
	}
	require.NoError(t, execute("CREATE TABLE kept AS SELECT * FROM "+table))
	var columns, keys []string
	query := "SELECT name FROM pragma_table_info(?)"
	if d.Dialect == db.Postgres {
		query = "SELECT column_name FROM information_schema.columns WHERE table_name = ?"
	}
	require.NoError(t, d.Write.NewRaw(query, table).Scan(ctx, &columns))
	require.NotEmpty(t, columns)
	require.NoError(t, d.Write.NewRaw("SELECT CAST("+key+" AS TEXT) FROM "+table+" WHERE "+where).Scan(ctx, &keys))
	require.NotEmpty(t, keys)
	for _, row := range keys {
		for _, column := range columns {
			condition := fmt.Sprintf("WHERE %s AND CAST(%s AS TEXT) = '%s'", where, key, row)
			for _, value := range flipped(t, d, "FROM "+table+" "+condition, column) {
				what := fmt.Sprintf("%s of %s %s becomes %s", column, table, row, value)
				if execute(fmt.Sprintf("UPDATE %s SET %s = %s %s", table, column, value, condition)) == nil { // else refused
					if err := ledger.Verify(ctx); err == nil || fault.KindOf(err) != fault.Internal {
						t.Errorf("%s: %v", what, err)
					}
					if _, err := ledger.VerifyChain(ctx, chain.Head{}); chained[table] != (fault.KindOf(err) == fault.Conflict) {
						t.Errorf("%s, chain: %v", what, err)
					}
				}
				require.NoError(t, execute("DELETE FROM "+table+" WHERE 1 = 1"))
				require.NoError(t, execute("INSERT INTO "+table+" SELECT * FROM kept"))
			}
		}
	}
	require.NoError(t, execute("DROP TABLE kept"))
}

// flipped returns expressions of what a column may be changed to: another number, another text, and bytes of which one bit is
// another, here and there.
func flipped(t *testing.T, d *db.DB, from, column string) (values []string) {
	t.Helper()
	kind, digits, literal := "typeof("+column+")", "hex("+column+")", "x'%s'"
	if d.Dialect == db.Postgres {
		kind, digits, literal = "CAST(pg_typeof("+column+") AS TEXT)", "encode("+column+", 'hex')", "decode('%s', 'hex')"
	}
	var is, text string
	require.NoError(t, d.Write.NewRaw("SELECT "+kind+" "+from).Scan(t.Context(), &is))
	switch is {
	case "text":
		return []string{column + " || 'x'", "'x' || " + column}
	case "integer", "bigint", "smallint":
		return []string{column + " + 1", column + " - 1", column + " + 1000000"}
	}
	require.NoError(t, d.Write.NewRaw("SELECT "+digits+" "+from).Scan(t.Context(), &text))
	data, err := hex.DecodeString(text)
	require.NoError(t, err, is)
	for at := 0; at < len(data); at += 5 {
		data[at] ^= 1
		values = append(values, fmt.Sprintf(literal, hex.EncodeToString(data)))
		data[at] ^= 1
	}
	return values
}
