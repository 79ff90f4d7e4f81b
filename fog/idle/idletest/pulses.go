package idletest

import (
	"github.com/stretchr/testify/require"

	"github.com/fogcompute/fogcompute/fog/idle"
	"github.com/fogcompute/fogcompute/fog/internal/duty"
	"github.com/fogcompute/fogcompute/fog/internal/journal"
)

func (s *suite) unheard() {
	s.insert(bare("silent"), bare("heard"), bare("new"))
	heard := bare("heard")
	heard.LastSeen, heard.Version = at(10), 1
	_, err := s.Store.Touch(s.ctx(), []idle.Pulse{heard.Pulse()})
	require.NoError(s, err)

	lose := func(id idle.DeviceID) idle.Change {
		d := bare(id)
		d.State = idle.Lost
		return idle.Change{Device: d, Was: 1, Unheard: at(10)}
	}
	saved, err := s.Store.Save(s.ctx(), duty.Fence{}, []idle.Change{lose("silent"), lose("heard"), {Device: bare("new"), Was: 1}})
	require.NoError(s, err)
	require.Equal(s, []bool{true, false, true}, []bool{saved[0].OK, saved[1].OK, saved[2].OK})
	require.Equal(s, at(10), saved[1].Device.LastSeen)
	require.Equal(s, idle.Online, s.load("heard").State)
	require.Equal(s, idle.Lost, s.load("silent").State)
}

func (s *suite) touch() {
	s.insert(bare("a"), Device("b"))
	a, b := bare("a"), Device("b")
	a.Version, b.Version = 1, 1
	a.LastSeen, a.Harvesting, a.Boot, a.Seq, a.Boots = at(5), 3, "x", 1<<62, []string{"w"}
	a.Telemetry = Device("b").Telemetry
	b.LastSeen, b.Telemetry = at(6), idle.Telemetry{At: at(6), Charging: idle.Some(false)}
	moved, err := s.Store.Touch(s.ctx(), []idle.Pulse{a.Pulse(), b.Pulse()})
	require.NoError(s, err)
	require.Empty(s, moved)
	require.Equal(s, a, s.load("a"))
	require.Equal(s, b, s.load("b"), "signals that became unknown are unknown")

	late := bare("a")
	late.LastSeen, late.Version = at(4), 1
	moved, err = s.Store.Touch(s.ctx(), []idle.Pulse{late.Pulse()})
	require.NoError(s, err)
	require.Empty(s, moved)
	require.Equal(s, a, s.load("a"), "an older pulse changes nothing")

	s.save(s.load("a"), 1)
	a.LastSeen = at(7)
	moved, err = s.Store.Touch(s.ctx(), []idle.Pulse{a.Pulse(), b.Pulse(), {Device: "nobody", Version: 1, LastSeen: at(7)}})
	require.NoError(s, err)
	require.ElementsMatch(s, []idle.DeviceID{"a", "nobody"}, moved)
	require.Equal(s, at(7), s.load("a").LastSeen, "a pulse counts under any version")
	moved, err = s.Store.Touch(s.ctx(), nil)
	require.NoError(s, err)
	require.Empty(s, moved)
}

func (s *suite) saveKeepsPulse() {
	s.insert(bare("a"))
	newer := bare("a")
	newer.LastSeen, newer.Version, newer.Harvesting = at(9), 1, 4
	_, err := s.Store.Touch(s.ctx(), []idle.Pulse{newer.Pulse()})
	require.NoError(s, err)
	change := bare("a")
	change.State, change.LastSeen = idle.Draining, at(5)
	saved := s.save(change, 1)
	require.True(s, saved.OK)
	require.Equal(s, idle.Draining, saved.Device.State)
	require.Equal(s, at(9), saved.Device.LastSeen)
	require.Equal(s, 4, saved.Device.Harvesting)
	require.Equal(s, saved.Device, s.load("a"))
}

func (s *suite) find() {
	phone, foreign := bare("c"), bare("e")
	phone.Type, phone.Owner = idle.Android, "bob"
	foreign.Tenant = "other"
	gone := bare("f")
	gone.State = idle.Unregistered
	s.insert(bare("B"), bare("a"), phone, bare("d"), foreign, gone)

	s.found([]string{"B", "a", "c", "d"}, 4, idle.DeviceQuery{Limit: 10})
	s.found([]string{"c"}, 1, idle.DeviceQuery{Limit: 10, Owner: "bob"})
	s.found([]string{"c"}, 1, idle.DeviceQuery{Limit: 10, Type: idle.Android})
	s.found([]string{"e"}, 1, idle.DeviceQuery{Limit: 10, Tenant: "other"})
	s.found(nil, 0, idle.DeviceQuery{Limit: 10, Owner: "nobody"})

	page := s.found([]string{"B", "a"}, 4, idle.DeviceQuery{Limit: 2})
	require.NotEmpty(s, page.Next)
	page = s.found([]string{"c", "d"}, 4, idle.DeviceQuery{Limit: 2, Cursor: page.Next})
	require.Empty(s, page.Next)
	s.found(nil, 4, idle.DeviceQuery{Limit: 2, Cursor: "zzz"})
}

// found checks one page of the default tenant.
func (s *suite) found(want []string, total int, q idle.DeviceQuery) idle.DevicePage {
	s.Helper()
	if q.Tenant == "" {
		q.Tenant = "default"
	}
	page, err := s.Store.Find(s.ctx(), q)
	require.NoError(s, err)
	var ids []string
	for _, d := range page.Devices {
		ids = append(ids, string(d.ID))
	}
	require.Equal(s, want, ids)
	require.Equal(s, total, page.Total)
	return page
}

