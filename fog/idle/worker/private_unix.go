//go:build unix

package worker

import (
	"fmt"
	"os"
	"syscall"
)

// private returns an error unless a folder belongs to this user and is closed to all others.
func private(dir string) error {
	info, err := os.Lstat(dir)
	if err != nil {
		return fmt.Errorf("worker: cache: %w", err)
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok || !info.IsDir() || info.Mode().Perm()&0o077 != 0 || int(stat.Uid) != os.Geteuid() {
		return fmt.Errorf("worker: cache: %s must be a folder of this user with mode 0700", dir)
	}
	return nil
}
