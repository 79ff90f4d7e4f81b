package schedulerdb

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

	"github.com/fogcompute/fogcompute/fog/internal/db"
	"github.com/fogcompute/fogcompute/fog/scheduler"
)

// fixedJobColumns are the columns of a job that are written once.
func fixedJobColumns() []column {
	return []column{
		{"id", "text"}, {"tenant", "text"}, {"owner", "text"}, {"creator", "text"}, {"key", "text"},
		{"body_digest", "text"}, {"name", "text"}, {"tier", "text"},
		{"milli_cpu", "bigint"}, {"memory_mb", "bigint"}, {"milli_gpu", "bigint"}, {"executor", "text"},
		{"task", "text"}, {"replicas", "bigint"}, {"quorum", "bigint"},
		{"estimate_ns", "bigint"}, {"max_runtime_ns", "bigint"}, {"deadline", "bigint"}, {"data_mb", "float8"},
		{"price", "bigint"}, {"quote", "bigint"}, {"submitted", "bigint"},
		{"disk_mb", "bigint"}, {"mbit_ps", "bigint"}, {"priority", "bigint"}, {"order_at", "bigint"},
		{"array_id", "text"}, {"array_index", "bigint"}, {"array_count", "bigint"}, {"gang", "boolean"}, {"traits", "text"},
	}
}

// changingJobColumns are the columns of a job that are written with each version.
func changingJobColumns() []column {
	return []column{
		{"state", "text"}, {"resume", "text"}, {"reason", "text"}, {"progress", "float8"}, {"node", "text"},
		{"slots", "bigint"}, {"queued", "bigint"}, {"started", "bigint"}, {"finished", "bigint"},
		{"ready_at", "bigint"}, {"due_at", "bigint"}, {"next_token", "bigint"},
		{"failures", "text"}, {"result", "text"}, {"log", "text"}, {"boost", "bigint"}, {"version", "bigint"},
	}
}

// jobColumns are the columns that make a scheduler.Job, in the order in which scanJob reads them.
func jobColumns() []column { return append(fixedJobColumns(), changingJobColumns()...) }

// writtenJobColumns appends the columns that are written with each version: the changing ones, and the rank that follows from them.
func writtenJobColumns(to []column) []column {
	return append(append(to, changingJobColumns()...), column{"rank", "bigint"})
}

// insertedJobColumns are all columns of a new job: those of the Job and those that only the database uses.
func insertedJobColumns() []column {
	return append(writtenJobColumns(fixedJobColumns()), column{"previous", "text"})
}

// fixedJob returns the values of fixedJobColumns.
func fixedJob(j *scheduler.Job) (row, error) {
	task, err := json.Marshal(&j.Task)
	if err != nil {
		return nil, fmt.Errorf("task of job %s: %w", j.ID, err)
	}
	traits, err := traitsOf(j)
	if err != nil {
		return nil, fmt.Errorf("traits of job %s: %w", j.ID, err)
	}
	return row{
		string(j.ID), string(j.Tenant), string(j.Owner), string(j.Creator), j.Key,
		j.BodyDigest, j.Name, string(j.Tier),
		j.Demand.MilliCPU, j.Demand.MemoryMB, j.Demand.MilliGPU, j.Demand.Executor,
		string(task), int64(j.Trust.Replicas), int64(j.Trust.Quorum),
		int64(j.Estimate), int64(j.MaxRuntime), db.Micros(j.Deadline), j.DataMB,
		int64(j.Price), int64(j.Quote), db.Micros(j.Submitted),
		j.Demand.DiskMB, j.Demand.MbitPS, int64(j.Priority), db.Micros(j.Order),
		string(j.Array), int64(j.Index), int64(j.Count), j.Gang, traits,
	}, nil
}

// jobTraits are what few jobs have: they share a column.
type jobTraits struct {
	Group       string                 `json:"group,omitempty"`
	DataAt      string                 `json:"dataAt,omitempty"`
	Constraints scheduler.Constraints  `json:"constraints,omitzero"`
	After       []scheduler.Dependency `json:"after,omitempty"`
	Adaptive    bool                   `json:"adaptive,omitempty"`
	Compare     scheduler.Comparator   `json:"compare,omitzero"`
}

// traitsOf is the text of the column traits: empty where the job has none.
func traitsOf(j *scheduler.Job) (string, error) {
	t := jobTraits{Group: j.Group, DataAt: j.DataAt, Constraints: j.Constraints, After: j.After, Adaptive: j.Trust.Adaptive, Compare: j.Trust.Compare}
	c := &t.Constraints
	plain := len(c.Require)+len(c.Prefer)+len(c.Tolerate)+len(c.Spread)+len(t.After) == 0
	return nested(plain && t.Group == "" && t.DataAt == "" && c.Together == "" && !t.Adaptive && t.Compare == (scheduler.Comparator{}), t)
}

