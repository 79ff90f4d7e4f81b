package tokenomicsdb

import (
	"context"
	"fmt"

	"github.com/uptrace/bun"

	"github.com/fogcompute/fogcompute/fog/internal/db"
	"github.com/fogcompute/fogcompute/fog/tokenomics"
)

// Commit implements tokenomics.Books.
func (s *Store) Commit(ctx context.Context, fence tokenomics.Fence, changes tokenomics.Changes) error {
	err := db.Tx(ctx, s.d, func(ctx context.Context, tx bun.Tx) error {
		if err := db.CheckFence(ctx, tx, s.d.Dialect, fence); err != nil {
			return err
		}
		for _, step := range []func(context.Context, bun.Tx, tokenomics.Changes) error{
			s.raiseHead, s.writeFresh, s.writeBalances, s.writeHolds, s.writeMovements, s.writePostings, s.writeTally,
			s.writeVerdicts,
		} {
			if err := step(ctx, tx, changes); err != nil {
				return err
			}
		}
		if s.journal == nil {
			return nil
		}
		return db.AppendFacts(ctx, tx, s.d.Dialect, changes.At, changes.Facts)
	})
	if err != nil {
		return fmt.Errorf("tokenomicsdb.commit: %w", err)
	}
	if s.journal != nil {
		s.journal.NotifyFacts(changes.Facts)
	}
	if len(changes.Verdicts) > 0 {
		s.notify(tokenomics.TopicVerdict)
	}
	return nil
}

// raiseHead takes the lock of the ledger, and returns ErrStale if the ledger does not stand where the batch was decided.
func (s *Store) raiseHead(ctx context.Context, tx bun.Tx, changes tokenomics.Changes) error {
	result, err := tx.NewRaw("UPDATE fog_ledger_head SET seq = ? WHERE id = 1 AND seq = ?", changes.Head, changes.Was).Exec(ctx)
	if err != nil {
		return err
	}
	return all(result.RowsAffected())(1, tokenomics.ErrStale)
}

// all returns a check that exactly so many rows were touched.
func all(touched int64, err error) func(want int, otherwise error) error {
	return func(want int, otherwise error) error {
		if err == nil && touched != int64(want) {
			return otherwise
		}
		return err
	}
}

// writeFresh inserts the sub-accounts that are new.
func (s *Store) writeFresh(ctx context.Context, tx bun.Tx, changes tokenomics.Changes) error {
	fresh := rows{columns: 6}
	for _, l := range changes.Lines {
		if l.Fresh {
			fresh.add(string(l.Tenant), string(l.Account), string(l.Kind), string(l.Creator), int64(l.Balance), db.Micros(l.Updated))
		}
	}
	_, err := s.write(ctx, tx, fresh, `INSERT INTO fog_ledger_accounts (tenant, owner, kind, creator, balance, updated_at)
		VALUES %s`)
	return err
}

// writeBalances updates the sub-accounts that exist.
func (s *Store) writeBalances(ctx context.Context, tx bun.Tx, changes tokenomics.Changes) error {
	known, n := rows{columns: 5}, 0
	for _, l := range changes.Lines {
		if !l.Fresh {
			known.add(string(l.Tenant), string(l.Account), string(l.Kind), int64(l.Balance), db.Micros(l.Updated))
			n++
		}
	}
	touched, err := s.write(ctx, tx, known, `UPDATE fog_ledger_accounts AS a SET balance = v.column4, updated_at = v.column5
		FROM (VALUES %s) AS v WHERE a.tenant = v.column1 AND a.owner = v.column2 AND a.kind = v.column3`)
	return all(int64(touched), err)(n, fmt.Errorf("%d of %d balances written", touched, n))
}

