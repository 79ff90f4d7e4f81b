// Package idletest holds implementations of idle.Store to its contract: one suite for the twin in memory and for each
// database.
package idletest

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fogcompute/fogcompute/fog/idle"
	"github.com/fogcompute/fogcompute/fog/internal/duty"
	"github.com/fogcompute/fogcompute/fog/internal/journal"
	"github.com/fogcompute/fogcompute/fog/principal"
)

// Opened is an empty store with what belongs to it.
type Opened struct {
	Store   idle.Store
	Journal journal.Journal // where the store writes its facts; nil: facts are not looked at
	Duties  duty.Duties     // whose fences the store checks; nil: fences are not looked at
}

// Run runs the suite; open is called once for each test and returns an empty store.
func Run(t *testing.T, open func(t *testing.T) Opened) {
	t.Helper()
	for _, c := range []struct {
		name string
		run  func(*suite)
	}{
		{"insert and load", (*suite).insertAndLoad},
		{"insert twice", (*suite).insertTwice},
		{"update by version", (*suite).updateByVersion},
		{"one device several times in a batch", (*suite).repeatInBatch},
		{"lost updates", (*suite).lostUpdates},
		{"facts", (*suite).facts},
		{"fence", (*suite).fence},
		{"unheard", (*suite).unheard},
		{"touch", (*suite).touch},
		{"save keeps a newer pulse", (*suite).saveKeepsPulse},
		{"find", (*suite).find},
		{"find by status", (*suite).findByStatus},
		{"silent", (*suite).silent},
		{"tally", (*suite).tally},
		{"contribute once", (*suite).contributeOnce},
		{"contribute at once from many sides", (*suite).contributeConcurrently},
		{"contributions in pages", (*suite).contributions},
		{"reputations", (*suite).reputations},
		{"raced reputations", (*suite).racedReputations},
		{"judgements", (*suite).judgements},
		{"holders", (*suite).holders},
		{"purge devices", (*suite).purge},
		{"purge contributions", (*suite).purgeContributions},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.run(&suite{T: t, Opened: open(t)})
		})
	}
}

// suite is one test on one store.
type suite struct {
	*testing.T
	Opened
}

// start is the time at which every test begins.
var start = time.Date(2026, 11, 22, 12, 0, 0, 123456000, time.UTC)

// at is a number of seconds after the start.
func at(seconds float64) time.Time { return start.Add(time.Duration(seconds * float64(time.Second))) }

// Device returns a device with every field set, for tests of stores.
func Device(id idle.DeviceID) idle.Device {
	return idle.Device{
		ID: id, Tenant: "default", Owner: "alice", Creator: "operator", Name: "Gerät \"1\"; DROP", Type: idle.Desktop,
		Platform: "linux/amd64", MilliCPU: 2500, MemoryMB: 4096, MilliGPU: 500,
		Declared: []string{"gpu", "wasm"}, Executors: []string{"wasm"}, Labels: map[string]string{"zone": "eu?", "room": "{1}"},
		Policy: policy(), State: idle.Online, Drain: true, Cause: "none", Quarantine: at(5),
		Decision: idle.Decision{
			Since: at(1), Calm: at(2), Rest: at(4),
			Reasons: []idle.Reason{{Code: idle.CPUBusy, Text: "90 % used"}, {Code: idle.TooHot, Text: "91 °C"}},
		},
		Registered: at(0), OnlineSince: at(1), OnlineBefore: 90 * time.Second,
		Telemetry: idle.Telemetry{
			CPUForeign: idle.Some(0.25), CPUTotal: idle.Some(0.5), MemFreeMB: idle.Some(1024.5), Battery: idle.Some(80.0),
			Charging: idle.Some(true), TempC: idle.Some(-3.5), UserIdle: idle.Some(90 * time.Second), Metered: idle.Some(false),
			Pressure: idle.Some(12.5), DiskFreeMB: idle.Some(2048.5), Network: idle.Some(idle.WiFi), At: at(3),
		},
		LastSeen: at(3), Harvesting: 2, Boot: "b2", Seq: 7, Boots: []string{"b1", "b0"},
	}
}

