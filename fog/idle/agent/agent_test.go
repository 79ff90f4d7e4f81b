package agent_test

import (
	"bytes"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fogcompute/fogcompute/fog/idle"
	"github.com/fogcompute/fogcompute/fog/idle/agent"
	"github.com/fogcompute/fogcompute/fog/idle/worker"
	"github.com/fogcompute/fogcompute/fog/internal/fault"
)

// ok is the outcome of a guest that does its work.
func ok(worker.Job) *worker.Outcome {
	return &worker.Outcome{Stdout: []byte("hello\n"), CPU: time.Second, Outputs: []worker.Output{{
		Path: "a/b", SHA256: "fb8e20fc2e4c3f248c60c39bd652f3c1347298bb977b8b4d5903b85055620603", Data: []byte("ab"),
	}}}
}

func TestOneJob(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := start(t, func(s *stage, cfg *agent.Config) {
			s.guests.script = ok
			cfg.Name, cfg.Owner, cfg.Labels = "One", "alice", map[string]string{"room": "1"}
		})
		input, stdin, module := s.put([]byte("input")), s.put([]byte("stdin")), s.put([]byte("module"))
		s.change(func() {
			s.offers = append(s.offers, idle.Offer{
				Attempt: "j.0.7", Token: 7, Job: "j", Module: module, Args: []string{"x"}, Stdin: stdin,
				Inputs: []idle.Input{{Path: "d/i", SHA256: input}}, Output: true, Seed: 9, MaxRuntimeSeconds: 1.5,
				MemoryMB: 100, MaxMemoryMB: 64, MaxOutputBytes: 1000, MaxStdoutBytes: 1 << 30,
			})
		})
		synctest.Wait()

		require.Len(t, s.enrolled, 1)
		e := s.enrolled[0]
		require.Equal(t, "device-1", e["device_id"])
		require.Equal(t, "server", e["device_type"])
		require.Equal(t, 2.0, e["cpu_cores"])
		require.Equal(t, 1024.0, e["memory_mb"])
		require.Equal(t, []any{"wasm"}, e["executors"])
		require.Equal(t, "alice", e["owner"])
		require.NotContains(t, e, "battery_percent", "what is unknown is not sent")

		require.Len(t, s.guests.runs(), 1)
		require.Equal(t, worker.Job{
			Module: module, Args: []string{"x"}, Stdin: stdin, Inputs: []worker.Input{{Path: "d/i", SHA256: input}}, Output: true, Seed: 9,
			Limits: worker.Limits{MemoryBytes: 64 << 20, OutputBytes: 1000, StdoutBytes: 64 << 10, CPU: 1500 * time.Millisecond, Wall: 1500 * time.Millisecond},
		}, s.guests.runs()[0].job)

		got := s.reported("j.0.7")
		require.Len(t, got, 1)
		require.Equal(t, int64(7), got[0].Token)
		require.Equal(t, "device-1", got[0].Node)
		require.Equal(t, "hello\n", string(got[0].Stdout))
		require.Empty(t, got[0].Class)
		require.Equal(t, "a/b", got[0].Outputs[0].Path)
		require.Equal(t, "ab", string(s.blobs[got[0].Outputs[0].SHA256]))

		first := s.beats[0]
		require.Equal(t, 64, first.Take)
		require.Equal(t, uint64(1), first.Seq)
		require.Len(t, first.Boot, 32)
		require.InDelta(t, 0.1, *first.Telemetry.CPUForeign, 1e-9)
		require.InDelta(t, 3600, *first.Telemetry.UserIdle, 1e-9)
		require.Equal(t, agent.Status{
			ID: "device-1", Connected: true, Eligible: true, Done: 1, Beats: 1, Phase: idle.Vacant, CPUShare: 1, At: time.Now(),
			WhyNot: []idle.Reason{{Code: agent.NoWork, Text: "the server has no more work for this device"}},
		}, s.agent.Status())

		s.finish()
		require.True(t, s.lastBeat().Bye)
		for i, b := range s.beats {
			require.Equal(t, uint64(i+1), b.Seq)
			require.Equal(t, first.Boot, b.Boot)
		}
	})
}

