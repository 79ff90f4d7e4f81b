package tokenomicsdb

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/uptrace/bun"

	"github.com/fogcompute/fogcompute/fog/internal/db"
	"github.com/fogcompute/fogcompute/fog/internal/fault"
	"github.com/fogcompute/fogcompute/fog/tokenomics"
)

var (
	putRequests = insert("put", "ttttti", "fog_ledger_requests (tenant, owner, creator, op, body, created_at)", "RETURNING number")
	readPending = plain("pending", "i", "SELECT number, body FROM fog_ledger_requests WHERE decided_at = 0 ORDER BY number LIMIT $1")
	readVerdict = lookUp("verdicts", "i", "r.number, r.decided_at, r.ok, r.error_kind, r.error_op, r.field, r.detail",
		"fog_ledger_requests", "r.number = v.column1 AND r.decided_at > 0")
)

// Put implements tokenomics.Queue.
func (s *Store) Put(ctx context.Context, requests []tokenomics.Request, at time.Time) ([]tokenomics.RequestID, error) {
	asked := call{statement: putRequests}
	for _, r := range requests {
		body, err := json.Marshal(r)
		if err != nil {
			return nil, fmt.Errorf("tokenomicsdb.put: %w", err)
		}
		ref := r.Reference()
		asked.add(string(ref.Tenant), string(r.Owner()), string(r.Creator), string(ref.Op), string(body), db.Micros(at))
	}
	ids := make([]tokenomics.RequestID, 0, len(requests))
	asked.row = func(read scan) error {
		var number int64
		err := read(&number)
		ids = append(ids, tokenomics.RequestID(number))
		return err
	}
	if err := s.put(ctx, asked); err != nil {
		return nil, fmt.Errorf("tokenomicsdb.put: %w", err)
	}
	slices.Sort(ids) // numbers are given in the order of the rows, but need not come back in it
	if s.journal != nil {
		s.journal.Notify(tokenomics.TopicRequest)
	}
	return ids, nil
}

// put writes requests in one transaction.
func (s *Store) put(ctx context.Context, asked call) error {
	calls := some([]call{asked})
	if s.d.Dialect != SQLite {
		return db.Kind(onConn(ctx, s.d.Write.DB, func(c *pgConn) error { return c.run(ctx, calls) }))
	}
	parts, err := s.writer.parts(ctx, &asked)
	if err != nil {
		return db.Kind(err)
	}
	return db.Tx(ctx, s.d, func(ctx context.Context, tx bun.Tx) error {
		for _, p := range parts {
			p.Stmt = tx.StmtContext(ctx, p.Stmt)
			if err := p.each(ctx, asked.row); err != nil {
				return err
			}
		}
		return nil
	})
}

// Pending implements tokenomics.Queue. A body that this program cannot read comes as a request without operation.
func (s *Store) Pending(ctx context.Context, limit int) ([]tokenomics.Asked, error) {
	var asked []tokenomics.Asked
	err := s.read(ctx, readPending.with(func(read scan) error {
		var number int64
		var body string
		if err := read(&number, &body); err != nil {
			return err
		}
		a := tokenomics.Asked{ID: tokenomics.RequestID(number)}
		if json.Unmarshal([]byte(body), &a.Request) != nil {
			a.Request = tokenomics.Request{}
		}
		asked = append(asked, a)
		return nil
	}, int64(limit)))
	if err != nil {
		return nil, fmt.Errorf("tokenomicsdb.pending: %w", err)
	}
	return asked, nil
}

// Verdicts implements tokenomics.Queue.
func (s *Store) Verdicts(ctx context.Context, ids []tokenomics.RequestID) ([]tokenomics.Verdict, error) {
	c := call{statement: readVerdict}
	for _, id := range ids {
		c.add(int64(id))
	}
	var verdicts []tokenomics.Verdict
	c.row = func(read scan) error {
		var v tokenomics.Verdict
		var number, at, ok, kind int64
		if err := read(&number, &at, &ok, &kind, &v.Op, &v.Field, &v.Detail); err != nil {
			return err
		}
		v.ID, v.At, v.OK, v.Kind = tokenomics.RequestID(number), db.Time(at), ok != 0, fault.Kind(kind)
		verdicts = append(verdicts, v)
		return nil
	}
	if err := s.read(ctx, c); err != nil {
		return nil, fmt.Errorf("tokenomicsdb.verdicts: %w", err)
	}
	return verdicts, nil
}
