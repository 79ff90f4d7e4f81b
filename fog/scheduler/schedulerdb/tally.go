package schedulerdb

import (
	"cmp"
	"context"
	"maps"
	"slices"

	"github.com/fogcompute/fogcompute/fog/principal"
	"github.com/fogcompute/fogcompute/fog/scheduler"
)

func tallyColumns() []column {
	return []column{{"tenant", "text"}, {"tier", "text"}, {"name", "text"}, {"lane", "bigint"}, {"value", "bigint"}}
}

func countColumns() []column {
	return []column{{"tenant", "text"}, {"owner", "text"}, {"tier", "text"}, {"state", "text"}, {"lane", "bigint"}, {"jobs", "bigint"}}
}

// sumKey names a row of fog_scheduler_tally or fog_scheduler_counts without its lane.
type sumKey struct {
	tenant, owner, tier, name string // a tally has no owner; a count's name is its state
}

func compareSums(a, b sumKey) int {
	return cmp.Or(cmp.Compare(a.tenant, b.tenant), cmp.Compare(a.owner, b.owner),
		cmp.Compare(a.tier, b.tier), cmp.Compare(a.name, b.name))
}

// sums collects what one transaction adds to the tallies and the counts.
type sums struct {
	tally, counts map[sumKey]int64
}

func newSums() sums { return sums{tally: map[sumKey]int64{}, counts: map[sumKey]int64{}} }

// add adds to the tallies of a tenant.
func (s sums) add(tenant principal.Tenant, tally scheduler.Tally) {
	for k, v := range tally {
		s.tally[sumKey{tenant: string(tenant), tier: string(k.Tier), name: k.Name}] += v
	}
}

// count adds n to the number of jobs like j in a state.
func (s sums) count(j *scheduler.Job, state string, n int64) {
	s.counts[sumKey{string(j.Tenant), string(j.Owner), string(j.Tier), state}] += n
}

// save writes the sums, in the order of their keys: it is the last thing that a transaction does, because everybody
// wants these rows.
func (s sums) save(ctx context.Context, t *transaction, w writes) error {
	counts := sumRows(s.counts, func(k sumKey, v int64) row { return row{k.tenant, k.owner, k.tier, k.name, t.lane, v} })
	if _, err := t.run(ctx, w.addCounts, counts); err != nil {
		return err
	}
	tally := sumRows(s.tally, func(k sumKey, v int64) row { return row{k.tenant, k.tier, k.name, t.lane, v} })
	_, err := t.run(ctx, w.addTally, tally)
	return err
}

// sumRows makes rows of the sums that change, in the order of their keys.
func sumRows(sums map[sumKey]int64, toRow func(sumKey, int64) row) []row {
	var rows []row
	for _, k := range slices.SortedFunc(maps.Keys(sums), compareSums) {
		if v := sums[k]; v != 0 {
			rows = append(rows, toRow(k, v))
		}
	}
	return rows
}

// Tally implements scheduler.Queue.
func (s *Store) Tally(ctx context.Context, tenant principal.Tenant) (map[scheduler.TallyKey]int64, error) {
	rows, err := s.d.Read.QueryContext(ctx,
		"SELECT tier, name, value FROM fog_scheduler_tally WHERE tenant = ?", clean(string(tenant)))
	if err != nil {
		return nil, failed("tally", err)
	}
	defer func() { _ = rows.Close() }()
	tally := scheduler.Tally{}
	for rows.Next() {
		var key scheduler.TallyKey
		var value int64
		if err := rows.Scan(&key.Tier, &key.Name, &value); err != nil {
			return nil, failed("tally", err)
		}
		tally[key] += value
	}
	return tally, failed("tally", rows.Err())
}