func (s *suite) findByStatus() {
	harvesting, waiting, active := bare("harvesting"), bare("waiting"), bare("active")
	harvesting.Harvesting, harvesting.Decision.Eligible, waiting.Decision.Eligible = 1, true, true
	draining, lost, gone := bare("draining"), bare("lost"), bare("gone")
	draining.State, lost.State, gone.State = idle.Draining, idle.Lost, idle.Unregistered
	s.insert(harvesting, waiting, active, draining, lost, gone)
	for status, want := range map[string][]string{
		"harvesting": {"harvesting"}, "idle": {"waiting"}, "active": {"active"}, "draining": {"draining"}, "lost": {"lost"},
		"unregistered": {"gone"}, "online": {"active", "harvesting", "waiting"}, "nonsense": nil,
		"": {"active", "draining", "harvesting", "lost", "waiting"},
	} {
		s.found(want, len(want), idle.DeviceQuery{Limit: 10, Status: status})
	}
}

func (s *suite) silent() {
	var list []idle.Device
	for n, id := range []idle.DeviceID{"d", "c", "b", "a"} {
		d := bare(id)
		d.LastSeen = at(float64(n))
		list = append(list, d)
	}
	dead := bare("dead")
	dead.State = idle.Lost
	drained := bare("drained")
	drained.State, drained.LastSeen = idle.Draining, at(0.5)
	s.insert(append(list, dead, drained)...)
	silent, err := s.Store.Silent(s.ctx(), at(2), 10)
	require.NoError(s, err)
	var ids []idle.DeviceID
	for _, d := range silent {
		ids = append(ids, d.ID)
	}
	require.Equal(s, []idle.DeviceID{"d", "drained", "c"}, ids)
	silent, err = s.Store.Silent(s.ctx(), at(2), 1)
	require.NoError(s, err)
	require.Len(s, silent, 1)
}

func (s *suite) tally() {
	empty, err := s.Store.Tally(s.ctx(), "default")
	require.NoError(s, err)
	require.Equal(s, idle.Tally{}, empty)

	idler, worker := bare("idler"), bare("worker")
	idler.Decision.Eligible, idler.OnlineSince, idler.LastSeen = true, at(0), at(10)
	worker.Harvesting, worker.MilliCPU, worker.OnlineSince, worker.OnlineBefore = 2, 3000, at(0), 0
	worker.Telemetry.Battery, worker.Telemetry.Charging = idle.Some(40.0), idle.Some(true)
	foreign := bare("foreign")
	foreign.Tenant = "other"
	hot := Device("hot")
	hot.Harvesting = 0
	s.insert(idler, worker, foreign, hot)
	_, err = s.Store.Contribute(s.ctx(), []idle.Contribution{
		{Tenant: "default", Job: "j", Device: "worker", Amount: 7, CPUSeconds: 2.25, At: at(1)},
		{Tenant: "other", Job: "k", Device: "foreign", Amount: 1, CPUSeconds: 1, At: at(1)},
	})
	require.NoError(s, err)

	tally, err := s.Store.Tally(s.ctx(), "default")
	require.NoError(s, err)
	require.Equal(s, int64(1), tally.TasksCompleted)
	require.Equal(s, 2.25, tally.ComputeSeconds)
	require.Equal(s, int64(7), tally.Earned)
	require.ElementsMatch(s, []idle.Group{
		{
			Type: idle.Server, State: idle.Online, Devices: 2, Eligible: 1, Harvesting: 1, Waiting: 1, Charging: 1, PowerKnown: 1, Powered: 1,
			Batteries: 1, BatterySum: 40, MilliCPU: 4000, BusyCPU: 3000, MemoryMB: 2048, CPUSeconds: 10,
		},
		{
			Type: idle.Desktop, State: idle.Online, Devices: 1, Charging: 1, Throttled: 1, Batteries: 1, BatterySum: 80,
			MilliCPU: 2500, MilliGPU: 500, MemoryMB: 4096, CPUSeconds: 2.5 * 92,
		},
	}, tally.Groups)
}

func (s *suite) purge() {
	old, banned, fresh := bare("old"), bare("banned"), bare("fresh")
	old.State, banned.State, fresh.State = idle.Lost, idle.Revoked, idle.Lost
	fresh.LastSeen = at(100)
	second := bare("second")
	second.State = idle.Unregistered
	s.insert(old, banned, fresh, second, bare("alive"))
	if s.Journal != nil {
		s.claim()
	}
	n, err := s.Store.Purge(s.ctx(), duty.Fence{}, at(50), 1)
	require.NoError(s, err)
	require.Equal(s, 1, n)
	n, err = s.Store.Purge(s.ctx(), duty.Fence{}, at(50), 10)
	require.NoError(s, err)
	require.Equal(s, 1, n)
	rows, err := s.Store.Load(s.ctx(), []idle.DeviceID{"old", "banned", "fresh", "second", "alive"})
	require.NoError(s, err)
	require.Len(s, rows, 3)
	if s.Journal != nil {
		require.ElementsMatch(s, []journal.Fact{fact("old", 2), fact("second", 2)}, s.claim())
	}
	require.True(s, s.save(bare("old"), 0).OK, "a purged device may enrol again")
}
