//go:build !unix

package worker

import (
	"fmt"
	"os"
)

// private returns an error unless dir is a folder. Where there are no modes, the folder inherits the rights of the user's own.
func private(dir string, _ os.FileMode) error {
	info, err := os.Lstat(dir)
	if err != nil {
		return fmt.Errorf("worker: cache: %w", err)
	}
	if !info.IsDir() {
		return fmt.Errorf("worker: cache: %s must be a folder", dir)
	}
	return nil
}
