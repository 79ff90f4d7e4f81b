package scheduler

import (
	"math"
	"math/bits"
	"math/rand/v2"
)

// policy chooses a host for a pod from what is free now, -1 for none.
type policy func(c *cluster, p *pod) int

// policies are the peers of the replay.
func policies(seed uint64) map[string]policy {
	return map[string]policy{
		"first-fit": firstFit,
		"best-fit":  bestFit,
		"nomad":     nomad(rand.New(rand.NewPCG(seed, 3))),
	}
}

// firstFit takes the first host that has room.
func firstFit(c *cluster, p *pod) int {
	for n := range c.hosts {
		if c.fits(n, p) {
			return n
		}
	}
	return -1
}

// bestFit takes the host that has the least left afterwards, summed over cores, memory and devices as shares of the largest host.
func bestFit(c *cluster, p *pod) int {
	var most host
	for n := range c.hosts {
		most.cpu, most.mem, most.gpus = max(most.cpu, c.hosts[n].cpu), max(most.mem, c.hosts[n].mem), max(most.gpus, c.hosts[n].gpus)
	}
	at, least := -1, math.Inf(1)
	for n := range c.hosts {
		if !c.fits(n, p) {
			continue
		}
		r := &c.free[n]
		left := float64(r.cpu-p.cpu)/float64(most.cpu) + float64(r.mem-p.mem)/float64(most.mem)
		for _, g := range r.gpu {
			left += float64(g) / whole / float64(most.gpus)
		}
		left -= float64(p.gpu()) / whole / float64(most.gpus)
		if left < least {
			at, least = n, left
		}
	}
	return at
}

// nomad looks at the hosts in random order until max(2, log2 n) of them have room, and takes the one with the greatest
// 20 - 10^freeCPU - 10^freeMemory, at most 18, where free is the share that stays free: the formula by which Nomad scores
// candidates of its batch jobs.
func nomad(r *rand.Rand) policy {
	return func(c *cluster, p *pod) int {
		want := max(2, bits.Len(uint(len(c.hosts)-1)))
		at, best := -1, math.Inf(-1)
		for _, n := range r.Perm(len(c.hosts)) {
			if !c.fits(n, p) {
				continue
			}
			cpu := float64(c.free[n].cpu-p.cpu) / float64(c.hosts[n].cpu)
			mem := float64(c.free[n].mem-p.mem) / float64(c.hosts[n].mem)
			if score := min(18, 20-math.Pow(10, cpu)-math.Pow(10, mem)); score > best {
				at, best = n, score
			}
			if want--; want == 0 {
				break
			}
		}
		return at
	}
}
