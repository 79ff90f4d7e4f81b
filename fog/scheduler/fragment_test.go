package scheduler

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestStranded(t *testing.T) {
	room := &Capacity{MilliCPU: 4000, MemoryMB: 4000}
	for _, c := range []struct {
		need Demand
		gpus []int16
		want int64
	}{
		{Demand{MilliCPU: 1000, MilliGPU: 500}, []int16{1000, 400}, 400},
		{Demand{MilliCPU: 1000, MilliGPU: 500}, []int16{300, 400}, 700},
		{Demand{MilliCPU: 5000, MilliGPU: 500}, []int16{1000, 400}, 1400},
		{Demand{MilliCPU: 1000, MilliGPU: 1000}, []int16{1000, 1000, 900}, 900},
		{Demand{MilliCPU: 1000, MilliGPU: 2000}, []int16{1000, 900}, 1900},
		{Demand{MilliCPU: 1000, MilliGPU: 2000}, []int16{1000, 1000}, 0},
	} {
		whole := int64(0)
		for _, g := range c.gpus {
			whole += int64(g)
		}
		require.Equal(t, c.want, c.need.stranded(room, c.gpus, whole), "%+v", c)
	}
}

func TestMixFollowsTheTimes(t *testing.T) {
	var d demands
	d.note(Demand{MilliCPU: 1})
	require.Empty(t, d.mix(), "jobs without GPUs strand none")
	for range 3 {
		d.note(Demand{MilliGPU: 500, DiskMB: 7})
	}
	d.note(Demand{MilliGPU: 1000})
	require.Equal(t, mix{{Demand{MilliGPU: 500}, 0.75}, {Demand{MilliGPU: 1000}, 0.25}}, d.mix())
	for range 20_000 {
		d.note(Demand{MilliGPU: 200})
	}
	require.Equal(t, mix{{Demand{MilliGPU: 200}, 1}}, d.mix())
	for i := range int64(100) {
		d.note(Demand{MilliGPU: i + 1})
	}
	require.Len(t, d.mix(), maxKinds)
}

// TestSharesFillDevicesThatOthersBroke places shares of a GPU among nodes of which one has a device that is in use already.
func TestSharesFillDevicesThatOthersBroke(t *testing.T) {
	node := func(id string) Node {
		return Node{
			ID: NodeID(id), Owner: "o", State: NodeUp, Capacity: Capacity{MilliCPU: 64000, MemoryMB: 64000, MilliGPU: 2000},
			Executors: []string{"wasm", "gpu"}, Trust: 1,
		}
	}
	broken := Attempt{Node: "b", Demand: Demand{MilliCPU: 8000, MemoryMB: 1, MilliGPU: 500}, GPUs: 1}
	f := newFleet([]Node{node("a"), node("b")}, []Attempt{broken}, nil)
	f.mix = mix{{Demand{MilliCPU: 1, MemoryMB: 1, MilliGPU: 1000}, 0.5}, {Demand{MilliCPU: 1, MemoryMB: 1, MilliGPU: 500}, 0.5}}
	share := Record{Job: Job{
		ID: "j", Owner: "p", Tier: Gold, Demand: Demand{MilliCPU: 1, MemoryMB: 1, MilliGPU: 500, Executor: "wasm"},
		MaxRuntime: time.Minute, Slots: 1, Trust: Trust{Replicas: 1, Quorum: 1}, State: Queued,
	}}
	plan, _ := place(f, []Record{share}, time.Time{})
	require.Equal(t, assignment{slot: 0, node: 1, gpus: 1}, plan[0][0])
}

func TestFragmentLaws(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		gpus := rapid.SliceOfN(rapid.Int16Range(0, 1000), 1, 8).Draw(t, "gpus")
		m := mix{{Demand{MilliCPU: 10, MilliGPU: rapid.Int64Range(1, 1000).Draw(t, "need")}, 1}}
		free := &Capacity{MilliCPU: rapid.Int64Range(0, 20).Draw(t, "cpu")}
		whole := 0.0
		for _, g := range gpus {
			whole += float64(g)
		}
		got := m.fragment(free, gpus)
		require.GreaterOrEqual(t, got, 0.0)
		require.LessOrEqual(t, got, whole, "no more can be lost than is free")
		if free.MilliCPU < 10 {
			require.InDelta(t, whole, got, 1e-9)
		}
	})
}
