package accrual_test

import (
	"fmt"
	"time"

	"github.com/fogcompute/fogcompute/fog/tokenomics/accrual"
)

// Three equal sharers and a reward of 100: each has earned 33 1/3, and gets the third when it has become a whole.
func ExamplePot() {
	var pot accrual.Pot
	pot, ada, _ := pot.Join(1)
	pot, _, _ = pot.Join(1)
	pot, _, _ = pot.Join(1)

	pot, _ = pot.Reward(100)
	ada, paid, _ := pot.Claim(ada)
	fmt.Println(paid)
	pot, _ = pot.Reward(200)
	ada, paid, _ = pot.Claim(ada)
	fmt.Println(paid)
	fmt.Println(ada.Fraction, pot.Rest)
	// Output:
	// 33
	// 67
	// 0 0
}

// A change of weight counts from now on; what was earned before stays.
func ExamplePot_Change() {
	var pot accrual.Pot
	pot, ada, _ := pot.Join(10)
	pot, bob, _ := pot.Join(10)
	pot, _ = pot.Reward(100)
	pot, bob, _ = pot.Change(bob, 30)
	pot, _ = pot.Reward(100)
	for _, share := range []accrual.Share{ada, bob} {
		earned, _ := pot.Earned(share)
		fmt.Println(earned.Hi)
	}
	// Output:
	// 75
	// 125
}

// An operator's pot is a sharer of the network's pot, and divides what it collects among its stakers.
func ExamplePot_Collect() {
	var network, operator accrual.Pot
	operator, ada, _ := operator.Join(1)
	operator, bob, _ := operator.Join(2)
	network, inNetwork, _ := network.Join(operator.Total)
	network, _, _ = network.Join(3) // another operator

	network, _ = network.Reward(100)
	operator, inNetwork, _ = operator.Collect(network, inNetwork)
	_, toAda, _ := operator.Claim(ada)
	_, toBob, _ := operator.Claim(bob)
	fmt.Println(toAda, toBob, inNetwork.Owed, inNetwork.Fraction)
	// Output:
	// 16 33 0 0
}

// A slash reaches all owners of a pool at once, however many there are.
func ExamplePool() {
	var pool accrual.Pool
	pool, ada, _ := pool.Enter(1000)
	pool, bob, _ := pool.Enter(500)
	pool, slashed, _ := pool.Cut(1000) // 10 %
	fmt.Println(slashed, pool.Value(ada), pool.Value(bob))
	pool, eve, _ := pool.Enter(90)
	fmt.Println(eve, pool.Value(eve))
	_, tokens, _ := pool.Exit(ada)
	fmt.Println(tokens)
	// Output:
	// 150 900 450
	// 100 90
	// 900
}

// A thousand tokens in the first year, half of that in the second, and never more than 1,600.
func ExampleEmission() {
	year := 365 * 24 * time.Hour
	begin := time.Date(2026, time.January, 1, 0, 0, 0, 0, time.UTC)
	e := accrual.Emission{Start: begin, Period: year, First: 1000, Cap: 1600}
	paid := int64(0)
	for _, at := range []time.Duration{0, year / 2, year, 3 * year / 2, 2 * year, 3 * year} {
		due := e.Due(begin.Add(at), paid)
		paid += due
		fmt.Println(due, paid)
	}
	// Output:
	// 0 0
	// 500 500
	// 500 1000
	// 250 1250
	// 250 1500
	// 100 1600
}

// A third of the greatest number, and what is left over.
func ExampleMulDiv() {
	fmt.Println(accrual.MulDiv(1<<63, 2, 3))
	// Output:
	// 6148914691236517205 1 true
}
