package fog_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/fogcompute/fogcompute/fog"
	"github.com/fogcompute/fogcompute/fog/fogtest"
	"github.com/fogcompute/fogcompute/fog/idle"
	"github.com/fogcompute/fogcompute/fog/internal/db"
	"github.com/fogcompute/fogcompute/fog/internal/db/dbtest"
	"github.com/fogcompute/fogcompute/fog/scheduler"
)

// everyPart of a whole house.
func everyPart() []string {
	return []string{"scheduler", "tokenomics", "idle", "blob", "benchmark", "settle", "presence", "trust", "database", "journal", "retention", "parameters", "market"}
}

// A house that has just been opened is ready, and one that is closed says so.
func TestReadyFromOpenToClose(t *testing.T) {
	house, err := fog.Open(t.Context(), fog.Config{DataDir: t.TempDir()})
	require.NoError(t, err)
	for _, part := range everyPart() {
		require.NoError(t, house.Ready(part))
	}
	health := house.Health()
	assert.Equal(t, fog.Healthy, health.State, "%+v", health)
	assert.Len(t, health.Parts, len(everyPart()))
	assert.Zero(t, health.ParkedFacts)
	assert.WithinDuration(t, time.Now(), health.Since, time.Minute)
	require.NoError(t, house.Check(t.Context()))

	err = house.Ready("privacy")
	assert.Equal(t, fog.KindUnavailable, fog.KindOf(err))
	assert.Equal(t, "not part of this build", fog.Detail(err))

	var closers sync.WaitGroup
	for range 3 {
		closers.Go(func() { assert.NoError(t, house.Close()) })
	}
	closers.Wait()
	err = house.Ready("scheduler")
	assert.Equal(t, fog.KindUnavailable, fog.KindOf(err))
	assert.Equal(t, "the house is closed", fog.Detail(err))
	assert.Equal(t, fog.Unavailable, house.Health().State)
	require.Error(t, house.Check(t.Context()))
}

// An embedded house that was killed and comes back under another name does not
// wait for the duties of its predecessor.
func TestEmbeddedHouseKeepsItsDuties(t *testing.T) {
	dir := t.TempDir()
	for _, holder := range []string{"before", "after"} {
		s := script{Dir: dir, Holder: holder, Devices: everyDevice()}
		if holder == "before" {
			s.Kill, s.Nth = "scheduler.vest", 1
		}
		s.program(t) // is built first
		began := time.Now()
		_, killed := s.start(t)
		require.Equal(t, holder == "before", killed)
		assert.Less(t, time.Since(began), 20*time.Second)
	}
}

// TestOpenWithoutPostgres: a PostgreSQL that is away does not fail Open. Ready
// names the database until it is there, and then all works without another word.
func TestOpenWithoutPostgres(t *testing.T) {
	t.Parallel()
	server := dbtest.NewServer(t)
	url := server.Database(t)
	server.Stop()
	house := fogtest.Open(t, fog.Config{DatabaseURL: url, DataDir: t.TempDir(), Idle: idle.Config{BeatRate: -1}})
	for _, part := range []string{"scheduler", "tokenomics", "idle", "blob", "settle", "database"} {
		err := house.Ready(part)
		require.Equal(t, fog.KindUnavailable, fog.KindOf(err), part)
		require.Equal(t, "the database does not answer", fog.Detail(err), part)
	}
	require.Equal(t, fog.Unavailable, house.Health().State)
	require.Equal(t, fog.Starting, house.Health().Parts["scheduler"].State)
	_, err := house.Submit(t.Context(), []scheduler.Submission{job("early")})
	require.Equal(t, fog.KindUnavailable, fog.KindOf(err), "%v", err)
	require.Equal(t, fog.KindUnavailable, fog.KindOf(house.Check(t.Context())))

	require.NoError(t, server.Start())
	soon(t, func() bool { return house.Health().State == fog.Healthy }, "%+v", house.Health())
	device := fogtest.Join(t, house, fogtest.Device{ID: "d1"})
	done := finish(t, house, []*fogtest.Device{device}, submit(t.Context(), t, house, job("late")).ID)
	require.Equal(t, scheduler.Vested, done[0].Job.State)
}

// A house whose database is away can be closed at once.
func TestCloseWithoutPostgres(t *testing.T) {
	t.Parallel()
	server := dbtest.NewServer(t)
	url := server.Database(t)
	house, err := fog.Open(t.Context(), fog.Config{DatabaseURL: url, DataDir: t.TempDir()})
	require.NoError(t, err)
	server.Stop()
	began := time.Now()
	_ = house.Close() // what could not be written is an error; that it returns matters
	assert.Less(t, time.Since(began), 10*time.Second)

	house, err = fog.Open(t.Context(), fog.Config{DatabaseURL: url, DataDir: t.TempDir()})
	require.NoError(t, err)
	require.NoError(t, house.Close(), "it never had anything to write")

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = fog.Open(ctx, fog.Config{DatabaseURL: url, DataDir: t.TempDir()})
	require.Equal(t, fog.KindUnavailable, fog.KindOf(err), "who gave up gets no house")
}

// A database of a newer program is refused, in words that help.
func TestOpenRefusesANewerSchema(t *testing.T) {
	dir := t.TempDir()
	house, err := fog.Open(t.Context(), fog.Config{DataDir: dir})
	require.NoError(t, err)
	require.NoError(t, house.Close())
	change := func(statement string) {
		t.Helper()
		d, err := db.Open(t.Context(), "", dir)
		require.NoError(t, err)
		_, err = d.Write.ExecContext(t.Context(), statement)
		require.NoError(t, err)
		require.NoError(t, d.Close())
	}
	change("INSERT INTO fog_scheduler_migrations (name, group_id) VALUES ('99990101000000', 9)")
	_, err = fog.Open(t.Context(), fog.Config{DataDir: dir})
	require.Equal(t, fog.KindConflict, fog.KindOf(err), "%v", err)
	require.Contains(t, fog.Detail(err), "newer than this program")
	change("DELETE FROM fog_scheduler_migrations WHERE name = '99990101000000'")
	house, err = fog.Open(t.Context(), fog.Config{DataDir: dir})
	require.NoError(t, err, "the folder is free again")
	require.NoError(t, house.Close())
}

// A database that answers and takes nothing is not called healthy.
func TestHealthOfAnUnwritableDatabase(t *testing.T) {
	t.Parallel()
	url := dbtest.PostgresURL(t)
	house := fogtest.Open(t, fog.Config{DatabaseURL: url, DataDir: t.TempDir()})
	d, err := db.Open(t.Context(), url, "")
	require.NoError(t, err)
	defer func() { require.NoError(t, d.Close()) }()
	_, err = d.Write.ExecContext(t.Context(), "ALTER TABLE fog_duties RENAME TO hidden")
	require.NoError(t, err)
	soon(t, func() bool { return house.Health().Parts["database"].State == fog.Degraded }, "it must be noticed")
	assert.Equal(t, "the database answers but cannot be written", house.Health().Parts["database"].Cause)
	require.NoError(t, house.Ready("scheduler"), "there is still something to read")
	_, err = d.Write.ExecContext(t.Context(), "ALTER TABLE hidden RENAME TO fog_duties")
	require.NoError(t, err)
	soon(t, func() bool { return house.Health().State == fog.Healthy }, "it must be noticed as well")
}
