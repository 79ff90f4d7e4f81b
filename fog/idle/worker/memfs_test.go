package worker

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/tetratelabs/wazero/experimental/sys"
)

// TestNoPathTooLong: a guest cannot put paths together that are too long for an output by moving folders into each other.
func TestNoPathTooLong(t *testing.T) {
	t.Parallel()
	m := newFS(1 << 20)
	deep := func(top string) string {
		p := top
		for range 4 {
			p += "/" + strings.Repeat("x", 200)
			require.Zero(t, m.Mkdir(p, 0))
		}
		return p
	}
	inner, outer := deep("tmp"), deep("out")
	f, errno := m.OpenFile(inner+"/file", sys.O_CREAT|sys.O_RDWR, 0)
	require.Zero(t, errno)
	require.Zero(t, f.Close())
	top := inner[:strings.IndexByte(inner, 'x')+200]
	require.Equal(t, sys.ENAMETOOLONG, m.Rename(top, outer+"/moved"))
	require.Zero(t, m.Rename(top, "out/moved"))
	paths, _ := m.outputs()
	require.Len(t, paths, 1)
	require.Empty(t, checkPath(paths[0]))
}
