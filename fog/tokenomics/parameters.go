package tokenomics

import (
	"bytes"
	"context"
	"encoding/json"
	"maps"
	"slices"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
	"github.com/fogcompute/fogcompute/fog/principal"
)

// versionKey is the key of the record of the version of all parameters. No parameter has such a key: it has no dot.
const versionKey = "version"

// parameterRow is the body of the record of a parameter that was ever set.
type parameterRow struct {
	Version int64           `json:"version"`         // of all parameters, since which it has this value
	Value   json.RawMessage `json:"value,omitempty"` // empty: its default

	// Emergency is the action that has given it the value, while that has effect, and Before its value without any emergency.
	Emergency ProposalID      `json:"emergency,omitempty"`
	Before    json.RawMessage `json:"before,omitempty"`
}

// Amendment is what a movement has done to a parameter. Empty values are defaults.
type Amendment struct {
	Key    string          `json:"key"`
	Before json.RawMessage `json:"before,omitempty"`
	After  json.RawMessage `json:"after,omitempty"`
}

// rows reads parameters, and the version of all of them. Errors: errMissing.
func (e *evaluation) rows(tenant principal.Tenant, keys ...string) (map[string]parameterRow, int64, error) {
	rows := make(map[string]parameterRow, len(keys)+1)
	missing := false
	for _, key := range append(slices.Clone(keys), versionKey) {
		row, _, known, err := fetch[parameterRow](e, RecordRef{tenant, ClassParameter, key})
		if err != nil {
			return nil, 0, err
		}
		missing = missing || !known
		if row != nil {
			rows[key] = *row
		}
	}
	if missing {
		return nil, 0, errMissing
	}
	version := rows[versionKey].Version
	delete(rows, versionKey)
	return rows, version, nil
}

// snapshotOf returns the values that rows give.
func snapshotOf(rows map[string]parameterRow, version int64) (Snapshot, error) {
	values := make(map[string]json.RawMessage, len(rows))
	for key, row := range rows {
		if len(row.Value) > 0 {
			values[key] = row.Value
		}
	}
	return NewSnapshot(version, values)
}

// governance returns the rules of now with their defaults, and the version of the parameters. Errors: errMissing.
func (e *evaluation) governance(tenant principal.Tenant) (Governance, int64, error) {
	rules, version, err := overlaid(e, tenant, e.rules.knobs, e.rules.governance)
	return rules.filled(), version, err
}

// valid checks that values can be put into force over those of now. What no engine takes any more counts as not set, so that it does not stand in
// the way of others. Errors: errMissing, Invalid.
func (e *evaluation) valid(it *item, tenant principal.Tenant, values map[string]json.RawMessage) error {
	if len(values) == 0 {
		return nil
	}
	var keys []string
	for _, p := range e.rules.registry.Parameters() {
		keys = append(keys, p.Key)
	}
	rows, version, err := e.rows(tenant, keys...)
	if err != nil {
		return err
	}
	now, err := snapshotOf(rows, version)
	if err != nil {
		return err
	}
	good, _ := e.rules.registry.Accept(Snapshot{}, now)
	next, err := good.With(version+1, values)
	if err == nil {
		err = e.rules.registry.Validate(next)
	}
	if err == nil {
		return nil
	}
	return &fault.Error{Kind: fault.Invalid, Op: it.op(), Field: fault.FieldOf(err), Detail: fault.Detail(err)}
}

// change is what a movement does to parameters.
type change struct {
	docket  *docket
	version int64
	rows    map[string]parameterRow // as they will be
	effect  *effect                 // of an emergency
	stakes  *stakes                 // brought up to now, if parameters of staking change
}

// plan compares values with what the proposal was made for, asks the engines, and prepares the next version. Errors: errMissing,
// Conflict, Invalid.
func (d *docket) plan(values map[string]json.RawMessage) (*change, error) {
	keys := slices.Sorted(maps.Keys(values))
	if len(keys) == 0 {
		return &change{docket: d}, nil
	}
	rows, version, err := d.e.rows(d.tenant, keys...)
	if err != nil {
		return nil, err
	}
	for _, key := range keys {
		if rows[key].Version > d.Based {
			return nil, fault.Newf(fault.Conflict, d.it.op(), "%s was changed by version %d of the parameters, proposal %s was made for version %d: propose it again",
				key, rows[key].Version, d.id, d.Based)
		}
	}
	if err := d.e.valid(d.it, d.tenant, values); err != nil {
		return nil, err
	}
	c := &change{docket: d, version: version + 1, rows: map[string]parameterRow{}}
	for _, key := range keys {
		old, next := rows[key], parameterRow{Version: c.version, Value: values[key]}
		if bytes.Equal(next.Value, []byte("null")) {
			next.Value = nil
		}
		if d.Kind == EmergencyAction {
			next.Emergency, next.Before = d.id, old.Value
			if old.Emergency != 0 { // of an emergency on an emergency nothing stays
				next.Before = old.Before
			}
		}
		c.set(key, old, next)
	}
	if d.Kind == EmergencyAction {
		c.effect, d.minutes.Effect = &effect{keys}, d.until()
	}
	return c, c.endEra()
}

