package scheduler

import (
	"context"
	"time"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
	"github.com/fogcompute/fogcompute/fog/principal"
)

// The running sums, beside one "state.<state>" for each state, which is the number of jobs in it. Jobs that were purged
// stay counted.
const (
	sumWaits       = "waits"        // jobs that were started
	sumWait        = "wait_us"      // their time from submission to start
	sumPlacements  = "placements"   // attempts that were placed
	sumPlacement   = "placement_us" // their jobs' time in the queue before
	sumFinished    = "finished"     // jobs that vested, failed or expired
	sumMet         = "met"          // those that vested and were validated in their tier's time
	sumCPU         = "cpu_us"       // CPU time of valid results
	sumSpent       = "spent"        // price of valid slots
	sumStatePrefix = "state."

	// What the slots of queued jobs ask for.
	sumQueuedCPU    = "queued_cpu"
	sumQueuedMemory = "queued_memory"
	sumQueuedGPU    = "queued_gpu"
	sumQueuedNet    = "queued_net"
)

// birthTally is what a new job adds to the sums, with all tasks of its array.
func birthTally(j *Job) Tally {
	n := int64(max(1, j.Count))
	t := Tally{{j.Tier, sumStatePrefix + string(j.State)}: n}
	wanted := j.wants()
	queueTally(wanted, func(name string, each int64) { t[TallyKey{j.Tier, name}] += n * each })
	return t
}

// wants is what the slots of a queued job ask for, those included that have a node while others wait; nothing for any other.
func (j *Job) wants() Capacity {
	if j.State != Queued {
		return Capacity{}
	}
	c, n := j.Demand.capacity(), int64(j.Slots)
	return Capacity{MilliCPU: n * c.MilliCPU, MemoryMB: n * c.MemoryMB, MilliGPU: n * c.MilliGPU, MbitPS: n * c.MbitPS}
}

// queueTally adds to the sums of what the queue asks for.
func queueTally(more Capacity, add func(name string, n int64)) {
	for _, x := range [...]struct {
		name string
		n    int64
	}{
		{sumQueuedCPU, more.MilliCPU}, {sumQueuedMemory, more.MemoryMB}, {sumQueuedGPU, more.MilliGPU}, {sumQueuedNet, more.MbitPS},
	} {
		if x.n != 0 {
			add(x.name, x.n)
		}
	}
}

// tallyOf is what the change from one record to another adds to the sums.
func tallyOf(before, after *Record) Tally {
	t := Tally{}
	j := &after.Job
	add := func(name string, n int64) { t[TallyKey{j.Tier, name}] += n }
	if before.Job.State != j.State {
		add(sumStatePrefix+string(before.Job.State), -1)
		add(sumStatePrefix+string(j.State), 1)
		if j.State == Vested || j.State == Failed || j.State == Expired {
			add(sumFinished, 1)
		}
		if j.State == Vested {
			settleTally(after, add)
		}
	}
	more := j.wants()
	more.sub(before.Job.wants())
	queueTally(more, add)
	if before.Job.Started.IsZero() && !j.Started.IsZero() {
		add(sumWaits, 1)
		add(sumWait, j.Started.Sub(j.Submitted).Microseconds())
	}
	for _, a := range after.Attempts[min(len(before.Attempts), len(after.Attempts)):] {
		add(sumPlacements, 1)
		add(sumPlacement, a.Placed.Sub(before.Job.Queued).Microseconds())
	}
	return t
}

func settleTally(r *Record, add func(string, int64)) {
	if !r.Job.Finished.After(r.Job.Target()) {
		add(sumMet, 1)
	}
	for i := range r.Attempts {
		if a := &r.Attempts[i]; a.State == AttemptValid {
			add(sumCPU, int64(a.Result.CPUSeconds*1e6))
			add(sumSpent, int64(a.Price))
		}
	}
}

// Stats is a tenant's scheduler in numbers.
type Stats struct {
	// Total counts the jobs ever submitted, States those in each state now.
	Total  int64
	States map[State]int64
	// Tiers has an entry for every tier.
	Tiers map[Tier]TierStats
	// Open counts the jobs of each tier that have not ended, by their state. Every tier has an entry, with one for each state that
	// is not final.
	Open map[Tier]map[State]int64
	// AvgWait is the mean time from submission to the first start, AvgPlacement the mean time in the queue before a placement;
	// zero before the first.
	AvgWait, AvgPlacement time.Duration
	// Placements counts the attempts ever placed.
	Placements int64
	// CPUSeconds is the CPU time behind all accepted results, as their nodes reported it.
	CPUSeconds float64
	// Spent is the price of all slots that vested.
	Spent Price
	// Nodes counts the nodes, NodesUp those that are up and not drained.
	Nodes, NodesUp int
	// Capacity sums the nodes that are up or closed, Used what live attempts take up on any node.
	Capacity, Used Capacity
	// Queued sums what the slots of queued jobs ask for; disk space is not summed.
	Queued Capacity
	// Optimiser is what this server's searches for better plans did, for all tenants.
	Optimiser OptimiserStats
}

