package gap

import (
	"math"
	"math/rand/v2"
)

const (
	breadth   = 12   // candidate nodes kept for each job
	luckTable = 4096 // thresholds of acceptance, drawn at random
	chunk     = 64   // moves between changes of temperature
	longest   = 8    // moves in an ejection chain
	widest    = 64   // jobs of a node looked at by a step of a chain
	calm      = 8    // moves for each job between changes of the penalties
)

// annealer walks through plans that may break capacity, by shifts, swaps and ejection chains.
type annealer struct {
	*state
	rng    *rand.PCG
	wide   int       // candidate nodes kept for each job
	nodes  []int32   // Jobs*wide: candidate nodes of each job by rising reduced cost
	count  []int32   // of each job: how many candidates it has
	luck   []float64 // thresholds of acceptance at temperature 1
	scale  float64   // mean reduced cost of a second choice
	heat   float64   // temperature
	loose  bool      // jobs may be left out
	roam   bool      // every second shift goes to any node: a complete plan is sought, at any cost
	moves  int64     // proposed until now
	record record
	floor  []float64
}

// record is the best plan found: least weight left out, then least cost.
type record struct {
	node []int32 // of each job; Nodes: left out
	outs int64   // sum of the weights of able jobs left out
	cost float64
	sum  float64 // as state.sum, at the prices of now
}

// newAnnealer returns an annealer of a state in which every job is left out: that is its first record.
func newAnnealer(s *state, seed uint64) *annealer {
	a := &annealer{
		state: s, rng: rand.NewPCG(seed, 0x9e3779b97f4a7c15), wide: min(s.Nodes, breadth), luck: make([]float64, luckTable),
		count: make([]int32, s.Jobs), floor: make([]float64, len(s.Capacity)),
	}
	a.nodes = make([]int32, s.Jobs*a.wide)
	for at := range a.luck {
		a.luck[at] = -math.Log((float64(at) + 0.5) / luckTable)
	}
	a.record = record{node: make([]int32, s.Jobs), outs: s.outs, sum: math.Inf(1)}
	copy(a.record.node, s.node)
	return a
}

// candidates returns the nodes of least reduced cost for a job, the best first.
func (a *annealer) candidates(job int32) []int32 {
	first := int(job) * a.wide
	return a.nodes[first : first+int(a.count[job])]
}

// rank fills the candidates of each job from the reduced costs.
func (a *annealer) rank() {
	total, seen := 0.0, 0
	for _, job := range a.able {
		near := a.rankOne(job)
		a.count[job] = int32(len(near))
		if len(near) > 1 {
			total += a.pay(job, near[1])
			seen++
		}
	}
	a.scale = 1
	if total > 0 {
		a.scale = total / float64(seen)
	}
	for at, capacity := range a.Capacity {
		if capacity > 0 {
			a.floor[at] = max(1.05*a.slack[at], 0.01*a.scale/float64(capacity))
			a.excess[at] = max(a.excess[at], a.scale/float64(capacity))
		}
	}
	a.recount()
}

// rankOne inserts one job's nodes into its sorted list of candidates.
func (a *annealer) rankOne(job int32) []int32 {
	row := a.reduced[int(job)*a.Nodes : (int(job)+1)*a.Nodes]
	first := int(job) * a.wide
	near := a.nodes[first : first : first+a.wide]
	for node, pay := range row {
		if math.IsInf(pay, 1) || len(near) == a.wide && pay >= row[near[a.wide-1]] {
			continue
		}
		if len(near) < a.wide {
			near = append(near, 0)
		}
		at := len(near) - 1
		for ; at > 0 && row[near[at-1]] > pay; at-- {
			near[at] = near[at-1]
		}
		near[at] = int32(node)
	}
	return near
}

// below returns a number below n from the low 32 bits of x.
func below(x uint64, n int) int { return int((x & 0xffffffff) * uint64(n) >> 32) }

// skewed returns a number below n from the low 16 bits of x, the smaller the likelier: its square root is even.
func skewed(x uint64, n int) int {
	x &= 0xffff
	return int(x * x * uint64(n) >> 32)
}

// propose draws a job, one of its candidates and a threshold, and tries the chain that begins with this shift.
func (a *annealer) propose() {
	x := a.rng.Uint64()
	job := a.able[below(x, len(a.able))]
	x >>= 32
	limit := a.heat * a.luck[x%luckTable]
	to := a.target(job, x>>12)
	if a.loose {
		job, to = a.redraw(job, to)
	}
	if to != a.node[job] {
		a.chase(job, to, limit)
	}
}

// link is one step of an ejection chain: a job and the node it goes to.
type link struct{ job, node int32 }

// target returns a candidate of a job, by 16 bits of x, the cheaper the likelier; while roaming, every second time a node drawn
// from all, if it can take the job.
func (a *annealer) target(job int32, x uint64) int32 {
	if a.roam && x>>16&1 == 0 {
		if node := int32(below(a.rng.Uint64(), a.Nodes)); !math.IsInf(a.pay(job, node), 1) {
			return node
		}
	}
	near := a.candidates(job)
	return near[skewed(x, len(near))]
}

