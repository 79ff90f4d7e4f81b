package tokenomicsdb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/fogcompute/fogcompute/fog/internal/db"
	"github.com/fogcompute/fogcompute/fog/principal"
	"github.com/fogcompute/fogcompute/fog/tokenomics"
	"github.com/fogcompute/fogcompute/fog/tokenomics/chain"
)

var (
	snapLines = &statement{
		name: "fog_ledger_snap_lines", types: "ii",
		postgres: "SELECT " + lineColumns + " FROM fog_ledger_accounts AS r " + latest + " WHERE r.number > $1 ORDER BY r.number LIMIT $2",
		sqlite: "SELECT " + lineColumns + " FROM fog_ledger_accounts AS r CROSS JOIN fog_ledger_movements AS m WHERE r.number > $1 AND " +
			isLatest + " ORDER BY r.number LIMIT $2",
	}
	snapIndex = plain("snap_index", "", `SELECT account, count(*), CAST(sum(seq % 2147483647) AS BIGINT),
		CAST(sum((seq % 32719) * (seq % 32749)) AS BIGINT) FROM fog_ledger_index GROUP BY account`)
	snapHolds = plain("snap_holds", "tti", "SELECT "+holdColumns+` FROM fog_ledger_holds AS r
		WHERE r.state = 'open' AND (r.tenant, r.id) > ($1, $2) ORDER BY r.tenant, r.id LIMIT $3`)
	snapRecords = plain("snap_records", "ttti", "SELECT "+recordColumns+` FROM fog_ledger_records AS r
		WHERE (r.tenant, r.class, r.key) > ($1, $2, $3) ORDER BY r.tenant, r.class, r.key LIMIT $4`)
	snapPoints = plain("snap_points", "tttii", `SELECT r.seq, r.tenant, r.series, r.key, r.seq, r.body FROM fog_ledger_points AS r
		WHERE (r.tenant, r.series, r.key, r.seq) > ($1, $2, $3, $4) ORDER BY r.tenant, r.series, r.key, r.seq LIMIT $5`)
	snapTally = plain("snap_tally", "", "SELECT tenant, name, hour, value FROM fog_ledger_tally ORDER BY tenant, name, hour")
)

// snapshot reads one moment of the ledger. read runs a call in the transaction.
type snapshot struct {
	read func(context.Context, call) error
}

var _ tokenomics.Moment = snapshot{}

// Snapshot implements tokenomics.Log: f reads in one transaction, which keeps a connection for as long.
func (s *Store) Snapshot(ctx context.Context, f func(tokenomics.Moment) error) error {
	if s.d.Dialect == SQLite {
		return s.snapshotSQLite(ctx, f)
	}
	return db.Kind(onConn(ctx, s.d.Read.DB, func(c *pgConn) error {
		if _, err := c.Exec(ctx, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").ReadAll(); err != nil {
			return err
		}
		err := f(snapshot{func(ctx context.Context, one call) error { return db.Kind(c.run(ctx, []call{one})) }})
		_, end := c.Exec(context.WithoutCancel(ctx), "ROLLBACK").ReadAll() // there is nothing to commit
		return errors.Join(err, end)
	}))
}

func (s *Store) snapshotSQLite(ctx context.Context, f func(tokenomics.Moment) error) error {
	for _, one := range []*statement{
		loadHead, readMovements, readBlocks, snapLines, snapIndex, snapHolds, snapRecords, snapPoints, snapTally,
	} {
		if _, err := s.reader.get(ctx, one.sqlite); err != nil { // a pool of one connection could not do it below
			return db.Kind(err)
		}
	}
	tx, err := s.d.Read.DB.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return db.Kind(err)
	}
	defer func() { _ = tx.Rollback() }()
	return f(snapshot{func(ctx context.Context, one call) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		if one.statement == readMovements { // its pages are short, and looking at ctx at each row costs a twentieth of them
			ctx = context.WithoutCancel(ctx)
		}
		return db.Kind(s.reader.eachIn(ctx, tx, []call{one}))
	}})
}

