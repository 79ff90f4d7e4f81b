package scheduler

import "math/bits"

// Capacity is what a node has in total, or the room that is left on it.
type Capacity struct {
	MilliCPU int64 // thousandths of a core
	MemoryMB int64
	MilliGPU int64 // thousandths of a device; 1000 for each device, the last may be a part
	DiskMB   int64
	MbitPS   int64 // megabits (10^6) a second
}

func (c *Capacity) add(o Capacity) {
	c.MilliCPU += o.MilliCPU
	c.MemoryMB += o.MemoryMB
	c.MilliGPU += o.MilliGPU
	c.DiskMB += o.DiskMB
	c.MbitPS += o.MbitPS
}

func (c *Capacity) sub(o Capacity) {
	c.MilliCPU -= o.MilliCPU
	c.MemoryMB -= o.MemoryMB
	c.MilliGPU -= o.MilliGPU
	c.DiskMB -= o.DiskMB
	c.MbitPS -= o.MbitPS
}

// capacity is the room that a demand takes up.
func (d *Demand) capacity() Capacity {
	return Capacity{MilliCPU: d.MilliCPU, MemoryMB: d.MemoryMB, MilliGPU: d.MilliGPU, DiskMB: d.DiskMB, MbitPS: d.MbitPS}
}

// fullest is the share of the whole that is used in the fullest dimension, 0 or more; zero for a node without capacity.
func (c *Capacity) fullest(used *Capacity) float64 {
	return max(
		share(used.MilliCPU, c.MilliCPU), share(used.MemoryMB, c.MemoryMB), share(used.MilliGPU, c.MilliGPU),
		share(used.DiskMB, c.DiskMB), share(used.MbitPS, c.MbitPS),
	)
}

// dimension is one of those in which a node has room.
type dimension uint8

const (
	dimNone dimension = iota
	dimCPU
	dimMemory
	dimGPU
	dimDisk
	dimNetwork
)

// lacks is the first dimension in which the room is too small for the demand, or none.
func (c *Capacity) lacks(d *Demand) dimension {
	switch {
	case d.MilliCPU > c.MilliCPU:
		return dimCPU
	case d.MemoryMB > c.MemoryMB:
		return dimMemory
	case d.MilliGPU > c.MilliGPU:
		return dimGPU
	case d.DiskMB > c.DiskMB:
		return dimDisk
	case d.MbitPS > c.MbitPS:
		return dimNetwork
	}
	return dimNone
}

// never is why a node that lacks a dimension, however idle, can never take a job.
func (d dimension) never() Code {
	return [...]Code{"", CodeCPUNever, CodeMemoryNever, CodeGPUNever, CodeDiskNever, CodeNetworkNever}[d]
}

// busy is why a node that lacks a dimension now cannot take a job now.
func (d dimension) busy() Code {
	return [...]Code{"", CodeCPUBusy, CodeMemoryBusy, CodeGPUBusy, CodeDiskBusy, CodeNetworkBusy}[d]
}

// field is the dimension as submissions name it.
func (d dimension) field() string {
	return [...]string{"", "cpu_required", "memory_required", "gpu_required", "disk_required", "bandwidth_required"}[d]
}

// oneGPU is a whole device in thousandths, and MaxGPUs the devices of a node that are told apart; more are not used.
const (
	oneGPU  = 1000
	MaxGPUs = 64
)

// wholeGPUs is the demand in the form in which it is counted: a share of one device, or whole devices.
func wholeGPUs(milli int64) int64 {
	if milli <= oneGPU {
		return milli
	}
	return (milli + oneGPU - 1) / oneGPU * oneGPU
}

// newGPUs is the free thousandths of each device of an idle node; nil for a node without devices.
func newGPUs(milli int64) []int16 {
	if milli <= 0 {
		return nil
	}
	free := make([]int16, 0, min((milli+oneGPU-1)/oneGPU, MaxGPUs))
	for ; milli > 0 && len(free) < MaxGPUs; milli -= oneGPU {
		free = append(free, int16(min(milli, oneGPU)))
	}
	return free
}

// pickGPUs chooses devices for a demand, one bit each: for a share the device with the least room that is enough, so that
// whole devices stay whole, else the first that are free as a whole. It reports false where there are none.
func pickGPUs(free []int16, milli int64) (mask uint64, ok bool) {
	if milli <= 0 {
		return 0, true
	}
	if milli < oneGPU {
		best := -1
		for i, f := range free {
			if int64(f) >= milli && (best < 0 || f < free[best]) {
				best = i
			}
		}
		if best < 0 {
			return 0, false
		}
		return 1 << best, true
	}
	left := milli / oneGPU
	for i, f := range free {
		if f == oneGPU && left > 0 {
			mask |= 1 << i
			left--
		}
	}
	return mask, left == 0
}

// useGPUs takes a demand's thousandths off the devices of a mask; a negative demand gives them back.
func useGPUs(free []int16, mask uint64, milli int64) {
	n := int64(bits.OnesCount64(mask))
	if n == 0 {
		return
	}
	for i := range free {
		if mask&(1<<i) != 0 {
			free[i] -= int16(milli / n)
		}
	}
}
