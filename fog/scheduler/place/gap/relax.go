package gap

import "math"

// relaxation climbs the Lagrangian dual that prices capacity: with a price u >= 0 for each node and dimension,
//
//	L(u) = sum over jobs of min over nodes of (cost + u . demand)  -  u . capacity
//
// is at most the cost of every plan. The prices follow a deflected subgradient with a level target (Goffin, Kiwiel:
// Convergence of a simple subgradient level method, Mathematical Programming 85, 1999, section 3; the direction is that of
// Camerini, Fratta, Maffioli: On improving relaxation methods by modified gradient techniques, 1975). Prices are held per
// whole capacity, so that dimensions of different units climb at the same pace.
type relaxation struct {
	*model
	price  []float64 // of each node and dimension: best known price of its whole capacity
	bound  float64   // L at price, from which rounding is already taken off
	proof  bool      // bound exceeds what any complete plan can cost: there is none
	at     []float64 // price under trial
	unit   []float64 // price under trial of one unit
	slope  []float64 // subgradient at the trial: load/capacity - 1
	crest  []float64 // subgradient at price
	course []float64 // direction of the climb
	load   []float64
	level  float64 // how far above the best bound the next target lies
	stale  int     // trials since the target was last neared

	patience int // trials without half the hoped-for gain after which the target is lowered
}

// newRelaxation starts at price zero.
func newRelaxation(m *model) *relaxation {
	size := m.Nodes * m.Dims
	x := &relaxation{
		model: m, price: make([]float64, size), at: make([]float64, size), unit: make([]float64, size),
		slope: make([]float64, size), crest: make([]float64, size), course: make([]float64, size), load: make([]float64, size), bound: math.Inf(-1),
	}
	x.level = m.span / 20
	x.patience = 8
	return x
}

// climb makes a number of trials, and the least number of them even if it is told to stop. Each costs Jobs*Nodes*Dims.
func (x *relaxation) climb(least, trials int, stop func() bool) {
	for at := range trials {
		if x.proof || at >= least && stop() {
			return
		}
		x.trial()
	}
}

// trial evaluates one price, keeps it if it is the best, and steps on.
func (x *relaxation) trial() {
	value := x.evaluate()
	gain := value - x.bound
	if gain > 0 {
		x.bound = value
		copy(x.price, x.at)
		copy(x.crest, x.slope)
		x.proof = value > x.ceiling()
	}
	switch {
	case gain >= x.level/2:
		x.stale = 0
		if gain >= x.level {
			x.level *= 1.5
		}
	default:
		x.stale++
	}
	if x.stale >= x.patience {
		x.retreat()
		value = x.bound
	}
	x.step(value)
}

// retreat goes back to the best price and lowers the target. A target that has come down to nothing is raised again, for a
// climb with more patience: a level that fell too fast can stop short of the top.
func (x *relaxation) retreat() {
	x.stale = 0
	x.level /= 2
	if x.level < 1e-8*x.span {
		x.level = x.span / 1000
		x.patience *= 2
	}
	copy(x.at, x.price)
	copy(x.slope, x.crest)
	clear(x.course)
}

// ceiling returns what a complete plan costs at most, with room for rounding.
func (x *relaxation) ceiling() float64 {
	base := 0.0
	for _, job := range x.able {
		base += math.Abs(x.base[job])
	}
	return x.baseSum() + x.span + 1e-9*(base+x.span)
}

// baseSum returns the sum of the least costs.
func (x *relaxation) baseSum() float64 {
	sum := 0.0
	for _, base := range x.base {
		sum += base
	}
	return sum
}

