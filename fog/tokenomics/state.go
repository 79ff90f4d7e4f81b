package tokenomics

import (
	"maps"
	"slices"
	"time"

	"github.com/fogcompute/fogcompute/fog/principal"
	"github.com/fogcompute/fogcompute/fog/tokenomics/chain"
)

// state is what the writer knows of the ledger: rows as they are after everything that it has decided, committed or on
// its way. A row that is known to be absent is known as its zero value. Evaluating moves the state along; what a batch finds
// unknown is noted, loaded and learned, and the batch evaluated again. So the needs of an operation stand nowhere but in
// the operation.
type state struct {
	fence Fence // under which it was loaded
	head  chain.Head
	last  int64 // greatest number of a sub-account

	ground int64 // newest movement that is written for certain: the latest batch began behind it

	lines   table[SubAccount, Line]
	holds   table[HoldRef, HoldRecord]
	used    table[Reference, Use]
	records table[RecordRef, Record]
	recent  table[SeriesRef, []Point] // points that were decided since the state was loaded, oldest first
	points  table[PointRef, Point]    // what the store answered
	waiting table[RequestID, bool]
	sums    table[tallyKey, int64] // added by this batch

	careful bool // an unknown reference is looked up; otherwise it counts as unused, and the store says if it is not
}

// newState returns what is known after the head and nothing else has been read.
func newState(fence Fence, loaded Loaded) *state {
	s := &state{fence: fence, head: loaded.Head, last: loaded.Last, ground: loaded.Head.Last}
	for _, t := range s.tables() {
		t.open()
	}
	return s
}

// layer is a table of any kind of rows.
type layer interface {
	open()
	mark() int
	rollback(to int)
	settle()
}

// tables lists everything that rolls back together.
func (s *state) tables() [8]layer {
	return [...]layer{&s.lines, &s.holds, &s.used, &s.records, &s.recent, &s.points, &s.waiting, &s.sums}
}

// marks is a point in the life of a state.
type marks [8]int

func (s *state) mark() (m marks) {
	for i, t := range s.tables() {
		m[i] = t.mark()
	}
	return m
}

// rollback makes everything as it was at a mark.
func (s *state) rollback(m marks) {
	for i, t := range s.tables() {
		t.rollback(m[i])
	}
}

// settle makes what was decided the ground that the next batch stands on.
func (s *state) settle() {
	for _, t := range s.tables() {
		t.settle()
	}
	s.sums.open()
}

// missing lists what was asked for and is not known, once.
func (s *state) missing() Wanted {
	return Wanted{
		Lines: s.lines.wanted(), Holds: s.holds.wanted(), References: s.used.wanted(), Records: s.records.wanted(),
		Points: s.points.wanted(), Requests: s.waiting.wanted(),
	}
}

// lacks reports whether anything was asked for that is not known.
func (s *state) lacks() bool {
	return len(s.lines.asked)+len(s.holds.asked)+len(s.used.asked)+len(s.records.asked)+len(s.points.asked)+len(s.waiting.asked) > 0
}

// learn adds what the store has answered to what was wanted. What is not in the answer does not exist.
func (s *state) learn(wanted Wanted, loaded Loaded) {
	learn(&s.lines, wanted.Lines, loaded.Lines)
	learn(&s.holds, wanted.Holds, loaded.Holds)
	learn(&s.used, wanted.References, loaded.Used)
	learn(&s.records, wanted.Records, loaded.Records)
	learn(&s.points, wanted.Points, loaded.Points)
	learn(&s.waiting, wanted.Requests, loaded.Waiting)
}

func learn[K comparable, V any](t *table[K, V], wanted []K, found map[K]V) {
	for _, key := range wanted {
		t.rows[key] = found[key]
	}
}

// stateLimit is how many rows of a kind the writer keeps in memory, about 200 bytes each.
const stateLimit = 1 << 19

// recentLimit is how many points of a series are kept that are written already.
const recentLimit = 1 << 8

