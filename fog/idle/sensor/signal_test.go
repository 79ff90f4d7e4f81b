//go:build linux

package sensor_test

import (
	"fmt"
	"os"
	"strconv"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fogcompute/fogcompute/fog/idle"
	"github.com/fogcompute/fogcompute/fog/idle/sensor"
)

// stall adds what a file says about stalls.
func (m machine) stall(name string, percent float64) machine {
	return m.with(name, fmt.Sprintf("some avg10=%.2f avg60=0.00 avg300=0.00 total=1\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=0\n", percent))
}

// group puts this process into a control group with others.
func (m machine) group(members ...string) machine {
	text := strconv.Itoa(os.Getpid()) + "\n"
	for _, member := range members {
		text += member + "\n"
	}
	return m.with("proc/self/cgroup", "0::/fog.slice/agent.service\n").with("sys/fs/cgroup/fog.slice/agent.service/cgroup.procs", text)
}

func TestPressure(t *testing.T) {
	t.Parallel()
	const own = "sys/fs/cgroup/fog.slice/agent.service/"
	system := func() machine {
		return machine{}.stall("proc/pressure/memory", 5).stall("proc/pressure/io", 20).stall("proc/pressure/cpu", 70)
	}
	worker := func(m machine, parent int) machine {
		return m.with("proc/77/status", fmt.Sprintf("Name:\tworker\nPPid:\t%d\n", parent))
	}
	for name, c := range map[string]struct {
		m    machine
		want idle.Opt[float64]
	}{
		"the kernel does not say":       {machine{}, idle.Opt[float64]{}},
		"nonsense":                      {machine{}.with("proc/pressure/io", "some avg10=x\n"), idle.Opt[float64]{}},
		"without a group of our own":    {system(), idle.Some(20.0)},
		"in the root group":             {system().with("proc/self/cgroup", "0::/\n"), idle.Some(20.0)},
		"in a group with others":        {worker(system().group("77"), 1).stall(own+"io.pressure", 20), idle.Some(20.0)},
		"in a group with the departed":  {system().group("78").stall(own+"io.pressure", 20), idle.Some(20.0)},
		"alone, and all stalls are our": {system().group().stall(own+"io.pressure", 30).stall(own+"cpu.pressure", 70), idle.Some(5.0)},
		"with our workers":              {worker(system().group("77"), os.Getpid()).stall(own+"io.pressure", 12).stall(own+"cpu.pressure", 65), idle.Some(8.0)},
		"others wait for the CPU":       {system().group().stall(own+"cpu.pressure", 10), idle.Some(60.0)},
		"our share of the CPU unknown":  {system().group(), idle.Some(20.0)},
	} {
		require.Equal(t, c.want, read(t, c.m).Pressure, name)
	}
}

