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

// Put implements tokenomics.Queue.
func (s *Store) Put(ctx context.Context, requests []tokenomics.Request, at time.Time) ([]tokenomics.RequestID, error) {
	asked := rows{columns: 6}
	for _, r := range requests {
		body, err := json.Marshal(r)
		if err != nil {
			return nil, fmt.Errorf("tokenomicsdb.put: %w", err)
		}
		ref := r.Reference()
		asked.add(string(ref.Tenant), string(r.Owner()), string(r.Creator), string(ref.Op), string(body), db.Micros(at))
	}
	var ids []tokenomics.RequestID
	err := db.Tx(ctx, s.d, func(ctx context.Context, tx bun.Tx) error {
		ids = ids[:0]
		return asked.each(s.chunk(), func(values string, args []any) error {
			var part []tokenomics.RequestID
			err := tx.NewRaw(`INSERT INTO fog_ledger_requests (tenant, owner, creator, op, body, created_at)
				VALUES `+values+` RETURNING number`, args...).Scan(ctx, &part)
			ids = append(ids, part...)
			return err
		})
	})
	if err != nil {
		return nil, fmt.Errorf("tokenomicsdb.put: %w", err)
	}
	slices.Sort(ids) // numbers are given in the order of the rows, but need not come back in it
	s.notify(tokenomics.TopicRequest)
	return ids, nil
}

// Pending implements tokenomics.Queue. A body that this program cannot read comes as a request without operation.
func (s *Store) Pending(ctx context.Context, limit int) ([]tokenomics.Asked, error) {
	var found []struct {
		Number int64
		Body   string
	}
	err := s.d.Read.NewRaw("SELECT number, body FROM fog_ledger_requests WHERE decided_at = 0 ORDER BY number LIMIT ?", limit).
		Scan(ctx, &found)
	if err != nil {
		return nil, db.Kind(fmt.Errorf("tokenomicsdb.pending: %w", err))
	}
	asked := make([]tokenomics.Asked, len(found))
	for i, row := range found {
		asked[i].ID = tokenomics.RequestID(row.Number)
		if json.Unmarshal([]byte(row.Body), &asked[i].Request) != nil {
			asked[i].Request = tokenomics.Request{}
		}
	}
	return asked, nil
}

// Verdicts implements tokenomics.Queue.
func (s *Store) Verdicts(ctx context.Context, ids []tokenomics.RequestID) ([]tokenomics.Verdict, error) {
	keys := rows{columns: 1}
	for _, id := range ids {
		keys.add(int64(id))
	}
	var verdicts []tokenomics.Verdict
	err := s.lookUp(ctx, keys, `
		SELECT r.number, r.decided_at, r.ok, r.error_kind, r.error_op, r.field, r.detail
		FROM (VALUES %s)`+s.match("fog_ledger_requests", "r", "r.number = v.column1 AND r.decided_at > 0"),
		func(query string, args []any) error {
			var found []verdictRow
			if err := s.d.Read.NewRaw(query, args...).Scan(ctx, &found); err != nil {
				return err
			}
			for _, row := range found {
				verdicts = append(verdicts, row.verdict())
			}
			return nil
		})
	if err != nil {
		return nil, db.Kind(fmt.Errorf("tokenomicsdb.verdicts: %w", err))
	}
	return verdicts, nil
}

// verdictRow is the decided part of a row of fog_ledger_requests.
type verdictRow struct {
	Number, DecidedAt      int64
	OK                     int
	ErrorKind              uint8
	ErrorOp, Field, Detail string
}

func (r verdictRow) verdict() tokenomics.Verdict {
	return tokenomics.Verdict{
		ID: tokenomics.RequestID(r.Number), At: db.Time(r.DecidedAt), OK: r.OK != 0, Kind: fault.Kind(r.ErrorKind),
		Op: r.ErrorOp, Field: r.Field, Detail: r.Detail,
	}
}
