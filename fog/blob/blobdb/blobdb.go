// Package blobdb keeps the index of blobs in a database: PostgreSQL or SQLite.
//
// Whoever changes who holds a digest locks the digest's row in fog_blob_files first, in the order of digests, so that a
// copy is given up only when really nobody holds it. Then come the rows of holders, then those of usage.
package blobdb

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"github.com/fogcompute/fogcompute/fog/blob"
	"github.com/fogcompute/fogcompute/fog/internal/db"
	"github.com/fogcompute/fogcompute/fog/principal"
)

// Dialect names the kind of database: "postgres" or "sqlite".
type Dialect = db.Dialect

// The kinds of databases.
const (
	Postgres = db.Postgres
	SQLite   = db.SQLite
)

//go:embed migrations
var migrations embed.FS

func tables() db.Tables { return db.Tables{Name: "blob", Files: migrations} }

// Store implements blob.Index. Make one with New. It is safe for concurrent use.
type Store struct {
	d *db.DB
}

var _ blob.Index = (*Store)(nil)

// New returns the index of a database that belongs to the caller. On SQLite the pool should have one connection that
// begins transactions immediately.
func New(sqldb *sql.DB, dialect Dialect) *Store {
	return &Store{d: db.Wrap(sqldb, dialect)}
}

// WithReader returns a store that reads through another pool of the same database.
func (s *Store) WithReader(sqldb *sql.DB) *Store {
	d := *s.d
	d.Read = db.Wrap(sqldb, d.Dialect).Read
	return &Store{d: &d}
}

// Migrate brings the index's tables to the version of this program.
func (s *Store) Migrate(ctx context.Context) error { return tables().Migrate(ctx, s.d) }

// Ready reports whether the index's tables are at the version of this program: nil, or an error of kind Unavailable or
// Conflict.
func (s *Store) Ready(ctx context.Context) error { return tables().Check(ctx, s.d) }

// row is an owner's blob.
type row struct {
	bun.BaseModel `bun:"table:fog_blobs,alias:b"`

	Tenant  string `bun:"tenant,pk"`
	Digest  string `bun:"digest,pk"`
	Owner   string `bun:"owner,pk"`
	Creator string `bun:"creator"`
	Bytes   int64  `bun:"bytes"`
	Created int64  `bun:"created_at"`
	Used    int64  `bun:"used_at"`
	Copy    string `bun:"copy,scanonly"`
}

// info returns what the row says.
func (r *row) info() blob.Info {
	return blob.Info{
		Digest: blob.Digest(r.Digest), Bytes: r.Bytes, Tenant: principal.Tenant(r.Tenant), Owner: principal.Account(r.Owner),
		Creator: principal.Account(r.Creator), Created: db.Time(r.Created), Used: db.Time(r.Used), Copy: r.Copy,
	}
}

// Add implements blob.Holdings.
func (s *Store) Add(ctx context.Context, info blob.Info, quota int64) (blob.Info, error) {
	var added blob.Info
	err := db.Tx(ctx, s.d, func(ctx context.Context, tx bun.Tx) error {
		r := row{
			Tenant: string(info.Tenant), Digest: string(info.Digest), Owner: string(info.Owner), Creator: string(info.Creator),
			Bytes: info.Bytes, Created: db.Micros(info.Created), Used: db.Micros(info.Used),
		}
		name, err := lockFile(ctx, tx, info)
		if err != nil {
			return err
		}
		if err := addRow(ctx, tx, &r, quota); err != nil {
			return err
		}
		r.Copy = name
		added = r.info()
		return nil
	})
	if err != nil {
		return blob.Info{}, fmt.Errorf("blobdb.add: %w", err)
	}
	return added, nil
}

// lockFile makes or locks the row of a digest and returns the name of its copy.
func lockFile(ctx context.Context, tx bun.Tx, info blob.Info) (string, error) {
	var name string
	err := tx.NewRaw(`INSERT INTO fog_blob_files (digest, bytes, copy) VALUES (?, ?, ?)
		ON CONFLICT (digest) DO UPDATE SET bytes = excluded.bytes RETURNING copy`,
		string(info.Digest), info.Bytes, info.Copy).Scan(ctx, &name)
	return name, err
}

