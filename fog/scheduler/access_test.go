package scheduler_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
	"github.com/fogcompute/fogcompute/fog/principal"
	"github.com/fogcompute/fogcompute/fog/scheduler"
)

func TestEveryDoorAsks(t *testing.T) {
	inBubble(t, scheduler.Config{}, func(t *testing.T, r *rig) {
		r.nodes("a")
		alice, bob, device := as(t.Context(), "alice"), as(t.Context(), "bob"), as(t.Context(), "device:a")
		foreign := principal.With(t.Context(), principal.Principal{Tenant: "other", Account: "operator", Scopes: []principal.Scope{principal.ScopeOperator}})
		out, err := r.Submit(alice, []scheduler.Submission{{Name: "hers"}})
		require.NoError(t, err)
		job := out[0].Job.ID
		require.Equal(t, principal.Account("alice"), out[0].Job.Owner)
		r.wait(0)

		_, err = r.Claim(bob, []scheduler.Claim{{Node: "a", Take: 1}})
		kind(t, fault.Denied, err)
		_, err = r.Claim(foreign, []scheduler.Claim{{Node: "a", Take: 1}})
		kind(t, fault.NotFound, err)
		grants, err := r.Claim(device, []scheduler.Claim{{Node: "a", Take: 1}})
		require.NoError(t, err)
		o := grants[0].Offers[0]

		for name, call := range map[string]func() error{
			"get":     func() error { _, err := r.Get(bob, job); return err },
			"explain": func() error { _, err := r.Explain(bob, job); return err },
			"cancel":  func() error { _, err := r.Cancel(bob, job); return err },
			"pause":   func() error { _, err := r.Pause(bob, job); return err },
			"resume":  func() error { _, err := r.Resume(bob, job); return err },
			"report": func() error {
				v, err := r.Report(bob, []scheduler.Report{done(o, "")})
				require.NoError(t, err)
				require.Empty(t, v[0].State, "nothing is told")
				return v[0].Err
			},
			"progress": func() error { return r.Progress(bob, o.Attempt, o.Token, 0.5) },
			"list":     func() error { _, err := r.List(bob, scheduler.JobQuery{Owner: "alice"}); return err },
			"sync":     func() error { return r.SyncNodes(bob, []scheduler.Node{node("mine")}) },
			"steal":    func() error { return r.SyncNodes(foreign, []scheduler.Node{node("a")}) },
			"drain":    func() error { return r.Drain(bob, "a", true) },
			"remove":   func() error { return r.RemoveNodes(bob, []scheduler.NodeID{"a"}) },
		} {
			kind(t, fault.Denied, call())
			require.Equal(t, scheduler.Running, r.state(job), name)
		}
		_, err = r.Get(foreign, job)
		kind(t, fault.NotFound, err)
		kind(t, fault.NotFound, r.Drain(foreign, "a", true))
		require.NoError(t, r.RemoveNodes(foreign, []scheduler.NodeID{"a"}), "unknown to it")
		require.Equal(t, scheduler.Running, r.state(job))

		page, err := r.List(bob, scheduler.JobQuery{})
		require.NoError(t, err)
		require.Empty(t, page.Jobs)
		page, err = r.List(alice, scheduler.JobQuery{})
		require.NoError(t, err)
		require.Len(t, page.Jobs, 1)
		page, err = r.List(foreign, scheduler.JobQuery{})
		require.NoError(t, err)
		require.Zero(t, page.Total)
		for ctx, want := range map[string]int{"operator": 1, "alice": 1, "bob": 0, "foreign": 0} {
			who := map[string]func() ([]scheduler.Record, error){
				"operator": func() ([]scheduler.Record, error) { return r.Records(t.Context(), []scheduler.JobID{job}) },
				"alice":    func() ([]scheduler.Record, error) { return r.Records(alice, []scheduler.JobID{job}) },
				"bob":      func() ([]scheduler.Record, error) { return r.Records(bob, []scheduler.JobID{job}) },
				"foreign":  func() ([]scheduler.Record, error) { return r.Records(foreign, []scheduler.JobID{job}) },
			}[ctx]
			records, err := who()
			require.NoError(t, err)
			require.Len(t, records, want, ctx)
		}
		views, err := r.Nodes(foreign)
		require.NoError(t, err)
		require.Empty(t, views)

		v, err := r.Report(device, []scheduler.Report{done(o, "")})
		require.NoError(t, err)
		require.NoError(t, v[0].Err)
	})
}

func TestNobodyPaysHimself(t *testing.T) {
	inBubble(t, scheduler.Config{}, func(t *testing.T, r *rig) {
		own := node("own")
		own.Owner = principal.Operator
		r.sync(own)
		job := r.submit(scheduler.Submission{})
		require.Equal(t, scheduler.Queued, r.state(job))
		e, err := r.Explain(t.Context(), job)
		require.NoError(t, err)
		require.Contains(t, codes(e), scheduler.CodeOwnDevice)
		require.Contains(t, codes(e), scheduler.CodeNeverHere)
	})
}

func TestNodesAreChecked(t *testing.T) {
	inBubble(t, scheduler.Config{}, func(t *testing.T, r *rig) {
		for _, edit := range []func(n *scheduler.Node){
			func(n *scheduler.Node) { n.ID = "" },
			func(n *scheduler.Node) { n.State = "sleepy" },
			func(n *scheduler.Node) { n.Capacity.MemoryMB = -1 },
		} {
			n := node("a")
			edit(&n)
			kind(t, fault.Invalid, r.SyncNodes(t.Context(), []scheduler.Node{n}))
		}
		require.NoError(t, r.SyncNodes(t.Context(), nil))
		kind(t, fault.NotFound, r.Drain(t.Context(), "nobody", true))
	})
}

func TestNodeViewsShowTheLoad(t *testing.T) {
	inBubble(t, scheduler.Config{}, func(t *testing.T, r *rig) {
		r.nodes("a", "b")
		r.submit(scheduler.Submission{Demand: scheduler.Demand{MilliCPU: 3000, MemoryMB: 100}})
		views, err := r.Nodes(t.Context())
		require.NoError(t, err)
		require.Len(t, views, 2)
		busy := views[0]
		if busy.Live == 0 {
			busy = views[1]
		}
		require.Equal(t, 1, busy.Live)
		require.Equal(t, scheduler.Capacity{MilliCPU: 3000, MemoryMB: 100}, busy.Used)
		require.Equal(t, 0.75, busy.Load())
		stats, err := r.Stats(t.Context())
		require.NoError(t, err)
		cpu, memory, gpu := stats.Utilisation()
		require.Equal(t, 0.375, cpu)
		require.InDelta(t, 100.0/16384, memory, 1e-9)
		require.Zero(t, gpu)
		require.Equal(t, 2, stats.NodesUp)
	})
}
