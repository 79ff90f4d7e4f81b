package agent_test

import (
	"io/fs"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fogcompute/fogcompute/fog/idle"
	"github.com/fogcompute/fogcompute/fog/idle/agent"
	"github.com/fogcompute/fogcompute/fog/idle/sensor"
	"github.com/fogcompute/fogcompute/fog/idle/worker"
	"github.com/fogcompute/fogcompute/fog/internal/fault"
)

// why lists the codes of the reasons why an agent does not do more.
func why(s *stage) []string {
	var codes []string
	for _, r := range s.agent.Status().WhyNot {
		codes = append(codes, r.Code)
	}
	return codes
}

// TestShareOfCPU: a guest that wants two cores gets a quarter of four, on average, and the agent says why it gets no more.
func TestShareOfCPU(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := start(t, func(s *stage, cfg *agent.Config) {
			cfg.Policy, cfg.Cores = &idle.Policy{Limits: idle.Limits{CPUShare: 0.25}}, 4
			s.guests.hungry = 2
		})
		require.Equal(t, int64(1000), int64(s.enrolment()["cpu_cores"].(float64)*1000))
		s.offer("a")
		synctest.Wait()
		before := s.guests.CPU()
		seen := map[bool]bool{}
		for range 100 {
			time.Sleep(time.Second)
			synctest.Wait()
			throttled := s.guests.runs()[0].paused()
			seen[throttled] = true
			if throttled {
				require.Equal(t, []string{agent.Throttled}, why(s))
				require.Equal(t, idle.Working, s.agent.Status().Phase, "the policy does not suspend it")
			}
		}
		require.Len(t, seen, 2)
		require.InDelta(t, 100, (s.guests.CPU() - before).Seconds(), 6, "CPU-seconds of 100 s")
		require.False(t, s.lastBeat().Held[0].Suspended)
		s.finish()
	})
}

// TestTierOfHeat: a warm device does less, and all again when it has cooled down.
func TestTierOfHeat(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := start(t, func(_ *stage, cfg *agent.Config) {
			cfg.Policy = &idle.Policy{Limits: idle.Limits{Tiers: []idle.Tier{{Above: 60, Below: 50, CPUShare: 0.5}}}}
		})
		for _, c := range []struct{ temp, share float64 }{{40, 1}, {61, 0.5}, {55, 0.5}, {49, 1}} {
			s.sensor.Set(idle.Telemetry{TempC: idle.Some(c.temp)}, nil)
			time.Sleep(1100 * time.Millisecond)
			synctest.Wait()
			require.InDelta(t, c.share, s.agent.Status().CPUShare, 0, "%g °C", c.temp)
		}
		s.finish()
	})
}

// TestShareOfMemory: the device lends no more than its policy lets it, and a share that leaves too little is refused.
func TestShareOfMemory(t *testing.T) {
	t.Parallel()
	total, err := sensor.MemoryMB()
	require.NoError(t, err)
	synctest.Test(t, func(t *testing.T) {
		share := 600 / float64(total)
		s := start(t, func(_ *stage, cfg *agent.Config) {
			cfg.Policy, cfg.Capacity.MemoryMB = &idle.Policy{Limits: idle.Limits{MemoryShare: share}}, 0
		})
		require.InDelta(t, 600, s.enrolment()["memory_mb"], 1)
		s.finish()
	})
	_, err = agent.New(agent.Config{
		Server: "http://hub.test", DataDir: t.TempDir(), Policy: &idle.Policy{Limits: idle.Limits{MemoryShare: 1e-6}},
	})
	require.Equal(t, fault.Invalid, fault.KindOf(err))
	require.Equal(t, "policy.limits.memory_share", fault.FieldOf(err))
}

// TestDiskShort: guests that are suspended give their files back where the disk is short, and say so.
func TestDiskShort(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := start(t, nil)
		s.offer("a")
		synctest.Wait()
		s.sensor.Set(idle.Telemetry{DiskFreeMB: idle.Some(3.0)}, nil)
		time.Sleep(1100 * time.Millisecond)
		synctest.Wait()
		require.Equal(t, "suspended, and the device needs its disk space", s.reported("a")[0].Reason)
		require.Contains(t, why(s), idle.DiskLow)
		s.finish()
	})
}

