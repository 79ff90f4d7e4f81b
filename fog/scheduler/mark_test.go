package scheduler_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
	"github.com/fogcompute/fogcompute/fog/principal"
	"github.com/fogcompute/fogcompute/fog/scheduler"
)

func TestEvictingTaintTakesRunningJobsBack(t *testing.T) {
	inBubble(t, scheduler.Config{}, func(t *testing.T, r *rig) {
		ctx := t.Context()
		r.nodes("a")
		id := r.submit(scheduler.Submission{})
		grants, err := r.Claim(ctx, []scheduler.Claim{{Node: "a", Take: 1}})
		require.NoError(t, err)
		require.Len(t, grants[0].Offers, 1)

		taint := scheduler.Marks{Taints: []scheduler.Taint{{Key: "repair", Effect: scheduler.Evict}}}
		require.NoError(t, r.Mark(ctx, "a", taint))
		r.wait(time.Second)
		record := r.get(id)
		require.Equal(t, scheduler.Queued, record.Job.State)
		require.Equal(t, scheduler.AttemptCancelled, record.Attempts[0].State)
		require.Empty(t, record.Job.Failures, "it is nobody's failure")
		require.Contains(t, r.explain(id), scheduler.CodeTainted)
		r.sync(node("a"))
		require.Contains(t, r.explain(id), scheduler.CodeTainted, "saving the node keeps its marks")

		require.NoError(t, r.Mark(ctx, "a", scheduler.Marks{}))
		r.wait(5 * time.Second)
		require.Equal(t, scheduler.Placed, r.get(id).Job.State)
	})
}

// TestTaintEvictsThoughItsAuthorDied stores a taint as a server does that is killed before it takes anything back.
func TestTaintEvictsThoughItsAuthorDied(t *testing.T) {
	inBubble(t, scheduler.Config{}, func(t *testing.T, r *rig) {
		r.nodes("a")
		id := r.submit(scheduler.Submission{})
		r.fetch("a")
		taint := scheduler.Marks{Taints: []scheduler.Taint{{Key: "repair", Effect: scheduler.Evict}}}
		require.NoError(t, r.store.SetMarks(t.Context(), "a", taint, time.Now()))
		r.wait(3 * time.Second)
		require.Equal(t, scheduler.AttemptCancelled, r.get(id).Attempts[0].State)
	})
}

// TestWorkOnARemovedNodeIsTakenBack removes a node behind the scheduler's back, as a plan that is written too late finds it.
func TestWorkOnARemovedNodeIsTakenBack(t *testing.T) {
	inBubble(t, scheduler.Config{PickUp: time.Hour}, func(t *testing.T, r *rig) {
		r.nodes("a")
		id := r.submit(scheduler.Submission{})
		require.Equal(t, scheduler.Placed, r.get(id).Job.State)
		require.NoError(t, r.store.DeleteNodes(t.Context(), []scheduler.NodeID{"a"}))
		r.wait(3 * time.Second)
		require.Equal(t, scheduler.Queued, r.get(id).Job.State)
		r.nodes("b")
		r.wait(3 * time.Second)
		require.Equal(t, scheduler.NodeID("b"), r.get(id).Job.Node)
	})
}

func TestMarkRefusesWhatMakesNoSense(t *testing.T) {
	inBubble(t, scheduler.Config{}, func(t *testing.T, r *rig) {
		r.nodes("a")
		mark := func(id scheduler.NodeID, m scheduler.Marks) fault.Kind {
			return fault.KindOf(r.Mark(t.Context(), id, m))
		}
		require.Equal(t, fault.NotFound, mark("nobody", scheduler.Marks{}))
		require.Equal(t, fault.Invalid, mark("a", scheduler.Marks{Taints: []scheduler.Taint{{Key: "k", Effect: "burn"}}}))
		require.Equal(t, fault.Invalid, mark("a", scheduler.Marks{Taints: []scheduler.Taint{{Effect: scheduler.Evict}}}))
		require.Equal(t, fault.Invalid, mark("a", scheduler.Marks{Labels: map[string]string{"": "x"}}))
		user := principal.With(t.Context(), principal.Principal{Tenant: principal.DefaultTenant, Account: "eve", Scopes: []principal.Scope{principal.ScopeUser}})
		require.Equal(t, fault.Denied, fault.KindOf(r.Mark(user, "a", scheduler.Marks{})))
	})
}

func TestReservationKeepsNodesFree(t *testing.T) {
	inBubble(t, scheduler.Config{}, func(t *testing.T, r *rig) {
		ctx := t.Context()
		r.nodes("a")
		now := time.Now()
		require.NoError(t, r.Reserve(ctx, []scheduler.Reservation{{
			ID: "demo", Owner: "alice", Nodes: []scheduler.NodeID{"a"}, From: now.Add(10 * time.Minute), Until: now.Add(time.Hour),
		}}))
		short := r.submit(scheduler.Submission{MaxRuntime: time.Minute})
		require.Equal(t, scheduler.Placed, r.get(short).Job.State, "it is over by then")
		long := r.submit(scheduler.Submission{MaxRuntime: time.Hour})
		require.Contains(t, r.explain(long), scheduler.CodeReservation)
		alice := principal.With(ctx, principal.Principal{Tenant: principal.DefaultTenant, Account: "alice", Scopes: []principal.Scope{principal.ScopeUser}})
		out, err := r.Submit(alice, []scheduler.Submission{{Name: "hers", MaxRuntime: time.Hour}})
		require.NoError(t, err)
		r.wait(time.Second)
		require.Equal(t, scheduler.Placed, r.get(out[0].Job.ID).Job.State)

		list, err := r.Reservations(ctx)
		require.NoError(t, err)
		require.Len(t, list, 1)
		require.Equal(t, fault.Denied, fault.KindOf(r.Reserve(alice, list)))
		r.wait(5 * time.Minute) // it is looked at seldom by now
		require.NoError(t, r.CancelReservations(ctx, []string{"demo"}))
		r.wait(2 * time.Second)
		require.Equal(t, scheduler.Placed, r.get(long).Job.State)
	})
}

func TestReserveRefusesWhatMakesNoSense(t *testing.T) {
	inBubble(t, scheduler.Config{}, func(t *testing.T, r *rig) {
		good := scheduler.Reservation{ID: "x", Owner: "o", Nodes: []scheduler.NodeID{"n"}, Until: time.Now().Add(time.Hour)}
		for name, edit := range map[string]func(*scheduler.Reservation){
			"id":      func(b *scheduler.Reservation) { b.ID = "" },
			"owner":   func(b *scheduler.Reservation) { b.Owner = "" },
			"nodes":   func(b *scheduler.Reservation) { b.Nodes = nil },
			"until":   func(b *scheduler.Reservation) { b.Until = time.Now().Add(-time.Hour) },
			"require": func(b *scheduler.Reservation) { b.Require = []scheduler.Term{{Key: "zone", Op: "like"}} },
		} {
			bad := good
			edit(&bad)
			err := r.Reserve(t.Context(), []scheduler.Reservation{bad})
			require.Equal(t, fault.Invalid, fault.KindOf(err), name)
			require.Equal(t, name, fault.FieldOf(err))
		}
		require.NoError(t, r.Reserve(t.Context(), nil))
	})
}
