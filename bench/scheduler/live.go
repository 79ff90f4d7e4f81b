package scheduler

import (
	"context"
	"fmt"
	"math/bits"
	"sync"
	"sync/atomic"
	"time"

	"github.com/fogcompute/fogcompute/fog/principal"
	"github.com/fogcompute/fogcompute/fog/scheduler"
)

// live is the replay's planner that is measured: the scheduler itself, by its public interface, on a clock of its own. Nodes fetch what
// is placed on them at once, and report it when it ends.
type live struct {
	trace   *trace
	engine  *scheduler.Scheduler
	store   *watched
	clock   atomic.Int64 // seconds
	stop    func()
	stopped chan error

	jobs    []scheduler.JobID // of each pod
	pods    map[scheduler.JobID]int
	offers  map[int]scheduler.Offer // of the pods that run
	waiting int                     // pods that were handed in or put back, and are not placed
}

// epoch is when the trace begins.
func epoch() time.Time { return time.Date(2023, 1, 1, 0, 0, 0, 0, time.UTC) }

// ages is longer than any trace: nothing here ends by itself.
const ages = 2 * 365 * 24 * time.Hour

// newLive starts the scheduler with the trace's hosts.
func newLive(ctx context.Context, t *trace) (*live, error) {
	l := &live{trace: t, jobs: make([]scheduler.JobID, len(t.pods)), pods: map[scheduler.JobID]int{}, offers: map[int]scheduler.Offer{}}
	l.store = &watched{Store: scheduler.NewMemory(nil, nil), host: map[scheduler.AttemptID]scheduler.NodeID{}}
	params := scheduler.Params{RoundBudget: -time.Second, Evictions: -1, MoveGain: -1} // the clock stands still while a round runs
	engine, err := scheduler.New(scheduler.Config{
		Store: l.store, Now: l.now, Params: func() scheduler.Params { return params },
		Lease: ages, PickUp: ages, MaxJobRuntime: ages, Retention: -1,
	})
	if err != nil {
		return nil, err
	}
	l.engine, l.stopped = engine, make(chan error, 1)
	running, stop := context.WithCancel(ctx)
	l.stop = stop
	go func() { l.stopped <- engine.Run(running) }()
	nodes := make([]scheduler.Node, len(t.hosts))
	for n := range t.hosts {
		nodes[n] = l.node(n, scheduler.NodeUp)
	}
	if err := engine.SyncNodes(ctx, nodes); err != nil {
		return l, err
	}
	return l, l.nudge(ctx)
}

// leave ends the scheduler.
func (l *live) leave() error {
	l.stop()
	return <-l.stopped
}

func (l *live) now() time.Time { return epoch().Add(time.Duration(l.clock.Load()) * time.Second) }

// node is a host as the scheduler knows it.
func (l *live) node(n int, state scheduler.NodeState) scheduler.Node {
	h := &l.trace.hosts[n]
	node := scheduler.Node{
		ID: scheduler.NodeID(h.name), Owner: "device:trace", State: state, Trust: 1, Executors: []string{scheduler.ExecutorWASM},
		Capacity: scheduler.Capacity{MilliCPU: h.cpu, MemoryMB: h.mem, MilliGPU: int64(h.gpus) * whole},
	}
	if h.gpus > 0 {
		node.Executors = append(node.Executors, scheduler.ExecutorGPU)
	}
	return node
}

// tierOf is the scheduler's tier of one of the trace's.
func tierOf(tier int) scheduler.Tier {
	return []scheduler.Tier{scheduler.Platinum, scheduler.Gold, scheduler.Silver, scheduler.Bronze}[tier]
}

func (l *live) submit(now int64, pod int) error {
	l.clock.Store(now)
	p := &l.trace.pods[pod]
	submission := scheduler.Submission{
		Name: p.name, Key: p.name, Tier: tierOf(p.tier), Trust: &scheduler.Trust{Replicas: 1, Quorum: 1}, MaxRuntime: ages,
		Estimate: time.Duration(p.runs) * time.Second,
		Demand:   scheduler.Demand{MilliCPU: max(p.cpu, 1), MemoryMB: max(p.mem, 1), MilliGPU: p.gpu(), Executor: scheduler.ExecutorWASM},
	}
	if p.gpus > 0 {
		submission.Demand.Executor = scheduler.ExecutorGPU
	}
	l.waiting++
	answers, err := l.engine.Submit(context.Background(), []scheduler.Submission{submission})
	if err != nil {
		return err
	}
	if answers[0].Err != nil {
		return fmt.Errorf("%s is not accepted: %w", p.name, answers[0].Err)
	}
	l.jobs[pod] = answers[0].Job.ID
	l.pods[l.jobs[pod]] = pod
	return nil
}

// end reports a pod's result.
func (l *live) end(now int64, pod int) error {
	l.clock.Store(now)
	o := l.offers[pod]
	delete(l.offers, pod)
	report := scheduler.Report{Attempt: o.Attempt, Token: o.Token, Result: &scheduler.Result{}}
	verdicts, err := l.engine.Report(context.Background(), []scheduler.Report{report})
	if err != nil {
		return err
	}
	if v := verdicts[0]; v.Err != nil || v.Job != scheduler.Vested {
		return fmt.Errorf("%s ended and is %s: %w", l.trace.pods[pod].name, v.Job, v.Err)
	}
	return nil
}

func (l *live) kill(now int64, host int) error {
	l.clock.Store(now)
	for pod, o := range l.offers {
		if l.store.hostOf(o.Attempt) == scheduler.NodeID(l.trace.hosts[host].name) {
			delete(l.offers, pod)
			l.waiting++
		}
	}
	return l.engine.SyncNodes(context.Background(), []scheduler.Node{l.node(host, scheduler.NodeDown)})
}

