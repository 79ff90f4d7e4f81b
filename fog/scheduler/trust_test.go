package scheduler_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
	"github.com/fogcompute/fogcompute/fog/principal"
	"github.com/fogcompute/fogcompute/fog/scheduler"
)

// doubts is an auditor that has everything of some nodes compared.
type doubts struct {
	mu    sync.Mutex // guards what follows
	of    map[scheduler.NodeID]bool
	asked []scheduler.Question
	err   error
	known bool // there are no strangers
}

func (d *doubts) Strangers(context.Context, principal.Tenant) (bool, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return !d.known, d.err
}

func (d *doubts) Check(_ context.Context, asked []scheduler.Question) ([]bool, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.asked = append(d.asked, asked...)
	answers := make([]bool, len(asked))
	for i, q := range asked {
		answers[i] = d.of[q.Node]
	}
	return answers, d.err
}

func (d *doubts) fail(err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.err = err
}

func adaptive() scheduler.Submission {
	return scheduler.Submission{Trust: &scheduler.Trust{Replicas: 1, Quorum: 1, Adaptive: true}}
}

// inDoubt runs a test on a rig of which the node "a" is doubted, and what is believed alone held back for an hour.
func inDoubt(t *testing.T, test func(t *testing.T, r *rig, d *doubts)) {
	t.Helper()
	d := &doubts{of: map[scheduler.NodeID]bool{"a": true}}
	inBubble(t, scheduler.Config{Auditor: d, HoldBack: time.Hour}, func(t *testing.T, r *rig) { test(t, r, d) })
}

// judged lists the jobs of which a fact says that they were judged.
func (r *rig) judged() (jobs []scheduler.JobID) {
	r.t.Helper()
	claimed, err := r.facts.Claim(r.t.Context(), scheduler.TopicJudge, 100, time.Now().Add(1000*time.Hour))
	require.NoError(r.t, err)
	for _, c := range claimed {
		jobs = append(jobs, scheduler.JobID(c.ID))
	}
	return jobs
}

// next has the next attempt of a job end, wherever it is placed.
func (r *rig) next(id scheduler.JobID, end func(scheduler.Offer) scheduler.Report) scheduler.ReportVerdict {
	r.t.Helper()
	for range 1000 {
		if g := r.claim(scheduler.Claim{Node: r.on(id), Take: 9}); len(g.Offers) == 1 {
			return r.report(end(g.Offers[0]))
		}
		r.wait(time.Second)
	}
	require.Fail(r.t, "it is never placed", "%+v", r.get(id))
	return scheduler.ReportVerdict{}
}

func says(out string) func(scheduler.Offer) scheduler.Report {
	return func(o scheduler.Offer) scheduler.Report { return done(o, out) }
}

func states(r scheduler.Record) (states []scheduler.AttemptState) {
	for _, a := range r.Attempts {
		if a.State != scheduler.AttemptExpired { // not fetched in time
			states = append(states, a.State)
		}
	}
	return states
}

// TestBelievedAlone: the result of a node that is not doubted stands by itself, and vests when it was held back.
func TestBelievedAlone(t *testing.T) {
	inDoubt(t, func(t *testing.T, r *rig, d *doubts) {
		r.nodes("b")
		job := r.submit(adaptive())
		require.Equal(t, 2*r.get(job).Job.Price, r.get(job).Job.Quote)
		offer := r.fetch("b")
		v := r.report(done(offer, "x"))
		require.Equal(t, scheduler.Validated, v.Job)
		require.Equal(t, scheduler.AttemptValid, v.State)
		require.Equal(t, []scheduler.Question{{Tenant: "default", Attempt: offer.Attempt, Node: "b", Executor: "wasm"}}, d.asked)
		require.Equal(t, []scheduler.JobID{job}, r.judged())
		require.Equal(t, scheduler.Validated, r.report(done(offer, "x")).Job, "the same report again asks nothing")
		require.Len(t, d.asked, 1)
		r.wait(59 * time.Minute)
		require.Equal(t, scheduler.Validated, r.state(job))
		r.wait(2 * time.Minute)
		require.Equal(t, scheduler.Vested, r.state(job))
		require.Empty(t, r.judged())
	})
}

