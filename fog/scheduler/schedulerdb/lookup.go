package schedulerdb

import (
	"context"
	"database/sql"
	"encoding/json"
	"sync"
)

// lookups are the queries of rows by their identifiers, on which every step of every job waits. Their texts never change,
// so SQLite keeps them prepared: it takes longer to understand them than to answer them.
type lookups struct {
	jobs, attempts, live, liveOfNodes, nodes, nodesOfTenant string
	usage, usageOfTenant                                    string
	states, arrays, tasks, waiting                          string
}

func newLookups(dialect Dialect, c columns) lookups {
	among := " IN (SELECT value FROM json_each(?1))"
	if dialect == Postgres {
		among = " = ANY ($1::text::text[])"
	}
	live := "SELECT " + c.live + " FROM fog_scheduler_attempts WHERE state IN ('placed', 'running', 'suspended')"
	usage := "SELECT node, count(*)"
	for _, c := range []string{"milli_cpu", "memory_mb", "milli_gpu", "disk_mb", "mbit_ps"} {
		usage += ", CAST(sum(" + c + ") AS BIGINT)"
	}
	usage += " FROM fog_scheduler_attempts WHERE state IN ('placed', 'running', 'suspended')"
	nodes := "SELECT " + names(nodeColumns()) + " FROM fog_scheduler_nodes"
	return lookups{
		jobs:          "SELECT " + c.job + " FROM fog_scheduler_jobs WHERE id" + among,
		attempts:      "SELECT " + c.attempt + " FROM fog_scheduler_attempts WHERE job" + among,
		live:          live,
		liveOfNodes:   live + " AND node" + among,
		nodes:         nodes + " ORDER BY id",
		nodesOfTenant: nodes + " WHERE tenant" + among + " ORDER BY id",
		usage:         usage + " GROUP BY node",
		usageOfTenant: usage + " AND tenant" + among + " GROUP BY node",
		states:        "SELECT id, state, 1 FROM fog_scheduler_jobs WHERE id" + among,
		arrays: "SELECT array_id, state, count(*) FROM fog_scheduler_jobs WHERE array_id <> '' AND array_id" + among +
			" GROUP BY array_id, state",
		tasks:   "SELECT id FROM fog_scheduler_jobs WHERE array_id <> '' AND array_id" + among + " ORDER BY array_index",
		waiting: "SELECT DISTINCT job FROM fog_scheduler_waits WHERE awaits" + among,
	}
}

// lookup runs one of the lookups. Without identifiers it must be one that asks for none.
func lookup[T any](ctx context.Context, s *Store, text string, ids []string, scan func(*sql.Rows) (T, error)) ([]T, error) {
	var args []any
	if len(ids) > 0 {
		list, err := s.list(ids)
		if err != nil {
			return nil, err
		}
		args = append(args, list)
	}
	rows, err := s.readers.query(ctx, s.d.Dialect, s.d.Read.DB, text, args)
	if err != nil {
		return nil, err
	}
	return drain(rows, scan)
}

// list is identifiers as the parameter of a lookup.
func (s *Store) list(ids []string) (string, error) {
	if s.d.Dialect == SQLite {
		text, err := json.Marshal(ids)
		return string(text), err
	}
	rows := make([]row, len(ids))
	for i, id := range ids {
		rows[i] = row{id}
	}
	return arrays(rows)[0].(string), nil
}

// readers keeps lookups prepared on SQLite's readers, and on PostgreSQL nothing, as prepared does.
type readers struct {
	mu    sync.Mutex // guards stmts
	stmts map[string]*sql.Stmt
}

func (r *readers) query(ctx context.Context, dialect Dialect, pool *sql.DB, text string, args []any) (*sql.Rows, error) {
	if dialect == Postgres {
		return pool.QueryContext(ctx, text, args...)
	}
	stmt, err := r.get(ctx, pool, text)
	if err != nil {
		return nil, err
	}
	return stmt.QueryContext(ctx, args...)
}

func (r *readers) get(ctx context.Context, pool *sql.DB, text string) (*sql.Stmt, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if stmt := r.stmts[text]; stmt != nil {
		return stmt, nil
	}
	stmt, err := pool.PrepareContext(ctx, text)
	if err != nil {
		return nil, err
	}
	if r.stmts == nil {
		r.stmts = map[string]*sql.Stmt{}
	}
	r.stmts[text] = stmt
	return stmt, nil
}
