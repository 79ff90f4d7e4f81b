package tokenomicsdb

import (
	"context"
	"fmt"

	"github.com/fogcompute/fogcompute/fog/internal/db"
	"github.com/fogcompute/fogcompute/fog/principal"
	"github.com/fogcompute/fogcompute/fog/tokenomics"
)

// Load implements tokenomics.Books. The head comes first: whatever is committed between the statements moves it on.
func (s *Store) Load(ctx context.Context, wanted tokenomics.Wanted) (tokenomics.Loaded, error) {
	loaded := tokenomics.Loaded{
		Lines: map[tokenomics.SubAccount]tokenomics.Line{}, Holds: map[tokenomics.HoldRef]tokenomics.HoldRecord{},
		Digests: map[tokenomics.Reference]tokenomics.Digest{}, Waiting: map[tokenomics.RequestID]bool{},
	}
	err := s.d.Read.NewRaw("SELECT seq FROM fog_ledger_head WHERE id = 1").Scan(ctx, &loaded.Head)
	if err == nil {
		err = s.loadHolds(ctx, wanted.Holds, &loaded)
	}
	if err == nil {
		err = s.loadLines(ctx, withPayers(wanted.SubAccounts, loaded.Holds), &loaded)
	}
	if err == nil {
		err = s.loadDigests(ctx, wanted.References, &loaded)
	}
	if err == nil {
		err = s.loadWaiting(ctx, wanted.Requests, &loaded)
	}
	if err != nil {
		return tokenomics.Loaded{}, db.Kind(fmt.Errorf("tokenomicsdb.load: %w", err))
	}
	return loaded, nil
}

// withPayers adds the available and held sub-accounts of the payers of holds, without repetition.
func withPayers(
	wanted []tokenomics.SubAccount, holds map[tokenomics.HoldRef]tokenomics.HoldRecord,
) map[tokenomics.SubAccount]bool {
	all := make(map[tokenomics.SubAccount]bool, len(wanted)+2*len(holds))
	for _, sub := range wanted {
		all[sub] = true
	}
	for ref, h := range holds {
		all[tokenomics.SubAccount{Tenant: ref.Tenant, Account: h.Payer, Kind: tokenomics.KindAvailable}] = true
		all[tokenomics.SubAccount{Tenant: ref.Tenant, Account: h.Payer, Kind: tokenomics.KindHeld}] = true
	}
	return all
}

// lookUp reads the rows of a table that match a list of keys; in the query %s stands for the VALUES list of the keys.
func (s *Store) lookUp(ctx context.Context, keys rows, query string, into func(values string, args []any) error) error {
	return keys.each(s.chunk(), func(values string, args []any) error {
		return into(fmt.Sprintf(query, values), args)
	})
}

func (s *Store) loadHolds(ctx context.Context, refs []tokenomics.HoldRef, loaded *tokenomics.Loaded) error {
	keys := rows{columns: 2}
	for _, ref := range refs {
		keys.add(string(ref.Tenant), string(ref.ID))
	}
	return s.lookUp(ctx, keys, `
		SELECT h.tenant, h.id, h.owner, h.creator, h.amount, h.captured, h.returned, h.state, h.created_at, h.resolved_at
		FROM (VALUES %s)`+s.match("fog_ledger_holds", "h", "h.tenant = v.column1 AND h.id = v.column2"),
		func(query string, args []any) error {
			var found []holdRow
			if err := s.d.Read.NewRaw(query, args...).Scan(ctx, &found); err != nil {
				return err
			}
			for _, row := range found {
				h := row.record()
				loaded.Holds[tokenomics.HoldRef{Tenant: h.Tenant, ID: h.ID}] = h
			}
			return nil
		})
}

// holdRow is a row of fog_ledger_holds.
type holdRow struct {
	Tenant, ID, Owner, Creator string
	Amount, Captured, Returned int64
	State                      string
	CreatedAt, ResolvedAt      int64
}

func (r holdRow) record() tokenomics.HoldRecord {
	return tokenomics.HoldRecord{
		ID: tokenomics.HoldID(r.ID), Tenant: principal.Tenant(r.Tenant), Payer: tokenomics.Account(r.Owner),
		Creator: principal.Account(r.Creator), Amount: tokenomics.Amount(r.Amount), Captured: tokenomics.Amount(r.Captured),
		Returned: tokenomics.Amount(r.Returned), State: tokenomics.HoldState(r.State),
		Created: db.Time(r.CreatedAt), Resolved: db.Time(r.ResolvedAt),
	}
}

func (s *Store) loadLines(ctx context.Context, subs map[tokenomics.SubAccount]bool, loaded *tokenomics.Loaded) error {
	keys := rows{columns: 3}
	for sub := range subs {
		keys.add(string(sub.Tenant), string(sub.Account), string(sub.Kind))
	}
	return s.lookUp(ctx, keys, `
		SELECT a.tenant, a.owner, a.kind, a.balance, a.updated_at FROM (VALUES %s)`+
		s.match("fog_ledger_accounts", "a", "a.tenant = v.column1 AND a.owner = v.column2 AND a.kind = v.column3"),
		func(query string, args []any) error {
			var found []struct {
				Tenant, Owner, Kind string
				Balance, UpdatedAt  int64
			}
			if err := s.d.Read.NewRaw(query, args...).Scan(ctx, &found); err != nil {
				return err
			}
			for _, row := range found {
				sub := tokenomics.SubAccount{
					Tenant: principal.Tenant(row.Tenant), Account: tokenomics.Account(row.Owner), Kind: tokenomics.Kind(row.Kind),
				}
				loaded.Lines[sub] = tokenomics.Line{Balance: tokenomics.Amount(row.Balance), Updated: db.Time(row.UpdatedAt)}
			}
			return nil
		})
}

func (s *Store) loadDigests(ctx context.Context, refs []tokenomics.Reference, loaded *tokenomics.Loaded) error {
	keys := rows{columns: 3}
	for _, ref := range refs {
		keys.add(string(ref.Tenant), string(ref.Op), ref.Key)
	}
	return s.lookUp(ctx, keys, `
		SELECT m.tenant, m.op, m.key, m.digest FROM (VALUES %s)`+
		s.match("fog_ledger_movements", "m", "m.tenant = v.column1 AND m.op = v.column2 AND m.key = v.column3"),
		func(query string, args []any) error {
			var found []struct {
				Tenant, Op, Key string
				Digest          []byte
			}
			if err := s.d.Read.NewRaw(query, args...).Scan(ctx, &found); err != nil {
				return err
			}
			for _, row := range found {
				ref := tokenomics.Reference{Tenant: principal.Tenant(row.Tenant), Op: tokenomics.Op(row.Op), Key: row.Key}
				var digest tokenomics.Digest
				copy(digest[:], row.Digest)
				loaded.Digests[ref] = digest
			}
			return nil
		})
}

func (s *Store) loadWaiting(ctx context.Context, ids []tokenomics.RequestID, loaded *tokenomics.Loaded) error {
	keys := rows{columns: 1}
	for _, id := range ids {
		keys.add(int64(id))
	}
	return s.lookUp(ctx, keys, `
		SELECT r.number FROM (VALUES %s)`+
		s.match("fog_ledger_requests", "r", "r.number = v.column1 AND r.decided_at = 0"),
		func(query string, args []any) error {
			var found []tokenomics.RequestID
			if err := s.d.Read.NewRaw(query, args...).Scan(ctx, &found); err != nil {
				return err
			}
			for _, id := range found {
				loaded.Waiting[id] = true
			}
			return nil
		})
}