// TestCompared: the result of a node that is doubted is computed once more, by another owner's node, and both are paid at once.
func TestCompared(t *testing.T) {
	inDoubt(t, func(t *testing.T, r *rig, _ *doubts) {
		r.nodes("a")
		same := node("a2")
		same.Owner = "device:a"
		job := r.submit(adaptive())
		require.Equal(t, scheduler.Queued, r.next(job, says("x")).Job)
		r.sync(same)
		r.wait(time.Minute)
		require.Len(t, r.get(job).Attempts, 1, "a node of the same owner is no witness")
		require.Empty(t, r.judged())
		r.nodes("b")
		require.Equal(t, scheduler.Vested, r.next(job, says("x")).Job)
		require.Equal(t, []scheduler.AttemptState{scheduler.AttemptValid, scheduler.AttemptValid}, states(r.get(job)))
		require.Equal(t, []scheduler.JobID{job}, r.judged())
	})
}

// TestContradicted: where the two differ a third one decides, also about a program that is said to have failed.
func TestContradicted(t *testing.T) {
	for name, lie := range map[string]func(scheduler.Offer) scheduler.Report{
		"another result": func(o scheduler.Offer) scheduler.Report { return done(o, "lies") },
		"a failure":      func(o scheduler.Offer) scheduler.Report { return exit(o, 3) },
	} {
		t.Run(name, func(t *testing.T) {
			inDoubt(t, func(t *testing.T, r *rig, _ *doubts) {
				r.nodes("a")
				job := r.submit(adaptive())
				require.Equal(t, scheduler.Queued, r.report(done(r.fetch("a"), "truth")).Job)
				r.nodes("b")
				require.Equal(t, scheduler.Queued, r.next(job, lie).Job)
				r.nodes("c")
				require.Equal(t, scheduler.Vested, r.next(job, says("truth")).Job)
				record := r.get(job)
				require.Equal(t, "truth", string(record.Job.Result.Stdout))
				require.Equal(t, []scheduler.AttemptState{scheduler.AttemptValid, scheduler.AttemptInvalid, scheduler.AttemptValid}, states(record))
			})
		})
	}
}

// TestAudit: what was believed alone is compared after all, stands or falls, and nobody who waits for it is told twice.
func TestAudit(t *testing.T) {
	for name, lies := range map[string]bool{"it stands": false, "it falls": true} {
		t.Run(name, func(t *testing.T) {
			inDoubt(t, func(t *testing.T, r *rig, _ *doubts) {
				r.nodes("b")
				job := r.submit(adaptive())
				out := map[bool]string{false: "truth", true: "lies"}[lies]
				require.Equal(t, scheduler.Validated, r.report(done(r.fetch("b"), out)).Job)
				finished := r.get(job).Job.Finished
				require.Equal(t, []scheduler.JobID{job}, r.judged())

				r.wait(time.Minute)
				require.NoError(t, r.Audit(t.Context(), []scheduler.JobID{job, "unknown"}))
				require.NoError(t, r.Audit(t.Context(), []scheduler.JobID{job}), "again changes nothing")
				record := r.get(job)
				require.Equal(t, scheduler.Queued, record.Job.State)
				require.Equal(t, 2, record.Job.Slots)
				require.Equal(t, out, string(record.Job.Result.Stdout), "it is shown meanwhile")
				_, err := r.Cancel(t.Context(), job)
				require.ErrorIs(t, err, &fault.Error{Kind: fault.Conflict})
				_, err = r.Pause(t.Context(), job)
				require.ErrorIs(t, err, &fault.Error{Kind: fault.Conflict})

				r.nodes("c", "d")
				r.wait(2 * time.Hour)
				r.next(job, says("truth"))
				if lies {
					r.next(job, says("truth"))
				}
				record = r.get(job)
				require.Equal(t, scheduler.Vested, record.Job.State)
				require.Equal(t, "truth", string(record.Job.Result.Stdout))
				require.Equal(t, lies, record.Job.Finished.After(finished))
				require.Equal(t, lies, record.Attempts[0].State == scheduler.AttemptInvalid)
				require.Equal(t, []scheduler.JobID{job}, r.judged())
				require.NoError(t, r.Audit(t.Context(), []scheduler.JobID{job}))
				require.Equal(t, scheduler.Vested, r.state(job), "what has vested is not audited")
			})
		})
	}
}

