package scheduler_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fogcompute/fogcompute/fog/internal/duty"
	"github.com/fogcompute/fogcompute/fog/internal/journal"
	"github.com/fogcompute/fogcompute/fog/scheduler"
)

// mortal is a store as one server sees it: once the server is dead nothing reaches it any more.
type mortal struct {
	scheduler.Store
	mu   sync.Mutex
	dead bool
}

var errDead = errors.New("this server is dead")

func (m *mortal) kill() {
	m.mu.Lock()
	m.dead = true
	m.mu.Unlock()
}

func (m *mortal) alive() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.dead {
		return errDead
	}
	return nil
}

func (m *mortal) Insert(ctx context.Context, jobs []scheduler.Insertion) ([]scheduler.Inserted, error) {
	if err := m.alive(); err != nil {
		return nil, err
	}
	return m.Store.Insert(ctx, jobs)
}

func (m *mortal) Commit(ctx context.Context, f scheduler.Fence, changes []scheduler.Change) ([]bool, error) {
	if err := m.alive(); err != nil {
		return nil, err
	}
	return m.Store.Commit(ctx, f, changes)
}

func (m *mortal) Load(ctx context.Context, ids []scheduler.JobID) ([]scheduler.Record, error) {
	if err := m.alive(); err != nil {
		return nil, err
	}
	return m.Store.Load(ctx, ids)
}

func (m *mortal) Live(ctx context.Context, nodes []scheduler.NodeID) ([]scheduler.Attempt, error) {
	if err := m.alive(); err != nil {
		return nil, err
	}
	return m.Store.Live(ctx, nodes)
}

// mortalDuties are the duties as one server sees them: a dead one neither renews nor releases.
type mortalDuties struct {
	duty.Duties
	m *mortal
}

func (d mortalDuties) Take(ctx context.Context, n duty.Name, holder string, until time.Time) (duty.Fence, bool, error) {
	if err := d.m.alive(); err != nil {
		return duty.Fence{}, false, err
	}
	return d.Duties.Take(ctx, n, holder, until)
}

func (d mortalDuties) Release(ctx context.Context, f duty.Fence, holder string) error {
	if err := d.m.alive(); err != nil {
		return err
	}
	return d.Duties.Release(ctx, f, holder)
}

// TestRecoveryFromEachStep kills the server after each step that there is, with and without a cancel afterwards, and lets another one
// end the jobs on the same rows. A step that no day reaches fails it.
func TestRecoveryFromEachStep(t *testing.T) {
	for _, step := range scheduler.Steps() {
		for _, cancel := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s cancel=%v", step, cancel), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) { recovery(t, dayOf(step), step, cancel) })
			})
		}
	}
}

// TestRecoveryOfWholes does the same where a step is about several jobs, or about one that rises.
func TestRecoveryOfWholes(t *testing.T) {
	for name, live := range map[string]func(*testing.T, *rig, *mortal){"gang": gangDay, "array": arrayDay, "aging": agingDay} {
		for _, step := range []string{scheduler.StepSubmit, scheduler.StepQueue, scheduler.StepPlace, scheduler.StepTimer} {
			t.Run(name+" "+step, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) { recovery(t, day{live: live, cfg: calm()}, step, false) })
			})
		}
	}
}

func recovery(t *testing.T, d day, step string, cancel bool) {
	facts, duties := journal.NewMemory(nil), duty.NewMemory(nil)
	rows := scheduler.NewMemory(facts, duties)
	first := &mortal{Store: rows}
	reached := false
	cfg := d.cfg
	cfg.Escrow = &escrow{}
	cfg.Store, cfg.Duties, cfg.Holder = first, mortalDuties{duties, first}, "first"
	cfg.Step = func(s string) {
		if s == step {
			reached = true
			first.kill()
		}
	}
	r := start(t, cfg)
	r.facts = facts
	d.live(t, r, first)
	require.True(t, reached, "the step was reached")
	r.stop()

	cfg.Store, cfg.Duties, cfg.Holder, cfg.Step = rows, duties, "second", nil
	second := start(t, cfg)
	second.facts = facts
	second.wait(11 * time.Second) // the duty passes on
	unschedule(t, second)
	page, err := second.List(t.Context(), scheduler.JobQuery{})
	require.NoError(t, err)
	if cancel {
		for _, j := range page.Jobs {
			_, _ = second.Cancel(t.Context(), j.ID) // those that are over refuse
		}
	}
	second.work("a", "b", "c")
	page, err = second.List(t.Context(), scheduler.JobQuery{})
	require.NoError(t, err)
	require.NotEmpty(t, page.Jobs)
	facted := second.settled()
	for _, j := range page.Jobs {
		record := second.get(j.ID)
		paidOnce(t, &record, facted[j.ID])
		if !cancel && record.Job.State != scheduler.Cancelled {
			require.Equal(t, scheduler.Vested, record.Job.State)
		}
	}
}

