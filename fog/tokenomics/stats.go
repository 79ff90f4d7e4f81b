package tokenomics

import (
	"context"
	"time"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
	"github.com/fogcompute/fogcompute/fog/principal"
)

// Names of the running sums.
const (
	countAccounts  = "accounts"         // accounts that were ever paid
	countMovements = "movements"        // steps of the ledger
	countHolds     = "holds.open"       // holds that are not resolved
	countCaptures  = "captures"         // also by hour
	countVolume    = "volume"           // base units captured; also by hour
	countProposals = "proposals"        // ever made
	countVoting    = "proposals.voting" // open for votes now
	countVoters    = "voters"           // accounts that ever voted
	countStakers   = "stakers"          // accounts that stake now

	countStakingRewards = "rewards.staking" // base units rewarded to stakers
	countComputeRewards = "rewards.compute" // base units rewarded for compute
)

// statsHours is how many hours Stats looks back: this one and the 23 before it.
const statsHours = 24

// sumOf names the running sum of all balances of a kind.
func sumOf(kind Kind) string { return sums[codeOf(kind)] }

// sums are the names of sums by the codes of their kinds.
var sums = [...]string{
	"sum.", "sum.available", "sum.held", "sum.mint", "sum.staked", "sum.unbonding", "sum.reward", "sum.deposit",
}

// hourOf returns the number of whole hours since 1970.
func hourOf(t time.Time) int64 { return t.Unix() / 3600 }

// Stats are the figures of one tenant's ledger. Its zero value is an empty ledger.
type Stats struct {
	TotalSupply Amount // minted so far: what the compartments of KindMint lack
	Circulating Amount // available to accounts: the supply without what is held
	Held        Amount // set aside for open holds
	Staked      Amount // in operators' pools
	Unbonding   Amount // has left a pool and is not paid back
	Rewards     Amount // earned and not claimed, or waiting to be earned
	Deposits    Amount // locked for proposals
	Treasury    Amount // what the treasury may spend
	Sum         Amount // of all balances of all kinds: 0, or the ledger is broken

	Accounts  int64 // that were ever paid
	OpenHolds int64 // not resolved
	Movements int64 // steps of the ledger

	Captures    int64  // payments out of holds, ever
	Volume      Amount // paid by them; not bounded by MaxSupply, tokens are paid again and again
	CapturesDay int64  // payments in this hour and the 23 before it
	VolumeDay   Amount // paid by them

	Stakers        int64  // accounts that stake now
	StakingRate    int64  // what a staked token has earned in the last 30 days, or since the first reward, in millionths a year
	StakingRewards Amount // rewarded to stakers, ever
	ComputeRewards Amount // rewarded for compute beside its price, ever

	Listings int64  // nodes that offer room on the market now
	Prices   Posted // of the market now
	Quote    Quote  // what one FOG is worth outside; zero: nothing

	Proposals int64 // ever made
	Voting    int64 // of them, open for votes
	Voters    int64 // accounts that ever voted

	Writer bool // this server writes the ledger now
}

// Stats returns the figures of the caller's tenant from running sums: it costs the same however long the ledger is.
// Errors: Denied, Unavailable.
func (t *Tokenomics) Stats(ctx context.Context) (Stats, error) {
	const op = "tokenomics.stats"
	who := principal.From(ctx)
	resource := principal.Resource{Kind: "ledger", Tenant: who.Tenant}
	if err := t.config.Authorize.Authorize(ctx, who, "tokenomics.stats", resource); err != nil {
		return Stats{}, fault.Wrap(op, err)
	}
	if err := t.open(ctx); err != nil {
		return Stats{}, fault.Wrap(op, err)
	}
	tally, err := t.store.Tally(ctx, who.Tenant)
	if err != nil {
		return Stats{}, fault.Wrap(op, err)
	}
	stats := summarise(tally, hourOf(t.config.Now()))
	common, treasury := RecordRef{who.Tenant, ClassRewards, string(Rewards)}, SubAccount{who.Tenant, Treasury, KindAvailable}
	loaded, err := t.store.Load(ctx, Wanted{Records: []RecordRef{common}, Lines: []SubAccount{treasury}})
	if err != nil {
		return Stats{}, fault.Wrap(op, err)
	}
	stats.Treasury = loaded.Lines[treasury].Balance
	var r rewards
	if err := decodeIf(loaded.Records[common], &r); err != nil {
		return Stats{}, fault.Wrap(op, err)
	}
	if stats.StakingRate, err = t.yieldOf(ctx, who.Tenant, &r); err != nil {
		return Stats{}, fault.Wrap(op, err)
	}
	stats.Listings, stats.Prices, stats.Quote = t.market.Conditions(who.Tenant).Listings, t.market.Posted(who.Tenant), t.config.Quote
	_, stats.Writer = t.seat.current()
	return stats, nil
}

// summarise turns running sums into figures.
func summarise(tally map[Count]int64, hour int64) Stats {
	total := func(name string) int64 { return tally[Count{Name: name}] }
	sum := func(kind Kind) Amount { return Amount(total(sumOf(kind))) }
	stats := Stats{
		TotalSupply: -sum(KindMint),
		Circulating: sum(KindAvailable),
		Held:        sum(KindHeld),
		Staked:      sum(KindStaked),
		Unbonding:   sum(KindUnbonding),
		Rewards:     sum(KindReward),
		Deposits:    sum(KindDeposit),
		Accounts:    total(countAccounts),
		OpenHolds:   total(countHolds),
		Movements:   total(countMovements),
		Captures:    total(countCaptures),
		Volume:      Amount(total(countVolume)),
		Stakers:     total(countStakers),

		Proposals: total(countProposals),
		Voting:    total(countVoting),
		Voters:    total(countVoters),

		StakingRewards: Amount(total(countStakingRewards)),
		ComputeRewards: Amount(total(countComputeRewards)),
	}
	for kind := range kinds() {
		stats.Sum += sum(kind)
	}
	for back := range int64(statsHours) {
		stats.CapturesDay += tally[Count{Name: countCaptures, Hour: hour - back}]
		stats.VolumeDay += Amount(tally[Count{Name: countVolume, Hour: hour - back}])
	}
	return stats
}