// TestClasses: what the server is told about each way in which a guest can end.
func TestClasses(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		out  worker.Outcome
		want result
	}{
		"exit code": {worker.Outcome{Class: worker.ClassJob, ExitCode: 3, Reason: "exit code 3"}, result{Exit: 3, Reason: "exit code 3"}},
		"trap":      {worker.Outcome{Class: worker.ClassJob, Reason: "trap: unreachable"}, result{Class: "job", Reason: "trap: unreachable"}},
		"limit": {worker.Outcome{Class: worker.ClassJob, Limit: worker.LimitMemory, ExitCode: 1, Reason: "memory: more"},
			result{Class: "job", Exit: 1, Reason: "memory: more"}},
		"device": {worker.Outcome{Class: worker.ClassDevice, Reason: "two\nlines\xff"}, result{Class: "device", Reason: "two lines�"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := start(t, func(s *stage, _ *agent.Config) {
					s.guests.script = func(worker.Job) *worker.Outcome { return &c.out }
				})
				s.offer("a")
				synctest.Wait()
				got := s.reported("a")
				require.Len(t, got, 1)
				c.want.Token, c.want.Node = 7, "device-1"
				require.Equal(t, c.want, got[0])
				s.finish()
			})
		})
	}
}

// TestBeatsAtOnce: a device that was full asks for more as soon as it has room, whatever the server said about the next beat.
func TestBeatsAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := start(t, func(_ *stage, cfg *agent.Config) { cfg.MaxHeld = 2 })
		s.offer("a", "b", "c")
		synctest.Wait()
		time.Sleep(time.Second)
		synctest.Wait()
		require.Len(t, s.guests.runs(), 2)
		require.Zero(t, s.lastBeat().Take)
		require.Len(t, s.lastBeat().Held, 2)
		began := time.Now()
		s.guests.runs()[0].finish(*ok(worker.Job{}))
		time.Sleep(50 * time.Millisecond)
		synctest.Wait()
		require.Len(t, s.guests.runs(), 3, "the third attempt has come")
		i := len(s.beats) - 1
		for s.beats[i].Take == 0 {
			i--
		}
		require.Less(t, s.beats[i].at.Sub(began), 50*time.Millisecond)
		s.finish()
	})
}

// TestHeldIsFresh: the server soon knows that a device holds nothing any more, although a long poll is open.
func TestHeldIsFresh(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := start(t, nil)
		s.offer("a")
		time.Sleep(100 * time.Millisecond)
		synctest.Wait()
		require.Len(t, s.lastBeat().Held, 1)
		s.guests.runs()[0].finish(*ok(worker.Job{}))
		time.Sleep(1100 * time.Millisecond)
		synctest.Wait()
		require.Empty(t, s.lastBeat().Held)
		require.Positive(t, s.lastBeat().Take)
		before := len(s.beats)
		time.Sleep(10 * time.Second) // two long polls are open, and nothing happens
		synctest.Wait()
		require.Len(t, s.beats, before)
		s.finish()
	})
}

// TestMaxRuns: attempts beyond the slots wait, fetched and with their leases renewed.
func TestMaxRuns(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := start(t, func(_ *stage, cfg *agent.Config) { cfg.MaxRuns = 1 })
		s.offer("a", "b")
		synctest.Wait()
		require.Len(t, s.guests.runs(), 1)
		time.Sleep(time.Minute)
		synctest.Wait()
		require.Len(t, s.lastBeat().Held, 2)
		s.guests.runs()[0].finish(*ok(worker.Job{}))
		synctest.Wait()
		require.Len(t, s.guests.runs(), 2)
		s.finish()
	})
}

