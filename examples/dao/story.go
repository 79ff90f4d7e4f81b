package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/fogcompute/fogcompute/fog/tokenomics"
)

// chapter begins a part of the story, which says its first day.
func (t *town) chapter(title, about string) {
	fmt.Printf("\n%s\n%s\n", title, strings.Repeat("─", len(title)))
	t.told = time.Time{}
	if about != "" {
		fmt.Printf("  %s\n", about)
	}
}

// say prints what happens, with the day if it is another one.
func (t *town) say(format string, a ...any) {
	when := "         "
	if now := t.clock.Now(); !now.Equal(t.told) {
		when, t.told = fmt.Sprintf("day %5.2f", t.days(now)), now
	}
	fmt.Printf("  %s  %s\n", when, fmt.Sprintf(format, a...))
}

// powers prints who has a voice.
func (t *town) powers() {
	fmt.Printf("\n  %-6s %10s  %-12s %6s\n", "", "stakes FOG", "delegates to", "power")
	gives := map[tokenomics.Account]string{"bea": "ada", "cyd": "dan (half)"}
	for _, who := range t.people {
		p, err := t.ledger.Power(context.Background(), who)
		check(err)
		fmt.Printf("  %-6s %10s  %-12s %6s  %s\n", who, p.Own, gives[who], p.Power, strings.Repeat("█", int(p.Power/(100*tokenomics.FOG))))
	}
}

// bar prints where a vote stands: a place for each fiftieth of all power, and the quorum.
func (t *town) bar(p tokenomics.Proposal) {
	const places = 50
	var b strings.Builder
	filled := 0
	part := func(mark string, amount tokenomics.Amount) {
		n := int((amount*places + p.Power/2) / p.Power)
		b.WriteString(strings.Repeat(mark, n))
		filled += n
	}
	part("█", p.Tally.For)
	part("▒", p.Tally.Against)
	part("░", p.Tally.Abstain)
	line := []rune(b.String() + strings.Repeat("·", max(0, places-filled)))
	at := int(p.Quorum * places / p.Power)
	quorum := "misses its quorum"
	if p.Quorate {
		quorum = "has its quorum"
	}
	fmt.Printf("             %s│%s  for %s, against %s, abstain %s: %s\n",
		string(line[:at]), string(line[at:]), p.Tally.For, p.Tally.Against, p.Tally.Abstain, quorum)
}

// verify holds the town to what was said, and to its books.
func (t *town) verify(budget tokenomics.ProposalID) {
	ctx := context.Background()
	check(t.ledger.Verify(ctx))
	stats, err := t.ledger.Stats(ctx)
	check(err)
	require(stats.Sum == 0, "the ledger's sum is %s", stats.Sum)
	p := t.get(budget)
	want := tokenomics.Tally{For: 4250 * tokenomics.FOG, Against: 2000 * tokenomics.FOG, Abstain: 3000 * tokenomics.FOG, Turnout: 9250 * tokenomics.FOG, Voters: 4}
	require(p.State == tokenomics.ProposalExecuted && p.Tally == want, "proposal #1 is %s with %+v", p.State, p.Tally)
	recount := tokenomics.Amount(0)
	votes, err := t.ledger.Votes(ctx, budget, "", 0)
	check(err)
	for _, v := range votes.Votes {
		recount += v.Power
	}
	require(recount == p.Tally.Turnout, "the votes add up to %s", recount)
	decided, err := t.ledger.Parameters(ctx)
	check(err)
	require(decided.Version() == 3 && t.house.Parameters().Version() == 3, "the parameters have version %d", decided.Version())
	require(stats.Deposits == 0, "deposits of %s FOG are left", stats.Deposits)
	head, err := t.ledger.Head(ctx)
	check(err)
	fmt.Printf(`
  ledger      %d movements in a chain of hashes, all verified; the sum of all accounts is %s
  vote on #1  %s FOG took part: what %d ballots add up to
  parameters  version %d: %s = %s
  treasury    %s FOG of 5000, after 800 for the laboratory and none for mal
`, head.Last, stats.Sum, p.Tally.Turnout, len(votes.Votes), decided.Version(), roundBudget, t.budget(), stats.Treasury)
}
