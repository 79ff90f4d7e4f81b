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
	topic   journal.Topic
	handle  handler
	part    *part
	failing map[int64]error // facts that failed here and are to be tried again, by Seq
}

// failingMost bounds what a flow remembers: beyond it some are enough.
const failingMost = 1000

// runFlow holds the flow's duty and drains its topic until ctx ends.
func (f *Fog) runFlow(ctx context.Context, fl flow) error {
	return duty.Keep(ctx, f.ground.duties, duty.Name("fog.flow."+string(fl.topic)), f.holder, f.dutyTTL, f.now,
		func(ctx context.Context, _ duty.Fence) error {
			fl.failing = map[int64]error{}
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
// state whether all is well. Facts that an ending context cut short are free for
// whoever comes next.
func (f *Fog) mark(ctx context.Context, fl flow, claimed []journal.Claimed, results []error, cut bool) error {
	var done []journal.Claimed
	failed := map[failure][]journal.Claimed{}
	for i, cause := range results {
		if cause == nil {
			done = append(done, claimed[i])
			delete(fl.failing, claimed[i].Seq)
			continue
		}
		why := failureOf(cause, claimed[i].Tries, cut)
		failed[why] = append(failed[why], claimed[i])
		if why.tries+1 >= why.parkAfter {
			delete(fl.failing, claimed[i].Seq) // parked: Health counts it there
		} else if len(fl.failing) < failingMost {
			fl.failing[claimed[i].Seq] = cause
		}
	}
	if err := f.ground.journal.Done(ctx, done); err != nil {
		return fault.Wrap("fog.flow", err)
	}
	for why, facts := range failed {
		f.log.LogAttrs(ctx, slog.LevelWarn, "facts could not be handled",
			slog.String("topic", string(fl.topic)), slog.Int("facts", len(facts)), slog.String("cause", why.reason), slog.Int("failures", why.tries+1))
		if err := f.ground.journal.Fail(ctx, facts, why.reason, f.now().Add(why.pause), why.parkAfter); err != nil {
			return fault.Wrap("fog.flow", err)
		}
	}
	if !cut {
		fl.tell()
	}
	return nil
}

// failure is what facts that go back together have in common.
type failure struct {
	reason    string
	tries     int // before this one
	pause     time.Duration
	parkAfter int
}

// failureOf decides how a fact that failed is tried again. What only an outage
// broke is never parked.
func failureOf(cause error, tries int, cut bool) failure {
	why := failure{reason: cause.Error(), tries: tries, pause: min(flowRetry<<min(tries, 16), flowRetryMost), parkAfter: flowParkAfter}
	if cut || fault.KindOf(cause) == fault.Unavailable {
		why.parkAfter = math.MaxInt
	}
	if cut {
		why.pause = 0
	}
	return why
}

// tell sets the part's state: degraded as long as facts of it fail.
func (fl flow) tell() {
	for _, cause := range fl.failing {
		fl.part.set(Degraded, &fault.Error{
			Kind: fault.Unavailable, Op: fl.part.name, Detail: "some facts could not be handled and are tried again: " + fault.Detail(cause), Err: cause,
		})
		return
	}
	fl.part.set(Healthy, nil)
}
