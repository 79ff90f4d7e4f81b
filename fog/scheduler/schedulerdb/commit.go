package schedulerdb

import (
	"cmp"
	"context"
	"maps"
	"slices"

	"github.com/uptrace/bun"

	"github.com/fogcompute/fogcompute/fog/internal/db"
	"github.com/fogcompute/fogcompute/fog/internal/fault"
	"github.com/fogcompute/fogcompute/fog/scheduler"
)

// Commit implements scheduler.Jobs.
func (s *Store) Commit(ctx context.Context, fence scheduler.Fence, changes []scheduler.Change) ([]bool, error) {
	c, err := s.commitment(fence, changes)
	if err != nil {
		return nil, err
	}
	stmts, err := s.prepared.get(ctx, s.d.Dialect, s.writes)
	if err != nil {
		return nil, err
	}
	var done committed
	err = db.Tx(ctx, s.d, func(ctx context.Context, tx bun.Tx) error {
		done, err = c.run(ctx, &transaction{Tx: tx.Tx, dialect: s.d.Dialect, stmts: stmts}, tx)
		return err
	})
	if err != nil {
		return nil, failed("commit", err)
	}
	s.notify(done.facts)
	return done.written, nil
}

// commitment is a call of Commit, ready to be run in a transaction.
type commitment struct {
	s        *Store
	fence    scheduler.Fence
	changes  []scheduler.Change
	jobs     []row   // in the order of their identifiers
	attempts [][]row // of each change
}

// committed is what a run of it did.
type committed struct {
	written []bool
	facts   []scheduler.Fact
}

// commitment makes the rows, outside of any transaction.
func (s *Store) commitment(fence scheduler.Fence, changes []scheduler.Change) (*commitment, error) {
	c := &commitment{s: s, fence: fence, changes: changes, jobs: make([]row, len(changes)), attempts: make([][]row, len(changes))}
	for i := range changes {
		record := changes[i].Record
		r, err := updatedJob(changes[i].Was, &record.Job)
		if err != nil {
			return nil, fault.Wrap("schedulerdb.commit", err)
		}
		c.jobs[i] = r
		for k := range record.Attempts {
			r, err := attemptRow(&record.Job, &record.Attempts[k])
			if err != nil {
				return nil, fault.Wrap("schedulerdb.commit", err)
			}
			c.attempts[i] = append(c.attempts[i], r)
		}
	}
	slices.SortFunc(c.jobs, func(a, b row) int { return cmp.Compare(a[0].(string), b[0].(string)) })
	return c, nil
}

// run writes the changes that are not stale.
func (c *commitment) run(ctx context.Context, t *transaction, tx bun.IDB) (committed, error) {
	if err := db.CheckFence(ctx, tx, t.dialect, c.fence); err != nil {
		return committed{}, err
	}
	jobs, err := c.unbonded(ctx, t)
	if err != nil {
		return committed{}, err
	}
	previous, err := c.update(ctx, t, jobs)
	if err != nil {
		return committed{}, err
	}
	done := committed{written: make([]bool, len(c.changes))}
	var attempts, free, events []row
	sums := newSums()
	for i := range c.changes {
		one := &c.changes[i]
		job := &one.Record.Job
		was, ok := previous[clean(string(job.ID))]
		if !ok {
			continue
		}
		done.written[i] = true
		done.facts = append(done.facts, one.Facts...)
		attempts = append(attempts, c.attempts[i]...)
		sums.add(job.Tenant, one.Tally)
		sums.count(job, was, -1)
		sums.count(job, string(job.State), 1)
		if one.News {
			events = append(events, eventRow(job, one.Now))
		}
		if len(job.After) > 0 && waits(scheduler.State(was)) && !waits(job.State) {
			free = append(free, row{string(job.ID)})
		}
	}
	if _, err := t.run(ctx, c.s.writes.dropWaits, free); err != nil {
		return committed{}, err
	}
	if _, err := t.run(ctx, c.s.writes.saveAttempts, attempts); err != nil {
		return committed{}, err
	}
	if _, err := t.run(ctx, c.s.writes.insertEvents, events); err != nil {
		return committed{}, err
	}
	if err := c.s.appendFacts(ctx, tx, done.facts); err != nil {
		return committed{}, err
	}
	return done, sums.save(ctx, t, c.s.writes)
}

// update writes the rows of the jobs and answers their states before, by identifier. Those that yield come last: a
// transaction that skips what others have locked waits for nobody, so it closes no ring of waiting ones.
func (c *commitment) update(ctx context.Context, t *transaction, jobs []row) (map[string]string, error) {
	yields := make(map[string]bool)
	for i := range c.changes {
		if c.changes[i].Yield {
			yields[clean(string(c.changes[i].Record.Job.ID))] = true
		}
	}
	var firm, yielding []row
	for _, r := range jobs {
		if yields[clean(r[0].(string))] {
			yielding = append(yielding, r)
		} else {
			firm = append(firm, r)
		}
	}
	previous, err := t.run(ctx, c.s.writes.updateJobs, firm)
	if err != nil {
		return nil, err
	}
	skipped, err := t.run(ctx, c.s.writes.updateFreeJobs, yielding)
	if previous == nil {
		previous = skipped
	}
	maps.Copy(previous, skipped)
	return previous, err
}
