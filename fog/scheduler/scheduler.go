package scheduler

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"

	"github.com/fogcompute/fogcompute/fog/internal/batch"
	"github.com/fogcompute/fogcompute/fog/internal/duty"
	"github.com/fogcompute/fogcompute/fog/internal/fault"
	"github.com/fogcompute/fogcompute/fog/principal"
)

// Scheduler is the engine. Make one with New. It is safe for concurrent use.
type Scheduler struct {
	cfg   Config
	tuned atomic.Pointer[tuning]
	terms atomic.Pointer[allowance]

	inserts *batch.Combiner[Insertion, judged]
	ops     *batch.Combiner[op, outcome]
	looks   *batch.Combiner[[]NodeID, []Attempt]
	reads   *batch.Combiner[JobID, Record]
	fleets  *batch.Combiner[principal.Tenant, *fleet]
	bells   bells
	marks   marks
	ends    endings
	gong    gong
	views   views

	mu     sync.Mutex // guards what follows
	closed bool
	stops  map[int]context.CancelFunc // of each Run
	runs   int                        // ever started
	idle   sync.WaitGroup             // until each Run has returned

	optimiser OptimiserStats // guarded by mu
}

// maxBatch is the number of operations that share one commit.
const maxBatch = 1024

// New makes a scheduler and starts nothing. It fails with fault Invalid, naming the field, when the configuration cannot work.
func New(cfg Config) (*Scheduler, error) {
	cfg, err := cfg.complete()
	if err != nil {
		return nil, err
	}
	s := &Scheduler{
		cfg:   cfg,
		marks: newMarks(),
		ends:  newEndings(),
		stops: make(map[int]context.CancelFunc),
	}
	s.inserts = batch.New(maxBatch, s.insert)
	s.ops = batch.New(maxBatch, s.apply)
	s.looks = batch.New(maxBatch, s.look)
	s.reads = batch.New(maxBatch, s.read)
	s.fleets = batch.New(maxBatch, s.readFleets)
	return s, nil
}

// Run places jobs, follows timers and deletes what is older than the retention, whenever this server has the duty, and
// wakes waiting nodes. It returns nil when ctx ends or the scheduler is closed, and an error when the store fails; it may
// be run again then.
func (s *Scheduler) Run(ctx context.Context) error {
	ctx, stop, leave, err := s.enter(ctx)
	if err != nil {
		return err
	}
	defer leave()
	var watching sync.WaitGroup
	watching.Go(func() { s.watch(ctx) })
	watching.Go(func() { s.follow(ctx) })
	err = duty.Keep(ctx, s.cfg.Duties, DutyPlan, s.cfg.Holder, s.cfg.DutyTTL, s.cfg.Now, s.plan)
	stop()
	watching.Wait()
	if err != nil && !errors.Is(err, context.Canceled) {
		return fault.Wrap("scheduler.run", err)
	}
	return nil
}

// enter registers a Run, so that Close can stop it and wait until it leaves.
func (s *Scheduler) enter(ctx context.Context) (inner context.Context, stop, leave func(), err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, nil, nil, fault.New(fault.Unavailable, "scheduler.run", "the scheduler is closed")
	}
	inner, stop = context.WithCancel(ctx)
	s.runs++
	number := s.runs
	s.stops[number] = stop
	s.idle.Add(1)
	return inner, stop, func() {
		stop()
		s.mu.Lock()
		delete(s.stops, number)
		s.mu.Unlock()
		s.idle.Done()
	}, nil
}

// Close ends every Run and returns when they have ended. Further calls do nothing. Calls other than Run go on working: the
// store is its opener's to close.
func (s *Scheduler) Close() error {
	s.mu.Lock()
	s.closed = true
	for _, stop := range s.stops {
		stop()
	}
	s.mu.Unlock()
	s.idle.Wait()
	return nil
}

// Get reads a job with its attempts. Errors are of kind NotFound, Denied and Unavailable.
func (s *Scheduler) Get(ctx context.Context, id JobID) (Record, error) {
	const op = "scheduler.get"
	records, err := s.reads.Do(ctx, id)
	if err != nil {
		return Record{}, fault.Wrap(op, err)
	}
	if records[0].Job.ID == "" {
		return Record{}, fault.Newf(fault.NotFound, op, "no job %q", id)
	}
	if err := s.allow(ctx, principal.From(ctx), "scheduler.read", &records[0].Job); err != nil {
		return Record{}, fault.Wrap(op, err)
	}
	return records[0], nil
}

// read loads the jobs that many callers ask for at once; the zero Record for each that is unknown.
func (s *Scheduler) read(ctx context.Context, ids []JobID) ([]Record, error) {
	records, err := s.cfg.Store.Load(ctx, ids)
	if err != nil {
		return nil, err
	}
	byID := make(map[JobID]*Record, len(records))
	for i := range records {
		byID[records[i].Job.ID] = &records[i]
	}
	out := make([]Record, len(ids))
	for i, id := range ids {
		if r := byID[id]; r != nil {
			out[i] = r.copy() // two callers may have asked for the same job
		}
	}
	return out, nil
}

