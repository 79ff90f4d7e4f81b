package idle_test

import (
	"bytes"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fogcompute/fogcompute/fog/idle"
	"github.com/fogcompute/fogcompute/fog/internal/fault"
)

// judgements are the same about several results of a device.
func judgements(device idle.DeviceID, outcome idle.Outcome, attempts ...string) (judged []idle.Judgement) {
	for _, a := range attempts {
		judged = append(judged, idle.Judgement{Attempt: a, Job: "job " + a, Owner: "alice", Device: device, Class: "wasm", Outcome: outcome})
	}
	return judged
}

// numbers are texts from one to another.
func numbers(from, to int) (texts []string) {
	for n := from; n <= to; n++ {
		texts = append(texts, fmt.Sprintf("%03d", n))
	}
	return texts
}

func judge(t *testing.T, i *idle.Idle, judged ...idle.Judgement) []string {
	t.Helper()
	audit, err := i.Judge(t.Context(), judged)
	require.NoError(t, err)
	return audit
}

func reputation(t *testing.T, i *idle.Idle, device idle.DeviceID) idle.Reputation {
	t.Helper()
	standings, err := i.Standings(t.Context(), device)
	require.NoError(t, err)
	require.Len(t, standings, 1)
	require.EqualValues(t, "alice", standings[0].Owner)
	return standings[0].Reputation
}

// TestCheckDraws: results are compared as often as the reputations of their devices say, by draws from the source of randomness.
func TestCheckDraws(t *testing.T) {
	w := newWorld(t)
	i := w.open(func(c *idle.Config) {
		c.Holder = "h"
		c.Random = bytes.NewReader(append(make([]byte, 8), bytes.Repeat([]byte{0, 0, 0, 0, 0, 0, 0, 0x20}, 3)...)) // of New, and draws of 1/8
	})
	join(t, i, "known")
	join(t, i, "unknown")
	judge(t, i, judgements("known", idle.Confirmed, numbers(1, 10)...)...)
	answers, err := i.Check(t.Context(), []idle.Result{{"known", "wasm"}, {"known", "gpu"}, {"unknown", "wasm"}})
	require.NoError(t, err)
	require.Equal(t, []bool{false, true, true}, answers)
	_, err = i.Check(t.Context(), []idle.Result{{"known", "wasm"}})
	require.ErrorContains(t, err, "no randomness")
}

// TestJudgeOnce: the same judgements again, also in pieces, change nothing; an audit judges once more what was believed alone.
func TestJudgeOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		i := w.open(nil)
		join(t, i, "a")
		alone := judgements("a", idle.Alone, "1", "2")
		require.Empty(t, judge(t, i, alone...))
		require.Empty(t, judge(t, i, alone[1], alone[0]))
		require.Equal(t, idle.Reputation{Valid: 2}, reputation(t, i, "a"))
		require.Empty(t, judge(t, i, judgements("a", idle.Confirmed, "1")...))
		require.Empty(t, judge(t, i, judgements("a", idle.Contradicted, "1")...), "the first comparison stands")
		require.Empty(t, judge(t, i, judgements("a", idle.Alone, "1")...))
		require.Equal(t, idle.Reputation{Valid: 3}, reputation(t, i, "a"))
		time.Sleep(time.Second)
		require.Equal(t, []string{"job 2"}, judge(t, i, judgements("a", idle.Contradicted, "3")...))
		require.Equal(t, []string{"job 2"}, judge(t, i, judgements("a", idle.Contradicted, "3")...), "until it was audited")
		require.Equal(t, 1, reputation(t, i, "a").Strikes())
	})
}

// TestJudgeAtOnce: many who judge at once lose nothing and count nothing twice.
func TestJudgeAtOnce(t *testing.T) {
	w := newWorld(t)
	i, other := w.open(nil), w.open(nil)
	join(t, i, "a")
	var all sync.WaitGroup
	for n := range 4 {
		all.Go(func() {
			for _, j := range judgements("a", idle.Confirmed, numbers(1, 20)...) {
				for {
					_, err := []*idle.Idle{i, other}[n%2].Judge(t.Context(), []idle.Judgement{j})
					if err == nil {
						break
					}
					if fault.KindOf(err) != fault.Conflict {
						t.Error(err)
						return
					}
				}
			}
		})
	}
	all.Wait()
	require.Equal(t, 20, reputation(t, i, "a").Valid)
}

// TestAuditedAfterAStrike: a sample first, everything that is held back still after one more.
func TestAuditedAfterAStrike(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		i := w.open(func(c *idle.Config) { c.Trust = idle.TrustRules{Sample: 3, HoldBack: time.Hour} })
		join(t, i, "a")
		join(t, i, "b")
		judge(t, i, judgements("a", idle.Alone, "old")...)
		judge(t, i, judgements("b", idle.Alone, "other")...)
		time.Sleep(30 * time.Minute)
		for _, a := range numbers(1, 5) {
			judge(t, i, judgements("a", idle.Alone, a)...)
			time.Sleep(time.Second)
		}
		require.Equal(t, []string{"job 003", "job 004", "job 005"}, judge(t, i, judgements("a", idle.Contradicted, "strike")...))
		time.Sleep(time.Second)
		judge(t, i, judgements("a", idle.Alone, "006")...)
		require.Equal(t, []string{"job 003", "job 004", "job 005"}, judge(t, i, judgements("a", idle.Contradicted, "strike")...),
			"what came after the strike was not in doubt then")
		require.Equal(t, []string{"job 001", "job 002", "job 003", "job 004", "job 005", "job 006", "job old"},
			judge(t, i, judgements("a", idle.Contradicted, "again")...))
		time.Sleep(40 * time.Minute)
		require.NotContains(t, judge(t, i, judgements("a", idle.Contradicted, "more")...), "job old", "it has vested")
	})
}