// paidOnce checks that a job is over and told of once, and that each slot is paid once, or none.
func paidOnce(t *testing.T, r *scheduler.Record, facts int) {
	t.Helper()
	require.True(t, r.Job.State.Final(), "%s is %s: %v", r.Job.ID, r.Job.State, texts(r.Job.Log))
	require.Equal(t, 1, facts)
	valid := 0
	for _, a := range r.Attempts {
		require.False(t, a.State.Live())
		if a.State == scheduler.AttemptValid {
			valid++
		}
	}
	switch {
	case r.Job.State == scheduler.Vested && r.Job.Trust.Adaptive:
		require.Equal(t, r.Job.Slots, valid, "each slot is paid once")
		require.LessOrEqual(t, r.Job.Price*scheduler.Price(valid), r.Job.Quote)
	case r.Job.State == scheduler.Vested:
		require.Equal(t, r.Job.Trust.Replicas, valid, "each slot is paid once")
	default:
		require.Zero(t, valid)
	}
}

// work lets honest nodes work until nothing is left.
func (r *rig) work(nodes ...string) {
	r.t.Helper()
	r.nodes(nodes...)
	running := map[scheduler.NodeID]bool{}
	for range 120 {
		for _, n := range nodes {
			id := scheduler.NodeID(n)
			for _, o := range r.claim(scheduler.Claim{Node: id, Take: 9, Restarted: !running[id]}).Offers {
				require.NoError(r.t, r.report(done(o, "right")).Err)
			}
			running[id] = true
		}
		r.wait(time.Second)
		stats, err := r.Stats(r.t.Context())
		require.NoError(r.t, err)
		open := stats.Total
		for _, s := range slices.Collect(maps.Keys(stats.States)) {
			if s.Final() {
				open -= stats.States[s]
			}
			if s == scheduler.Paused && stats.States[s] > 0 {
				r.resumeAll()
			}
		}
		if open == 0 {
			return
		}
	}
}

func (r *rig) resumeAll() {
	page, err := r.List(r.t.Context(), scheduler.JobQuery{States: []scheduler.State{scheduler.Paused}})
	require.NoError(r.t, err)
	for _, j := range page.Jobs {
		_, err := r.Resume(r.t.Context(), j.ID)
		require.NoError(r.t, err)
	}
}

func TestTwoServersShareTheRows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		facts, duties := journal.NewMemory(nil), duty.NewMemory(nil)
		rows := scheduler.NewMemory(facts, duties)
		mortals := []*mortal{{Store: rows}, {Store: rows}}
		first := start(t, scheduler.Config{Store: mortals[0], Duties: mortalDuties{duties, mortals[0]}, Holder: "first"})
		synctest.Wait()
		second := start(t, scheduler.Config{Store: mortals[1], Duties: duties, Holder: "second"})
		first.facts = facts
		first.nodes("a")

		job := second.submit(scheduler.Submission{})
		require.Equal(t, scheduler.Queued, second.state(job), "the other server plans")
		waited := make(chan error, 1)
		go func() { waited <- second.Wait(t.Context(), "a") }()
		second.wait(3 * time.Second)
		require.NoError(t, <-waited, "the other server's placement is seen")
		o := second.fetch("a")

		mortals[0].kill()
		before := second.get(job)
		later := second.submit(scheduler.Submission{})
		second.wait(5 * time.Second)
		require.Equal(t, scheduler.Queued, second.state(later), "the dead server's duty has not run out")
		second.wait(8 * time.Second)
		require.Equal(t, scheduler.Placed, second.state(later))
		require.Equal(t, before, second.get(job))
		require.NoError(t, second.report(done(o, "")).Err)
		require.NoError(t, second.report(done(second.fetch("a"), "")).Err)
		require.Len(t, first.settled(), 2)
	})
}

// sleepy is a store whose commits can be held up between decision and writing.
type sleepy struct {
	scheduler.Store
	mu    sync.Mutex
	gate  chan struct{} // while not nil fenced commits wait for it
	stuck chan struct{}
}

func (s *sleepy) Commit(ctx context.Context, f scheduler.Fence, changes []scheduler.Change) ([]bool, error) {
	s.mu.Lock()
	gate := s.gate
	s.mu.Unlock()
	if gate != nil && f.Number != 0 {
		s.stuck <- struct{}{}
		<-gate
	}
	return s.Store.Commit(ctx, f, changes)
}

func TestStalePlannerCommitsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		duties := duty.NewMemory(nil)
		rows := scheduler.NewMemory(nil, duties)
		asleep := &sleepy{Store: rows, gate: make(chan struct{}), stuck: make(chan struct{}, 1)}
		old := start(t, scheduler.Config{Store: asleep, Duties: duties, Holder: "old"})
		synctest.Wait()
		old.nodes("a")
		job := old.submit(scheduler.Submission{Demand: scheduler.Demand{MilliCPU: 3000}})
		<-asleep.stuck // the plan is made and about to be written
		_, taken, err := duties.Take(t.Context(), scheduler.DutyPlan, "young", time.Now().Add(time.Hour))
		require.NoError(t, err)
		require.False(t, taken)
		// The old planner stops renewing, as a stopped process would: its duty passes on when it runs out.
		require.NoError(t, duties.Release(t.Context(), duty.Fence{Name: scheduler.DutyPlan, Number: 1}, "old"))
		young := start(t, scheduler.Config{Store: rows, Duties: duties, Holder: "young"})
		young.wait(2 * time.Second)
		o := young.fetch("a")
		before := young.get(job)
		asleep.mu.Lock()
		gate := asleep.gate
		asleep.gate = nil
		asleep.mu.Unlock()
		close(gate)
		young.wait(time.Second)
		require.Equal(t, before, young.get(job), "the plan of the old one is refused")
		require.NoError(t, young.report(done(o, "")).Err)
	})
}

func TestRestartedServerGivesLeasesAGrace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		duties := duty.NewMemory(nil)
		rows := scheduler.NewMemory(nil, duties)
		first := start(t, scheduler.Config{Store: rows, Duties: duties, Holder: "one"})
		first.nodes("a", "b")
		job := first.submit(scheduler.Submission{})
		o := first.fetch(first.on(job))
		first.stop()
		first.wait(time.Hour)

		second := start(t, scheduler.Config{Store: rows, Duties: duties, Holder: "one"})
		second.wait(11 * time.Second)
		require.Len(t, second.beat(second.on(job), held(o)).Renewed, 1, "the node could not renew while no server was there")
		second.wait(20 * time.Second)
		require.Equal(t, scheduler.Running, second.state(job))
		second.wait(time.Minute)
		require.Equal(t, scheduler.AttemptLost, second.get(job).Attempts[0].State, "once")
	})
}

func TestWaitReturnsForPlacementsAndCancels(t *testing.T) {
	inBubble(t, scheduler.Config{}, func(t *testing.T, r *rig) {
		r.nodes("a")
		waiting := func() chan error {
			c := make(chan error, 1)
			go func() { c <- r.Wait(t.Context(), "a") }()
			synctest.Wait()
			return c
		}
		c := waiting()
		require.Empty(t, c)
		asked := time.Now()
		job := r.submit(scheduler.Submission{})
		require.NoError(t, <-c)
		require.Equal(t, asked, time.Now(), "at once, not at the next poll")
		require.NoError(t, <-waiting(), "at once, while one is placed")
		r.fetch("a")
		c = waiting()
		require.Empty(t, c)
		_, err := r.Cancel(t.Context(), job)
		require.NoError(t, err)
		require.NoError(t, <-c)
		require.Equal(t, asked, time.Now())

		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		require.ErrorIs(t, r.Wait(ctx, "a"), context.DeadlineExceeded)
	})
}

func TestRunAndClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, err := scheduler.New(scheduler.Config{})
		require.NoError(t, err)
		done := make(chan error, 1)
		go func() { done <- s.Run(t.Context()) }()
		synctest.Wait()
		require.NoError(t, s.Close())
		require.NoError(t, <-done)
		require.NoError(t, s.Close())
		require.Error(t, s.Run(t.Context()))

		broken := &mortal{Store: scheduler.NewMemory(nil, nil), dead: true}
		s, err = scheduler.New(scheduler.Config{Store: broken})
		require.NoError(t, err)
		require.ErrorIs(t, s.Run(t.Context()), errDead)
		broken.dead = false
		go func() { done <- s.Run(t.Context()) }()
		synctest.Wait()
		require.Empty(t, done, "it may run again")
		require.NoError(t, s.Close())
		require.NoError(t, <-done)
	})
}

// TestANewPlannerFindsWhatIsPlaced lets a planner die whose placements nobody has fetched: the next one, which has placed nothing
// itself, may move them, and goes on.
func TestANewPlannerFindsWhatIsPlaced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		duties := duty.NewMemory(nil)
		rows := scheduler.NewMemory(nil, duties)
		first := start(t, scheduler.Config{Store: rows, Duties: duties, Holder: "first"})
		first.nodes("a")
		job := first.submit(scheduler.Submission{})
		first.wait(time.Second)
		require.Equal(t, scheduler.Placed, first.state(job))
		first.stop()
		second := start(t, scheduler.Config{Store: rows, Duties: duties, Holder: "second"})
		second.wait(2 * time.Second)
		require.NoError(t, second.report(done(second.fetch("a"), "")).Err)
		require.Equal(t, scheduler.Vested, second.state(job))
	})
}
