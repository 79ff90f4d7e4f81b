package fog_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fogcompute/fogcompute/fog"
	"github.com/fogcompute/fogcompute/fog/fogtest"
	"github.com/fogcompute/fogcompute/fog/idle"
	"github.com/fogcompute/fogcompute/fog/internal/db/dbtest"
	"github.com/fogcompute/fogcompute/fog/internal/plaintest"
	"github.com/fogcompute/fogcompute/fog/scheduler"
	"github.com/fogcompute/fogcompute/fog/tokenomics"
)

const (
	crashEnv  = "FOG_CRASH_PROGRAM"
	crashJobs = 6
)

// script is what one run of the crash program does.
type script struct {
	URL, Dir string
	Kill     string // step at which the process kills itself
	Cancel   string // step at which it cancels every job
	Nth      int64  // which occurrence of the step, from 1
	Holder   string // name of the server
	Trace    bool   // print every step
	Batch    bool   // submit arrays, a gang and a graph instead of single jobs
	Freeze   bool   // stop, as SIGSTOP does, between the first plan and its commit
	Doubt    bool   // let the trust of some jobs be adaptive: no device is known, so each of their results is compared
	Devices  []idle.DeviceID
}

func everyDevice() []idle.DeviceID { return []idle.DeviceID{"alpha", "beta"} }

// crashProgram opens a house, submits the same jobs whatever was done before,
// works until all are settled, and audits. It exits 0 only if the audit holds.
func crashProgram() int {
	var s script
	if err := json.Unmarshal([]byte(os.Getenv(crashEnv)), &s); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := s.run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

func (s script) run(ctx context.Context) (err error) {
	cancelNow := make(chan struct{})
	house, err := fog.Open(ctx, s.config(cancelNow))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, house.Close()) }()
	ids, err := s.submit(ctx, house)
	if s.Batch && err == nil {
		ids, err = s.submitBatch(ctx, house)
	}
	if err != nil {
		return err
	}
	work, stop := context.WithCancel(ctx)
	var devices sync.WaitGroup
	defer devices.Wait()
	defer stop()
	for _, name := range s.Devices {
		d, err := join(ctx, house, name)
		if err != nil {
			return err
		}
		devices.Go(func() { d.Run(work) })
	}
	go func() {
		select {
		case <-work.Done():
		case <-cancelNow:
			for _, id := range ids {
				_, _ = house.Scheduler.Cancel(work, id) // a job that is over cannot be cancelled, and need not be
			}
		}
	}()
	return settled(ctx, house, ids)
}

// config names the steps at which the run does something.
func (s script) config(cancelNow chan struct{}) fog.Config {
	var seen atomic.Int64
	c := fog.Config{
		DatabaseURL: s.URL, DataDir: s.Dir, Holder: s.Holder,
		Scheduler:  scheduler.Config{Lease: 2 * time.Second, PickUp: time.Second, Recheck: 200 * time.Millisecond, HoldRetry: 200 * time.Millisecond, DutyTTL: time.Second, Poll: 100 * time.Millisecond},
		Idle:       idle.Config{Interval: 100 * time.Millisecond, Presence: time.Second, BeatRate: -1},
		Tokenomics: tokenomics.Config{Lease: time.Second},
		Step: func(name string) {
			if s.Trace {
				fmt.Println("step", name)
			}
			if name != s.Kill && name != s.Cancel || seen.Add(1) != s.Nth {
				return
			}
			if name == s.Kill {
				_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
				select {} // until the signal is there
			}
			close(cancelNow)
		},
	}
	if s.Freeze {
		c.Scheduler.Objectives = freezing()
	}
	return c
}

