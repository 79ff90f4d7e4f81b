package scheduler

import (
	"context"
	"database/sql"
	"math"
	"strings"
	"time"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
	"github.com/fogcompute/fogcompute/fog/internal/id"
	"github.com/fogcompute/fogcompute/fog/principal"
)

// Submit stores jobs, asks for their funds and queues them, or lets them wait for what they come after; each submission has an
// answer of its own, in the same order, and they are accepted or refused as if they came one by one. It is idempotent for
// submissions with a Key. An array is stored, and funded or refused, as a whole. A job whose funds could not be asked for, because
// the escrow does not answer within Config.HoldRetry, is returned as Pending and asked for again later. The error is of kind Unavailable when the outcome of
// all is unknown.
func (s *Scheduler) Submit(ctx context.Context, submissions []Submission) ([]Submitted, error) {
	c, err := s.begin(ctx, submissions, true)
	if err != nil {
		return nil, fault.Wrap(StepSubmit, err)
	}
	all := callings{c}
	insert := func(ins []Insertion) ([]judged, error) { return s.inserts.Do(ctx, ins...) }
	for level := range c.levels {
		if err := all.store(ctx, level, insert); err != nil {
			return nil, fault.Wrap(StepSubmit, err)
		}
	}
	all.settle(ctx)
	return c.out, nil
}

// SubmitTx stores jobs inside the caller's transaction: they exist exactly if it commits. Nothing is asked or queued
// before; that is the planner's, within Config.Poll. Quota.MaxQueued is not looked at, as the caller has the database. It is of
// kind Unavailable where the store has no such ability.
func (s *Scheduler) SubmitTx(ctx context.Context, tx *sql.Tx, submissions []Submission) ([]Submitted, error) {
	if s.cfg.Abilities.InsertTx == nil {
		return nil, fault.New(fault.Unavailable, StepSubmit, "this store cannot join a transaction")
	}
	c, err := s.begin(ctx, submissions, false)
	if err != nil {
		return nil, fault.Wrap(StepSubmit, err)
	}
	insert := func(ins []Insertion) ([]judged, error) {
		for k := range ins {
			ins[k].each((*Job).hurry)
		}
		answers, err := s.cfg.Abilities.InsertTx(ctx, tx, ins)
		return unjudged(answers), err
	}
	for level := range c.levels {
		if err := (callings{c}).store(ctx, level, insert); err != nil {
			return nil, fault.Wrap(StepSubmit, err)
		}
	}
	return c.out, nil
}

// hurry lets the planner look at a new job at once.
func (j *Job) hurry() {
	if j.State == Pending || j.State == Blocked {
		j.ReadyAt, j.DueAt = j.Submitted, j.Submitted
	}
}

// calling is one call of Submit or SubmitTx under way.
type calling struct {
	s      *Scheduler
	by     principal.Principal
	now    time.Time
	asked  []Submission // complete
	out    []Submitted
	names  []string // of all jobs of the call, in the order of the submissions
	first  []int    // of each submission: the index of its first name
	level  []int    // of each submission: when it is stored; nil where all are stored at once
	levels int
	after  map[int][]Dependency // of each submission that comes after others, with the identifiers of stored jobs
	fresh  []stored             // what is new and not settled yet

	doubt []bool // of each submission, whether its trust adapts though it does not say so
	// inTurn is set where the answer to a submission may depend on what became of those before it, as the caller's quota bounds
	// the jobs that wait: then none is stored before one that precedes it.
	inTurn bool
	// silent is set once the escrow has not answered: this call does not wait for it again.
	silent bool
}

// begin authorizes a call and checks its submissions; those that are wrong have their errors in out.
func (s *Scheduler) begin(ctx context.Context, submissions []Submission, bounded bool) (*calling, error) {
	c := &calling{s: s, by: principal.From(ctx), now: s.now(), levels: 1}
	r := principal.Resource{Kind: "jobs", Tenant: c.by.Tenant, Owner: c.by.Account}
	if err := s.cfg.Authorize.Authorize(ctx, c.by, StepSubmit, r); err != nil {
		return nil, err
	}
	if bounded && len(submissions) > 1 {
		quotas, err := s.allowance(ctx)
		if err != nil {
			return nil, err
		}
		c.inTurn = quotas[account{c.by.Tenant, c.by.Account}].MaxQueued > 0
	}
	c.asked = make([]Submission, len(submissions))
	c.out = make([]Submitted, len(submissions))
	c.first = make([]int, len(submissions))
	jobs := 0
	for i := range submissions {
		b, err := submissions[i].complete(&s.cfg, c.now)
		if err == nil {
			err = s.possible(ctx, c.by.Tenant, &b.Demand)
		}
		c.asked[i], c.out[i].Err, c.first[i] = b, err, jobs
		if err == nil {
			jobs += b.tasks()
		}
	}
	var err error
	if c.doubt, err = s.doubts(ctx, c.by.Tenant, submissions, c.asked); err != nil {
		return nil, err
	}
	c.names = id.Series(c.now, s.cfg.Random, jobs)
	c.order()
	return c, nil
}

