package schedulerdb

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

	"github.com/fogcompute/fogcompute/fog/internal/db"
	"github.com/fogcompute/fogcompute/fog/scheduler"
)

// fixedAttemptColumns are the columns of an attempt that are written once.
func fixedAttemptColumns() []column {
	return []column{
		{"job", "text"}, {"slot", "bigint"}, {"token", "bigint"}, {"tenant", "text"},
		{"node", "text"}, {"node_owner", "text"},
		{"milli_cpu", "bigint"}, {"memory_mb", "bigint"}, {"milli_gpu", "bigint"}, {"executor", "text"},
		{"price", "bigint"}, {"placed", "bigint"}, {"owner", "text"},
		{"tier", "text"}, {"job_group", "text"}, {"disk_mb", "bigint"}, {"mbit_ps", "bigint"}, {"gpus", "bigint"}, {"span_ns", "bigint"},
	}
}

// changingAttemptColumns are the columns of an attempt that are written with each change.
func changingAttemptColumns() []column {
	return []column{
		{"state", "text"}, {"started", "bigint"}, {"lease_until", "bigint"}, {"since", "bigint"}, {"end_by", "bigint"},
		{"ended", "bigint"}, {"class", "text"}, {"reason", "text"}, {"progress", "float8"}, {"evict_at", "bigint"}, {"evict_for", "text"}, {"result", "text"},
	}
}

// scannedAttemptColumns are the columns that make a scheduler.Attempt, in the order in which scanAttempt reads them.
func scannedAttemptColumns() []column {
	return append(fixedAttemptColumns(), changingAttemptColumns()...)
}

// attemptColumns are all columns of an attempt: those of the Attempt and the creator of its job.
func attemptColumns() []column {
	return append(scannedAttemptColumns(), column{"creator", "text"})
}

// attemptRow returns the values of attemptColumns for an attempt of a job.
func attemptRow(j *scheduler.Job, a *scheduler.Attempt) (row, error) {
	result, err := nested(a.Result == nil, a.Result)
	if err != nil {
		return nil, fmt.Errorf("result of attempt %s: %w", a.ID, err)
	}
	return row{
		string(a.Job), int64(a.Slot), a.Token, string(a.Tenant),
		string(a.Node), string(a.NodeOwner),
		a.Demand.MilliCPU, a.Demand.MemoryMB, a.Demand.MilliGPU, a.Demand.Executor,
		int64(a.Price), db.Micros(a.Placed), string(a.Owner),
		string(a.Tier), a.Group, a.Demand.DiskMB, a.Demand.MbitPS, int64(a.GPUs), int64(a.Span),
		string(a.State), db.Micros(a.Started), db.Micros(a.LeaseUntil), db.Micros(a.Since), db.Micros(a.EndBy),
		db.Micros(a.Ended), string(a.Class), a.Reason, a.Progress, db.Micros(a.EvictAt), string(a.EvictFor), result,
		string(j.Creator),
	}, nil
}

// scanAttempt reads a row of scannedAttemptColumns.
func scanAttempt(rows *sql.Rows) (scheduler.Attempt, error) {
	var a scheduler.Attempt
	var result sql.RawBytes
	var placed, gpus, span, started, leaseUntil, since, endBy, ended, evictAt int64
	err := rows.Scan(&a.Job, &a.Slot, &a.Token, &a.Tenant, &a.Node, &a.NodeOwner,
		&a.Demand.MilliCPU, &a.Demand.MemoryMB, &a.Demand.MilliGPU, &a.Demand.Executor, &a.Price, &placed, &a.Owner,
		&a.Tier, &a.Group, &a.Demand.DiskMB, &a.Demand.MbitPS, &gpus, &span,
		&a.State, &started, &leaseUntil, &since, &endBy, &ended, &a.Class, &a.Reason, &a.Progress, &evictAt, &a.EvictFor, &result)
	if err != nil {
		return a, err
	}
	a.ID = scheduler.NewAttemptID(a.Job, a.Slot, a.Token)
	a.GPUs, a.Span, a.EvictAt = uint64(gpus), time.Duration(span), db.Time(evictAt)
	a.Placed, a.Started, a.LeaseUntil = db.Time(placed), db.Time(started), db.Time(leaseUntil)
	a.Since, a.EndBy, a.Ended = db.Time(since), db.Time(endBy), db.Time(ended)
	if len(result) > 0 {
		if err := json.Unmarshal(result, &a.Result); err != nil {
			return a, fmt.Errorf("attempt %s: %w", a.ID, err)
		}
	}
	return a, nil
}
