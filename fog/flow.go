package fog

import (
	"context"
	"log/slog"
	"math"
	"time"

	"github.com/fogcompute/fogcompute/fog/internal/duty"
	"github.com/fogcompute/fogcompute/fog/internal/fault"
	"github.com/fogcompute/fogcompute/fog/internal/journal"
)

const (
	flowBatch = 256 // facts handled together
	// flowClaim is how long a dead server's claims keep its facts from the next.
	// The duty keeps other servers away while this one lives, so a claim that ends
	// before its facts are handled does no harm.
	flowClaim     = time.Second
	flowPoll      = time.Second     // facts of other servers are seen at least this often
	flowMark      = 5 * time.Second // to note what was done, after the duty was lost or the house closed
	flowRetry     = 200 * time.Millisecond
	flowRetryMost = time.Minute
	flowParkAfter = 12 // failures of one fact before it is parked for a person to look at
)

// handler gets the facts of one claim, reads the current state behind them and
// returns one error per fact. It runs outside any transaction and must be
// idempotent, since facts repeat and overtake each other.
type handler func(ctx context.Context, facts []journal.Claimed) []error

// flow carries facts of one topic to the engines that must know.
type flow struct {
	topic  journal.Topic
	handle handler
	part   *part
}

// runFlow holds the flow's duty and drains its topic until ctx ends.
func (f *Fog) runFlow(ctx context.Context, fl flow) error {
	return duty.Keep(ctx, f.ground.duties, duty.Name("fog.flow."+string(fl.topic)), f.holder, f.dutyTTL, f.now,
		func(ctx context.Context, _ duty.Fence) error {
			for {
				n, err := f.drain(ctx, fl)
				if err != nil {
					return err
				}
				if n == flowBatch {
					continue
				}
				if err := f.waitForFacts(ctx, fl.topic); err != nil {
					return err
				}
			}
		})
}

// waitForFacts returns when the topic may have facts, or after flowPoll.
func (f *Fog) waitForFacts(ctx context.Context, topic journal.Topic) error {
	timer := time.NewTimer(flowPoll)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-f.ground.journal.Wake(topic):
	case <-timer.C:
	}
	return nil
}

// drain handles one claim of facts and says how many it took.
func (f *Fog) drain(ctx context.Context, fl flow) (int, error) {
	claimed, err := f.ground.journal.Claim(ctx, fl.topic, flowBatch, f.now().Add(flowClaim))
	if err != nil || len(claimed) == 0 {
		return 0, fault.Wrap("fog.flow", err)
	}
	results := fl.attempt(ctx, claimed)
	// What was done is done, even if the duty is lost or the house closed by now.
	marking, cancel := context.WithTimeout(context.WithoutCancel(ctx), flowMark)
	defer cancel()
	if err := f.mark(marking, fl, claimed, results, ctx.Err() != nil); err != nil {
		return 0, err
	}
	return len(claimed), ctx.Err()
}

// attempt handles facts together. Those that fail, other than by an outage, are
// handled once more, each by itself: one that poisons the others of its claim
// must not have them parked.
func (fl flow) attempt(ctx context.Context, facts []journal.Claimed) []error {
	results := fl.once(ctx, facts)
	if len(facts) == 1 {
		return results
	}
	for i, err := range results {
		if err != nil && fault.KindOf(err) != fault.Unavailable && ctx.Err() == nil {
			results[i] = fl.once(ctx, facts[i:i+1])[0]
		}
	}
	return results
}

// once calls the handler. Where it panics every fact has failed: the panic is
// counted, like any failure, instead of being repeated for ever.
func (fl flow) once(ctx context.Context, facts []journal.Claimed) []error {
	results := make([]error, len(facts))
	err := guarded(func() error {
		copy(results, fl.handle(ctx, facts))
		return nil
	})
	if err != nil {
		return fill(results, err)
	}
	return results
}

// mark notes in the journal what has become of claimed facts, and in the part's
// state whether all went well. Facts that an ending context cut short are free
// for whoever comes next.
func (f *Fog) mark(ctx context.Context, fl flow, claimed []journal.Claimed, results []error, cut bool) error {
	var done []journal.Claimed
	failed := map[failure][]journal.Claimed{}
	causes := map[string]error{}
	for i, cause := range results {
		if cause == nil {
			done = append(done, claimed[i])
			continue
		}
		why := failure{reason: cause.Error(), tries: claimed[i].Tries, outage: cut || fault.KindOf(cause) == fault.Unavailable}
		failed[why] = append(failed[why], claimed[i])
		causes[why.reason] = cause
	}
	if err := f.ground.journal.Done(ctx, done); err != nil {
		return fault.Wrap("fog.flow", err)
	}
	for why, facts := range failed {
		if err := f.putBack(ctx, fl, facts, why, cut); err != nil {
			return err
		}
	}
	if cut {
		return nil
	}
	fl.tell(causes)
	return nil
}

// failure is what facts that go back together have in common.
type failure struct {
	reason string
	tries  int
	outage bool
}

// putBack returns failed facts for a later try. What only an outage broke is
// never parked.
func (f *Fog) putBack(ctx context.Context, fl flow, facts []journal.Claimed, why failure, now bool) error {
	parkAfter, pause := flowParkAfter, min(flowRetry<<min(why.tries, 16), flowRetryMost)
	if why.outage {
		parkAfter = math.MaxInt
	}
	if now {
		pause = 0
	}
	f.log.LogAttrs(ctx, slog.LevelWarn, "facts could not be handled, will be tried again",
		slog.String("topic", string(fl.topic)), slog.Int("facts", len(facts)), slog.String("cause", why.reason))
	err := f.ground.journal.Fail(ctx, facts, why.reason, f.now().Add(pause), parkAfter)
	return fault.Wrap("fog.flow", err)
}

// tell sets the part's state by the failures of its last claim.
func (fl flow) tell(causes map[string]error) {
	for _, cause := range causes {
		fl.part.set(Degraded, &fault.Error{
			Kind: fault.Unavailable, Op: fl.part.name, Detail: "some facts could not be handled and are tried again: " + fault.Detail(cause), Err: cause,
		})
		return
	}
	fl.part.set(Healthy, nil)
}