// TestQuarantine: a device that was struck too often beats on and gets no work, says why, and comes back when its time is over.
func TestQuarantine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		i := w.open(func(c *idle.Config) { c.Trust = idle.TrustRules{Strikes: 2, Quarantine: time.Hour} })
		m := join(t, i, "a")
		m.beat(i)
		w.news()
		judge(t, i, judgements("a", idle.Contradicted, "1")...)
		require.Empty(t, w.news())
		judge(t, i, judgements("a", idle.Contradicted, "2")...)
		judge(t, i, judgements("a", idle.Contradicted, "2")...)
		require.Len(t, w.news()["a"], 1, "its node is closed")
		d := device(t, i, "a")
		require.Equal(t, idle.Quarantined, d.State)
		require.Equal(t, "quarantined", d.Status())
		require.False(t, d.Available())
		require.Equal(t, time.Now().Add(time.Hour).UTC(), d.Quarantine)
		told := m.beat(i)
		require.False(t, told.Eligible)
		require.Equal(t, idle.Run, told.Desired)
		require.Contains(t, codes(told.Reasons), idle.IsQuarantined)
		reasons, err := i.Explain(t.Context(), "a")
		require.NoError(t, err)
		require.Contains(t, codes(reasons), idle.IsQuarantined)

		other := w.open(nil) // another server, or this one after a restart
		m.boot = "next"
		m.beat(other)
		require.Equal(t, idle.Quarantined, w.stored("a").State)
		time.Sleep(time.Hour)
		require.True(t, m.beat(other).Eligible)
		require.Equal(t, idle.Online, w.stored("a").State)
	})
}

// TestRelease: the operator lets a device out, and nobody else does.
func TestRelease(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		i := w.open(func(c *idle.Config) { c.Trust = idle.TrustRules{Strikes: 1} })
		m := join(t, i, "a")
		m.beat(i)
		judge(t, i, judgements("a", idle.Contradicted, "1")...)
		require.Equal(t, idle.Quarantined, device(t, i, "a").State)
		_, err := i.Restore(as("device:a"), "a")
		require.Equal(t, fault.Denied, fault.KindOf(err))
		_, err = i.Restore(t.Context(), "a")
		require.NoError(t, err)
		require.True(t, m.beat(i).Eligible)
		_, err = i.Restore(t.Context(), "a")
		require.Equal(t, fault.Conflict, fault.KindOf(err))
		require.Equal(t, 1, reputation(t, i, "a").Quarantines)
	})
}

// TestRuntimesApart: a device that computes with something else is unknown anew.
func TestRuntimesApart(t *testing.T) {
	w := newWorld(t)
	i := w.open(nil)
	enrol := func(runtime string) {
		_, err := i.Register(t.Context(), idle.Enrolment{
			ID: "a", Type: idle.Server, CPUCores: 1, MemoryMB: 1024, Labels: map[string]string{idle.LabelRuntime: runtime},
		})
		require.NoError(t, err)
	}
	enrol("v1")
	judge(t, i, judgements("a", idle.Alone, "1")...)
	enrol("v2")
	judge(t, i, judgements("a", idle.Confirmed, "1")...) // the audit of what it computed before
	judge(t, i, judgements("a", idle.Confirmed, "2")...)
	standings, err := i.Standings(t.Context(), "a")
	require.NoError(t, err)
	require.Len(t, standings, 2)
	require.Equal(t, []int{2, 1}, []int{standings[0].Valid, standings[1].Valid})
}

func TestJudgeRefuses(t *testing.T) {
	i := newWorld(t).open(nil)
	for field, j := range map[string]idle.Judgement{
		"attempt":   {Job: "j", Device: "a", Outcome: idle.Alone},
		"job":       {Attempt: "x", Device: "a", Outcome: idle.Alone},
		"device_id": {Attempt: "x", Job: "j", Outcome: idle.Alone},
		"outcome":   {Attempt: "x", Job: "j", Device: "a", Outcome: "fine"},
	} {
		_, err := i.Judge(t.Context(), []idle.Judgement{j})
		require.Equal(t, field, fault.FieldOf(err))
	}
	_, err := i.Judge(as("ann"), nil)
	require.Equal(t, fault.Denied, fault.KindOf(err))
	_, err = i.Check(as("ann"), nil)
	require.Equal(t, fault.Denied, fault.KindOf(err))
	_, err = i.Standings(t.Context(), "nobody")
	require.Equal(t, fault.NotFound, fault.KindOf(err))
}
