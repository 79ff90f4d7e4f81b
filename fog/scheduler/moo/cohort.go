package moo

import "slices"

// cohort is the numeric half of a population: everything about 2N individuals but their genomes. An individual keeps its
// slot for life; N slots are alive, the other N are free and take the children of the next generation. So the 2N rows of
// objectives are always the merged population that NSGA-II sorts, and neither genomes nor rows are ever moved.
type cohort struct {
	size       int       // N
	objectives int       // m
	value      []float64 // objectives of slot s at [s*m : s*m+m]
	violation  []float64 // of slot s; 0 is feasible
	rank       []int32   // of slot s: number of its front, 0 is the best
	crowd      []float64 // of slot s: crowding distance within its front; only of those alive
	alive      []int32   // slots that live, best front first
	free       []int32   // slots that do not

	tournament Tournament
	duplicates Duplicates
	ranking    ranking
	crowding   crowding
	reference  *reference // nil: crowding distance decides
	shuffled   []int32    // tournament: the alive, in random order
	parents    []int32    // tournament: winners, two in a row make a pair
}

// newCohort returns a cohort of free slots for a valid configuration.
func newCohort(objectives int, config Config) *cohort {
	size := config.Population
	c := &cohort{
		size: size, objectives: objectives, tournament: config.Tournament, duplicates: config.Duplicates,
		value:     make([]float64, 2*size*objectives),
		violation: make([]float64, 2*size),
		rank:      make([]int32, 2*size),
		crowd:     make([]float64, 2*size),
		alive:     make([]int32, 0, size),
		free:      make([]int32, 0, 2*size),
		shuffled:  make([]int32, size),
		parents:   make([]int32, size+1),
	}
	c.reference = newReference(config.Survival, size, objectives)
	c.reset()
	return c
}

// reset frees every slot.
func (c *cohort) reset() {
	c.alive, c.free = c.alive[:0], c.free[:0]
	for slot := range int32(2 * c.size) {
		c.free = append(c.free, slot)
	}
}

// row returns the objectives of a slot.
func (c *cohort) row(slot int32) []float64 {
	at := int(slot) * c.objectives
	return c.value[at : at+c.objectives : at+c.objectives]
}

// settle makes the slots of keep the living ones and all others free, in ascending order.
func (c *cohort) settle(keep []int32) {
	const kept = -1
	c.alive = append(c.alive[:0], keep...)
	for _, slot := range c.alive {
		c.rank[slot] = kept - c.rank[slot] // ranks are not negative: kept ones become so
	}
	c.free = c.free[:0]
	for slot := range int32(2 * c.size) {
		if c.rank[slot] < 0 {
			c.rank[slot] = kept - c.rank[slot]
		} else {
			c.free = append(c.free, slot)
		}
	}
}

// front returns the slots of the first front among the living: a prefix of alive.
func (c *cohort) front() []int32 {
	end, _ := slices.BinarySearchFunc(c.alive, int32(1), func(slot, rank int32) int { return int(c.rank[slot] - rank) })
	return c.alive[:end]
}
