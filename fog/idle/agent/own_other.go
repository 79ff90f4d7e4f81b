//go:build !unix

package agent

import (
	"os"
	"time"
)

// ownCPU is not known here.
func ownCPU() time.Duration { return 0 }

// lockFile does not keep a second agent out here.
func lockFile(*os.File) error { return nil }
