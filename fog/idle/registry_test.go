package idle_test

import (
	"context"
	"math"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fogcompute/fogcompute/fog/idle"
	"github.com/fogcompute/fogcompute/fog/internal/fault"
	"github.com/fogcompute/fogcompute/fog/principal"
)

func TestRegister(t *testing.T) {
	w := newWorld(t)
	i := w.open(nil)
	e := idle.Enrolment{
		ID: "pixel", Type: "Android", CPUCores: 1.5, MemoryMB: 4096, Platform: "android/arm64", Labels: map[string]string{"room": "attic"},
		Battery: idle.Some(80.0), Charging: idle.Some(true),
	}
	d, err := i.Register(t.Context(), e)
	require.NoError(t, err)
	require.EqualValues(t, "device:pixel", d.Owner, "the operator's devices earn for themselves")
	require.Equal(t, principal.Operator, d.Creator)
	require.Equal(t, "pixel", d.Name)
	require.Equal(t, idle.Android, d.Type)
	require.EqualValues(t, 1500, d.MilliCPU)
	require.Equal(t, []string{"wasm"}, d.Declared)
	require.Empty(t, d.Executors, "nothing runs on a device that has not spoken the protocol")
	require.Equal(t, idle.Registered, d.State)
	require.Equal(t, "registered", d.Status())
	require.Equal(t, idle.DefaultPolicy(idle.Android), d.Policy)
	require.True(t, d.Decision.Eligible)
	require.False(t, d.Available())
	require.Equal(t, map[string][]int64{"pixel": {1}}, w.news())

	again, err := i.Register(t.Context(), e)
	require.NoError(t, err)
	require.EqualValues(t, 1, again.Version)
	require.Empty(t, w.news(), "the same enrolment again changes nothing")

	e.MemoryMB, e.Executors = 2048, []string{"wasm", "gpu", "wasm"}
	changed, err := i.Register(t.Context(), e)
	require.NoError(t, err)
	require.EqualValues(t, 2, changed.Version)
	require.EqualValues(t, 2048, device(t, i, "pixel").MemoryMB)
	require.Equal(t, []string{"gpu", "wasm"}, changed.Declared)
	require.Equal(t, map[string][]int64{"pixel": {2}}, w.news())
}

func TestRegisterOwners(t *testing.T) {
	i := newWorld(t).open(nil)
	alice, bob := as("alice", principal.ScopeUser), as("bob", principal.ScopeUser)
	d, err := i.Register(alice, enrolment("hers"))
	require.NoError(t, err)
	require.EqualValues(t, "alice", d.Owner)

	_, err = i.Register(bob, enrolment("hers"))
	require.Equal(t, fault.Conflict, fault.KindOf(err), "another owner's id is taken")
	foreign := principal.With(t.Context(), principal.Principal{Tenant: "other", Account: "operator", Scopes: []principal.Scope{principal.ScopeOperator}})
	_, err = i.Register(foreign, enrolment("hers"))
	require.Equal(t, fault.Conflict, fault.KindOf(err), "another tenant's id is taken")

	named := enrolment("named")
	named.Owner = "carol"
	_, err = i.Register(bob, named)
	require.Equal(t, fault.Denied, fault.KindOf(err), "nobody enrols for somebody else")
	d, err = i.Register(t.Context(), named)
	require.NoError(t, err, "but the operator may")
	require.EqualValues(t, "carol", d.Owner)
	named.Owner = ""
	d, err = i.Register(t.Context(), named)
	require.NoError(t, err)
	require.EqualValues(t, "carol", d.Owner, "an enrolment without an owner keeps the owner")
	named.Owner = "dave"
	_, err = i.Register(t.Context(), named)
	require.Equal(t, fault.Conflict, fault.KindOf(err))

	_, err = i.Get(bob, "hers")
	require.Equal(t, fault.Denied, fault.KindOf(err))
	_, err = i.Get(foreign, "hers")
	require.Equal(t, fault.NotFound, fault.KindOf(err))
	_, err = sendAs(bob, i, idle.Beat{Device: "hers"})
	require.Equal(t, fault.Denied, fault.KindOf(err))
	_, err = sendAs(foreign, i, idle.Beat{Device: "hers"})
	require.Equal(t, fault.NotFound, fault.KindOf(err))
	_, err = sendAs(alice, i, idle.Beat{Device: "hers"})
	require.NoError(t, err)
	for _, order := range []func() (idle.Device, error){
		func() (idle.Device, error) { return i.Unregister(bob, "hers") },
		func() (idle.Device, error) { return i.Drain(bob, "hers", true) },
		func() (idle.Device, error) { return i.Revoke(bob, "hers", "") },
	} {
		_, err := order()
		require.Equal(t, fault.Denied, fault.KindOf(err))
	}

	long := idle.DeviceID(strings.Repeat("x", 128))
	d, err = i.Register(t.Context(), enrolment(long))
	require.NoError(t, err)
	require.LessOrEqual(t, len(d.Owner), 128, "an account has at most 128 characters")
}

