package scheduler

import (
	"cmp"
)

// mix is what kinds of demand a fleet sees, so that placements can leave behind what the next jobs can use.
type mix []kind

// kind is one demand with its share of all, 0..1.
type kind struct {
	demand Demand
	share  float64
}

// maxKinds bounds what a look at the mix costs.
const maxKinds = 16

// demands counts how often each demand was seen. The counts are halved when they are many, so that they follow the times.
type demands struct {
	seen  map[Demand]float64
	total float64
}

// note counts a demand for GPUs.
func (d *demands) note(x Demand) {
	if x.MilliGPU == 0 {
		return
	}
	x.DiskMB, x.MbitPS = 0, 0
	if d.seen == nil {
		d.seen = make(map[Demand]float64)
	}
	d.seen[x]++
	d.total++
	if d.total < 4096 {
		return
	}
	for k := range d.seen {
		if d.seen[k] /= 2; d.seen[k] < 1 {
			delete(d.seen, k)
		}
	}
	d.total /= 2
}

// mix is the most frequent demands.
func (d *demands) mix() mix {
	all := make(mix, 0, len(d.seen))
	for x, n := range d.seen {
		all = append(all, kind{x, n})
	}
	sortBy(all, func(a, b *kind) int {
		return cmp.Or(cmp.Compare(b.share, a.share), cmp.Compare(a.demand.MilliGPU, b.demand.MilliGPU),
			cmp.Compare(a.demand.MilliCPU, b.demand.MilliCPU), cmp.Compare(a.demand.MemoryMB, b.demand.MemoryMB),
			cmp.Compare(a.demand.Executor, b.demand.Executor))
	})
	all = all[:min(len(all), maxKinds)]
	sum := 0.0
	for _, k := range all {
		sum += k.share
	}
	for i := range all {
		all[i].share /= sum
	}
	return all
}

// fragment is how much of a node's free GPU time, in thousandths, the jobs to come cannot use, as expected over the mix: all of
// it for a job that finds no room on the node, else what lies on devices with less than the job's share. It is the
// fragmentation of Weng et al., Beware of Fragmentation (USENIX ATC 2023), section 4.
func (m mix) fragment(free *Capacity, gpus []int16) float64 {
	whole := int64(0)
	for _, g := range gpus {
		whole += int64(max(g, 0))
	}
	if whole == 0 {
		return 0
	}
	sum := 0.0
	for i := range m {
		sum += m[i].share * float64(m[i].demand.stranded(free, gpus, whole))
	}
	return sum
}

// stranded is how much of the free GPU time jobs of this demand cannot use.
func (d *Demand) stranded(free *Capacity, gpus []int16, whole int64) int64 {
	least := int16(min(d.MilliGPU, oneGPU))
	useful := int64(0)
	for _, g := range gpus {
		if g >= least {
			useful += int64(g)
		}
	}
	if d.MilliCPU > free.MilliCPU || d.MemoryMB > free.MemoryMB || d.MilliGPU > useful {
		return whole
	}
	return whole - useful
}

// strands is by how much the expected fragmentation of a node grows when a demand takes these devices.
func (f *fleet) strands(i int, d *Demand, mask uint64) float64 {
	if len(f.mix) == 0 || len(f.gpus[i]) == 0 {
		return 0
	}
	var room [MaxGPUs]int16
	gpus := room[:copy(room[:], f.gpus[i])]
	before := f.mix.fragment(&f.free[i], gpus)
	useGPUs(gpus, mask, d.MilliGPU)
	free := f.free[i]
	free.sub(d.capacity())
	return f.mix.fragment(&free, gpus) - before
}