func TestCancelled(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := start(t, nil)
		s.offer("a", "b")
		synctest.Wait()
		s.change(func() { s.cancel = []string{"a", "unknown"} })
		time.Sleep(time.Second)
		synctest.Wait()
		require.Empty(t, s.reported("a"), "nobody wants to hear of it")
		require.Equal(t, int64(1), s.agent.Status().Dropped)
		require.Equal(t, 1, s.agent.Status().Held)
		s.finish()
	})
}

// TestSuspend: the owner comes back, goes, comes back for long.
func TestSuspend(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := start(t, func(_ *stage, cfg *agent.Config) { cfg.MaxPause = 5 * time.Minute })
		s.offer("a")
		synctest.Wait()
		run := s.guests.runs()[0]
		require.False(t, run.paused())

		s.back()
		time.Sleep(1100 * time.Millisecond)
		synctest.Wait()
		require.True(t, run.paused(), "suspended within a second")
		require.Zero(t, s.lastBeat().Take, "the server is told at once")
		require.True(t, s.lastBeat().Held[0].Suspended)
		require.False(t, s.agent.Status().Eligible)
		require.Equal(t, idle.CPUBusy, s.agent.Status().Reasons[0].Code)
		require.Positive(t, s.guests.trimmed, "warm workers give their memory back")

		s.away()
		time.Sleep(32 * time.Second) // the policy's dwell
		synctest.Wait()
		require.False(t, run.paused())
		require.Equal(t, []string{"suspend", "resume"}, run.calls)

		s.back()
		time.Sleep(4 * time.Minute)
		synctest.Wait()
		require.True(t, run.paused())
		require.Empty(t, s.reported("a"))
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		require.Len(t, s.reported("a"), 1)
		require.Equal(t, "device", s.reported("a")[0].Class)
		require.Equal(t, "suspended for more than 5m0s", s.reported("a")[0].Reason)
		s.finish()
	})
}

// TestServerForbids: the server's opinion counts as the device's own does.
func TestServerForbids(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := start(t, nil)
		s.offer("a")
		synctest.Wait()
		s.change(func() { s.forbidden = true })
		time.Sleep(time.Second)
		synctest.Wait()
		require.True(t, s.guests.runs()[0].paused())
		s.change(func() { s.forbidden = false })
		time.Sleep(6 * time.Second)
		synctest.Wait()
		require.False(t, s.guests.runs()[0].paused())
		s.finish()
	})
}

// TestMemoryLow: a suspended guest that holds memory which others need is given back at once.
func TestMemoryLow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := start(t, nil)
		s.offer("a")
		synctest.Wait()
		s.sensor.Set(idle.Telemetry{MemFreeMB: idle.Some(10.0)}, nil)
		time.Sleep(1100 * time.Millisecond)
		synctest.Wait()
		require.Equal(t, "suspended, and the device needs its memory", s.reported("a")[0].Reason)
		s.finish()
	})
}

// TestNotStartedWhileSuspended: an attempt that comes while guests may not run waits.
func TestNotStartedWhileSuspended(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := start(t, func(s *stage, cfg *agent.Config) { cfg.MaxRuns = 1 })
		s.offer("a", "b")
		synctest.Wait()
		s.back()
		time.Sleep(2 * time.Second)
		s.guests.runs()[0].finish(*ok(worker.Job{}))
		time.Sleep(10 * time.Second)
		synctest.Wait()
		require.Len(t, append(s.reported("a"), s.reported("b")...), 1, "a result is delivered all the same")
		require.Len(t, s.guests.runs(), 1)
		s.away()
		time.Sleep(32 * time.Second)
		synctest.Wait()
		require.Len(t, s.guests.runs(), 2)
		s.finish()
	})
}