func TestRegisterLimits(t *testing.T) {
	i := newWorld(t).open(nil)
	for _, c := range []struct {
		field  string
		change func(*idle.Enrolment)
	}{
		{"device_id", func(e *idle.Enrolment) { e.ID = "" }},
		{"device_id", func(e *idle.Enrolment) { e.ID = ".." }},
		{"device_id", func(e *idle.Enrolment) { e.ID = "a/b" }},
		{"device_id", func(e *idle.Enrolment) { e.ID = "a b" }},
		{"device_id", func(e *idle.Enrolment) { e.ID = "é" }},
		{"device_id", func(e *idle.Enrolment) { e.ID = idle.DeviceID(strings.Repeat("x", 129)) }},
		{"device_type", func(e *idle.Enrolment) { e.Type = "toaster" }},
		{"cpu_cores", func(e *idle.Enrolment) { e.CPUCores = 0.5 }},
		{"cpu_cores", func(e *idle.Enrolment) { e.CPUCores = 129 }},
		{"cpu_cores", func(e *idle.Enrolment) { e.CPUCores = math.NaN() }},
		{"cpu_cores", func(e *idle.Enrolment) { e.CPUCores = math.Inf(1) }},
		{"memory_mb", func(e *idle.Enrolment) { e.MemoryMB = 511 }},
		{"memory_mb", func(e *idle.Enrolment) { e.MemoryMB = 524289 }},
		{"milli_gpu", func(e *idle.Enrolment) { e.MilliGPU = -1 }},
		{"battery_percent", func(e *idle.Enrolment) { e.Battery = idle.Some(100.5) }},
		{"battery_percent", func(e *idle.Enrolment) { e.Battery = idle.Some(math.NaN()) }},
		{"name", func(e *idle.Enrolment) { e.Name = strings.Repeat("ü", 201) }},
		{"name", func(e *idle.Enrolment) { e.Name = "a\x00b" }},
		{"platform", func(e *idle.Enrolment) { e.Platform = "a\nb" }},
		{"owner", func(e *idle.Enrolment) { e.Owner = principal.Account(strings.Repeat("x", 129)) }},
		{"executors", func(e *idle.Enrolment) { e.Executors = make([]string, 17) }},
		{"executors", func(e *idle.Enrolment) { e.Executors = []string{"../x"} }},
		{"labels", func(e *idle.Enrolment) { e.Labels = map[string]string{"a b": ""} }},
		{"labels", func(e *idle.Enrolment) { e.Labels = map[string]string{"a": strings.Repeat("x", 257)} }},
		{"policy.power", func(e *idle.Enrolment) { e.Policy = &idle.Policy{Power: "no"} }},
		{"policy.memory.start", func(e *idle.Enrolment) {
			e.Policy = &idle.Policy{Memory: idle.Band{Start: 4096, Stop: 1, Unknown: idle.AllowUnknown}}
		}},
	} {
		e := enrolment("a")
		c.change(&e)
		_, err := i.Register(t.Context(), e)
		require.Equal(t, fault.Invalid, fault.KindOf(err), c.field)
		require.Equal(t, c.field, fault.FieldOf(err))
	}
	e := enrolment(idle.DeviceID(strings.Repeat("x", 128)))
	e.CPUCores, e.MemoryMB, e.Name = 128, 524288, strings.Repeat("ü", 200)
	_, err := i.Register(t.Context(), e)
	require.NoError(t, err)
}