// join retries: the house may still be settling what the last crash left.
func join(ctx context.Context, house *fog.Fog, name idle.DeviceID) (*fogtest.Device, error) {
	d := fogtest.New(house, fogtest.Device{ID: name})
	for {
		err := d.Restart(ctx)
		if err == nil || ctx.Err() != nil {
			return d, err
		}
		select {
		case <-ctx.Done():
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// submit sends the same jobs under the same keys, as a client does who never
// got an answer.
func (s script) submit(ctx context.Context, house *fog.Fog) ([]scheduler.JobID, error) {
	var ids []scheduler.JobID
	for i := range crashJobs {
		trust := scheduler.Trust{Replicas: 1, Quorum: 1, Adaptive: s.Doubt && i%3 == 1}
		answers, err := house.Submit(ctx, []scheduler.Submission{{
			Key: fmt.Sprintf("job-%d", i), Name: fmt.Sprintf("job %d", i), Tier: scheduler.Gold, Trust: &trust,
			Demand: scheduler.Demand{MilliCPU: 500}, Estimate: time.Second, MaxRuntime: time.Minute,
		}})
		if err != nil {
			return nil, err
		}
		if answers[0].Err != nil {
			return nil, answers[0].Err
		}
		ids = append(ids, answers[0].Job.ID)
	}
	return ids, nil
}

// settled waits until every job is over and every hold resolved, and audits.
func settled(ctx context.Context, house *fog.Fog, ids []scheduler.JobID) error {
	for {
		open, err := unsettled(ctx, house, ids)
		if err == nil && open == 0 {
			return audit(ctx, house, ids)
		}
		select {
		case <-ctx.Done():
			return errors.Join(stuckWhy(house, ids), err)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func unsettled(ctx context.Context, house *fog.Fog, ids []scheduler.JobID) (int64, error) {
	records, err := house.Scheduler.Records(ctx, ids)
	if err != nil {
		return 0, err
	}
	var open int64
	for _, r := range records {
		if !r.Job.State.Final() {
			open++
		}
	}
	stats, err := house.Tokenomics.Stats(ctx)
	if err != nil {
		return 0, err
	}
	return open + stats.OpenHolds, nil
}

func stuckWhy(house *fog.Fog, ids []scheduler.JobID) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	text := "not settled:"
	for _, id := range ids {
		if why, err := house.Scheduler.Explain(ctx, id); err == nil && !why.State.Final() {
			text += fmt.Sprintf("\n%s %s %+v", id, why.State, why.Reasons)
		}
	}
	return fmt.Errorf("%s\n%+v", text, house.Health())
}

// audit checks that each vested job was paid once, that nothing else was paid,
// and that the ledger sums to zero.
func audit(ctx context.Context, house *fog.Fog, ids []scheduler.JobID) error {
	records, err := house.Scheduler.Records(ctx, ids)
	if err != nil {
		return err
	}
	if len(records) != len(ids) {
		return fmt.Errorf("%d of %d acknowledged jobs are there", len(records), len(ids))
	}
	var owed tokenomics.Amount
	for _, r := range records {
		page, err := house.Idle.Contributions(ctx, idle.ContributionQuery{Job: string(r.Job.ID)})
		if err != nil {
			return err
		}
		want := 0
		switch r.Job.State {
		case scheduler.Vested:
			want = r.Job.Trust.Replicas
			if r.Job.Trust.Adaptive {
				want = 2
			}
			owed += tokenomics.Amount(r.Job.Price) * tokenomics.Amount(want)
		case scheduler.Cancelled:
		default:
			return fmt.Errorf("job %s is %s: %s", r.Job.ID, r.Job.State, r.Job.Reason)
		}
		if len(page.Contributions) != want {
			return fmt.Errorf("job %s is %s and was contributed to %d times", r.Job.ID, r.Job.State, len(page.Contributions))
		}
	}
	var paid tokenomics.Amount
	for _, device := range everyDevice() {
		balance, err := house.Tokenomics.Balance(ctx, tokenomics.Account("device:"+device))
		if err != nil {
			return err
		}
		paid += balance.Available
	}
	if paid != owed {
		return fmt.Errorf("owed %s, paid %s", owed, paid)
	}
	return house.Tokenomics.Verify(ctx)
}

// start runs the crash program and returns its standard output, and whether
// it was killed.
func (s script) start(t *testing.T) (out string, killed bool) {
	t.Helper()
	text, err := json.Marshal(s)
	require.NoError(t, err)
	cmd := exec.CommandContext(t.Context(), s.program(t))
	// The race detector would have every program that ends sleep for a second.
	cmd.Env = append(os.Environ(), crashEnv+"="+string(text), "GORACE=atexit_sleep_ms=0")
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err = cmd.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.Sys().(syscall.WaitStatus).Signal() == syscall.SIGKILL {
		return stdout.String(), true
	}
	require.NoError(t, err, "%+v\n%s", s, stderr.String())
	return stdout.String(), false
}

// program is the test binary itself, or where SQLite runs inside of it, the same
// without the race detector: SQLite's translated C code is twenty times slower
// under it, and the races that it could find there are not ours.
func (s script) program(t *testing.T) string {
	t.Helper()
	if s.URL != "" {
		return os.Args[0]
	}
	path, err := plaintest.Program()
	require.NoError(t, err)
	return path
}

// fastDir is a folder in memory where there is one: a process that is killed
// loses nothing that the system has taken from it, wherever that lies, and a
// test need not wait for a disk.
func fastDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "fog-test-")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(dir)) })
	return dir
}

