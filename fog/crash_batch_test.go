package fog_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fogcompute/fogcompute/fog"
	"github.com/fogcompute/fogcompute/fog/internal/db"
	"github.com/fogcompute/fogcompute/fog/internal/db/dbtest"
	"github.com/fogcompute/fogcompute/fog/scheduler"
)

// submitBatch sends a graph of arrays and a gang in one call, and answers all jobs that there are.
func (s script) submitBatch(ctx context.Context, house *fog.Fog) ([]scheduler.JobID, error) {
	one := func(key string, count int, after ...scheduler.Dependency) scheduler.Submission {
		return scheduler.Submission{
			Key: key, Name: key, Count: count, After: after, Trust: &scheduler.Trust{Replicas: 1, Quorum: 1},
			Demand: scheduler.Demand{MilliCPU: 500}, Estimate: time.Second, MaxRuntime: time.Minute,
		}
	}
	gang := one("gang", 2)
	gang.Gang = true
	answers, err := house.Submit(ctx, []scheduler.Submission{
		one("array", 3), gang, one("next", 2, scheduler.Dependency{Job: "#0"}), one("never", 0, scheduler.Dependency{Job: "#1", When: scheduler.OnFailure}),
		one("last", 0, scheduler.Dependency{Job: "@next", When: scheduler.OnEnd}),
	})
	if err != nil {
		return nil, err
	}
	for _, a := range answers {
		if a.Err != nil {
			return nil, a.Err
		}
	}
	page, err := house.Scheduler.List(ctx, scheduler.JobQuery{Limit: 1000})
	if err != nil {
		return nil, err
	}
	var ids []scheduler.JobID
	for _, j := range page.Jobs {
		ids = append(ids, j.ID)
	}
	if want := crashJobs + 9; len(ids) != want {
		return nil, fmt.Errorf("%d jobs are stored, not %d", len(ids), want)
	}
	return ids, nil
}

// TestCrashOfBatches kills the server at the steps of arrays, gangs and graphs: none is stored in part, none runs twice, all end.
func TestCrashOfBatches(t *testing.T) {
	t.Parallel()
	databases(t, func(t *testing.T, open func(*testing.T) script) {
		for step, nth := range map[string]int64{
			"scheduler.submit": crashJobs + 1, "scheduler.queue": crashJobs + 1, "scheduler.release": 1, "scheduler.vest": 3, "scheduler.place": 2,
		} {
			t.Run(step, func(t *testing.T) {
				t.Parallel()
				s := open(t)
				s.Batch, s.Kill, s.Nth = true, step, nth
				_, killed := s.start(t)
				require.True(t, killed, "the step was never reached")
				s.Kill = ""
				_, killed = s.start(t)
				require.False(t, killed)
			})
		}
	})
}

const frozen = "frozen"

// freezing are the usual objectives, but the first plan that is made by them stops the process before it is committed.
func freezing() []scheduler.Objective {
	var once sync.Once
	aims := scheduler.Objectives()
	for i := range aims {
		if pair := aims[i].Pair; pair != nil {
			aims[i].Pair = func(j *scheduler.Job, n *scheduler.Node) float64 {
				once.Do(func() {
					fmt.Println(frozen)
					_ = syscall.Kill(os.Getpid(), syscall.SIGSTOP)
				})
				return pair(j, n)
			}
		}
	}
	return aims
}

// TestAPlannerThatSleptCommitsNothing stops a server between its plan and the commit, lets another one take the duty, and wakes the
// first: its plan is for jobs that nobody has changed, and is refused by its fence. The second plans everything.
func TestAPlannerThatSleptCommitsNothing(t *testing.T) {
	t.Parallel()
	first := script{URL: dbtest.PostgresURL(t), Dir: fastDir(t), Holder: "one", Devices: everyDevice()[:1], Freeze: true, Trace: true}
	second := first
	second.Holder, second.Devices, second.Freeze = "two", nil, false
	text, err := json.Marshal(first)
	require.NoError(t, err)
	cmd := exec.CommandContext(t.Context(), first.program(t))
	cmd.Env = append(os.Environ(), crashEnv+"="+string(text), "GORACE=atexit_sleep_ms=0")
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	lines := bufio.NewScanner(out)
	for lines.Scan() && lines.Text() != frozen {
	}
	require.Equal(t, frozen, lines.Text(), "it never planned")

	old := plannerOf(t, first.URL)
	var planned string
	var other sync.WaitGroup
	other.Go(func() { planned, _ = second.start(t) })
	require.Eventually(t, func() bool { return plannerOf(t, first.URL) > old }, 30*time.Second, 10*time.Millisecond, "the duty passes on")
	require.NoError(t, cmd.Process.Signal(syscall.SIGCONT))
	for lines.Scan() {
		require.NotEqual(t, "step "+scheduler.StepPlace, lines.Text(), "the plan of the one that slept was committed")
	}
	require.NoError(t, cmd.Wait())
	other.Wait()
	require.True(t, strings.Contains(planned, "step "+scheduler.StepPlace), "the other one plans")
}

// plannerOf is the number under which the duty of planning is held.
func plannerOf(t *testing.T, url string) (number int64) {
	d, err := db.Open(context.Background(), url, "")
	require.NoError(t, err)
	defer func() { require.NoError(t, d.Close()) }()
	require.NoError(t, d.Read.QueryRowContext(context.Background(), "SELECT number FROM fog_duties WHERE name = ?", scheduler.DutyPlan).Scan(&number))
	return number
}