// chase follows an ejection chain from a job's shift and makes the first one that costs at most the limit (Yagiura, Ibaraki,
// Glover 2004, section 3.1). Each job goes to a node that the chain has not yet met; the chain ends there, or pushes out the
// job whose leaving makes the chain cheapest, which ends it on the node that the first job left, or goes on. All parts of the
// cost are zero or above, so a chain whose open part costs more than the limit can be given up.
func (a *annealer) chase(job, to int32, limit float64) {
	var chain [longest]link
	home := a.node[job]
	open := a.left(home, job)
	cost := -a.pay(job, home) - a.toll[home]
	moving := job
	for depth := range longest - 1 {
		chain[depth] = link{moving, to}
		cost += a.pay(moving, to) - a.toll[to]
		if cost > limit {
			return
		}
		if cost+open+a.entered(to, moving) <= limit {
			a.apply(chain[:depth+1])
			return
		}
		next, least, closes := a.eject(chain[:depth+1], home, cost, limit)
		if closes {
			chain[depth+1] = link{next, home}
			a.apply(chain[:depth+2])
			return
		}
		if next < 0 {
			return
		}
		moving, cost = next, least
		to = a.target(moving, a.rng.Uint64())
		if to == home || met(chain[:depth+1], to) {
			return
		}
	}
}

// eject picks the job that leaves the last node of a chain: the first found whose move to the chain's home ends it within the
// limit, else the one that leaves the chain cheapest, with that cost; -1 if none keeps it within the limit. Of long lists it
// looks at a part, from a random place on.
func (a *annealer) eject(chain []link, home int32, cost, limit float64) (job int32, least float64, closes bool) {
	last := chain[len(chain)-1]
	list := a.jobs[last.node]
	job, least = -1, limit
	if len(list) == 0 {
		return job, least, false
	}
	at := below(a.rng.Uint64(), len(list))
	for range min(len(list), widest) {
		other := list[at]
		if at++; at == len(list) {
			at = 0
		}
		sum := cost - a.pay(other, last.node)
		if sum > least {
			continue
		}
		if sum += a.traded(last.node, last.job, other); sum > least {
			continue
		}
		if end := sum + a.pay(other, home); end <= limit && end+a.traded(home, other, chain[0].job) <= limit {
			return other, end, true
		}
		job, least = other, sum
	}
	return job, least, false
}

// met reports whether a chain goes to a node.
func met(chain []link, node int32) bool {
	for _, l := range chain {
		if l.node == node {
			return true
		}
	}
	return false
}

// apply makes the moves of a chain.
func (a *annealer) apply(chain []link) {
	for _, l := range chain {
		a.move(l.job, l.node)
	}
}

// redraw gives jobs that are left out their share of the proposals, and the others a way out.
func (a *annealer) redraw(job, to int32) (int32, int32) {
	x := a.rng.Uint64()
	absent := a.jobs[a.Nodes]
	switch {
	case x&3 == 0 && len(absent) > 0:
		job = absent[below(x>>4, len(absent))]
		near := a.candidates(job)
		return job, near[skewed(x>>40, len(near))]
	case x&12 == 0:
		return job, int32(a.Nodes)
	}
	return job, to
}

// adapt raises the penalty where a node holds more than its capacity and lowers it elsewhere (Yagiura, Ibaraki, Glover 2004,
// section 3.3, there once after each local search).
func (a *annealer) adapt() {
	const raise, fall = 1.1, 0.98
	for at, load := range a.load {
		if load > a.Capacity[at] {
			a.excess[at] *= raise
		} else {
			a.excess[at] = max(a.excess[at]*fall, a.floor[at])
		}
	}
	a.recount()
}

// note keeps the plan of now if it is within capacity and better than the record.
func (a *annealer) note() {
	if a.overs > 0 || a.outs > a.record.outs || a.outs == a.record.outs && a.sum >= a.record.sum {
		return
	}
	cost := a.actual()
	if a.outs == a.record.outs && cost >= a.record.cost && !math.IsInf(a.record.sum, 1) {
		a.record.sum = a.sum
		return
	}
	a.record.outs, a.record.sum, a.record.cost = a.outs, a.sum, cost
	copy(a.record.node, a.node)
}

// epoch cools from one temperature to another over a number of moves; it reports whether it came to its end.
func (a *annealer) epoch(length int64, from, to float64, spend func(int64) int64) bool {
	chunks := (length + chunk - 1) / chunk
	cool := math.Pow(to/from, 1/float64(chunks))
	every := int64(max(1, calm*len(a.able)/chunk))
	a.heat = from
	for at := range chunks {
		granted := spend(chunk)
		for range granted {
			a.propose()
			if a.overs == 0 {
				a.note()
			}
		}
		if granted < chunk {
			return false
		}
		a.heat *= cool
		if at%every == 0 {
			a.adapt()
		}
	}
	return true
}
