package tokenomics_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/fogcompute/fogcompute/fog/tokenomics"
)

// Lamp is an engine with a parameter.
type Lamp struct{ Watts int64 }

// Validate says that a lamp has at most 100 watts.
func (l Lamp) Validate() error {
	if l.Watts > 100 {
		return fmt.Errorf("%d watts are too many", l.Watts)
	}
	return nil
}

// The whole life of a proposal: made, voted on, queued, executed; and the engine reads what was decided.
func ExampleTokenomics_Propose() {
	ctx, now := context.Background(), time.Date(2027, 3, 1, 12, 0, 0, 0, time.UTC)
	knobs := tokenomics.Knobs[Lamp]{tokenomics.NewKnob("lamp.watts", "watts", "How bright.", int64(5), func(l *Lamp, v int64) { l.Watts = v })}
	registry, err := tokenomics.NewRegistry(knobs.Set(nil))
	if err != nil {
		panic(err)
	}
	ledger, err := tokenomics.New(tokenomics.Config{Parameters: registry, Now: func() time.Time { return now }})
	if err != nil {
		panic(err)
	}
	defer ledger.Close()

	// Whoever stakes has a voice. Bob lets ann speak for him.
	check(ledger.Transfer(ctx, []tokenomics.Transfer{
		{Key: "1", From: "operator", To: "ann", Amount: 2000 * tokenomics.FOG},
		{Key: "2", From: "operator", To: "bob", Amount: 1500 * tokenomics.FOG},
	}))
	check(ledger.Stake(ctx, []tokenomics.Stake{
		{Key: "1", Account: "ann", Amount: 2000 * tokenomics.FOG}, {Key: "2", Account: "bob", Amount: 1500 * tokenomics.FOG},
	}))
	check(ledger.Delegate(ctx, []tokenomics.Delegate{{Key: "1", Account: "bob", To: []tokenomics.Delegation{{To: "ann", Part: 10_000}}}}))

	ids, verdicts, err := ledger.Propose(ctx, []tokenomics.Propose{{
		Key: "brighter", Proposer: "ann", Title: "Make it brighter", Description: strings.Repeat("It is too dark in here. ", 3),
		Kind:    tokenomics.ParameterChange,
		Actions: []tokenomics.Action{{Set: &tokenomics.SetParameter{Key: "lamp.watts", Value: json.RawMessage("60")}}},
	}})
	check(verdicts, err)
	id := ids[0]
	say := func() {
		p, err := ledger.Proposal(ctx, id)
		fmt.Println(p.State, "for", p.Tally.For, "against", p.Tally.Against, "quorum", p.Quorate, err)
	}
	vote := func(voter tokenomics.Account, choice tokenomics.Choice) {
		check(ledger.Vote(ctx, []tokenomics.Vote{{Key: string(voter + "/" + tokenomics.Account(choice)), Proposal: id, Voter: voter, Choice: choice}}))
		say()
	}
	vote("ann", tokenomics.ChoiceFor)
	vote("bob", tokenomics.ChoiceAgainst) // an own vote overrides ann's with his stake
	vote("bob", tokenomics.ChoiceAbstain)

	queue := tokenomics.Enqueue{Key: "q", Proposal: id, Account: "ann"}
	fmt.Println(ledger.Queue(ctx, queue))
	now = now.Add(7 * 24 * time.Hour)
	fmt.Println(ledger.Queue(ctx, queue))
	now = now.Add(24 * time.Hour) // the timelock
	fmt.Println(ledger.Execute(ctx, tokenomics.Execute{Key: "x", Proposal: id, Account: "ann"}))
	say()

	parameters, err := ledger.Parameters(ctx)
	var lamp Lamp
	knobs.Overlay(parameters)(&lamp)
	fmt.Println("version", parameters.Version(), "watts", lamp.Watts, err)
	// Output:
	// voting for 3500 against 0 quorum true <nil>
	// voting for 2000 against 1500 quorum true <nil>
	// voting for 2000 against 0 quorum true <nil>
	// tokenomics.queue: proposal 7 is being voted on until 2027-03-08T12:00:00Z
	// <nil>
	// <nil>
	// executed for 2000 against 0 quorum true <nil>
	// version 1 watts 60 <nil>
}
