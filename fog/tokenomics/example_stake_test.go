package tokenomics_test

import (
	"context"
	"fmt"
	"time"

	"github.com/fogcompute/fogcompute/fog/tokenomics"
)

// Stake stands behind an operator, and leaves by an entry that matures.
func ExampleTokenomics_Stake() {
	ctx := context.Background()
	ledger, _ := tokenomics.New(tokenomics.Config{})
	check(ledger.Transfer(ctx, []tokenomics.Transfer{{Key: "gift", From: "operator", To: "ann", Amount: 100 * tokenomics.FOG}}))
	check(ledger.Stake(ctx, []tokenomics.Stake{{Key: "s", Account: "ann", Operator: "rack-7", Amount: 80 * tokenomics.FOG}}))
	check(ledger.Unstake(ctx, []tokenomics.Unstake{{Key: "u", Account: "ann", Operator: "rack-7", Amount: 30 * tokenomics.FOG}}))
	check(ledger.Redelegate(ctx, []tokenomics.Redelegate{{Key: "r", Account: "ann", From: "rack-7", To: "rack-8", Amount: 10 * tokenomics.FOG}}))
	positions, _ := ledger.Positions(ctx, "ann")
	for _, p := range positions {
		fmt.Println(p.Operator, p.Staked)
		for _, u := range p.Unbonding {
			fmt.Println("leaving:", u.Unstake, u.Amount, "in", u.Matures.Sub(u.Created))
		}
	}
	check(ledger.CancelUnstake(ctx, []tokenomics.CancelUnstake{{Key: "c", Account: "ann", Operator: "rack-7", Unstake: "u"}}))
	balance, _ := ledger.Balance(ctx, "ann")
	fmt.Println(balance.Available, balance.Staked)
	// Output:
	// rack-7 40
	// leaving: u 30 in 168h0m0s
	// rack-8 10
	// 20 80
}

// Power to vote comes from stake, and can be lent in parts.
func ExampleTokenomics_Delegate() {
	ctx := context.Background()
	ledger, _ := tokenomics.New(tokenomics.Config{})
	check(ledger.Stake(ctx, []tokenomics.Stake{{Key: "s", Account: "operator", Amount: 100 * tokenomics.FOG}}))
	check(ledger.Delegate(ctx, []tokenomics.Delegate{{
		Key: "d", Account: "operator", To: []tokenomics.Delegation{{To: "ann", Part: 2500}, {To: "bob", Part: 1000}},
	}}))
	head, _ := ledger.Head(ctx)
	for _, account := range []tokenomics.Account{"operator", "ann", "bob"} {
		power, _ := ledger.PowerAt(ctx, account, head.Last)
		fmt.Println(account, power.Own, power.Power, "of", power.Total)
	}
	// Output:
	// operator 100 65 of 100
	// ann 0 25 of 100
	// bob 0 10 of 100
}

// A part of what is paid for compute goes to those who stake.
func ExampleTokenomics_Claim() {
	ctx := context.Background()
	ledger, _ := tokenomics.New(tokenomics.Config{
		Economics: func() tokenomics.Economics { return tokenomics.Economics{Fee: 500, FeeToStakers: 8000} },
	})
	check(ledger.Stake(ctx, []tokenomics.Stake{{Key: "s", Account: "operator", Amount: 64 * tokenomics.FOG}}))
	check(ledger.Hold(ctx, []tokenomics.Hold{{ID: "job", Payer: "operator", Amount: 100 * tokenomics.FOG}}))
	check(ledger.Capture(ctx, []tokenomics.Capture{{
		Key: "job", Hold: "job", To: []tokenomics.Share{{Account: "lamp", Amount: 100 * tokenomics.FOG}},
	}}))
	earnings, _ := ledger.Rewards(ctx, "operator")
	lamp, _ := ledger.Balance(ctx, "lamp")
	treasury, _ := ledger.Balance(ctx, tokenomics.Treasury)
	fmt.Println(lamp.Available, treasury.Available, earnings.Pending)
	check(ledger.Claim(ctx, []tokenomics.Claim{{Key: "c", Account: "operator"}}))
	check(ledger.Compound(ctx, []tokenomics.Compound{{Key: "again", Account: "operator"}}))
	earnings, _ = ledger.Rewards(ctx, "operator")
	fmt.Println(earnings.Pending)
	// Output:
	// 95 1 4
	// 0
}

// A slash waits for the operator to appeal, and for the house to decide.
func ExampleTokenomics_SlashEvidence() {
	ctx := context.Background()
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	ledger, _ := tokenomics.New(tokenomics.Config{Now: func() time.Time { return now }})
	check(ledger.Stake(ctx, []tokenomics.Stake{{Key: "s", Account: "operator", Operator: "rack-7", Amount: 100 * tokenomics.FOG}}))
	check(ledger.SlashEvidence(ctx, []tokenomics.SlashEvidence{{
		ID: "job-9", Operator: "rack-7", Kind: tokenomics.FaultSLA, At: now.Add(-time.Hour), Part: 500, Harmed: "payer", Loss: 3 * tokenomics.FOG,
	}}))
	slash, _ := ledger.Slashed(ctx, "job-9")
	fmt.Println(slash.State, slash.Due.Sub(now))
	check(ledger.Appeal(ctx, []tokenomics.Appeal{{ID: "job-9", Operator: "rack-7", Detail: "the power was out"}}))
	check(ledger.Uphold(ctx, []tokenomics.Uphold{{ID: "job-9", Detail: "there are two lines"}}))
	slash, _ = ledger.Slashed(ctx, "job-9")
	fmt.Println(slash.Taken, slash.Compensated, slash.Burned)
	fmt.Println("sound:", ledger.Verify(ctx) == nil)
	// Output:
	// open 24h0m0s
	// 5 3 2
	// sound: true
}
