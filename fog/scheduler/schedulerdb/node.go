package schedulerdb

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/uptrace/bun"

	"github.com/fogcompute/fogcompute/fog/internal/db"
	"github.com/fogcompute/fogcompute/fog/internal/fault"
	"github.com/fogcompute/fogcompute/fog/principal"
	"github.com/fogcompute/fogcompute/fog/scheduler"
)

// followingNodeColumns are the columns of a node that each save writes.
func followingNodeColumns() []column {
	return []column{
		{"tenant", "text"}, {"owner", "text"}, {"state", "text"}, {"reasons", "text"},
		{"milli_cpu", "bigint"}, {"memory_mb", "bigint"}, {"milli_gpu", "bigint"}, {"executors", "text"},
		{"trust", "float8"}, {"labels", "text"}, {"speed", "float8"}, {"source", "bigint"}, {"updated", "bigint"},
		{"disk_mb", "bigint"}, {"mbit_ps", "bigint"}, {"taints", "text"},
		{"idle_watts", "float8"}, {"watts_per_core", "float8"}, {"ask", "bigint"},
	}
}

// nodeColumns are all columns of a node. The last four are written when it is first saved.
func nodeColumns() []column {
	all := append([]column{{"id", "text"}}, followingNodeColumns()...)
	return append(all, column{"creator", "text"}, column{"drained", "boolean"}, column{"marks", "text"}, column{"version", "bigint"})
}

// nodeRow returns the values of nodeColumns.
func nodeRow(n *scheduler.Node) (row, error) {
	reasons, err := nested(len(n.Reasons) == 0, n.Reasons)
	if err != nil {
		return nil, fmt.Errorf("reasons of node %s: %w", n.ID, err)
	}
	executors, err := nested(len(n.Executors) == 0, n.Executors)
	if err != nil {
		return nil, fmt.Errorf("executors of node %s: %w", n.ID, err)
	}
	labels, err := nested(len(n.Labels) == 0, n.Labels)
	if err != nil {
		return nil, fmt.Errorf("labels of node %s: %w", n.ID, err)
	}
	taints, err := nested(len(n.Taints) == 0, n.Taints)
	if err != nil {
		return nil, fmt.Errorf("taints of node %s: %w", n.ID, err)
	}
	return row{
		string(n.ID), string(n.Tenant), string(n.Owner), string(n.State), reasons,
		n.Capacity.MilliCPU, n.Capacity.MemoryMB, n.Capacity.MilliGPU, executors,
		n.Trust, labels, n.Speed, n.Source, db.Micros(n.Updated),
		n.Capacity.DiskMB, n.Capacity.MbitPS, taints, n.IdleWatts, n.WattsPerCore, int64(n.Ask),
		string(n.Owner), false, "", int64(1),
	}, nil
}

// scanNode reads a row of nodeColumns.
func scanNode(rows *sql.Rows) (scheduler.Node, error) {
	var n scheduler.Node
	var reasons, executors, labels, taints, marks, creator sql.RawBytes
	var updated int64
	err := rows.Scan(&n.ID, &n.Tenant, &n.Owner, &n.State, &reasons,
		&n.Capacity.MilliCPU, &n.Capacity.MemoryMB, &n.Capacity.MilliGPU, &executors,
		&n.Trust, &labels, &n.Speed, &n.Source, &updated,
		&n.Capacity.DiskMB, &n.Capacity.MbitPS, &taints, &n.IdleWatts, &n.WattsPerCore, &n.Ask, &creator, &n.Drained, &marks, &n.Version)
	if err != nil {
		return n, err
	}
	n.Updated = db.Time(updated)
	for _, column := range []struct {
		text sql.RawBytes
		into any
	}{{reasons, &n.Reasons}, {executors, &n.Executors}, {labels, &n.Labels}, {taints, &n.Taints}, {marks, &n.Marks}} {
		if len(column.text) == 0 {
			continue
		}
		if err := json.Unmarshal(column.text, column.into); err != nil {
			return n, fmt.Errorf("node %s: %w", n.ID, err)
		}
	}
	return n, nil
}