// changingJob appends the values of the written columns.
func changingJob(to row, j *scheduler.Job) (row, error) {
	failures, err := nested(len(j.Failures) == 0, j.Failures)
	if err != nil {
		return nil, fmt.Errorf("failures of job %s: %w", j.ID, err)
	}
	result, err := nested(j.Result == nil, j.Result)
	if err != nil {
		return nil, fmt.Errorf("result of job %s: %w", j.ID, err)
	}
	log, err := nested(len(j.Log) == 0, j.Log)
	if err != nil {
		return nil, fmt.Errorf("log of job %s: %w", j.ID, err)
	}
	return append(to,
		string(j.State), string(j.Resume), j.Reason, j.Progress, string(j.Node),
		int64(j.Slots), db.Micros(j.Queued), db.Micros(j.Started), db.Micros(j.Finished),
		db.Micros(j.ReadyAt), db.Micros(j.DueAt), j.NextToken,
		failures, result, log, int64(j.Boost), j.Version, rankOf(j),
	), nil
}

// insertedJob returns the values of insertedJobColumns.
func insertedJob(j *scheduler.Job) (row, error) {
	fixed, err := fixedJob(j)
	if err != nil {
		return nil, err
	}
	all, err := changingJob(fixed, j)
	if err != nil {
		return nil, err
	}
	return append(all, ""), nil
}

// updatedJob returns the values of text.updateJobs.
func updatedJob(was int64, j *scheduler.Job) (row, error) {
	return changingJob(row{string(j.ID), was}, j)
}

// rankOf is the column rank: the heavier the tier to which a job has risen, the smaller.
func rankOf(j *scheduler.Job) int64 { return -int64(scheduler.RankOf(j).Weight) }

// scanJob reads a row of jobColumns.
func scanJob(rows *sql.Rows) (scheduler.Job, error) {
	var j scheduler.Job
	var task, failures, result, log, traits sql.RawBytes
	var estimate, maxRuntime, deadline, submitted, order, queued, started, finished, readyAt, dueAt int64
	var more jobTraits
	err := rows.Scan(&j.ID, &j.Tenant, &j.Owner, &j.Creator, &j.Key, &j.BodyDigest, &j.Name, &j.Tier,
		&j.Demand.MilliCPU, &j.Demand.MemoryMB, &j.Demand.MilliGPU, &j.Demand.Executor,
		&task, &j.Trust.Replicas, &j.Trust.Quorum, &estimate, &maxRuntime, &deadline, &j.DataMB,
		&j.Price, &j.Quote, &submitted,
		&j.Demand.DiskMB, &j.Demand.MbitPS, &j.Priority, &order, &j.Array, &j.Index, &j.Count, &j.Gang, &traits,
		&j.State, &j.Resume, &j.Reason, &j.Progress, &j.Node, &j.Slots, &queued, &started, &finished,
		&readyAt, &dueAt, &j.NextToken, &failures, &result, &log, &j.Boost, &j.Version)
	if err != nil {
		return j, err
	}
	j.Estimate, j.MaxRuntime = time.Duration(estimate), time.Duration(maxRuntime)
	j.Deadline, j.Submitted, j.Queued = db.Time(deadline), db.Time(submitted), db.Time(queued)
	j.Order = db.Time(order)
	j.Started, j.Finished = db.Time(started), db.Time(finished)
	j.ReadyAt, j.DueAt = db.Time(readyAt), db.Time(dueAt)
	for _, column := range []struct {
		text sql.RawBytes
		into any
	}{{task, &j.Task}, {failures, &j.Failures}, {result, &j.Result}, {log, &j.Log}, {traits, &more}} {
		if len(column.text) == 0 {
			continue
		}
		if err := json.Unmarshal(column.text, column.into); err != nil {
			return j, fmt.Errorf("job %s: %w", j.ID, err)
		}
	}
	j.Group, j.DataAt, j.Constraints, j.After = more.Group, more.DataAt, more.Constraints, more.After
	j.Trust.Adaptive, j.Trust.Compare = more.Adaptive, more.Compare
	return j, nil
}

// nested is the text of a column with JSON: empty for nothing.
func nested(empty bool, v any) (string, error) {
	if empty {
		return "", nil
	}
	text, err := json.Marshal(v)
	return string(text), err
}
