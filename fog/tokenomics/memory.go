package tokenomics

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/fogcompute/fogcompute/fog/internal/duty"
	"github.com/fogcompute/fogcompute/fog/internal/journal"
	"github.com/fogcompute/fogcompute/fog/principal"
	"github.com/fogcompute/fogcompute/fog/tokenomics/chain"
)

// Memory is the Store without a disk: the twin for embedded use and tests. Make one with NewMemory. It is safe for concurrent
// use by several ledgers.
type Memory struct {
	bells   journal.Bells
	duties  *duty.Memory    // nil: fences are not checked
	journal *journal.Memory // nil: facts are not written

	mu        sync.Mutex // guards what follows
	lines     map[SubAccount]Line
	numbers   []SubAccount // the sub-account with number n is at n-1
	holds     map[HoldRef]HoldRecord
	records   map[RecordRef]Record
	points    map[SeriesRef][]Point
	used      map[Reference]Use
	movements []Movement // the movement with Seq n is at n-1
	blocks    []Block
	traces    map[SubAccount][]int64 // movements that touched it
	tally     map[tallyKey]int64
	asked     map[RequestID]*askedRow
	latest    RequestID
}

// askedRow is a row of the request table.
type askedRow struct {
	request Request
	verdict *Verdict // nil: undecided
}

var _ Store = (*Memory)(nil)

// NewMemory returns an empty store whose commits check their fence against duties; nil: no fence is checked.
func NewMemory(duties *duty.Memory) *Memory {
	return &Memory{
		duties: duties,
		lines:  map[SubAccount]Line{}, holds: map[HoldRef]HoldRecord{}, records: map[RecordRef]Record{},
		points: map[SeriesRef][]Point{}, used: map[Reference]Use{}, traces: map[SubAccount][]int64{},
		tally: map[tallyKey]int64{}, asked: map[RequestID]*askedRow{},
	}
}

// WithJournal writes the facts of each commit into this journal. Call it before the first commit.
func (m *Memory) WithJournal(j *journal.Memory) *Memory {
	m.journal = j
	return m
}

// Load implements Books.
func (m *Memory) Load(_ context.Context, wanted Wanted) (Loaded, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	loaded := Loaded{
		Head: m.head(), Last: int64(len(m.numbers)), Lines: pick(m.lines, wanted.Lines), Holds: pick(m.holds, wanted.Holds),
		Used: pick(m.used, wanted.References), Records: pick(m.records, wanted.Records),
		Points: map[PointRef]Point{}, Waiting: map[RequestID]bool{},
	}
	for _, ref := range wanted.Points {
		series := m.points[ref.SeriesRef]
		behind, _ := slices.BinarySearchFunc(series, ref.Seq+1, func(p Point, seq int64) int { return cmp.Compare(p.Seq, seq) })
		if behind > 0 {
			loaded.Points[ref] = series[behind-1]
		}
	}
	for _, id := range wanted.Requests {
		if row := m.asked[id]; row != nil && row.verdict == nil {
			loaded.Waiting[id] = true
		}
	}
	return loaded, nil
}

// head returns where the ledger stands. The caller holds m.mu.
func (m *Memory) head() chain.Head {
	if len(m.blocks) == 0 {
		return chain.Head{}
	}
	last := m.blocks[len(m.blocks)-1]
	return chain.Head{Last: last.Last, Hash: last.Hash}
}

// pick returns the rows that exist under some keys.
func pick[K comparable, V any](rows map[K]V, keys []K) map[K]V {
	found := make(map[K]V, len(keys))
	for _, key := range keys {
		if row, ok := rows[key]; ok {
			found[key] = row
		}
	}
	return found
}

