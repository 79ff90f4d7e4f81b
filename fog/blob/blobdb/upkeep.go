package blobdb

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"github.com/fogcompute/fogcompute/fog/blob"
	"github.com/fogcompute/fogcompute/fog/internal/db"
)

// refRow is a reference.
type refRow struct {
	bun.BaseModel `bun:"table:fog_blob_refs"`

	Tenant  string `bun:"tenant,pk"`
	Digest  string `bun:"digest,pk"`
	By      string `bun:"by_what,pk"`
	Created int64  `bun:"created_at"`
}

// Ref implements blob.Upkeep. It locks the digests, so that no collection is between looking at them and taking them.
func (s *Store) Ref(ctx context.Context, refs []blob.Ref, now time.Time) error {
	refs = slices.SortedFunc(slices.Values(refs), func(a, b blob.Ref) int { return cmp.Compare(a.Digest, b.Digest) })
	err := db.Tx(ctx, s.d, func(ctx context.Context, tx bun.Tx) error {
		for _, r := range refs {
			if _, err := s.lock(ctx, tx, "FOR SHARE", []string{string(r.Digest)}); err != nil {
				return err
			}
			touched, err := touch(ctx, tx, string(r.Tenant), string(r.Digest), db.Micros(now))
			if err != nil {
				return err
			}
			if touched == 0 {
				return blob.ErrNotFound
			}
			row := refRow{Tenant: string(r.Tenant), Digest: string(r.Digest), By: r.By, Created: db.Micros(now)}
			if _, err := tx.NewInsert().Model(&row).On("CONFLICT DO NOTHING").Exec(ctx); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("blobdb.ref: %w", err)
	}
	return nil
}

// Unref implements blob.Upkeep.
func (s *Store) Unref(ctx context.Context, refs []blob.Ref) error {
	err := db.Tx(ctx, s.d, func(ctx context.Context, tx bun.Tx) error {
		for _, r := range refs {
			_, err := tx.NewDelete().Model((*refRow)(nil)).
				Where("tenant = ? AND digest = ? AND by_what = ?", string(r.Tenant), string(r.Digest), r.By).Exec(ctx)
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("blobdb.unref: %w", err)
	}
	return nil
}

// unused selects rows that a collection may take; the argument is a time.
const unused = `used_at < ? AND NOT EXISTS (
	SELECT 1 FROM fog_blob_refs AS r WHERE r.tenant = fog_blobs.tenant AND r.digest = fog_blobs.digest)`

// Doom implements blob.Upkeep.
func (s *Store) Doom(ctx context.Context, unusedBefore time.Time, limit int) (int, []blob.Copy, error) {
	if limit <= 0 {
		return 0, nil, nil
	}
	var taken int
	var copies []blob.Copy
	err := db.Tx(ctx, s.d, func(ctx context.Context, tx bun.Tx) error {
		rows, err := s.take(ctx, tx, db.Micros(unusedBefore), limit)
		if err != nil {
			return err
		}
		if err := refund(ctx, tx, rows); err != nil {
			return err
		}
		taken = len(rows)
		copies, err = s.abandon(ctx, tx, rows, limit)
		return err
	})
	if err != nil {
		return 0, nil, fmt.Errorf("blobdb.doom: %w", err)
	}
	return taken, copies, nil
}

// take deletes unused rows. It finds them, locks their digests, and only then deletes those that are still unused. A row
// whose digest is no longer there to be locked has been taken by another collection, and may even have come back since.
func (s *Store) take(ctx context.Context, tx bun.Tx, before int64, limit int) ([]row, error) {
	var rows []row
	err := tx.NewRaw("SELECT tenant, digest, owner, bytes FROM fog_blobs WHERE "+unused+" ORDER BY used_at LIMIT ?", before, limit).
		Scan(ctx, &rows)
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	locked, err := s.lock(ctx, tx, "FOR UPDATE", digests(rows))
	if err != nil {
		return nil, err
	}
	var keys []any
	for _, r := range rows {
		if slices.Contains(locked, r.Digest) {
			keys = append(keys, r.Tenant, r.Digest, r.Owner)
		}
	}
	if len(keys) == 0 {
		return nil, nil
	}
	values := strings.Repeat(", (?, ?, ?)", len(keys)/3)[2:]
	var taken []row
	err = tx.NewRaw("DELETE FROM fog_blobs WHERE (tenant, digest, owner) IN (VALUES "+values+") AND "+unused+
		" RETURNING tenant, digest, owner, bytes", append(keys, before)...).Scan(ctx, &taken)
	return taken, err
}

// lock locks the rows of digests, in their order, and returns those that exist. SQLite's one writer has them all.
func (s *Store) lock(ctx context.Context, tx bun.Tx, mode string, all []string) ([]string, error) {
	if s.d.Dialect == db.SQLite {
		return all, nil
	}
	var locked []string
	err := tx.NewRaw("SELECT digest FROM fog_blob_files WHERE digest IN (?) ORDER BY digest "+mode, bun.List(all)).Scan(ctx, &locked)
	return locked, err
}

// digests returns the digests of rows.
func digests(rows []row) []string {
	all := make([]string, len(rows))
	for i, r := range rows {
		all[i] = r.Digest
	}
	return all
}

// refund gives the owners of deleted rows their quota back, in the order of owners so that two collections cannot wait
// for each other.
func refund(ctx context.Context, tx bun.Tx, rows []row) error {
	slices.SortFunc(rows, func(a, b row) int {
		return cmp.Or(cmp.Compare(a.Tenant, b.Tenant), cmp.Compare(a.Owner, b.Owner))
	})
	for start := 0; start < len(rows); {
		first, end, bytes := rows[start], start, int64(0)
		for end < len(rows) && rows[end].Tenant == first.Tenant && rows[end].Owner == first.Owner {
			bytes += rows[end].Bytes
			end++
		}
		_, err := tx.NewRaw("UPDATE fog_blob_usage SET bytes = bytes - ?, blobs = blobs - ? WHERE tenant = ? AND owner = ?",
			bytes, end-start, first.Tenant, first.Owner).Exec(ctx)
		if err != nil {
			return err
		}
		start = end
	}
	return nil
}

// abandon remembers the copies that nobody holds any more, and returns some of all that are remembered.
func (s *Store) abandon(ctx context.Context, tx bun.Tx, rows []row, limit int) ([]blob.Copy, error) {
	if len(rows) > 0 {
		var gone []copyRow
		err := tx.NewRaw(`DELETE FROM fog_blob_files WHERE digest IN (?)
			AND NOT EXISTS (SELECT 1 FROM fog_blobs AS b WHERE b.digest = fog_blob_files.digest)
			RETURNING digest, copy`, bun.List(digests(rows))).Scan(ctx, &gone)
		if err != nil {
			return nil, err
		}
		if len(gone) > 0 {
			if _, err := tx.NewInsert().Model(&gone).Exec(ctx); err != nil {
				return nil, err
			}
		}
	}
	var all []copyRow
	if err := tx.NewSelect().Model(&all).Limit(int64(limit)).Scan(ctx); err != nil {
		return nil, err
	}
	copies := make([]blob.Copy, len(all))
	for i, c := range all {
		copies[i] = blob.Copy{Digest: blob.Digest(c.Digest), Name: c.Copy}
	}
	return copies, nil
}

// copyRow is a copy whose bytes are to be removed.
type copyRow struct {
	bun.BaseModel `bun:"table:fog_blob_doomed"`

	Digest string `bun:"digest,pk"`
	Copy   string `bun:"copy,pk"`
}

// Bury implements blob.Upkeep.
func (s *Store) Bury(ctx context.Context, copies []blob.Copy) error {
	err := db.Tx(ctx, s.d, func(ctx context.Context, tx bun.Tx) error {
		for _, c := range copies {
			_, err := tx.NewDelete().Model((*copyRow)(nil)).
				Where("digest = ? AND copy = ?", string(c.Digest), c.Name).Exec(ctx)
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("blobdb.bury: %w", err)
	}
	return nil
}