func TestLifeOfADevice(t *testing.T) {
	w := newWorld(t)
	i := w.open(nil)
	m := join(t, i, "a")
	require.Equal(t, map[string][]int64{"a": {1}}, w.news())

	require.Equal(t, idle.Run, m.beat(i).Desired)
	d := device(t, i, "a")
	require.Equal(t, idle.Online, d.State)
	require.Equal(t, []string{"wasm"}, d.Executors)
	require.True(t, d.Available())
	require.Equal(t, map[string][]int64{"a": {2}}, w.news())
	m.beat(i)
	require.Empty(t, w.news(), "a beat is no transition")

	_, err := i.Drain(t.Context(), "a", true)
	require.NoError(t, err)
	require.Equal(t, idle.Drain, m.beat(i).Desired)
	require.Equal(t, idle.Draining, device(t, i, "a").State)
	_, err = i.Drain(t.Context(), "a", true)
	require.NoError(t, err)
	require.Equal(t, map[string][]int64{"a": {3}}, w.news())
	_, err = i.Drain(t.Context(), "a", false)
	require.NoError(t, err)
	require.Equal(t, idle.Run, m.beat(i).Desired)

	m.held = []idle.Held{{Attempt: "j.0.1", Token: 1}}
	m.beat(i)
	d = device(t, i, "a")
	require.Equal(t, "harvesting", d.Status())
	bye := m.next()
	bye.Bye = true
	directive, err := send(i, bye)
	require.NoError(t, err)
	require.Equal(t, idle.Stop, directive.Desired)
	d = device(t, i, "a")
	require.Equal(t, idle.Offline, d.State)
	require.Zero(t, d.Harvesting, "it gives back what it holds")
	m.held = nil
	m.beat(i)
	require.Equal(t, idle.Online, device(t, i, "a").State)
	w.news()

	_, err = i.Unregister(t.Context(), "a")
	require.NoError(t, err)
	require.Len(t, w.news(), 1)
	_, err = i.Get(t.Context(), "a")
	require.Equal(t, fault.NotFound, fault.KindOf(err))
	_, err = i.Unregister(t.Context(), "a")
	require.Equal(t, fault.NotFound, fault.KindOf(err))
	_, err = send(i, m.next())
	require.Equal(t, fault.NotFound, fault.KindOf(err))
	rows, err := i.Records(t.Context(), []idle.DeviceID{"a"})
	require.NoError(t, err)
	require.Equal(t, idle.Unregistered, rows[0].State, "flows still see it")

	d, err = i.Register(t.Context(), enrolment("a"))
	require.NoError(t, err)
	require.Equal(t, idle.Registered, d.State)
	require.Empty(t, d.Executors)
	m.beat(i)
	require.Equal(t, idle.Online, device(t, i, "a").State)
}

