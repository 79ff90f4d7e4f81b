package tokenomicsdb_test

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fogcompute/fogcompute/fog/internal/db"
	"github.com/fogcompute/fogcompute/fog/internal/db/dbtest"
	"github.com/fogcompute/fogcompute/fog/internal/plaintest"
	"github.com/fogcompute/fogcompute/fog/tokenomics"
	"github.com/fogcompute/fogcompute/fog/tokenomics/tokenomicstest"
)

// always is more rounds than anybody lives for.
const always = 1 << 20

// world is a database in which mortals live, and what they have said.
type world struct {
	t    *testing.T
	base mortal

	mu      sync.Mutex // guards what follows
	callers map[int]progress
	heard   map[heard]string // verdicts
	version int64            // of the parameters, the newest that anybody has read
}

// heard is a request of a caller about which a verdict was heard.
type heard struct {
	caller, n int
	at        int64
}

func newWorld(t *testing.T, base mortal) *world {
	base.Begun = time.Now().UTC().Truncate(time.Microsecond)
	return &world{t: t, base: base, callers: map[int]progress{}, heard: map[heard]string{}}
}

// life is a mortal under way.
type life struct {
	cmd   *exec.Cmd
	lines *bufio.Scanner
}

// begin starts a mortal with some callers, who go on where those of before have ended.
func (w *world) begin(holder, kill string, rounds int, callers ...int) *life {
	w.t.Helper()
	return w.start(w.base, holder, kill, rounds, callers...)
}

// lead is begin of one that has the duty when it returns.
func (w *world) lead(holder, kill string, callers ...int) *life {
	w.t.Helper()
	m := w.base
	m.Leads = true
	l := w.start(m, holder, kill, always, callers...)
	if l.lines.Scan() {
		w.note(l.lines.Text())
	}
	return l
}

func (w *world) start(m mortal, holder, kill string, rounds int, callers ...int) *life {
	w.t.Helper()
	m.Holder, m.Kill, m.Rounds, m.Callers = holder, kill, rounds, map[int]progress{}
	w.mu.Lock()
	for _, number := range callers {
		m.Callers[number] = w.callers[number]
	}
	w.mu.Unlock()
	told, err := json.Marshal(m)
	require.NoError(w.t, err)
	program, err := plaintest.Program()
	require.NoError(w.t, err)
	cmd := exec.CommandContext(w.t.Context(), program)
	cmd.Env, cmd.Stderr = append(os.Environ(), mortalEnv+"="+string(told)), os.Stderr
	out, err := cmd.StdoutPipe()
	require.NoError(w.t, err)
	require.NoError(w.t, cmd.Start())
	return &life{cmd, bufio.NewScanner(out)}
}

// listen notes what a mortal says until it ends, or has heard of so many requests and is killed. It returns whether it was killed.
func (w *world) listen(l *life, most int) (killed bool) {
	for n := 0; l.lines.Scan(); {
		if w.note(l.lines.Text()) {
			if n++; n == most {
				_ = l.cmd.Process.Kill() // unless it has just ended, which is told below
			}
		}
	}
	err := l.cmd.Wait()
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.Sys().(syscall.WaitStatus).Signal() == syscall.SIGKILL {
		return true
	}
	if err != nil {
		w.t.Errorf("a mortal has ended: %v", err)
	}
	return false
}

// note notes a line, and reports whether somebody has heard a verdict.
func (w *world) note(line string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	var h heard
	var verdict string
	var version int64
	if _, err := fmt.Sscanf(line, "heard %d %d %d %s", &h.caller, &h.n, &h.at, &verdict); err == nil {
		w.heard[h] = verdict
		w.callers[h.caller] = progress{Next: max(h.n+1, w.callers[h.caller].Next)}
		return true
	}
	if _, err := fmt.Sscanf(line, "try %d %d %d", &h.caller, &h.n, &h.at); err == nil {
		if h.n >= w.callers[h.caller].Next { // else it is the shared one, who is further in the other program
			w.callers[h.caller] = progress{h.n, h.at}
		}
		return false
	}
	if _, err := fmt.Sscanf(line, "version %d", &version); err == nil {
		if version < w.version {
			w.t.Errorf("the parameters have version %d, they had %d", version, w.version)
		}
		w.version = max(w.version, version)
		return false
	}
	w.t.Errorf("a mortal says %q", line)
	return false
}

// rounds is how many rounds the caller who has come furthest has begun.
func (w *world) rounds(callers ...int) (rounds int) {
	for _, number := range callers {
		rounds = max(rounds, 1+w.callers[number].Next/len(caller{number: number}.steps()))
	}
	return rounds
}

