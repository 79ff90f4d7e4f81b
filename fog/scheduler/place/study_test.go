package place_test

import (
	"encoding/csv"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"

	"github.com/fogcompute/fogcompute/fog/scheduler/place"
)

// The placement study: jobs and machines in regions on a ring, four objectives (tier-weighted response with lateness, cost with
// transfer, energy with the idle power of nodes in use, tier-weighted risk).

// work is one job of the study.
type work struct {
	cpu, mem, work, data, weight, deadline float64
	region                                 int
}

// machine is one node of the study.
type machine struct {
	cpu, mem, speed, price, idle, dyn, risk float64
	region                                  int
}

const unit = 1 << 20 // capacities are counted in millionths

// study builds the problem from its rows.
func study(jobs []work, nodes []machine) *place.Problem {
	p := &place.Problem{Jobs: len(jobs), Nodes: len(nodes), Dims: 2, Objectives: 4}
	pairs := p.Jobs * p.Nodes
	p.Pair = make([]float64, 4*pairs)
	p.Fixed = make([]float64, 4*p.Nodes)
	for n, m := range nodes {
		p.Free = append(p.Free, int64(m.cpu*unit), int64(m.mem*unit))
		p.Fixed[2*p.Nodes+n] = 10 * m.idle
	}
	for j, w := range jobs {
		p.Demand = append(p.Demand, int64(math.Ceil(w.cpu*unit)), int64(math.Ceil(w.mem*unit)))
		p.Tier = append(p.Tier, map[float64]uint8{10: 0, 3: 1, 1: 2}[w.weight])
		for n, m := range nodes {
			d := math.Abs(float64(w.region - m.region))
			d = min(d, 8-d)
			run := w.work / m.speed
			response := run + 0.02*w.data*d
			k := j*p.Nodes + n
			p.Pair[k] = w.weight * (response + 3*max(0, response-w.deadline))
			p.Pair[pairs+k] = run*w.cpu*m.price + 0.05*w.data*d
			p.Pair[2*pairs+k] = run * w.cpu * m.dyn
			p.Pair[3*pairs+k] = w.weight * run * m.risk
		}
	}
	return p
}

// random makes an instance of the same kind: three tiers, log-normal work and data, deadlines around the time the work takes, nodes of
// 8 to 64 cpus scaled so that the jobs fill 60 % of them.
func random(seed uint64, jobs, nodes int) *place.Problem {
	r := rand.New(rand.NewPCG(seed, 0x73747564))
	between := func(lo, hi float64) float64 { return lo + (hi-lo)*r.Float64() }
	var works []work
	var machines []machine
	asked, have := 0.0, 0.0
	for range jobs {
		w := work{
			cpu: []float64{1, 2, 4, 8}[r.IntN(4)], work: math.Exp(2.3 + r.NormFloat64()), data: math.Exp(3.9 + r.NormFloat64()),
			weight: []float64{1, 3, 10}[r.IntN(3)], region: r.IntN(8),
		}
		w.mem = w.cpu * between(1, 4)
		w.deadline = w.work * between(0.8, 2.8)
		asked += w.cpu
		works = append(works, w)
	}
	for range nodes {
		m := machine{
			cpu: []float64{8, 16, 32, 64}[r.IntN(4)], speed: between(0.5, 2), idle: between(20, 80), dyn: between(2, 8),
			risk: min(0.05, 0.001+0.013*r.ExpFloat64()), region: r.IntN(8),
		}
		m.mem = m.cpu * between(2.6, 5.2)
		m.price = m.speed * m.speed * between(0.5, 1.5)
		have += m.cpu
		machines = append(machines, m)
	}
	for n := range machines {
		machines[n].cpu *= asked / 0.6 / have
		machines[n].mem *= asked / 0.6 / have
	}
	return study(works, machines)
}

// studyFiles reads the instances in $FOG_DATA/place; nothing when it is unset.
func studyFiles() (map[string]*place.Problem, error) {
	names, err := filepath.Glob(filepath.Join(os.Getenv("FOG_DATA"), "place", "instance_*.csv"))
	if os.Getenv("FOG_DATA") == "" || err != nil {
		return nil, err
	}
	out := make(map[string]*place.Problem)
	for _, name := range names {
		p, err := studyFile(name)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		out[filepath.Base(name)] = p
	}
	return out, nil
}

func studyFile(name string) (*place.Problem, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		return nil, err
	}
	var jobs []work
	var nodes []machine
	for _, row := range rows[1:] {
		var v [8]float64
		for i, cell := range row[1:] {
			if v[i], err = strconv.ParseFloat(cell, 64); err != nil {
				return nil, err
			}
		}
		if row[0] == "job" {
			jobs = append(jobs, work{v[0], v[1], v[2], v[3], v[4], v[5], int(v[7])})
		} else {
			nodes = append(nodes, machine{v[0], v[1], v[2], v[3], v[4], v[5], v[6], int(v[7])})
		}
	}
	return study(jobs, nodes), nil
}

// profiles of the study: balanced, latency first, cost first.
func profiles() [][]float64 {
	return [][]float64{{.25, .25, .25, .25}, {.7, .1, .1, .1}, {.1, .7, .1, .1}}
}

// cut makes a problem whose nodes are filled to 95 % by the pieces that they were cut into; costs are random.
func cut(seed uint64, nodes, pieces int) *place.Problem {
	r := rand.New(rand.NewPCG(seed, 0x637574))
	p := &place.Problem{Nodes: nodes, Dims: 2, Objectives: 2}
	for range nodes {
		room := []int64{1000, 1000}
		p.Free = append(p.Free, 1050, 1050)
		for k := range pieces {
			for d := range room {
				x := room[d]
				if k < pieces-1 {
					x = x * int64(5+r.IntN(90)) / 100 / 2
				}
				room[d] -= x
				p.Demand = append(p.Demand, x)
			}
			p.Jobs++
		}
	}
	for range p.Objectives * p.Jobs * p.Nodes {
		p.Pair = append(p.Pair, r.ExpFloat64())
	}
	return p
}
