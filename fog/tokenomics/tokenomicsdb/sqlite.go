package tokenomicsdb

import (
	"context"
	"database/sql"
	"strings"
	"sync"
)

// chunks are the lengths of lists that are prepared: a list is cut into the longest that it fills.
var chunks = [...]int{64, 8, 1}

// statements keeps the prepared statements of a pool of SQLite connections.
type statements struct {
	pool     *sql.DB
	prepared sync.Map // of *sql.Stmt by text
}

// get prepares a text, once.
func (s *statements) get(ctx context.Context, text string) (*sql.Stmt, error) {
	if ready, ok := s.prepared.Load(text); ok {
		return ready.(*sql.Stmt), nil
	}
	fresh, err := s.pool.PrepareContext(ctx, text)
	if err != nil {
		return nil, err
	}
	ready, twice := s.prepared.LoadOrStore(text, fresh)
	if twice {
		return ready.(*sql.Stmt), fresh.Close()
	}
	return fresh, nil
}

// part is as much of a call as one prepared statement takes.
type part struct {
	*sql.Stmt
	args []any
}

// parts prepares everything that a call needs. A pool of one connection could not do it inside a transaction.
func (s *statements) parts(ctx context.Context, c *call) ([]part, error) {
	if !c.list {
		ready, err := s.get(ctx, c.sqlite)
		return []part{{ready, c.args()}}, err
	}
	var list []part
	rest := c.args()
	for _, rows := range chunks {
		values := rows * len(c.types)
		if len(rest) < values {
			continue
		}
		ready, err := s.get(ctx, c.rowsOf(rows))
		if err != nil {
			return nil, err
		}
		for ; len(rest) >= values; rest = rest[values:] {
			list = append(list, part{ready, rest[:values]})
		}
	}
	return list, nil
}

// rowsOf returns the text for a list of so many rows.
func (s *statement) rowsOf(rows int) string {
	one := ", (" + strings.Repeat(", ?", len(s.types))[2:] + ")"
	return strings.Replace(s.sqlite, "%s", strings.Repeat(one, rows)[2:], 1)
}

// each runs statements that read.
func (s *statements) each(ctx context.Context, calls []call) error {
	return s.eachIn(ctx, nil, calls)
}

// eachIn is each inside a transaction; nil: there is none.
func (s *statements) eachIn(ctx context.Context, tx *sql.Tx, calls []call) error {
	for i := range calls {
		parts, err := s.parts(ctx, &calls[i])
		if err != nil {
			return err
		}
		for _, p := range parts {
			if tx != nil {
				p.Stmt = tx.StmtContext(ctx, p.Stmt)
			}
			if err := p.each(ctx, calls[i].row); err != nil {
				return err
			}
		}
	}
	return nil
}

// each calls row for each row of the answer.
func (p part) each(ctx context.Context, row func(scan) error) error {
	answer, err := p.QueryContext(ctx, p.args...)
	if err != nil {
		return err
	}
	defer func() { _ = answer.Close() }()
	for answer.Next() {
		if err := row(answer.Scan); err != nil {
			return err
		}
	}
	return answer.Err()
}
