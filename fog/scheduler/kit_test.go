package scheduler_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"slices"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fogcompute/fogcompute/fog/internal/db/dbtest"
	"github.com/fogcompute/fogcompute/fog/internal/duty"
	"github.com/fogcompute/fogcompute/fog/internal/fault"
	"github.com/fogcompute/fogcompute/fog/internal/journal"
	"github.com/fogcompute/fogcompute/fog/principal"
	"github.com/fogcompute/fogcompute/fog/scheduler"
)

func TestMain(m *testing.M) { os.Exit(dbtest.Main(m)) }

// fewer lets the properties of a test that is expensive be checked less often than others, unless the command line says how often.
func fewer(t *testing.T, checks int) {
	t.Helper()
	f := flag.Lookup("rapid.checks")
	was := f.Value.String()
	if was != f.DefValue {
		return
	}
	require.NoError(t, f.Value.Set(strconv.Itoa(checks)))
	t.Cleanup(func() { require.NoError(t, f.Value.Set(was)) })
}

// rig is a running scheduler under a fake clock.
type rig struct {
	*scheduler.Scheduler
	t     *testing.T
	store scheduler.Store
	facts facts
	stop  func() // ends Run
}

// facts is a journal to read.
type facts interface {
	Claim(ctx context.Context, topic journal.Topic, limit int, until time.Time) ([]journal.Claimed, error)
}

// inBubble runs a test on a rig inside a synctest bubble.
func inBubble(t *testing.T, cfg scheduler.Config, test func(t *testing.T, r *rig)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { test(t, start(t, cfg)) })
}

// start opens a scheduler on a memory of its own, unless cfg has a store, and runs it until the test ends.
func start(t *testing.T, cfg scheduler.Config) *rig {
	t.Helper()
	facts := journal.NewMemory(nil)
	r := &rig{t: t, store: cfg.Store, facts: facts}
	if cfg.Store == nil {
		duties := duty.NewMemory(nil)
		r.store = scheduler.NewMemory(facts, duties)
		cfg.Store, cfg.Duties = r.store, duties
	}
	s, err := scheduler.New(cfg)
	require.NoError(t, err)
	r.Scheduler = s
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	r.stop = func() {
		cancel()
		if err := <-done; err != nil {
			t.Log("the store that the test broke:", err)
		}
	}
	t.Cleanup(func() {
		cancel()
		require.NoError(t, s.Close())
	})
	return r
}

// wait lets the planner work until it has nothing to do, and then the time pass.
func (r *rig) wait(d time.Duration) {
	synctest.Wait()
	time.Sleep(d)
	synctest.Wait()
}

// node is a node that is up, of an owner of its own.
func node(id string) scheduler.Node {
	return scheduler.Node{
		ID: scheduler.NodeID(id), Owner: "device:" + principal.Account(id), State: scheduler.NodeUp, Trust: 1,
		Capacity: scheduler.Capacity{MilliCPU: 4000, MemoryMB: 8192}, Executors: []string{scheduler.ExecutorWASM},
	}
}

// nodes brings nodes up and waits until the planner knows them.
func (r *rig) nodes(ids ...string) {
	r.t.Helper()
	for _, id := range ids {
		r.sync(node(id))
	}
}

func (r *rig) sync(n scheduler.Node) {
	r.t.Helper()
	require.NoError(r.t, r.SyncNodes(r.t.Context(), []scheduler.Node{n}))
	synctest.Wait()
}

// submit stores one job that must be accepted, and waits until it was looked at.
func (r *rig) submit(b scheduler.Submission) scheduler.JobID {
	r.t.Helper()
	out := r.try(b)
	require.NoError(r.t, out.Err)
	return out.Job.ID
}

func (r *rig) try(b scheduler.Submission) scheduler.Submitted {
	r.t.Helper()
	if b.Name == "" {
		b.Name = "job"
	}
	out, err := r.Submit(r.t.Context(), []scheduler.Submission{b})
	require.NoError(r.t, err)
	synctest.Wait()
	return out[0]
}

func (r *rig) get(id scheduler.JobID) scheduler.Record {
	r.t.Helper()
	record, err := r.Get(r.t.Context(), id)
	require.NoError(r.t, err)
	return record
}

func (r *rig) state(id scheduler.JobID) scheduler.State { r.t.Helper(); return r.get(id).Job.State }