// Records reads jobs with their attempts, of all tenants, for the operator of the default tenant, who runs the
// installation; everybody else gets those that they may read. Unknown ones are left out and the order is not defined.
func (s *Scheduler) Records(ctx context.Context, ids []JobID) ([]Record, error) {
	records, err := s.cfg.Store.Load(ctx, ids)
	if err != nil {
		return nil, fault.Wrap("scheduler.records", err)
	}
	p := principal.From(ctx)
	if installation(p) {
		return records, nil
	}
	kept := records[:0]
	for i := range records {
		if s.allow(ctx, p, "scheduler.read", &records[i].Job) == nil {
			kept = append(kept, records[i])
		}
	}
	return kept, nil
}

// installation reports whether the principal runs the installation as a whole.
func installation(p principal.Principal) bool {
	return p.Has(principal.ScopeHouse) || p.Tenant == principal.DefaultTenant && p.Has(principal.ScopeOperator)
}

// Tenants names the tenants that have jobs. It is for the house and for the operator of the default tenant, who runs the
// installation. Errors are of kind Denied and Unavailable.
func (s *Scheduler) Tenants(ctx context.Context) ([]principal.Tenant, error) {
	const op = "scheduler.tenants"
	if !installation(principal.From(ctx)) {
		return nil, fault.New(fault.Denied, op, "only the operator of the installation may see its tenants")
	}
	tenants, err := s.cfg.Store.Tenants(ctx)
	return tenants, fault.Wrap(op, err)
}

// List reads one page of jobs, newest first, without their tasks, logs and results. The query's tenant is the caller's
// (the house names any); who may not see every owner's jobs gets its own. Errors are of kind Invalid (cursor), Denied and Unavailable.
func (s *Scheduler) List(ctx context.Context, q JobQuery) (JobPage, error) {
	const op = "scheduler.list"
	p := principal.From(ctx)
	if !p.Has(principal.ScopeHouse) {
		q.Tenant = p.Tenant
	}
	err := s.allowList(ctx, p, q.Owner)
	if err != nil && q.Owner == "" {
		q.Owner = p.Account
		err = s.allowList(ctx, p, q.Owner)
	}
	if err != nil {
		return JobPage{}, fault.Wrap(op, err)
	}
	page, err := s.cfg.Store.Find(ctx, q)
	return page, fault.Wrap(op, err)
}

func (s *Scheduler) allowList(ctx context.Context, p principal.Principal, owner principal.Account) error {
	return s.cfg.Authorize.Authorize(ctx, p, "scheduler.list", principal.Resource{Kind: "jobs", Tenant: p.Tenant, Owner: owner})
}

// allow asks whether the principal may do something with a job.
func (s *Scheduler) allow(ctx context.Context, p principal.Principal, a principal.Action, j *Job) error {
	return s.cfg.Authorize.Authorize(ctx, p, a, principal.Resource{Kind: "job", ID: string(j.ID), Tenant: j.Tenant, Owner: j.Owner})
}

// Cancel ends a job that is not validated yet; nodes that run it are told at their next claim. Errors are of kind NotFound,
// Denied, Conflict (naming the job's state) and Unavailable.
func (s *Scheduler) Cancel(ctx context.Context, id JobID) (Job, error) {
	return s.command(ctx, id, StepCancel, (*draft).cancel)
}

// Pause takes a job out of the queue and off its nodes until Resume. There are no checkpoints: what its attempts have done so
// far is given up, without counting as a failure. Errors are those of Cancel.
func (s *Scheduler) Pause(ctx context.Context, id JobID) (Job, error) {
	return s.command(ctx, id, StepPause, (*draft).pause)
}

// Resume puts a paused job back. Errors are those of Cancel.
func (s *Scheduler) Resume(ctx context.Context, id JobID) (Job, error) {
	return s.command(ctx, id, StepResume, (*draft).resume)
}

// command applies a caller's wish to one job.
func (s *Scheduler) command(ctx context.Context, id JobID, step string, decide func(*draft) error) (Job, error) {
	jobs, errs, err := s.commandAll(ctx, []JobID{id}, step, decide)
	if err != nil {
		return Job{}, fault.Wrap(step, err)
	}
	return jobs[0], errs[0]
}

// commandAll applies a caller's wish to jobs, in one commit.
func (s *Scheduler) commandAll(ctx context.Context, ids []JobID, step string, decide func(*draft) error) ([]Job, []error, error) {
	p := principal.From(ctx)
	ops := make([]op, len(ids))
	for i, id := range ids {
		ops[i] = op{job: id, step: step, decide: func(d *draft) error {
			if err := s.allow(ctx, p, principal.Action(step), &d.Job); err != nil {
				return err
			}
			return decide(d)
		}}
	}
	out, err := s.ops.Do(ctx, ops...)
	if err != nil {
		return nil, nil, err
	}
	jobs, errs := make([]Job, len(out)), make([]error, len(out))
	var waiting []JobID
	for i := range out {
		jobs[i], errs[i] = out[i].record.Job, out[i].err
		switch {
		case errs[i] != nil:
		case jobs[i].State == Pending:
			s.marks.timer()
		case jobs[i].State == Blocked:
			waiting = append(waiting, jobs[i].ID)
		}
	}
	if released := s.released(ctx, waiting); len(released) > 0 {
		for i := range jobs {
			if j, ok := released[jobs[i].ID]; ok {
				jobs[i] = j
			}
		}
	}
	return jobs, errs, nil
}
