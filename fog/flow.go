package fog

import (
	"context"
	"log/slog"
	"math"
	"time"

	"github.com/fogcompute/fogcompute/fog/internal/duty"
	"github.com/fogcompute/fogcompute/fog/internal/fault"
	"github.com/fogcompute/fogcompute/fog/internal/journal"
	"github.com/fogcompute/fogcompute/fog/principal"
)

const (
	flowBatch     = 256             // facts handled together
	flowClaim     = 3 * time.Second // a claim not marked done by then is taken again: its server has died
	flowPoll      = time.Second     // facts of other servers are seen at least this often
	flowRetry     = 200 * time.Millisecond
	flowRetryMost = time.Minute
	flowParkAfter = 12 // failures of one fact before it is parked for a person to look at
)

// flow carries facts of one topic to the engines that must know. handle gets
// the facts of one claim, reads the current state behind them and returns one
// error per fact; it runs outside any transaction and must be idempotent,
// since facts repeat and overtake each other.
type flow struct {
	topic  journal.Topic
	handle func(ctx context.Context, facts []journal.Claimed) []error
}

// runFlow holds the flow's duty and drains its topic until ctx ends.
func (f *Fog) runFlow(ctx context.Context, fl flow) error {
	ctx = principal.With(ctx, principal.House())
	return duty.Keep(ctx, f.ground.duties, duty.Name("fog.flow."+string(fl.topic)), f.holder, dutyTTL, f.now,
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
	var done []journal.Claimed
	failed := map[string][]journal.Claimed{}
	causes := map[string]error{}
	for i, cause := range fl.handle(ctx, claimed) {
		if cause == nil {
			done = append(done, claimed[i])
			continue
		}
		failed[cause.Error()] = append(failed[cause.Error()], claimed[i])
		causes[cause.Error()] = cause
	}
	if len(done) > 0 {
		if err := f.ground.journal.Done(ctx, done); err != nil {
			return 0, fault.Wrap("fog.flow", err)
		}
	}
	for reason, facts := range failed {
		if err := f.putBack(ctx, fl.topic, facts, reason, causes[reason]); err != nil {
			return 0, err
		}
	}
	return len(claimed), nil
}

// putBack returns failed facts for a later try. What only an outage broke is
// never parked.
func (f *Fog) putBack(ctx context.Context, topic journal.Topic, facts []journal.Claimed, reason string, cause error) error {
	parkAfter := flowParkAfter
	if fault.KindOf(cause) == fault.Unavailable {
		parkAfter = math.MaxInt
	}
	f.log.LogAttrs(ctx, slog.LevelWarn, "facts could not be handled, will be tried again",
		slog.String("topic", string(topic)), slog.Int("facts", len(facts)), slog.String("cause", reason))
	byTries := map[int][]journal.Claimed{}
	for _, fact := range facts {
		byTries[fact.Tries] = append(byTries[fact.Tries], fact)
	}
	for tries, group := range byTries {
		retry := min(flowRetry<<min(tries, 16), flowRetryMost)
		if err := f.ground.journal.Fail(ctx, group, reason, f.now().Add(retry), parkAfter); err != nil {
			return fault.Wrap("fog.flow", err)
		}
	}
	return nil
}