func TestNetwork(t *testing.T) {
	t.Parallel()
	const head = "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT\n"
	route := func(device, metric string) string {
		return device + "\t00000000\t0100A8C0\t0003\t0\t0\t" + metric + "\t00000000\t0\t0\t0\n"
	}
	with := func(files map[string]string, routes string) machine {
		m := machine{}.with("proc/net/route", head+routes)
		for name, text := range files {
			m.with("sys/class/net/"+name, text)
		}
		return m
	}
	kind := func(k idle.NetworkKind) idle.Opt[idle.NetworkKind] { return idle.Some(k) }
	for name, c := range map[string]struct {
		m    machine
		want idle.Opt[idle.NetworkKind]
	}{
		"no network":        {machine{}, idle.Opt[idle.NetworkKind]{}},
		"no default route":  {with(nil, "eth0\t0000A8C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n"), idle.Opt[idle.NetworkKind]{}},
		"a cable":           {with(map[string]string{"eth0/type": "1\n"}, route("eth0", "100")), kind(idle.Ethernet)},
		"radio":             {with(map[string]string{"wlan0/type": "1\n", "wlan0/uevent": "DEVTYPE=wlan\nINTERFACE=wlan0\n"}, route("wlan0", "600")), kind(idle.WiFi)},
		"an older driver":   {with(map[string]string{"wlan0/type": "1\n", "wlan0/wireless/x": ""}, route("wlan0", "600")), kind(idle.WiFi)},
		"a modem":           {with(map[string]string{"wwan0/type": "519\n"}, route("wwan0", "700")), kind(idle.Cellular)},
		"another modem":     {with(map[string]string{"wwan0/type": "1\n", "wwan0/uevent": "DEVTYPE=wwan\n"}, route("wwan0", "700")), kind(idle.Cellular)},
		"a telephone":       {with(map[string]string{"bnep0/type": "1\n", "bnep0/uevent": "DEVTYPE=bluetooth\n"}, route("bnep0", "750")), kind(idle.Bluetooth)},
		"a private network": {with(map[string]string{"wg0/type": "65534\n", "wg0/uevent": "DEVTYPE=wireguard\n"}, route("wg0", "50")), kind(idle.Tunnel)},
		"the lesser metric": {with(map[string]string{"eth0/type": "1\n", "wwan0/type": "519\n"}, route("wwan0", "700")+route("eth0", "100")), kind(idle.Ethernet)},
		"something unknown": {with(map[string]string{"ib0/type": "32\n"}, route("ib0", "100")), idle.Opt[idle.NetworkKind]{}},
		"a hostile name":    {with(nil, route("../../x", "1")), idle.Opt[idle.NetworkKind]{}},
		"the new protocol":  {with(map[string]string{"eth1/type": "1\n"}, "").with("proc/net/ipv6_route", "00000000000000000000000000000000 00 00000000000000000000000000000000 00 fe800000000000000000000000000001 00000400 00000001 00000000 00000003     eth1\n"), kind(idle.Ethernet)},
		"lo is no way":      {with(map[string]string{"lo/type": "772\n"}, "").with("proc/net/ipv6_route", "00000000000000000000000000000000 00 00000000000000000000000000000000 00 00000000000000000000000000000000 ffffffff 00000001 00000000 00200200       lo\n"), idle.Opt[idle.NetworkKind]{}},
	} {
		got := read(t, c.m)
		require.Equal(t, c.want, got.Network, name)
		require.Equal(t, c.want == kind(idle.Cellular), got.Metered.Known, name)
	}
}

func TestDisk(t *testing.T) {
	t.Parallel()
	for folder, known := range map[string]bool{"": false, t.TempDir(): true, "/no/such/folder": false} {
		got, err := sensor.New(sensor.Config{Root: fstest.MapFS{}, Folder: folder}).Read(t.Context())
		require.NoError(t, err)
		require.Equal(t, known, got.DiskFreeMB.Known, folder)
		require.Equal(t, known, got.DiskFreeMB.Value > 0)
	}
}

func TestJumps(t *testing.T) {
	t.Parallel()
	at := func(wall, awake, boot int) sensor.Moment {
		second := func(n int) time.Duration { return time.Duration(n) * time.Second }
		return sensor.Moment{Wall: now.Add(second(wall)), Awake: second(awake), Boot: second(boot)}
	}
	for name, c := range map[string]struct {
		old, then      sensor.Moment
		slept, stepped time.Duration
	}{
		"time passes":              {at(0, 10, 20), at(5, 15, 25), 0, 0},
		"sleep":                    {at(0, 10, 20), at(3605, 15, 3625), time.Hour, 0},
		"set forward":              {at(0, 10, 20), at(3605, 15, 25), 0, time.Hour},
		"set back":                 {at(0, 10, 20), at(-3595, 15, 25), 0, -time.Hour},
		"sleep, and set back then": {at(0, 10, 20), at(5, 15, 3625), time.Hour, -time.Hour},
		"no clock that counts it":  {at(0, 10, 0), at(3605, 15, 0), time.Hour, 0},
		"and it is set back":       {at(0, 10, 0), at(-3595, 15, 0), 0, -time.Hour},
	} {
		require.Equal(t, sensor.Jump{Slept: c.slept, Stepped: c.stepped}, c.then.Since(c.old), name)
	}
	first := sensor.Now()
	jump := sensor.Now().Since(first)
	require.Less(t, jump.Slept.Abs(), time.Second)
	require.Positive(t, first.Boot)
	require.GreaterOrEqual(t, first.Boot, first.Awake)
}