// policy returns a policy with every kind of rule.
func policy() idle.Policy {
	p := idle.DefaultPolicy(idle.Desktop)
	p.Networks = idle.Networks{Allowed: []idle.NetworkKind{idle.Ethernet, idle.WiFi}, Unknown: idle.AllowUnknown}
	p.Schedule = idle.Schedule{
		Zone:    idle.NewZone("Europe/Berlin"),
		Windows: []idle.Window{{Days: []string{"mon", "fri"}, From: "22:00", To: "06:00"}, {From: "12:00", To: "13:00"}},
	}
	p.Session = idle.Session{MaxSeconds: 3600, CoolDownSeconds: 600}
	p.Limits = idle.Limits{CPUShare: 0.5, MemoryShare: 0.25, Tiers: []idle.Tier{{Above: 70, Below: 65, CPUShare: 0.25}}}
	p.PatienceSeconds = 300
	return p
}

// bare returns a living device with little known about it.
func bare(id idle.DeviceID) idle.Device {
	return idle.Device{
		ID: id, Tenant: "default", Owner: "alice", Creator: "operator", Name: string(id), Type: idle.Server, MilliCPU: 1000, MemoryMB: 1024,
		State: idle.Online, OnlineSince: at(0), Registered: at(0), LastSeen: at(0), Telemetry: idle.Telemetry{At: at(0)},
	}
}

// ctx is the test's context as the operator.
func (s *suite) ctx() context.Context { return principal.With(s.Context(), principal.Local()) }

// save saves one change.
func (s *suite) save(d idle.Device, was int64) idle.Saved {
	s.Helper()
	saved, err := s.Store.Save(s.ctx(), duty.Fence{}, []idle.Change{{Device: d, Was: was}})
	require.NoError(s, err)
	require.Len(s, saved, 1)
	return saved[0]
}

// insert saves new devices.
func (s *suite) insert(devices ...idle.Device) {
	s.Helper()
	changes := make([]idle.Change, len(devices))
	for n := range devices {
		changes[n].Device = devices[n]
	}
	saved, err := s.Store.Save(s.ctx(), duty.Fence{}, changes)
	require.NoError(s, err)
	for n := range saved {
		require.True(s, saved[n].OK, "%s", devices[n].ID)
	}
}

// load returns a device that must exist.
func (s *suite) load(id idle.DeviceID) idle.Device {
	s.Helper()
	rows, err := s.Store.Load(s.ctx(), []idle.DeviceID{id})
	require.NoError(s, err)
	require.Len(s, rows, 1)
	return rows[0]
}

// claim returns the facts that have been written since the last call.
func (s *suite) claim() []journal.Fact {
	s.Helper()
	claimed, err := s.Journal.Claim(s.ctx(), idle.TopicDevice, 100, time.Now().Add(time.Hour))
	require.NoError(s, err)
	require.NoError(s, s.Journal.Done(s.ctx(), claimed))
	facts := make([]journal.Fact, len(claimed))
	for n := range claimed {
		facts[n] = claimed[n].Fact
	}
	return facts
}

func (s *suite) insertAndLoad() {
	want := Device("d-1.a_B:2")
	require.True(s, s.save(want, 0).OK)
	want.Version = 1
	require.Equal(s, want, s.load(want.ID))

	unknown := bare("bare")
	require.True(s, s.save(unknown, 0).OK)
	unknown.Version = 1
	require.Equal(s, unknown, s.load("bare"), "what is unknown stays unknown")

	rows, err := s.Store.Load(s.ctx(), []idle.DeviceID{"bare", "nobody", want.ID})
	require.NoError(s, err)
	require.Len(s, rows, 2)
	rows, err = s.Store.Load(s.ctx(), nil)
	require.NoError(s, err)
	require.Empty(s, rows)
}

func (s *suite) insertTwice() {
	require.True(s, s.save(bare("a"), 0).OK)
	other := bare("a")
	other.Owner = "mallory"
	saved := s.save(other, 0)
	require.False(s, saved.OK)
	require.EqualValues(s, "alice", saved.Device.Owner)
	require.EqualValues(s, 1, saved.Device.Version)
}

func (s *suite) updateByVersion() {
	s.insert(Device("a"))
	_, err := s.Store.Contribute(s.ctx(), []idle.Contribution{{Tenant: "default", Job: "j", Device: "a", Amount: 5, CPUSeconds: 1.5, At: at(1)}})
	require.NoError(s, err)

	next := Device("a")
	next.State, next.Decision = idle.Draining, idle.Decision{Eligible: true, Since: at(9)}
	next.LastSeen, next.Telemetry = at(9), idle.Telemetry{At: at(9)}
	next.Executors, next.Labels, next.Boots = nil, nil, nil
	saved := s.save(next, 1)
	require.True(s, saved.OK)
	next.Version, next.TasksCompleted, next.ComputeSeconds, next.Earned = 2, 1, 1.5, 5
	require.Equal(s, next, saved.Device, "a change leaves the totals alone")
	require.Equal(s, next, s.load("a"))

	stale := Device("a")
	stale.State = idle.Lost
	saved = s.save(stale, 1)
	require.False(s, saved.OK)
	require.Equal(s, next, saved.Device)
	require.Equal(s, next, s.load("a"))

	require.Equal(s, idle.Saved{}, s.save(bare("nobody"), 3), "a device that does not exist cannot be changed")
}

