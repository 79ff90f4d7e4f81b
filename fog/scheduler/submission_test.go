package scheduler_test

import (
	"context"
	"database/sql"
	"math"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
	"github.com/fogcompute/fogcompute/fog/principal"
	"github.com/fogcompute/fogcompute/fog/scheduler"
)

func TestSubmissionsAreChecked(t *testing.T) {
	digest := strings.Repeat("0", 64)
	inBubble(t, scheduler.Config{MaxJobRuntime: time.Hour}, func(t *testing.T, r *rig) {
		for name, c := range map[string]struct {
			field string
			edit  func(b *scheduler.Submission)
		}{
			"no name":          {"name", func(b *scheduler.Submission) { b.Name = "" }},
			"long name":        {"name", func(b *scheduler.Submission) { b.Name = strings.Repeat("ü", 201) }},
			"line in name":     {"name", func(b *scheduler.Submission) { b.Name = "a\nb" }},
			"bytes in name":    {"name", func(b *scheduler.Submission) { b.Name = "\xff" }},
			"long key":         {"key", func(b *scheduler.Submission) { b.Key = strings.Repeat("k", 129) }},
			"tier":             {"sla_tier", func(b *scheduler.Submission) { b.Tier = "diamond" }},
			"quorum":           {"trust", func(b *scheduler.Submission) { b.Trust = quorum(3, 2) }},
			"zero quorum":      {"trust", func(b *scheduler.Submission) { b.Trust = quorum(0, 0) }},
			"many replicas":    {"trust", func(b *scheduler.Submission) { b.Trust = quorum(1, 10) }},
			"cpu below zero":   {"cpu_required", func(b *scheduler.Submission) { b.Demand.MilliCPU = -1 }},
			"cpu nobody has":   {"cpu_required", func(b *scheduler.Submission) { b.Demand.MilliCPU = 65000 }},
			"memory":           {"memory_required", func(b *scheduler.Submission) { b.Demand.MemoryMB = 1 << 40 }},
			"memory nobody":    {"memory_required", func(b *scheduler.Submission) { b.Demand.MemoryMB = 1 << 20 }},
			"gpu":              {"gpu_required", func(b *scheduler.Submission) { b.Demand.MilliGPU = 9000 }},
			"executor":         {"executor", func(b *scheduler.Submission) { b.Demand.Executor = "Docker!" }},
			"estimate":         {"duration_estimate", func(b *scheduler.Submission) { b.Estimate = -1 }},
			"long estimate":    {"duration_estimate", func(b *scheduler.Submission) { b.Estimate = 2 * time.Hour }},
			"run time":         {"max_runtime", func(b *scheduler.Submission) { b.MaxRuntime = 2 * time.Hour }},
			"deadline":         {"deadline", func(b *scheduler.Submission) { b.Deadline = time.Now().Add(-time.Second) }},
			"data":             {"data_size_mb", func(b *scheduler.Submission) { b.DataMB = math.NaN() }},
			"much data":        {"data_size_mb", func(b *scheduler.Submission) { b.DataMB = math.Inf(1) }},
			"module":           {"module", func(b *scheduler.Submission) { b.Task.Module = "latest" }},
			"stdin":            {"stdin", func(b *scheduler.Submission) { b.Task.Stdin = strings.Repeat("G", 64) }},
			"zero in argument": {"args", func(b *scheduler.Submission) { b.Task.Args = []string{"a\x00"} }},
			"long arguments":   {"args", func(b *scheduler.Submission) { b.Task.Args = []string{strings.Repeat("a", 1<<20)} }},
			"many arguments":   {"args", func(b *scheduler.Submission) { b.Task.Args = make([]string, 1<<20) }},
			"input above": {"inputs", func(b *scheduler.Submission) {
				b.Task.Inputs = []scheduler.Input{{Path: "../x", SHA256: digest}}
			}},
			"input digest": {"inputs", func(b *scheduler.Submission) { b.Task.Inputs = []scheduler.Input{{Path: "x"}} }},
			"input twice": {"inputs", func(b *scheduler.Submission) {
				b.Task.Inputs = []scheduler.Input{{Path: "x", SHA256: digest}, {Path: "x", SHA256: digest}}
			}},
			"many inputs": {"inputs", func(b *scheduler.Submission) { b.Task.Inputs = make([]scheduler.Input, 300) }},
			"limits":      {"limits", func(b *scheduler.Submission) { b.Task.MaxMemoryMB = -1 }},
		} {
			b := scheduler.Submission{Name: "job"}
			c.edit(&b)
			out, err := r.Submit(t.Context(), []scheduler.Submission{b, {Name: "good"}})
			require.NoError(t, err)
			kind(t, fault.Invalid, out[0].Err)
			require.Equal(t, c.field, fault.FieldOf(out[0].Err), name)
			require.Empty(t, out[0].Job.ID)
			require.NoError(t, out[1].Err, "the others are not held up")
		}
		none, err := r.Submit(t.Context(), nil)
		require.NoError(t, err)
		require.Empty(t, none)
	})
}

