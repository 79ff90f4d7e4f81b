package tokenomics_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/fogcompute/fogcompute/fog/principal"
	"github.com/fogcompute/fogcompute/fog/tokenomics"
)

func Example() {
	ctx := context.Background()
	ledger, err := tokenomics.New(tokenomics.Config{Genesis: 100 * tokenomics.FOG})
	if err != nil {
		panic(err)
	}
	defer ledger.Close()

	// Set 10 FOG aside for a job, pay a device 4 of them, give the rest back.
	check(ledger.Hold(ctx, []tokenomics.Hold{{ID: "job-1", Payer: "operator", Amount: 10 * tokenomics.FOG}}))
	check(ledger.Capture(ctx, []tokenomics.Capture{{
		Key: "job-1/0", Hold: "job-1", To: []tokenomics.Share{{Account: "device:lamp", Amount: 4 * tokenomics.FOG}},
	}}))
	check(ledger.Void(ctx, []tokenomics.Void{{Hold: "job-1"}}))

	for _, account := range []tokenomics.Account{"operator", "device:lamp"} {
		balance, err := ledger.Balance(ctx, account)
		fmt.Println(account, balance.Available, balance.Held, err)
	}
	fmt.Println("sound:", ledger.Verify(ctx) == nil)
	// Output:
	// operator 96 0 <nil>
	// device:lamp 4 0 <nil>
	// sound: true
}

// check prints what was refused.
func check(verdicts []error, err error) {
	if err := errors.Join(append(verdicts, err)...); err != nil {
		fmt.Println(err)
	}
}

// A request that is asked again under its key does nothing and answers as before; another content is refused.
func ExampleTokenomics_Transfer() {
	ctx := context.Background()
	ledger, _ := tokenomics.New(tokenomics.Config{})
	transfer := tokenomics.Transfer{Key: "rent-11", From: "operator", To: "bob", Amount: tokenomics.FOG}
	check(ledger.Transfer(ctx, []tokenomics.Transfer{transfer}))
	check(ledger.Transfer(ctx, []tokenomics.Transfer{transfer}))
	transfer.Amount *= 2
	check(ledger.Transfer(ctx, []tokenomics.Transfer{transfer}))
	balance, _ := ledger.Balance(ctx, "bob")
	fmt.Println(balance.Available)
	// Output:
	// tokenomics.transfer: transfer "rent-11" was made before with another content
	// 1
}

// A void that comes before its hold refuses the hold for ever.
func ExampleTokenomics_Void() {
	ctx := context.Background()
	ledger, _ := tokenomics.New(tokenomics.Config{})
	check(ledger.Void(ctx, []tokenomics.Void{{Hold: "job-2"}}))
	check(ledger.Hold(ctx, []tokenomics.Hold{{ID: "job-2", Payer: "operator", Amount: tokenomics.FOG}}))
	hold, _ := ledger.Held(ctx, "job-2")
	fmt.Println(hold.State)
	// Output:
	// tokenomics.hold: hold "job-2" was voided
	// voided
}

// Post takes requests of several kinds in one commit, in order; each is answered by itself.
func ExampleTokenomics_Post() {
	ctx := context.Background()
	ledger, _ := tokenomics.New(tokenomics.Config{})
	verdicts, err := ledger.Post(ctx, []tokenomics.Request{
		{Hold: &tokenomics.Hold{ID: "job-3", Payer: "operator", Amount: 3 * tokenomics.FOG}},
		{Transfer: &tokenomics.Transfer{Key: "t", From: "pauper", To: "bob", Amount: tokenomics.FOG}},
		{Capture: &tokenomics.Capture{
			Key: "job-3", Hold: "job-3", Final: true, To: []tokenomics.Share{{Account: "bob", Amount: tokenomics.FOG}},
		}},
	})
	fmt.Println(verdicts[0], verdicts[1], verdicts[2], err)
	// Output:
	// <nil> tokenomics.transfer: account "pauper" has 0 FOG available, 1 asked <nil> <nil>
}

// The history of an account comes newest first, page by page.
func ExampleTokenomics_Entries() {
	ctx := context.Background()
	ledger, _ := tokenomics.New(tokenomics.Config{Genesis: 10 * tokenomics.FOG})
	check(ledger.Hold(ctx, []tokenomics.Hold{{ID: "job-4", Payer: "operator", Amount: 4 * tokenomics.FOG}}))
	for cursor := ""; ; {
		page, err := ledger.Entries(ctx, "operator", cursor, 2)
		if err != nil {
			panic(err)
		}
		for _, e := range page.Entries {
			fmt.Println(e.Op, e.Kind, e.Amount, e.After)
		}
		if cursor = page.Next; cursor == "" {
			break
		}
	}
	// Output:
	// hold held 4 4
	// hold available -4 6
	// genesis available 10 10
}

// Every call acts for the principal in its context; without one it acts for the operator.
func ExampleTokenomics_Balance() {
	ledger, _ := tokenomics.New(tokenomics.Config{})
	bob := principal.With(context.Background(), principal.Principal{Tenant: principal.DefaultTenant, Account: "bob"})
	own, err := ledger.Balance(bob, "")
	fmt.Println(own.Account, own.Available, err)
	_, err = ledger.Balance(bob, "operator")
	fmt.Println(err)
	// Output:
	// bob 0 <nil>
	// tokenomics.balance: tokenomics.read: account "bob" may not do this to account "operator"
}

func ExampleTokenomics_Stats() {
	ledger, _ := tokenomics.New(tokenomics.Config{Genesis: 10 * tokenomics.FOG})
	check(ledger.Hold(context.Background(), []tokenomics.Hold{{ID: "job-5", Payer: "operator", Amount: tokenomics.FOG}}))
	stats, err := ledger.Stats(context.Background())
	fmt.Println(stats.TotalSupply, stats.Circulating, stats.Held, stats.Sum, err)
	// Output:
	// 10 9 1 0 <nil>
}

func ExampleParseAmount() {
	amount, err := tokenomics.ParseAmount("2.5")
	fmt.Println(int64(amount), amount, err)
	_, err = tokenomics.ParseAmount("0.0000001")
	fmt.Println(err)
	// Output:
	// 2500000 2.5 <nil>
	// tokenomics.amount: amount: "0.0000001" has more than 6 decimals
}
