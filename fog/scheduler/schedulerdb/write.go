package schedulerdb

import (
	"context"
	"database/sql"
	"sync"

	"github.com/fogcompute/fogcompute/fog/internal/db"
)

// transaction runs writes inside one transaction.
type transaction struct {
	*sql.Tx
	dialect Dialect
	lane    int64                // of the first of its lanes
	stmts   map[string]*sql.Stmt // what the store keeps prepared on SQLite; may be nil
}

// statement is a statement that waits for its values.
type statement interface {
	QueryContext(ctx context.Context, args ...any) (*sql.Rows, error)
	ExecContext(ctx context.Context, args ...any) (sql.Result, error)
}

// unprepared is a statement of which the database learns when it is run.
type unprepared struct {
	tx   *sql.Tx
	text string
}

func (u unprepared) QueryContext(ctx context.Context, args ...any) (*sql.Rows, error) {
	return u.tx.QueryContext(ctx, u.text, args...)
}

func (u unprepared) ExecContext(ctx context.Context, args ...any) (sql.Result, error) {
	return u.tx.ExecContext(ctx, u.text, args...)
}

// run writes rows. Of a statement that answers it returns the states by identifiers.
func (t *transaction) run(ctx context.Context, w write, rows []row) (map[string]string, error) {
	if len(rows) == 0 {
		return nil, nil
	}
	for _, r := range rows {
		scrub(r)
	}
	answers := make(map[string]string, len(rows))
	if t.dialect == Postgres {
		return answers, step(ctx, unprepared{t.Tx, w.text}, w, arrays(rows), answers)
	}
	stmt, err := t.prepare(ctx, w.text)
	if err != nil {
		return nil, err
	}
	defer func() { _ = stmt.Close() }()
	for _, r := range rows {
		if err := step(ctx, stmt, w, r, answers); err != nil {
			return nil, err
		}
	}
	return answers, nil
}

// step runs a statement once and collects what it answers.
func step(ctx context.Context, stmt statement, w write, args []any, answers map[string]string) error {
	if !w.answers {
		_, err := stmt.ExecContext(ctx, args...)
		return err
	}
	rows, err := stmt.QueryContext(ctx, args...)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var id, state string
		if err := rows.Scan(&id, &state); err != nil {
			return err
		}
		answers[id] = state
	}
	return rows.Err()
}

// prepare returns a prepared statement for this transaction, to be closed.
func (t *transaction) prepare(ctx context.Context, text string) (*sql.Stmt, error) {
	if stmt, ok := t.stmts[text]; ok {
		return t.StmtContext(ctx, stmt), nil
	}
	return t.PrepareContext(ctx, text)
}

// prepared keeps the writes prepared on SQLite's one connection. On PostgreSQL they are not: a connection may belong to a
// pooler that hands it to somebody else after each transaction.
type prepared struct {
	pool *sql.DB

	mu    sync.Mutex // guards stmts while they are made
	stmts map[string]*sql.Stmt
}

// get returns the prepared statements. It must not be called inside a transaction, which has the one connection.
func (p *prepared) get(ctx context.Context, dialect Dialect, w writes) (map[string]*sql.Stmt, error) {
	if dialect != SQLite {
		return nil, nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.stmts != nil {
		return p.stmts, nil
	}
	stmts := map[string]*sql.Stmt{}
	for _, one := range w.all() {
		if stmts[one.text] != nil {
			continue
		}
		stmt, err := p.pool.PrepareContext(ctx, one.text)
		if err != nil {
			for _, made := range stmts {
				_ = made.Close()
			}
			return nil, db.Kind(err)
		}
		stmts[one.text] = stmt
	}
	p.stmts = stmts
	return stmts, nil
}
