package scheduler_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/fogcompute/fogcompute/fog/scheduler"
)

// batchServer is one server of the world.
type batchServer struct {
	*rig
	store  *mortal
	holder string

	mu    sync.Mutex // guards fatal
	fatal string     // the step at which it dies
}

// evictions is how often a job of the batch world may be evicted in an hour.
const evictions = 2

// serve adds a server and speaks to it.
func (w *batchWorld) serve(t *testing.T, facts facts) {
	w.born++
	s := &batchServer{store: &mortal{Store: w.rows}, holder: fmt.Sprint("server ", w.born)}
	s.rig = start(t, scheduler.Config{
		Store: s.store, Duties: mortalDuties{w.duties, s.store}, Holder: s.holder, DutyTTL: 3 * time.Second,
		Random: rand.NewChaCha8([32]byte{byte(w.born)}), Escrow: w.moody, Lease: 10 * time.Second, PickUp: 5 * time.Second,
		MaxSuspend: 20 * time.Second, Recheck: 5 * time.Second,
		Params: func() scheduler.Params {
			return scheduler.Params{Grace: 4 * time.Second, Aging: 20 * time.Second, Evictions: evictions}
		},
		Step: s.step,
	})
	s.facts = facts
	w.servers = append(w.servers, s)
	w.rig = s.rig
	synctest.Wait()
}

func (s *batchServer) step(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if name == s.fatal {
		s.store.kill()
	}
}

// changeServer speaks to the other server, or starts one.
func (w *batchWorld) changeServer(rt *rapid.T) {
	if len(w.servers) == 1 {
		w.serve(w.t, w.facts)
		return
	}
	w.rig = rapid.SampledFrom(w.servers).Draw(rt, "server").rig
}

// crash lets the server to which the world speaks die at a step, or at some moment, while it is at work; another one goes on.
func (w *batchWorld) crash(rt *rapid.T) {
	i := slices.IndexFunc(w.servers, func(s *batchServer) bool { return s.rig == w.rig })
	s := w.servers[i]
	claims := make([]scheduler.Claim, 0, len(w.fleet)) // made before anything is fatal: making them asks the server
	holds := w.holds(false)
	for _, n := range w.nodeIDs() {
		claims = append(claims, scheduler.Claim{Node: n, Take: 2, Held: holds[n]})
	}
	s.mu.Lock()
	s.fatal = rapid.SampledFrom(scheduler.Steps()).Draw(rt, "step")
	s.mu.Unlock()
	ctx, cancel := context.WithTimeout(w.t.Context(), 2*time.Second)
	defer cancel()
	_, _ = s.Submit(ctx, []scheduler.Submission{{Name: "last words", Tier: scheduler.Platinum, Demand: scheduler.Demand{MilliCPU: 3000}, Estimate: time.Second}})
	for i := range claims {
		if s.store.alive() == nil {
			_, _ = s.Claim(ctx, claims[i:i+1])
		}
	}
	if len(w.fleet) > 0 && rapid.Bool().Draw(rt, "tainted") {
		_ = s.Mark(ctx, rapid.SampledFrom(w.nodeIDs()).Draw(rt, "node"), evictMark())
	}
	w.wait(time.Duration(rapid.IntRange(0, 9).Draw(rt, "after")) * time.Second)
	s.store.kill()
	s.stop()
	require.NoError(rt, s.Close())
	w.servers = slices.Delete(w.servers, i, i+1)
	if len(w.servers) == 0 {
		w.serve(w.t, w.facts)
	}
	w.rig = w.servers[0].rig
	w.wait(4 * time.Second) // the duty passes on
}

// usurp takes the duty away from whoever has it, who learns of it by its fence.
func (w *batchWorld) usurp(*rapid.T) {
	fence, _ := w.rows.finding()
	for _, s := range w.servers {
		_ = w.duties.Release(w.t.Context(), fence, s.holder)
	}
	w.wait(0)
}