// TestPatience: the policy's patience goes before the agent's.
func TestPatience(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := start(t, func(_ *stage, cfg *agent.Config) {
			policy := idle.DefaultPolicy(idle.Server)
			policy.PatienceSeconds = 30
			cfg.Policy, cfg.MaxPause = &policy, time.Hour
		})
		s.offer("a")
		synctest.Wait()
		s.back()
		time.Sleep(29 * time.Second)
		synctest.Wait()
		require.Empty(t, s.reported("a"))
		require.Equal(t, idle.Suspended, s.agent.Status().Phase)
		time.Sleep(3 * time.Second)
		synctest.Wait()
		require.Equal(t, "suspended for more than 30s", s.reported("a")[0].Reason)
		s.finish()
	})
}

// TestUpgradeDrains: an agent that shall make way for another version finishes and delivers what it holds, takes nothing new and
// ends by itself.
func TestUpgradeDrains(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := start(t, nil)
		s.offer("a")
		synctest.Wait()
		s.agent.Drain()
		s.offer("b")
		time.Sleep(time.Minute)
		synctest.Wait()
		require.Len(t, s.guests.runs(), 1)
		require.Zero(t, s.lastBeat().Take)
		require.Equal(t, []string{idle.NotTaking}, why(s))
		s.guests.runs()[0].finish(*ok(worker.Job{}))
		require.NoError(t, <-s.ended)
		s.ended <- nil
		require.Len(t, s.reported("a"), 1)
		require.True(t, s.lastBeat().Bye)
	})
}

// TestUpgradeOfAnIdleAgent ends at once, whatever poll is open.
func TestUpgradeOfAnIdleAgent(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := start(t, nil)
		time.Sleep(30 * time.Second)
		began := time.Now()
		s.agent.Drain()
		require.NoError(t, <-s.ended)
		require.Less(t, time.Since(began), time.Second)
	})
}

// TestReadStatus: another process reads what the agent does, and whether it still does.
func TestReadStatus(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	_, _, err := agent.ReadStatus(dir, "")
	require.ErrorIs(t, err, fs.ErrNotExist)
	synctest.Test(t, func(t *testing.T) {
		s := start(t, func(_ *stage, cfg *agent.Config) { cfg.DataDir = dir })
		s.offer("a")
		synctest.Wait()
		s.back()
		time.Sleep(11 * time.Second)
		synctest.Wait()
		got, running, err := agent.ReadStatus(dir, "")
		require.NoError(t, err)
		require.True(t, running)
		require.Equal(t, idle.Suspended, got.Phase)
		require.Equal(t, idle.CPUBusy, got.WhyNot[0].Code)
		require.WithinDuration(t, time.Now(), got.At, 6*time.Second)
		s.finish()
		_, running, err = agent.ReadStatus(dir, "")
		require.NoError(t, err)
		require.False(t, running)
	})
}

// enrolment returns what the device enrolled with.
func (s *stage) enrolment() map[string]any {
	synctest.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.enrolled[0]
}

// TestSleep: a machine that wakes up beats at once.
func TestSleep(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var slept atomic.Int64
		s := start(t, func(_ *stage, cfg *agent.Config) {
			clocks := cfg.Clocks
			cfg.Clocks = func() sensor.Moment {
				m := clocks()
				m.Awake -= time.Duration(slept.Load())
				return m
			}
		})
		time.Sleep(5500 * time.Millisecond)
		synctest.Wait()
		before := s.lastBeat().Seq
		slept.Store(int64(10 * time.Second))
		time.Sleep(time.Second)
		synctest.Wait()
		require.Equal(t, before, s.lastBeat().Seq, "a nap is no news")
		slept.Store(int64(time.Hour))
		time.Sleep(time.Second)
		synctest.Wait()
		require.Equal(t, before+1, s.lastBeat().Seq)
		s.finish()
	})
}
