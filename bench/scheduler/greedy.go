package scheduler

import (
	"math"
	"math/rand/v2"
	"time"
)

// firstFit puts each job, in the greedy's order, on the first node that has room; -1 where none has.
func (s *study) firstFit() []int32 {
	plan, cpu, mem := make([]int32, len(s.jobs)), make([]float64, len(s.nodes)), make([]float64, len(s.nodes))
	for n := range s.nodes {
		cpu[n], mem[n] = s.nodes[n].cpu, s.nodes[n].mem
	}
	for _, j := range s.order {
		plan[j] = -1
		for n := range s.nodes {
			if cpu[n] >= s.jobs[j].cpu && mem[n] >= s.jobs[j].mem {
				plan[j] = int32(n)
				cpu[n] -= s.jobs[j].cpu
				mem[n] -= s.jobs[j].mem
				break
			}
		}
	}
	return plan
}

// greedy is the weighted greedy with its buffers: jobs in their order, each where the weighted sum of the objectives grows least.
type greedy struct {
	s        *study
	cpu, mem []float64
	idle     []float64 // weighted, of nodes that are not in use yet
}

func newGreedy(s *study) *greedy {
	return &greedy{s: s, cpu: make([]float64, len(s.nodes)), mem: make([]float64, len(s.nodes)), idle: make([]float64, len(s.nodes))}
}

// place makes a plan for weights over a scale. A job for which no node has room keeps -1.
func (g *greedy) place(weights, scale vector) []int32 {
	s := g.s
	plan := make([]int32, len(s.jobs))
	for o := range weights {
		weights[o] /= scale[o]
	}
	for n := range s.nodes {
		g.cpu[n], g.mem[n], g.idle[n] = s.nodes[n].cpu, s.nodes[n].mem, weights[2]*s.nodes[n].idleEnergy()
	}
	for _, j := range s.order {
		at, least := int32(-1), math.Inf(1)
		cpu, mem := s.jobs[j].cpu, s.jobs[j].mem
		for n, f := range s.pair[j*len(s.nodes) : (j+1)*len(s.nodes)] {
			v := weights[0]*f[0] + weights[1]*f[1] + weights[2]*f[2] + weights[3]*f[3] + g.idle[n]
			if v < least && g.cpu[n] >= cpu && g.mem[n] >= mem {
				at, least = int32(n), v
			}
		}
		plan[j] = at
		if at >= 0 {
			g.cpu[at] -= cpu
			g.mem[at] -= mem
			g.idle[at] = 0
		}
	}
	return plan
}

// multiGreedy repeats the greedy with random weights until its CPU time is up, at least once, and keeps the plans that no other dominates.
// The first three weights are those of the profiles.
func (s *study) multiGreedy(budget time.Duration, seed uint64) (e effort, err error) {
	began := cpu()
	r := rand.New(rand.NewPCG(seed, 2))
	g := newGreedy(s)
	first := profiles()
	for run := 0; e.took < budget || run == 0; run++ {
		weights := vector{}
		sum := 0.0
		for o := range weights {
			weights[o] = r.ExpFloat64()
			sum += weights[o]
		}
		for o := range weights {
			weights[o] /= sum
		}
		if run < len(first) {
			weights = first[run].weights
		}
		f, err := s.objectives(g.place(weights, s.scale))
		if err != nil {
			return e, err
		}
		e.front = keep(e.front, f)
		e.took = cpu() - began
	}
	return e, nil
}

// keep adds a point to a front unless it is dominated or there already, and drops what it dominates.
func keep(front []vector, f vector) []vector {
	kept := front[:0]
	for i := range front {
		switch compare(front[i][:], f[:]) {
		case -1:
			return front
		case 0:
			if front[i] == f {
				return front
			}
			kept = append(kept, front[i])
		}
	}
	return append(kept, f)
}
