package db_test

import (
	"context"
	"database/sql"
	"io/fs"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"github.com/fogcompute/fogcompute/fog/internal/db"
	"github.com/fogcompute/fogcompute/fog/internal/db/dbtest"
	"github.com/fogcompute/fogcompute/fog/internal/fault"
)

// steps makes the files of a store; both databases understand these statements.
func steps(texts ...string) fs.FS {
	files := fstest.MapFS{}
	for i, text := range texts {
		name := "/2026010100000" + string(rune('1'+i)) + "_step.up.sql"
		files["postgres"+name] = &fstest.MapFile{Data: []byte(text)}
		files["sqlite"+name] = &fstest.MapFile{Data: []byte(text)}
	}
	return files
}

const (
	stepOne = "CREATE TABLE one (x INTEGER); -- a comment; with a semicolon\nINSERT INTO one VALUES (1);"
	stepTwo = "ALTER TABLE one ADD COLUMN y TEXT DEFAULT 'what?';"
)

func rows(t *testing.T, d *db.DB, table string) int {
	t.Helper()
	var n int
	require.NoError(t, d.Read.NewRaw("SELECT count(*) FROM "+table).Scan(context.Background(), &n))
	return n
}

func TestMigrateStepByStep(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		ctx := context.Background()
		require.Equal(t, fault.Unavailable, fault.KindOf(db.Check(ctx, d, "test", steps(stepOne))))
		require.NoError(t, db.Migrate(ctx, d, "test", steps(stepOne)))
		require.NoError(t, db.Check(ctx, d, "test", steps(stepOne)))
		require.NoError(t, db.Migrate(ctx, d, "test", steps(stepOne)))
		require.Equal(t, 1, rows(t, d, "one"))

		err := db.Check(ctx, d, "test", steps(stepOne, stepTwo))
		require.Equal(t, fault.Unavailable, fault.KindOf(err))
		require.Contains(t, fault.Detail(err), "20260101000002")
		require.NoError(t, db.Migrate(ctx, d, "test", steps(stepOne, stepTwo)))
		require.NoError(t, db.Check(ctx, d, "test", steps(stepOne, stepTwo)))
		require.Equal(t, 2, rows(t, d, "fog_test_migrations"))
	})
}

// A step that breaks half way leaves nothing behind, neither its first half nor a mark, and is tried again.
func TestBrokenStepLeavesNothing(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		ctx := context.Background()
		broken := "CREATE TABLE two (x INTEGER); INSERT INTO nowhere VALUES (1);"
		err := db.Migrate(ctx, d, "test", steps(stepOne, broken))
		require.ErrorContains(t, err, "nowhere")
		require.Equal(t, 1, rows(t, d, "fog_test_migrations"), "the first step stands")
		require.Equal(t, fault.Unavailable, fault.KindOf(db.Check(ctx, d, "test", steps(stepOne, broken))))
		_, err = d.Write.ExecContext(ctx, "SELECT * FROM two")
		require.Error(t, err)
		require.NoError(t, db.Migrate(ctx, d, "test", steps(stepOne, "CREATE TABLE two (x INTEGER);")))
		require.Zero(t, rows(t, d, "two"))
	})
}

// A crash after a step and before the migrator's own mark must not apply the step twice. Here the step itself makes the
// migrator's mark fail; the mark inside the step's transaction stands.
func TestStepAndMarkAreOne(t *testing.T) {
	files := fstest.MapFS{
		"sqlite/20260101000001_step.up.sql": &fstest.MapFile{Data: []byte(stepOne + `
			CREATE TRIGGER crash BEFORE UPDATE ON fog_test_migrations BEGIN SELECT RAISE(ABORT, 'crash'); END;`)},
		"postgres/20260101000001_step.up.sql": &fstest.MapFile{Data: []byte(stepOne + `
			CREATE FUNCTION crash() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'crash'; END $$;
			CREATE TRIGGER crash BEFORE UPDATE ON fog_test_migrations FOR EACH ROW EXECUTE FUNCTION crash();`)},
	}
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		ctx := context.Background()
		require.ErrorContains(t, db.Migrate(ctx, d, "test", files), "crash")
		require.NoError(t, db.Check(ctx, d, "test", files))
		require.NoError(t, db.Migrate(ctx, d, "test", files))
		require.Equal(t, 1, rows(t, d, "one"))
	})
}