// writeHolds inserts new holds and updates the others.
func (s *Store) writeHolds(ctx context.Context, tx bun.Tx, changes tokenomics.Changes) error {
	holds := rows{columns: 10}
	for _, h := range changes.Holds {
		holds.add(string(h.Tenant), string(h.ID), string(h.Payer), string(h.Creator), int64(h.Amount), int64(h.Captured),
			int64(h.Returned), string(h.State), db.Micros(h.Created), db.Micros(h.Resolved))
	}
	_, err := s.write(ctx, tx, holds, `
		INSERT INTO fog_ledger_holds
			(tenant, id, owner, creator, amount, captured, returned, state, created_at, resolved_at) VALUES %s
		ON CONFLICT (tenant, id) DO UPDATE SET captured = excluded.captured, returned = excluded.returned,
			state = excluded.state, resolved_at = excluded.resolved_at`)
	return err
}

// writeMovements inserts the movements; a key that was used before violates their unique index.
func (s *Store) writeMovements(ctx context.Context, tx bun.Tx, changes tokenomics.Changes) error {
	movements := rows{columns: 10}
	for _, m := range changes.Movements {
		movements.add(m.Seq, string(m.Tenant), string(m.Op), m.Key, m.Digest[:], string(m.Owner), string(m.Creator),
			string(m.Hold), m.Memo, db.Micros(m.At))
	}
	_, err := s.write(ctx, tx, movements, `INSERT INTO fog_ledger_movements
		(seq, tenant, op, key, digest, owner, creator, hold, memo, at) VALUES %s`)
	return err
}

// writePostings inserts the lines of the movements under the numbers of their accounts.
func (s *Store) writePostings(ctx context.Context, tx bun.Tx, changes tokenomics.Changes) error {
	postings, n := rows{columns: 7}, 0
	for _, m := range changes.Movements {
		for i, p := range m.Postings {
			postings.add(m.Seq, i, string(p.Tenant), string(p.Account), string(p.Kind), int64(p.Amount), int64(p.After))
			n++
		}
	}
	touched, err := s.write(ctx, tx, postings, `
		INSERT INTO fog_ledger_postings (seq, n, account, amount, balance)
		SELECT v.column1, v.column2, a.number, v.column6, v.column7
		FROM (VALUES %s)`+
		s.match("fog_ledger_accounts", "a", "a.tenant = v.column3 AND a.owner = v.column4 AND a.kind = v.column5"))
	return all(int64(touched), err)(n, fmt.Errorf("%d of %d postings written", touched, n))
}

// writeTally adds to the running sums.
func (s *Store) writeTally(ctx context.Context, tx bun.Tx, changes tokenomics.Changes) error {
	tally := rows{columns: 4}
	for _, c := range changes.Tally {
		tally.add(string(c.Tenant), c.Name, c.Hour, c.Add)
	}
	_, err := s.write(ctx, tx, tally, `
		INSERT INTO fog_ledger_tally (tenant, name, hour, value) VALUES %s
		ON CONFLICT (tenant, name, hour) DO UPDATE SET value = fog_ledger_tally.value + excluded.value`)
	return err
}

// writeVerdicts decides requests, each once: ErrStale if one of them is decided or gone.
func (s *Store) writeVerdicts(ctx context.Context, tx bun.Tx, changes tokenomics.Changes) error {
	verdicts := rows{columns: 7}
	for _, v := range changes.Verdicts {
		ok := 0
		if v.OK {
			ok = 1
		}
		verdicts.add(int64(v.ID), db.Micros(v.At), ok, int(v.Kind), v.Op, v.Field, v.Detail)
	}
	touched, err := s.write(ctx, tx, verdicts, `
		UPDATE fog_ledger_requests AS r SET decided_at = v.column2, ok = v.column3, error_kind = v.column4,
			error_op = v.column5, field = v.column6, detail = v.column7
		FROM (VALUES %s) AS v WHERE r.number = v.column1 AND r.decided_at = 0`)
	return all(int64(touched), err)(len(changes.Verdicts), tokenomics.ErrStale)
}
