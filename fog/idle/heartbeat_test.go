package idle_test

import (
	"context"
	"fmt"
	"math"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fogcompute/fogcompute/fog/idle"
	"github.com/fogcompute/fogcompute/fog/internal/fault"
)

func TestReplayedBeats(t *testing.T) {
	i := newWorld(t).open(nil)
	join(t, i, "a")
	for _, c := range []struct {
		boot string
		seq  uint64
		kind fault.Kind // Internal: it is taken
	}{
		{"one", 1, 0},
		{"one", 1, fault.Conflict}, // replayed
		{"one", 3, 0},
		{"one", 2, fault.Conflict}, // overtaken
		{"two", 1, 0},
		{"one", 4, fault.Conflict}, // of an earlier boot
		{"three", 9, 0},
		{"two", 2, fault.Conflict},
		{"", 0, 0}, // not numbered
		{"three", 9, fault.Conflict},
		{"three", 10, 0},
		{"three", 0, fault.Invalid},
		{"three", math.MaxUint64, fault.Invalid},
	} {
		before := device(t, i, "a")
		_, err := send(i, idle.Beat{Device: "a", Boot: c.boot, Seq: c.seq, Telemetry: idle.Telemetry{Battery: idle.Some(float64(c.seq % 100))}})
		require.Equal(t, c.kind, fault.KindOf(err), "%s %d", c.boot, c.seq)
		if c.kind != 0 {
			require.Equal(t, before, device(t, i, "a"), "a refused beat changes nothing")
		}
	}
}

func TestBeatLimits(t *testing.T) {
	i := newWorld(t).open(nil)
	join(t, i, "a")
	some := idle.Some[float64]
	for _, c := range []struct {
		field string
		beat  idle.Beat
	}{
		{"device_id", idle.Beat{Device: "../a"}},
		{"boot", idle.Beat{Device: "a", Protocol: true}},
		{"boot", idle.Beat{Device: "a", Boot: "x y", Seq: 1}},
		{"boot", idle.Beat{Device: "a", Boot: strings.Repeat("x", 65), Seq: 1}},
		{"take", idle.Beat{Device: "a", Take: -1}},
		{"take", idle.Beat{Device: "a", Take: 1025}},
		{"held", idle.Beat{Device: "a", Held: make([]idle.Held, 1025)}},
		{"held.attempt", idle.Beat{Device: "a", Held: []idle.Held{{}}}},
		{"held.progress", idle.Beat{Device: "a", Held: []idle.Held{{Attempt: "x", Progress: math.NaN()}}}},
		{"battery", idle.Beat{Device: "a", Telemetry: idle.Telemetry{Battery: some(101)}}},
		{"battery", idle.Beat{Device: "a", Telemetry: idle.Telemetry{Battery: some(math.Inf(-1))}}},
		{"cpu_foreign", idle.Beat{Device: "a", Telemetry: idle.Telemetry{CPUForeign: some(math.NaN())}}},
		{"cpu_total", idle.Beat{Device: "a", Telemetry: idle.Telemetry{CPUTotal: some(1.5)}}},
		{"mem_free_mb", idle.Beat{Device: "a", Telemetry: idle.Telemetry{MemFreeMB: some(-1)}}},
		{"temp_c", idle.Beat{Device: "a", Telemetry: idle.Telemetry{TempC: some(math.Inf(1))}}},
		{"user_idle_seconds", idle.Beat{Device: "a", Telemetry: idle.Telemetry{UserIdle: idle.Some(-time.Second)}}},
	} {
		_, err := send(i, c.beat)
		require.Equal(t, fault.Invalid, fault.KindOf(err), c.field)
		require.Equal(t, c.field, fault.FieldOf(err))
	}
	_, err := i.Heartbeat(t.Context(), make([]idle.Beat, 10_001))
	require.Equal(t, fault.TooLarge, fault.KindOf(err))
}

