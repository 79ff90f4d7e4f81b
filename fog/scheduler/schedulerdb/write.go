package schedulerdb

import (
	"context"
	"database/sql"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/fogcompute/fogcompute/fog/internal/db"
)

// column is a column of a table with its PostgreSQL type.
type column struct{ name, kind string }

// write is a statement that writes many rows of one table. On PostgreSQL it takes one array for each column, on SQLite it
// is run for each row.
type write struct {
	text string
	// answers means that the statement returns two texts for each row that took effect: an identifier and a state.
	answers bool
}

// writes are the statements of a dialect. They never change, so a database may keep them prepared.
type writes struct {
	insertJobs, updateJobs, saveAttempts, addTally, addCounts, saveNodes write
}

// lanes is the number of rows over which PostgreSQL spreads one sum; callers' transactions have as many of their own.
const lanes = 16

// newWrites composes the statements of a dialect.
func newWrites(dialect Dialect) writes {
	t := text(dialect)
	return writes{
		insertJobs: write{answers: true, text: t.insert("scheduler_jobs", insertedJobColumns()) +
			" ON CONFLICT DO NOTHING RETURNING id, state"},
		updateJobs: write{answers: true, text: t.updateJobs()},
		saveAttempts: write{text: t.insert("scheduler_attempts", attemptColumns()) +
			" ON CONFLICT (job, slot, token) DO UPDATE SET " + assign(changingAttemptColumns(), "excluded.")},
		addTally: write{text: t.insert("scheduler_tally", tallyColumns()) +
			" ON CONFLICT (tenant, tier, name, lane) DO UPDATE SET value = scheduler_tally.value + excluded.value"},
		addCounts: write{text: t.insert("scheduler_counts", countColumns()) +
			" ON CONFLICT (tenant, owner, tier, state, lane) DO UPDATE SET jobs = scheduler_counts.jobs + excluded.jobs"},
		saveNodes: write{text: t.insert("scheduler_nodes", nodeColumns()) +
			" ON CONFLICT (id) DO UPDATE SET " + assign(followingNodeColumns(), "excluded.") +
			", version = scheduler_nodes.version + 1 WHERE excluded.source >= scheduler_nodes.source"},
	}
}

// text composes statements of a dialect.
type text Dialect

// insert is an insertion of rows with all the given columns. A lane is the number of the lanes before it, to which
// PostgreSQL adds the connection's.
func (t text) insert(table string, columns []column) string {
	head := "INSERT INTO " + table + " (" + names(columns) + ") "
	if Dialect(t) == SQLite {
		return head + "VALUES (" + parameters(1, len(columns)) + ")"
	}
	taken := strings.ReplaceAll(names(columns), "lane", fmt.Sprintf("lane + pg_backend_pid() %% %d", lanes))
	return head + "SELECT " + taken + " FROM " + unnest(columns)
}

// updateJobs writes the changing half of jobs whose version is the expected one. Its rows are identifier, expected
// version, changing columns.
func (t text) updateJobs() string {
	if Dialect(t) == SQLite {
		set := assignAt(changingJobColumns(), 3)
		return "UPDATE scheduler_jobs SET previous = state, " + set + " WHERE id = ?1 AND version = ?2 RETURNING id, previous"
	}
	rows := append([]column{{"id", "text"}, {"was", "bigint"}}, changingJobColumns()...)
	// Only rows that the first part has locked, in the order of their identifiers, are updated.
	return `WITH locked AS (
			SELECT id FROM scheduler_jobs WHERE id = ANY ($1::text[]) ORDER BY id FOR NO KEY UPDATE
		)
		UPDATE scheduler_jobs AS j SET previous = j.state, ` + assign(changingJobColumns(), "n.") + `
		FROM ` + unnest(rows) + `, locked
		WHERE locked.id = n.id AND j.id = locked.id AND j.version = n.was
		RETURNING j.id, j.previous`
}

// names lists columns: "a, b".
func names(columns []column) string {
	list := make([]string, len(columns))
	for i, c := range columns {
		list[i] = c.name
	}
	return strings.Join(list, ", ")
}

// assign sets columns from another row: "a = n.a, b = n.b".
func assign(columns []column, from string) string {
	list := make([]string, len(columns))
	for i, c := range columns {
		list[i] = c.name + " = " + from + c.name
	}
	return strings.Join(list, ", ")
}