// SaveNodes implements scheduler.Nodes.
func (s *Store) SaveNodes(ctx context.Context, fence scheduler.Fence, nodes []scheduler.Node) error {
	rows := make([]row, len(nodes))
	for i := range nodes {
		r, err := nodeRow(&nodes[i])
		if err != nil {
			return fault.Wrap("schedulerdb.nodes", err)
		}
		rows[i] = r
	}
	slices.SortStableFunc(rows, func(a, b row) int { return cmp.Compare(a[0].(string), b[0].(string)) })
	stmts, err := s.prepared.get(ctx, s.d.Dialect, s.writes)
	if err != nil {
		return err
	}
	return failed("nodes", db.Tx(ctx, s.d, func(ctx context.Context, tx bun.Tx) error {
		if err := db.CheckFence(ctx, tx, s.d.Dialect, fence); err != nil {
			return err
		}
		t := &transaction{Tx: tx.Tx, dialect: s.d.Dialect, stmts: stmts}
		for rest := rows; len(rest) > 0; {
			n := distinct(rest)
			if _, err := t.run(ctx, s.writes.saveNodes, rest[:n]); err != nil {
				return err
			}
			rest = rest[n:]
		}
		return nil
	}))
}

// distinct is the number of rows before the first that repeats the identifier before it: one statement can write a row
// only once.
func distinct(rows []row) int {
	for i := 1; i < len(rows); i++ {
		if rows[i][0] == rows[i-1][0] {
			return i
		}
	}
	return len(rows)
}

// Nodes implements scheduler.Nodes.
func (s *Store) Nodes(ctx context.Context, tenant principal.Tenant) ([]scheduler.Node, error) {
	text, tenants := s.lookups.nodes, []string(nil)
	if tenant != "" {
		text, tenants = s.lookups.nodesOfTenant, []string{clean(string(tenant))}
	}
	nodes, err := lookup(ctx, s, text, tenants, scanNode)
	return nodes, failed("nodes", err)
}

// Usage implements scheduler.Nodes.
func (s *Store) Usage(ctx context.Context, tenant principal.Tenant) ([]scheduler.Usage, error) {
	text, tenants := s.lookups.usage, []string(nil)
	if tenant != "" {
		text, tenants = s.lookups.usageOfTenant, []string{clean(string(tenant))}
	}
	usage, err := lookup(ctx, s, text, tenants, func(rows *sql.Rows) (scheduler.Usage, error) {
		var u scheduler.Usage
		c := &u.Used
		err := rows.Scan(&u.Node, &u.Live, &c.MilliCPU, &c.MemoryMB, &c.MilliGPU, &c.DiskMB, &c.MbitPS)
		return u, err
	})
	return usage, failed("usage", err)
}

// SetDrain implements scheduler.Nodes.
func (s *Store) SetDrain(ctx context.Context, id scheduler.NodeID, drained bool, now time.Time) error {
	return failed("drain", db.Tx(ctx, s.d, func(ctx context.Context, tx bun.Tx) error {
		result, err := tx.ExecContext(ctx, "UPDATE fog_scheduler_nodes SET drained = ?, updated = ?, version = version + 1 WHERE id = ?",
			drained, db.Micros(now), clean(string(id)))
		if err != nil {
			return err
		}
		if n, err := result.RowsAffected(); err != nil || n > 0 {
			return err
		}
		return fault.Newf(fault.NotFound, "scheduler.drain", "no node %q", id)
	}))
}

// SetMarks implements scheduler.Nodes.
func (s *Store) SetMarks(ctx context.Context, id scheduler.NodeID, marks scheduler.Marks, now time.Time) error {
	text, err := nested(len(marks.Labels)+len(marks.Taints) == 0, marks)
	if err != nil {
		return fault.Wrap("schedulerdb.marks", err)
	}
	return failed("marks", db.Tx(ctx, s.d, func(ctx context.Context, tx bun.Tx) error {
		result, err := tx.ExecContext(ctx, "UPDATE fog_scheduler_nodes SET marks = ?, updated = ?, version = version + 1 WHERE id = ?",
			clean(text), db.Micros(now), clean(string(id)))
		if err != nil {
			return err
		}
		if n, err := result.RowsAffected(); err != nil || n > 0 {
			return err
		}
		return fault.Newf(fault.NotFound, "scheduler.mark", "no node %q", id)
	}))
}

// DeleteNodes implements scheduler.Nodes.
func (s *Store) DeleteNodes(ctx context.Context, ids []scheduler.NodeID) error {
	if len(ids) == 0 {
		return nil
	}
	return failed("nodes", db.Tx(ctx, s.d, func(ctx context.Context, tx bun.Tx) error {
		_, err := tx.ExecContext(ctx, "DELETE FROM fog_scheduler_nodes WHERE id IN (?)", bun.List(cleanAll(ids)))
		return err
	}))
}
