package scheduler

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

// The judges must refuse what is wrong, or a figure would praise it.

func TestRankedRefusesWrongRanks(t *testing.T) {
	var c classic
	for _, kind := range []string{"shells", "clouds"} {
		for m := 2; m <= 4; m++ {
			f := kinds()[kind](rand.New(rand.NewPCG(1, uint64(m))).Float64, 150, m)
			rank := c.sort(f, m)
			if err := ranked(f, m, rank); err != nil {
				t.Fatalf("%s of %d objectives: %v", kind, m, err)
			}
			rank[7]++
			if ranked(f, m, rank) == nil {
				t.Fatalf("%s of %d objectives: a wrong rank passed", kind, m)
			}
		}
	}
}

func TestStudyRefusesPlans(t *testing.T) {
	s, err := unseen(1)
	if err != nil {
		t.Fatal(err)
	}
	plan := s.firstFit()
	if _, err := s.objectives(plan); err != nil {
		t.Fatal(err)
	}
	if _, err := s.objectives(plan[1:]); err == nil {
		t.Error("a plan without one job passed")
	}
	left := append([]int32(nil), plan...)
	left[3] = -1
	if _, err := s.objectives(left); err == nil {
		t.Error("a plan that leaves a job out passed")
	}
	if _, err := s.objectives(make([]int32, len(plan))); err == nil {
		t.Error("a plan that overfills a node passed")
	}
}

func TestAssignmentRefusesPlans(t *testing.T) {
	a := makeAssignment('c', 5, 20, 1)
	if _, err := a.judge(make([]int32, 20)); err == nil {
		t.Error("an overfull agent passed")
	}
	plan := make([]int32, 20)
	for j := range plan {
		plan[j] = int32(j % 5)
	}
	cost, err := a.judge(plan)
	if err == nil && cost < a.bound {
		t.Errorf("a plan costs %v, less than the bound %v", cost, a.bound)
	}
	plan[0] = -1
	if _, err := a.judge(plan); err == nil {
		t.Error("a job that is left out passed")
	}
}

// forger is a planner that answers with what the test wants.
type forger struct {
	queue
	forge func(now int64) []placement
}

func (f *forger) settle(_ context.Context, now int64) ([]placement, error) { return f.forge(now), nil }

func TestReplayRefusesPlacements(t *testing.T) {
	two := &trace{
		hosts: []host{{name: "h", cpu: 1000, mem: 100, gpus: 1}},
		pods: []pod{
			{name: "a", cpu: 600, mem: 10, gpus: 1, share: 600, created: 1, runs: 10},
			{name: "b", cpu: 100, mem: 10, gpus: 1, share: 600, created: 2, runs: 10},
		},
	}
	on := func(pod int) placement { return placement{pod: pod, devices: []int{0}} }
	for name, k := range map[string]struct {
		forge func(now int64) []placement
		want  string
	}{
		"too early": {func(int64) []placement { return []placement{on(0), on(1)} }, "before it arrived"},
		"doubled":   {func(int64) []placement { return []placement{on(0), on(0)} }, "placed twice"},
		"overfull":  {func(now int64) []placement { return []placement{on(int(now - 1))} }, "overcommits device"},
		"no device": {func(int64) []placement { return []placement{{pod: 0}} }, "0 devices"},
		"lost":      {func(int64) []placement { return nil }, "is lost"},
	} {
		r := &replay{trace: two, stays: true, seed: 1, planner: &forger{forge: k.forge}}
		if err := r.run(t.Context()); err == nil || !strings.Contains(err.Error(), k.want) {
			t.Errorf("%s: %v, not %q", name, err, k.want)
		}
	}
}

func TestPoliciesPass(t *testing.T) {
	tr := &trace{hosts: []host{{name: "h", cpu: 4000, mem: 100, gpus: 2}, {name: "i", cpu: 4000, mem: 100}}}
	for i := range 60 {
		tr.pods = append(tr.pods, pod{name: fmt.Sprint("p", i), cpu: 500, mem: 10, gpus: i % 3, share: []int64{0, 400, 1000}[i%3], created: int64(i), runs: 7, tier: i % 4})
	}
	planners := policies(1)
	for name, p := range planners {
		r := &replay{trace: tr, kills: 3, seed: 1}
		r.planner = &queue{policy: p, replay: r}
		if err := r.run(t.Context()); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	l, err := newLive(t.Context(), tr)
	if err != nil {
		t.Fatal(err)
	}
	r := &replay{trace: tr, kills: 3, seed: 1, planner: l}
	if err := r.run(t.Context()); err != nil {
		t.Error(err)
	}
	if err := l.leave(); err != nil {
		t.Error(err)
	}
}