// TestAuditComesToNothing: as many results as nodes, a deadline that passes, nodes that fail: the result stands, and nobody is blamed.
func TestAuditComesToNothing(t *testing.T) {
	inDoubt(t, func(t *testing.T, r *rig, _ *doubts) {
		r.nodes("b")
		b := adaptive()
		b.Deadline = time.Now().Add(10 * time.Minute)
		job := r.submit(b)
		require.Equal(t, scheduler.Validated, r.report(done(r.fetch("b"), "first")).Job)
		require.NoError(t, r.Audit(t.Context(), []scheduler.JobID{job}))
		r.wait(time.Hour)
		require.Equal(t, scheduler.Queued, r.state(job), "its deadline was met")
		r.nodes("c", "d", "e")
		for _, out := range []string{"second", "third", "fourth"} {
			r.next(job, says(out))
		}
		record := r.get(job)
		require.Equal(t, scheduler.Vested, record.Job.State)
		require.Equal(t, "first", string(record.Job.Result.Stdout))
		require.Equal(t, []scheduler.AttemptState{
			scheduler.AttemptValid, scheduler.AttemptCancelled, scheduler.AttemptCancelled, scheduler.AttemptCancelled,
		}, states(record))

		job = r.submit(adaptive())
		require.Equal(t, scheduler.Validated, r.next(job, says("first")).Job)
		require.NoError(t, r.Audit(t.Context(), []scheduler.JobID{job}))
		breaks := func(o scheduler.Offer) scheduler.Report { return failed(o, scheduler.ClassDevice) }
		for range scheduler.TermsOf(scheduler.Bronze).Limits.Device - 1 {
			require.Equal(t, scheduler.Queued, r.next(job, breaks).Job)
		}
		require.Equal(t, scheduler.Vested, r.next(job, breaks).Job)
		record = r.get(job)
		require.Equal(t, scheduler.AttemptValid, record.Attempts[0].State)
	})
}

// TestAuditorIsAway: the result waits until somebody decides, whatever happens meanwhile.
func TestAuditorIsAway(t *testing.T) {
	inDoubt(t, func(t *testing.T, r *rig, d *doubts) {
		r.nodes("b")
		d.fail(errors.New("no answer"))
		job := r.submit(adaptive())
		require.Equal(t, scheduler.Reported, r.report(done(r.fetch("b"), "x")).Job)
		r.wait(time.Minute)
		require.Equal(t, scheduler.Reported, r.state(job))
		_, err := r.Pause(t.Context(), job)
		require.NoError(t, err)
		_, err = r.Resume(t.Context(), job)
		require.NoError(t, err)
		require.Equal(t, scheduler.Reported, r.state(job))
		d.fail(nil)
		r.wait(10 * time.Second)
		require.Equal(t, scheduler.Validated, r.state(job))
	})
}

// TestTrustAdaptsToStrangers: as far as nobody says otherwise. What is submitted again under its key is the same, whoever has come meanwhile.
func TestTrustAdaptsToStrangers(t *testing.T) {
	inDoubt(t, func(t *testing.T, r *rig, d *doubts) {
		trust := func(b scheduler.Submission) string {
			t.Helper()
			out := r.try(b)
			require.NoError(t, out.Err)
			return out.Job.Trust.String()
		}
		d.known = true
		require.Equal(t, "none", trust(scheduler.Submission{Key: "k"}))
		d.known = false
		require.Equal(t, "none", trust(scheduler.Submission{Key: "k"}))
		require.Equal(t, "adaptive", trust(scheduler.Submission{}))
		require.Equal(t, "none", trust(scheduler.Submission{Trust: quorum(1, 1)}))
		require.Equal(t, "quorum:2", trust(scheduler.Submission{Tier: scheduler.Platinum}))
		d.fail(errors.New("away"))
		_, err := r.Submit(t.Context(), []scheduler.Submission{{Name: "open"}})
		require.Error(t, err)
		_, err = r.Submit(t.Context(), []scheduler.Submission{{Name: "said", Trust: quorum(1, 1)}})
		require.NoError(t, err)
	})
}

func TestAdaptiveNeedsAnAuditor(t *testing.T) {
	inBubble(t, scheduler.Config{}, func(t *testing.T, r *rig) {
		require.ErrorContains(t, r.try(adaptive()).Err, "nobody here knows")
	})
}

func TestAuditIsForTheOperator(t *testing.T) {
	inDoubt(t, func(t *testing.T, r *rig, _ *doubts) {
		require.ErrorIs(t, r.Audit(as(t.Context(), "ann"), nil), &fault.Error{Kind: fault.Denied})
	})
}
