package fogtest

import (
	"testing"

	"github.com/fogcompute/fogcompute/fog/internal/db/dbtest"
)

// PostgresURL returns the address of an empty PostgreSQL database for
// fog.Config.DatabaseURL, for tests that hand it to another process. It is
// dropped at the test's end.
//
// The server is the one that the environment variable FOG_TEST_DATABASE_URL
// names, else one that the test binary starts for itself and that ends with it.
// Where there is neither, the test is skipped with a message that says what to
// install; with CI=true it fails.
func PostgresURL(t testing.TB) string {
	t.Helper()
	return dbtest.PostgresURL(t)
}

// Postgres is a PostgreSQL server of one test, which may take it away.
type Postgres struct {
	URL    string // of an empty database
	server *dbtest.Server
}

// NewPostgres starts a server that ends with the test. Where PostgreSQL is
// missing the test is skipped; with CI=true it fails.
func NewPostgres(t testing.TB) *Postgres {
	t.Helper()
	server := dbtest.NewServer(t)
	return &Postgres{URL: server.Database(t), server: server}
}

// Stop shuts the server down and cuts its connections.
func (p *Postgres) Stop() { p.server.Stop() }

// Start starts it again and returns when it answers.
func (p *Postgres) Start() error { return p.server.Start() }