// tasks is the number of jobs that a complete submission makes.
func (b *Submission) tasks() int { return max(1, b.Count) }

// stored is one insertion with the store's answer.
type stored struct {
	Insertion
	Inserted
}

// judged is the store's answer with the quota's; where that is not admitted or repeated the store's is empty.
type judged struct {
	Inserted
	verdict verdict
}

func unjudged(answers []Inserted) []judged {
	out := make([]judged, len(answers))
	for i := range answers {
		out[i].Inserted = answers[i]
	}
	return out
}

// callings are calls that are stored and settled together.
type callings []*calling

// store prices and stores the submissions of one level. Those that have to wait for what becomes of others are stored after these have
// been settled.
func (all callings) store(ctx context.Context, level int, insert func([]Insertion) ([]judged, error)) error {
	waves := make([]wave, len(all))
	for i, c := range all {
		var err error
		if waves[i], err = c.admit(ctx, level); err != nil {
			return err
		}
	}
	return all.storeWaves(ctx, waves, insert)
}

// storeWaves stores what was admitted, wave i that of call i.
func (all callings) storeWaves(ctx context.Context, waves []wave, insert func([]Insertion) ([]judged, error)) error {
	for {
		ins := joined(waves)
		if len(ins) == 0 {
			return nil
		}
		answers, err := insert(ins)
		if err != nil {
			return err
		}
		inTurn := len(all) > 1
		for i, c := range all {
			n := len(waves[i].ins)
			waves[i] = c.accept(waves[i], answers[:n])
			answers, inTurn = answers[n:], inTurn || c.inTurn
		}
		if inTurn {
			all.settle(ctx)
		}
	}
}

// joined are the insertions of all waves, as one call of the store takes them.
func joined(waves []wave) []Insertion {
	if len(waves) == 1 {
		return waves[0].ins
	}
	var ins []Insertion
	for i := range waves {
		ins = append(ins, waves[i].ins...)
	}
	return ins
}

// wave is what a call is about to store: insertions, and of which of its submissions they are.
type wave struct {
	ins []Insertion
	at  []int
}

// accept takes the store's answers in. What it is too early to tell about is left for the next time.
func (c *calling) accept(w wave, answers []judged) wave {
	later := 0
	for k, i := range w.at {
		if answers[k].verdict == early {
			w.ins[later], w.at[later] = w.ins[k], i
			later++
			continue
		}
		c.out[i] = answer(&w.ins[k].Job, answers[k].Inserted)
		if answers[k].Job.ID == "" && w.ins[k].Known {
			c.out[i].Err = c.dear(i, &w.ins[k].Job)
		}
		if s := answers[k].Job.State; answers[k].Fresh && (s == Pending || s == Blocked) {
			c.fresh = append(c.fresh, stored{w.ins[k], answers[k].Inserted})
		}
	}
	return wave{w.ins[:later], w.at[:later]}
}

// settle asks for the funds of the calls' new jobs, in the order of their submissions and with one question, and looks at what they come after.
func (all callings) settle(ctx context.Context) {
	var jobs []*Job
	var waiting []JobID
	for _, c := range all {
		if len(c.fresh) == 0 {
			continue
		}
		if c.levels > 1 {
			sortBy(c.fresh, func(a, b *stored) int { return strings.Compare(string(a.Insertion.Job.ID), string(b.Insertion.Job.ID)) })
		}
		if !c.silent {
			jobs = append(jobs, unfunded(c.fresh)...)
		}
		waiting = append(waiting, blocked(c.fresh)...)
		c.fresh = nil
	}
	s := all[0].s
	funded := s.fund(ctx, jobs)
	released := s.released(ctx, waiting)
	for _, c := range all {
		c.silent = c.silent || len(jobs) > 0 && len(funded) == 0
		c.update(funded)
		c.update(released)
	}
}

// answer is what the store's answer means to the submitter.
func answer(asked *Job, got Inserted) Submitted {
	a := Submitted{Job: got.Job, Fresh: got.Fresh}
	switch {
	case got.Job.ID == "":
		a = Submitted{Err: fault.New(fault.Limited, StepSubmit, "as many jobs as the quota allows wait already")}
	case asked.BodyDigest != got.Job.BodyDigest:
		a = Submitted{Err: fault.Newf(fault.Conflict, StepSubmit, "key %q was used for another submission", asked.Key)}
	case got.Job.State == Refused:
		a.Err = fault.New(fault.Insufficient, StepSubmit, got.Job.Reason)
	}
	return a
}

// update puts jobs as they are now into the answers.
func (c *calling) update(now map[JobID]Job) {
	if len(now) == 0 {
		return
	}
	for i := range c.out {
		if job, ok := now[c.out[i].Job.ID]; ok {
			c.out[i] = answer(&c.out[i].Job, Inserted{Job: job, Fresh: c.out[i].Fresh})
		}
	}
}

