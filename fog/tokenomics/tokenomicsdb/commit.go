package tokenomicsdb

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/uptrace/bun"

	"github.com/fogcompute/fogcompute/fog/internal/db"
	"github.com/fogcompute/fogcompute/fog/tokenomics"
	"github.com/fogcompute/fogcompute/fog/tokenomics/chain"
)

// step is what a commit writes into one table.
type step struct {
	*statement
	fill  func(c *call, changes *tokenomics.Changes)
	exact error // SQLite: what it means that other than one row was touched for each that was given; nil: nothing
	used  error // what it means that a row is there already; nil: nothing good
}

// steps are the tables in the order in which a commit writes them, after the head. Those without rows are left out.
var steps = [...]step{
	{insert("account", "itttt", "fog_ledger_accounts (number, tenant, owner, kind, creator)", ""), fillFresh, nil, nil},
	{insert("hold", "ttttiiitiii",
		"fog_ledger_holds (tenant, id, owner, creator, amount, captured, returned, state, created_at, expires_at, resolved_at)",
		`ON CONFLICT (tenant, id) DO UPDATE SET captured = excluded.captured, returned = excluded.returned, state = excluded.state,
		resolved_at = excluded.resolved_at`), fillHolds, nil, nil},
	{insert("record", "ttttttiib", "fog_ledger_records (tenant, class, key, owner, creator, state, due_at, seq, body)",
		`ON CONFLICT (tenant, class, key) DO UPDATE SET owner = excluded.owner, creator = excluded.creator, state = excluded.state,
		due_at = excluded.due_at, seq = excluded.seq, body = excluded.body`), fillRecords, nil, nil},
	{change("forget", "ttt", "DELETE FROM fog_ledger_records WHERE (tenant, class, key) IN (VALUES %s)"), fillForgotten, nil, nil},
	{insert("point", "tttib", "fog_ledger_points (tenant, series, key, seq, body)", ""), fillPoints, nil, nil},
	{insert("movement", "itttttb", "fog_ledger_movements (seq, tenant, op, key, owner, creator, body)", ""),
		fillMovements, nil, tokenomics.ErrUsed},
	{insert("trace", "ii", "fog_ledger_index (account, seq)", ""), fillTraces, nil, nil},
	{insert("block", "iiibb", "fog_ledger_blocks (last, first, at, root, hash)", ""), fillBlock, nil, nil},
	{insert("tally", "ttii", "fog_ledger_tally (tenant, name, hour, value)",
		"ON CONFLICT (tenant, name, hour) DO UPDATE SET value = fog_ledger_tally.value + excluded.value"), fillTally, nil, nil},
	{change("decide", "iiiittt", `UPDATE fog_ledger_requests AS r SET decided_at = v.column2, ok = v.column3, error_kind = v.column4,
		error_op = v.column5, field = v.column6, detail = v.column7
		FROM (VALUES %s) AS v WHERE r.number = v.column1 AND r.decided_at = 0`), fillVerdicts, tokenomics.ErrStale, nil},
	{insert("fact", "ttii", "fog_facts (topic, id, version, created_at)", ""), fillFacts, nil, nil},
}

// begin checks the fence and moves the head on.
var begin = &statement{
	name: "fog_ledger_begin", types: "tiibib", postgres: "SELECT fog_ledger_begin($1, $2, $3, $4, $5, $6)",
	sqlite: "UPDATE fog_ledger_head SET seq = $5, hash = $6 WHERE id = 1 AND seq = $3 AND hash = $4",
}