// TierStats counts a tier's jobs.
type TierStats struct {
	// Count is the number of jobs ever submitted.
	Count int64
	// Finished counts those that vested, failed or expired, Met those that vested within the tier's time.
	Finished, Met int64
}

// Compliance is Met/Finished, 0..1; zero before the first job finished.
func (t TierStats) Compliance() float64 { return share(t.Met, t.Finished) }

// Utilisation is Used/Capacity in each dimension, 0..1.
func (s *Stats) Utilisation() (cpu, memory, gpu float64) {
	return min(1, share(s.Used.MilliCPU, s.Capacity.MilliCPU)),
		min(1, share(s.Used.MemoryMB, s.Capacity.MemoryMB)),
		min(1, share(s.Used.MilliGPU, s.Capacity.MilliGPU))
}

// Compliance is the share of all finished jobs that met their tier, each job counted by its tier's weight, 0..1; zero before
// the first job finished.
func (s *Stats) Compliance() float64 {
	var met, finished int64
	for tier, t := range s.Tiers {
		w := int64(TermsOf(tier).Weight)
		met += w * t.Met
		finished += w * t.Finished
	}
	return share(met, finished)
}

func share(part, whole int64) float64 {
	if whole <= 0 {
		return 0
	}
	return float64(part) / float64(whole)
}

// Stats gathers the numbers of the caller's tenant. It costs a read of the sums and the nodes, however many jobs
// there are. Errors are of kind Denied and Unavailable.
func (s *Scheduler) Stats(ctx context.Context) (Stats, error) {
	const op = "scheduler.stats"
	p := principal.From(ctx)
	if err := s.cfg.Authorize.Authorize(ctx, p, "scheduler.stats", principal.Resource{Kind: "scheduler", Tenant: p.Tenant, Owner: p.Account}); err != nil {
		return Stats{}, fault.Wrap(op, err)
	}
	sums, err := s.cfg.Store.Tally(ctx, p.Tenant)
	if err != nil {
		return Stats{}, fault.Wrap(op, err)
	}
	nodes, err := s.cfg.Store.Nodes(ctx, p.Tenant)
	if err != nil {
		return Stats{}, fault.Wrap(op, err)
	}
	used, err := s.cfg.Store.Usage(ctx, p.Tenant)
	if err != nil {
		return Stats{}, fault.Wrap(op, err)
	}
	stats := statsOf(sums)
	stats.fleet(nodes, used)
	s.mu.Lock()
	stats.Optimiser = s.optimiser
	s.mu.Unlock()
	return stats, nil
}

func statsOf(sums Tally) Stats {
	s := Stats{States: map[State]int64{}, Tiers: map[Tier]TierStats{}, Open: map[Tier]map[State]int64{}}
	total := map[string]int64{}
	for _, tier := range Tiers() {
		open := make(map[State]int64)
		t := TierStats{Finished: sums[TallyKey{tier, sumFinished}], Met: sums[TallyKey{tier, sumMet}]}
		for _, state := range States() {
			n := sums[TallyKey{tier, sumStatePrefix + string(state)}]
			s.States[state] += n
			t.Count += n
			if !state.Final() {
				open[state] = n
			}
		}
		s.Total += t.Count
		s.Tiers[tier], s.Open[tier] = t, open
		for _, name := range []string{
			sumWaits, sumWait, sumPlacements, sumPlacement, sumCPU, sumSpent, sumQueuedCPU, sumQueuedMemory, sumQueuedGPU, sumQueuedNet,
		} {
			total[name] += sums[TallyKey{tier, name}]
		}
	}
	s.AvgWait = mean(total[sumWait], total[sumWaits])
	s.AvgPlacement = mean(total[sumPlacement], total[sumPlacements])
	s.Placements = total[sumPlacements]
	s.CPUSeconds = float64(total[sumCPU]) / 1e6
	s.Spent = Price(total[sumSpent])
	s.Queued = Capacity{ // of jobs that an earlier release has queued the sums know only the end
		MilliCPU: max(0, total[sumQueuedCPU]), MemoryMB: max(0, total[sumQueuedMemory]),
		MilliGPU: max(0, total[sumQueuedGPU]), MbitPS: max(0, total[sumQueuedNet]),
	}
	return s
}

func mean(micros, n int64) time.Duration {
	if n == 0 {
		return 0
	}
	return time.Duration(micros/n) * time.Microsecond
}

func (s *Stats) fleet(nodes []Node, used []Usage) {
	s.Nodes = len(nodes)
	for i := range nodes {
		n := &nodes[i]
		if n.State == NodeUp && !n.Drained {
			s.NodesUp++
		}
		if n.State != NodeDown {
			s.Capacity.add(n.Capacity)
		}
	}
	for i := range used {
		s.Used.add(used[i].Used)
	}
}
