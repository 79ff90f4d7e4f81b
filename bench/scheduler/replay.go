package scheduler

import (
	"cmp"
	"container/heap"
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
)

// planner is what the replay drives: a policy, or the scheduler itself. Its calls come in the order of virtual time.
type planner interface {
	// submit, end, kill and revive tell of what happened; pods and hosts are indexes of the trace.
	submit(now int64, pod int) error
	end(now int64, pod int) error
	kill(now int64, host int) error
	revive(now int64, host int) error
	// settle returns what was placed since the last call.
	settle(ctx context.Context, now int64) ([]placement, error)
}

// placement puts a pod on a host's devices.
type placement struct {
	pod, host int
	devices   []int
}

// outage is how long a host that is killed stays away, in seconds.
const outage = 3600

// happening is an entry of the calendar. Of what happens in one second, ends come first, then the hosts, then arrivals.
type happening struct {
	at   int64
	kind int
	who  int // pod or host
	life int // of the pod that ends: each time that it is placed it has another one
}

const (
	ending = iota
	reviving
	killing
	arriving
	passing // nothing but time
)

type calendar []happening

func (c calendar) Len() int { return len(c) }
func (c calendar) Less(i, j int) bool {
	return cmp.Or(cmp.Compare(c[i].at, c[j].at), cmp.Compare(c[i].kind, c[j].kind), cmp.Compare(c[i].who, c[j].who)) < 0
}
func (c calendar) Swap(i, j int) { c[i], c[j] = c[j], c[i] }
func (c *calendar) Push(x any)   { *c = append(*c, x.(happening)) }
func (c *calendar) Pop() any {
	last := (*c)[len(*c)-1]
	*c = (*c)[:len(*c)-1]
	return last
}

// replay runs a trace through a planner in virtual time and keeps the books.
type replay struct {
	trace   *trace
	cluster *cluster
	planner planner
	stays   bool // pods never end: the trace fills the cluster
	kills   int  // of hosts, at random instants
	seed    uint64

	calendar calendar
	at       []*placement // of each pod; nil where it does not run
	life     []int
	arrived  []bool
	over     []bool
	waited   []int64 // seconds from the creation to the first placement; -1 for never
	samples  []tally
}

// tally is how things stand at an instant.
type tally struct {
	now      int64
	arrived  int64   // thousandths of devices that were asked for so far
	waiting  int     // pods that arrived and are not placed
	lacking  int     // those of them that need devices
	fragment float64 // share of the free devices that is of no use
}

