package db

import (
	"context"
	"io/fs"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
)

// Tables are the tables of one store: its name among the migrations, and the file system whose folder "migrations" holds
// its steps.
type Tables struct {
	Name  string
	Files fs.FS
}

// Migrate brings the ground's tables and then these to the newest version that this program knows; see the function
// Migrate.
func (t Tables) Migrate(ctx context.Context, d *DB) error {
	files, err := fs.Sub(t.Files, "migrations")
	if err != nil {
		return fault.Wrap("db.migrate", err)
	}
	if err := MigrateGround(ctx, d); err != nil {
		return err
	}
	return Migrate(ctx, d, t.Name, files)
}

// Check reports whether the ground's tables and these have the version that this program knows; see the function Check.
func (t Tables) Check(ctx context.Context, d *DB) error {
	files, err := fs.Sub(t.Files, "migrations")
	if err != nil {
		return fault.Wrap("db.check", err)
	}
	if err := CheckGround(ctx, d); err != nil {
		return err
	}
	return Check(ctx, d, t.Name, files)
}
