package scheduler_test

import (
	"context"
	"errors"
	"fmt"
	"math/bits"
	"slices"
	"sync"
	"time"

	"github.com/fogcompute/fogcompute/fog/principal"
	"github.com/fogcompute/fogcompute/fog/scheduler"
)

// auditor is a store that looks at the rows after each commit and keeps the first thing that must not be.
type auditor struct {
	scheduler.Store
	most map[principal.Account]scheduler.Capacity // that owners may take up

	mu    sync.Mutex // guards what follows
	wrong error
	fence scheduler.Fence // the latest that was seen
	waits map[scheduler.JobID]waiting
	met   int                   // times that a job was placed while one of a better tier had waited
	pause func(scheduler.JobID) // comes between the next plan that places a job and its commit; nil for nobody
}

func (u *auditor) Commit(ctx context.Context, f scheduler.Fence, changes []scheduler.Change) ([]bool, error) {
	u.interfere(changes)
	u.mu.Lock()
	defer u.mu.Unlock()
	written, err := u.Store.Commit(ctx, f, changes)
	if f.Number > 0 && err == nil {
		u.fence = f
	}
	if err == nil && u.wrong == nil {
		u.wrong = u.audit(context.WithoutCancel(ctx), changes, written) // the server may end, what it has written stays
	}
	return written, err
}

// audit looks at the rows as a commit has left them.
func (u *auditor) audit(ctx context.Context, changes []scheduler.Change, written []bool) error {
	live, err := u.Live(ctx, nil)
	if err != nil {
		return err
	}
	ready, err := u.Ready(ctx, time.Now(), nil, 1000)
	if err != nil {
		return err
	}
	ready = u.patient(ready)
	if err := u.crowds(live); err != nil {
		return err
	}
	if !slices.ContainsFunc(changes, func(c scheduler.Change) bool { return len(fresh(&c)) > 0 }) {
		return nil
	}
	s, err := u.scene(ctx, live)
	if err != nil {
		return err
	}
	return errors.Join(s.intrudes(changes, written), u.inverts(s, ready, changes, written))
}

// crowds looks for nodes, devices and owners with more than they have.
func (u *auditor) crowds(live []scheduler.Attempt) error {
	nodes := map[scheduler.NodeID]scheduler.Capacity{}
	owners := map[principal.Account]scheduler.Capacity{}
	devices := map[scheduler.NodeID]map[int]int64{}
	for i := range live {
		a := &live[i]
		nodes[a.Node] = plus(nodes[a.Node], a.Demand)
		owners[a.Owner] = plus(owners[a.Owner], a.Demand)
		n := bits.OnesCount64(a.GPUs)
		if (n > 0) != (a.Demand.MilliGPU > 0) || a.Demand.MilliGPU >= 1000 && int64(n)*1000 != a.Demand.MilliGPU || a.Demand.MilliGPU < 1000 && n > 1 {
			return fmt.Errorf("attempt %s needs %d and has devices %b", a.ID, a.Demand.MilliGPU, a.GPUs)
		}
		for d := range 64 {
			if a.GPUs&(1<<d) == 0 {
				continue
			}
			if devices[a.Node] == nil {
				devices[a.Node] = map[int]int64{}
			}
			if devices[a.Node][d] += a.Demand.MilliGPU / int64(n); devices[a.Node][d] > min(1000, batchNode(string(a.Node)).Capacity.MilliGPU-int64(d)*1000) {
				return fmt.Errorf("device %d of %s has %d", d, a.Node, devices[a.Node][d])
			}
		}
	}
	for id, used := range nodes {
		if whole := batchNode(string(id)).Capacity; exceeds(used, whole) {
			return fmt.Errorf("%s has %+v and is given %+v", id, whole, used)
		}
	}
	for owner, most := range u.most {
		if exceeds(owners[owner], most) {
			return fmt.Errorf("%s may take %+v and takes %+v", owner, most, owners[owner])
		}
	}
	return nil
}

// settling is how long after a change of its node a plan may still go by what was before.
const settling = 2 * time.Second

// intrudes looks for new attempts where no new ones should be.
func (s *scene) intrudes(changes []scheduler.Change, written []bool) error {
	for i := range changes {
		for _, a := range fresh(&changes[i]) {
			k := slices.IndexFunc(s.nodes, func(n scheduler.Node) bool { return n.ID == a.Node })
			if !written[i] || k < 0 || time.Since(s.nodes[k].Updated) < settling {
				continue
			}
			if n := &s.nodes[k]; n.State != scheduler.NodeUp || n.Drained || evictsFrom(n, &changes[i].Record.Job) {
				return fmt.Errorf("attempt %s is placed on %s, which is %s, drained %v, %v", a.ID, n.ID, n.State, n.Drained, n.Marks)
			}
		}
	}
	return nil
}

func evictsFrom(n *scheduler.Node, j *scheduler.Job) bool {
	return len(n.Marks.Taints) > 0 && n.Marks.Taints[0].Effect == scheduler.Evict && len(j.Constraints.Tolerate) == 0
}

// finding is the latest fence, and what was wrong.
func (u *auditor) finding() (scheduler.Fence, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.fence, u.wrong
}

func plus(c scheduler.Capacity, d scheduler.Demand) scheduler.Capacity {
	return scheduler.Capacity{
		MilliCPU: c.MilliCPU + d.MilliCPU, MemoryMB: c.MemoryMB + d.MemoryMB, MilliGPU: c.MilliGPU + d.MilliGPU,
		DiskMB: c.DiskMB + d.DiskMB, MbitPS: c.MbitPS + d.MbitPS,
	}
}

// exceeds reports whether more is used than there is; a quota's zero GPUs, disk and network are no bound.
func exceeds(used, whole scheduler.Capacity) bool {
	return used.MilliCPU > whole.MilliCPU || used.MemoryMB > whole.MemoryMB || used.MilliGPU > whole.MilliGPU ||
		used.DiskMB > whole.DiskMB || used.MbitPS > whole.MbitPS
}

// batchNode is a node of the batch world: those called g have two devices and h has one and a half.
func batchNode(id string) scheduler.Node {
	n := node(id)
	n.Labels = map[string]string{"zone": id[:1]}
	n.Capacity.DiskMB, n.Capacity.MbitPS = 1000, 100
	switch id[0] {
	case 'g':
		n.Capacity.MilliGPU = 2000
	case 'h':
		n.Capacity.MilliGPU = 1500
	case 'z': // only to end with
		n.Capacity = scheduler.Capacity{MilliCPU: 16000, MemoryMB: 64 << 10, MilliGPU: 8000, DiskMB: 10000, MbitPS: 1000}
	}
	if n.Capacity.MilliGPU > 0 {
		n.Executors = append(n.Executors, scheduler.ExecutorGPU)
	}
	return n
}
