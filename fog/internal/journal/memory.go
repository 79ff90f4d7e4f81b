package journal

import (
	"cmp"
	"context"
	"slices"
	"sort"
	"strconv"
	"sync"
	"time"
)

// Memory is a Journal without a disk: the twin for embedded use and tests.
type Memory struct {
	now   func() time.Time
	bells Bells

	mu     sync.Mutex // guards what follows
	seq    int64      // of the newest fact
	claims int64      // number of claims made, the source of tokens
	open   map[Topic][]*entry
	parked []*entry
	done   []*entry // in order of completion
	bySeq  map[int64]*entry
}

// entry is one fact with its state.
type entry struct {
	Claimed
	state  state
	until  time.Time // claimed: end of the claim; open: not before
	reason string
	at     time.Time // when it was parked or done
}

type state uint8

const (
	isOpen state = iota
	isParked
	isDone
)

var _ Journal = (*Memory)(nil)

// NewMemory returns an empty journal. A nil now means time.Now.
func NewMemory(now func() time.Time) *Memory {
	if now == nil {
		now = time.Now
	}
	return &Memory{now: now, open: map[Topic][]*entry{}, bySeq: map[int64]*entry{}}
}

// Append writes facts and wakes their readers. It never blocks, so a memory store may call it under its own lock.
func (m *Memory) Append(facts ...Fact) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, fact := range facts {
		m.seq++
		e := &entry{Claimed: Claimed{Fact: fact, Seq: m.seq}}
		m.bySeq[e.Seq] = e
		m.open[fact.Topic] = append(m.open[fact.Topic], e)
		m.bells.Ring(fact.Topic)
	}
}

// Claim implements Journal.
func (m *Memory) Claim(_ context.Context, topic Topic, limit int, until time.Time) ([]Claimed, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := m.now()
	m.claims++
	token := strconv.FormatInt(m.claims, 36)
	m.open[topic] = slices.DeleteFunc(m.open[topic], func(e *entry) bool { return e.state != isOpen })
	var claimed []Claimed
	for _, e := range m.open[topic] {
		if len(claimed) >= limit {
			break
		}
		if e.until.After(now) {
			continue
		}
		e.Token, e.until = token, until
		claimed = append(claimed, e.Claimed)
	}
	return claimed, nil
}

// Done implements Journal.
func (m *Memory) Done(_ context.Context, claimed []Claimed) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, c := range claimed {
		if e := m.held(c); e != nil {
			e.state, e.at, e.Token = isDone, m.now(), ""
			m.done = append(m.done, e)
		}
	}
	return nil
}

// Fail implements Journal.
func (m *Memory) Fail(_ context.Context, claimed []Claimed, reason string, retryAt time.Time, parkAfter int) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, c := range claimed {
		e := m.held(c)
		if e == nil {
			continue
		}
		e.Tries++
		e.Token, e.until, e.reason = "", retryAt, reason
		if parkAfter > 0 && e.Tries >= parkAfter {
			e.state, e.at = isParked, m.now()
			m.parked = append(m.parked, e)
		}
	}
	return nil
}

// held returns the entry of a claim that still stands, or nil. The caller holds m.mu.
func (m *Memory) held(c Claimed) *entry {
	if e := m.bySeq[c.Seq]; e != nil && e.state == isOpen && e.Token != "" && e.Token == c.Token {
		return e
	}
	return nil
}

// Parked implements Journal.
func (m *Memory) Parked(_ context.Context, limit int) ([]Parked, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	sort.Slice(m.parked, func(i, k int) bool {
		a, b := m.parked[i], m.parked[k]
		return cmp.Or(a.at.Compare(b.at), cmp.Compare(a.Seq, b.Seq)) < 0
	})
	n := min(max(limit, 0), len(m.parked))
	parked := make([]Parked, 0, n)
	for _, e := range m.parked[:n] {
		parked = append(parked, Parked{Fact: e.Fact, Seq: e.Seq, Reason: e.reason, At: e.at})
	}
	return parked, nil
}

// Retry implements Journal.
func (m *Memory) Retry(_ context.Context, seqs []int64) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, seq := range seqs {
		e := m.bySeq[seq]
		if e == nil || e.state != isParked {
			continue
		}
		m.parked = slices.DeleteFunc(m.parked, func(p *entry) bool { return p == e })
		e.state, e.Tries, e.until = isOpen, 0, time.Time{}
		m.reopen(e)
	}
	return nil
}

// reopen puts an entry back at its place in the order of Seq. Claim may have dropped it meanwhile, or not yet.
func (m *Memory) reopen(e *entry) {
	list := m.open[e.Topic]
	at, found := slices.BinarySearchFunc(list, e.Seq, func(o *entry, seq int64) int { return cmp.Compare(o.Seq, seq) })
	if !found {
		m.open[e.Topic] = slices.Insert(list, at, e)
	}
	m.bells.Ring(e.Topic)
}

// Purge implements Journal.
func (m *Memory) Purge(_ context.Context, doneBefore time.Time, limit int) (int, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	purged := 0
	m.done = slices.DeleteFunc(m.done, func(e *entry) bool {
		if purged >= limit || !e.at.Before(doneBefore) {
			return false
		}
		purged++
		delete(m.bySeq, e.Seq)
		return true
	})
	return purged, nil
}

// Wake implements Journal.
func (m *Memory) Wake(topic Topic) <-chan struct{} { return m.bells.Wake(topic) }
