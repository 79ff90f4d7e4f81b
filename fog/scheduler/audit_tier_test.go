package scheduler_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/fogcompute/fogcompute/fog/principal"
	"github.com/fogcompute/fogcompute/fog/scheduler"
)

// waiting is a job that is ready and waits, as it was seen first.
type waiting struct {
	version int64
	since   time.Time
}

// interfere pauses the first job that a plan places, where it is to.
func (u *auditor) interfere(changes []scheduler.Change) {
	u.mu.Lock()
	pause := u.pause
	i := slices.IndexFunc(changes, func(c scheduler.Change) bool { return c.Record.Job.State != scheduler.Paused && len(fresh(&c)) > 0 })
	if i >= 0 {
		u.pause = nil
	}
	u.mu.Unlock()
	if pause != nil && i >= 0 {
		pause(changes[i].Record.Job.ID)
	}
}

// fresh are the attempts that a change begins.
func fresh(c *scheduler.Change) []scheduler.Attempt {
	return slices.DeleteFunc(slices.Clone(c.Record.Attempts), func(a scheduler.Attempt) bool {
		return a.State != scheduler.AttemptPlaced || !a.Placed.Equal(c.Now)
	})
}

// inverts looks for inversions of tiers: an attempt is placed on room that a job of a better tier could have instead. That job has
// been ready for longer than a planner takes to see it, the node admits it and has not changed meanwhile, it needs no more of anything and for
// no longer than the attempt, so it could stand in exactly its room, and its owner's quota leaves room for it. Tiers are those to which
// jobs have risen.
func (u *auditor) inverts(s *scene, ready []*scheduler.Record, changes []scheduler.Change, written []bool) error {
	for i := range changes {
		low := &changes[i].Record.Job
		for _, a := range fresh(&changes[i]) {
			if !written[i] || swaps(changes, written, a.Node) {
				continue
			}
			better := slices.DeleteFunc(slices.Clone(ready), func(r *scheduler.Record) bool {
				return scheduler.TermsOf(a.Tier).Weight >= scheduler.RankOf(&r.Job).Weight
			})
			u.met += min(len(better), 1)
			for _, r := range better {
				if high := &r.Job; high.MaxRuntime <= low.MaxRuntime && s.could(r, &a, u.most) {
					return fmt.Errorf("attempt %s of tier %s is placed on %s while %s, risen by %d from %s, waits", a.ID, a.Tier, a.Node, high.ID, high.Boost, high.Tier)
				}
			}
		}
	}
	return nil
}

// swaps reports whether a search moved an attempt off a node in the same commit: whoever is placed there has no room that was free before.
func swaps(changes []scheduler.Change, written []bool, n scheduler.NodeID) bool {
	for i := range changes {
		for _, a := range changes[i].Record.Attempts {
			if written[i] && a.Node == n && strings.HasPrefix(a.Reason, "moved to") && a.Ended.Equal(changes[i].Now) {
				return true
			}
		}
	}
	return false
}

// patient are the ready jobs that have waited as they are for longer than settling.
func (u *auditor) patient(ready []*scheduler.Record) []*scheduler.Record {
	now, seen := time.Now(), map[scheduler.JobID]waiting{}
	var out []*scheduler.Record
	for i := range ready {
		j := &ready[i].Job
		w, known := u.waits[j.ID]
		if !known || w.version != j.Version {
			w = waiting{version: j.Version, since: now}
		}
		seen[j.ID] = w
		if now.Sub(w.since) > settling && now.Sub(j.ReadyAt) > settling {
			out = append(out, ready[i])
		}
	}
	u.waits = seen
	return out
}

// scene is what there is to be had.
type scene struct {
	nodes  []scheduler.Node
	booked []scheduler.Reservation
	used   map[principal.Account]scheduler.Capacity
}

func (u *auditor) scene(ctx context.Context, live []scheduler.Attempt) (*scene, error) {
	nodes, err := u.Nodes(ctx, "")
	if err != nil {
		return nil, err
	}
	booked, err := u.Reservations(ctx, "")
	if err != nil {
		return nil, err
	}
	s := &scene{nodes: nodes, booked: booked, used: map[principal.Account]scheduler.Capacity{}}
	for i := range live {
		s.used[live[i].Owner] = plus(s.used[live[i].Owner], live[i].Demand)
	}
	return s, nil
}

// could reports whether a waiting job could run in the room of an attempt. It answers no where that depends on more than the two: the
// job is a gang or wants to be near others or apart from them, it went wrong before, or the node is reserved for some time.
func (s *scene) could(r *scheduler.Record, a *scheduler.Attempt, most map[principal.Account]scheduler.Capacity) bool {
	j := &r.Job
	if j.ID == a.Job || j.Slots != 1 || j.Gang || len(j.Constraints.Spread) > 0 || j.Constraints.Together != "" ||
		slices.ContainsFunc(r.Attempts, func(b scheduler.Attempt) bool { return b.State != scheduler.AttemptCancelled }) {
		return false
	}
	d, room := &j.Demand, &a.Demand
	if d.MilliCPU > room.MilliCPU || d.MemoryMB > room.MemoryMB || d.DiskMB > room.DiskMB || d.MbitPS > room.MbitPS ||
		d.MilliGPU != room.MilliGPU && d.MilliGPU != 0 {
		return false
	}
	if limit, ok := most[j.Owner]; ok && exceeds(plus(s.used[j.Owner], *d), limit) {
		return false
	}
	k := slices.IndexFunc(s.nodes, func(n scheduler.Node) bool { return n.ID == a.Node })
	return k >= 0 && time.Since(s.nodes[k].Updated) > settling && s.admits(&s.nodes[k], j)
}

// admits reports whether an open node takes a job of the batch world.
func (s *scene) admits(n *scheduler.Node, j *scheduler.Job) bool {
	if n.State != scheduler.NodeUp || n.Drained || n.Owner == j.Owner {
		return false
	}
	if len(n.Marks.Taints) > 0 && len(j.Constraints.Tolerate) == 0 {
		return false
	}
	for _, t := range j.Constraints.Require { // the world knows one kind
		if t.Op != scheduler.NotIn || slices.Contains(t.Values, n.Labels[t.Key]) {
			return false
		}
	}
	return !slices.ContainsFunc(s.booked, func(b scheduler.Reservation) bool {
		return b.Until.After(time.Now().Add(-settling)) && slices.Contains(b.Nodes, n.ID)
	})
}