func TestRevoke(t *testing.T) {
	w := newWorld(t)
	i := w.open(func(c *idle.Config) { c.Work = newDesk() })
	m := join(t, i, "a")
	m.take = 1
	m.beat(i)
	d, err := i.Revoke(t.Context(), "a", "wrong results")
	require.NoError(t, err)
	require.Equal(t, idle.Revoked, d.State)
	directive := m.beat(i)
	require.Equal(t, idle.Stop, directive.Desired)
	require.False(t, directive.Eligible)
	require.Equal(t, []string{idle.IsRevoked}, codes(directive.Reasons))
	require.Contains(t, directive.Reasons[0].Text, "wrong results")
	for _, refused := range []func() (idle.Device, error){
		func() (idle.Device, error) { return i.Register(t.Context(), enrolment("a")) },
		func() (idle.Device, error) { return i.Unregister(t.Context(), "a") },
	} {
		_, err := refused()
		require.Equal(t, fault.Conflict, fault.KindOf(err))
	}
	require.Equal(t, idle.Revoked, device(t, i, "a").State)
	_, err = i.Restore(as("device:a"), "a")
	require.Equal(t, fault.Denied, fault.KindOf(err), "nobody lifts a ban of his own")
	_, err = i.Restore(t.Context(), "a")
	require.NoError(t, err)
	_, err = i.Restore(t.Context(), "a")
	require.Equal(t, fault.Conflict, fault.KindOf(err))
	require.Equal(t, idle.Run, m.beat(i).Desired)
	require.Equal(t, idle.Online, device(t, i, "a").State)
	_, err = i.Revoke(t.Context(), "a", "line\nbreak")
	require.Equal(t, "reason", fault.FieldOf(err))
	_, err = i.Revoke(t.Context(), "nobody", "")
	require.Equal(t, fault.NotFound, fault.KindOf(err))
}

func TestExplain(t *testing.T) {
	i := newWorld(t).open(nil)
	e := enrolment("phone")
	e.Type = idle.Android
	_, err := i.Register(t.Context(), e)
	require.NoError(t, err)
	reasons, err := i.Explain(t.Context(), "phone")
	require.NoError(t, err)
	require.Equal(t, []string{
		idle.NeverBeaten, idle.NoProtocol, idle.NobodyGivesWork, idle.PowerUnknown, idle.BatteryUnknown,
	}, codes(reasons))

	i = newWorld(t).open(func(c *idle.Config) { c.Work = newDesk() })
	m := join(t, i, "a")
	m.beat(i)
	reasons, err = i.Explain(t.Context(), "a")
	require.NoError(t, err)
	require.NotNil(t, reasons)
	require.Empty(t, reasons)
	_, err = i.Explain(t.Context(), "nobody")
	require.Equal(t, fault.NotFound, fault.KindOf(err))
}

func TestList(t *testing.T) {
	i := newWorld(t).open(nil)
	alice := as("alice", principal.ScopeUser)
	for _, id := range []idle.DeviceID{"c", "a", "b"} {
		join(t, i, id).beat(i)
	}
	_, err := i.Register(alice, enrolment("hers"))
	require.NoError(t, err)

	page, err := i.List(t.Context(), idle.DeviceQuery{Limit: 2})
	require.NoError(t, err)
	require.Equal(t, 4, page.Total)
	require.Len(t, page.Devices, 2)
	page, err = i.List(t.Context(), idle.DeviceQuery{Limit: 2, Cursor: page.Next})
	require.NoError(t, err)
	require.Len(t, page.Devices, 2)
	require.Empty(t, page.Next)

	page, err = i.List(alice, idle.DeviceQuery{})
	require.NoError(t, err)
	require.Equal(t, 1, page.Total, "a user sees its own devices")
	_, err = i.List(alice, idle.DeviceQuery{Owner: "bob"})
	require.Equal(t, fault.Denied, fault.KindOf(err))
	_, err = i.List(alice, idle.DeviceQuery{Tenant: "other"})
	require.Equal(t, fault.NotFound, fault.KindOf(err))

	page, err = i.List(t.Context(), idle.DeviceQuery{Status: "idle", Type: "SERVER"})
	require.NoError(t, err)
	require.Equal(t, 3, page.Total)
	page, err = i.List(t.Context(), idle.DeviceQuery{Status: "Idle"})
	require.NoError(t, err)
	require.NotZero(t, page.Total, "in any letter case")
	_, err = i.List(t.Context(), idle.DeviceQuery{Status: "asleep"})
	require.Equal(t, "status", fault.FieldOf(err))
	_, err = i.List(t.Context(), idle.DeviceQuery{Type: "toaster"})
	require.Equal(t, "device_type", fault.FieldOf(err))
	for _, limit := range []int{-1, 1001} {
		_, err = i.List(t.Context(), idle.DeviceQuery{Limit: limit})
		require.Equal(t, "limit", fault.FieldOf(err))
	}
}