func TestBatchOfBeats(t *testing.T) {
	w := newWorld(t)
	i := w.open(nil)
	a, b := join(t, i, "a"), join(t, i, "b")
	other := w.open(nil) // has met none of them
	beats := []idle.Beat{a.next(), {Device: "nobody"}, b.next(), {Device: "a", Take: -1}, a.next()}
	beaten, err := other.Heartbeat(t.Context(), beats)
	require.NoError(t, err)
	var kinds []fault.Kind
	for _, b := range beaten {
		kinds = append(kinds, fault.KindOf(b.Err))
	}
	require.Equal(t, []fault.Kind{0, fault.NotFound, 0, fault.Invalid, 0}, kinds, "one beat's error does not touch the others")
	require.Equal(t, idle.Online, w.stored("b").State)
	require.EqualValues(t, 2, device(t, other, "a").Seq)
	none, err := i.Heartbeat(t.Context(), nil)
	require.NoError(t, err)
	require.Empty(t, none)
}

func TestUnknownSignals(t *testing.T) {
	i := newWorld(t).open(nil)
	m := join(t, i, "a")
	m.said = idle.Telemetry{CPUForeign: idle.Some(0.1), Battery: idle.Some(50.0), TempC: idle.Some(40.0)}
	m.beat(i)
	_, err := send(i, idle.Beat{Device: "a", Telemetry: idle.Telemetry{Battery: idle.Some(60.0)}})
	require.NoError(t, err)
	said := device(t, i, "a").Telemetry
	require.Equal(t, 60.0, said.Battery.Value)
	require.True(t, said.CPUForeign.Known, "a beat without the protocol keeps what it does not speak of")
	m.said = idle.Telemetry{}
	m.beat(i)
	require.False(t, device(t, i, "a").Telemetry.TempC.Known, "one with the protocol says everything")
}

func TestRateLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := newWorld(t).open(func(c *idle.Config) { c.BeatRate = 10 })
		join(t, i, "a")
		join(t, i, "b")
		burst := func() (taken int) {
			for range 100 {
				if _, err := send(i, idle.Beat{Device: "a"}); err == nil {
					taken++
				} else {
					require.Equal(t, fault.Limited, fault.KindOf(err))
				}
			}
			return taken
		}
		require.Equal(t, 20, burst(), "two seconds of beats at once")
		require.Zero(t, burst())
		_, err := send(i, idle.Beat{Device: "b"})
		require.NoError(t, err, "each device has a rate of its own")
		time.Sleep(time.Second)
		require.Equal(t, 10, burst())
		time.Sleep(time.Hour)
		require.Equal(t, 20, burst())
	})
}

func TestEligibilityIsATransition(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		d := newDesk()
		i := w.open(func(c *idle.Config) { c.Work = d })
		m := join(t, i, "a")
		m.take = 1
		m.beat(i)
		w.news()
		d.asked()

		m.said.CPUForeign = idle.Some(0.95)
		m.held = []idle.Held{{Attempt: "j.0.1", Token: 4, Suspended: true}}
		directive := m.beat(i)
		require.False(t, directive.Eligible)
		require.Equal(t, idle.Run, directive.Desired, "it keeps its leases and suspends the guests")
		require.Equal(t, []string{idle.CPUBusy}, codes(directive.Reasons))
		require.Equal(t, []idle.Lease{{Attempt: "j.0.1", Token: 4}}, directive.Renewed)
		require.Equal(t, []idle.WorkClaim{{Device: "a", Held: m.held}}, d.asked(), "it renews and takes nothing")
		require.Equal(t, map[string][]int64{"a": {3}}, w.news())
		stored := w.stored("a")
		require.False(t, stored.Decision.Eligible, "a transition is written at once")

		time.Sleep(10 * time.Second)
		m.said.CPUForeign = idle.Some(0.8) // below stop, above start
		require.False(t, m.beat(i).Eligible)
		m.said.CPUForeign = idle.Some(0.1)
		require.Equal(t, []string{idle.Settling}, codes(m.beat(i).Reasons))
		require.Empty(t, w.news())
		time.Sleep(30 * time.Second)
		require.True(t, m.beat(i).Eligible)
		require.Equal(t, map[string][]int64{"a": {4}}, w.news())
	})
}

