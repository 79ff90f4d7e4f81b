package scheduler

import (
	"fmt"
	"math"
)

// whole is a device, in thousandths.
const whole = 1000

// cluster is what is free on each host, device by device. It is the replay's own account, by which every policy is judged.
type cluster struct {
	hosts []host
	free  []room
	down  []bool
	demo  []class // of the fragmentation measure
}

// room is what is free on one host.
type room struct {
	cpu, mem int64
	gpu      []int64 // of each device, in thousandths
}

// class is pods of equal demand, and their share of all.
type class struct {
	pod
	share float64
}

func newCluster(t *trace) *cluster {
	c := &cluster{hosts: t.hosts, free: make([]room, len(t.hosts)), down: make([]bool, len(t.hosts))}
	for n := range c.free {
		c.restore(n)
	}
	counts := map[[4]int64]int{}
	for i := range t.pods {
		p := &t.pods[i]
		counts[[4]int64{p.cpu, p.mem, int64(p.gpus), p.share}]++
	}
	for k, n := range counts {
		c.demo = append(c.demo, class{pod{cpu: k[0], mem: k[1], gpus: int(k[2]), share: k[3]}, float64(n) / float64(len(t.pods))})
	}
	return c
}

// restore makes a host as empty as it was.
func (c *cluster) restore(n int) {
	h := &c.hosts[n]
	c.free[n] = room{cpu: h.cpu, mem: h.mem, gpu: make([]int64, h.gpus)}
	for d := range c.free[n].gpu {
		c.free[n].gpu[d] = whole
	}
	c.down[n] = false
}

// fits reports whether a host has room for a pod now: several devices must be wholly free.
func (c *cluster) fits(n int, p *pod) bool {
	r := &c.free[n]
	if c.down[n] || r.cpu < p.cpu || r.mem < p.mem {
		return false
	}
	devices := 0
	for _, g := range r.gpu {
		if g >= p.share {
			devices++
		}
	}
	return p.gpus == 0 || devices >= p.gpus
}

// devices chooses a pod's devices on a host: those with the least room that suffices. The host must fit the pod.
func (c *cluster) devices(n int, p *pod) []int {
	var chosen []int
	taken := make([]bool, len(c.free[n].gpu))
	for range p.gpus {
		at, least := -1, int64(math.MaxInt64)
		for d, g := range c.free[n].gpu {
			if !taken[d] && g >= p.share && g < least {
				at, least = d, g
			}
		}
		taken[at] = true
		chosen = append(chosen, at)
	}
	return chosen
}

// take puts a pod on a host's devices; what does not fit is an error, and changes nothing.
func (c *cluster) take(n int, p *pod, devices []int) error {
	r := &c.free[n]
	switch {
	case c.down[n]:
		return fmt.Errorf("%s is put on %s, which is down", p.name, c.hosts[n].name)
	case r.cpu < p.cpu || r.mem < p.mem:
		return fmt.Errorf("%s overcommits the cores or the memory of %s", p.name, c.hosts[n].name)
	case len(devices) != p.gpus:
		return fmt.Errorf("%s got %d devices of %s instead of %d", p.name, len(devices), c.hosts[n].name, p.gpus)
	}
	seen := map[int]bool{}
	for _, d := range devices {
		if d < 0 || d >= len(r.gpu) || seen[d] || r.gpu[d] < p.share {
			return fmt.Errorf("%s overcommits device %d of %s", p.name, d, c.hosts[n].name)
		}
		seen[d] = true
	}
	c.change(n, p, devices, -1)
	return nil
}

// give takes a pod off again.
func (c *cluster) give(n int, p *pod, devices []int) { c.change(n, p, devices, 1) }

func (c *cluster) change(n int, p *pod, devices []int, sign int64) {
	r := &c.free[n]
	r.cpu += sign * p.cpu
	r.mem += sign * p.mem
	for _, d := range devices {
		r.gpu[d] += sign * p.share
	}
}

// fragmentation is the share of the free devices that a pod drawn from the trace could not use on average, as Weng et al.
// (USENIX ATC 2023, section 4) define it: all that is free on a host that cannot take the pod, otherwise the devices that are too
// full for it.
func (c *cluster) fragmentation() float64 {
	lost, free := 0.0, 0.0
	for n := range c.free {
		idle := int64(0)
		for _, g := range c.free[n].gpu {
			idle += g
		}
		if idle == 0 || c.down[n] {
			continue
		}
		free += float64(idle)
		for i := range c.demo {
			k := &c.demo[i]
			if k.gpus == 0 || !c.fits(n, &k.pod) {
				lost += k.share * float64(idle)
				continue
			}
			for _, g := range c.free[n].gpu {
				if g < k.pod.share {
					lost += k.share * float64(g)
				}
			}
		}
	}
	if free == 0 {
		return 0
	}
	return lost / free
}
