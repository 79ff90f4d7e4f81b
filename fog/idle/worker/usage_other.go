//go:build !unix

package worker

import "time"

// processCPU is the CPU time that this process has used; 0 where it is not known.
func processCPU() time.Duration { return 0 }
