package benchmark

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestParseStat(t *testing.T) {
	busy, total := parseStat("cpu  10 20 30 400 50 6 7 8 9 9\ncpu0 1 1 1 1\n")
	require.InDelta(t, 81, busy, 0)
	require.InDelta(t, 531, total, 0)
	for _, bad := range []string{"", "cpu", "cpu 1 2 3", "cpux 1 2 3 4 5", "cpu 1 2 three 4 5"} {
		busy, total = parseStat(bad)
		require.Zero(t, busy, bad)
		require.Zero(t, total, bad)
	}
}

func TestParseMeminfo(t *testing.T) {
	require.InDelta(t, 75, parseMeminfo("MemTotal: 400 kB\nMemFree: 10 kB\nMemAvailable: 100 kB\n"), 1e-9)
	require.Zero(t, parseMeminfo(""))
	require.InDelta(t, 100, parseMeminfo("MemTotal: 400 kB\nMemAvailable:"), 1e-9)
}

func TestParseNetDev(t *testing.T) {
	require.Equal(t, map[string]uint64{"eth0": 111}, parseNetDev(
		"Inter-| Receive | Transmit\n face |bytes packets\n"+
			"    lo: 5 0 0 0 0 0 0 0 5 0 0 0 0 0 0 0\n  eth0: 100 1 0 0 0 0 0 0 11 1 0 0 0 0 0 0\n bad0: x\n"))
}

func TestLoadBetweenReadings(t *testing.T) {
	a := reading{busy: 100, total: 1000, links: map[string]uint64{"eth0": 1000, "old": 9000}}
	b := reading{busy: 150, total: 1200, memory: 33, links: map[string]uint64{"eth0": 2000, "new": 1 << 40, "old": 0}}
	speed := func(string) float64 { return 16_000 }
	require.Equal(t, load{cpu: 25, memory: 33, network: 25}, between(a, b, 2*time.Second, speed))
	require.Equal(t, load{}, between(reading{}, reading{}, time.Second, speed))
}

func TestLoadNeedsAGap(t *testing.T) {
	start := time.Unix(1000, 0)
	m := newMachine(start)
	m.reading.total-- // the kernel's clock ticks slowly
	require.Zero(t, m.load(start.Add(minGap-1)).cpu)
	require.Positive(t, m.load(start.Add(minGap)).memory)
	require.Equal(t, m.at, start.Add(minGap))
}
