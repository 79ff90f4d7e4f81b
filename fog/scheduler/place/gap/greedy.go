package gap

import (
	"cmp"
	"math"
	"slices"
)

// construct places every job that is left out, by falling weight and then by falling regret (Martello, Toth: Knapsack
// Problems, 1990, section 7.4, with the reduced cost as the measure of fit), on the node of least reduced cost that has room.
// What finds no room is left to fill.
func (a *annealer) construct() {
	order := slices.Clone(a.jobs[a.Nodes])
	regret := make([]float64, a.Jobs)
	for _, job := range order {
		regret[job] = math.Inf(1)
		if near := a.candidates(job); len(near) > 1 {
			regret[job] = a.pay(job, near[1])
		}
	}
	slices.SortFunc(order, func(x, y int32) int {
		return cmp.Or(cmp.Compare(a.weight(int(y)), a.weight(int(x))), cmp.Compare(regret[y], regret[x]), cmp.Compare(x, y))
	})
	for _, job := range order {
		if node, ok := a.opening(job); ok {
			a.move(job, node)
		}
	}
	a.fill()
}

// opening returns the node of least reduced cost that has room for a job, among its candidates first.
func (a *annealer) opening(job int32) (int32, bool) {
	for _, node := range a.candidates(job) {
		if a.room(node, job, -1) {
			return node, true
		}
	}
	if int(a.count[job]) < a.wide {
		return 0, false // it has no other node
	}
	best, least := int32(-1), math.Inf(1)
	for node := range int32(a.Nodes) {
		if pay := a.pay(job, node); pay < least && a.room(node, job, -1) {
			best, least = node, pay
		}
	}
	return best, best >= 0
}

// fill tries to place each job that is left out, by falling weight: where there is room, else in the place of another job
// that finds room elsewhere, else in the place of a job of less weight.
func (a *annealer) fill() {
	order := slices.Clone(a.jobs[a.Nodes])
	slices.SortFunc(order, func(x, y int32) int {
		return cmp.Or(cmp.Compare(a.weight(int(y)), a.weight(int(x))), cmp.Compare(x, y))
	})
	for _, job := range order {
		if node, ok := a.opening(job); ok {
			a.move(job, node)
		} else if !a.displace(job) {
			a.replace(job)
		}
	}
}

// displace places a job on a candidate node where another job can leave for a candidate of its own that has room: an ejection
// chain of two.
func (a *annealer) displace(job int32) bool {
	for _, node := range a.candidates(job) {
		for _, other := range a.jobs[node] {
			if !a.room(node, job, other) {
				continue
			}
			for _, next := range a.candidates(other) {
				if next != node && a.room(next, other, -1) {
					a.move(other, next)
					a.move(job, node)
					return true
				}
			}
		}
	}
	return false
}

// replace places a job in the place of the one of least weight, below its own, that makes room for it.
func (a *annealer) replace(job int32) bool {
	least, victim, place := a.weight(int(job)), int32(-1), int32(0)
	for node := range int32(a.Nodes) {
		for _, other := range a.jobs[node] {
			if weight := a.weight(int(other)); weight < least && a.room(node, job, other) {
				least, victim, place = weight, other, node
			}
		}
	}
	if victim < 0 {
		return false
	}
	a.move(victim, int32(a.Nodes))
	a.move(job, place)
	return true
}

// evict takes jobs out of each node that holds more than its capacity: each time the one whose weight is least for the excess
// that it takes away.
func (a *annealer) evict() {
	for node := range int32(a.Nodes) {
		for a.over[node] {
			best, victim := math.Inf(1), int32(0)
			for _, job := range a.jobs[node] {
				if price := float64(a.weight(int(job))) / a.relief(node, job); price < best {
					best, victim = price, job
				}
			}
			a.move(victim, int32(a.Nodes))
		}
	}
}

// relief returns how much of a node's excess, in shares of its capacity, goes with a job. It is above zero for at least one
// job of a node that holds more than its capacity.
func (a *annealer) relief(node, job int32) float64 {
	need, relief := a.demand(int(job), int(node)), 0.0
	for at := int(node) * a.Dims; at < (int(node)+1)*a.Dims; at++ {
		if excess := a.load[at] - a.Capacity[at]; excess > 0 {
			relief += float64(min(excess, a.Demand[need])) / float64(a.Capacity[at])
		}
		need++
	}
	return relief
}

// complete puts every job that is left out on the node where it costs least, beyond its capacity if need be.
func (a *annealer) complete() {
	for len(a.jobs[a.Nodes]) > 0 {
		job := a.jobs[a.Nodes][0]
		best, least := int32(0), math.Inf(1)
		for node := range int32(a.Nodes) {
			pay := a.pay(job, node)
			if pay >= least {
				continue
			}
			if pay += a.entered(node, job) - a.toll[node]; pay < least {
				best, least = node, pay
			}
		}
		a.move(job, best)
	}
}