func TestSubmissionDefaults(t *testing.T) {
	inBubble(t, scheduler.Config{MaxJobRuntime: time.Hour}, func(t *testing.T, r *rig) {
		j := r.get(r.submit(scheduler.Submission{Tier: "GoLd"})).Job
		require.Equal(t, scheduler.Gold, j.Tier)
		require.Equal(t, scheduler.Demand{MilliCPU: 1000, MemoryMB: 64, Executor: "wasm"}, j.Demand)
		require.Equal(t, time.Hour, j.MaxRuntime)
		require.Equal(t, scheduler.Trust{Replicas: 1, Quorum: 1}, j.Trust)
		require.Equal(t, principal.Operator, j.Owner)
		require.Equal(t, 1, j.Slots)
		require.Equal(t, scheduler.Bronze, r.get(r.submit(scheduler.Submission{})).Job.Tier)
		require.Equal(t, time.Minute, r.get(r.submit(scheduler.Submission{Estimate: time.Second})).Job.MaxRuntime)
		require.Equal(t, 10*time.Minute, r.get(r.submit(scheduler.Submission{Estimate: time.Minute})).Job.MaxRuntime)

		big := node("big")
		big.Capacity = scheduler.Capacity{MilliCPU: 128_000, MemoryMB: 1 << 20}
		r.sync(big)
		job := r.submit(scheduler.Submission{Demand: scheduler.Demand{MilliCPU: 100_000}})
		r.wait(0)
		require.Equal(t, scheduler.Placed, r.state(job), "a node has that many cores")
	})
}

func TestSubmitTx(t *testing.T) {
	_, err := newIdle(t, scheduler.Config{}).SubmitTx(t.Context(), nil, []scheduler.Submission{{Name: "x"}})
	kind(t, fault.Unavailable, err)

	store := scheduler.NewMemory(nil, nil)
	e := &escrow{}
	cfg := scheduler.Config{Store: store, Escrow: e, Abilities: scheduler.Abilities{
		InsertTx: func(ctx context.Context, _ *sql.Tx, jobs []scheduler.Insertion) ([]scheduler.Inserted, error) {
			return store.Insert(ctx, jobs)
		},
	}}
	inBubble(t, cfg, func(t *testing.T, r *rig) {
		synctest.Wait() // the planner's first round is over: the next one has to wait for its time
		out, err := r.SubmitTx(t.Context(), nil, []scheduler.Submission{{Name: "a", Key: "k"}, {Name: ""}})
		require.NoError(t, err)
		require.Equal(t, scheduler.Pending, out[0].Job.State)
		kind(t, fault.Invalid, out[1].Err)
		require.Empty(t, e.holds(), "nothing is asked inside the transaction")
		r.wait(2 * time.Second)
		require.Equal(t, scheduler.Queued, r.state(out[0].Job.ID))
	})
}

// newIdle is a scheduler that nobody runs.
func newIdle(t *testing.T, cfg scheduler.Config) *scheduler.Scheduler {
	t.Helper()
	s, err := scheduler.New(cfg)
	require.NoError(t, err)
	return s
}

func TestConfigIsChecked(t *testing.T) {
	for field, cfg := range map[string]scheduler.Config{
		"Lease": {Lease: -1}, "PickUp": {PickUp: -1}, "Vest": {Vest: -1}, "Poll": {Poll: -time.Second}, "MaxSuspend": {MaxSuspend: -1},
	} {
		_, err := scheduler.New(cfg)
		kind(t, fault.Invalid, err)
		require.Equal(t, field, fault.FieldOf(err))
	}
}

func TestParseTrust(t *testing.T) {
	for text, want := range map[string]scheduler.Trust{
		"none": {Replicas: 1, Quorum: 1}, "quorum:2": {Replicas: 2, Quorum: 2}, "quorum:2/3": {Replicas: 3, Quorum: 2},
		"adaptive":                   {Replicas: 1, Quorum: 1, Adaptive: true},
		"adaptive,json":              {Replicas: 1, Quorum: 1, Adaptive: true, Compare: scheduler.Comparator{By: scheduler.ByJSON}},
		"quorum:2,json":              {Replicas: 2, Quorum: 2, Compare: scheduler.Comparator{By: scheduler.ByJSON}},
		"quorum:2/3,tolerance:1e-09": {Replicas: 3, Quorum: 2, Compare: scheduler.Comparator{By: scheduler.ByTolerance, Tolerance: 1e-9}},
	} {
		got, err := scheduler.ParseTrust(text)
		require.NoError(t, err)
		require.Equal(t, want, got)
		require.Equal(t, text, got.String())
	}
	for _, text := range []string{"", "quorum", "quorum:", "quorum:x", "quorum:2/x", "quorum:3/2", "quorum:0", "quorum:-1/2", "quorum:2/99", "None",
		"none,json", "quorum:1/3,json", "quorum:2,", "quorum:2,xml", "quorum:2,tolerance", "quorum:2,tolerance:0", "quorum:2,tolerance:1",
		"quorum:2,tolerance:NaN", "quorum:2,tolerance:-1", "quorum:2,json,json", "adaptive,", "adaptive:2", "adaptive,xml", "adaptive/2"} {
		_, err := scheduler.ParseTrust(text)
		require.Equal(t, fault.Invalid, fault.KindOf(err), text)
		require.Equal(t, "trust", fault.FieldOf(err))
	}
	exact, err := scheduler.ParseTrust("quorum:2,exact")
	require.NoError(t, err)
	require.Equal(t, "quorum:2", exact.String())
	for _, c := range []scheduler.Comparator{{By: "xml"}, {Tolerance: 0.5}, {By: scheduler.ByJSON, Tolerance: 0.5}, {By: scheduler.ByTolerance}} {
		kind(t, fault.Invalid, scheduler.Trust{Replicas: 2, Quorum: 2, Compare: c}.Validate())
	}
}