func (l *live) revive(now int64, host int) error {
	l.clock.Store(now)
	return l.engine.SyncNodes(context.Background(), []scheduler.Node{l.node(host, scheduler.NodeUp)})
}

// settle waits until the planner has nothing more to place, and fetches what it placed.
func (l *live) settle(ctx context.Context, now int64) ([]placement, error) {
	l.clock.Store(now)
	if l.waiting > 0 {
		if err := l.quiet(ctx); err != nil {
			return nil, err
		}
	}
	placed := l.store.take()
	index := map[scheduler.NodeID]int{}
	var claims []scheduler.Claim
	for i := range placed {
		if _, ok := index[placed[i].Node]; !ok {
			index[placed[i].Node] = len(claims)
			claims = append(claims, scheduler.Claim{Node: placed[i].Node, Take: len(placed)})
		}
	}
	for i := range claims { // a node says what it runs already
		for pod, o := range l.offers {
			if l.store.hostOf(o.Attempt) == claims[i].Node {
				claims[i].Held = append(claims[i].Held, scheduler.Held{Attempt: l.offers[pod].Attempt, Token: o.Token})
			}
		}
	}
	grants, err := l.engine.Claim(ctx, claims)
	if err != nil {
		return nil, err
	}
	offered := map[scheduler.AttemptID]scheduler.Offer{}
	for _, g := range grants {
		for _, o := range g.Offers {
			offered[o.Attempt] = o
		}
	}
	return l.fetched(placed, offered)
}

// quiet returns when the planner has placed all, or has nothing more to place.
func (l *live) quiet(ctx context.Context) error {
	for {
		before, _ := l.store.counts()
		for range 2 {
			if err := l.nudge(ctx); err != nil {
				return err
			}
		}
		if now, _ := l.store.counts(); now == before || now >= l.waiting {
			return nil
		}
	}
}

// nudge saves a node that takes nothing, and returns when the planner, which rounds off what it does before it begins anew, has seen that
// or has placed all. A second nudge therefore returns only after everything was tried that waited before the first.
func (l *live) nudge(ctx context.Context) error {
	_, before := l.store.counts()
	nobody := scheduler.Node{ID: "nobody", Owner: "device:trace", State: scheduler.NodeClosed}
	if err := l.engine.SyncNodes(ctx, []scheduler.Node{nobody}); err != nil {
		return err
	}
	for began := time.Now(); ; time.Sleep(20 * time.Microsecond) {
		placed, surveys := l.store.counts()
		if surveys > before || l.waiting > 0 && placed >= l.waiting {
			return ctx.Err()
		}
		if time.Since(began) > patience {
			return fmt.Errorf("the planner has not looked at its nodes for %v", patience)
		}
	}
}

// patience is how long the planner may take for a round.
const patience = 30 * time.Second

// fetched turns attempts that their nodes fetched into placements.
func (l *live) fetched(placed []scheduler.Attempt, offered map[scheduler.AttemptID]scheduler.Offer) ([]placement, error) {
	hosts := map[scheduler.NodeID]int{}
	for n := range l.trace.hosts {
		hosts[scheduler.NodeID(l.trace.hosts[n].name)] = n
	}
	var out []placement
	for i := range placed {
		a := &placed[i]
		o, ok := offered[a.ID]
		if !ok {
			return nil, fmt.Errorf("%s is placed on %s, which is not offered it", a.ID, a.Node)
		}
		pod, ok := l.pods[o.Job]
		if !ok {
			return nil, fmt.Errorf("nobody handed %s in", o.Job)
		}
		p := placement{pod: pod, host: hosts[a.Node]}
		for mask := a.GPUs; mask != 0; mask &= mask - 1 {
			p.devices = append(p.devices, bits.TrailingZeros64(mask))
		}
		l.offers[pod] = o
		l.waiting--
		out = append(out, p)
	}
	return out, nil
}

// watched is a store that notes what the planner does.
type watched struct {
	scheduler.Store

	mu      sync.Mutex // guards what follows
	surveys int        // readings of all nodes
	placed  []scheduler.Attempt
	host    map[scheduler.AttemptID]scheduler.NodeID
}

// Nodes notes that the planner reads the nodes.
func (w *watched) Nodes(ctx context.Context, tenant principal.Tenant) ([]scheduler.Node, error) {
	if tenant == "" {
		w.mu.Lock()
		w.surveys++
		w.mu.Unlock()
	}
	return w.Store.Nodes(ctx, tenant)
}

// Commit notes what is placed.
func (w *watched) Commit(ctx context.Context, fence scheduler.Fence, changes []scheduler.Change) ([]bool, error) {
	written, err := w.Store.Commit(ctx, fence, changes)
	w.mu.Lock()
	defer w.mu.Unlock()
	for i := range written {
		if !written[i] {
			continue
		}
		for _, a := range changes[i].Record.Attempts {
			if _, old := w.host[a.ID]; a.State == scheduler.AttemptPlaced && !old {
				w.placed = append(w.placed, a)
				w.host[a.ID] = a.Node
			}
		}
	}
	return written, err
}

// hostOf is where an attempt was placed.
func (w *watched) hostOf(a scheduler.AttemptID) scheduler.NodeID {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.host[a]
}

// counts are how many attempts were placed since the last taking, and how often the nodes were read.
func (w *watched) counts() (placed, surveys int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.placed), w.surveys
}

// take hands over what was placed since the last taking.
func (w *watched) take() []scheduler.Attempt {
	w.mu.Lock()
	defer w.mu.Unlock()
	placed := w.placed
	w.placed = nil
	return placed
}