// Commit implements Books.
func (m *Memory) Commit(_ context.Context, fence Fence, changes Changes) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.duties != nil {
		if err := m.duties.Check(fence); err != nil {
			return err
		}
	}
	if changes.Was != m.head() {
		return ErrStale
	}
	for _, v := range changes.Verdicts {
		if row := m.asked[v.ID]; row == nil || row.verdict != nil {
			return ErrStale
		}
	}
	for _, movement := range changes.Movements {
		if _, used := m.used[movement.Reference]; used {
			return ErrUsed
		}
	}
	if changes.Empty() {
		return nil
	}
	m.apply(changes)
	if m.journal != nil {
		m.journal.Append(changes.Facts...)
	}
	if len(changes.Verdicts) > 0 {
		m.bells.Ring(TopicVerdict)
	}
	return nil
}

// apply writes changes that are in order. The caller holds m.mu.
func (m *Memory) apply(changes Changes) {
	for _, change := range changes.Fresh {
		m.numbers = append(m.numbers, change.SubAccount)
		m.lines[change.SubAccount] = change.Line
	}
	for _, hold := range changes.Holds {
		m.holds[HoldRef{hold.Tenant, hold.ID}] = hold
	}
	for _, record := range changes.Records {
		if m.records[record.RecordRef] = record; !record.exists() {
			delete(m.records, record.RecordRef)
		}
	}
	for _, point := range changes.Points {
		m.points[point.SeriesRef] = append(m.points[point.SeriesRef], point)
	}
	for _, movement := range changes.Movements {
		m.movements = append(m.movements, movement)
		m.used[movement.Reference] = Use{Seq: movement.Seq, Digest: movement.Digest}
		for _, trace := range movement.Traces(nil) {
			sub := m.numbers[trace.Number-1]
			m.traces[sub] = append(m.traces[sub], movement.Seq)
		}
		for _, p := range movement.Postings {
			line := m.lines[p.SubAccount]
			line.Balance, line.Seq, line.Updated = p.After, movement.Seq, movement.At
			m.lines[p.SubAccount] = line
		}
	}
	if len(changes.Movements) > 0 {
		m.blocks = append(m.blocks, changes.Block)
	}
	for _, change := range changes.Tally {
		m.tally[tallyKey{change.Tenant, change.Count}] += change.Add
	}
	for _, v := range changes.Verdicts {
		m.asked[v.ID].verdict = &v
	}
}

// Due implements Books.
func (m *Memory) Due(_ context.Context, now time.Time, limit int) (Due, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	holds := slices.DeleteFunc(slices.Collect(maps.Values(m.holds)), func(h HoldRecord) bool {
		return h.State != HoldOpen || !h.expired(now)
	})
	slices.SortFunc(holds, func(a, b HoldRecord) int { return cmp.Or(a.Expires.Compare(b.Expires), cmp.Compare(a.ID, b.ID)) })
	records := slices.DeleteFunc(slices.Collect(maps.Values(m.records)), func(r Record) bool {
		return r.Due.IsZero() || r.Due.After(now)
	})
	slices.SortFunc(records, func(a, b Record) int { return cmp.Or(a.Due.Compare(b.Due), a.compare(b.RecordRef)) })
	var due Due
	for _, h := range holds[:min(len(holds), limit)] {
		due.Holds = append(due.Holds, HoldRef{h.Tenant, h.ID})
	}
	for _, r := range records[:min(len(records), limit)] {
		due.Records = append(due.Records, r.RecordRef)
	}
	return due, nil
}

// Records implements Books.
func (m *Memory) Records(_ context.Context, q RecordQuery) ([]Record, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var found []Record
	for ref, r := range m.records {
		if ref.Tenant == q.Tenant && ref.Class == q.Class && (q.Owner == "" || r.Owner == q.Owner) &&
			(q.State == "" || r.State == q.State) && strings.HasPrefix(ref.Key, q.Prefix) && q.behind(ref.Key) {
			found = append(found, r)
		}
	}
	slices.SortFunc(found, func(a, b Record) int {
		if q.Newest {
			a, b = b, a
		}
		return cmp.Compare(a.Key, b.Key)
	})
	return found[:min(len(found), q.Limit)], nil
}

// behind reports whether a key stands behind the beginning of the list.
func (q RecordQuery) behind(key string) bool {
	return q.After == "" || !q.Newest && key > q.After || q.Newest && key < q.After
}

