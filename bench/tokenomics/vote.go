package tokenomics

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/fogcompute/fogcompute/bench/sample"
	"github.com/fogcompute/fogcompute/fog/principal"
	"github.com/fogcompute/fogcompute/fog/tokenomics"
)

func voteFigures(s *Setting) []Figure {
	return []Figure{
		{"vote/close", "<", 1.5, func(ctx context.Context) (Result, error) { return closeVotes(ctx, s) }},
		{"vote/snapshot_rows", "<=", 1, func(ctx context.Context) (Result, error) { return snapshotRows(ctx, s) }},
	}
}

const (
	// voice is the power of every voter.
	voice = tokenomics.FOG / 10
	// delegates are for how many voters one person stakes, in equal parts.
	delegates = 8
	// closings are how often a round closes the vote, and lookups how often it looks a voter's power up.
	closings, lookups = 10, 100
	// period is longer than a vote is open.
	period = 8 * 24 * time.Hour
)

// election is a ledger with one proposal, on which everybody has voted. Its vote is still open.
type election struct {
	*site
	voters   int
	proposal tokenomics.Proposal
	open     tokenomics.Record // of the proposal
	asked    uint64

	took, lookup []float64 // of each round: p50 of closing in ms, and of a look-up in us
}

// closeVotes compares the time in which a server closes a vote of many with that for a vote of few.
func closeVotes(ctx context.Context, s *Setting) (r Result, err error) {
	g := s.stage()
	defer g.clear()
	dir, err := g.folder()
	if err != nil {
		return r, err
	}
	var sides [2]*election
	for i, voters := range []int{many, few} {
		if sides[i], err = g.election(ctx, dir, voters); err != nil {
			return r, err
		}
	}
	for round := -1; round < g.rounds(21); round++ {
		err := inTurns(round,
			func() error { return sides[0].round(ctx, round >= 0) },
			func() error { return sides[1].round(ctx, round >= 0) })
		if err != nil {
			return r, err
		}
	}
	return versus("ms", sides[0].took, strconv.Itoa(few)+"_voters", sides[1].took, fmt.Sprintf("a voter's power at the snapshot in %s us, with %d voters in %s us",
		sample.Number(sample.Median(sides[0].lookup)), few, sample.Number(sample.Median(sides[1].lookup)))), nil
}

// election lets everybody vote: three of four for the proposal, the others against it.
func (g *stage) election(ctx context.Context, base base, voters int) (*election, error) {
	s, err := g.ledger(ctx, base, "voters"+strconv.Itoa(voters), tokenomics.Config{Genesis: tokenomics.MaxSupply, Governance: rules()})
	if err != nil {
		return nil, err
	}
	if err := s.empower(ctx, voters); err != nil {
		return nil, err
	}
	ids, verdicts, err := s.ledger.Propose(ctx, []tokenomics.Propose{{
		Key: s.key(), Proposer: "operator", Title: "A question to everybody", Description: "Is what everybody has decided decided as fast as what a few have?",
	}})
	if err := errors.Join(append(verdicts, err)...); err != nil {
		return nil, err
	}
	s.moved.Add(1)
	err = s.post(ctx, voters, crowding, func(n int) tokenomics.Request {
		return tokenomics.Request{Vote: &tokenomics.Vote{Key: s.key(), Proposal: ids[0], Voter: voter(n), Choice: choice(n)}}
	})
	if err != nil {
		return nil, err
	}
	e := &election{site: s, voters: voters}
	if e.proposal, err = s.ledger.Proposal(ctx, ids[0]); err != nil {
		return nil, err
	}
	records, err := s.store.Records(ctx, tokenomics.RecordQuery{Tenant: principal.DefaultTenant, Class: tokenomics.ClassProposal, Limit: 2})
	if err != nil || len(records) != 1 {
		return nil, fmt.Errorf("%d proposals instead of one: %w", len(records), err)
	}
	e.open = records[0]
	if voters == few { // of many it would take longer than all else
		if err := s.check(ctx); err != nil {
			return nil, err
		}
	}
	return e, e.counted(e.proposal, tokenomics.ProposalVoting)
}

func rules() tokenomics.Governance { return tokenomics.Governance{MinPower: -1} }

// choice is what a voter wants.
func choice(n int) tokenomics.Choice {
	if n%4 == 3 {
		return tokenomics.ChoiceAgainst
	}
	return tokenomics.ChoiceFor
}

