package sensor

import (
	"io/fs"
	"syscall"
	"time"
)

// accessed returns when a file was last read.
func accessed(info fs.FileInfo) (time.Time, bool) {
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return time.Time{}, false
	}
	return time.Unix(stat.Atim.Unix()), true
}
