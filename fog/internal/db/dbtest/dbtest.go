// Package dbtest gives tests real databases: a fresh SQLite file, and a fresh database on a PostgreSQL server that the test
// binary starts for itself in a temporary folder.
//
// The server comes from FOG_TEST_DATABASE_URL if that is set, otherwise from initdb and postgres found in PATH or under
// /usr/lib/postgresql. Where neither exists, tests that need it are skipped with a message that says what to install; with
// CI=true they fail. A server that was started here ends with the test binary, however that ends, and its folder is
// removed.
package dbtest

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"go.uber.org/goleak"

	"github.com/fogcompute/fogcompute/fog/internal/db"
	"github.com/fogcompute/fogcompute/fog/internal/id"
)

// AddressVariable names the environment variable with the address of a PostgreSQL server to use instead of our own. Its
// user must be allowed to create databases.
const AddressVariable = "FOG_TEST_DATABASE_URL"

// shared is the test binary's own server: the one piece of state that a package of tests cannot be handed.
var shared struct {
	sync.Mutex
	tried  bool
	server *Server
	err    error
}

// Each runs f as two subtests, on an empty SQLite database and on an empty PostgreSQL database.
func Each(t *testing.T, f func(t *testing.T, d *db.DB)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) { f(t, SQLite(t)) })
	t.Run("postgres", func(t *testing.T) { f(t, Postgres(t)) })
}

// SQLite returns an empty database in a temporary folder. It is closed when the test ends.
func SQLite(t testing.TB) *db.DB {
	t.Helper()
	return open(t, "", t.TempDir())
}

// Postgres returns an empty database. It is closed and dropped when the test ends.
func Postgres(t testing.TB) *db.DB {
	t.Helper()
	return open(t, PostgresURL(t), "")
}

// open opens a database for the length of a test.
func open(t testing.TB, address, dir string) *db.DB {
	t.Helper()
	d, err := db.Open(context.Background(), address, dir)
	if err != nil {
		t.Fatalf("open the test's database: %v", err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Errorf("close the test's database: %v", err)
		}
	})
	return d
}

// PostgresURL returns the address of an empty database, for tests that hand it to another process. The database is dropped
// when the test ends.
func PostgresURL(t testing.TB) string {
	t.Helper()
	base := os.Getenv(AddressVariable)
	if base == "" {
		base = sharedServer(t).URL()
	}
	return createDatabase(t, base)
}

// sharedServer returns the test binary's server, which the first caller starts.
func sharedServer(t testing.TB) *Server {
	t.Helper()
	shared.Lock()
	defer shared.Unlock()
	if !shared.tried {
		shared.tried = true
		shared.server, shared.err = newServer()
	}
	if shared.err != nil {
		missing(t, shared.err)
	}
	return shared.server
}

// missing ends a test that cannot have PostgreSQL.
func missing(t testing.TB, err error) {
	t.Helper()
	text := fmt.Sprintf("no PostgreSQL: %v (install it: apt-get install postgresql; or set %s)", err, AddressVariable)
	if os.Getenv("CI") == "true" {
		t.Fatal(text)
	}
	t.Skip(text)
}

// createDatabase makes an empty database beside the one that base names, and returns its address.
func createDatabase(t testing.TB, base string) string {
	t.Helper()
	name := "fog_" + id.New(time.Now(), nil)
	execute(t, base, "CREATE DATABASE "+name+" TEMPLATE template0 ENCODING 'UTF8'")
	t.Cleanup(func() { execute(t, base, "DROP DATABASE IF EXISTS "+name+" WITH (FORCE)") })
	u, err := url.Parse(base)
	if err != nil {
		t.Fatal("the server's address is not a URL")
	}
	u.Path = "/" + name
	return u.String()
}

// execute runs one statement on a connection of its own.
func execute(t testing.TB, address, statement string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	conn, err := pgx.Connect(ctx, address)
	if err != nil {
		t.Fatalf("connect to the test server: %v", err)
	}
	defer func() { _ = conn.Close(ctx) }()
	if _, err := conn.Exec(ctx, statement); err != nil {
		t.Fatalf("%s: %v", strings.Fields(statement)[0], err)
	}
}

// Main runs a package's tests, stops the server that they shared, and fails the package if goroutines are left. It
// returns the exit code: func TestMain(m *testing.M) { os.Exit(dbtest.Main(m)) }.
func Main(m *testing.M) int {
	code := m.Run()
	shared.Lock()
	defer shared.Unlock()
	if shared.server != nil {
		shared.server.remove()
	}
	if code != 0 {
		return code
	}
	if err := goleak.Find(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}