// claim asks for leases as a node.
func (r *rig) claim(c scheduler.Claim) scheduler.Grant { r.t.Helper(); return r.claims(c)[0] }

// claims asks for leases as several nodes at once.
func (r *rig) claims(all ...scheduler.Claim) []scheduler.Grant {
	r.t.Helper()
	grants, err := r.Claim(r.t.Context(), all)
	require.NoError(r.t, err)
	synctest.Wait()
	return grants
}

// fetch takes the one attempt that waits on a node.
func (r *rig) fetch(n scheduler.NodeID) scheduler.Offer {
	r.t.Helper()
	g := r.claim(scheduler.Claim{Node: n, Take: 9})
	require.Len(r.t, g.Offers, 1)
	return g.Offers[0]
}

// beat claims for the attempts that a node holds and asks for nothing new.
func (r *rig) beat(n scheduler.NodeID, held ...scheduler.Held) scheduler.Grant {
	r.t.Helper()
	return r.claim(scheduler.Claim{Node: n, Held: held})
}

func held(o scheduler.Offer) scheduler.Held {
	return scheduler.Held{Attempt: o.Attempt, Token: o.Token}
}

// report hands a report in.
func (r *rig) report(in scheduler.Report) scheduler.ReportVerdict {
	r.t.Helper()
	verdicts, err := r.Report(r.t.Context(), []scheduler.Report{in})
	require.NoError(r.t, err)
	synctest.Wait()
	return verdicts[0]
}

// done is the report of a result whose standard output is out.
func done(o scheduler.Offer, out string) scheduler.Report {
	return scheduler.Report{Attempt: o.Attempt, Token: o.Token, Result: &scheduler.Result{Stdout: []byte(out), CPUSeconds: 1}}
}

// exit is the report of a program that ended with an exit code.
func exit(o scheduler.Offer, code int) scheduler.Report {
	r := done(o, "")
	r.Result.ExitCode = code
	return r
}

// failed is the report of a failure of a class.
func failed(o scheduler.Offer, c scheduler.Class) scheduler.Report {
	return scheduler.Report{Attempt: o.Attempt, Token: o.Token, Class: c, Reason: "it went wrong"}
}

func kind(t *testing.T, want fault.Kind, err error) {
	t.Helper()
	require.Error(t, err)
	require.Equal(t, want, fault.KindOf(err), "%v", err)
}

// on finds the node on which a job's newest attempt is.
func (r *rig) on(id scheduler.JobID) scheduler.NodeID { r.t.Helper(); return r.get(id).Job.Node }

// settled counts the settle facts of each job.
func (r *rig) settled() map[scheduler.JobID]int {
	r.t.Helper()
	claimed, err := r.facts.Claim(r.t.Context(), scheduler.TopicSettle, 10000, time.Now())
	require.NoError(r.t, err)
	out := make(map[scheduler.JobID]int)
	for _, c := range claimed {
		out[scheduler.JobID(c.ID)]++
	}
	return out
}

// as is a context of a user.
func as(ctx context.Context, account principal.Account) context.Context {
	return principal.With(ctx, principal.Principal{Tenant: principal.DefaultTenant, Account: account, Scopes: []principal.Scope{principal.ScopeUser}})
}

// escrow is an Escrow whose answers a test sets.
type escrow struct {
	mu     sync.Mutex // guards what follows
	answer func(h scheduler.Hold) error
	down   error
	asked  []scheduler.Hold
}

// away is an escrow that does not answer.
func away() *escrow { return &escrow{down: errors.New("away")} }

func (e *escrow) Hold(_ context.Context, holds []scheduler.Hold) ([]error, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.asked = append(e.asked, holds...)
	if e.down != nil {
		return nil, e.down
	}
	out := make([]error, len(holds))
	for i, h := range holds {
		if e.answer != nil {
			out[i] = e.answer(h)
		}
	}
	return out, nil
}

// set lets the escrow answer every hold with err, or no call at all where down is not nil.
func (e *escrow) set(down, err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.down, e.answer = down, func(scheduler.Hold) error { return err }
}

func (e *escrow) holds() []scheduler.Hold {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.asked)
}

func quorum(k, n int) *scheduler.Trust { return &scheduler.Trust{Replicas: n, Quorum: k} }

func texts(log []scheduler.LogLine) []string {
	out := make([]string, len(log))
	for i, l := range log {
		out[i] = fmt.Sprintf("%s: %s", l.State, l.Text)
	}
	return out
}
