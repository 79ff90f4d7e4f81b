//go:build !unix

package worker

// confine does nothing where there are no resource limits: the sandbox's own limits and the agent's watch remain.
func confine() error { return nil }

func seal() error { return nil }

func limitMemory(int64) error { return nil }

func limitRun(*runMessage) error { return nil }
