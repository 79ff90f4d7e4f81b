package tokenomicsdb

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"math"
	"strings"

	"github.com/fogcompute/fogcompute/fog/tokenomics"
	"github.com/fogcompute/fogcompute/fog/tokenomics/chain"
)

const (
	movementColumns = "r.seq, r.tenant, r.op, r.key, r.owner, r.creator, r.body"
	blockColumns    = "r.last, r.first, r.at, r.root, r.hash"
)

var (
	readMovements = plain("read_movements", "ii",
		"SELECT "+movementColumns+" FROM fog_ledger_movements AS r WHERE r.seq > $1 ORDER BY r.seq LIMIT $2")
	readBlocks = plain("read_blocks", "ii",
		"SELECT "+blockColumns+" FROM fog_ledger_blocks AS r WHERE r.last > $1 ORDER BY r.last LIMIT $2")
	readNumbers = plain("read_numbers", "ttt", `SELECT number FROM fog_ledger_accounts
		WHERE tenant = $1 AND owner = $2 AND ($3 = '' OR kind = $3)`)
)

// Movements implements tokenomics.Log.
func (s *Store) Movements(ctx context.Context, after int64, limit int) ([]tokenomics.Movement, error) {
	return movements(func(c call) error { return s.read(ctx, c) }, after, limit)
}

func movements(read func(call) error, after int64, limit int) ([]tokenomics.Movement, error) {
	found := make([]tokenomics.Movement, 0, limit)
	err := read(readMovements.with(keptRow(func(m *tokenomics.Movement) { found = append(found, *m) }), after, int64(limit)))
	if err != nil {
		return nil, fmt.Errorf("tokenomicsdb.movements: %w", err)
	}
	return found, nil
}

// keptRow reads a row of movementColumns.
func keptRow(found func(*tokenomics.Movement)) func(scan) error {
	return movementRow(func(m *tokenomics.Movement, body []byte) error {
		m.Postings = nil
		err := m.Decode(bytes.Clone(body))
		if err == nil {
			found(m)
		}
		return err
	})
}

// movementRow reads a row of movementColumns: a movement without what its body says, and the body. The next row takes their memory.
func movementRow(found func(*tokenomics.Movement, []byte) error) func(scan) error {
	var m tokenomics.Movement
	var body sql.RawBytes
	into := []any{&m.Seq, (*string)(&m.Tenant), (*string)(&m.Op), &m.Key, (*string)(&m.Owner), (*string)(&m.Creator), &body}
	return func(read scan) error {
		if err := read(into...); err != nil {
			return err
		}
		return found(&m, body)
	}
}

// Blocks implements tokenomics.Log.
func (s *Store) Blocks(ctx context.Context, after int64, limit int) ([]tokenomics.Block, error) {
	return blocks(func(c call) error { return s.read(ctx, c) }, after, limit)
}

func blocks(read func(call) error, after int64, limit int) ([]tokenomics.Block, error) {
	var found []tokenomics.Block
	err := read(readBlocks.with(func(read scan) error {
		var b tokenomics.Block
		var root, hash []byte
		if err := read(&b.Last, &b.First, &b.At, &root, &hash); err != nil {
			return err
		}
		copy(b.Root[:], root)
		copy(b.Hash[:], hash)
		found = append(found, b)
		return nil
	}, after, int64(limit)))
	if err != nil {
		return nil, fmt.Errorf("tokenomicsdb.blocks: %w", err)
	}
	return found, nil
}

// readHead reads where the ledger stands.
func readHead(read func(call) error) (head chain.Head, err error) {
	var hash []byte
	var last int64
	err = read(call{statement: loadHead, row: func(read scan) error { return read(&head.Last, &hash, &last) }})
	copy(head.Hash[:], hash)
	return head, err
}

// Entries implements tokenomics.Log. Each compartment gives its newest movements by its index, and the newest of those hold
// the page: the cost does not grow with the account's history.
func (s *Store) Entries(ctx context.Context, query tokenomics.EntryQuery) ([]tokenomics.Entry, error) {
	newest := int64(math.MaxInt64)
	if query.Before != (tokenomics.Place{}) {
		newest = query.Before.Seq // some postings of it may lie before
	}
	args := []any{newest, int64(query.Limit) + 1}
	err := s.read(ctx, readNumbers.with(func(read scan) error {
		var number int64
		err := read(&number)
		args = append(args, number)
		return err
	}, string(query.Tenant), string(query.Account), string(query.Kind)))
	if err != nil {
		return nil, fmt.Errorf("tokenomicsdb.entries: %w", err)
	}
	if len(args) == 2 {
		return nil, nil
	}
	var found []tokenomics.Movement
	err = s.read(ctx, readEntries(len(args)-2).with(keptRow(func(m *tokenomics.Movement) { found = append(found, *m) }), args...))
	if err != nil {
		return nil, fmt.Errorf("tokenomicsdb.entries: %w", err)
	}
	return query.EntriesOf(found), nil
}

// readEntries returns the statement that reads the newest movements of so many sub-accounts, up to $1 and at most $2.
func readEntries(compartments int) *statement {
	parts := make([]string, compartments)
	for i := range parts {
		parts[i] = fmt.Sprintf(`SELECT seq FROM (SELECT seq FROM fog_ledger_index WHERE account = $%d AND seq <= $1
			ORDER BY seq DESC LIMIT $2) AS i%[1]d`, i+3)
	}
	return plain(fmt.Sprint("read_entries_", compartments), strings.Repeat("i", compartments+2), `
		SELECT `+movementColumns+` FROM fog_ledger_movements AS r WHERE r.seq IN (`+strings.Join(parts, " UNION ")+`)
		ORDER BY r.seq DESC LIMIT $2`)
}