func TestOffersNeedTheProtocol(t *testing.T) {
	w := newWorld(t)
	d := newDesk()
	d.put("j.0.1", "k.0.1", "l.0.1")
	i := w.open(func(c *idle.Config) { c.Work = d })
	m := join(t, i, "a")
	m.take = 2
	plain := m.next()
	plain.Protocol = false
	directive, err := send(i, plain)
	require.NoError(t, err)
	require.Empty(t, directive.Offers)
	require.Empty(t, d.asked())
	require.Empty(t, device(t, i, "a").Executors)

	directive = m.beat(i)
	require.Len(t, directive.Offers, 2)
	require.Equal(t, "j.0.1", directive.Offers[0].Attempt)
	m.held, m.take = []idle.Held{{Attempt: "j.0.1", Token: 1}}, 0
	d.cancel = []string{"j.0.1"}
	require.Equal(t, []string{"j.0.1"}, m.beat(i).Cancel)

	d.err = errDown
	_, err = send(i, m.next())
	require.Equal(t, fault.Unavailable, fault.KindOf(err))
	m.held = nil
	m.beat(i) // asks for nothing
	bye := m.next()
	bye.Bye, bye.Take = true, 5
	d.err = nil
	d.asked()
	directive, err = send(i, bye)
	require.NoError(t, err)
	require.Empty(t, directive.Offers)
	require.Empty(t, d.asked(), "who says goodbye gets nothing more")
}

// TestRestart: a device that starts anew has lost what it does not hold; Work is told until it knows.
func TestRestart(t *testing.T) {
	d := newDesk()
	i := newWorld(t).open(func(c *idle.Config) { c.Work = d })
	m := join(t, i, "a")
	m.beat(i)
	require.Empty(t, d.asked(), "nothing to ask on its very first boot")
	m.boot, m.seq = "second", 0
	d.err = errDown
	_, err := send(i, m.next())
	require.Equal(t, fault.Unavailable, fault.KindOf(err))
	d.err = nil
	m.beat(i)
	require.Equal(t, []idle.WorkClaim{{Device: "a", Restarted: true}}, d.asked())
	m.take = 1
	m.beat(i)
	require.Equal(t, []idle.WorkClaim{{Device: "a", Take: 1}}, d.asked())
}

func TestJitter(t *testing.T) {
	i := newWorld(t).open(func(c *idle.Config) { c.Interval = 10 * time.Second })
	m := join(t, i, "a")
	low, high := math.Inf(1), 0.0
	for range 2000 {
		next := m.beat(i).NextSeconds
		low, high = min(low, next), max(high, next)
	}
	require.GreaterOrEqual(t, low, 8.5)
	require.Less(t, low, 8.6, "the range is used")
	require.LessOrEqual(t, high, 11.5)
	require.Greater(t, high, 11.4)
}

// TestBeatsFromManySides: concurrent beats of one device make each transition once.
func TestBeatsFromManySides(t *testing.T) {
	w := newWorld(t)
	servers := []*idle.Idle{w.open(nil), w.open(nil), w.open(nil)}
	const devices = 8
	for n := range devices {
		join(t, servers[0], idle.DeviceID(fmt.Sprintf("d%d", n)))
	}
	w.news()
	var wg sync.WaitGroup
	for n := range devices {
		for k, server := range servers {
			wg.Go(func() {
				for m := range 20 {
					beat := idle.Beat{Device: idle.DeviceID(fmt.Sprintf("d%d", n)), Boot: fmt.Sprintf("b%d", k), Seq: uint64(m + 1)}
					if _, err := send(server, beat); err != nil && fault.KindOf(err) != fault.Conflict {
						t.Errorf("beat: %v", err)
					}
				}
			})
		}
	}
	wg.Wait()
	for id, versions := range w.news() {
		require.Equal(t, []int64{2}, versions, id)
	}
}