func TestNewerSchemaIsRefused(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		ctx := context.Background()
		require.NoError(t, db.Migrate(ctx, d, "test", steps(stepOne, stepTwo)))
		for _, err := range []error{db.Migrate(ctx, d, "test", steps(stepOne)), db.Check(ctx, d, "test", steps(stepOne))} {
			require.Equal(t, fault.Conflict, fault.KindOf(err))
			require.Equal(t, "database schema of test is newer than this program (has 20260101000002, knows up to "+
				"20260101000001): upgrade the program", fault.Detail(err))
		}
		require.NoError(t, db.Migrate(ctx, d, "other", steps("CREATE TABLE other (x INTEGER);")), "stores have versions of their own")
	})
}

func TestServersMigrateTogether(t *testing.T) {
	files := steps(stepOne, stepTwo, "INSERT INTO one VALUES (2, 'two');")
	for name, address := range map[string]func(*testing.T) (string, string){
		"sqlite":   func(t *testing.T) (string, string) { return "", t.TempDir() },
		"postgres": func(t *testing.T) (string, string) { return dbtest.PostgresURL(t), "" },
	} {
		t.Run(name, func(t *testing.T) {
			ctx := context.Background()
			address, dir := address(t)
			var all sync.WaitGroup
			for range 6 {
				d, err := db.Open(ctx, address, dir)
				require.NoError(t, err)
				t.Cleanup(func() { require.NoError(t, d.Close()) })
				all.Go(func() {
					if err := db.MigrateGround(ctx, d); err != nil {
						t.Errorf("ground: %v", err)
					}
					if err := db.Migrate(ctx, d, "test", files); err != nil {
						t.Errorf("migrate: %v", err)
					}
				})
			}
			all.Wait()
			d, err := db.Open(ctx, address, dir)
			require.NoError(t, err)
			defer func() { require.NoError(t, d.Close()) }()
			require.NoError(t, db.Check(ctx, d, "test", files))
			require.Equal(t, 2, rows(t, d, "one"), "each step was applied once")
		})
	}
}

func TestMigrateIsCancelled(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		require.Equal(t, fault.Unavailable, fault.KindOf(db.Migrate(ctx, d, "test", steps(stepOne))))
		require.NoError(t, db.Migrate(context.Background(), d, "test", steps(stepOne)), "no lock was left behind")
	})
}

func TestProgrammersMistakes(t *testing.T) {
	d, ctx := dbtest.SQLite(t), context.Background()
	require.Error(t, db.Migrate(ctx, d, "Not-A-Name", steps(stepOne)))
	require.Error(t, db.Migrate(ctx, d, "test", fstest.MapFS{}))
	bad := fstest.MapFS{"sqlite/1_step.sql": &fstest.MapFile{}}
	require.ErrorContains(t, db.Migrate(ctx, d, "test", bad), "1_step.sql")
}

// The migrations' lock needs a connection beside the one that works: rather an error than a wait without end.
func TestOneConnectionIsTooFew(t *testing.T) {
	pool, err := sql.Open("pgx", dbtest.PostgresURL(t))
	require.NoError(t, err)
	defer func() { require.NoError(t, pool.Close()) }()
	pool.SetMaxOpenConns(1)
	err = db.MigrateGround(context.Background(), db.Wrap(pool, db.Postgres))
	require.Equal(t, fault.Invalid, fault.KindOf(err))
	pool.SetMaxOpenConns(2)
	require.NoError(t, db.MigrateGround(context.Background(), db.Wrap(pool, db.Postgres)))
}
