// Dao is a whole proposal life in one program, by a clock that it turns itself: people stake and delegate, a proposal gives the scheduler
// time for better plans, its quorum is reached late, it waits behind its time lock, is executed, and the next round uses it. Beside
// it the treasury pays, the guardian stops a raid, and an emergency goes back by itself. It prints the story, draws it, and exits 0
// only if everything that it says has happened.
//
//	go run ./examples/dao -out dao.svg
package main

import (
	"flag"
	"fmt"
	"time"

	"github.com/fogcompute/fogcompute/fog/tokenomics"
)

func main() {
	out := flag.String("out", "dao.svg", "file for the picture")
	flag.Parse()
	t := open()
	t.settle()
	t.chapter("Greedy plans", "The house opens without a budget for better plans: its planner takes the first good place for each job.")
	t.terms = append(t.terms, term{t.began, "none"})
	before := t.round()
	t.say("12 jobs placed, searches for a better plan: %d", before)
	require(before == 0, "there was a search without a budget")

	budget, pay := t.propose()
	t.vote(budget, pay)
	t.execute(budget, pay)
	t.raid()
	t.emergency()

	t.chapter("The books", "")
	t.verify(budget)
	check(t.draw(*out, budget))
	check(t.house.Close())
	fmt.Printf("\n  Everything held. The picture is in %s.\n", *out)
}

// settle lets people stake, and delegate.
func (t *town) settle() {
	t.chapter("A town stakes", "Whoever stakes has a voice; it can be given to others, in parts.")
	t.transfer(tokenomics.Treasury, 5000)
	for _, s := range []struct {
		who    tokenomics.Account
		amount tokenomics.Amount
	}{{"ada", 2500}, {"bea", 2000}, {"cyd", 1500}, {"dan", 1000}, {"eli", 3000}} {
		t.transfer(s.who, s.amount+200)
		t.stake(s.who, s.amount)
	}
	t.delegate("bea", tokenomics.Delegation{To: "ada", Part: 10_000})
	t.delegate("cyd", tokenomics.Delegation{To: "dan", Part: 5000})
	t.powers()
}

// propose makes two proposals: a budget for the planner, whose deposit two people share, and a payment out of the treasury.
func (t *town) propose() (budget, pay tokenomics.ProposalID) {
	t.chapter("Two proposals", "A vote needs a deposit of 100 FOG, then a day for everybody to read it.")
	t.until(1)
	budget = t.motion("ada", "Think before placing", tokenomics.ParameterChange, 60, set(roundBudget, "250ms"))
	pay = t.motion("dan", "A laboratory for the fog", tokenomics.TreasuryAllocation, 100, payment("lab", 800))
	t.refused("eli", "vote on #1", t.ballot(budget, "eli", tokenomics.ChoiceFor), "lacks 40 FOG of its deposit")
	t.until(1.5)
	t.deposit(budget, "cyd", 40)
	return budget, pay
}

// vote lets the town vote. The budget has its quorum an hour before the end, so the others get two days to answer.
func (t *town) vote(budget, pay tokenomics.ProposalID) {
	t.chapter("The votes", "Power is that of the moment at which voting began. What is staked later has no voice in it.")
	t.until(3)
	t.cast(budget, "ada", tokenomics.ChoiceFor, "with what bea has delegated")
	t.cast(pay, "ada", tokenomics.ChoiceFor, "with what bea has delegated")
	t.until(4)
	t.cast(budget, "bea", tokenomics.ChoiceAgainst, "her own vote overrides her delegate's")
	t.cast(pay, "eli", tokenomics.ChoiceFor, "")
	t.until(5)
	t.unstake("bea", 500)
	t.transfer("fay", 2200)
	t.stake("fay", 2000)
	t.refused("fay", "vote on #1", t.ballot(budget, "fay", tokenomics.ChoiceAgainst), "counts what was staked at movement")
	t.until(7.5 - 1./24)
	ends := t.get(budget).Ends
	t.cast(budget, "dan", tokenomics.ChoiceFor, "with half of cyd's: the quorum, an hour before the end")
	p := t.get(budget)
	require(p.Quorate && p.Extended && p.Ends.Equal(t.clock.Now().Add(2*day)), "a late quorum did not extend the vote")
	t.say("the end moves from day %.1f to day %.1f, for the others to answer", t.days(ends), t.days(p.Ends))
	t.until(8.5)
	t.cast(budget, "eli", tokenomics.ChoiceAbstain, "counts for the quorum alone")
}

// execute takes both proposals through queue and time lock.
func (t *town) execute(budget, pay tokenomics.ProposalID) {
	t.chapter("Queue, time lock, execution", "What was accepted waits two days, in which the guardian can still stop it.")
	t.queue(pay, "dan")
	t.until(9.5)
	t.queue(budget, "ada")
	t.refused("ada", "execute #1 at once", t.execution(budget, "ada"), "can be executed from "+t.get(budget).ETA.Format("2006-01-02"))
	t.until(10.5)
	t.carryOut(pay, "dan")
	require(t.balance("lab").Available == 800*tokenomics.FOG, "the laboratory was not paid")
	t.until(11.5)
	t.carryOut(budget, "ada")
	t.follow(250 * time.Millisecond)
	searches := t.round()
	t.say("the next round: 12 jobs placed, searches for a better plan: %d", searches)
	require(searches > 0, "the next round did not use its budget")
}