func TestStats(t *testing.T) {
	i := newWorld(t).open(nil)
	empty, err := i.Stats(t.Context())
	require.NoError(t, err)
	require.Equal(t, idle.Stats{}, empty, "nothing is invented")

	phone := enrolment("phone")
	phone.Type, phone.Battery, phone.Charging, phone.MilliGPU = idle.Android, idle.Some(90.0), idle.Some(true), 1000
	_, err = i.Register(t.Context(), phone)
	require.NoError(t, err)
	_, err = send(i, idle.Beat{Device: "phone", Telemetry: idle.Telemetry{Battery: idle.Some(70.0)}})
	require.NoError(t, err)
	busy := join(t, i, "busy")
	busy.held = []idle.Held{{Attempt: "j.0.1", Token: 1}}
	busy.beat(i)
	hot := join(t, i, "hot")
	hot.said.TempC = idle.Some(99.0)
	hot.beat(i)
	join(t, i, "late")
	_, err = i.Contribute(t.Context(), []idle.Contribution{{Job: "j", Device: "busy", Amount: 1_000_000, CPUSeconds: 7200}})
	require.NoError(t, err)

	s, err := i.Stats(as("alice", principal.ScopeUser))
	require.NoError(t, err, "a count gives nobody away")
	s.OnlineSeconds, s.Efficiency = 0, 0 // as long as the test takes
	require.Equal(t, idle.Stats{
		Devices: 4, Active: 3, Harvesting: 1, Idle: 1, Charging: 1, Throttled: 1, Android: 1, Server: 3,
		Total:     idle.Capacity{MilliCPU: 8000, MemoryMB: 8192, MilliGPU: 1000},
		Available: idle.Capacity{MilliCPU: 6000, MemoryMB: 6144, MilliGPU: 1000},
		Battery:   idle.Some(70.0), MobileBattery: idle.Some(70.0), Utilisation: 2.0 / 6, TasksCompleted: 1, ComputeSeconds: 7200,
		Earned: 1_000_000, EnergyEfficiency: 1,
	}, s)
	other := principal.With(context.Background(), principal.Principal{Tenant: "other", Account: "x"})
	s, err = i.Stats(other)
	require.NoError(t, err)
	require.Equal(t, idle.Stats{}, s, "another tenant has nothing")
}

func TestSlowCount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		i := w.open(nil)
		count := func(want int64) (took time.Duration) {
			began := time.Now()
			s, err := i.Stats(t.Context())
			require.NoError(t, err)
			require.Equal(t, want, s.Devices)
			return time.Since(began)
		}
		join(t, i, "a")
		require.Zero(t, count(1))
		w.store.slow = 200 * time.Millisecond
		require.Equal(t, 200*time.Millisecond, count(1))
		join(t, i, "b")
		require.Zero(t, count(1), "a count that took long is shown again")
		time.Sleep(2 * time.Second)
		require.Equal(t, 200*time.Millisecond, count(2))
		w.store.slow = 0
		time.Sleep(2 * time.Second)
		join(t, i, "c")
		require.Zero(t, count(3))
		join(t, i, "d")
		count(4)
	})
}

