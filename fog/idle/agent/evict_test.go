package agent_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fogcompute/fogcompute/fog/idle/worker"
)

// TestEvicted: an attempt that makes way for another goes on for as long as its grace lets it, and is given back then.
func TestEvicted(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		finish, reprieve bool
		want             []string // classes of the reports
	}{
		"it finishes":     {finish: true, want: []string{""}},
		"it does not":     {want: []string{"device"}},
		"it may stay":     {reprieve: true},
		"stays, finishes": {reprieve: true, finish: true, want: []string{""}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := start(t, nil)
				s.offer("a")
				synctest.Wait()
				at := time.Now().Add(time.Minute)
				s.change(func() { s.evictAt = at })
				time.Sleep(40 * time.Second)
				require.Empty(t, s.guests.runs()[0].calls, "the guest is told nothing")
				require.Equal(t, 1, s.agent.Status().Held)
				if c.reprieve {
					s.change(func() { s.evictAt = time.Time{} })
				}
				time.Sleep(18 * time.Second)
				if c.finish {
					s.guests.runs()[0].finish(*ok(worker.Job{}))
				}
				time.Sleep(time.Until(at))
				synctest.Wait()
				var got []string
				for _, r := range s.reported("a") {
					got = append(got, r.Class)
				}
				require.Equal(t, c.want, got, "by then, and once")
				if len(got) > 0 {
					require.Zero(t, s.agent.Status().Held)
				}
				if len(got) > 0 && got[0] == "device" {
					require.Equal(t, "evicted: it made way for another job", s.reported("a")[0].Reason)
				}
				s.finish()
			})
		})
	}
}
