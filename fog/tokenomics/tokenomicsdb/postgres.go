package tokenomicsdb

import (
	"bytes"
	"context"
	"database/sql"
	"database/sql/driver"
	"encoding/binary"
	"errors"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
)

// errDriver refuses a pool of another driver.
var errDriver = fault.New(fault.Invalid, "tokenomicsdb.connect",
	"the ledger needs a pool of the driver github.com/jackc/pgx/v5/stdlib: it commits in one round trip")

// pgConn is a connection of a pool for as long as its borrower has it.
type pgConn struct{ *pgconn.PgConn }

// onConn runs f on a connection of the pool. One that f leaves in the middle of something, or that broke, is not used again: when
// a context ends, pgx closes the connection and cancels what the server is doing for it.
func onConn(ctx context.Context, pool *sql.DB, f func(*pgConn) error) error {
	conn, err := pool.Conn(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }() // gives it back
	done := errors.New("tokenomicsdb: the connection was not used")
	err = conn.Raw(func(raw any) error {
		pg, ok := raw.(*stdlib.Conn)
		if !ok {
			done = errDriver
			return nil
		}
		c := &pgConn{pg.Conn().PgConn()}
		done = f(c)
		if c.IsClosed() || c.TxStatus() != idle {
			return driver.ErrBadConn
		}
		return nil
	})
	if err != nil && !errors.Is(err, driver.ErrBadConn) {
		return err
	}
	return done
}

// idle is the status of a connection that is outside any transaction.
const idle = 'I'

// binaryFormat asks for, or announces, values in PostgreSQL's binary form.
var binaryFormat = []int16{1}

// Types of values and of arrays of them (catalogue pg_type).
var oids = map[byte]struct{ one, array uint32 }{'i': {20, 1016}, 't': {25, 1009}, 'b': {17, 1001}}

// run sends all calls at once and reads all answers. Outside a transaction they are one, which is durable when run returns nil, and
// is not, or nobody knows, when it returns an error.
func (c *pgConn) run(ctx context.Context, calls []call) error {
	err := c.runOnce(ctx, calls)
	if codeOf(err) == "26000" && c.TxStatus() == idle { // somebody has dropped the prepared statements of this connection
		delete(c.CustomData(), prepared)
		err = c.runOnce(ctx, calls)
	}
	return err
}

// codeOf returns the SQLSTATE of an error, empty if the server did not make it.
func codeOf(err error) string {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return pg.Code
	}
	return ""
}

func (c *pgConn) runOnce(ctx context.Context, calls []call) error {
	if err := c.prepare(ctx, calls); err != nil {
		return err
	}
	var batch pgconn.Batch
	var e encoder
	for i := range calls {
		batch.ExecPrepared(calls[i].name, e.parameters(&calls[i]), binaryFormat, binaryFormat)
	}
	results := c.ExecBatch(ctx, &batch)
	var failed error
	for i := 0; results.NextResult() && i < len(calls); i++ {
		answer := results.ResultReader()
		if failed == nil && calls[i].row != nil {
			failed = each(answer, calls[i].row)
		}
		_, _ = answer.Close() // what it lacks is told when all answers are closed
	}
	return errors.Join(results.Close(), failed)
}

// prepared is the key of a connection's data under which the names of its prepared statements are kept.
const prepared = "fog_ledger"

// prepare prepares what the connection does not have yet.
func (c *pgConn) prepare(ctx context.Context, calls []call) error {
	names, _ := c.CustomData()[prepared].(map[string]bool)
	var fresh []*statement
	for i := range calls {
		if !names[calls[i].name] {
			fresh = append(fresh, calls[i].statement)
		}
	}
	if len(fresh) == 0 {
		return nil
	}
	if names == nil {
		names = map[string]bool{}
		c.CustomData()[prepared] = names
	}
	for _, s := range fresh {
		if names[s.name] {
			continue // twice in these calls
		}
		if _, err := c.Prepare(ctx, s.name, s.postgres, s.oids()); err != nil {
			return err
		}
		names[s.name] = true
	}
	return nil
}

// oids returns the types of the parameters.
func (s *statement) oids() []uint32 {
	list := make([]uint32, len(s.types))
	for i := range list {
		list[i] = oids[s.types[i]].one
		if s.list {
			list[i] = oids[s.types[i]].array
		}
	}
	return list
}

// each calls row for each row of an answer.
func each(answer *pgconn.ResultReader, row func(scan) error) error {
	read := func(into ...any) error {
		for i, value := range answer.Values() {
			switch to := into[i].(type) {
			case *int64:
				*to = int64(binary.BigEndian.Uint64(value))
			case *string:
				if *to != string(value) { // what stays the same from row to row is not copied again
					*to = string(value)
				}
			case *[]byte:
				*to = bytes.Clone(value)
			case *sql.RawBytes:
				*to = value
			}
		}
		return nil
	}
	for answer.NextRow() {
		if err := row(read); err != nil {
			return err
		}
	}
	return nil
}

// encoder writes parameters in the binary form. What it returns is overwritten by the next call.
type encoder struct {
	buffer []byte
	ends   []int
	values [][]byte
}

// parameters returns what a call takes: an array for each column of a list, else the values.
func (e *encoder) parameters(c *call) [][]byte {
	e.buffer, e.ends, e.values = slices.Grow(e.buffer[:0], c.size()), e.ends[:0], e.values[:0]
	for column := range c.types {
		if c.list {
			e.header(c.rows(), oids[c.types[column]].one)
		}
		kind := c.types[column]
		switch at, step := strings.Count(c.types[:column], string(kind)), strings.Count(c.types, string(kind)); kind {
		case 'i':
			for ; at < len(c.ints); at += step {
				e.length(c.list, 8)
				e.buffer = binary.BigEndian.AppendUint64(e.buffer, uint64(c.ints[at]))
			}
		case 't':
			for ; at < len(c.texts); at += step {
				e.length(c.list, len(c.texts[at]))
				e.buffer = append(e.buffer, c.texts[at]...)
			}
		case 'b':
			for ; at < len(c.blobs); at += step {
				e.length(c.list, len(c.blobs[at]))
				e.buffer = append(e.buffer, c.blobs[at]...)
			}
		}
		e.ends = append(e.ends, len(e.buffer))
	}
	begin := 0
	for _, end := range e.ends {
		e.values = append(e.values, e.buffer[begin:end:end])
		begin = end
	}
	return e.values
}

// size is about how many bytes a call takes.
func (c *call) size() int {
	n := 20*len(c.types) + 12*c.values()
	for _, text := range c.texts {
		n += len(text)
	}
	for _, blob := range c.blobs {
		n += len(blob)
	}
	return n
}

// header begins an array of one dimension without nulls, whose first index is 1 (array_recv in PostgreSQL's arrayfuncs.c).
func (e *encoder) header(n int, element uint32) {
	for _, word := range [...]uint32{1, 0, element, uint32(n), 1} {
		e.buffer = binary.BigEndian.AppendUint32(e.buffer, word)
	}
}

// length writes the length of an element, which stands before it in an array and nowhere else.
func (e *encoder) length(array bool, n int) {
	if array {
		e.buffer = binary.BigEndian.AppendUint32(e.buffer, uint32(n))
	}
}