func TestContribute(t *testing.T) {
	i := newWorld(t).open(nil)
	join(t, i, "a")
	good := idle.Contribution{Job: "j", Slot: 1, Attempt: "j.1.1", Device: "a", Account: "device:a", Amount: 5, CPUSeconds: 1.5}
	fresh, err := i.Contribute(t.Context(), []idle.Contribution{good, good})
	require.NoError(t, err)
	require.Equal(t, []bool{true, false}, fresh)
	fresh, err = i.Contribute(t.Context(), []idle.Contribution{good})
	require.NoError(t, err)
	require.Equal(t, []bool{false}, fresh)
	d := device(t, i, "a")
	require.EqualValues(t, 1, d.TasksCompleted)
	require.EqualValues(t, 5, d.Earned)

	for _, c := range []struct {
		field  string
		change func(*idle.Contribution)
	}{
		{"job", func(c *idle.Contribution) { c.Job = "" }},
		{"slot", func(c *idle.Contribution) { c.Slot = -1 }},
		{"attempt", func(c *idle.Contribution) { c.Attempt = strings.Repeat("x", 201) }},
		{"device_id", func(c *idle.Contribution) { c.Device = "" }},
		{"account", func(c *idle.Contribution) { c.Account = principal.Account(strings.Repeat("x", 129)) }},
		{"amount", func(c *idle.Contribution) { c.Amount = -1 }},
		{"cpu_seconds", func(c *idle.Contribution) { c.CPUSeconds = math.NaN() }},
		{"cpu_seconds", func(c *idle.Contribution) { c.CPUSeconds = 1e300 }},
	} {
		bad := good
		bad.Slot = 7
		c.change(&bad)
		_, err := i.Contribute(t.Context(), []idle.Contribution{good, bad})
		require.Equal(t, c.field, fault.FieldOf(err))
	}
	alice := as("alice", principal.ScopeUser)
	_, err = i.Contribute(alice, []idle.Contribution{good})
	require.Equal(t, fault.Denied, fault.KindOf(err))
	_, err = i.Records(alice, []idle.DeviceID{"a"})
	require.Equal(t, fault.Denied, fault.KindOf(err))

	page, err := i.Contributions(t.Context(), idle.ContributionQuery{Device: "a"})
	require.NoError(t, err)
	require.Len(t, page.Contributions, 1)
	require.Equal(t, principal.Operator, page.Contributions[0].Creator)
	require.WithinDuration(t, time.Now(), page.Contributions[0].At, time.Minute)
	_, err = i.Contributions(alice, idle.ContributionQuery{Device: "a"})
	require.Equal(t, fault.Denied, fault.KindOf(err))
	_, err = i.Contributions(as("device:a", principal.ScopeDevice), idle.ContributionQuery{Device: "a"})
	require.NoError(t, err, "the owner may read")
	_, err = i.Contributions(t.Context(), idle.ContributionQuery{Cursor: "nonsense"})
	require.Equal(t, "cursor", fault.FieldOf(err))
}

func TestConfig(t *testing.T) {
	for _, c := range []idle.Config{
		{Interval: -1},
		{Interval: time.Nanosecond},
		{Interval: time.Second, Presence: time.Second},
		{Presence: 15 * time.Second, Flush: 6 * time.Second},
		{Policies: map[idle.DeviceType]idle.Policy{"toaster": {}}},
		{Policies: map[idle.DeviceType]idle.Policy{idle.Server: {DwellSeconds: -1}}},
	} {
		_, err := idle.New(c)
		require.Equal(t, fault.Invalid, fault.KindOf(err), "%+v", c)
	}
	i, err := idle.New(idle.Config{Policies: map[idle.DeviceType]idle.Policy{idle.Server: {DwellSeconds: 7}}})
	require.NoError(t, err)
	d, err := i.Register(t.Context(), enrolment("a"))
	require.NoError(t, err)
	require.EqualValues(t, 7, d.Policy.DwellSeconds)
	require.NoError(t, i.Close())
	require.NoError(t, i.Close())
	_, err = send(i, idle.Beat{Device: "a"})
	require.Equal(t, fault.Unavailable, fault.KindOf(err))
	_, err = i.Register(t.Context(), enrolment("b"))
	require.Equal(t, fault.Unavailable, fault.KindOf(err))
	require.Equal(t, fault.Conflict, fault.KindOf(i.Run(t.Context())))
}