// assignAt sets columns from numbered parameters: "a = ?3, b = ?4".
func assignAt(columns []column, first int) string {
	list := make([]string, len(columns))
	for i, c := range columns {
		list[i] = c.name + " = ?" + strconv.Itoa(first+i)
	}
	return strings.Join(list, ", ")
}

// parameters lists numbered parameters of SQLite: "?1, ?2".
func parameters(first, count int) string {
	list := make([]string, count)
	for i := range list {
		list[i] = "?" + strconv.Itoa(first+i)
	}
	return strings.Join(list, ", ")
}

// unnest is PostgreSQL's table of rows from one array for each column. The parameters are texts, so that any driver and
// any mode of it can carry them.
func unnest(columns []column) string {
	list := make([]string, len(columns))
	for i, c := range columns {
		list[i] = "$" + strconv.Itoa(i+1) + "::text::" + c.kind + "[]"
	}
	return "unnest(" + strings.Join(list, ", ") + ") AS n (" + names(columns) + ")"
}

// row is the values of one row: int64, float64, bool or string.
type row []any

// transaction runs writes inside one transaction.
type transaction struct {
	*sql.Tx
	dialect Dialect
	lane    int64                // of the first of its lanes
	stmts   map[string]*sql.Stmt // what the store keeps prepared on SQLite; may be nil
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
		return answers, t.step(ctx, w, arrays(rows), answers, t.QueryContext, t.ExecContext)
	}
	stmt, err := t.prepare(ctx, w.text)
	if err != nil {
		return nil, err
	}
	defer stmt.Close() //nolint:errcheck // nothing was left to write
	query := func(ctx context.Context, _ string, args ...any) (*sql.Rows, error) {
		return stmt.QueryContext(ctx, args...)
	}
	exec := func(ctx context.Context, _ string, args ...any) (sql.Result, error) {
		return stmt.ExecContext(ctx, args...)
	}
	for _, r := range rows {
		if err := t.step(ctx, w, r, answers, query, exec); err != nil {
			return nil, err
		}
	}
	return answers, nil
}

// step runs a statement once and collects what it answers.
func (t *transaction) step(ctx context.Context, w write, args []any, answers map[string]string,
	query func(context.Context, string, ...any) (*sql.Rows, error),
	exec func(context.Context, string, ...any) (sql.Result, error),
) error {
	if !w.answers {
		_, err := exec(ctx, w.text, args...)
		return err
	}
	rows, err := query(ctx, w.text, args...)
	if err != nil {
		return err
	}
	defer rows.Close() //nolint:errcheck // Err tells
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
	for _, one := range []write{w.insertJobs, w.updateJobs, w.saveAttempts, w.addTally, w.addCounts, w.saveNodes} {
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

// scrub replaces the texts that PostgreSQL refuses, so that one bad text does not fail the rows that share its commit.
func scrub(r row) {
	for i, v := range r {
		if s, ok := v.(string); ok {
			r[i] = clean(s)
		}
	}
}

// clean replaces what is not UTF-8, and NUL, by the replacement character.
func clean(s string) string {
	if utf8.ValidString(s) && strings.IndexByte(s, 0) < 0 {
		return s
	}
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD")
}

// arrays turns rows into the text of one PostgreSQL array for each column.
func arrays(rows []row) []any {
	args := make([]any, len(rows[0]))
	var b []byte
	for c := range args {
		b = append(b[:0], '{')
		for i, r := range rows {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendElement(b, r[c])
		}
		args[c] = string(append(b, '}'))
	}
	return args
}

// appendElement writes one element of an array (PostgreSQL documentation, 8.15.6).
func appendElement(b []byte, v any) []byte {
	switch v := v.(type) {
	case int64:
		return strconv.AppendInt(b, v, 10)
	case float64:
		return strconv.AppendFloat(b, v, 'g', -1, 64)
	case bool:
		return strconv.AppendBool(b, v)
	case string:
		b = append(b, '"')
		for i := range len(v) {
			if v[i] == '"' || v[i] == '\\' {
				b = append(b, '\\')
			}
			b = append(b, v[i])
		}
		return append(b, '"')
	default:
		panic(fmt.Sprintf("schedulerdb: a row cannot hold a %T", v))
	}
}