// restore prepares the version in which an emergency action has no effect any more. What was changed since stays. Errors: errMissing.
func (d *docket) restore(keys []string) (*change, error) {
	rows, version, err := d.e.rows(d.tenant, keys...)
	if err != nil {
		return nil, err
	}
	c := &change{docket: d, version: version + 1, rows: map[string]parameterRow{}}
	for _, key := range keys {
		if old := rows[key]; old.Emergency == d.id {
			c.set(key, old, parameterRow{Version: c.version, Value: old.Before})
		}
	}
	return c, c.endEra()
}

// set notes a new row.
func (c *change) set(key string, old, next parameterRow) {
	c.rows[key] = next
	m := &c.docket.minutes
	m.Version = c.version
	m.Changes = append(m.Changes, Amendment{Key: key, Before: old.Value, After: next.Value})
}

// write writes the new version.
func (c *change) write() error {
	if len(c.rows) == 0 {
		return nil
	}
	d := c.docket
	if c.stakes != nil {
		if err := c.stakes.save(); err != nil {
			return err
		}
	}
	d.Version, d.e.parameters = c.version, nil
	rows := maps.Clone(c.rows)
	rows[versionKey] = parameterRow{Version: c.version}
	for key, row := range rows {
		ref := RecordRef{d.tenant, ClassParameter, key}
		if err := d.e.put(d.it, Record{RecordRef: ref, Owner: Account(principal.Operator), Creator: d.it.creator}, row); err != nil {
			return err
		}
	}
	if c.effect == nil {
		return nil
	}
	return d.e.put(d.it, Record{
		RecordRef: RecordRef{d.tenant, ClassEffect, d.id.key()}, Owner: d.Proposer, Creator: d.it.creator, Due: d.until(),
	}, c.effect)
}

// parameterPage is how many parameters are read at once, parameterTries how often they may change meanwhile.
const (
	parameterPage  = 1000
	parameterTries = 16
)

// Parameters returns the parameters of the caller's tenant as they stand: the values that proposals have set, at the greatest version that
// is committed, on whatever server. While nothing changes it costs one row. Errors: Denied, Unavailable.
func (t *Tokenomics) Parameters(ctx context.Context) (Snapshot, error) {
	const op = "tokenomics.parameters"
	tenant, err := t.citizen(ctx, op)
	if err != nil {
		return Snapshot{}, err
	}
	before, err := t.parameterVersion(ctx, tenant)
	for range parameterTries {
		if err != nil {
			return Snapshot{}, fault.Wrap(op, err)
		}
		if known, ok := t.snapshots.Load(tenant); ok && known.(Snapshot).Version() == before {
			return known.(Snapshot), nil
		}
		var values Snapshot
		if values, err = t.readParameters(ctx, tenant, before); err != nil {
			return Snapshot{}, fault.Wrap(op, err)
		}
		after := int64(0)
		if after, err = t.parameterVersion(ctx, tenant); err == nil && after == before {
			t.snapshots.Store(tenant, values)
			return values, nil
		}
		before = after
	}
	return Snapshot{}, fault.New(fault.Unavailable, op, "the parameters keep changing: ask again")
}

// ParametersChanged returns a channel that is closed when this server has committed a change of parameters. Changes by other servers
// are found by asking Parameters now and then.
func (t *Tokenomics) ParametersChanged() <-chan struct{} { return t.changed.listen() }

// parameterVersion reads the version of all parameters.
func (t *Tokenomics) parameterVersion(ctx context.Context, tenant principal.Tenant) (int64, error) {
	ref := RecordRef{tenant, ClassParameter, versionKey}
	loaded, err := t.store.Load(ctx, Wanted{Records: []RecordRef{ref}})
	if err != nil {
		return 0, err
	}
	var row parameterRow
	err = decodeIf(loaded.Records[ref], &row)
	return row.Version, err
}

// readParameters reads all parameters that were ever set.
func (t *Tokenomics) readParameters(ctx context.Context, tenant principal.Tenant, version int64) (Snapshot, error) {
	rows, err := t.parameterRows(ctx, tenant)
	if err != nil {
		return Snapshot{}, err
	}
	delete(rows, versionKey)
	return snapshotOf(rows, version)
}

// parameterRows reads the rows of all parameters that were ever set, and that of their version.
func (t *Tokenomics) parameterRows(ctx context.Context, tenant principal.Tenant) (map[string]parameterRow, error) {
	rows := map[string]parameterRow{}
	query := RecordQuery{Tenant: tenant, Class: ClassParameter, Limit: parameterPage}
	for {
		page, err := t.store.Records(ctx, query)
		if err != nil {
			return nil, err
		}
		for _, record := range page {
			var row parameterRow
			if err := decodeRecord(record, &row); err != nil {
				return nil, err
			}
			rows[record.Key] = row
		}
		if len(page) < query.Limit {
			return rows, nil
		}
		query.After = page[len(page)-1].Key
	}
}
