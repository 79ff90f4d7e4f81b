//go:build linux

package sensor_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"syscall"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fogcompute/fogcompute/fog/idle"
	"github.com/fogcompute/fogcompute/fog/idle/sensor"
)

// machine is a file system with the files of /sys, /proc and /dev.
type machine fstest.MapFS

func (m machine) Open(name string) (fs.File, error) { return fstest.MapFS(m).Open(name) }

func (m machine) with(name, text string) machine {
	m[name] = &fstest.MapFile{Data: []byte(text)}
	return m
}

// terminal adds a terminal that was last typed into at some time.
func (m machine) terminal(name string, at time.Time) machine {
	m[name] = &fstest.MapFile{Mode: fs.ModeDevice, Sys: &syscall.Stat_t{Atim: syscall.NsecToTimespec(at.UnixNano())}}
	return m
}

// supply adds a power supply.
func (m machine) supply(name string, files map[string]string) machine {
	m["sys/class/power_supply/"+name] = &fstest.MapFile{Mode: fs.ModeDir}
	for file, text := range files {
		m.with("sys/class/power_supply/"+name+"/"+file, text+"\n")
	}
	return m
}

var now = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// read reads a machine once.
func read(t *testing.T, m machine) idle.Telemetry {
	t.Helper()
	telemetry, err := sensor.New(sensor.Config{Root: m, Now: func() time.Time { return now }}).Read(t.Context())
	require.NoError(t, err)
	return telemetry
}

// TestHere reads this machine. What every machine has is known, and within bounds.
func TestHere(t *testing.T) {
	t.Parallel()
	clock := time.Now()
	own := time.Duration(0)
	s := sensor.New(sensor.Config{Now: func() time.Time { return clock }, Own: func() time.Duration { return own }})
	first, err := s.Read(t.Context())
	require.NoError(t, err)
	require.False(t, first.CPUTotal.Known, "load takes two readings")
	require.True(t, first.MemFreeMB.Known)
	require.Positive(t, first.MemFreeMB.Value)
	for began := time.Now(); time.Since(began) < 200*time.Millisecond; { // some load
	}
	own = time.Hour // more than anybody can have used
	second, err := s.Read(t.Context())
	require.NoError(t, err)
	require.True(t, second.CPUTotal.Known)
	require.Positive(t, second.CPUTotal.Value)
	require.LessOrEqual(t, second.CPUTotal.Value, 1.0)
	require.Equal(t, idle.Some(0.0), second.CPUForeign, "our own load is not somebody else's")
	require.False(t, second.Metered.Known)
}

func TestPower(t *testing.T) {
	t.Parallel()
	battery := func(percent, status string) map[string]string {
		return map[string]string{"type": "Battery", "capacity": percent, "status": status}
	}
	mains := func(online string) map[string]string { return map[string]string{"type": "Mains", "online": online} }
	for name, c := range map[string]struct {
		m        machine
		battery  idle.Opt[float64]
		charging idle.Opt[bool]
	}{
		"no idea":             {machine{}, idle.Opt[float64]{}, idle.Opt[bool]{}},
		"a desktop":           {machine{}.supply("AC", mains("1")), idle.Opt[float64]{}, idle.Some(true)},
		"unplugged":           {machine{}.supply("AC", mains("0")).supply("BAT0", battery("42", "Discharging")), idle.Some(42.0), idle.Some(false)},
		"plugged in":          {machine{}.supply("AC", mains("1")).supply("BAT0", battery("42", "Charging")), idle.Some(42.0), idle.Some(true)},
		"kept at its limit":   {machine{}.supply("AC", mains("1")).supply("BAT0", battery("80", "Not charging")), idle.Some(80.0), idle.Some(true)},
		"without mains":       {machine{}.supply("BAT0", battery("100", "Full")), idle.Some(100.0), idle.Some(true)},
		"two batteries":       {machine{}.supply("BAT0", battery("20", "Discharging")).supply("BAT1", battery("60", "Unknown")), idle.Some(40.0), idle.Some(false)},
		"an impossible level": {machine{}.supply("BAT0", battery("250", "Full")), idle.Opt[float64]{}, idle.Some(true)},
		"a mouse": {machine{}.supply("hidpp", map[string]string{"type": "Battery", "scope": "Device", "capacity": "5", "status": "Discharging"}),
			idle.Opt[float64]{}, idle.Some(true)},
	} {
		got := read(t, c.m)
		require.Equal(t, c.battery, got.Battery, name)
		require.Equal(t, c.charging, got.Charging, name)
	}
}