func TestDrain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := start(t, nil)
		s.offer("a")
		synctest.Wait()
		s.change(func() { s.desired = idle.Drain })
		time.Sleep(30 * time.Second)
		synctest.Wait()
		require.Zero(t, s.lastBeat().Take)
		require.False(t, s.guests.runs()[0].paused(), "what is held is finished")
		s.guests.runs()[0].finish(*ok(worker.Job{}))
		synctest.Wait()
		require.Len(t, s.reported("a"), 1)
		s.finish()
	})
}

func TestStop(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := start(t, nil)
		s.offer("a")
		synctest.Wait()
		s.change(func() { s.desired = idle.Stop })
		require.ErrorIs(t, <-s.ended, agent.ErrStopped)
		require.Equal(t, worker.ClassDevice, s.guests.runs()[0].Outcome().Class)
		require.Empty(t, s.reported("a"))
		require.False(t, s.lastBeat().Bye)
		s.stop()
	})
}

// TestGoodbye: an agent that ends kills its guests and gives back what it held.
func TestGoodbye(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := start(t, nil)
		s.offer("a")
		synctest.Wait()
		s.finish()
		require.Equal(t, worker.ClassDevice, s.guests.runs()[0].Outcome().Class)
		require.Empty(t, s.reported("a"))
		require.True(t, s.lastBeat().Bye)
		require.Empty(t, s.lastBeat().Held)
	})
}

// TestServerIsNotTrusted: what a server may do to a device is bounded.
func TestServerIsNotTrusted(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := start(t, func(_ *stage, cfg *agent.Config) { cfg.MaxHeld = 8 })
		module := s.put([]byte("a module"))
		big := s.put(make([]byte, worker.MaxModuleBytes+1))
		lie := strings.Repeat("ab", 32)
		s.change(func() { s.blobs[lie] = []byte("something else") })
		offer := func(id string, change func(*idle.Offer)) {
			o := idle.Offer{Attempt: id, Token: 1, Module: module}
			change(&o)
			s.change(func() { s.offers = append(s.offers, o) })
		}
		for id, c := range map[string]struct {
			change func(*idle.Offer)
			class  string
			reason string
		}{
			"big":     {func(o *idle.Offer) { o.Module = big }, "policy", "33554433 bytes, at most 33554432 are accepted"},
			"digest":  {func(o *idle.Offer) { o.Module = "../../etc/passwd" }, "policy", "must be a SHA-256"},
			"path":    {func(o *idle.Offer) { o.Inputs = []idle.Input{{Path: "../x", SHA256: module}} }, "policy", "not in its shortest form"},
			"memory":  {func(o *idle.Offer) { o.MaxMemoryMB = 4096 }, "policy", "4096 MiB, this device lends 1024"},
			"demand":  {func(o *idle.Offer) { o.MemoryMB = 4096 }, "policy", "4096 MiB, this device lends 1024"},
			"overrun": {func(o *idle.Offer) { o.MaxMemoryMB = 1 << 62 }, "policy", "cannot be met"},
			"minus":   {func(o *idle.Offer) { o.MaxOutputBytes = -1 }, "policy", "must be 0 to"},
			"lie":     {func(o *idle.Offer) { o.Module = lie }, "infra", "digest mismatch"},
			"nowhere": {func(o *idle.Offer) { o.Module = strings.Repeat("00", 32) }, "infra", "no such blob"},
		} {
			offer(id, c.change)
			time.Sleep(time.Second)
			synctest.Wait()
			require.Len(t, s.reported(id), 1, id)
			require.Equal(t, c.class, s.reported(id)[0].Class, id)
			require.Contains(t, s.reported(id)[0].Reason, c.reason)
		}
		require.Empty(t, s.guests.runs())
		s.finish()
	})
}