// databases runs f on both databases; open gives a fresh one each time it is called.
func databases(t *testing.T, f func(t *testing.T, open func(t *testing.T) script)) {
	t.Run("sqlite", func(t *testing.T) {
		f(t, func(t *testing.T) script {
			return script{Dir: fastDir(t), Holder: "one", Devices: everyDevice(), Doubt: true}
		})
	})
	t.Run("postgres", func(t *testing.T) {
		f(t, func(t *testing.T) script {
			return script{URL: dbtest.PostgresURL(t), Dir: fastDir(t), Holder: "one", Devices: everyDevice(), Doubt: true}
		})
	})
}

// certainSteps are those that every undisturbed run passes, in their order.
func certainSteps() []string {
	return []string{
		"tokenomics.genesis", "scheduler.submit", "tokenomics.hold", "scheduler.hold", "scheduler.queue",
		"idle.turn", "idle.register", "scheduler.place", "scheduler.lease", "scheduler.report", "scheduler.ask",
		"scheduler.audit", "scheduler.validate", "scheduler.vest", "idle.judge", "idle.contribute", "tokenomics.capture", "idle.flush",
	}
}

// stepsOf lists the steps that an undisturbed run passes: the certain ones, and
// those that depend on how fast the machine is today.
func stepsOf(t *testing.T, s script) []string {
	t.Helper()
	s.Trace = true
	out, _ := s.start(t)
	steps := certainSteps()
	passed := map[string]bool{}
	for _, line := range strings.Split(out, "\n") {
		name, ok := strings.CutPrefix(line, "step ")
		if ok && !passed[name] && !slices.Contains(steps, name) {
			steps = append(steps, name)
		}
		passed[name] = ok
	}
	for _, step := range certainSteps() {
		require.True(t, passed[step], "%s was never reached", step)
	}
	return steps
}

// TestCrashAtEveryStep kills the server with SIGKILL right after each kind of
// durable step, the first time and a later time, and starts it again: every
// job ends, every slot is paid once, the ledger sums to zero.
func TestCrashAtEveryStep(t *testing.T) {
	t.Parallel()
	databases(t, func(t *testing.T, open func(*testing.T) script) {
		for _, step := range stepsOf(t, open(t)) {
			for _, nth := range []int64{1, 3} {
				t.Run(fmt.Sprintf("%s/%d", step, nth), func(t *testing.T) {
					t.Parallel()
					s := open(t)
					s.Kill, s.Nth = step, nth
					_, killed := s.start(t)
					if nth == 1 && slices.Contains(certainSteps(), step) {
						require.True(t, killed, "the step was never reached")
					}
					s.Kill = ""
					_, killed = s.start(t)
					require.False(t, killed)
				})
			}
		}
	})
}

// TestCancelAtEveryStep cancels every job right after each kind of step: what
// was done is paid once, the rest is given back.
func TestCancelAtEveryStep(t *testing.T) {
	t.Parallel()
	databases(t, func(t *testing.T, open func(*testing.T) script) {
		for _, step := range stepsOf(t, open(t)) {
			t.Run(step, func(t *testing.T) {
				t.Parallel()
				s := open(t)
				s.Cancel, s.Nth = step, 2
				s.start(t)
			})
		}
	})
}

// TestTwoServersOneKilled runs two servers on one PostgreSQL. The first is
// killed with SIGKILL at a step that only the holder of a duty takes; the second
// goes on alone, loses nothing and pays nothing twice.
func TestTwoServersOneKilled(t *testing.T) {
	t.Parallel()
	for _, step := range []string{"scheduler.place", "tokenomics.hold", "tokenomics.capture", "idle.contribute"} {
		t.Run(step, func(t *testing.T) {
			t.Parallel()
			first := script{URL: dbtest.PostgresURL(t), Dir: fastDir(t), Holder: "one", Devices: everyDevice()[:1], Kill: step, Nth: 2}
			second := first
			second.Holder, second.Devices, second.Kill = "two", everyDevice()[1:], ""
			var both sync.WaitGroup
			both.Go(func() { first.start(t) })
			both.Go(func() {
				if _, killed := second.start(t); killed {
					t.Error("the second server was killed as well")
				}
			})
			both.Wait()
		})
	}
}
