package main

import (
	"log"
	"math"
	"math/rand/v2"

	"github.com/fogcompute/fogcompute/fog/scheduler/moo"
	"github.com/fogcompute/fogcompute/fog/scheduler/moo/hv"
	"github.com/fogcompute/fogcompute/fog/scheduler/place/gap"
)

const (
	machines = 8  // three small ones, three medium ones, two large ones
	install  = 40 // minutes to install what a kind of job needs, once on each machine that runs any of the kind
)

// night is the problem.
type night struct {
	jobs   []job
	work   int64     // minutes of all jobs at speed 1
	corner []float64 // hours and dollars that nobody would exceed: hypervolume is measured from here
}

// job is some minutes of work of a kind: 0 compiles, 1 queries a database, 2 is a script.
type job struct {
	minutes int64
	kind    int
}

// size is 0 for a small machine, 1 for a medium one, 2 for a large one.
func size(machine int) int { return machine / 3 }

// rate is the price of a started hour in dollars.
func rate(machine int) float64 { return [3]float64{0.10, 0.26, 0.66}[size(machine)] }

// on is how many minutes a job takes on a machine.
func (j job) on(machine int) float64 {
	speeds := [3][3]float64{{1, 2, 4}, {0.5, 2, 3}, {1, 1.2, 1.5}} // of each kind of job on each size of machine
	return float64(j.minutes) / speeds[j.kind][size(machine)]
}

// tonight draws jobs of 5 to 90 minutes.
func tonight(jobs int) *night {
	t, random := &night{}, rand.New(rand.NewPCG(1, 2))
	for j := range jobs {
		t.jobs = append(t.jobs, job{minutes: 5 + random.Int64N(86), kind: j % 3})
		t.work += t.jobs[j].minutes
	}
	hours := float64(t.work) / 60
	t.corner = []float64{hours, hours / 3}
	return t
}

// bill writes the hours until the last job is done and the dollars to pay: by the started hour, installing included.
func (t *night) bill(p plan, out []float64) (violation float64) {
	var minutes [machines]float64
	var installed [machines][3]bool
	for j, m := range p {
		if kind := t.jobs[j].kind; !installed[m][kind] {
			installed[m][kind] = true
			minutes[m] += install
		}
		minutes[m] += t.jobs[j].on(int(m))
	}
	out[0], out[1] = 0, 0
	for m, busy := range minutes {
		out[0] = max(out[0], busy/60)
		out[1] += math.Ceil(busy/60) * rate(m)
	}
	return 0 // nothing is forbidden
}

// by is the night as far as it is a sum over jobs: the cheapest way to be done in some minutes, paid by the minute, with
// nothing to install.
func (t *night) by(deadline int64) gap.Problem {
	p := gap.Problem{Jobs: len(t.jobs), Nodes: machines, Dims: 1}
	for _, j := range t.jobs {
		for m := range machines {
			p.Cost = append(p.Cost, j.on(m)/60*rate(m))
			p.Demand = append(p.Demand, int64(math.Ceil(j.on(m)*60))) // seconds
		}
	}
	for range machines {
		p.Capacity = append(p.Capacity, deadline*60)
	}
	return p
}

// volume is the hypervolume of some points as a share of the box between nothing and the corner.
func (t *night) volume(points []float64) float64 {
	var w hv.Workspace
	return w.Volume(points, 2, t.corner) / (t.corner[0] * t.corner[1])
}

// planOf is a complete assignment as a plan.
func planOf(assign []int32) plan {
	p := make(plan, len(assign))
	for j, m := range assign {
		p[j] = uint16(m)
	}
	return p
}

// rented counts the machines of each size that a plan uses.
func rented(p plan) (n [3]int) {
	var used [machines]bool
	for _, m := range p {
		if !used[m] {
			used[m] = true
			n[size(int(m))]++
		}
	}
	return n
}

func newArchive(p moo.Problem[plan]) *moo.Archive[plan] {
	a, err := moo.NewArchive(moo.ArchiveConfig[plan]{Objectives: p.Objectives, Make: p.Make, Copy: p.Copy})
	check(err)
	return a
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
