//go:build !unix

package worker

import "time"

// confine does nothing where there are no resource limits: the sandbox's own limits and the agent's watch remain.
func confine() error { return nil }

func seal() error { return nil }

func privateMemory() (int64, error) { return 0, nil }

func limitMemory(int64) error { return nil }

func limitCPU(time.Duration) error { return nil }
