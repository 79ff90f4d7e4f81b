package agent_test

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fogcompute/fogcompute/fog/idle/agent"
)

// unreachable is a fault of a server that takes no results, or nothing at all.
func unreachable(path string) func(http.ResponseWriter, *http.Request) bool {
	return func(w http.ResponseWriter, r *http.Request) bool {
		if !strings.Contains(r.URL.Path, path) {
			return false
		}
		w.WriteHeader(http.StatusBadGateway)
		return true
	}
}

// kept lists what lies in an agent's outbox.
func kept(t *testing.T, dir string) []os.DirEntry {
	entries, err := os.ReadDir(filepath.Join(dir, "outbox"))
	require.NoError(t, err)
	return entries
}

// TestServerAwayForHours: a result that nobody takes for hours is kept, delivered once, and then forgotten.
func TestServerAwayForHours(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		s := start(t, func(_ *stage, cfg *agent.Config) { cfg.DataDir = dir })
		s.offer("a")
		synctest.Wait()
		require.Empty(t, kept(t, dir))
		s.change(func() { s.fault = unreachable("/") })
		s.guests.runs()[0].finish(*ok(s.guests.runs()[0].job))
		time.Sleep(5 * time.Hour)
		synctest.Wait()
		require.Len(t, kept(t, dir), 1)
		require.Equal(t, agent.Unconnected, why(s)[0])
		s.change(func() { s.fault = nil })
		time.Sleep(time.Minute)
		synctest.Wait()
		require.Len(t, s.reported("a"), 1)
		require.Equal(t, "hello\n", string(s.reported("a")[0].Stdout))
		require.Empty(t, kept(t, dir))
		s.finish()
	})
}

// severed starts an agent whose guests succeed, with a server that no result reaches.
func severed(t *testing.T, dir string) *stage {
	t.Helper()
	return start(t, func(s *stage, cfg *agent.Config) {
		cfg.DataDir, s.guests.script, s.fault = dir, ok, unreachable("/result")
	})
}

// TestResultOutlivesTheAgent: what could not be delivered is delivered by the next run of the agent, which holds it from its first
// beat on and does not run the guest again. What lies there and makes no sense, or is too old, harms nobody.
func TestResultOutlivesTheAgent(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		s := severed(t, dir)
		s.offer("a")
		time.Sleep(time.Minute)
		synctest.Wait()
		require.Len(t, kept(t, dir), 1)
		s.finish()
		require.Len(t, kept(t, dir), 1)
		require.NoError(t, os.WriteFile(filepath.Join(dir, "outbox", "half"), []byte(`{"offer":`), 0o600))

		next := start(t, func(s *stage, cfg *agent.Config) { cfg.DataDir, s.fault = dir, unreachable("/result") })
		time.Sleep(time.Minute)
		synctest.Wait()
		require.Equal(t, "a", next.beats[0].Held[0].Attempt)
		require.Equal(t, int64(7), next.beats[0].Held[0].Token)
		next.change(func() { next.fault = nil })
		time.Sleep(time.Minute)
		synctest.Wait()
		require.Len(t, next.reported("a"), 1)
		require.Equal(t, "a/b", next.reported("a")[0].Outputs[0].Path)
		require.Empty(t, next.guests.runs())
		require.Empty(t, kept(t, dir))
		next.finish()
	})
}

// TestOldResult: a result that nobody has taken for Persist is dropped by the next run.
func TestOldResult(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		s := severed(t, dir)
		s.offer("a")
		time.Sleep(time.Minute)
		s.finish()
		time.Sleep(25 * time.Hour)
		next := start(t, func(_ *stage, cfg *agent.Config) { cfg.DataDir = dir })
		time.Sleep(time.Minute)
		synctest.Wait()
		require.Empty(t, next.reported("a"))
		require.Empty(t, kept(t, dir))
		next.finish()
	})
}

// TestOutboxFull: a result that cannot be kept on the disk is delivered from memory.
func TestOutboxFull(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		s := severed(t, dir)
		synctest.Wait()
		require.NoError(t, os.Remove(filepath.Join(dir, "outbox")), "nothing can be written there now")
		s.offer("a")
		time.Sleep(time.Minute)
		s.change(func() { s.fault = nil })
		time.Sleep(time.Minute)
		synctest.Wait()
		require.Len(t, s.reported("a"), 1)
		s.finish()
	})
}
