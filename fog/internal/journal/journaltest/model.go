package journaltest

import (
	"cmp"
	"context"
	"slices"
	"time"

	"pgregory.net/rapid"

	"github.com/fogcompute/fogcompute/fog/internal/journal"
)

// topics are few, so that facts meet.
func topics() *rapid.Generator[journal.Topic] {
	return rapid.SampledFrom([]journal.Topic{"a", "b"})
}

// machine is a journal and its naive model: a list of facts and nothing else.
type machine struct {
	clock   *clock
	subject Subject
	facts   []*modelFact // in the order of writing
	claims  [][]journal.Claimed
}

// modelFact is a fact of the model.
type modelFact struct {
	journal.Fact
	seq    int64 // learnt from the first claim
	token  string
	tries  int
	until  time.Time
	parked bool
	reason string
	at     time.Time
	done   bool
}

// Check implements rapid.StateMachine: parked facts agree after each step.
func (m *machine) Check(t *rapid.T) {
	var want []*modelFact
	for _, f := range m.facts {
		if f.parked {
			want = append(want, f)
		}
	}
	slices.SortFunc(want, func(a, b *modelFact) int { return cmp.Or(a.at.Compare(b.at), cmp.Compare(a.seq, b.seq)) })
	got, err := m.subject.Journal.Parked(context.Background(), 1000)
	if err != nil {
		t.Fatalf("parked: %v", err)
	}
	if len(got) != len(want) {
		t.Fatalf("%d facts parked, want %d", len(got), len(want))
	}
	for i, f := range want {
		if got[i] != (journal.Parked{Fact: f.Fact, Seq: f.seq, Reason: f.reason, At: f.at}) {
			t.Fatalf("parked %+v, want %+v", got[i], f)
		}
	}
}

// Append writes facts.
func (m *machine) Append(t *rapid.T) {
	var facts []journal.Fact
	for range rapid.IntRange(0, 3).Draw(t, "facts") {
		f := fact(topics().Draw(t, "topic"), len(m.facts))
		facts = append(facts, f)
		m.facts = append(m.facts, &modelFact{Fact: f})
	}
	if err := m.subject.Append(facts...); err != nil {
		t.Fatalf("append: %v", err)
	}
}

// Claim claims facts and compares them.
func (m *machine) Claim(t *rapid.T) {
	topic, limit := topics().Draw(t, "topic"), rapid.IntRange(0, 4).Draw(t, "limit")
	until := m.clock.now().Add(time.Duration(rapid.IntRange(0, 5).Draw(t, "seconds")) * time.Second)
	var want []*modelFact
	for _, f := range m.facts {
		if len(want) < limit && f.Topic == topic && !f.done && !f.parked && !f.until.After(m.clock.now()) {
			want = append(want, f)
		}
	}
	got, err := m.subject.Journal.Claim(context.Background(), topic, limit, until)
	if err != nil {
		t.Fatalf("claim: %v", err)
	}
	if len(got) != len(want) {
		t.Fatalf("claimed %d facts, want %d", len(got), len(want))
	}
	var before int64
	for i, f := range want {
		if got[i].Fact != f.Fact || got[i].Tries != f.tries || got[i].Seq <= before || got[i].Token == "" {
			t.Fatalf("claimed %+v, want %+v", got[i], f)
		}
		if f.seq != 0 && f.seq != got[i].Seq {
			t.Fatalf("the number of %+v has become %d", f, got[i].Seq)
		}
		f.seq, f.token, f.until, before = got[i].Seq, got[i].Token, until, got[i].Seq
	}
	m.claims = append(m.claims, got)
}

// draw returns some claim of the past, perhaps one that has lapsed or has been settled.
func (m *machine) draw(t *rapid.T) []journal.Claimed {
	if len(m.claims) == 0 {
		return nil
	}
	return m.claims[rapid.IntRange(0, len(m.claims)-1).Draw(t, "claim")]
}

// held returns the model's facts whose claims still stand.
func (m *machine) held(claimed []journal.Claimed) []*modelFact {
	var held []*modelFact
	for _, c := range claimed {
		for _, f := range m.facts {
			if f.seq == c.Seq && f.token == c.Token && !f.done && !f.parked {
				held = append(held, f)
			}
		}
	}
	return held
}

// Done settles a claim.
func (m *machine) Done(t *rapid.T) {
	claimed := m.draw(t)
	for _, f := range m.held(claimed) {
		f.done, f.at, f.token = true, m.clock.now(), ""
	}
	if err := m.subject.Journal.Done(context.Background(), claimed); err != nil {
		t.Fatalf("done: %v", err)
	}
}

// Fail fails a claim.
func (m *machine) Fail(t *rapid.T) {
	claimed, parkAfter := m.draw(t), rapid.IntRange(0, 3).Draw(t, "parkAfter")
	retryAt := m.clock.now().Add(time.Duration(rapid.IntRange(0, 3).Draw(t, "seconds")) * time.Second)
	reason := rapid.StringMatching("[a-z]{0,5}").Draw(t, "reason")
	for _, f := range m.held(claimed) {
		f.tries++
		f.token, f.until, f.reason = "", retryAt, reason
		if parkAfter > 0 && f.tries >= parkAfter {
			f.parked, f.at = true, m.clock.now()
		}
	}
	if err := m.subject.Journal.Fail(context.Background(), claimed, reason, retryAt, parkAfter); err != nil {
		t.Fatalf("fail: %v", err)
	}
}

// Retry opens facts again, whether they are parked or not.
func (m *machine) Retry(t *rapid.T) {
	var seqs []int64
	for _, f := range m.facts {
		if f.seq == 0 || !rapid.Bool().Draw(t, "retry") {
			continue
		}
		seqs = append(seqs, f.seq)
		if f.parked {
			f.parked, f.tries, f.until, f.token = false, 0, time.Time{}, ""
		}
	}
	if err := m.subject.Journal.Retry(context.Background(), seqs); err != nil {
		t.Fatalf("retry: %v", err)
	}
}

// Purge deletes facts that are done, the oldest first, and compares their number. Which of several with the same time go
// does not matter: nobody can tell.
func (m *machine) Purge(t *rapid.T) {
	before := m.clock.now().Add(time.Duration(rapid.IntRange(-5, 1).Draw(t, "seconds")) * time.Second)
	limit := rapid.IntRange(0, 3).Draw(t, "limit")
	ripe := slices.DeleteFunc(slices.Clone(m.facts), func(f *modelFact) bool { return !f.done || !f.at.Before(before) })
	slices.SortStableFunc(ripe, func(a, b *modelFact) int { return a.at.Compare(b.at) })
	ripe = ripe[:min(limit, len(ripe))]
	got, err := m.subject.Journal.Purge(context.Background(), before, limit)
	if err != nil {
		t.Fatalf("purge: %v", err)
	}
	if got != len(ripe) {
		t.Fatalf("purged %d facts, want %d", got, len(ripe))
	}
	m.facts = slices.DeleteFunc(m.facts, func(f *modelFact) bool { return slices.Contains(ripe, f) })
}

// Tick moves the clock.
func (m *machine) Tick(t *rapid.T) {
	m.clock.move(time.Duration(rapid.IntRange(0, 3).Draw(t, "seconds")) * time.Second)
}
