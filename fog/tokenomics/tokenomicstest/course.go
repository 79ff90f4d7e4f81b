package tokenomicstest

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
	"github.com/fogcompute/fogcompute/fog/tokenomics"
	"github.com/fogcompute/fogcompute/fog/tokenomics/tokenomicstest/model"
)

// course takes ledgers and the model through one history, stage by stage.
type course struct {
	t         rapid.TB
	clock     *Clock
	model     *model.Model
	history   model.History
	economics tokenomics.Economics
	runners   []*runner
	posted    int                  // requests
	done      []tokenomics.Request // of the latest, those that were carried out and stay so
	past      map[int64]map[tokenomics.Account]model.Account
}

// stage is a part of a history: requests while time stands still, and how much time passes then.
type stage struct {
	requests  []tokenomics.Request
	after     time.Duration
	sweeps    bool // what is due then is done at once, and not in a later stage
	economics tokenomics.Economics
}

// newCourse begins a history that draw decides, see model.History.
func newCourse(t rapid.TB, draw func(n int) int) *course {
	c := &course{t: t, clock: NewClock(), past: map[int64]map[tokenomics.Account]model.Account{}}
	config := model.Lively(c.clock.Now())
	c.economics, c.model = config.Economics, model.New(config, c.clock.Now())
	c.history = model.History{Model: c.model, Draw: draw, Mix: model.Even()}
	return c
}

// begin is the stage with which every history begins.
func (c *course) begin() stage {
	s := stage{requests: model.Funding(), economics: c.economics}
	c.play(s)
	return s
}

// next draws a stage with up to so many requests, and takes it.
func (c *course) next(longest int) stage {
	s := stage{economics: c.economics}
	var answers []string
	for range 1 + c.history.Draw(longest) {
		r := c.history.Request()
		s.requests, answers = append(s.requests, r), append(answers, c.model.Post(r))
	}
	c.race(s.requests, answers)
	if c.history.Draw(4) > 0 {
		s.after, s.sweeps = c.history.Later(), c.history.Draw(4) > 0
	}
	c.pass(s)
	if c.history.Draw(8) == 7 {
		c.economics = model.Other(c.economics)
		c.model.Economics = c.economics
	}
	return s
}

// play takes a stage of a history that was drawn before, and returns the model's answers.
func (c *course) play(s stage) []string {
	c.economics, c.model.Economics = s.economics, s.economics
	answers := make([]string, len(s.requests))
	for i, r := range s.requests {
		answers[i] = c.model.Post(r)
	}
	c.race(s.requests, answers)
	c.pass(s)
	return answers
}

// race posts requests to every ledger, and compares its verdicts with the model's, and one ledger's with another's.
func (c *course) race(requests []tokenomics.Request, answers []string) {
	first := c.posted
	c.posted += len(requests)
	c.remind(requests, answers)
	var said []string
	for n, r := range c.runners {
		asked, want := requests, answers
		if r.only {
			asked, want = accepted(requests, answers)
		}
		verdicts := r.take(asked)
		for i, verdict := range verdicts {
			if kind, _, _ := strings.Cut(verdict, " "); kind != want[i] {
				c.t.Fatalf("at %s ledger %d answers request %d, %s, with %s, the model with %s", c.clock.Now(), n, first+i, text(asked[i]), verdict, want[i])
			}
			if said != nil && !r.only && verdict != said[i] {
				c.t.Fatalf("law 12: request %d, %s: %q is %q in other batches", first+i, text(asked[i]), said[i], verdict)
			}
		}
		if said == nil {
			said = verdicts
		}
	}
	c.meet("requests")
}

// remind keeps the latest requests that can be repeated: a hold that was voided since cannot.
func (c *course) remind(requests []tokenomics.Request, answers []string) {
	for i, r := range requests {
		if answers[i] == model.Yes && r.Hold == nil && r.Void == nil {
			c.done = append(c.done, r)
		}
	}
	c.done = c.done[max(0, len(c.done)-reminded):]
}

// reminded is how many requests of a history are repeated at its end.
const reminded = 24

// meet requires that the ledgers have come as far as the model.
func (c *course) meet(after string) {
	for n, r := range c.runners {
		loaded, err := r.store.Load(context.Background(), tokenomics.Wanted{})
		require.NoError(c.t, err)
		if loaded.Head.Last != c.model.Seq {
			c.t.Fatalf("at %s, after %s, ledger %d has made %d movements, the model %d", c.clock.Now(), after, n, loaded.Head.Last, c.model.Seq)
		}
	}
}

// accepted leaves out what is refused.
func accepted(requests []tokenomics.Request, answers []string) (some []tokenomics.Request, yes []string) {
	for i, r := range requests {
		if answers[i] == model.Yes {
			some, yes = append(some, r), append(yes, answers[i])
		}
	}
	return some, yes
}

func text(r tokenomics.Request) string {
	body, _ := json.Marshal(r) // it is read by people
	return string(body)
}

// verdictOf writes a verdict: its kind, and what it says.
func verdictOf(err error) string {
	if err == nil {
		return model.Yes
	}
	return fault.KindOf(err).String() + " " + err.Error()
}

// pass lets the time of a stage pass. If it sweeps, the ledgers then do what is due, and a second later what that has put off.
func (c *course) pass(s stage) {
	c.remember()
	c.advance(s.after)
	if !s.sweeps {
		return
	}
	for range 2 {
		c.model.Sweep()
		for _, r := range c.runners {
			r.settle()
		}
		c.meet("a sweep")
		c.advance(time.Second)
	}
}

func (c *course) advance(d time.Duration) {
	c.clock.Advance(d)
	c.model.Now = c.clock.Now()
}

// end checks the laws, and compares everything that can be seen of each ledger with the model. All ledgers have come to the same by the
// same movements.
func (c *course) end() {
	want := c.model.View(model.Accounts())
	var first trace
	for i, r := range c.runners {
		got := r.view(want)
		r.keep(got)
		require.Equal(c.t, want, got, "ledger %d after %d requests", i, c.posted)
		if i == 0 {
			first = r.trace()
		} else {
			require.Equal(c.t, first, r.trace(), "law 12: ledger %d is not what other batches have made", i)
		}
	}
}

// remembered is how many moments of the past are looked at again at the end of a history.
const remembered = 3

// remember remembers what accounts are now: the first moments, and then now and then one in place of another.
func (c *course) remember() {
	if len(c.past) == remembered {
		if c.posted%17 > 0 {
			return
		}
		delete(c.past, slices.Max(slices.Collect(maps.Keys(c.past))))
	}
	c.past[c.model.Seq] = c.model.View(model.Accounts()).Accounts
}
