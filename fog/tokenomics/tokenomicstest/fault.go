package tokenomicstest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
	"github.com/fogcompute/fogcompute/fog/tokenomics"
)

// Trial is how a store is broken.
type Trial struct {
	Open   OpenBroken
	Breaks []Break
	// Every is how many steps lie between two that break: more than what is done again as a whole has.
	Every int
	// Batch is the most requests that are posted at once.
	Batch int
	// Requests are made at random after those that make each operation happen once.
	Requests int
	Seed     uint64
}

// OpenBroken returns an empty store and its duties, whose steps the breaker breaks, and the same store without.
type OpenBroken func(t testing.TB, now func() time.Time, b *Breaker) (broken Setup, whole tokenomics.Store)

// Faults takes a store again and again through one history of all operations, each time with other steps that break, until each step of
// it has broken in each way, with whole ones around it. Whoever asks and hears an error asks again with the same key; then
// everything has come out as without the fault: the same verdicts, each effect once, and a ledger that verifies. A request that was
// refused, and whose refusal was lost, is a new request when it is asked again.
func Faults(t *testing.T, trial Trial) {
	w := write(t, trial.Requests, trial.Seed)
	for _, how := range trial.Breaks {
		t.Run(how.Name, func(t *testing.T) {
			reached, most := 0, 0
			for offset := range trial.Every {
				b := &Breaker{Break: how, every: trial.Every, offset: offset}
				replay(t, w, b, trial)
				reached, most = reached+b.count(), max(most, b.most)
				require.LessOrEqual(t, b.most, trial.Every, "what breaks early in an action hides what comes late")
			}
			t.Logf("%d steps broken, at most %d in what is done again as a whole", reached, most)
		})
	}
}

// script is a history that was written down.
type script struct {
	stages []stage
	keys   map[tokenomics.ProposalID]string // of the proposals in it
}

// write writes a history down: a tour, then random requests.
func write(t testing.TB, requests int, seed uint64) script {
	c := newCourse(t, rand.New(rand.NewPCG(seed, 0)).IntN)
	w := script{stages: c.tour(), keys: map[tokenomics.ProposalID]string{}}
	for begun := c.posted; c.posted < begun+requests; {
		w.stages = append(w.stages, c.next(12))
	}
	for key, id := range c.model.Numbers() {
		w.keys[id] = key
	}
	return w
}

// replay takes a ledger through a history while steps of it break.
func replay(t testing.TB, w script, b *Breaker, trial Trial) {
	c := newCourse(t, nil)
	broken, whole := trial.Open(t, c.clock.Now, b)
	m := &mending{
		course: c, runner: c.run(broken.Store, nil, nil), sweeper: c.run(broken.Store, nil, nil), breaker: b, whole: whole, keys: w.keys,
		batch: trial.Batch,
	}
	c.runners = c.runners[:1]
	m.runner.config.Duties, m.runner.config.Holder = broken.Duties, "alone"
	m.runner.open()
	for i, s := range w.stages {
		if m.play(s); i == 1 || i == len(w.stages)-1 {
			m.read()
		}
	}
	b.quiet(c.end)
}

// mending is a course of one ledger whose steps break, with callers who ask again.
type mending struct {
	*course
	runner  *runner
	sweeper *runner // writes as well, without the duty: with it, Run would wait for as long as it has failed to get it
	breaker *Breaker
	whole   tokenomics.Store
	keys    map[tokenomics.ProposalID]string
	batch   int
	batches int
}

func (m *mending) play(s stage) {
	m.economics, m.model.Economics = s.economics, s.economics
	for rest := s.requests; len(rest) > 0; {
		m.batches++
		size := min(len(rest), 1+m.batches*7%m.batch)
		m.post(rest[:size])
		rest = rest[size:]
	}
	m.advance(s.after)
	if !s.sweeps {
		return
	}
	for range 2 {
		m.model.Sweep()
		m.settle()
		m.advance(time.Second)
	}
}

// post posts a batch until all of its verdicts are heard, and compares them. When it is asked again nothing breaks.
func (m *mending) post(requests []tokenomics.Request) {
	requests = m.renumbered(requests)
	before := m.model.Seq
	answers := m.answers(requests)
	m.breaker.action()
	verdicts, err := m.runner.Post(context.Background(), requests)
	if lost := m.breaker.took(); lost || err != nil && m.head() != before {
		answers = m.answers(requests) // it was done, and is decided once more
	}
	if m.broken(err) {
		verdicts = make([]error, len(requests))
		for i := range verdicts {
			verdicts[i] = err
		}
	}
	requests, answers = m.judge(requests, verdicts, answers)
	m.breaker.quiet(func() {
		again, err := m.runner.Post(context.Background(), requests)
		require.NoError(m.t, err)
		requests, _ = m.judge(requests, again, answers)
		require.Empty(m.t, requests, "asking again helps")
	})
}

// renumbered gives requests the numbers that proposals have now.
func (m *mending) renumbered(requests []tokenomics.Request) []tokenomics.Request {
	now, out := m.model.Numbers(), make([]tokenomics.Request, len(requests))
	for i, r := range requests {
		out[i] = renumbered(r, m.keys, now)
	}
	return out
}

