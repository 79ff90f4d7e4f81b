package fog

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
	"github.com/fogcompute/fogcompute/fog/principal"
	"github.com/fogcompute/fogcompute/fog/scheduler"
	"github.com/fogcompute/fogcompute/fog/tokenomics"
)

// parameterSource is where the versioned parameters are.
type parameterSource interface {
	// Parameters reads the newest snapshot if its version is greater than after, else any that is not.
	Parameters(ctx context.Context, after int64) (tokenomics.Snapshot, error)
	// Wake returns a channel of hints that there may be a newer one. Hints may be lost; nil gives none.
	Wake() <-chan struct{}
}

// decisions are the parameters of the default tenant in the ledger: those that its governance has decided on.
type decisions struct{ ledger *tokenomics.Tokenomics }

var _ parameterSource = decisions{}

// Parameters implements parameterSource.
func (d decisions) Parameters(ctx context.Context, _ int64) (tokenomics.Snapshot, error) {
	return d.ledger.Parameters(principal.With(ctx, principal.House()))
}

// Wake implements parameterSource.
func (d decisions) Wake() <-chan struct{} { return d.ledger.ParametersChanged() }

// paramsPoll is how often the parameters are looked at without a hint.
const paramsPoll = time.Second

// params follows the versioned parameters and publishes what can work of them as one snapshot that never changes. Engines pull it:
// each asks once for a round, a submission or a quote, and so never sees half of a change. What the rows say goes before
// what the Config says.
type params struct {
	registry  *tokenomics.Registry
	source    parameterSource // nil: nothing is ever set
	log       *slog.Logger
	published atomic.Pointer[published]

	mu   sync.Mutex      // of refresh, one at a time; guards what follows
	said map[string]bool // what was refused of the latest snapshot
}

// published is one snapshot, read once for each engine.
type published struct {
	snapshot  tokenomics.Snapshot
	scheduler func(*scheduler.Params)
	prices    func(*tokenomics.Prices)
}

// newParams declares what the engines of a house let governance change.
func newParams(config *Config, source parameterSource, log *slog.Logger) (*params, error) {
	registry, err := tokenomics.NewRegistry(
		schedulerKnobs().Set(config.Scheduler.Params),
		tokenomics.PriceKnobs().Set(config.Tokenomics.Prices),
		tokenomics.GovernanceSet(config.Tokenomics.Governance),
		tokenomics.EconomicsKnobs().Set(config.Tokenomics.Economics),
	)
	if err != nil {
		return nil, err
	}
	p := &params{registry: registry, source: source, log: log}
	p.publish(tokenomics.Snapshot{})
	return p, nil
}

// publish lets the engines see a snapshot that was accepted.
func (p *params) publish(s tokenomics.Snapshot) {
	p.published.Store(&published{snapshot: s, scheduler: schedulerKnobs().Overlay(s), prices: tokenomics.PriceKnobs().Overlay(s)})
}

// follow publishes newer parameters until ctx ends. A source that does not answer ends it; the parameters stay.
func (p *params) follow(ctx context.Context) error {
	if p.source == nil {
		<-ctx.Done()
		return ctx.Err()
	}
	ticker := time.NewTicker(paramsPoll)
	defer ticker.Stop()
	for {
		if err := p.refresh(ctx); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-ticker.C:
		case <-p.source.Wake():
		}
	}
}

// refresh reads the source once. A snapshot that is not newer changes nothing, so whatever servers and hints overtake each other, what
// is published only ever moves on.
func (p *params) refresh(ctx context.Context) error {
	if p.source == nil {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	last := p.published.Load().snapshot
	next, err := p.source.Parameters(ctx, last.Version())
	if err != nil {
		return fault.Wrap("fog.parameters", err)
	}
	if next.Version() <= last.Version() {
		return nil
	}
	good, refused := p.registry.Accept(last, next)
	p.publish(good)
	p.say(ctx, refused)
	return nil
}

// say warns once of each value that is refused, for as long as it stays.
func (p *params) say(ctx context.Context, refused []error) {
	said := make(map[string]bool, len(refused))
	for _, err := range refused {
		text := err.Error()
		if said[text] = true; !p.said[text] {
			p.log.WarnContext(ctx, "a parameter cannot work, its last good value stays", "cause", text)
		}
	}
	p.said = said
}

// forScheduler is base, the program's own parameters, with what was published over it.
func (p *params) forScheduler(base func() scheduler.Params) func() scheduler.Params {
	return func() scheduler.Params {
		var out scheduler.Params
		if base != nil {
			out = base()
		}
		p.published.Load().scheduler(&out)
		return out
	}
}

// forMarket is base, the program's own prices, with what was published over it; a tier's factor that nobody set is the scheduler's.
func (p *params) forMarket(base func() tokenomics.Prices) func() tokenomics.Prices {
	return func() tokenomics.Prices {
		var out tokenomics.Prices
		if base != nil {
			out = base()
		}
		p.published.Load().prices(&out)
		for i, factor := range []*int64{&out.Tiers.Platinum, &out.Tiers.Gold, &out.Tiers.Silver, &out.Tiers.Bronze} {
			if *factor == 0 {
				*factor = scheduler.TermsOf(scheduler.Tiers()[i]).PriceMilli // best first, too
			}
		}
		return out
	}
}

// Parameters is the snapshot that the engines follow now.
func (f *Fog) Parameters() tokenomics.Snapshot { return f.params.published.Load().snapshot }

// schedulerKnobs are the parameters of the scheduler. Zero and negative values are what scheduler.Params documents.
func schedulerKnobs() tokenomics.Knobs[scheduler.Params] {
	type span = tokenomics.Span
	return tokenomics.Knobs[scheduler.Params]{
		tokenomics.NewKnob("scheduler.round_budget", "duration", "Time that a round may spend on better plans; 0s: 100ms, negative: none.", span(0),
			func(p *scheduler.Params, v span) { p.RoundBudget = time.Duration(v) }),
		tokenomics.NewKnob("scheduler.priority_step", "duration", "By how much earlier a job counts as submitted for each unit of its priority; 0s: 1m, negative: not at all.", span(0),
			func(p *scheduler.Params, v span) { p.PriorityStep = time.Duration(v) }),
		tokenomics.NewKnob("scheduler.aging", "duration", "Time in the queue after which a job rises by one level; 0s: 30m, negative: never.", span(0),
			func(p *scheduler.Params, v span) { p.Aging = time.Duration(v) }),
		tokenomics.NewKnob("scheduler.grace", "duration", "How long an evicted attempt may go on; 0s: 30s, negative: not at all.", span(0),
			func(p *scheduler.Params, v span) { p.Grace = time.Duration(v) }),
		tokenomics.NewKnob("scheduler.evictions", "evictions an hour", "How often a job may be evicted in an hour; 0: 3, negative: never.", 0,
			func(p *scheduler.Params, v int) { p.Evictions = v }),
		tokenomics.NewKnob("scheduler.move_gain", "share", "Share by which a plan must be better for running jobs to be moved; 0: 0.1, negative: none is moved.", 0.0,
			func(p *scheduler.Params, v float64) { p.MoveGain = v }),
		tokenomics.NewKnob("scheduler.genetic", "share", "Share of a search that goes to NSGA-II; 0: 0.1, negative: none.", 0.0,
			func(p *scheduler.Params, v float64) { p.Genetic = v }),
	}
}
