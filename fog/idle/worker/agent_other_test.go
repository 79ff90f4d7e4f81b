//go:build !linux

package worker_test

// agentMain does nothing: the tests of processes run on Linux.
func agentMain() {}
