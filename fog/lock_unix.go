//go:build darwin || dragonfly || freebsd || illumos || linux || netbsd || openbsd

package fog

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
)

// lockFolder keeps a second process from opening the same embedded database:
// each would believe that it alone writes. The lock goes with the process, however
// it ends.
func lockFolder(dir string) (unlock func() error, err error) {
	file, err := os.OpenFile(filepath.Join(dir, "fog.lock"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fault.Wrap("fog.lock", err)
	}
	err = syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	switch {
	case err == nil:
		return file.Close, nil
	case errors.Is(err, syscall.EWOULDBLOCK):
		err = fault.Newf(fault.Conflict, "fog.open",
			"the data folder %s is in use by another process: stop that one, take another folder, or give several servers one PostgreSQL: %w", dir, err)
	default:
		err = fault.Wrap("fog.lock", err)
	}
	_ = file.Close() // nothing was written
	return nil, err
}
