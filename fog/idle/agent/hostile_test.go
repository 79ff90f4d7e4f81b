package agent_test

import (
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fogcompute/fogcompute/fog/idle"
	"github.com/fogcompute/fogcompute/fog/idle/agent"
)

// TestInputsTogether: what all inputs of an offer may have together is fetched, and not so much of each.
func TestInputsTogether(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := start(t, nil)
		huge := strings.Repeat("ab", 32)
		s.change(func() {
			s.fault = func(w http.ResponseWriter, r *http.Request) bool {
				if !strings.HasSuffix(r.URL.Path, huge) {
					return false
				}
				w.Header().Set("Content-Length", strconv.Itoa(512<<20))
				w.WriteHeader(http.StatusOK)
				return true
			}
		})
		small := s.put([]byte("an input"))
		s.change(func() {
			s.offers = append(s.offers, idle.Offer{Attempt: "a", Module: small, Stdin: small, Inputs: []idle.Input{{Path: "x", SHA256: huge}}})
		})
		time.Sleep(time.Second)
		synctest.Wait()
		require.Len(t, s.reported("a"), 1)
		require.Equal(t, "policy", s.reported("a")[0].Class)
		require.Contains(t, s.reported("a")[0].Reason, "536870912 bytes, at most 536870904 are accepted")
		s.finish()
	})
}

// TestReasonWithoutPlace: an attempt whose module cannot be stored, as on a full disk, fails for a reason of this device, which another
// one does not have. A reason that strangers read does not say where the device keeps its files.
func TestReasonWithoutPlace(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		s := start(t, func(_ *stage, cfg *agent.Config) { cfg.DataDir = dir })
		synctest.Wait()
		require.NoError(t, os.Remove(filepath.Join(dir, "blobs")))
		s.offer("a")
		time.Sleep(time.Second)
		synctest.Wait()
		require.Equal(t, "device", s.reported("a")[0].Class)
		require.Contains(t, s.reported("a")[0].Reason, "no such file or directory")
		require.NotContains(t, s.reported("a")[0].Reason, dir)
		require.True(t, s.agent.Status().Connected)
		s.finish()
	})
}