func (s *suite) repeatInBatch() {
	s.insert(bare("a"), bare("b"))
	second := bare("a")
	second.State = idle.Lost
	third := bare("a")
	third.State = idle.Offline
	saved, err := s.Store.Save(s.ctx(), duty.Fence{}, []idle.Change{
		{Device: bare("a"), Was: 1}, {Device: second, Was: 1}, {Device: bare("b"), Was: 1}, {Device: third, Was: 2},
	})
	require.NoError(s, err)
	require.Equal(s, []bool{true, false, true, true}, []bool{saved[0].OK, saved[1].OK, saved[2].OK, saved[3].OK})
	require.Equal(s, idle.Offline, s.load("a").State)
	require.EqualValues(s, 3, s.load("a").Version)
}

// lostUpdates counts a label up from many sides: every success must be visible in the end.
func (s *suite) lostUpdates() {
	s.insert(bare("a"))
	const writers, each = 4, 8
	done := make(chan error, writers)
	for range writers {
		go func() {
			for n := 0; n < each; {
				rows, err := s.Store.Load(s.ctx(), []idle.DeviceID{"a"})
				if err != nil || len(rows) != 1 {
					done <- errors.Join(errors.New("device not loaded"), err)
					return
				}
				d := rows[0]
				d.OnlineBefore += time.Second
				saved, err := s.Store.Save(s.ctx(), duty.Fence{}, []idle.Change{{Device: d, Was: d.Version}})
				if err != nil {
					done <- err
					return
				}
				if saved[0].OK {
					n++
				}
			}
			done <- nil
		}()
	}
	for range writers {
		require.NoError(s, <-done)
	}
	d := s.load("a")
	require.Equal(s, writers*each*time.Second, d.OnlineBefore)
	require.EqualValues(s, 1+writers*each, d.Version)
}

func (s *suite) facts() {
	if s.Journal == nil {
		s.Skip("no journal")
	}
	s.insert(bare("a"), bare("b"))
	require.ElementsMatch(s, []journal.Fact{fact("a", 1), fact("b", 1)}, s.claim())
	s.save(bare("a"), 1)
	s.save(bare("a"), 1)
	s.save(bare("b"), 0)
	require.Equal(s, []journal.Fact{fact("a", 2)}, s.claim(), "a change that was skipped is no fact")
	d := s.load("a")
	d.LastSeen = at(5)
	_, err := s.Store.Touch(s.ctx(), []idle.Pulse{d.Pulse()})
	require.NoError(s, err)
	require.Empty(s, s.claim(), "a pulse is no fact")
}

// fact is a fact about a device.
func fact(id string, version int64) journal.Fact {
	return journal.Fact{Topic: idle.TopicDevice, ID: id, Version: version}
}

func (s *suite) fence() {
	if s.Duties == nil {
		s.Skip("no duties")
	}
	s.insert(bare("a"))
	long := time.Now().Add(time.Hour)
	old, ok, err := s.Duties.Take(s.ctx(), idle.DutyPresence, "one", long)
	require.NoError(s, err)
	require.True(s, ok)
	require.NoError(s, s.Duties.Release(s.ctx(), old, "one"))
	fresh, ok, err := s.Duties.Take(s.ctx(), idle.DutyPresence, "two", long)
	require.NoError(s, err)
	require.True(s, ok)

	lost := bare("a")
	lost.State = idle.Lost
	_, err = s.Store.Save(s.ctx(), old, []idle.Change{{Device: lost, Was: 1}})
	require.ErrorIs(s, err, duty.ErrFenced)
	require.Equal(s, idle.Online, s.load("a").State)
	_, err = s.Store.Purge(s.ctx(), old, at(1e6), 10)
	require.ErrorIs(s, err, duty.ErrFenced)

	saved, err := s.Store.Save(s.ctx(), fresh, []idle.Change{{Device: lost, Was: 1}})
	require.NoError(s, err)
	require.True(s, saved[0].OK)
}
