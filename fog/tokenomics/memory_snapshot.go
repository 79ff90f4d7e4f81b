package tokenomics

import (
	"cmp"
	"context"
	"maps"
	"slices"

	"github.com/fogcompute/fogcompute/fog/tokenomics/chain"
)

// Snapshot implements Log: it copies everything, so that f takes as long as it likes.
func (m *Memory) Snapshot(_ context.Context, f func(Moment) error) error {
	m.mu.Lock()
	moment := &Memory{
		lines: maps.Clone(m.lines), numbers: slices.Clone(m.numbers), holds: maps.Clone(m.holds),
		movements: slices.Clone(m.movements), blocks: slices.Clone(m.blocks), traces: maps.Clone(m.traces), tally: maps.Clone(m.tally),
		records: maps.Clone(m.records), points: maps.Clone(m.points),
	}
	m.mu.Unlock()
	return f(memorySnapshot{moment})
}

// memorySnapshot is a copy of a Memory that nobody changes.
type memorySnapshot struct{ *Memory }

var _ Moment = memorySnapshot{}

// Head implements Moment.
func (m memorySnapshot) Head(context.Context) (chain.Head, error) { return m.head(), nil }

// Lines implements Moment.
func (m memorySnapshot) Lines(_ context.Context, after int64, limit int) ([]LineChange, error) {
	var rows []LineChange
	for _, sub := range m.numbers[min(after, int64(len(m.numbers))):] {
		if len(rows) == limit {
			break
		}
		rows = append(rows, LineChange{SubAccount: sub, Line: m.lines[sub]})
	}
	return rows, nil
}

// Movements implements Moment.
func (m memorySnapshot) Movements(ctx context.Context, after int64, limit int, row func(*Movement, []byte) error) error {
	page, err := m.Memory.Movements(ctx, after, limit)
	for i := range page {
		if err := row(&page[i], page[i].Body()); err != nil {
			return err
		}
	}
	return err
}

// Index implements Moment.
func (m memorySnapshot) Index(_ context.Context, row func(int64, Trail)) error {
	for i, sub := range m.numbers {
		var trail Trail
		for _, seq := range m.traces[sub] {
			trail.Add(seq)
		}
		if trail.Count > 0 {
			row(int64(i)+1, trail)
		}
	}
	return nil
}

// Holds implements Moment.
func (m memorySnapshot) Holds(_ context.Context, after HoldRef, limit int) ([]HoldRecord, error) {
	var rows []HoldRecord
	for ref, hold := range m.holds {
		if hold.State == HoldOpen && ref.compare(after) > 0 {
			rows = append(rows, hold)
		}
	}
	slices.SortFunc(rows, func(a, b HoldRecord) int { return HoldRef{a.Tenant, a.ID}.compare(HoldRef{b.Tenant, b.ID}) })
	return rows[:min(len(rows), limit)], nil
}

// Records implements Moment.
func (m memorySnapshot) Records(_ context.Context, after RecordRef, limit int) ([]Record, error) {
	var rows []Record
	for ref, record := range m.records {
		if ref.compare(after) > 0 {
			rows = append(rows, record)
		}
	}
	slices.SortFunc(rows, func(a, b Record) int { return a.compare(b.RecordRef) })
	return rows[:min(len(rows), limit)], nil
}

// Points implements Moment.
func (m memorySnapshot) Points(_ context.Context, after PointRef, limit int) ([]Point, error) {
	var rows []Point
	for _, series := range m.points {
		for _, point := range series {
			if point.compare(after) > 0 {
				rows = append(rows, point)
			}
		}
	}
	slices.SortFunc(rows, func(a, b Point) int { return a.compare(b.PointRef) })
	return rows[:min(len(rows), limit)], nil
}

// Tally implements Moment.
func (m memorySnapshot) Tally(context.Context) ([]TallyChange, error) {
	rows := make([]TallyChange, 0, len(m.tally))
	for key, value := range m.tally {
		rows = append(rows, TallyChange{Tenant: key.tenant, Count: key.count, Add: value})
	}
	slices.SortFunc(rows, TallyChange.compare)
	return rows, nil
}

// compare orders holds by tenant and ID.
func (r HoldRef) compare(q HoldRef) int {
	return cmp.Or(cmp.Compare(r.Tenant, q.Tenant), cmp.Compare(r.ID, q.ID))
}
