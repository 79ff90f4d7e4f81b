package scheduler

import (
	"cmp"
	"encoding/csv"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
)

// aims is the number of objectives of the placement study: tier-weighted response with lateness, cost with transfer, energy
// with the idle power of the nodes in use, tier-weighted risk.
const aims = 4

// vector is one value for each objective.
type vector [aims]float64

// study is one instance of the placement study, in plain numbers: what every plan is judged by.
type study struct {
	name  string
	jobs  []job
	nodes []machine
	pair  []vector // objectives of each job on each node, job by job
	order []int    // of the greedy: falling tier weight, then falling cpu
	scale vector   // objectives of the balanced greedy
}

// job is one job of the study.
type job struct {
	cpu, mem, work, data, weight, deadline float64
	region                                 int
}

// machine is one node of the study.
type machine struct {
	cpu, mem, speed, price, idle, dyn, risk float64
	region                                  int
}

// regions lie on a ring.
const regions = 8

// profiles are the weights by which a plan is chosen.
func profiles() []profile {
	return []profile{
		{"balanced", vector{.25, .25, .25, .25}, 13},
		{"latency", vector{.7, .1, .1, .1}, 7},
		{"cost", vector{.1, .7, .1, .1}, 9},
	}
}

type profile struct {
	name    string
	weights vector
	goal    float64 // percent below the weighted greedy, for 100 ms
}

// newStudy computes what pairs cost, and the scale.
func newStudy(name string, jobs []job, nodes []machine) (*study, error) {
	s := &study{name: name, jobs: jobs, nodes: nodes, pair: make([]vector, len(jobs)*len(nodes)), order: make([]int, len(jobs))}
	for j := range jobs {
		s.order[j] = j
		for n := range nodes {
			s.pair[j*len(nodes)+n] = cost(&jobs[j], &nodes[n])
		}
	}
	slices.SortStableFunc(s.order, func(a, b int) int {
		return cmp.Or(-cmp.Compare(jobs[a].weight, jobs[b].weight), -cmp.Compare(jobs[a].cpu, jobs[b].cpu))
	})
	first, err := s.objectives(s.firstFit())
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	s.scale, err = s.objectives(newGreedy(s).place(vector{1, 1, 1, 1}, first))
	return s, err
}

// cost is what a job costs on a node, in each objective.
func cost(j *job, m *machine) vector {
	far := math.Abs(float64(j.region - m.region))
	far = min(far, regions-far)
	run := j.work / m.speed
	response := run + 0.02*j.data*far
	return vector{
		j.weight * (response + 3*max(0, response-j.deadline)),
		run*j.cpu*m.price + 0.05*j.data*far,
		run * j.cpu * m.dyn,
		j.weight * run * m.risk,
	}
}

// idle is the energy that a node in use takes beside its jobs.
func (m *machine) idleEnergy() float64 { return 10 * m.idle }

// objectives judges a plan: every job has a node, and no node is overfull.
func (s *study) objectives(plan []int32) (sum vector, err error) {
	if len(plan) != len(s.jobs) {
		return sum, fmt.Errorf("a plan for %d of %d jobs", len(plan), len(s.jobs))
	}
	cpu, mem := make([]float64, len(s.nodes)), make([]float64, len(s.nodes))
	for j, n := range plan {
		if n < 0 || int(n) >= len(s.nodes) {
			return sum, fmt.Errorf("job %d has no node", j)
		}
		if cpu[n] == 0 {
			sum[2] += s.nodes[n].idleEnergy()
		}
		cpu[n] += s.jobs[j].cpu
		mem[n] += s.jobs[j].mem
		for o, v := range s.pair[j*len(s.nodes)+int(n)] {
			sum[o] += v
		}
	}
	for n := range s.nodes {
		if cpu[n] > s.nodes[n].cpu*(1+1e-9) || mem[n] > s.nodes[n].mem*(1+1e-9) {
			return sum, fmt.Errorf("node %d holds %v of %v cores and %v of %v GB", n, cpu[n], s.nodes[n].cpu, mem[n], s.nodes[n].mem)
		}
	}
	return sum, nil
}

// score is the weighted sum of the objectives, on the study's scale: less is better.
func (s *study) score(f vector, weights vector) float64 {
	sum := 0.0
	for o := range f {
		sum += weights[o] * f[o] / s.scale[o]
	}
	return sum
}

// readStudies reads the instances of a data folder.
func readStudies(folder string) ([]*study, error) {
	files, err := filepath.Glob(filepath.Join(folder, "place", "instance_*.csv"))
	if err != nil || len(files) == 0 {
		return nil, fmt.Errorf("no instances in %s/place: %w", folder, cmp.Or(err, os.ErrNotExist))
	}
	var studies []*study
	for _, file := range files {
		s, err := readStudy(file)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		studies = append(studies, s)
	}
	return studies, nil
}

func readStudy(file string) (*study, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		return nil, err
	}
	var jobs []job
	var nodes []machine
	for _, row := range rows[1:] {
		var v [8]float64
		for i := range v {
			if v[i], err = strconv.ParseFloat(row[i+1], 64); err != nil {
				return nil, err
			}
		}
		if row[0] == "job" {
			jobs = append(jobs, job{v[0], v[1], v[2], v[3], v[4], v[5], int(v[7])})
		} else {
			nodes = append(nodes, machine{v[0], v[1], v[2], v[3], v[4], v[5], v[6], int(v[7])})
		}
	}
	return newStudy(filepath.Base(file), jobs, nodes)
}

// unseen is an instance of the same kind that no file has: 1,000 jobs whose work and data are log-normal, in three tiers, and 200
// nodes of 8 to 64 cores, sized so that the jobs fill 60 % of the cores.
func unseen(seed uint64) (*study, error) {
	r := rand.New(rand.NewPCG(seed, 1))
	between := func(low, high float64) float64 { return low + (high-low)*r.Float64() }
	jobs, nodes := make([]job, 1000), make([]machine, 200)
	asked, there := 0.0, 0.0
	for i := range jobs {
		j := job{
			cpu: float64(int(1) << r.IntN(4)), work: math.Exp(2.5 + 0.8*r.NormFloat64()), data: math.Exp(3 + 1.2*r.NormFloat64()),
			weight: []float64{1, 1, 1, 1, 1, 1, 3, 3, 3, 10}[r.IntN(10)], region: r.IntN(regions),
		}
		j.mem, j.deadline = j.cpu*between(1, 4), j.work*between(0.7, 4)
		asked += j.cpu
		jobs[i] = j
	}
	for i := range nodes {
		m := machine{
			cpu: float64(int(8) << r.IntN(4)), speed: between(0.5, 2), idle: between(30, 90), dyn: between(2, 6),
			risk: math.Exp(-4.6 + 0.8*r.NormFloat64()), region: r.IntN(regions),
		}
		m.mem, m.price = m.cpu*between(2.5, 5), m.speed*m.speed*between(0.4, 1.4)
		there += m.cpu
		nodes[i] = m
	}
	for i := range nodes {
		nodes[i].cpu *= asked / 0.6 / there
		nodes[i].mem *= asked / 0.6 / there
	}
	return newStudy(fmt.Sprintf("unseen_%d", seed), jobs, nodes)
}
