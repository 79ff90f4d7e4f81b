package main

import (
	"context"
	"fmt"
	"log"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/fogcompute/fogcompute/fog"
	"github.com/fogcompute/fogcompute/fog/principal"
	"github.com/fogcompute/fogcompute/fog/scheduler"
	"github.com/fogcompute/fogcompute/fog/tokenomics"
)

const day = 24 * time.Hour

// patience is how long the program waits for what the house does by itself, by the clock on the wall.
const patience = 2 * time.Minute

// clock stands still until it is turned.
type clock struct {
	mu  sync.Mutex // guards now
	now time.Time
}

// Now is what the house takes for the time.
func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) set(now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = now
}

// town is a house with people in it, and what has happened so far.
type town struct {
	house  *fog.Fog
	ledger *tokenomics.Tokenomics
	clock  *clock
	began  time.Time
	people []tokenomics.Account
	keys   int
	told   time.Time // the day that was printed last
	past   []moment
	lives  []*life
	terms  []term
}

// open opens a house in memory, with a ledger and a scheduler whose nodes this program plays.
func open() *town {
	c := &clock{now: time.Date(2027, 3, 1, 0, 0, 0, 0, time.UTC)}
	house, err := fog.Open(context.Background(), fog.Config{
		Now: c.Now, Leave: []string{"idle", "benchmark"},
		Scheduler: scheduler.Config{Params: func() scheduler.Params { return scheduler.Params{RoundBudget: -1} }},
		Tokenomics: tokenomics.Config{Guardian: "guardian", Governance: tokenomics.Governance{
			Deposit: 100 * tokenomics.FOG, VotingDelay: day, VotingPeriod: 5 * day, LateQuorum: 2 * day, Timelock: 2 * day, Quorum: 5000,
			EmergencyPeriod: 6 * time.Hour, EmergencyEffect: 3 * day,
		}},
	})
	check(err)
	return &town{house: house, ledger: house.Tokenomics, clock: c, began: c.now}
}

// as is a context in which an account acts for itself.
func as(account tokenomics.Account) context.Context {
	return principal.With(context.Background(), principal.Principal{Tenant: principal.DefaultTenant, Account: principal.Account(account)})
}

// key is one that was never used.
func (t *town) key() string {
	t.keys++
	return fmt.Sprint("step ", t.keys)
}

// days is a time in days since the beginning.
func (t *town) days(at time.Time) float64 { return at.Sub(t.began).Hours() / 24 }

// until turns the clock to a day, and stops wherever the house has to take a step by itself.
func (t *town) until(days float64) {
	to := t.began.Add(time.Duration(days * float64(day))).Round(time.Second)
	require(to.After(t.clock.Now()), "day %.2f is past", days)
	for next := t.next(to); next != nil; next = t.next(to) {
		t.clock.set(next.Next)
		wait("the next step of "+next.Title, func() bool { return !t.get(next.ID).Next.Equal(next.Next) })
		t.note()
	}
	t.clock.set(to)
	t.note()
}

// next is the proposal that takes a step by the time alone before some time, the first of them; nil if there is none.
func (t *town) next(to time.Time) (first *tokenomics.Proposal) {
	for _, l := range t.lives {
		p := t.get(l.id)
		if !p.Next.IsZero() && !p.Next.After(to) && (first == nil || p.Next.Before(first.Next)) {
			first = &p
		}
	}
	return first
}

// post has a request carried out for an account.
func (t *town) post(account tokenomics.Account, r tokenomics.Request) error {
	verdicts, err := t.ledger.Post(as(account), []tokenomics.Request{r})
	check(err)
	return verdicts[0]
}

// does is post for what must succeed.
func (t *town) does(account tokenomics.Account, r tokenomics.Request) {
	check(t.post(account, r))
	t.note()
}

// refused is post for what must be refused, for a reason.
func (t *town) refused(account tokenomics.Account, wants string, r tokenomics.Request, reason string) {
	err := t.post(account, r)
	require(err != nil && strings.Contains(err.Error(), reason), "%s was told: %v", account, err)
	text := fog.Detail(err)
	for i, l := range t.lives {
		text = strings.ReplaceAll(text, "proposal "+l.id.String(), fmt.Sprint("#", i+1))
	}
	t.say("%s wants to %s, and is refused: %s", account, wants, text)
}

func (t *town) transfer(to tokenomics.Account, amount tokenomics.Amount) {
	t.does("operator", tokenomics.Request{Transfer: &tokenomics.Transfer{Key: t.key(), From: "operator", To: to, Amount: amount * tokenomics.FOG}})
}

func (t *town) stake(who tokenomics.Account, amount tokenomics.Amount) {
	if !slices.Contains(t.people, who) {
		t.people = append(t.people, who)
	}
	t.does(who, tokenomics.Request{Stake: &tokenomics.Stake{Key: t.key(), Account: who, Amount: amount * tokenomics.FOG}})
	if t.clock.Now().After(t.began) {
		t.say("%s stakes %d FOG", who, amount)
	}
}

func (t *town) unstake(who tokenomics.Account, amount tokenomics.Amount) {
	t.does(who, tokenomics.Request{Unstake: &tokenomics.Unstake{Key: t.key(), Account: who, Amount: amount * tokenomics.FOG}})
	t.say("%s unstakes %d FOG, which are paid back in seven days", who, amount)
}

func (t *town) delegate(who tokenomics.Account, to ...tokenomics.Delegation) {
	t.does(who, tokenomics.Request{Delegate: &tokenomics.Delegate{Key: t.key(), Account: who, To: to}})
}

func (t *town) balance(who tokenomics.Account) tokenomics.Balance {
	b, err := t.ledger.Balance(context.Background(), who)
	check(err)
	return b
}

// wait lets the house do something by itself.
func wait(what string, done func() bool) {
	for end := time.Now().Add(patience); !done(); time.Sleep(5 * time.Millisecond) {
		require(time.Now().Before(end), "%s has not happened", what)
	}
}

// require ends the program unless something holds.
func require(holds bool, format string, a ...any) {
	if !holds {
		log.Fatalf(format, a...)
	}
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