// evaluate computes L and its subgradient at the trial price.
func (x *relaxation) evaluate() float64 {
	paid, priced, size := 0.0, 0.0, 0.0
	for at, price := range x.at {
		x.load[at] = 0
		x.unit[at] = 0
		if x.Capacity[at] > 0 {
			x.unit[at] = price / float64(x.Capacity[at])
			priced += x.unit[at] * float64(x.Capacity[at])
		}
	}
	sum := 0.0
	for _, job := range x.able {
		node, value := x.cheapest(int(job))
		paid += value
		sum += x.base[job]
		size += math.Abs(x.base[job])
		need := x.demand(int(job), node)
		for d := range x.Dims {
			x.load[node*x.Dims+d] += float64(x.Demand[need+d])
		}
	}
	for at := range x.slope {
		x.slope[at] = 0
		if x.Capacity[at] > 0 {
			x.slope[at] = x.load[at]/float64(x.Capacity[at]) - 1
		}
	}
	return sum + paid - priced - x.slip(paid, priced, size)
}

// slip bounds the rounding in evaluate. Every term is a sum of numbers of one sign, whose relative error is at most their
// count times the machine epsilon (Higham: Accuracy and Stability of Numerical Algorithms, section 4.2), only the bases may
// differ in sign; a factor of four covers the products and conversions.
func (x *relaxation) slip(paid, priced, size float64) float64 {
	terms := float64(x.Jobs + x.Nodes*x.Dims + x.Dims + 8)
	return 4 * terms * 0x1p-53 * (paid + priced + size)
}

// cheapest returns the node with the least priced cost for a job that fits somewhere.
func (x *relaxation) cheapest(job int) (int, float64) {
	row := x.cost[job*x.Nodes : (job+1)*x.Nodes]
	best, least := 0, math.Inf(1)
	if x.Dims == 1 && !x.Uniform {
		demand := x.Demand[job*x.Nodes : (job+1)*x.Nodes]
		for node, cost := range row {
			if value := cost + x.unit[node]*float64(demand[node]); value < least {
				best, least = node, value
			}
		}
		return best, least
	}
	for node, cost := range row {
		if cost >= least {
			continue
		}
		if value := x.priced(cost, x.unit, job, node); value < least {
			best, least = node, value
		}
	}
	return best, least
}

// priced adds the price of a job's demands on a node to its cost.
func (m *model) priced(cost float64, unit []float64, job, node int) float64 {
	need := m.demand(job, node)
	for d, price := range unit[node*m.Dims : (node+1)*m.Dims] {
		cost += price * float64(m.Demand[need+d])
	}
	return cost
}

// step moves the trial price towards the level, along the deflected slope, and keeps it at zero or above.
func (x *relaxation) step(value float64) {
	along, norm := 0.0, 0.0
	for at, slope := range x.slope {
		along += slope * x.course[at]
		norm += x.course[at] * x.course[at]
	}
	deflect := 0.0
	if along < 0 {
		deflect = -1.5 * along / norm
	}
	norm = 0
	for at, slope := range x.slope {
		x.course[at] = slope + deflect*x.course[at]
		if x.at[at] == 0 && x.course[at] < 0 {
			x.course[at] = 0
		}
		norm += x.course[at] * x.course[at]
	}
	if norm == 0 {
		return
	}
	size := (x.bound + x.level - value) / norm
	for at, course := range x.course {
		x.at[at] = max(0, x.at[at]+size*course)
	}
}

// lower returns the bound for plans of all jobs: +Inf if there is no such plan.
func (x *relaxation) lower() float64 {
	if x.proof || len(x.able) < x.Jobs {
		return math.Inf(1)
	}
	return x.rounded()
}

// rounded returns the bound for plans of all able jobs, rounded up to a whole number where all costs are whole.
func (x *relaxation) rounded() float64 {
	if x.grid && math.Abs(x.bound) < maxWeight {
		return math.Ceil(x.bound)
	}
	return x.bound
}

// prices fills the price of one unit of each node's capacity.
func (x *relaxation) prices(unit []float64) {
	for at, price := range x.price {
		unit[at] = 0
		if x.Capacity[at] > 0 {
			unit[at] = price / float64(x.Capacity[at])
		}
	}
}
