package benchmark

import (
	"sync"
	"time"
)

// minGap is the shortest time over which a load is computed; closer readings answer the same.
const minGap = 200 * time.Millisecond

// machine turns the machine's counters into percentages.
type machine struct {
	mu      sync.Mutex // guards what follows
	at      time.Time
	reading reading
	last    load
}

// load is how busy the machine is, in percent.
type load struct{ cpu, memory, network float64 }

// reading is the state of the machine's counters. What this system does not tell stays 0.
type reading struct {
	busy, total float64           // CPU time of all cores since boot, in any one unit
	memory      float64           // in use, percent
	links       map[string]uint64 // bytes received and sent by each network interface, loopback left out
}

// newMachine takes the first reading.
func newMachine(now time.Time) *machine {
	return &machine{at: now, reading: read()}
}

// load returns how busy the machine was since the last reading that is at least minGap old.
func (m *machine) load(now time.Time) load {
	m.mu.Lock()
	defer m.mu.Unlock()
	gap := now.Sub(m.at)
	if gap < minGap {
		m.last.memory = m.reading.memory
		return m.last
	}
	next := read()
	m.last = between(m.reading, next, gap, linkSpeed)
	m.at, m.reading = now, next
	return m.last
}

// between computes a load from two readings; speed gives an interface's bits a second.
func between(a, b reading, gap time.Duration, speed func(link string) float64) load {
	l := load{memory: b.memory}
	if total := b.total - a.total; total > 0 {
		l.cpu = percent((b.busy - a.busy) / total)
	}
	for link, bytes := range b.links {
		before, known := a.links[link]
		if !known || bytes < before {
			continue // it has just come up
		}
		l.network = max(l.network, percent(float64(bytes-before)*8/gap.Seconds()/speed(link)))
	}
	return l
}

// percent turns a share into a percentage within its bounds.
func percent(share float64) float64 { return min(max(share*100, 0), 100) }
