package scheduler

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/fogcompute/fogcompute/fog/scheduler"
)

// site is a scheduler at work with nodes that fetch nothing, so that what is placed stays.
type site struct {
	engine  *scheduler.Scheduler
	store   *counting
	stop    func()
	stopped chan error
}

// newSite starts a scheduler on a store, with nodes.
func newSite(ctx context.Context, store scheduler.Store, a scheduler.Abilities, p scheduler.Params, nodes []scheduler.Node) (*site, error) {
	const long = 24 * time.Hour // nothing ends by itself here
	s := &site{store: &counting{Store: store}, stopped: make(chan error, 1)}
	s.store.more.L = &s.store.mu
	var err error
	s.engine, err = scheduler.New(scheduler.Config{
		Store: s.store, Abilities: a, Params: func() scheduler.Params { return p }, PickUp: long, Lease: long,
	})
	if err != nil {
		return nil, err
	}
	running, stop := context.WithCancel(ctx)
	s.stop = stop
	go func() { s.stopped <- s.engine.Run(running) }()
	if err := s.engine.SyncNodes(ctx, nodes); err != nil {
		return nil, fmt.Errorf("%w; %w", err, s.leave())
	}
	return s, nil
}

// leave ends the scheduler.
func (s *site) leave() error {
	s.stop()
	return <-s.stopped
}

// check reads the whole fleet: so many jobs are placed, and no node is overfull.
func (s *site) check(ctx context.Context, want int) error {
	nodes, err := s.engine.Nodes(ctx)
	if err != nil {
		return err
	}
	live := 0
	for i := range nodes {
		live += nodes[i].Live
		if u, c := nodes[i].Used, nodes[i].Capacity; u.MilliCPU > c.MilliCPU || u.MemoryMB > c.MemoryMB {
			return fmt.Errorf("node %s is overfull: %+v of %+v", nodes[i].ID, u, c)
		}
	}
	if live != want || s.store.count() != want {
		return fmt.Errorf("%d jobs are on nodes and %d were placed instead of %d", live, s.store.count(), want)
	}
	return nil
}

// machines are nodes of 8 to 64 cores with 4 GB for each.
func machines(n int) []scheduler.Node {
	nodes := make([]scheduler.Node, n)
	for i := range nodes {
		cores := int64(8) << (i % 4)
		nodes[i] = scheduler.Node{
			ID: scheduler.NodeID(fmt.Sprintf("node-%05d", i)), Owner: "device:bench", State: scheduler.NodeUp, Trust: 1,
			Capacity: scheduler.Capacity{MilliCPU: cores * 1000, MemoryMB: cores * 4096}, Executors: []string{scheduler.ExecutorWASM},
		}
	}
	return nodes
}

// alike are n nodes of 64 cores and 256 GB.
func alike(n int) []scheduler.Node {
	nodes := machines(n)
	for i := range nodes {
		nodes[i].Capacity = scheduler.Capacity{MilliCPU: 64_000, MemoryMB: 256 << 10}
	}
	return nodes
}

// counting is a store that counts what is placed.
type counting struct {
	scheduler.Store

	mu     sync.Mutex // guards what follows
	more   sync.Cond  // something was placed
	placed int
	when   map[scheduler.JobID]time.Time // nil: nobody asks
}

// Commit counts the attempts that are placed.
func (c *counting) Commit(ctx context.Context, fence scheduler.Fence, changes []scheduler.Change) ([]bool, error) {
	written, err := c.Store.Commit(ctx, fence, changes)
	now := time.Now()
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := range written {
		for k := range changes[i].Record.Attempts {
			if a := &changes[i].Record.Attempts[k]; written[i] && a.State == scheduler.AttemptPlaced {
				c.placed++
				if c.when != nil {
					c.when[a.Job] = now
				}
			}
		}
	}
	c.more.Broadcast()
	return written, err
}

// count is how many attempts were placed so far.
func (c *counting) count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.placed
}

// until returns when so many were placed, or when ctx ends.
func (c *counting) until(ctx context.Context, want int) error {
	wake := context.AfterFunc(ctx, c.more.Broadcast)
	defer wake()
	c.mu.Lock()
	defer c.mu.Unlock()
	for c.placed < want {
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("only %d of %d are placed: %w", c.placed, want, err)
		}
		c.more.Wait()
	}
	return nil
}

// note begins to note when jobs are placed.
func (c *counting) note() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.when = map[scheduler.JobID]time.Time{}
}

// at is when a job was placed.
func (c *counting) at(id scheduler.JobID) (time.Time, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	at, ok := c.when[id]
	return at, ok
}

// submit hands submissions in, by many clients at once, one call for each.
func (s *site) submit(ctx context.Context, clients int, submissions []scheduler.Submission) error {
	errs := make(chan error, clients)
	for c := range clients {
		go func() {
			for i := c; i < len(submissions); i += clients {
				answers, err := s.engine.Submit(ctx, submissions[i:i+1])
				if err == nil {
					err = answers[0].Err
				}
				if err != nil {
					errs <- err
					return
				}
			}
			errs <- nil
		}()
	}
	var first error
	for range clients {
		if err := <-errs; first == nil {
			first = err
		}
	}
	return first
}