// everyStep are the steps that a life passes sooner or later: one for each operation, those of the ledger itself included.
func everyStep() (steps []string) {
	for _, op := range []tokenomics.Op{
		tokenomics.OpGenesis, tokenomics.OpTransfer, tokenomics.OpHold, tokenomics.OpCapture, tokenomics.OpVoid, tokenomics.OpBurn, tokenomics.OpExpire,
		tokenomics.OpStake, tokenomics.OpDelegate, tokenomics.OpUnstake, tokenomics.OpCancelUnstake, tokenomics.OpRedelegate, tokenomics.OpClaim,
		tokenomics.OpCompound, tokenomics.OpEmit, tokenomics.OpMature, tokenomics.OpRelease, tokenomics.OpSlash, tokenomics.OpAppeal,
		tokenomics.OpUphold, tokenomics.OpDismiss, tokenomics.OpExpel, tokenomics.OpCut, tokenomics.OpPropose, tokenomics.OpDeposit,
		tokenomics.OpVote, tokenomics.OpCancel, tokenomics.OpQueue, tokenomics.OpExecute, tokenomics.OpTurn, tokenomics.OpLapse,
	} {
		steps = append(steps, "tokenomics."+string(op))
	}
	return steps
}

// TestKilledAgainAndAgain kills the ledger's program with SIGKILL right after each kind of commit, and then whenever chance says so, and
// starts it again on the same database: nothing that was acknowledged is lost, nothing is done twice.
func TestKilledAgainAndAgain(t *testing.T) {
	t.Parallel()
	for name, base := range map[string]func(*testing.T) mortal{
		"sqlite":   func(t *testing.T) mortal { return mortal{Dir: fastDir(t)} },
		"postgres": func(t *testing.T) mortal { return mortal{URL: dbtest.PostgresURL(t)} },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, random := newWorld(t, base(t)), rand.New(rand.NewPCG(tokenomicstest.Seed(t), 0))
			callers := []int{1, 2, 3}
			for _, step := range everyStep() {
				require.True(t, w.listen(w.begin("only", step, always, callers...), 0), "%s was never reached", step)
			}
			for range max(tokenomicstest.Length(t, 100_000)/8_000, 1) {
				require.True(t, w.listen(w.begin("only", "", always, callers...), 1+random.IntN(40)))
			}
			require.False(t, w.listen(w.begin("only", "", w.rounds(callers...), callers...), 0))
			w.audit()
		})
	}
}

// TestOneOfTwoKilled lets two programs share a PostgreSQL. One of them is killed with SIGKILL, the other takes over the ledger's duty
// and goes on; then both begin anew, and it is the other one's turn.
func TestOneOfTwoKilled(t *testing.T) {
	t.Parallel()
	w := newWorld(t, mortal{URL: dbtest.PostgresURL(t)})
	names, callers := []string{"one", "two"}, [][]int{{0, 1, 2}, {0, 3, 4}}
	for i, step := range []string{
		"tokenomics.verdict", "tokenomics.request", "tokenomics.transfer", "tokenomics.execute", "tokenomics.vote", "tokenomics.turn", "", "", "", "",
	} {
		dies, survives := i%2, 1-i%2
		if step == "tokenomics.request" { // of one that has to ask
			second := w.lead(names[survives], "", callers[survives]...)
			w.oneDies(w.begin(names[dies], step, always, callers[dies]...), second, step, 0)
			continue
		}
		first := w.lead(names[dies], step, callers[dies]...)
		w.oneDies(first, w.begin(names[survives], "", always, callers[survives]...), step, 10+i)
	}
	rounds := w.rounds(1, 2, 3, 4)
	var both sync.WaitGroup
	for i, name := range names {
		l := w.begin(name, "", rounds, callers[i]...)
		both.Go(func() {
			if w.listen(l, 0) {
				t.Error("nobody had to die any more")
			}
		})
	}
	both.Wait()
	w.audit()
}

// oneDies lets the first of two die, at its step or when it has heard of so many requests, and the second go on for a while without it.
func (w *world) oneDies(first, second *life, step string, most int) {
	if step != "" {
		most = 0
	}
	var both sync.WaitGroup
	dead := make(chan struct{})
	both.Go(func() {
		defer close(dead)
		if !w.listen(first, most) {
			w.t.Error("the first has not died")
		}
	})
	both.Go(func() {
		if !w.outlive(second, dead) {
			w.t.Error("the second has not gone on")
		}
	})
	both.Wait()
}

