package db

import (
	"context"
	"embed"
	"fmt"
	"io/fs"
	"path"
	"regexp"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/migrate"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
)

//go:embed migrations
var ground embed.FS

// migrationLock is the key of the advisory lock under which servers that start together migrate one after the other.
const migrationLock = 0x666f67 // "fog"

// MigrateGround makes the tables of the journal and of duties. Each store's Migrate calls it first.
func MigrateGround(ctx context.Context, d *DB) error {
	files, err := fs.Sub(ground, "migrations")
	if err != nil {
		return fault.Wrap("db.migrate", err)
	}
	return Migrate(ctx, d, "ground", files)
}

// CheckGround is Check for the tables that MigrateGround makes.
func CheckGround(ctx context.Context, d *DB) error {
	files, err := fs.Sub(ground, "migrations")
	if err != nil {
		return fault.Wrap("db.check", err)
	}
	return Check(ctx, d, "ground", files)
}

// Migrate brings the tables of one store to the newest version that this program knows.
//
// The folders postgres and sqlite of files hold the steps as YYYYMMDDNNNNNN_name.up.sql; several statements may stand in a
// step. Each step and its mark in the table fog_<name>_migrations are one transaction, so a step is applied and marked,
// or neither. Servers that start together wait for each other. A database with a step that this program does not know is
// refused with kind Conflict: an older program must not write into it.
func Migrate(ctx context.Context, d *DB, name string, files fs.FS) error {
	s, err := newSchema(d, name, files)
	if err != nil {
		return err
	}
	unlock, err := lockMigrations(ctx, d)
	if err != nil {
		return err
	}
	defer unlock()
	if err := s.createTable(ctx); err != nil {
		return Kind(fmt.Errorf("db.migrate %s: %w", name, err))
	}
	if err := s.refuseNewer(ctx); err != nil {
		return err
	}
	if _, err := s.migrator.Migrate(ctx); err != nil {
		return Kind(fmt.Errorf("db.migrate %s: %w", name, err))
	}
	return nil
}

// Check reports whether the tables of one store are exactly at the version that this program knows, without writing: nil,
// Unavailable when a step is missing, Conflict when the database is newer.
func Check(ctx context.Context, d *DB, name string, files fs.FS) error {
	s, err := newSchema(d, name, files)
	if err != nil {
		return err
	}
	exists, err := s.tableExists(ctx)
	if err != nil {
		return Kind(err)
	}
	if !exists {
		return fault.Newf(fault.Unavailable, "db.check", "database schema of %s is missing: migrate it", name)
	}
	if err := s.refuseNewer(ctx); err != nil {
		return err
	}
	steps, err := s.migrator.MigrationsWithStatus(ctx)
	if err != nil {
		return Kind(err)
	}
	if missing := steps.Unapplied(); len(missing) > 0 {
		return fault.Newf(fault.Unavailable, "db.check", "database schema of %s lacks step %s: migrate it", name, missing[0])
	}
	return nil
}

// schema is one store's steps and the table in which they are marked.
type schema struct {
	d        *DB
	name     string
	table    string
	steps    *migrate.Migrations
	migrator *migrate.Migrator
}

var (
	namePattern = regexp.MustCompile(`^[a-z]+$`)
	stepPattern = regexp.MustCompile(`^(\d{14})_([a-z0-9_]+)\.up\.sql$`)
)

// newSchema reads the steps of a store for the database's dialect.
func newSchema(d *DB, name string, files fs.FS) (*schema, error) {
	if !namePattern.MatchString(name) {
		return nil, fault.Newf(fault.Internal, "db.migrate", "store name %q: only small letters", name)
	}
	s := &schema{d: d, name: name, table: "fog_" + name + "_migrations", steps: migrate.NewMigrations()}
	entries, err := fs.ReadDir(files, string(d.Dialect))
	if err != nil {
		return nil, fault.Wrap("db.migrate", err)
	}
	for _, entry := range entries {
		match := stepPattern.FindStringSubmatch(entry.Name())
		if match == nil {
			return nil, fault.Newf(fault.Internal, "db.migrate", "step %s of %s has no name of the form YYYYMMDDNNNNNN_name.up.sql",
				entry.Name(), name)
		}
		text, err := fs.ReadFile(files, path.Join(string(d.Dialect), entry.Name()))
		if err != nil {
			return nil, fault.Wrap("db.migrate", err)
		}
		s.steps.Add(migrate.Migration{Name: match[1], Comment: match[2], Up: s.step(string(text))})
	}
	s.migrator = migrate.NewMigrator(d.Write, s.steps, migrate.WithTableName(s.table),
		migrate.WithMarkAppliedOnSuccess(true), migrate.WithUpsert(true))
	return s, nil
}