// Entries implements Log.
func (m *Memory) Entries(_ context.Context, q EntryQuery) ([]Entry, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	seen := map[int64]bool{}
	for kind := range kinds() {
		if q.Kind != "" && q.Kind != kind {
			continue
		}
		traces := m.traces[SubAccount{q.Tenant, q.Account, kind}]
		end := len(traces)
		if q.Before != (Place{}) {
			end, _ = slices.BinarySearch(traces, q.Before.Seq+1)
		}
		for _, seq := range traces[max(0, end-q.Limit-1):end] {
			seen[seq] = true
		}
	}
	var movements []Movement
	for _, seq := range slices.Sorted(maps.Keys(seen)) {
		movements = append(movements, m.movements[seq-1])
	}
	slices.Reverse(movements)
	return q.EntriesOf(movements), nil
}

// Movements implements Log.
func (m *Memory) Movements(_ context.Context, after int64, limit int) ([]Movement, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	rest := m.movements[min(max(after, 0), int64(len(m.movements))):]
	return slices.Clone(rest[:min(len(rest), limit)]), nil
}

// Blocks implements Log.
func (m *Memory) Blocks(_ context.Context, after int64, limit int) ([]Block, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	begin, _ := slices.BinarySearchFunc(m.blocks, after+1, func(b Block, seq int64) int { return cmp.Compare(b.Last, seq) })
	return slices.Clone(m.blocks[begin:min(len(m.blocks), begin+limit)]), nil
}

// Tally implements Books.
func (m *Memory) Tally(_ context.Context, tenant principal.Tenant) (map[Count]int64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	tally := map[Count]int64{}
	for key, value := range m.tally {
		if key.tenant == tenant {
			tally[key.count] = value
		}
	}
	return tally, nil
}

// Purge implements Books.
func (m *Memory) Purge(_ context.Context, horizon Horizon, limit int) (int, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return purgeMap(m.asked, limit, func(_ RequestID, row *askedRow) bool {
		return row.verdict != nil && row.verdict.At.Before(horizon.Requests)
	}) + purgeMap(m.holds, limit, func(_ HoldRef, h HoldRecord) bool {
		return h.State != HoldOpen && h.Resolved.Before(horizon.Holds)
	}) + purgeMap(m.tally, limit, func(key tallyKey, _ int64) bool {
		return key.count.Hour != 0 && key.count.Hour < hourOf(horizon.Hours)
	}) + m.purgePolls(horizon, limit), nil
}

// purgeMap deletes at most limit of what is old, and says how many.
func purgeMap[K comparable, V any](m map[K]V, limit int, old func(K, V) bool) int {
	n := 0
	for key, value := range m {
		if n >= limit {
			break
		}
		if old(key, value) {
			delete(m, key)
			n++
		}
	}
	return n
}

// Put implements Queue.
func (m *Memory) Put(_ context.Context, requests []Request, _ time.Time) ([]RequestID, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	ids := make([]RequestID, len(requests))
	for i, request := range requests {
		m.latest++
		ids[i] = m.latest
		m.asked[m.latest] = &askedRow{request: request}
	}
	m.bells.Ring(TopicRequest)
	return ids, nil
}

// Pending implements Queue.
func (m *Memory) Pending(_ context.Context, limit int) ([]Asked, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var pending []Asked
	for id, row := range m.asked {
		if row.verdict == nil {
			pending = append(pending, Asked{ID: id, Request: row.request})
		}
	}
	slices.SortFunc(pending, func(a, b Asked) int { return cmp.Compare(a.ID, b.ID) })
	return pending[:min(len(pending), limit)], nil
}

// Verdicts implements Queue.
func (m *Memory) Verdicts(_ context.Context, ids []RequestID) ([]Verdict, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var verdicts []Verdict
	for _, id := range ids {
		if row := m.asked[id]; row != nil && row.verdict != nil {
			verdicts = append(verdicts, *row.verdict)
		}
	}
	return verdicts, nil
}

// Wake implements Queue.
func (m *Memory) Wake(topic journal.Topic) <-chan struct{} { return m.bells.Wake(topic) }
