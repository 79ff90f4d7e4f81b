package fog_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/fogcompute/fogcompute/fog"
	"github.com/fogcompute/fogcompute/fog/blob"
	"github.com/fogcompute/fogcompute/fog/fogtest"
	"github.com/fogcompute/fogcompute/fog/idle"
	"github.com/fogcompute/fogcompute/fog/scheduler"
	"github.com/fogcompute/fogcompute/fog/tokenomics"
)

// noEscrow stands for an escrow of the caller's own.
type noEscrow struct{ scheduler.Escrow }

// A bad configuration fails Open, with the field's name, and leaves nothing
// behind: no lock, no temporary folder.
func TestOpenRefusesABadConfig(t *testing.T) {
	for _, c := range []struct {
		field  string
		config fog.Config
	}{
		{"DatabaseURL", fog.Config{DatabaseURL: "mysql://here/fog", DataDir: "x"}},
		{"DatabaseURL", fog.Config{DatabaseURL: "postgres://%zz", DataDir: "x"}},
		{"DataDir", fog.Config{DatabaseURL: "postgres://here/fog"}},
		{"Leave", fog.Config{Leave: []string{"scheduler", "gpu"}}},
		{"Lease", fog.Config{Scheduler: scheduler.Config{Lease: -time.Second}}},
		{"Batch", fog.Config{Tokenomics: tokenomics.Config{Batch: -1}}},
		{"Presence", fog.Config{Idle: idle.Config{Presence: time.Second, Interval: time.Second}}},
		{"CollectEvery", fog.Config{Blob: blob.Config{CollectEvery: -1}}},
		{"Scheduler.Store", fog.Config{Scheduler: scheduler.Config{Store: scheduler.NewMemory(nil, nil)}}},
		{"Idle.Store", fog.Config{Leave: []string{"tokenomics"}, Idle: idle.Config{Store: idle.NewMemory(nil, nil)}}},
		{"Scheduler.Escrow", fog.Config{Scheduler: scheduler.Config{Escrow: noEscrow{}}}},
	} {
		t.Run(c.field, func(t *testing.T) {
			t.Setenv("TMPDIR", t.TempDir())
			if c.config.DataDir == "x" {
				c.config.DataDir = t.TempDir()
			}
			house, err := fog.Open(t.Context(), c.config)
			require.Nil(t, house)
			assert.Equal(t, fog.KindInvalid, fog.KindOf(err), "%v", err)
			assert.Equal(t, c.field, fog.FieldOf(err))
			left, err := os.ReadDir(os.TempDir())
			require.NoError(t, err)
			assert.Empty(t, left)
		})
	}
}

// What stands in the way of the embedded database is an error as well: whoever
// starts the program is there to read it.
func TestOpenRefusesABadFolder(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	require.NoError(t, os.WriteFile(file, []byte("not a folder"), 0o600))
	_, err := fog.Open(t.Context(), fog.Config{DataDir: filepath.Join(file, "data")})
	require.ErrorContains(t, err, "not a directory")

	taken := filepath.Join(dir, "taken")
	require.NoError(t, os.MkdirAll(filepath.Join(taken, "fog.db"), 0o700))
	_, err = fog.Open(t.Context(), fog.Config{DataDir: taken})
	require.Equal(t, fog.KindUnavailable, fog.KindOf(err), "%v", err)

	garbage := filepath.Join(dir, "garbage")
	require.NoError(t, os.MkdirAll(garbage, 0o700))
	path := filepath.Join(garbage, "fog.db")
	require.NoError(t, os.WriteFile(path, []byte(strings.Repeat("this is no database ", 500)), 0o600))
	_, err = fog.Open(t.Context(), fog.Config{DataDir: garbage})
	require.ErrorContains(t, err, "not a database")

	require.NoError(t, os.Remove(path)) // the failure has let go of the folder
	house, err := fog.Open(t.Context(), fog.Config{DataDir: garbage})
	require.NoError(t, err)
	require.NoError(t, house.Close())
}

// An embedded folder belongs to one house at a time, whether it ends well or not.
func TestOneHouseAFolder(t *testing.T) {
	config := fog.Config{DataDir: t.TempDir()}
	first, err := fog.Open(t.Context(), config)
	require.NoError(t, err)
	_, err = fog.Open(t.Context(), config)
	require.Equal(t, fog.KindConflict, fog.KindOf(err), "%v", err)
	require.Contains(t, fog.Detail(err), "in use by another process")
	require.NoError(t, first.Close())

	bad := config
	bad.Scheduler.Lease = -1
	_, err = fog.Open(t.Context(), bad)
	require.Equal(t, fog.KindInvalid, fog.KindOf(err))

	second, err := fog.Open(t.Context(), config)
	require.NoError(t, err)
	require.NoError(t, second.Close())
	require.NoError(t, second.Close(), "twice")
}

// A house in memory leaves nothing on the disk.
func TestMemoryLeavesNothing(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	house, err := fog.Open(t.Context(), fog.Config{})
	require.NoError(t, err)
	put(t.Context(), t, house, "some bytes")
	require.NoError(t, house.Close())
	left, err := os.ReadDir(os.TempDir())
	require.NoError(t, err)
	require.Empty(t, left)
}

// The configuration can be printed: it shows no password.
func TestConfigHidesSecrets(t *testing.T) {
	c := fog.Config{DatabaseURL: "postgres://fog:hunter2@db/fog", DataDir: "/data"}
	for _, verb := range []string{"%v", "%s", "%+v"} {
		assert.Equal(t, "fog on postgresql", fmt.Sprintf(verb, c))
	}
	assert.Equal(t, "fog on sqlite in /data", fog.Config{DataDir: "/data"}.String())
	assert.Equal(t, "fog on memory", fog.Config{}.String())
}

// The engines share one source of randomness, which need not be made for that:
// the race detector watches.
func TestRandomIsReadByOneAtATime(t *testing.T) {
	house := fogtest.Open(t, fog.Config{Random: rand.NewChaCha8([32]byte{})})
	var callers sync.WaitGroup
	for i := range 8 {
		callers.Go(func() {
			_, err := house.Submit(t.Context(), []scheduler.Submission{job(fmt.Sprint("job ", i))})
			assert.NoError(t, err)
			_, err = house.Blob.Put(t.Context(), blob.DigestOf([]byte(fmt.Sprint(i))), strings.NewReader(fmt.Sprint(i)), -1)
			assert.NoError(t, err)
		})
	}
	callers.Wait()
}
