package idletest

import (
	"slices"
	"strings"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fogcompute/fogcompute/fog/idle"
	"github.com/fogcompute/fogcompute/fog/principal"
)

// standing is a reputation with every field set.
func standing(device idle.DeviceID, class string) idle.Standing {
	return idle.Standing{
		ReputationKey: idle.ReputationKey{Device: device, Class: class, Runtime: "r1"},
		Reputation:    idle.Reputation{Valid: 7, Compared: 1<<63 | 5, Until: at(9), Quarantines: 3},
		Tenant:        "default", Owner: "alice", Creator: "house",
	}
}

// judgement is one on a result of the standing's device.
func judgement(key idle.ReputationKey, attempt string, outcome idle.Outcome, seconds float64) idle.Judgement {
	return idle.Judgement{
		Attempt: attempt, Job: "job of " + attempt, Tenant: "default", Owner: "alice", Creator: "house", Device: key.Device, Class: key.Class,
		Runtime: key.Runtime, Outcome: outcome, At: at(seconds),
	}
}

// standings reads those of devices, sorted by class.
func (s *suite) standings(devices ...idle.DeviceID) []idle.Standing {
	s.Helper()
	known, err := s.Store.Standings(s.ctx(), devices)
	require.NoError(s, err)
	slices.SortFunc(known, func(a, b idle.Standing) int {
		return strings.Compare(string(a.Device)+a.Class, string(b.Device)+b.Class)
	})
	return known
}

// judge judges and catches up with the versions.
func (s *suite) judge(moved ...*idle.Standing) {
	s.Helper()
	var rows []idle.Standing
	for _, m := range moved {
		rows = append(rows, *m)
	}
	require.NoError(s, s.Store.Judge(s.ctx(), rows, nil))
	for _, m := range moved {
		m.Version++
	}
}

func (s *suite) reputations() {
	a, b, c := standing("a", "gpu"), standing("a", "wasm"), standing("b", "wasm")
	s.judge(&a, &b)
	s.judge(&c)
	require.Equal(s, []idle.Standing{a, b}, s.standings("a", "nobody"))
	b.Reputation, c.Reputation = idle.Reputation{Valid: 1}, idle.Reputation{Compared: 1}
	s.judge(&b, &c)
	require.Equal(s, []idle.Standing{a, b, c}, s.standings("a", "b"))
	require.Empty(s, s.standings())
}

// racedReputations: where one reputation has moved, nothing is written.
func (s *suite) racedReputations() {
	a, b := standing("a", "wasm"), standing("b", "wasm")
	s.judge(&a)
	late := a
	s.judge(&a)
	raced := func(moved ...idle.Standing) {
		s.Helper()
		err := s.Store.Judge(s.ctx(), moved, []idle.Judgement{judgement(b.ReputationKey, "x", idle.Alone, 1)})
		require.ErrorIs(s, err, idle.ErrRaced)
		require.Equal(s, []idle.Standing{a}, s.standings("a", "b"))
		judged, err := s.Store.Judged(s.ctx(), []string{"x"})
		require.NoError(s, err)
		require.Empty(s, judged)
	}
	raced(b, late)
	late.Version = 0
	raced(b, late)
	ahead := b
	ahead.Version = 1
	raced(a, ahead)
}

func (s *suite) judgements() {
	a, b := standing("a", "wasm"), standing("b", "wasm")
	first, second, third := judgement(a.ReputationKey, "1", idle.Alone, 1), judgement(a.ReputationKey, "2", idle.Alone, 2),
		judgement(a.ReputationKey, "3", idle.Alone, 3)
	checked, other := judgement(a.ReputationKey, "4", idle.Confirmed, 2), judgement(b.ReputationKey, "5", idle.Alone, 2)
	require.NoError(s, s.Store.Judge(s.ctx(), []idle.Standing{a, b}, []idle.Judgement{first, second, third, checked, other}))
	held := func(after, until time.Time, limit int) []idle.Judgement {
		s.Helper()
		held, err := s.Store.HeldAlone(s.ctx(), a.ReputationKey, after, until, limit)
		require.NoError(s, err)
		return held
	}
	require.Equal(s, []idle.Judgement{third, second, first}, held(at(0), at(9), 9))
	require.Equal(s, []idle.Judgement{second}, held(at(1), at(2), 9), "after the one, up to the other")
	require.Equal(s, []idle.Judgement{third, second}, held(at(0), at(9), 2), "the newest")

	second.Outcome, second.At = idle.Contradicted, at(5)
	a.Version++
	require.NoError(s, s.Store.Judge(s.ctx(), []idle.Standing{a}, []idle.Judgement{second}))
	require.Equal(s, []idle.Judgement{third, first}, held(at(0), at(9), 9))
	judged, err := s.Store.Judged(s.ctx(), []string{"2", "5", "9"})
	require.NoError(s, err)
	require.ElementsMatch(s, []idle.Judgement{second, other}, judged)

	n, err := s.Store.PurgeJudgements(s.ctx(), at(3), 2)
	require.NoError(s, err)
	require.Equal(s, 2, n)
	n, err = s.Store.PurgeJudgements(s.ctx(), at(3), 2)
	require.NoError(s, err)
	require.Equal(s, 1, n)
	judged, err = s.Store.Judged(s.ctx(), []string{"1", "2", "3", "4", "5"})
	require.NoError(s, err)
	require.ElementsMatch(s, []idle.Judgement{second, third}, judged)
	require.Len(s, s.standings("a", "b"), 2, "reputations stay")
}

func (s *suite) holders() {
	holders := func(least, greatest principal.Account) {
		s.Helper()
		a, b, err := s.Store.Holders(s.ctx(), "default")
		require.NoError(s, err)
		require.Equal(s, []principal.Account{least, greatest}, []principal.Account{a, b})
	}
	holders("", "")
	own, foreign := bare("own"), bare("foreign")
	own.Owner = "device:own"
	foreign.Tenant, foreign.Owner = "other", "zoe"
	s.insert(own, foreign)
	holders("operator", "operator")
	s.insert(bare("hers"))
	holders("alice", "operator")
	for _, state := range []idle.State{idle.Revoked, idle.Unregistered} {
		gone := bare(idle.DeviceID(state))
		gone.Owner, gone.State = "zoe", state
		s.insert(gone)
	}
	lost := bare("lost")
	lost.Owner, lost.State = "bob", idle.Lost
	s.insert(lost)
	holders("alice", "operator")
}
