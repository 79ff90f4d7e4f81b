package scheduler

import (
	"encoding/csv"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
)

// pod is one job of the trace.
type pod struct {
	name     string
	cpu, mem int64 // thousandths of a core, MiB
	gpus     int   // devices
	share    int64 // thousandths of each device, 1000 where there are several
	tier     int   // 0 is the best
	created  int64 // seconds
	runs     int64 // seconds
}

// gpu is how much of devices a pod needs, in thousandths.
func (p *pod) gpu() int64 { return int64(p.gpus) * p.share }

// host is one node of the trace.
type host struct {
	name     string
	cpu, mem int64
	gpus     int
	model    string
}

// trace is the replay's input, pods by their creation.
type trace struct {
	hosts []host
	pods  []pod
}

// tiers are the trace's classes, the best first.
func tiers() []string { return []string{"Guaranteed", "LS", "Burstable", "BE"} }

// readTrace reads alibaba's cluster-trace-gpu-v2023 from a data folder.
func readTrace(folder string) (*trace, error) {
	t := &trace{}
	err := rows(filepath.Join(folder, "alibaba", "nodes.csv"), func(text func(string) string, number func(string) int64) {
		t.hosts = append(t.hosts, host{
			name: text("sn"), cpu: number("cpu_milli"), mem: number("memory_mib"), gpus: int(number("gpu")), model: text("model"),
		})
	})
	if err != nil {
		return nil, err
	}
	err = rows(filepath.Join(folder, "alibaba", "pods_default.csv"), func(text func(string) string, number func(string) int64) {
		p := pod{
			name: text("name"), cpu: number("cpu_milli"), mem: number("memory_mib"), gpus: int(number("num_gpu")), share: number("gpu_milli"),
			tier: slices.Index(tiers(), text("qos")), created: number("creation_time"),
		}
		p.runs = max(1, number("deletion_time")-p.created)
		t.pods = append(t.pods, p)
	})
	slices.SortStableFunc(t.pods, func(a, b pod) int { return int(a.created - b.created) })
	return t, err
}

// rows hands each row of a table to a function, which reads its columns by name. Empty numbers are 0.
func rows(file string, each func(text func(string) string, number func(string) int64)) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	table, err := csv.NewReader(f).ReadAll()
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	if len(table) == 0 {
		return fmt.Errorf("%s is empty", file)
	}
	column := map[string]int{}
	for i, name := range table[0] {
		column[name] = i
	}
	var bad error
	for _, row := range table[1:] {
		text := func(name string) string {
			i, ok := column[name]
			if !ok {
				bad = fmt.Errorf("%s has no column %s", file, name)
				return ""
			}
			return row[i]
		}
		each(text, func(name string) int64 {
			value := text(name)
			if value == "" {
				return 0
			}
			v, err := strconv.ParseFloat(value, 64)
			if err != nil {
				bad = fmt.Errorf("%s: column %s: %w", file, name, err)
			}
			return int64(v)
		})
	}
	return bad
}

// part is the trace on hosts drawn at random that have so many devices together, so that pods have to wait. Pods that none of these hosts
// could ever take are left out.
func (t *trace) part(devices int, seed uint64) *trace {
	small := &trace{pods: t.pods}
	for _, n := range rand.New(rand.NewPCG(seed, 5)).Perm(len(t.hosts)) {
		if h := t.hosts[n]; h.gpus <= devices {
			small.hosts = append(small.hosts, h)
			devices -= h.gpus
		}
		if devices == 0 {
			break
		}
	}
	small.pods = slices.DeleteFunc(slices.Clone(t.pods), func(p pod) bool { return !small.possible(&p) })
	return small
}

// possible reports whether any host could take a pod if it were idle.
func (t *trace) possible(p *pod) bool {
	for n := range t.hosts {
		h := &t.hosts[n]
		if h.cpu >= p.cpu && h.mem >= p.mem && h.gpus >= p.gpus {
			return true
		}
	}
	return false
}