func TestMemoryStalls(t *testing.T) {
	t.Parallel()
	stall := "some avg10=%s avg60=0.00 avg300=0.00 total=1\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=0\n"
	require.Zero(t, read(t, machine{}.with("proc/pressure/memory", fmt.Sprintf(stall, "35.10"))).MemFreeMB.Value)
	for _, calm := range []string{"0.00", "19.99", "nonsense", "-1", "1e9"} {
		require.Positive(t, read(t, machine{}.with("proc/pressure/memory", fmt.Sprintf(stall, calm))).MemFreeMB.Value, calm)
	}
}

const usbKeyboard = "I: Bus=0003 Vendor=046d\nN: Name=\"Keyboard\"\nH: Handlers=sysrq kbd event3\n\nI: Bus=0019\nN: Name=\"Power Button\"\nH: Handlers=kbd event0\n"

func TestUserIdle(t *testing.T) {
	t.Parallel()
	terminals := func(ago ...time.Duration) machine {
		m := machine{}
		for i, d := range ago {
			m.terminal(fmt.Sprintf("dev/pts/%d", i), now.Add(-d))
		}
		return m
	}
	for name, c := range map[string]struct {
		m    machine
		want idle.Opt[time.Duration]
	}{
		"nothing answers":         {machine{}, idle.Opt[time.Duration]{}},
		"the least of several":    {terminals(time.Hour, 5*time.Minute, 2*time.Hour), idle.Some(5 * time.Minute)},
		"a clock that went back":  {terminals(-time.Minute), idle.Some(time.Duration(0))},
		"a keyboard out of sight": {terminals(time.Hour).with("proc/bus/input/devices", usbKeyboard), idle.Opt[time.Duration]{}},
		"certainly in use":        {terminals(time.Second).with("proc/bus/input/devices", usbKeyboard), idle.Some(time.Second)},
		"only a power button": {terminals(time.Hour).with("proc/bus/input/devices", "I: Bus=0019\nN: Name=\"Power Button\"\nH: Handlers=kbd event0\n"),
			idle.Some(time.Hour)},
	} {
		require.Equal(t, c.want, read(t, c.m).UserIdle, name)
	}
}

// TestKeyPresses: interrupts of the built-in keyboard say that somebody is there.
func TestKeyPresses(t *testing.T) {
	t.Parallel()
	interrupts := "           CPU0       CPU1\n  1:       %d          3   IO-APIC   1-edge      i8042\n 24:     99999          1  PCI-MSI  xhci_hcd\n"
	clock := now
	m := machine{}.with("proc/interrupts", fmt.Sprintf(interrupts, 10)).terminal("dev/tty1", now.Add(-time.Hour))
	s := sensor.New(sensor.Config{Root: m, Now: func() time.Time { return clock }})
	after := func(d time.Duration, presses int) idle.Opt[time.Duration] {
		clock = clock.Add(d)
		m.with("proc/interrupts", fmt.Sprintf(interrupts, presses))
		telemetry, err := s.Read(t.Context())
		require.NoError(t, err)
		return telemetry.UserIdle
	}
	require.Equal(t, idle.Some(time.Duration(0)), after(0, 10), "not known to be idle yet")
	require.Equal(t, idle.Some(time.Minute), after(time.Minute, 10))
	require.Equal(t, idle.Some(time.Duration(0)), after(time.Minute, 12))
	require.Equal(t, idle.Some(10*time.Minute), after(10*time.Minute, 12))
}

func ExampleFake() {
	s := &sensor.Fake{}
	s.Set(idle.Telemetry{Battery: idle.Some(80.0)}, nil)
	t, err := s.Read(context.Background())
	fmt.Println(t.Battery.Value, t.TempC.Known, err)
	s.Set(idle.Telemetry{}, errors.New("broken"))
	_, err = s.Read(context.Background())
	fmt.Println(err)
	// Output:
	// 80 false <nil>
	// broken
}