// admit makes the insertions of one level.
func (c *calling) admit(ctx context.Context, level int) (wave, error) {
	if err := c.resolve(ctx, level); err != nil {
		return wave{}, err
	}
	at := make([]int, 0, len(c.asked))
	heads := make([]Job, 0, len(c.asked)) // of an array the first task stands for all
	for i := range c.asked {
		if c.out[i].Err == nil && c.at(i) == level {
			at = append(at, i)
			head := c.asked[i].job(c.by, JobID(c.names[c.first[i]]), c.now)
			head.After, head.Trust.Adaptive = c.after[i], head.Trust.Adaptive || c.doubt[i]
			heads = append(heads, head)
		}
	}
	if len(at) == 0 {
		return wave{}, nil
	}
	prices, err := c.s.cfg.Pricer.Quote(ctx, heads)
	if err != nil {
		return wave{}, err
	}
	ins := make([]Insertion, len(heads))
	births := make(births)
	for k, i := range at {
		head := &heads[k]
		c.s.bear(head, prices[k])
		ins[k] = Insertion{Job: *head, Tally: births.of(head), News: c.s.cfg.Feed >= 0}
		if ins[k].Known = c.dear(i, head) != nil; ins[k].Known {
			continue // whatever it costs now, a repeated one answers with its job
		}
		if head.Count > 1 {
			ins[k].Rest = head.rest(c.names[c.first[i]+1:c.first[i]+head.Count], c.asked[i].Task.Args)
		}
	}
	return wave{ins, at}, nil
}

// dear refuses a job that is quoted more than its submission allows.
func (c *calling) dear(i int, j *Job) error {
	most := c.asked[i].MaxPrice
	if most == 0 || j.Quote <= most {
		return nil
	}
	return fault.Newf(fault.Insufficient, StepSubmit,
		"the job is quoted %s FOG and its max_price is %s: raise max_price, ask for less, or submit it again when the price has fallen", j.Quote.inFOG(), most.inFOG())
}

// possible refuses an unusually great demand that no node of the tenant could ever meet.
func (s *Scheduler) possible(ctx context.Context, tenant principal.Tenant, d *Demand) error {
	most := usual()
	room := most.capacity()
	room.DiskMB, room.MbitPS = maxDiskMB, maxMbitPS
	lacking := room.short(d)
	if lacking == dimNone {
		return nil
	}
	nodes, err := s.cfg.Store.Nodes(ctx, tenant)
	if err != nil {
		return err
	}
	for i := range nodes {
		if lacking = nodes[i].Capacity.short(d); lacking == dimNone {
			return nil
		}
	}
	return fault.Field(StepSubmit, lacking.field(), "no node is that large")
}

// bear prices a new job and puts it where it starts: before the queue if its funds are to be held or if it waits for others,
// else into it.
func (s *Scheduler) bear(j *Job, price Price) {
	j.Price = max(price, 0)
	j.Quote = Price(math.MaxInt64)
	if n := Price(j.Trust.paid()); j.Price <= math.MaxInt64/n {
		j.Quote = j.Price * n
	}
	j.Order = orderOf(j.Submitted, j.Priority, s.params().PriorityStep)
	d := draft{Record: &Record{Job: *j}, now: j.Submitted, rules: s.rules()}
	if s.cfg.Escrow == nil || j.Quote == 0 {
		d.proceed("submitted")
	} else {
		d.askLater()
		d.say("submitted")
	}
	d.Job.DueAt = d.due()
	*j = d.Job
}

// maxInsert is about how many jobs are stored in one transaction.
const maxInsert = 16 * maxBatch

// insert is what the combiner of submissions runs.
func (s *Scheduler) insert(ctx context.Context, ins []Insertion) ([]judged, error) {
	verdicts, err := s.limit(ctx, ins)
	if err != nil {
		return nil, fault.Wrap("scheduler.insert", err)
	}
	out := make([]judged, 0, len(ins))
	for len(out) < len(ins) {
		first, end, jobs := len(out), len(out), 0
		for end < len(ins) && jobs < maxInsert {
			jobs += 1 + len(ins[end].Rest)
			end++
		}
		stored, err := s.cfg.Store.Insert(ctx, ins[first:end])
		if err != nil {
			return nil, fault.Wrap("scheduler.insert", err)
		}
		s.cfg.Step(StepSubmit)
		s.tellBorn(stored)
		s.gong.strike()
		out = append(out, unjudged(stored)...)
	}
	for i, v := range verdicts {
		if v == limited || v == early { // whatever was stored after it under the same key
			out[i] = judged{verdict: v}
		}
	}
	return out, nil
}

// tellBorn wakes the planner for new jobs that are ready.
func (s *Scheduler) tellBorn(stored []Inserted) {
	var earliest time.Time
	for i := range stored {
		if j := &stored[i].Job; stored[i].Fresh && j.State == Queued && (earliest.IsZero() || j.ReadyAt.Before(earliest)) {
			earliest = j.ReadyAt
		}
	}
	if !earliest.IsZero() {
		s.marks.ready(earliest)
	}
}