// empower gives so many voters their power: others stake for them.
func (s *site) empower(ctx context.Context, voters int) error {
	stakers := (voters + delegates - 1) / delegates
	if err := s.enrol(ctx, stakers, delegates*voice); err != nil {
		return err
	}
	return s.post(ctx, stakers, crowding/delegates, func(n int) tokenomics.Request {
		d := tokenomics.Delegate{Key: s.key(), Account: person(n)}
		for v := n * delegates; v < min((n+1)*delegates, voters); v++ {
			d.To = append(d.To, tokenomics.Delegation{To: voter(v), Part: 10_000 / delegates})
		}
		return tokenomics.Request{Delegate: &d}
	})
}

// voter is the account of one of those who vote.
func voter(n int) tokenomics.Account { return tokenomics.Account(fmt.Sprintf("voter:%07d", n)) }

// round closes the vote some times, and looks some voters up.
func (e *election) round(ctx context.Context, counts bool) error {
	var took, lookup []time.Duration
	for range closings {
		t, err := e.close(ctx)
		if err != nil {
			return err
		}
		took = append(took, t)
	}
	for range lookups {
		e.asked++
		asked := time.Now()
		power, err := e.ledger.PowerAt(ctx, voter(int(mix(e.asked)%uint64(e.voters))), e.proposal.Snapshot)
		lookup = append(lookup, time.Since(asked))
		if err != nil || power.Power != voice || power.Total != e.proposal.Power {
			return fmt.Errorf("a voter has the power %d of %d, not %d of %d: %w", power.Power, power.Total, voice, e.proposal.Power, err)
		}
	}
	if counts {
		e.took = append(e.took, sample.Millis(sample.Percentile(took, 0.5)))
		e.lookup = append(e.lookup, sample.Micros(sample.Percentile(lookup, 0.5)))
	}
	return e.complete(ctx)
}

// close lets a server that has just started find that the time of the vote is over, and returns how long that takes from the beginning of its
// work until the result is durable. Then it puts the proposal's record back, so that the same vote can be closed again.
func (e *election) close(ctx context.Context) (time.Duration, error) {
	closed, once := make(chan time.Time, 1), sync.Once{}
	server, err := tokenomics.New(tokenomics.Config{
		Store: e.store, Genesis: tokenomics.MaxSupply, Governance: rules(),
		Now: func() time.Time { return time.Now().Add(period) },
		Step: func(name string) {
			if name == "tokenomics.turn" {
				once.Do(func() { closed <- time.Now() })
			}
		},
	})
	if err != nil {
		return 0, err
	}
	if _, err := server.Proposals(ctx, tokenomics.ProposalQuery{Limit: 1}); err != nil { // it has opened the ledger
		return 0, err
	}
	running, stop := context.WithCancel(ctx)
	defer stop()
	ended := make(chan error, 1)
	began := time.Now()
	go func() { ended <- server.Run(running) }()
	select {
	case at := <-closed:
		stop()
		e.moved.Add(1)
		return at.Sub(began), errors.Join(<-ended, e.reopen(ctx))
	case err := <-ended:
		return 0, fmt.Errorf("the vote was not closed: %w", errors.Join(err, ctx.Err()))
	}
}

// reopen checks the result and puts the record back, past the ledger.
func (e *election) reopen(ctx context.Context) error {
	p, err := e.ledger.Proposal(ctx, e.proposal.ID)
	if err != nil {
		return err
	}
	if err := e.counted(p, tokenomics.ProposalSucceeded); err != nil {
		return err
	}
	loaded, err := e.store.Load(ctx, tokenomics.Wanted{})
	if err != nil {
		return err
	}
	return e.store.Commit(ctx, tokenomics.Fence{}, tokenomics.Changes{
		Was: loaded.Head, Head: loaded.Head, At: time.Now().UTC(), Records: []tokenomics.Record{e.open},
	})
}

// counted makes sure that every vote has counted.
func (e *election) counted(p tokenomics.Proposal, state tokenomics.ProposalState) error {
	against := tokenomics.Amount(e.voters/4) * voice
	all := tokenomics.Amount(e.voters) * voice
	if want := (tokenomics.Tally{For: all - against, Against: against, Turnout: all, Voters: int64(e.voters)}); p.Tally != want || p.State != state {
		return fmt.Errorf("the proposal is %s with %+v, not %s with %+v", p.State, p.Tally, state, want)
	}
	return nil
}
