package tokenomicsdb

import (
	"context"
	"slices"
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

// call is a statement with what it takes, and what becomes of its answer.
type call struct {
	*statement
	ints  []int64 // what it takes of each type, row after row
	texts []string
	blobs [][]byte
	row   func(scan) error // is called for each row of the answer; nil: there are none
}

// scan reads the columns of one row into variables of the types *int64, *string, *[]byte and, until the next row, *sql.RawBytes.
type scan func(into ...any) error

// with returns a call of the statement that takes these values and reads its answer so.
func (s *statement) with(row func(scan) error, values ...any) call {
	c := call{statement: s, row: row}
	c.add(values...)
	return c
}

// add appends to what the statement takes: values of the types int64, string and []byte.
func (c *call) add(values ...any) {
	for _, value := range values {
		switch v := value.(type) {
		case int64:
			c.ints = append(c.ints, v)
		case string:
			c.texts = append(c.texts, v)
		case []byte:
			c.blobs = append(c.blobs, v)
		}
	}
}

// grow makes room for so many more rows.
func (c *call) grow(rows int) {
	c.ints = slices.Grow(c.ints, rows*strings.Count(c.types, "i"))
	c.texts = slices.Grow(c.texts, rows*strings.Count(c.types, "t"))
	c.blobs = slices.Grow(c.blobs, rows*strings.Count(c.types, "b"))
}

// values returns how many values the statement takes.
func (c *call) values() int { return len(c.ints) + len(c.texts) + len(c.blobs) }

// rows returns how many rows the statement takes.
func (c *call) rows() int { return c.values() / len(c.types) }

// args returns what the statement takes, row after row.
func (c *call) args() []any {
	ints, texts, blobs := c.ints, c.texts, c.blobs
	list := make([]any, c.values())
	for i := range list {
		switch c.types[i%len(c.types)] {
		case 'i':
			list[i], ints = ints[0], ints[1:]
		case 't':
			list[i], texts = texts[0], texts[1:]
		case 'b':
			list[i], blobs = blobs[0], blobs[1:]
		}
	}
	return list
}

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

// insert returns a statement that writes each row of a list; then says what follows. It runs in a transaction that does not outlive its
// failure, so SQLite need not keep what would undo the statement alone.
func insert(name, types, into, then string) *statement {
	return &statement{
		name: "fog_ledger_" + name, types: types, list: true,
		postgres: "INSERT INTO " + into + " SELECT unnest(" + strings.ReplaceAll(parameters(len(types)), ", ", "), unnest(") + ") " + then,
		sqlite:   "INSERT OR FAIL INTO " + into + " VALUES %s " + then,
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
		if !c.list || c.values() > 0 {
			kept = append(kept, c)
		}
	}
	return kept
}