// run replays everything. What no scheduler may do is an error: overcommitting, placing a pod twice, losing one.
func (r *replay) run(ctx context.Context) error {
	r.prepare()
	for step := 0; len(r.calendar) > 0; step++ {
		now := r.calendar[0].at
		for len(r.calendar) > 0 && r.calendar[0].at == now {
			if err := r.happen(heap.Pop(&r.calendar).(happening)); err != nil {
				return err
			}
		}
		placed, err := r.planner.settle(ctx, now)
		if err != nil {
			return err
		}
		for i := range placed {
			if err := r.place(now, &placed[i]); err != nil {
				return err
			}
		}
		if step%64 == 0 || len(r.calendar) == 0 {
			r.sample(now)
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	return r.audit()
}

// prepare fills the calendar.
func (r *replay) prepare() {
	n := len(r.trace.pods)
	r.cluster = newCluster(r.trace)
	r.at, r.life, r.arrived, r.over = make([]*placement, n), make([]int, n), make([]bool, n), make([]bool, n)
	r.waited = slices.Repeat([]int64{-1}, n)
	for i := range r.trace.pods {
		r.calendar = append(r.calendar, happening{at: r.trace.pods[i].created, kind: arriving, who: i})
	}
	random := rand.New(rand.NewPCG(r.seed, 4))
	first, last := r.trace.pods[n/10].created, r.trace.pods[n-1].created
	for range r.kills {
		at, who := first+random.Int64N(last-first), random.IntN(len(r.trace.hosts))
		r.calendar = append(r.calendar, happening{at: at, kind: killing, who: who})
	}
	for _, delay := range []int64{1, 10, 60, 600} { // what is put back is tried again after a while
		for _, h := range slices.Clone(r.calendar) {
			if h.kind == killing {
				r.calendar = append(r.calendar, happening{at: h.at + delay, kind: passing}, happening{at: h.at + outage + delay, kind: passing})
			}
		}
	}
	heap.Init(&r.calendar)
}

// happen tells the planner of one entry and books it.
func (r *replay) happen(h happening) error {
	switch h.kind {
	case arriving:
		r.arrived[h.who] = true
		return r.planner.submit(h.at, h.who)
	case ending:
		if r.life[h.who] != h.life || r.at[h.who] == nil {
			return nil // its host was killed meanwhile
		}
		r.off(h.who)
		r.over[h.who] = true
		return r.planner.end(h.at, h.who)
	case passing:
		return nil
	case killing:
		if r.cluster.down[h.who] {
			return nil
		}
		for i, p := range r.at {
			if p != nil && p.host == h.who {
				r.off(i)
			}
		}
		r.cluster.down[h.who] = true
		heap.Push(&r.calendar, happening{at: h.at + outage, kind: reviving, who: h.who})
		return r.planner.kill(h.at, h.who)
	}
	r.cluster.restore(h.who)
	return r.planner.revive(h.at, h.who)
}

// off takes a pod off its host.
func (r *replay) off(i int) {
	r.cluster.give(r.at[i].host, &r.trace.pods[i], r.at[i].devices)
	r.at[i] = nil
}

// place books one placement.
func (r *replay) place(now int64, p *placement) error {
	i := p.pod
	switch {
	case !r.arrived[i]:
		return fmt.Errorf("%s is placed before it arrived", r.trace.pods[i].name)
	case r.over[i] || r.at[i] != nil:
		return fmt.Errorf("%s is placed twice", r.trace.pods[i].name)
	}
	if err := r.cluster.take(p.host, &r.trace.pods[i], p.devices); err != nil {
		return err
	}
	r.at[i] = p
	r.life[i]++
	if r.waited[i] < 0 {
		r.waited[i] = now - r.trace.pods[i].created
	}
	if !r.stays {
		heap.Push(&r.calendar, happening{at: now + r.trace.pods[i].runs, kind: ending, who: i, life: r.life[i]})
	}
	return nil
}

// audit checks that no pod was lost: where pods end, each has ended; else none waits that would fit.
func (r *replay) audit() error {
	for i := range r.trace.pods {
		p := &r.trace.pods[i]
		if r.over[i] || r.at[i] != nil {
			continue
		}
		for n := range r.cluster.hosts {
			if r.cluster.fits(n, p) {
				return fmt.Errorf("%s is lost: it was never placed, and %s has room", p.name, r.cluster.hosts[n].name)
			}
		}
		if !r.stays {
			return fmt.Errorf("%s is lost: it never ended", p.name)
		}
	}
	return nil
}

// sample notes how things stand.
func (r *replay) sample(now int64) {
	t := tally{now: now, fragment: r.cluster.fragmentation()}
	for i := range r.trace.pods {
		if !r.arrived[i] {
			continue
		}
		t.arrived += r.trace.pods[i].gpu()
		if !r.over[i] && r.at[i] == nil {
			t.waiting++
			if r.trace.pods[i].gpus > 0 {
				t.lacking++
			}
		}
	}
	r.samples = append(r.samples, t)
}

// waits is the mean time in seconds from the creation to the first placement, by tier.
func (r *replay) waits() []float64 {
	sum, n := make([]float64, len(tiers())), make([]float64, len(tiers()))
	for i, w := range r.waited {
		if w >= 0 {
			tier := r.trace.pods[i].tier
			sum[tier] += float64(w)
			n[tier]++
		}
	}
	for i := range sum {
		if n[i] == 0 {
			sum[i] = math.NaN()
			continue
		}
		sum[i] /= n[i]
	}
	return sum
}