func TestStoreDown(t *testing.T) {
	w := newWorld(t)
	i := w.open(nil)
	m := join(t, i, "a")
	fresh := join(t, i, "fresh")
	m.beat(i)
	w.store.fail(true)
	m.beat(i) // needs no store
	_, err := send(i, fresh.next())
	require.Equal(t, fault.Unavailable, fault.KindOf(err), "a transition does")
	_, err = i.Register(t.Context(), enrolment("b"))
	require.Equal(t, fault.Unavailable, fault.KindOf(err))
	_, err = send(i, idle.Beat{Device: "stranger"})
	require.Equal(t, fault.Unavailable, fault.KindOf(err))
	w.store.fail(false)
	fresh.beat(i)
	require.Equal(t, idle.Online, w.stored("fresh").State)
}

// FuzzBeat: whatever a device sends is answered or refused with a kind that is not internal, and nothing that is no number
// gets into the device.
func FuzzBeat(f *testing.F) {
	f.Add("a", "boot", uint64(1), 0.5, 80.0, int64(1000), 1, "j.0.1", 0.5, uint8(255), uint8(1))
	f.Add("", "", uint64(0), math.NaN(), math.Inf(1), int64(-1), -1, "", math.NaN(), uint8(0), uint8(2))
	f.Add("..", "\x00", uint64(math.MaxUint64), -0.5, 1e308, int64(math.MaxInt64), math.MaxInt, strings.Repeat("x", 300), -1.0, uint8(7), uint8(3))
	f.Fuzz(func(t *testing.T, id, boot string, seq uint64, cpu, battery float64, quiet int64, take int, attempt string, progress float64, known, flags uint8) {
		i := newWorld(t).open(func(c *idle.Config) { c.Work = newDesk() })
		join(t, i, "a")
		opt := func(bit uint, v float64) idle.Opt[float64] {
			return idle.Opt[float64]{Known: known>>bit&1 == 1, Value: v}
		}
		beat := idle.Beat{
			Device: idle.DeviceID(id), Boot: boot, Seq: seq, Take: take, Protocol: flags&1 != 0, Bye: flags&2 != 0,
			Telemetry: idle.Telemetry{
				CPUForeign: opt(0, cpu), CPUTotal: opt(1, cpu), MemFreeMB: opt(2, battery), Battery: opt(3, battery), TempC: opt(4, cpu),
				Charging: idle.Opt[bool]{Known: known>>5&1 == 1, Value: flags&4 != 0}, UserIdle: idle.Opt[time.Duration]{Known: known>>6&1 == 1, Value: time.Duration(quiet)},
			},
		}
		if flags&8 != 0 {
			beat.Held = []idle.Held{{Attempt: attempt, Token: quiet, Progress: progress}}
		}
		for _, to := range []idle.DeviceID{beat.Device, "a"} {
			beat.Device = to
			if _, err := sendAs(context.Background(), i, beat); err != nil {
				require.NotEqual(t, fault.Internal, fault.KindOf(err), "%v", err)
				require.NotEmpty(t, fault.Detail(err))
			}
		}
		d := device(t, i, "a")
		for _, v := range []idle.Opt[float64]{d.Telemetry.CPUForeign, d.Telemetry.CPUTotal, d.Telemetry.MemFreeMB, d.Telemetry.Battery, d.Telemetry.TempC} {
			require.False(t, v.Known && (math.IsNaN(v.Value) || math.IsInf(v.Value, 0)))
		}
		require.True(t, d.Decision.Eligible == (len(d.Decision.Reasons) == 0))
	})
}
