package idle

import (
	"cmp"
	"context"
	"slices"
	"time"
)

// Standings implements Reputations.
func (m *Memory) Standings(_ context.Context, devices []DeviceID) ([]Standing, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var known []Standing
	for key, s := range m.known {
		if slices.Contains(devices, key.Device) {
			known = append(known, s)
		}
	}
	return known, nil
}

// Judged implements Reputations.
func (m *Memory) Judged(_ context.Context, attempts []string) ([]Judgement, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var judged []Judgement
	for _, attempt := range attempts {
		if j, ok := m.judged[attempt]; ok {
			judged = append(judged, j)
		}
	}
	return judged, nil
}

// Judge implements Reputations.
func (m *Memory) Judge(_ context.Context, moved []Standing, judged []Judgement) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, s := range moved {
		if m.known[s.ReputationKey].Version != s.Version {
			return ErrRaced
		}
	}
	for _, s := range moved {
		s.Version++
		m.known[s.ReputationKey] = s
	}
	for _, j := range judged {
		m.judged[j.Attempt] = j
	}
	return nil
}

// HeldAlone implements Reputations.
func (m *Memory) HeldAlone(_ context.Context, key ReputationKey, after, until time.Time, limit int) ([]Judgement, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var held []Judgement
	for _, j := range m.judged {
		if j.key() == key && j.Outcome == Alone && j.At.After(after) && !j.At.After(until) {
			held = append(held, j)
		}
	}
	slices.SortFunc(held, func(a, b Judgement) int { return cmp.Or(b.At.Compare(a.At), cmp.Compare(a.Attempt, b.Attempt)) })
	return held[:min(len(held), limit)], nil
}

// PurgeJudgements implements Reputations.
func (m *Memory) PurgeJudgements(_ context.Context, before time.Time, limit int) (int, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	purged := 0
	for attempt, j := range m.judged {
		if purged < limit && j.At.Before(before) {
			delete(m.judged, attempt)
			purged++
		}
	}
	return purged, nil
}
