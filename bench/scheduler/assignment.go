package scheduler

import (
	"bufio"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// assignment is one instance of the generalised assignment problem: every job on one agent, within each agent's capacity, at
// the least cost.
type assignment struct {
	agents, jobs int
	cost, demand []int64 // agent by agent
	capacity     []int64
	bound        float64 // no plan costs less
}

// readAssignment reads an instance in the form of the OR-Library.
func readAssignment(folder, name string) (*assignment, error) {
	file := filepath.Join(folder, "gap", name)
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	fields := strings.Fields(string(text))
	numbers := make([]int64, len(fields))
	for i, field := range fields {
		if numbers[i], err = strconv.ParseInt(field, 10, 64); err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
	}
	if len(numbers) < 2 || int64(len(numbers)) != 2+numbers[0]*(2*numbers[1]+1) {
		return nil, fmt.Errorf("%s has %d numbers", file, len(numbers))
	}
	a := &assignment{agents: int(numbers[0]), jobs: int(numbers[1])}
	pairs := a.agents * a.jobs
	a.cost, a.demand, a.capacity = numbers[2:2+pairs], numbers[2+pairs:2+2*pairs], numbers[2+2*pairs:]
	a.bound, err = readBound(folder, name)
	return a, err
}

// readBound reads the proven lower bound of an instance.
func readBound(folder, name string) (float64, error) {
	f, err := os.Open(filepath.Join(folder, "gap", "bounds.txt"))
	if err != nil {
		return 0, err
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		fields := strings.Fields(lines.Text())
		if len(fields) == 3 && strings.HasPrefix(fields[0], name+"_") {
			return strconv.ParseFloat(fields[1], 64)
		}
	}
	return 0, fmt.Errorf("bounds.txt has no bound of %s", name)
}

// makeAssignment draws an instance of class c, d or e as Chu and Beasley (1997) and Laguna et al. (1995) define them. In d and e
// what is cheap needs much, and capacity is tight. The bound is that of the linear relaxation.
func makeAssignment(class byte, agents, jobs int, seed uint64) *assignment {
	r := rand.New(rand.NewPCG(seed, uint64(class)))
	between := func(low, high int64) int64 { return low + r.Int64N(high-low+1) }
	a := &assignment{agents: agents, jobs: jobs}
	for range agents {
		sum := int64(0)
		for range jobs {
			var cost, demand int64
			switch class {
			case 'c':
				cost, demand = between(10, 50), between(5, 25)
			case 'd':
				demand = between(1, 100)
				cost = 111 - demand + between(-10, 10)
			case 'e':
				demand = int64(1 - 10*math.Log(1-r.Float64()))
				cost = int64(1000/float64(demand) - 10*r.Float64())
			}
			a.cost, a.demand = append(a.cost, cost), append(a.demand, demand)
			sum += demand
		}
		a.capacity = append(a.capacity, sum*8/10/int64(agents))
	}
	a.bound = math.Ceil(a.relax() - 1e-6)
	return a
}

// relax is the best bound that a subgradient search finds when exceeding a capacity is priced instead of forbidden. At its best it
// equals the linear relaxation.
func (a *assignment) relax() float64 {
	price, over := make([]float64, a.agents), make([]float64, a.agents)
	best, step := math.Inf(-1), 1.0
	for round, idle := 0, 0; round < 4000 && step > 1e-6; round++ {
		bound := 0.0
		for i := range price {
			over[i] = -float64(a.capacity[i])
			bound -= price[i] * float64(a.capacity[i])
		}
		for j := range a.jobs {
			at, least := 0, math.Inf(1)
			for i := range price {
				k := i*a.jobs + j
				if v := float64(a.cost[k]) + price[i]*float64(a.demand[k]); v < least {
					at, least = i, v
				}
			}
			bound += least
			over[at] += float64(a.demand[at*a.jobs+j])
		}
		if idle++; bound > best+1e-9 {
			best, idle = bound, 0
		}
		if idle > 30 {
			step, idle = step/1.5, 0
		}
		a.climb(price, over, step*0.01*math.Abs(best))
	}
	return best
}

// climb moves the prices along the subgradient by about what the bound may gain.
func (a *assignment) climb(price, over []float64, gain float64) {
	length := 0.0
	for i, v := range over {
		if v > 0 || price[i] > 0 {
			length += v * v
		}
	}
	if length == 0 {
		return
	}
	for i, v := range over {
		price[i] = max(0, price[i]+gain*v/length)
	}
}

// judge is what a plan costs; a plan that leaves a job out or exceeds a capacity is an error.
func (a *assignment) judge(plan []int32) (float64, error) {
	if len(plan) != a.jobs {
		return 0, fmt.Errorf("a plan for %d of %d jobs", len(plan), a.jobs)
	}
	left := append([]int64(nil), a.capacity...)
	sum := int64(0)
	for j, i := range plan {
		if i < 0 || int(i) >= a.agents {
			return 0, fmt.Errorf("job %d is left out", j)
		}
		k := int(i)*a.jobs + j
		sum += a.cost[k]
		if left[i] -= a.demand[k]; left[i] < 0 {
			return 0, fmt.Errorf("agent %d is overfull", i)
		}
	}
	return float64(sum), nil
}