// trim forgets rows where there are too many of them: what is needed is loaded again. What the latest batch has changed stays, since
// it may not be written yet; the batches before it are, or it would not have been decided.
func (s *state) trim() {
	trim(&s.lines, stateLimit)
	trim(&s.holds, stateLimit)
	trim(&s.used, stateLimit)
	trim(&s.records, stateLimit)
	trim(&s.recent, stateLimit)
	trim(&s.points, stateLimit)
	s.waiting.open()
	for _, changed := range s.recent.latest {
		if recent := s.recent.rows[changed.key]; len(recent) > recentLimit && recent[0].Seq <= s.ground {
			s.recent.rows[changed.key] = slices.DeleteFunc(slices.Clone(recent), func(p Point) bool { return p.Seq <= s.ground })
		}
	}
}

func trim[K comparable, V any](t *table[K, V], most int) {
	if len(t.rows) <= most {
		return
	}
	kept := make(map[K]V, len(t.latest))
	for _, changed := range t.latest {
		if row, known := t.rows[changed.key]; known {
			kept[changed.key] = row
		}
	}
	t.open()
	t.rows = kept
}

// at returns the value of a series at a place of the ledger that is not after the newest movement.
func (s *state) at(ref PointRef) (Point, bool) {
	recent, _ := s.recent.rows[ref.SeriesRef]
	for _, p := range slices.Backward(recent) {
		if p.Seq <= ref.Seq {
			return p, true
		}
	}
	return s.points.get(ref)
}

// add appends a point to its series. A later value at the same movement replaces the earlier one. What is appended overwrites only
// what was rolled back; what is replaced may come back, so it is not overwritten.
func (s *state) add(p Point) {
	recent := s.recent.rows[p.SeriesRef]
	if n := len(recent); n > 0 && recent[n-1].Seq == p.Seq {
		recent = slices.Clone(recent[:n-1])
	}
	s.recent.set(p.SeriesRef, append(recent, p))
}

// count adds to a running sum, and to the one of this hour if hour is not 0.
func (s *state) count(tenant principal.Tenant, name string, add, hour int64) {
	key := tallyKey{tenant, Count{Name: name}}
	s.sums.set(key, s.sums.rows[key]+add)
	if hour != 0 {
		key.count.Hour = hour
		s.sums.set(key, s.sums.rows[key]+add)
	}
}

// table is the rows of one kind that are known, with what has to be undone if the batch comes to nothing.
type table[K comparable, V any] struct {
	rows  map[K]V
	asked map[K]struct{} // unknown rows that somebody wanted
	undo  []was[K, V]

	latest []was[K, V] // what the latest batch has changed, which may not be written yet
}

// was is a row before a change.
type was[K comparable, V any] struct {
	key   K
	row   V
	known bool
}

// get returns a row, and whether it is known; if it is not, it will be asked for.
func (t *table[K, V]) get(key K) (V, bool) {
	row, known := t.rows[key]
	if !known {
		t.asked[key] = struct{}{}
	}
	return row, known
}

// set changes a row.
func (t *table[K, V]) set(key K, row V) {
	old, known := t.rows[key]
	t.undo = append(t.undo, was[K, V]{key, old, known})
	t.rows[key] = row
}

// changed lists the rows that were changed since the last settling, each once, as they were before.
func (t *table[K, V]) changed(yield func(key K, before V) bool) {
	seen := make(map[K]struct{}, len(t.undo))
	for _, u := range t.undo {
		if _, twice := seen[u.key]; twice {
			continue
		}
		seen[u.key] = struct{}{}
		if !yield(u.key, u.row) {
			return
		}
	}
}

func (t *table[K, V]) open() {
	t.rows, t.asked, t.undo = map[K]V{}, map[K]struct{}{}, t.undo[:0]
}

func (t *table[K, V]) mark() int { return len(t.undo) }

func (t *table[K, V]) rollback(to int) {
	for _, u := range slices.Backward(t.undo[to:]) {
		if u.known {
			t.rows[u.key] = u.row
		} else {
			delete(t.rows, u.key)
		}
	}
	t.undo = t.undo[:to]
}

func (t *table[K, V]) settle() {
	clear(t.latest)
	t.latest, t.undo = t.undo, t.latest[:0]
}

// wanted lists what was asked for.
func (t *table[K, V]) wanted() []K {
	if len(t.asked) == 0 {
		return nil
	}
	keys := slices.Collect(maps.Keys(t.asked))
	clear(t.asked)
	return keys
}

// tallyKey names a running sum in the whole ledger.
type tallyKey struct {
	tenant principal.Tenant
	count  Count
}

// micros is a time as every store keeps it.
func micros(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }
