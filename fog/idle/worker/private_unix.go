//go:build unix

package worker

import (
	"fmt"
	"os"
	"syscall"
)

// private returns an error unless a folder belongs to this user and the permissions in closed are given to nobody else.
func private(dir string, closed os.FileMode) error {
	info, err := os.Lstat(dir)
	if err != nil {
		return fmt.Errorf("worker: cache: %w", err)
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok || !info.IsDir() || info.Mode().Perm()&closed != 0 || int(stat.Uid) != os.Geteuid() {
		return fmt.Errorf("worker: cache: %s must be a folder of this user without the permissions %03o", dir, closed)
	}
	return nil
}
