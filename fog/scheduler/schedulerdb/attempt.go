package schedulerdb

import (
	"database/sql"
	"encoding/json"
	"fmt"

	"github.com/fogcompute/fogcompute/fog/internal/db"
	"github.com/fogcompute/fogcompute/fog/scheduler"
)

// fixedAttemptColumns are the columns of an attempt that are written once.
func fixedAttemptColumns() []column {
	return []column{
		{"job", "text"}, {"slot", "bigint"}, {"token", "bigint"}, {"tenant", "text"},
		{"node", "text"}, {"node_owner", "text"},
		{"milli_cpu", "bigint"}, {"memory_mb", "bigint"}, {"milli_gpu", "bigint"}, {"executor", "text"},
		{"price", "bigint"}, {"placed", "bigint"},
	}
}

// changingAttemptColumns are the columns of an attempt that are written with each change.
func changingAttemptColumns() []column {
	return []column{
		{"state", "text"}, {"started", "bigint"}, {"lease_until", "bigint"}, {"since", "bigint"}, {"end_by", "bigint"},
		{"ended", "bigint"}, {"class", "text"}, {"reason", "text"}, {"progress", "float8"}, {"result", "text"},
	}
}

// scannedAttemptColumns are the columns that make a scheduler.Attempt, in the order in which scanAttempt reads them.
func scannedAttemptColumns() []column {
	return append(fixedAttemptColumns(), changingAttemptColumns()...)
}

// attemptColumns are all columns of an attempt: those of the Attempt and those that it has from its job.
func attemptColumns() []column {
	return append(scannedAttemptColumns(), column{"owner", "text"}, column{"creator", "text"})
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
		int64(a.Price), db.Micros(a.Placed),
		string(a.State), db.Micros(a.Started), db.Micros(a.LeaseUntil), db.Micros(a.Since), db.Micros(a.EndBy),
		db.Micros(a.Ended), string(a.Class), a.Reason, a.Progress, result,
		string(j.Owner), string(j.Creator),
	}, nil
}

// scanAttempt reads a row of scannedAttemptColumns.
func scanAttempt(rows *sql.Rows) (scheduler.Attempt, error) {
	var a scheduler.Attempt
	var result sql.RawBytes
	var placed, started, leaseUntil, since, endBy, ended int64
	err := rows.Scan(&a.Job, &a.Slot, &a.Token, &a.Tenant, &a.Node, &a.NodeOwner,
		&a.Demand.MilliCPU, &a.Demand.MemoryMB, &a.Demand.MilliGPU, &a.Demand.Executor, &a.Price, &placed,
		&a.State, &started, &leaseUntil, &since, &endBy, &ended, &a.Class, &a.Reason, &a.Progress, &result)
	if err != nil {
		return a, err
	}
	a.ID = scheduler.NewAttemptID(a.Job, a.Slot, a.Token)
	a.Placed, a.Started, a.LeaseUntil = db.Time(placed), db.Time(started), db.Time(leaseUntil)
	a.Since, a.EndBy, a.Ended = db.Time(since), db.Time(endBy), db.Time(ended)
	if len(result) > 0 {
		if err := json.Unmarshal(result, &a.Result); err != nil {
			return a, fmt.Errorf("attempt %s: %w", a.ID, err)
		}
	}
	return a, nil
}