// TestTooManyOffers: a server that hands out more than it was asked for is not obeyed.
func TestTooManyOffers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := start(t, func(_ *stage, cfg *agent.Config) { cfg.MaxHeld = 3 })
		module := s.put([]byte("a module"))
		s.change(func() {
			s.fault = func(w http.ResponseWriter, r *http.Request) bool {
				if !strings.HasSuffix(r.URL.Path, "/heartbeat") {
					return false
				}
				offers := make([]idle.Offer, 1000)
				for i := range offers {
					offers[i] = idle.Offer{Attempt: strings.Repeat("x", i), Module: module}
				}
				answer(w, map[string]any{"directive": idle.Directive{Desired: idle.Run, Eligible: true, Offers: offers, NextSeconds: 1e300}})
				return true
			}
		})
		time.Sleep(time.Minute)
		synctest.Wait()
		require.Equal(t, 3, s.agent.Status().Held)
		require.Len(t, s.guests.runs(), 3)
		s.finish()
	})
}

// TestOfferFlood: an answer full of empty offers costs the device about what it costs the server, and one line in the log.
func TestOfferFlood(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		s := start(t, func(s *stage, cfg *agent.Config) {
			cfg.Logger = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelWarn}))
			text := `{"directive":{"desired":"run","eligible":true,"nextSeconds":300,"offers":[` + strings.Repeat("{},", 1_000_000) + `{}]}}`
			s.fault = func(w http.ResponseWriter, r *http.Request) bool {
				if !strings.HasSuffix(r.URL.Path, "/heartbeat") || s.count("beat") > 1 {
					return false
				}
				_, _ = w.Write([]byte(text))
				return true
			}
		})
		time.Sleep(time.Second)
		synctest.Wait()
		require.Zero(t, s.agent.Status().Held)
		s.finish()
		require.Equal(t, 1, strings.Count(log.String(), "\n"), "%.1000s", log.String())
		require.Contains(t, log.String(), "count=1024")
	})
}

func TestConfig(t *testing.T) {
	t.Parallel()
	for field, cfg := range map[string]agent.Config{
		"Server":         {Server: "ftp://host"},
		"MaxHeld":        {Server: "http://host", MaxHeld: 5000},
		"Config":         {Server: "http://host", Wait: -1},
		"device_type":    {Server: "http://host", Type: "toaster"},
		"policy.power":   {Server: "http://host", Policy: &idle.Policy{Power: "maybe"}},
		"CA":             {Server: "https://host", CA: "config_test.pem"},
		"policy.battery": {Server: "http://host", Policy: &idle.Policy{Battery: idle.Band{Start: 200, Unknown: idle.DenyUnknown}}},
	} {
		cfg.DataDir = t.TempDir()
		_, err := agent.New(cfg)
		require.Error(t, err, field)
		if field != "CA" {
			require.Equal(t, fault.Invalid, fault.KindOf(err), field)
			require.Contains(t, fault.FieldOf(err), field)
		}
	}
	dir := t.TempDir()
	one, err := agent.New(agent.Config{Server: "http://host", DataDir: dir, Executor: &bodies{}})
	require.NoError(t, err)
	two, err := agent.New(agent.Config{Server: "http://host", DataDir: dir, Executor: &bodies{}})
	require.NoError(t, err)
	require.NotEmpty(t, one.Status().ID)
	require.Equal(t, one.Status().ID, two.Status().ID, "the identifier is kept")
}

// TestOneAgentAFolder: two agents in one folder would fight over it.
func TestOneAgentAFolder(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		s := start(t, func(_ *stage, cfg *agent.Config) { cfg.DataDir = dir })
		synctest.Wait()
		download := filepath.Join(dir, "blobs", "new-123")
		require.NoError(t, os.WriteFile(download, []byte("half of it"), 0o600))
		err := agent.Run(t.Context(), agent.Config{Server: "http://hub.test", DataDir: dir, HTTP: s.hub, Executor: &bodies{}, Sensor: s.sensor})
		require.Equal(t, fault.Conflict, fault.KindOf(err))
		require.FileExists(t, download, "it belongs to the first agent")
		s.finish()
	})
}
