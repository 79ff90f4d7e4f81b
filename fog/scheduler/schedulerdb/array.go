package schedulerdb

import (
	"context"
	"database/sql"
	"slices"

	"github.com/fogcompute/fogcompute/fog/scheduler"
)

func waitColumns() []column { return []column{{"awaits", "text"}, {"job", "text"}} }

// waitRows are the rows of what a new job waits for.
func waitRows(j *scheduler.Job) []row {
	if len(j.After) == 0 || !waits(j.State) {
		return nil
	}
	rows := make([]row, len(j.After))
	for i := range j.After {
		rows[i] = row{string(j.After[i].Job), string(j.ID)}
	}
	return rows
}

// waits reports whether a job in this state may not have been queued yet.
func waits(s scheduler.State) bool {
	return s == scheduler.Pending || s == scheduler.Blocked || s == scheduler.Paused
}

// counted is how many jobs behind a name are in a state.
type counted struct {
	name  scheduler.JobID
	state scheduler.State
	jobs  int64
}

func scanCounted(rows *sql.Rows) (c counted, err error) {
	return c, rows.Scan(&c.name, &c.state, &c.jobs)
}

func scanID(rows *sql.Rows) (id scheduler.JobID, err error) { return id, rows.Scan(&id) }

// Outcomes implements scheduler.Arrays.
func (s *Store) Outcomes(ctx context.Context, names []scheduler.JobID) (map[scheduler.JobID]scheduler.Outcome, error) {
	out := make(map[scheduler.JobID]scheduler.Outcome, len(names))
	for _, text := range []string{s.lookups.arrays, s.lookups.states} {
		names = slices.DeleteFunc(slices.Clone(names), func(n scheduler.JobID) bool { return out[n] != nil })
		if len(names) == 0 {
			break
		}
		counts, err := lookup(ctx, s, text, cleanAll(names), scanCounted)
		if err != nil {
			return nil, failed("outcomes", err)
		}
		for _, c := range counts {
			if out[c.name] == nil {
				out[c.name] = scheduler.Outcome{}
			}
			out[c.name][c.state] += c.jobs
		}
	}
	return out, nil
}

// Tasks implements scheduler.Arrays.
func (s *Store) Tasks(ctx context.Context, array scheduler.JobID) ([]scheduler.JobID, error) {
	ids, err := lookup(ctx, s, s.lookups.tasks, cleanAll([]scheduler.JobID{array}), scanID)
	return ids, failed("tasks", err)
}

// Waiting implements scheduler.Arrays.
func (s *Store) Waiting(ctx context.Context, names []scheduler.JobID) ([]scheduler.JobID, error) {
	if len(names) == 0 {
		return nil, nil
	}
	ids, err := lookup(ctx, s, s.lookups.waiting, cleanAll(names), scanID)
	return ids, failed("waiting", err)
}
