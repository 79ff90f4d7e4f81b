package tokenomics

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"github.com/fogcompute/fogcompute/fog/internal/duty"
	"github.com/fogcompute/fogcompute/fog/internal/journal"
	"github.com/fogcompute/fogcompute/fog/principal"
)

// Memory is the Store without a disk: the twin for embedded use and tests. Make one with NewMemory. It is safe for concurrent
// use by several ledgers.
type Memory struct {
	bells   journal.Bells
	duties  *duty.Memory    // nil: fences are not checked
	journal *journal.Memory // nil: facts are not written

	mu        sync.Mutex // guards what follows
	lines     map[SubAccount]Line
	holds     map[HoldRef]HoldRecord
	digests   map[Reference]Digest
	movements []Movement // the movement with Seq n is at n-1
	places    map[ownerKey][]Place
	tally     map[tallyKey]int64
	asked     map[RequestID]*askedRow
	latest    RequestID
}

// ownerKey names an account in the whole ledger.
type ownerKey struct {
	tenant  principal.Tenant
	account Account
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
		lines:  map[SubAccount]Line{}, holds: map[HoldRef]HoldRecord{}, digests: map[Reference]Digest{},
		places: map[ownerKey][]Place{}, tally: map[tallyKey]int64{}, asked: map[RequestID]*askedRow{},
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
		Head: int64(len(m.movements)), Lines: map[SubAccount]Line{}, Holds: map[HoldRef]HoldRecord{},
		Digests: map[Reference]Digest{}, Waiting: map[RequestID]bool{},
	}
	for _, ref := range wanted.Holds {
		if record, ok := m.holds[ref]; ok {
			loaded.Holds[ref] = record
			m.loadLine(&loaded, SubAccount{ref.Tenant, record.Payer, KindAvailable})
			m.loadLine(&loaded, SubAccount{ref.Tenant, record.Payer, KindHeld})
		}
	}
	for _, sub := range wanted.SubAccounts {
		m.loadLine(&loaded, sub)
	}
	for _, ref := range wanted.References {
		if digest, ok := m.digests[ref]; ok {
			loaded.Digests[ref] = digest
		}
	}
	for _, id := range wanted.Requests {
		if row := m.asked[id]; row != nil && row.verdict == nil {
			loaded.Waiting[id] = true
		}
	}
	return loaded, nil
}

// loadLine copies a sub-account's line if it exists. The caller holds m.mu.
func (m *Memory) loadLine(loaded *Loaded, sub SubAccount) {
	if line, ok := m.lines[sub]; ok {
		loaded.Lines[sub] = line
	}
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
	if changes.Was != int64(len(m.movements)) {
		return ErrStale
	}
	for _, v := range changes.Verdicts {
		if row := m.asked[v.ID]; row == nil || row.verdict != nil {
			return ErrStale
		}
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
	for _, change := range changes.Lines {
		m.lines[change.SubAccount] = change.Line
	}
	for _, record := range changes.Holds {
		m.holds[HoldRef{record.Tenant, record.ID}] = record
	}
	for _, movement := range changes.Movements {
		movement.Postings = slices.Clone(movement.Postings)
		m.movements = append(m.movements, movement)
		m.digests[movement.Reference] = movement.Digest
		for n, p := range movement.Postings {
			owner := ownerKey{p.Tenant, p.Account}
			m.places[owner] = append(m.places[owner], Place{movement.Seq, n})
		}
	}
	for _, change := range changes.Tally {
		m.tally[tallyKey{change.Tenant, change.Count}] += change.Add
	}
	for _, v := range changes.Verdicts {
		m.asked[v.ID].verdict = &v
	}
}

// Entries implements Books.
func (m *Memory) Entries(_ context.Context, tenant principal.Tenant, account Account, before Place, limit int) ([]Entry, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	places := m.places[ownerKey{tenant, account}]
	end := len(places)
	if before != (Place{}) {
		end, _ = slices.BinarySearchFunc(places, before, Place.compare)
	}
	var entries []Entry
	for i := end - 1; i >= 0 && len(entries) < limit; i-- {
		movement := m.movements[places[i].Seq-1]
		p := movement.Postings[places[i].N]
		entries = append(entries, Entry{
			Place: places[i], Kind: p.Kind, Amount: p.Amount, After: p.After,
			Op: movement.Op, Key: movement.Key, Hold: movement.Hold, Memo: movement.Memo, At: movement.At,
		})
	}
	return entries, nil
}

// compare orders places from the oldest to the newest.
func (p Place) compare(q Place) int { return cmp.Or(cmp.Compare(p.Seq, q.Seq), cmp.Compare(p.N, q.N)) }

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
	}), nil
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
