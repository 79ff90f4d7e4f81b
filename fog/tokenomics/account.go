package tokenomics

import (
	"context"
	"time"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
	"github.com/fogcompute/fogcompute/fog/principal"
)

// Account names one party of the ledger: any text of 1 to 128 characters without control characters. It is the same
// name as the party's principal.Account. An account needs no opening: it exists for everybody, with nothing in it.
type Account string

// Kind is one compartment of an account. Every movement takes tokens out of some compartments and puts them into others.
type Kind string

const (
	// KindAvailable holds what the account may spend now.
	KindAvailable Kind = "available"
	// KindHeld holds what is set aside for holds that are not resolved.
	KindHeld Kind = "held"
	// KindMint is where tokens come from: the only kind that goes below zero. What it lacks is the total supply.
	KindMint Kind = "mint"
	// KindStaked holds what is staked in the pool of the account as an operator, whoever staked it.
	KindStaked Kind = "staked"
	// KindUnbonding holds what has left the account's pool and is not paid back yet.
	KindUnbonding Kind = "unbonding"
	// KindReward holds rewards that are not claimed yet.
	KindReward Kind = "reward"
	// KindDeposit holds what the account has deposited for proposals.
	KindDeposit Kind = "deposit"
)

// Mint is the account whose compartment of KindMint every token of a tenant comes from. The name gives no right: its other
// compartments are those of an ordinary account.
const Mint Account = "mint"

// SubAccount is a compartment of an account: what a posting touches.
type SubAccount struct {
	Tenant  principal.Tenant
	Account Account
	Kind    Kind
}

// Balance is what an account has. Its zero value, but for the name, is that of an account nobody has paid yet.
type Balance struct {
	Account   Account
	Available Amount    // may be spent now; without what is held
	Held      Amount    // set aside for holds
	Staked    Amount    // what its shares of operators' pools are worth
	Rewards   Amount    // earned and not yet claimed, for stakes and for compute
	Updated   time.Time // of the latest movement; zero if there was none
}

// Total returns Available + Staked: the account's own tokens without those that are spoken for.
func (b Balance) Total() Amount { return b.Available + b.Staked }

// Balance returns what an account of the caller's tenant has. An account that nobody has paid yet has zeros; an empty name
// means the caller's own account. Errors: Invalid, Denied, Unavailable.
func (t *Tokenomics) Balance(ctx context.Context, account Account) (Balance, error) {
	const op = "tokenomics.balance"
	tenant, account, err := t.reader(ctx, op, account)
	if err != nil {
		return Balance{}, err
	}
	h, err := t.holdings(ctx, tenant, account)
	if err != nil {
		return Balance{}, fault.Wrap(op, err)
	}
	balance := Balance{
		Account: account, Available: h.lines[KindAvailable].Balance, Held: h.lines[KindHeld].Balance, Staked: h.staked(),
		Rewards: h.pending(account),
	}
	for _, line := range h.lines {
		balance.Updated = later(balance.Updated, line.Updated)
	}
	return balance, nil
}

// reader prepares a call that reads one account: it fills in the caller's own, checks the name and asks Authorize.
func (t *Tokenomics) reader(ctx context.Context, op string, account Account) (principal.Tenant, Account, error) {
	who := principal.From(ctx)
	if account == "" {
		account = Account(who.Account)
	}
	if err := checkName(op, "account", string(account), maxName); err != nil {
		return "", "", err
	}
	resource := principal.Resource{Kind: "account", ID: string(account), Tenant: who.Tenant, Owner: principal.Account(account)}
	if err := t.config.Authorize.Authorize(ctx, who, "tokenomics.read", resource); err != nil {
		return "", "", fault.Wrap(op, err)
	}
	return who.Tenant, account, fault.Wrap(op, t.open(ctx))
}
