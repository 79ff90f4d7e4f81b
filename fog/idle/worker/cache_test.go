package worker

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/fogcompute/fogcompute/fog/guest"
)

// TestCacheCannotBeWritten: a disk that takes no compiled code, here because the names of the files become too long, costs a module its
// place in the cache and nothing else.
func TestCacheCannotBeWritten(t *testing.T) {
	t.Parallel()
	module, err := Check(guest.Mandelbrot())
	require.NoError(t, err)
	dir, err := filepath.EvalSymlinks(t.TempDir())
	require.NoError(t, err)
	const longest = 4095
	for len(dir) < longest-300 {
		dir = filepath.Join(dir, strings.Repeat("x", 200))
	}
	for name, length := range map[string]int{"the code": longest - 60, "its folder": longest - 2} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			long := filepath.Join(dir, name)
			require.NoError(t, os.MkdirAll(long, 0o700))
			s := &server{ctx: t.Context()}
			loaded, err := s.compile(&module, &codeCache{dir: filepath.Join(long, strings.Repeat("y", length-len(long)-1))}, false)
			require.NoError(t, err)
			require.Empty(t, loaded.class, loaded.reason)
			require.NotNil(t, s.box)
			require.NoError(t, s.box.runtime.Close(t.Context()))
		})
	}
}