// broken reports whether there is an error, which must be one of those that a fault may cause.
func (m *mending) broken(err error) bool {
	if err != nil {
		require.Contains(m.t, []fault.Kind{fault.Unavailable, fault.Internal}, fault.KindOf(err), err)
	}
	return err != nil
}

// judge compares verdicts with the model's answers, and returns the requests that could not be decided.
func (m *mending) judge(requests []tokenomics.Request, verdicts []error, answers []string) (undecided []tokenomics.Request, of []string) {
	for i, err := range verdicts {
		if err != nil && (unsure(err) || fault.KindOf(err) == fault.Internal) {
			undecided, of = append(undecided, requests[i]), append(of, answers[i])
			continue
		}
		if kind, _, _ := strings.Cut(verdictOf(err), " "); kind != answers[i] {
			m.t.Fatalf("step %d broken: %s is answered with %s, by the model with %s", m.breaker.steps, text(requests[i]), verdictOf(err), answers[i])
		}
	}
	return undecided, of
}

func (m *mending) answers(requests []tokenomics.Request) []string {
	answers := make([]string, len(requests))
	for i, r := range requests {
		answers[i] = m.model.Post(r)
	}
	return answers
}

// head reads where the ledger stands.
func (m *mending) head() int64 {
	loaded, err := m.whole.Load(context.Background(), tokenomics.Wanted{})
	require.NoError(m.t, err)
	return loaded.Head.Last
}

// settle lets the ledger do what is due, and again if something has broken.
func (m *mending) settle() {
	m.breaker.action()
	broken := m.breaker.count()
	m.broken(m.sweeper.runOnce())
	m.breaker.took() // what is due is decided once, whoever asks
	if broken != m.breaker.count() {
		m.breaker.quiet(m.sweeper.settle)
	}
}

// read reads of everything, until it is read.
func (m *mending) read() {
	ctx, r := context.Background(), m.runner
	for _, read := range []func() error{
		func() error { _, err := r.Balance(ctx, "ann"); return err },
		func() error { _, err := r.BalanceAt(ctx, "ann", 1); return err },
		func() error { _, err := r.Positions(ctx, "bob"); return err },
		func() error { _, err := r.Stats(ctx); return err },
		func() error { _, err := r.Proposals(ctx, tokenomics.ProposalQuery{}); return err },
		func() error { _, err := r.Entries(ctx, "ann", "", 5); return err },
		func() error { return r.Verify(ctx) },
		func() error {
			got, err := r.Parameters(ctx)
			if want := m.model.View(nil).Parameters; err == nil {
				require.Equal(m.t, want, got)
			}
			return err
		},
	} {
		m.breaker.action()
		if m.broken(read()) {
			m.breaker.quiet(func() { require.NoError(m.t, read()) })
		}
	}
}

// testAskFaults lets a server ask another one while the calls of both break, each in turn and in each way: whoever asks again gets an
// answer, and everything happens once.
func testAskFaults(t *testing.T, b *bench) {
	paid, asked := tokenomics.Amount(0), 0
	for i, how := range Breaks() {
		for offset := range askEvery {
			asking := &Breaker{Break: how, every: askEvery, offset: 1 + offset, slower: true}
			writing := &Breaker{Break: how, every: askEvery, offset: 1 + offset, slower: true}
			writer := b.server(t, "writer", func(c *tokenomics.Config) { c.Store = writing.Store(b.Store) })
			stop := persisting(writer)
			require.Eventually(t, func() bool {
				stats, err := writer.Stats(t.Context())
				return err == nil && stats.Writer
			}, 10*time.Second, time.Millisecond)
			pay(t, b.ledger(t, func(c *tokenomics.Config) { c.Duties = nil }), fog, "alice")
			asker := b.server(t, "asker", func(c *tokenomics.Config) { c.Store = asking.Store(b.Store) })
			for n := range 3 {
				transfers := []tokenomics.Transfer{{Key: fmt.Sprint(i, offset, n), From: "operator", To: "dev", Amount: fog}, {
					Key: fmt.Sprint("poor", i, offset, n), From: "pauper", To: "dev", Amount: fog,
				}}
				verdicts, err := asker.Transfer(t.Context(), transfers)
				for try := 0; err != nil || verdicts[0] != nil; try++ {
					require.Less(t, try, 50, "%v %v", verdicts, err)
					verdicts, err = asker.Transfer(t.Context(), transfers)
				}
				require.ErrorIs(t, verdicts[1], insufficient)
				paid += fog
			}
			asked += asking.count()
			stop()
			require.NoError(t, writer.Close())
			require.NoError(t, asker.Close()) // which may have got the duty when Run had lost it
		}
	}
	ledger := b.ledger(t, func(c *tokenomics.Config) { c.Duties = nil })
	available, _ := balance(t, ledger, "dev")
	require.Equal(t, paid, available)
	require.Positive(t, asked, "calls of those who ask were broken")
	sound(t, ledger)
}

// askEvery is how many calls lie between the first two that break while servers ask each other.
const askEvery = 7

// persisting runs a ledger again and again until it is stopped.
func persisting(ledger *tokenomics.Tokenomics) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		for ctx.Err() == nil {
			_ = ledger.Run(ctx) // it breaks, that is the point
		}
	}()
	return func() {
		cancel()
		<-done
	}
}