// outlive listens to a mortal until it has heard of ten requests more than when the other died, and kills it.
func (w *world) outlive(l *life, dead <-chan struct{}) bool {
	for n := 0; l.lines.Scan(); {
		if !w.note(l.lines.Text()) {
			continue
		}
		select {
		case <-dead:
			if n++; n == 10 {
				_ = l.cmd.Process.Kill()
				return w.listen(l, 0) // what it has said before it died counts
			}
		default:
		}
	}
	return false
}

// audit checks that what was acknowledged is there, once, and nothing else.
func (w *world) audit() {
	t, ctx := w.t, w.t.Context()
	d, err := db.Open(ctx, w.base.URL, w.base.Dir)
	require.NoError(t, err)
	defer func() { require.NoError(t, d.Close()) }()
	s := store(t, d)
	m := w.base
	m.Holder = "auditor"
	config := m.config(s, d)
	config.Duties = nil
	ledger := newLedger(t, config)
	require.NoError(t, ledger.Verify(ctx))
	said := w.said(ledger)
	loaded, err := s.Load(ctx, tokenomics.Wanted{})
	require.NoError(t, err)
	movements, err := s.Movements(ctx, 0, 1<<16)
	require.NoError(t, err)
	require.Len(t, movements, int(loaded.Head.Last))
	w.compare(said, movements)
	parameters, err := ledger.Parameters(ctx)
	require.NoError(t, err)
	require.Equal(t, newest(t, movements), parameters.Version(), "the greatest version that is committed is the one that is read")
	require.GreaterOrEqual(t, parameters.Version(), w.version)
	require.NoError(t, ledger.Verify(ctx))
	t.Logf("%d requests heard of, %d movements, parameters in version %d", len(w.heard), len(movements), parameters.Version())
}

// said lists what callers were told of, and whether it was carried out. What was acknowledged is asked for again, and answered as before.
func (w *world) said(ledger *tokenomics.Tokenomics) map[tokenomics.Reference]bool {
	t, ctx := w.t, w.t.Context()
	said := map[tokenomics.Reference]bool{}
	for h, verdict := range w.heard {
		r, err := caller{h.caller, ledger}.request(ctx, h.n, time.UnixMicro(h.at).UTC())
		require.NoError(t, err)
		ref := r.Reference()
		ref.Tenant = "default"
		said[ref] = said[ref] || verdict == "yes"
		if verdict != "yes" || r.Hold != nil { // a hold that was voided since is a conflict
			continue
		}
		verdicts, err := ledger.Post(ctx, []tokenomics.Request{r})
		require.NoError(t, err)
		require.NoError(t, verdicts[0], "%+v was acknowledged", ref)
	}
	require.NotEmpty(t, said)
	return said
}

// compare checks that the movements that callers have caused are those that they have heard of.
func (w *world) compare(said map[tokenomics.Reference]bool, movements []tokenomics.Movement) {
	own := []tokenomics.Op{
		tokenomics.OpGenesis, tokenomics.OpExpire, tokenomics.OpEmit, tokenomics.OpMature, tokenomics.OpRelease, tokenomics.OpExpel,
		tokenomics.OpCut, tokenomics.OpTurn, tokenomics.OpLapse,
		tokenomics.OpPropose, // also made to be voted on
	}
	seen := map[tokenomics.Reference]bool{}
	for _, m := range movements {
		require.False(w.t, seen[m.Reference], "%+v was done twice", m.Reference)
		seen[m.Reference] = true
		if !slices.Contains(own, m.Op) {
			require.True(w.t, said[m.Reference], "nobody was told of %+v", m.Reference)
		}
	}
	for ref, yes := range said {
		if yes && ref.Op != tokenomics.OpVoid { // which may have found nothing
			require.True(w.t, seen[ref], "%+v was acknowledged and is lost", ref)
		}
	}
}

// newest is the version of the parameters that the latest movement about them has made.
func newest(t *testing.T, movements []tokenomics.Movement) (version int64) {
	for _, m := range movements {
		if m.Op == tokenomics.OpExecute || m.Op == tokenomics.OpLapse {
			var minutes struct{ Version int64 }
			require.NoError(t, json.Unmarshal(m.Detail, &minutes))
			version = max(version, minutes.Version)
		}
	}
	return version
}

// fastDir is a folder in memory where there is one: a process that is killed loses nothing that the system has taken from it, wherever that
// lies, and a test need not wait for a disk.
func fastDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "fog-test-")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(dir)) })
	return dir
}
