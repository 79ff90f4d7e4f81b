package blob

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"github.com/fogcompute/fogcompute/fog/principal"
)

// Memory is an Index without a database: the twin for embedded use and tests.
type Memory struct {
	mu     sync.Mutex       // guards what follows
	rows   map[place][]Info // one an owner, the oldest first
	files  map[Digest]*file
	refs   map[place]map[string]bool // who refers to a tenant's blob
	usage  map[owner]Usage
	doomed map[Copy]bool
}

// place is the key of a tenant's blob.
type place struct {
	tenant principal.Tenant
	digest Digest
}

// owner is the key of a quota.
type owner struct {
	tenant  principal.Tenant
	account principal.Account
}

// file is a copy of bytes and the number of rows that hold it.
type file struct {
	name  string
	bytes int64
	rows  int
}

var _ Index = (*Memory)(nil)

// NewMemory returns an empty index.
func NewMemory() *Memory {
	return &Memory{
		rows: map[place][]Info{}, files: map[Digest]*file{}, refs: map[place]map[string]bool{},
		usage: map[owner]Usage{}, doomed: map[Copy]bool{},
	}
}

// Add implements Holdings.
func (m *Memory) Add(_ context.Context, info Info, quota int64) (Info, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	p := place{info.Tenant, info.Digest}
	rows := m.rows[p]
	if at := slices.IndexFunc(rows, func(r Info) bool { return r.Owner == info.Owner }); at >= 0 {
		rows[at].Used = latest(rows[at].Used, info.Used)
		return rows[at], nil
	}
	payer := owner{info.Tenant, info.Owner}
	used := m.usage[payer]
	if used.Bytes+info.Bytes > quota {
		return Info{}, ErrQuota
	}
	m.usage[payer] = Usage{Bytes: used.Bytes + info.Bytes, Blobs: used.Blobs + 1}
	f := m.files[info.Digest]
	if f == nil {
		f = &file{name: info.Copy, bytes: info.Bytes}
		m.files[info.Digest] = f
	}
	f.rows++
	info.Copy = f.name
	rows = append(rows, info)
	slices.SortFunc(rows, func(a, b Info) int {
		return cmp.Or(a.Created.Compare(b.Created), cmp.Compare(a.Owner, b.Owner))
	})
	m.rows[p] = rows
	return info, nil
}

// Find implements Holdings.
func (m *Memory) Find(_ context.Context, tenant principal.Tenant, digest Digest) (Info, bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	rows := m.rows[place{tenant, digest}]
	if len(rows) == 0 {
		return Info{}, false, nil
	}
	return rows[0], true, nil
}

// Touch implements Holdings.
func (m *Memory) Touch(_ context.Context, tenant principal.Tenant, digest Digest, used time.Time) (bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.touch(place{tenant, digest}, used), nil
}

// touch is Touch for a caller that holds m.mu.
func (m *Memory) touch(p place, used time.Time) bool {
	rows := m.rows[p]
	for i := range rows {
		rows[i].Used = latest(rows[i].Used, used)
	}
	return len(rows) > 0
}

// Usage implements Holdings.
func (m *Memory) Usage(_ context.Context, tenant principal.Tenant, account principal.Account) (Usage, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.usage[owner{tenant, account}], nil
}

// Stats implements Holdings.
func (m *Memory) Stats(context.Context) (Stats, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	stats := Stats{Blobs: int64(len(m.files))}
	for _, f := range m.files {
		stats.Bytes += f.bytes
	}
	return stats, nil
}

// Ref implements Upkeep.
func (m *Memory) Ref(_ context.Context, refs []Ref, now time.Time) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, r := range refs {
		if len(m.rows[place{r.Tenant, r.Digest}]) == 0 {
			return ErrNotFound
		}
	}
	for _, r := range refs {
		p := place{r.Tenant, r.Digest}
		m.touch(p, now)
		if m.refs[p] == nil {
			m.refs[p] = map[string]bool{}
		}
		m.refs[p][r.By] = true
	}
	return nil
}

// Unref implements Upkeep.
func (m *Memory) Unref(_ context.Context, refs []Ref) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, r := range refs {
		p := place{r.Tenant, r.Digest}
		delete(m.refs[p], r.By)
		if len(m.refs[p]) == 0 {
			delete(m.refs, p)
		}
	}
	return nil
}

// Doom implements Upkeep.
func (m *Memory) Doom(_ context.Context, unusedBefore time.Time, limit int) (int, []Copy, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var unused []Info
	for p, rows := range m.rows {
		for _, row := range rows {
			if row.Used.Before(unusedBefore) && len(m.refs[p]) == 0 {
				unused = append(unused, row)
			}
		}
	}
	slices.SortFunc(unused, func(a, b Info) int { return a.Used.Compare(b.Used) })
	unused = unused[:min(len(unused), max(limit, 0))]
	for _, row := range unused {
		m.remove(row)
	}
	var copies []Copy
	for c := range m.doomed {
		if len(copies) < limit {
			copies = append(copies, c)
		}
	}
	return len(unused), copies, nil
}

// remove takes a row away. The caller holds m.mu.
func (m *Memory) remove(row Info) {
	p := place{row.Tenant, row.Digest}
	if m.rows[p] = slices.DeleteFunc(m.rows[p], func(r Info) bool { return r.Owner == row.Owner }); len(m.rows[p]) == 0 {
		delete(m.rows, p)
	}
	payer := owner{row.Tenant, row.Owner}
	if left := (Usage{m.usage[payer].Bytes - row.Bytes, m.usage[payer].Blobs - 1}); left.Blobs > 0 {
		m.usage[payer] = left
	} else {
		delete(m.usage, payer)
	}
	f := m.files[row.Digest]
	if f.rows--; f.rows == 0 {
		delete(m.files, row.Digest)
		m.doomed[Copy{row.Digest, f.name}] = true
	}
}

// Bury implements Upkeep.
func (m *Memory) Bury(_ context.Context, copies []Copy) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, c := range copies {
		delete(m.doomed, c)
	}
	return nil
}

// latest returns the later of two times.
func latest(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
