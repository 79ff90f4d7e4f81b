package tokenomicsdb

import (
	"context"
	"strconv"
	"strings"

	"github.com/fogcompute/fogcompute/fog/internal/db"
)

// statement is a statement in both dialects, with the types of what it takes: i for an integer, t for a text, b for bytes. It
// takes either a list of rows, or one value for each of its parameters $1, $2 ...
type statement struct {
	name     string // under which PostgreSQL keeps it prepared
	types    string
	list     bool
	postgres string
	sqlite   string // %s stands for the rows of a list
}

// call is a statement with what it takes, row after row, and what becomes of its answer.
type call struct {
	*statement
	args []any            // of the types int64, string and []byte
	row  func(scan) error // is called for each row of the answer; nil: there are none
}

// scan reads the columns of one row into variables of the types *int64, *string and *[]byte.
type scan func(into ...any) error

// add appends a row to what the statement takes.
func (c *call) add(values ...any) { c.args = append(c.args, values...) }

// rows returns how many rows the statement takes.
func (c *call) rows() int { return len(c.args) / len(c.types) }

// plain returns a statement that takes one value for each of its parameters.
func plain(name, types, text string) *statement {
	return &statement{name: "fog_ledger_" + name, types: types, postgres: text, sqlite: text}
}

// lookUp returns a statement that reads, for each row of a list v, the row of a table that fits it. It makes either database look
// every row up by its index, which keeps a batch's cost independent of the ledger's length: PostgreSQL would scan a table
// of middling size instead, SQLite would turn the join round.
func lookUp(name, types, columns, table, on string) *statement {
	return &statement{
		name: "fog_ledger_" + name, types: types, list: true,
		postgres: "SELECT " + columns + " FROM " + unnest(types) + " CROSS JOIN LATERAL (SELECT * FROM " + table + " AS r WHERE " + on +
			" LIMIT 1) AS r",
		sqlite: "SELECT " + columns + " FROM (VALUES %s) AS v CROSS JOIN " + table + " AS r WHERE " + on,
	}
}

// insert returns a statement that writes each row of a list; then says what follows.
func insert(name, types, into, then string) *statement {
	return &statement{
		name: "fog_ledger_" + name, types: types, list: true,
		postgres: "INSERT INTO " + into + " SELECT * FROM " + unnest(types) + " " + then,
		sqlite:   "INSERT INTO " + into + " VALUES %s " + then,
	}
}

// change returns a statement for which PostgreSQL has a function that takes a list and checks what it does. On SQLite the
// commit checks.
func change(name, types, sqlite string) *statement {
	return &statement{
		name: "fog_ledger_" + name, types: types, list: true,
		postgres: "SELECT fog_ledger_" + name + "(" + parameters(len(types)) + ")", sqlite: sqlite,
	}
}

// unnest returns the list v of PostgreSQL, whose columns have the names that SQLite gives them.
func unnest(types string) string {
	columns := make([]string, len(types))
	for i := range columns {
		columns[i] = "column" + strconv.Itoa(i+1)
	}
	return "unnest(" + parameters(len(types)) + ") AS v (" + strings.Join(columns, ", ") + ")"
}

// parameters returns $1, $2 and so on.
func parameters(n int) string {
	list := make([]string, n)
	for i := range list {
		list[i] = "$" + strconv.Itoa(i+1)
	}
	return strings.Join(list, ", ")
}

// read runs statements one after the other, on PostgreSQL in one round trip. Calls with an empty list are left out.
func (s *Store) read(ctx context.Context, calls ...call) error {
	calls = some(calls)
	var err error
	if s.d.Dialect == SQLite {
		err = s.reader.each(ctx, calls)
	} else {
		err = onConn(ctx, s.d.Read.DB, func(c *pgConn) error { return c.run(ctx, calls) })
	}
	return db.Kind(err)
}

// some leaves out the calls whose list is empty.
func some(calls []call) []call {
	kept := calls[:0]
	for _, c := range calls {
		if !c.list || len(c.args) > 0 {
			kept = append(kept, c)
		}
	}
	return kept
}
