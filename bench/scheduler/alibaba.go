package scheduler

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/fogcompute/fogcompute/bench/plot"
	"github.com/fogcompute/fogcompute/bench/sample"
)

// The two replays of the trace.
const (
	partDevices = 50 // of the part on which pods come and go: at most 66 are wanted at once
	partKills   = 20
)

// replays are the replays of every policy and of ours, by name.
type replays map[string]*replay

// sides are the names of all policies, ours last.
func sides() []string { return []string{"first-fit", "best-fit", "nomad", "ours"} }

// traceFigures are the figures of the replay of a production trace.
func traceFigures(s *Setting) []Figure {
	var full, part shared[replays]
	filled := func(ctx context.Context) (replays, error) {
		return full.get(func() (replays, error) { return replayAll(ctx, s, true) })
	}
	lived := func(ctx context.Context) (replays, error) {
		return part.get(func() (replays, error) { return replayAll(ctx, s, false) })
	}
	figures := []Figure{
		{"trace/alibaba_unplaced", "<", 1, func(ctx context.Context) (Result, error) {
			all, err := filled(ctx)
			if err != nil {
				return Result{}, err
			}
			r := all.compare("pods", func(r *replay) float64 { return float64(r.samples[len(r.samples)-1].lacking) })
			return r, all.drawFilled(s)
		}},
		{Name: "trace/alibaba_fragmentation", Measure: func(ctx context.Context) (Result, error) {
			all, err := filled(ctx)
			if err != nil {
				return Result{}, err
			}
			return all.compare("share", (*replay).fragmented), nil
		}},
		{"trace/alibaba_lost_or_doubled", "<=", 0, func(ctx context.Context) (Result, error) {
			all, err := lived(ctx)
			if err != nil {
				return Result{}, err
			}
			r := all["ours"]
			ended := 0
			for _, over := range r.over {
				if over {
					ended++
				}
			}
			return Result{Value: float64(len(r.trace.pods) - ended), Unit: "pods", Note: fmt.Sprintf(
				"%d pods ended once on %d hosts, %d of which were killed at random instants; nothing was overcommitted at any time", ended, len(r.trace.hosts), r.kills)}, all.drawLived(s)
		}},
	}
	for tier, name := range tiers() {
		figures = append(figures, Figure{Name: "trace/alibaba_wait_s_" + strings.ToLower(name), Measure: func(ctx context.Context) (Result, error) {
			all, err := lived(ctx)
			if err != nil {
				return Result{}, err
			}
			return all.compare("s", func(r *replay) float64 { return r.waits()[tier] }), nil
		}})
	}
	return figures
}

// replayAll replays the trace with every policy and with ours: either all pods stay, on all hosts, which fills the cluster; or they come and
// go on a part of the hosts, of which some are killed.
func replayAll(ctx context.Context, s *Setting, stays bool) (replays, error) {
	folder, err := s.data()
	if err != nil {
		return nil, err
	}
	t, err := readTrace(folder)
	if err != nil {
		return nil, err
	}
	kills := 0
	if !stays {
		t, kills = t.part(partDevices, 1), partKills
	}
	all := replays{}
	for name, p := range policies(1) {
		r := &replay{trace: t, stays: stays, kills: kills, seed: 1}
		r.planner = &queue{policy: p, replay: r}
		all[name] = r
		if err := r.run(ctx); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	l, err := newLive(ctx, t)
	if err != nil {
		return nil, err
	}
	r := &replay{trace: t, stays: stays, kills: kills, seed: 1, planner: l}
	all["ours"] = r
	err = r.run(ctx)
	if stopped := l.leave(); err == nil {
		err = stopped
	}
	return all, err
}

// compare sets a value of ours beside that of best-fit, and remarks on the others. A ratio of two zeros is 1.
func (all replays) compare(unit string, value func(*replay) float64) Result {
	r := Result{Value: value(all["ours"]), Unit: unit, Peer: "best-fit", PeerValue: value(all["best-fit"]), Ratio: 1}
	if r.Value != r.PeerValue {
		r.Ratio = r.Value / r.PeerValue
	}
	for _, name := range sides() {
		r.Note += fmt.Sprintf("%s %s; ", name, sample.Number(value(all[name])))
	}
	return r
}

// fragmented is the mean share of the free devices that is of no use, over the time in which the last fifth of the devices is
// asked for.
func (r *replay) fragmented() float64 {
	last := r.samples[len(r.samples)-1].arrived
	sum, n := 0.0, 0.0
	for _, t := range r.samples {
		if t.arrived >= last*8/10 {
			sum += t.fragment
			n++
		}
	}
	return sum / n
}

// chart has a line for each policy.
func (all replays) chart(title, x, y string, point func(tally) [2]float64) *plot.Chart {
	c := &plot.Chart{Title: title, X: x, Y: y}
	for _, name := range sides() {
		s := plot.Series{Name: name, Line: true}
		for _, t := range all[name].samples {
			s.Points = append(s.Points, point(t))
		}
		c.Series = append(c.Series, s)
	}
	return c
}

func (all replays) drawFilled(s *Setting) error {
	asked := func(t tally) float64 { return float64(t.arrived) / whole }
	err := all.chart("Alibaba's GPU trace, pods that stay: pods without their devices", "devices asked for so far", "GPU pods not placed",
		func(t tally) [2]float64 { return [2]float64{asked(t), float64(t.lacking)} }).Save(filepath.Join(s.Out, "trace_unplaced.svg"))
	if err != nil {
		return err
	}
	return all.chart("Alibaba's GPU trace, pods that stay: fragmentation", "devices asked for so far", "share of the free devices that is of no use",
		func(t tally) [2]float64 { return [2]float64{asked(t), t.fragment} }).Save(filepath.Join(s.Out, "trace_fragmentation.svg"))
}

func (all replays) drawLived(s *Setting) error {
	return all.chart(fmt.Sprintf("Alibaba's GPU trace on %d devices, pods that come and go", partDevices), "devices asked for so far", "pods that wait",
		func(t tally) [2]float64 { return [2]float64{float64(t.arrived) / whole, float64(t.waiting)} }).Save(filepath.Join(s.Out, "trace_waiting.svg"))
}