// Commit implements tokenomics.Books.
func (s *Store) Commit(ctx context.Context, fence tokenomics.Fence, changes tokenomics.Changes) error {
	if changes.Empty() {
		return s.check(ctx, fence, changes.Was)
	}
	if s.journal == nil {
		changes.Facts = nil
	}
	calls := make([]call, 1, len(steps)+1)
	calls[0] = begin.with(nil, string(fence.Name), fence.Number, changes.Was.Last, changes.Was.Hash[:], changes.Head.Last, changes.Head.Hash[:])
	written := []step{{statement: begin, exact: tokenomics.ErrStale}}
	for i := range steps {
		c := call{statement: steps[i].statement}
		if steps[i].fill(&c, &changes); c.values() > 0 {
			calls, written = append(calls, c), append(written, steps[i])
		}
	}
	var err error
	if s.d.Dialect == SQLite {
		err = s.commitSQLite(ctx, fence, calls, written)
	} else {
		err = s.commitPostgres(ctx, calls)
	}
	if err != nil {
		return fmt.Errorf("tokenomicsdb.commit: %w", err)
	}
	s.announce(changes)
	return nil
}

// check is Commit of nothing. It writes nothing and waits for nobody.
func (s *Store) check(ctx context.Context, fence tokenomics.Fence, was chain.Head) error {
	var newest int64
	var loaded tokenomics.Loaded
	calls := []call{head(&loaded)}
	if fence != (tokenomics.Fence{}) {
		calls = append(calls, loadFence.with(func(read scan) error { return read(&newest) }, string(fence.Name)))
	}
	err := s.read(ctx, calls...)
	switch {
	case err != nil:
	case newest != fence.Number:
		err = tokenomics.ErrFenced
	case loaded.Head != was:
		err = tokenomics.ErrStale
	default:
		return nil
	}
	return fmt.Errorf("tokenomicsdb.commit: %w", err)
}

// commitTries is how often PostgreSQL may break a commit off because of others, which isolation levels above the usual do.
const commitTries = 3

// commitPostgres sends everything in one round trip. The server checks it, since nobody else can in between.
func (s *Store) commitPostgres(ctx context.Context, calls []call) error {
	for try := 1; ; try++ {
		err := onConn(ctx, s.d.Write.DB, func(c *pgConn) error { return c.run(ctx, calls) })
		var pg *pgconn.PgError
		if !errors.As(err, &pg) {
			return db.Kind(err)
		}
		switch {
		case pg.Code == "FOG01":
			return tokenomics.ErrFenced
		case pg.Code == "FOG02":
			return tokenomics.ErrStale
		case pg.ConstraintName == "fog_ledger_movements_reference":
			return tokenomics.ErrUsed
		case pg.Code != "40001" && pg.Code != "40P01" || try == commitTries:
			return db.Kind(err)
		}
	}
}

// commitSQLite runs the statements in one transaction of the one connection that writes. The head comes first.
func (s *Store) commitSQLite(ctx context.Context, fence tokenomics.Fence, calls []call, written []step) error {
	all := make([][]part, len(calls))
	for i := range calls {
		var err error
		if all[i], err = s.writer.parts(ctx, &calls[i]); err != nil {
			return db.Kind(err)
		}
	}
	return db.Tx(ctx, s.d, func(ctx context.Context, tx bun.Tx) error {
		ctx = context.WithoutCancel(ctx) // a statement that can be interrupted costs a goroutine, and these are short
		if err := db.CheckFence(ctx, tx, SQLite, fence); err != nil {
			return err
		}
		for i, parts := range all {
			if err := written[i].write(ctx, tx, calls[i].rows(), parts); err != nil {
				return err
			}
		}
		return nil
	})
}

// write runs a step's statements, which are for so many rows.
func (s *step) write(ctx context.Context, tx bun.Tx, rows int, parts []part) error {
	touched := int64(0)
	for _, p := range parts {
		result, err := tx.StmtContext(ctx, p.Stmt).ExecContext(ctx, p.args...)
		switch {
		case err != nil && s.used != nil && db.IsUnique(err):
			return s.used
		case err != nil:
			return err
		}
		n, err := result.RowsAffected()
		if err != nil {
			return err
		}
		touched += n
	}
	if s.exact != nil && touched != int64(rows) {
		return s.exact
	}
	return nil
}

