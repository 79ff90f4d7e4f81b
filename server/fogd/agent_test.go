//go:build linux

package main

import (
	"slices"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestAgentKilled kills an agent with SIGKILL in the middle of its jobs: they are done elsewhere and paid once.
func TestAgentKilled(t *testing.T) {
	t.Parallel()
	f := serveFogd(t)
	agents := map[string]*harvester{"one": lend(t, f, "one"), "two": lend(t, f, "two")}
	ids := []string{}
	for range 4 {
		ids = append(ids, f.submit(t, toil(300)))
	}
	victim := f.begun(t, ids[0]).Node
	agents[victim].signal(syscall.SIGSTOP) // what runs now is not reported before the end
	struck := slices.DeleteFunc(slices.Clone(ids), func(id string) bool {
		return !slices.ContainsFunc(f.job(t, id).on(victim), func(a attemptView) bool { return a.Status == "running" })
	})
	require.NotEmpty(t, struck)
	agents[victim].kill()

	f.audit(t, ids...)
	for _, id := range struck {
		j := f.job(t, id)
		assert.Equal(t, "completed", j.Status, "%+v", j)
		assert.NotEqual(t, victim, winner(j))
		assert.Equal(t, "lost", j.on(victim)[0].Status, "%+v", j.Attempts)
	}
	status, _ := f.device(t, victim)
	assert.Equal(t, "lost", status)
}

// TestAgentStopped stops an agent for longer than its lease while its guest goes on: the job is done elsewhere. When the agent
// continues, its late result is not taken and it is not paid, but it goes on working.
func TestAgentStopped(t *testing.T) {
	t.Parallel()
	f := serveFogd(t)
	agents := map[string]*harvester{"one": lend(t, f, "one"), "two": lend(t, f, "two")}
	first := f.submit(t, toil(300))
	late := f.begun(t, first).Node
	agents[late].signal(syscall.SIGSTOP)
	j := f.end(t, first)
	require.Equal(t, "completed", j.Status, "%+v", j)
	other := winner(j)
	require.NotEqual(t, late, other)
	assert.Equal(t, "lost", j.on(late)[0].Status)

	agents[late].signal(syscall.SIGCONT)
	until(t, "the late result is dropped", func() bool { return agents[late].says("0 held, 0 done, 0 of them failed, 1 dropped") })
	until(t, late+" is back", func() bool { return f.up(t, late) })
	assert.Equal(t, j, f.job(t, first), "nothing has changed")
	agents[other].signal(syscall.SIGTERM)
	assert.Zero(t, agents[other].code(t, patience))

	second := f.submit(t, toil(10))
	f.audit(t, first, second)
	assert.Equal(t, late, winner(f.job(t, second)))
	assert.True(t, agents[late].running())
}