// step returns the function that applies one step and marks it, in one transaction. The migrator marks it once more
// afterwards, which changes nothing; without a mark of ours a crash between the two would apply the step twice. A step
// that another server has applied since the migrator looked is skipped.
func (s *schema) step(text string) func(context.Context, *migrate.Migrator, *migrate.Migration) error {
	return func(ctx context.Context, _ *migrate.Migrator, m *migrate.Migration) error {
		return s.d.Write.RunInTx(ctx, nil, func(ctx context.Context, tx bun.Tx) error {
			applied, err := tx.NewSelect().TableExpr(s.table).Where("name = ?", m.Name).Exists(ctx)
			if err != nil || applied {
				return err
			}
			if _, err := tx.ExecContext(ctx, text); err != nil {
				return err
			}
			_, err = tx.NewInsert().Model(&migrate.Migration{Name: m.Name, GroupID: m.GroupID}).ModelTableExpr(s.table).Exec(ctx)
			return err
		})
	}
}

// createTable makes the table of marks: the part of the migrator's Init that we use, without its table of locks.
func (s *schema) createTable(ctx context.Context) error {
	_, err := s.d.Write.NewCreateTable().Model((*migrate.Migration)(nil)).ModelTableExpr(s.table).IfNotExists().Exec(ctx)
	if err != nil {
		return err
	}
	_, err = s.d.Write.NewCreateIndex().Unique().TableExpr(s.table).Index(s.table + "_name_unique").Column("name").
		IfNotExists().Exec(ctx)
	return err
}

// tableExists reports whether the table of marks is there.
func (s *schema) tableExists(ctx context.Context) (bool, error) {
	var n int
	query := "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = ?"
	if s.d.Dialect == Postgres {
		query = "SELECT count(to_regclass(?))"
	}
	err := s.d.Write.NewRaw(query, s.table).Scan(ctx, &n)
	return n > 0, err
}

// refuseNewer returns a Conflict if the database has steps that this program does not know.
func (s *schema) refuseNewer(ctx context.Context) error {
	unknown, err := s.migrator.MissingMigrations(ctx)
	if err != nil {
		return Kind(err)
	}
	if len(unknown) == 0 {
		return nil
	}
	newest := ""
	for _, m := range unknown {
		newest = max(newest, m.Name)
	}
	known := "nothing"
	if steps := s.steps.Sorted(); len(steps) > 0 {
		known = steps[len(steps)-1].Name
	}
	if newest < known {
		return fault.Newf(fault.Conflict, "db.migrate",
			"database schema of %s is of an early version (has %s) that this program cannot read: begin with an empty database", s.name, newest)
	}
	return fault.Newf(fault.Conflict, "db.migrate",
		"database schema of %s is newer than this program (has %s, knows up to %s): upgrade the program", s.name, newest, known)
}

// lockMigrations waits until no other server migrates, and returns the function that lets the next one go on. The lock
// belongs to a connection of its own, so it ends with this process whatever happens. On SQLite the transaction of each
// step is lock enough.
func lockMigrations(ctx context.Context, d *DB) (unlock func(), err error) {
	if d.Dialect == SQLite {
		return func() {}, nil
	}
	if d.Write.Stats().MaxOpenConnections == 1 {
		return nil, fault.New(fault.Invalid, "db.migrate", "the pool must allow at least two connections")
	}
	conn, err := d.Write.Conn(ctx)
	if err != nil {
		return nil, Kind(err)
	}
	if _, err := conn.ExecContext(ctx, "SELECT pg_advisory_lock(?)", migrationLock); err != nil {
		_ = conn.Close()
		return nil, Kind(err)
	}
	return func() {
		_, _ = conn.ExecContext(context.WithoutCancel(ctx), "SELECT pg_advisory_unlock(?)", migrationLock)
		_ = conn.Close()
	}, nil
}