// Head implements tokenomics.Moment.
func (s snapshot) Head(ctx context.Context) (chain.Head, error) { return readHead(s.in(ctx)) }

// Movements implements tokenomics.Moment.
func (s snapshot) Movements(ctx context.Context, after int64, limit int, row func(*tokenomics.Movement, []byte) error) error {
	err := s.read(ctx, readMovements.with(movementRow(row), after, int64(limit)))
	if err != nil {
		return fmt.Errorf("tokenomicsdb.snapshot: %w", err)
	}
	return nil
}

// Blocks implements tokenomics.Moment.
func (s snapshot) Blocks(ctx context.Context, after int64, limit int) ([]tokenomics.Block, error) {
	return blocks(s.in(ctx), after, limit)
}

// in binds a context.
func (s snapshot) in(ctx context.Context) func(call) error {
	return func(c call) error { return s.read(ctx, c) }
}

// page runs a statement that reads a part of a table.
func page[T any](ctx context.Context, s snapshot, one *statement, row func(func(T)) func(scan) error, args ...any) ([]T, error) {
	var found []T
	err := s.read(ctx, one.with(row(func(r T) { found = append(found, r) }), args...))
	if err != nil {
		return nil, fmt.Errorf("tokenomicsdb.snapshot: %w", err)
	}
	return found, nil
}

// Lines implements tokenomics.Moment.
func (s snapshot) Lines(ctx context.Context, after int64, limit int) ([]tokenomics.LineChange, error) {
	return page(ctx, s, snapLines, lineRow, after, int64(limit))
}

// Index implements tokenomics.Moment.
func (s snapshot) Index(ctx context.Context, row func(int64, tokenomics.Trail)) error {
	var number int64
	var trail tokenomics.Trail
	into := []any{&number, &trail.Count, &trail.Sum, &trail.Products}
	err := s.read(ctx, snapIndex.with(func(read scan) error {
		err := read(into...)
		row(number, trail)
		return err
	}))
	if err != nil {
		return fmt.Errorf("tokenomicsdb.snapshot: %w", err)
	}
	return nil
}

// Holds implements tokenomics.Moment.
func (s snapshot) Holds(ctx context.Context, after tokenomics.HoldRef, limit int) ([]tokenomics.HoldRecord, error) {
	return page(ctx, s, snapHolds, holdRow, string(after.Tenant), string(after.ID), int64(limit))
}

// Records implements tokenomics.Moment.
func (s snapshot) Records(ctx context.Context, after tokenomics.RecordRef, limit int) ([]tokenomics.Record, error) {
	return page(ctx, s, snapRecords, recordRow, string(after.Tenant), string(after.Class), after.Key, int64(limit))
}

// Points implements tokenomics.Moment.
func (s snapshot) Points(ctx context.Context, after tokenomics.PointRef, limit int) ([]tokenomics.Point, error) {
	row := func(found func(tokenomics.Point)) func(scan) error {
		return pointRow(func(_ int64, p tokenomics.Point) { found(p) })
	}
	return page(ctx, s, snapPoints, row, string(after.Tenant), string(after.Series), after.Key, after.Seq, int64(limit))
}

// Tally implements tokenomics.Moment.
func (s snapshot) Tally(ctx context.Context) ([]tokenomics.TallyChange, error) {
	return page(ctx, s, snapTally, tallyRow)
}

func tallyRow(found func(tokenomics.TallyChange)) func(scan) error {
	return func(read scan) error {
		var tenant, name string
		var hour, value int64
		err := read(&tenant, &name, &hour, &value)
		found(tokenomics.TallyChange{
			Tenant: principal.Tenant(tenant), Count: tokenomics.Count{Name: name, Hour: hour}, Add: value,
		})
		return err
	}
}
