package schedulertest

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
	"github.com/fogcompute/fogcompute/fog/principal"
	"github.com/fogcompute/fogcompute/fog/scheduler"
)

// node is a node with something in every field.
func node(id string, source int64) scheduler.Node {
	return scheduler.Node{
		ID: scheduler.NodeID(id), Tenant: "t", Owner: "o", State: scheduler.NodeClosed, Reasons: []string{"hot", "dark"},
		Capacity:  scheduler.Capacity{MilliCPU: 1, MemoryMB: 2, MilliGPU: 3, DiskMB: 4, MbitPS: 5},
		Executors: []string{"wasm", "gpu"}, Trust: 0.5, Labels: map[string]string{"a": "b"}, Speed: 1.5, Source: source, Updated: start(),
		Taints: []scheduler.Taint{{Key: "k", Value: "v", Effect: scheduler.Avoid}}, IdleWatts: 40.5, WattsPerCore: 7.25, Ask: 9,
	}
}

func save(t *testing.T, s scheduler.Store, nodes ...scheduler.Node) {
	t.Helper()
	require.NoError(t, s.SaveNodes(t.Context(), scheduler.Fence{}, nodes))
}

func nodes(t *testing.T, s scheduler.Store, tenant principal.Tenant) []scheduler.Node {
	t.Helper()
	out, err := s.Nodes(t.Context(), tenant)
	require.NoError(t, err)
	return out
}

func testNodeSource(t *testing.T, s Subject) {
	a := node("a", 5)
	save(t, s.Store, a)
	save(t, s.Store)
	a.Version = 1
	Same(t, []scheduler.Node{a}, nodes(t, s.Store, "t"))

	old := scheduler.Node{ID: "a", Tenant: "t", Owner: "o", State: scheduler.NodeDown, Source: 4}
	save(t, s.Store, old)
	Same(t, []scheduler.Node{a}, nodes(t, s.Store, "t"))

	equal := scheduler.Node{ID: "a", Tenant: "t", Owner: "p", State: scheduler.NodeUp, Source: 5}
	save(t, s.Store, equal, node("b", 1))
	equal.Version = 2
	got := nodes(t, s.Store, "t")
	require.Len(t, got, 2)
	Same(t, equal, got[0])
	require.Equal(t, scheduler.NodeID("b"), got[1].ID)

	require.NoError(t, s.Store.DeleteNodes(t.Context(), []scheduler.NodeID{"a", "nobody"}))
	require.NoError(t, s.Store.DeleteNodes(t.Context(), nil))
	require.Len(t, nodes(t, s.Store, ""), 1)
}

func testNodeDrain(t *testing.T, s Subject) {
	drained := node("a", 1)
	drained.Drained = true
	save(t, s.Store, drained)
	require.False(t, nodes(t, s.Store, "t")[0].Drained, "saving does not drain")
	later := start().Add(time.Hour)
	require.NoError(t, s.Store.SetDrain(t.Context(), "a", true, later))
	got := nodes(t, s.Store, "t")[0]
	require.True(t, got.Drained)
	require.True(t, got.Updated.Equal(later))
	require.EqualValues(t, 2, got.Version)
	save(t, s.Store, node("a", 2))
	require.True(t, nodes(t, s.Store, "t")[0].Drained, "saving keeps the drain")
	require.NoError(t, s.Store.SetDrain(t.Context(), "a", false, later))
	require.False(t, nodes(t, s.Store, "t")[0].Drained)
	err := s.Store.SetDrain(t.Context(), "nobody", true, later)
	require.Equal(t, fault.NotFound, fault.KindOf(err))
}