func TestAttemptIDs(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		job := scheduler.JobID(rapid.StringN(1, 30, 60).Draw(t, "job"))
		slot, token := rapid.IntRange(0, 100).Draw(t, "slot"), rapid.Int64Range(1, math.MaxInt64).Draw(t, "token")
		j, s, n, ok := scheduler.NewAttemptID(job, slot, token).Split()
		require.True(t, ok)
		require.Equal(t, job, j)
		require.Equal(t, slot, s)
		require.Equal(t, token, n)
	})
}

func FuzzAttemptID(f *testing.F) {
	for _, seed := range []string{"", ".", "..", "a.0.1", "a.0.0", "a.-1.1", "a.+1.1", "a.0.01", "a.0.1 ", "a.b.0.7", ".0.1"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		job, slot, token, ok := scheduler.AttemptID(text).Split()
		if ok && (string(scheduler.NewAttemptID(job, slot, token)) != text || job == "" || slot < 0 || token < 1) {
			t.Fatalf("%q taken apart into %q, %d, %d", text, job, slot, token)
		}
	})
}

func FuzzCursor(f *testing.F) {
	f.Add(scheduler.Cursor{Submitted: time.UnixMicro(1), ID: "x"}.String())
	f.Add("")
	f.Fuzz(func(t *testing.T, text string) {
		c, err := scheduler.ParseCursor(text)
		if err != nil {
			if fault.KindOf(err) != fault.Invalid {
				t.Fatal(err)
			}
			return
		}
		again, err := scheduler.ParseCursor(c.String())
		if err != nil || again != c {
			t.Fatalf("%v became %v, %v", c, again, err)
		}
	})
}

func TestPrices(t *testing.T) {
	quote := func(p scheduler.TierPricer, j scheduler.Job) scheduler.Price {
		prices, err := p.Quote(t.Context(), []scheduler.Job{j})
		require.NoError(t, err)
		return prices[0]
	}
	base := scheduler.Job{Tier: scheduler.Bronze, Demand: scheduler.Demand{MilliCPU: 1000}, Estimate: time.Second, MaxRuntime: time.Minute}
	require.Equal(t, scheduler.Price(1000), quote(scheduler.TierPricer{}, base))
	gold := base
	gold.Tier = scheduler.Gold
	require.Equal(t, scheduler.Price(2500), quote(scheduler.TierPricer{}, gold))
	gpu := base
	gpu.Demand.MilliGPU = 500
	require.Equal(t, scheduler.Price(11_000), quote(scheduler.TierPricer{}, gpu))
	unknown := base
	unknown.Estimate = 0
	require.Equal(t, scheduler.Price(60_000), quote(scheduler.TierPricer{}, unknown))
	tiny := base
	tiny.Estimate = time.Microsecond
	require.Equal(t, scheduler.Price(1), quote(scheduler.TierPricer{}, tiny), "a started unit counts whole")
	rapid.Check(t, func(t *rapid.T) {
		j := base
		j.Demand.MilliCPU = rapid.Int64Range(0, math.MaxInt64).Draw(t, "cpu")
		j.Demand.MilliGPU = rapid.Int64Range(0, math.MaxInt64).Draw(t, "gpu")
		j.Estimate = time.Duration(rapid.Int64Range(0, math.MaxInt64).Draw(t, "estimate"))
		p := scheduler.TierPricer{CPUSecond: scheduler.Price(rapid.Int64Range(0, math.MaxInt64).Draw(t, "rate"))}
		prices, err := p.Quote(context.Background(), []scheduler.Job{j})
		require.NoError(t, err)
		require.GreaterOrEqual(t, prices[0], scheduler.Price(0))
		require.Positive(t, prices[0]*scheduler.MaxReplicas+1, "a quote never overflows")
		longer := j
		longer.Estimate = min(j.Estimate, math.MaxInt64-time.Hour) + time.Hour
		more, err := p.Quote(context.Background(), []scheduler.Job{longer})
		require.NoError(t, err)
		if j.Estimate > 0 {
			require.GreaterOrEqual(t, more[0], prices[0])
		}
	})
}