// addRow renews an owner's row, or makes it and charges the owner for it. The digest is locked.
func addRow(ctx context.Context, tx bun.Tx, r *row, quota int64) error {
	err := tx.NewRaw(`UPDATE fog_blobs SET used_at = CASE WHEN used_at < ? THEN ? ELSE used_at END
		WHERE tenant = ? AND digest = ? AND owner = ? RETURNING creator, bytes, created_at, used_at`,
		r.Used, r.Used, r.Tenant, r.Digest, r.Owner).Scan(ctx, &r.Creator, &r.Bytes, &r.Created, &r.Used)
	if !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	if r.Bytes > quota {
		return blob.ErrQuota
	}
	if _, err := tx.NewInsert().Model(r).Exec(ctx); err != nil {
		return err
	}
	var total int64
	err = tx.NewRaw(`INSERT INTO fog_blob_usage (tenant, owner, creator, bytes, blobs) VALUES (?, ?, ?, ?, 1)
		ON CONFLICT (tenant, owner) DO UPDATE SET bytes = fog_blob_usage.bytes + excluded.bytes, blobs = fog_blob_usage.blobs + 1
		WHERE fog_blob_usage.bytes + excluded.bytes <= ? RETURNING bytes`,
		r.Tenant, r.Owner, r.Creator, r.Bytes, quota).Scan(ctx, &total)
	if errors.Is(err, sql.ErrNoRows) {
		return blob.ErrQuota
	}
	return err
}

// Find implements blob.Holdings.
func (s *Store) Find(ctx context.Context, tenant principal.Tenant, digest blob.Digest) (blob.Info, bool, error) {
	var r row
	err := s.d.Read.NewSelect().Model(&r).ColumnExpr("b.*").ColumnExpr("f.copy").
		Join("JOIN fog_blob_files AS f ON f.digest = b.digest").
		Where("b.tenant = ? AND b.digest = ?", string(tenant), string(digest)).
		Order("b.created_at", "b.owner").Limit(1).Scan(ctx)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return blob.Info{}, false, nil
	case err != nil:
		return blob.Info{}, false, db.Kind(fmt.Errorf("blobdb.find: %w", err))
	}
	return r.info(), true, nil
}

// Touch implements blob.Holdings.
func (s *Store) Touch(ctx context.Context, tenant principal.Tenant, digest blob.Digest, used time.Time) (bool, error) {
	var touched int64
	err := db.Tx(ctx, s.d, func(ctx context.Context, tx bun.Tx) (err error) {
		touched, err = touch(ctx, tx, string(tenant), string(digest), db.Micros(used))
		return err
	})
	if err != nil {
		return false, fmt.Errorf("blobdb.touch: %w", err)
	}
	return touched > 0, nil
}

// touch renews a tenant's rows of a blob and returns their number.
func touch(ctx context.Context, tx bun.Tx, tenant, digest string, used int64) (int64, error) {
	result, err := tx.NewRaw(`UPDATE fog_blobs SET used_at = CASE WHEN used_at < ? THEN ? ELSE used_at END
		WHERE tenant = ? AND digest = ?`, used, used, tenant, digest).Exec(ctx)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

// Usage implements blob.Holdings.
func (s *Store) Usage(ctx context.Context, tenant principal.Tenant, owner principal.Account) (blob.Usage, error) {
	var u blob.Usage
	err := s.d.Read.NewRaw("SELECT bytes, blobs FROM fog_blob_usage WHERE tenant = ? AND owner = ?", string(tenant), string(owner)).
		Scan(ctx, &u.Bytes, &u.Blobs)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return blob.Usage{}, db.Kind(fmt.Errorf("blobdb.usage: %w", err))
	}
	return u, nil
}

// Stats implements blob.Holdings.
func (s *Store) Stats(ctx context.Context) (blob.Stats, error) {
	var stats blob.Stats
	err := s.d.Read.NewRaw("SELECT CAST(coalesce(sum(bytes), 0) AS BIGINT), count(*) FROM fog_blob_files").
		Scan(ctx, &stats.Bytes, &stats.Blobs)
	if err != nil {
		return blob.Stats{}, db.Kind(fmt.Errorf("blobdb.stats: %w", err))
	}
	return stats, nil
}