func testNodeMarks(t *testing.T, s Subject) {
	marked := node("a", 1)
	marked.Marks = scheduler.Marks{Labels: map[string]string{"x": "y"}}
	save(t, s.Store, marked)
	Same(t, scheduler.Marks{}, nodes(t, s.Store, "t")[0].Marks)
	later := start().Add(time.Hour)
	marks := scheduler.Marks{
		Labels: map[string]string{"zone": "ü'\"", "": "empty"}, Taints: []scheduler.Taint{{Key: "k", Value: "v", Effect: scheduler.Evict}},
	}
	require.NoError(t, s.Store.SetMarks(t.Context(), "a", marks, later))
	got := nodes(t, s.Store, "t")[0]
	Same(t, marks, got.Marks)
	require.True(t, got.Updated.Equal(later))
	require.EqualValues(t, 2, got.Version)
	save(t, s.Store, node("a", 2))
	Same(t, marks, nodes(t, s.Store, "t")[0].Marks)
	require.NoError(t, s.Store.SetMarks(t.Context(), "a", scheduler.Marks{}, later))
	Same(t, scheduler.Marks{}, nodes(t, s.Store, "t")[0].Marks)
	require.Equal(t, fault.NotFound, fault.KindOf(s.Store.SetMarks(t.Context(), "nobody", marks, later)))
}

func testReservations(t *testing.T, s Subject) {
	ctx := t.Context()
	list := func(tenant principal.Tenant) []scheduler.Reservation {
		out, err := s.Store.Reservations(ctx, tenant)
		require.NoError(t, err)
		return out
	}
	require.Empty(t, list(""))
	a := scheduler.Reservation{ID: "a", Tenant: "t", Owner: "o", Nodes: []scheduler.NodeID{"n", "m"}, Until: start().Add(time.Hour)}
	b := scheduler.Reservation{
		ID: "b", Tenant: "t", Owner: "p", Require: []scheduler.Term{{Key: "zone", Op: scheduler.In, Values: []string{"x", "y"}}},
		From: start(), Until: start().Add(time.Minute),
	}
	other := a
	other.Tenant = "u"
	require.NoError(t, s.Store.SaveReservations(ctx, nil))
	require.NoError(t, s.Store.SaveReservations(ctx, []scheduler.Reservation{other, b, a}))
	Same(t, []scheduler.Reservation{a, b, other}, list(""))
	Same(t, []scheduler.Reservation{a, b}, list("t"))
	first, second := b, b
	first.Owner, second.Nodes, second.Require = "q", []scheduler.NodeID{"k"}, nil
	require.NoError(t, s.Store.SaveReservations(ctx, []scheduler.Reservation{first, second}))
	Same(t, []scheduler.Reservation{a, second}, list("t"))
	require.NoError(t, s.Store.DeleteReservations(ctx, "t", []string{"a", "nobody"}))
	require.NoError(t, s.Store.DeleteReservations(ctx, "t", nil))
	Same(t, []scheduler.Reservation{second}, list("t"))
	Same(t, []scheduler.Reservation{other}, list("u"))
}

func testNodeTenants(t *testing.T, s Subject) {
	b := node("b", 1)
	b.Tenant = "u"
	save(t, s.Store, node("c", 1), b, node("a", 1))
	list := func(tenant principal.Tenant) string {
		out := ""
		for _, n := range nodes(t, s.Store, tenant) {
			out += string(n.ID)
		}
		return out
	}
	require.Equal(t, "abc", list(""))
	require.Equal(t, "ac", list("t"))
	require.Equal(t, "b", list("u"))
}

func testNodeFence(t *testing.T, s Subject) {
	if s.Duties == nil {
		t.Skip("no duties beside this store")
	}
	old := take(t, s.Duties, "first")
	require.NoError(t, s.Store.SaveNodes(t.Context(), old, []scheduler.Node{node("a", 1)}))
	take(t, s.Duties, "second")
	require.ErrorIs(t, s.Store.SaveNodes(t.Context(), old, []scheduler.Node{node("b", 1)}), scheduler.ErrFenced)
	require.Len(t, nodes(t, s.Store, ""), 1)
}