// announce leaves hints of what is durable.
func (s *Store) announce(changes tokenomics.Changes) {
	if s.journal == nil {
		return
	}
	s.journal.NotifyFacts(changes.Facts)
	if len(changes.Movements) > 0 {
		s.journal.Notify(tokenomics.TopicMovement)
	}
	if len(changes.Verdicts) > 0 {
		s.journal.Notify(tokenomics.TopicVerdict)
	}
}

func fillFresh(c *call, changes *tokenomics.Changes) {
	for i := range changes.Fresh {
		l := &changes.Fresh[i]
		c.add(l.Number, string(l.Tenant), string(l.Account), string(l.Kind), string(l.Creator))
	}
}

func fillHolds(c *call, changes *tokenomics.Changes) {
	for i := range changes.Holds {
		h := &changes.Holds[i]
		c.add(string(h.Tenant), string(h.ID), string(h.Payer), string(h.Creator), int64(h.Amount), int64(h.Captured),
			int64(h.Returned), string(h.State), db.Micros(h.Created), db.Micros(h.Expires), db.Micros(h.Resolved))
	}
}

func fillRecords(c *call, changes *tokenomics.Changes) {
	for i := range changes.Records {
		if r := &changes.Records[i]; r.Body != nil {
			c.add(string(r.Tenant), string(r.Class), r.Key, string(r.Owner), string(r.Creator), r.State, db.Micros(r.Due), r.Seq, r.Body)
		}
	}
}

func fillForgotten(c *call, changes *tokenomics.Changes) {
	for i := range changes.Records {
		if r := &changes.Records[i]; r.Body == nil {
			c.add(string(r.Tenant), string(r.Class), r.Key)
		}
	}
}

func fillPoints(c *call, changes *tokenomics.Changes) {
	for i := range changes.Points {
		p := &changes.Points[i]
		c.add(string(p.Tenant), string(p.Series), p.Key, p.Seq, p.Body)
	}
}

func fillMovements(c *call, changes *tokenomics.Changes) {
	c.grow(len(changes.Movements))
	for i := range changes.Movements {
		m := &changes.Movements[i]
		c.ints = append(c.ints, m.Seq)
		c.texts = append(c.texts, string(m.Tenant), string(m.Op), m.Key, string(m.Owner), string(m.Creator))
		c.blobs = append(c.blobs, m.Body())
	}
}

// fillTraces brings the traces in the order of the index, so that what lies together there is written together.
func fillTraces(c *call, changes *tokenomics.Changes) {
	traces := make([]tokenomics.Trace, 0, 2*len(changes.Movements))
	for i := range changes.Movements {
		traces = changes.Movements[i].Traces(traces)
	}
	slices.SortFunc(traces, tokenomics.Trace.Compare)
	c.grow(len(traces))
	for _, t := range traces {
		c.ints = append(c.ints, t.Number, t.Seq)
	}
}

func fillBlock(c *call, changes *tokenomics.Changes) {
	if b := &changes.Block; len(changes.Movements) > 0 {
		c.add(b.Last, b.First, b.At, b.Root[:], b.Hash[:])
	}
}

func fillTally(c *call, changes *tokenomics.Changes) {
	for i := range changes.Tally {
		t := &changes.Tally[i]
		c.add(string(t.Tenant), t.Name, t.Hour, t.Add)
	}
}

func fillVerdicts(c *call, changes *tokenomics.Changes) {
	for i := range changes.Verdicts {
		v := &changes.Verdicts[i]
		ok := int64(0)
		if v.OK {
			ok = 1
		}
		c.add(int64(v.ID), db.Micros(v.At), ok, int64(v.Kind), v.Op, v.Field, v.Detail)
	}
}

func fillFacts(c *call, changes *tokenomics.Changes) {
	for i := range changes.Facts {
		f := &changes.Facts[i]
		c.add(string(f.Topic), f.ID, f.Version, db.Micros(changes.At))
	}
}
