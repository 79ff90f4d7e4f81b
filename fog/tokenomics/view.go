package tokenomics

import "time"

// StatsView is Stats in the form of the public interface. The tags doc describe each field in its schema.
type StatsView struct {
	TotalSupply       Amount          `json:"totalSupply" doc:"Tokens in existence, in FOG."`
	CirculatingSupply Amount          `json:"circulatingSupply" doc:"Tokens that accounts may spend now, in FOG: the supply without what is held in escrow, staked, or earned and not claimed."`
	StakedTokens      Amount          `json:"stakedTokens" doc:"Tokens that are staked, in FOG."`
	ActiveStakers     int64           `json:"activeStakers" doc:"Accounts that stake."`
	ProposalsActive   int64           `json:"proposalsActive" doc:"Proposals that can be voted on."`
	ProposalsTotal    int64           `json:"proposalsTotal" doc:"Proposals ever made."`
	MarketCap         Amount          `json:"marketCap" doc:"Circulating supply times price, in the operator's currency; 0 while the operator quotes no price."`
	StakingAPR        float64         `json:"stakingAPR" doc:"What a staked token has earned in the last 30 days, or since the first reward, in percent a year."`
	Tokens            TokensView      `json:"tokens" doc:"Supply and price."`
	DAO               DAOView         `json:"dao" doc:"Governance."`
	Marketplace       MarketplaceView `json:"marketplace" doc:"Payments for compute: each capture of escrow is a trade."`
	Rewards           RewardsView     `json:"rewards" doc:"Rewards beside payments for jobs."`
}

// TokensView is the part of StatsView about supply and price.
type TokensView struct {
	TotalSupply       Amount `json:"totalSupply" doc:"Tokens in existence, in FOG."`
	CirculatingSupply Amount `json:"circulatingSupply" doc:"Tokens that accounts may spend now, in FOG."`
	MarketCap         Amount `json:"marketCap" doc:"Circulating supply times price, in the operator's currency; 0 while the operator quotes no price."`
	Price             Amount `json:"price" doc:"Price of one FOG in the operator's currency; 0: the operator quotes none."`
	Currency          string `json:"currency" doc:"The operator's currency; empty without a quote."`
}

// DAOView is the part of StatsView about governance.
type DAOView struct {
	Proposals       int64  `json:"proposals" doc:"Proposals ever made."`
	ActiveVotes     int64  `json:"activeVotes" doc:"Votes that are open."`
	TotalVoters     int64  `json:"totalVoters" doc:"Accounts that ever voted."`
	TreasuryBalance Amount `json:"treasuryBalance" doc:"Tokens of the treasury, in FOG."`
}

// MarketplaceView is the part of StatsView about payments for compute.
type MarketplaceView struct {
	ActiveListings int64  `json:"activeListings" doc:"Nodes that offer room now."`
	TotalVolume    Amount `json:"totalVolume" doc:"FOG paid out of escrow, ever."`
	AvgPrice       Amount `json:"avgPrice" doc:"FOG per payment on average, rounded down to 6 decimals."`
	Trades24h      int64  `json:"trades24h" doc:"Payments out of escrow in this clock hour and the 23 before it."`
	Prices         Posted `json:"prices" doc:"What the market asks for now, before the service level's factor."`
}

// RewardsView is the part of StatsView about rewards.
type RewardsView struct {
	TotalEarned       Amount `json:"totalEarned" doc:"Rewards ever earned, in FOG: the sum of the others."`
	ComputeRewards    Amount `json:"computeRewards" doc:"Of these, for compute; payments for jobs are in marketplace."`
	StakingRewards    Amount `json:"stakingRewards" doc:"Of these, for staking."`
	GovernanceRewards Amount `json:"governanceRewards" doc:"Always 0: nothing is minted for voting."`
}

// View returns the figures in the form of the public interface.
func (s Stats) View() StatsView {
	worth := Amount(s.Quote.Worth(s.Circulating)) // six decimals of the currency, as of a FOG
	view := StatsView{
		TotalSupply:       s.TotalSupply,
		CirculatingSupply: s.Circulating,
		MarketCap:         worth,
		StakedTokens:      s.Staked,
		ActiveStakers:     s.Stakers,
		StakingAPR:        percent(s.StakingRate),
		Tokens: TokensView{
			TotalSupply: s.TotalSupply, CirculatingSupply: s.Circulating,
			MarketCap: worth, Price: Amount(s.Quote.Price), Currency: s.Quote.Currency,
		},
		ProposalsActive: s.Voting,
		ProposalsTotal:  s.Proposals,
		DAO:             DAOView{Proposals: s.Proposals, ActiveVotes: s.Voting, TotalVoters: s.Voters, TreasuryBalance: s.Treasury},
		Rewards: RewardsView{
			TotalEarned: s.StakingRewards + s.ComputeRewards, ComputeRewards: s.ComputeRewards, StakingRewards: s.StakingRewards,
		},
		Marketplace: MarketplaceView{ActiveListings: s.Listings, TotalVolume: s.Volume, Trades24h: s.CapturesDay, Prices: s.Prices},
	}
	if s.Captures > 0 {
		view.Marketplace.AvgPrice = s.Volume / Amount(s.Captures)
	}
	return view
}

// BalanceView is a Balance in the form of the public interface.
type BalanceView struct {
	Address Account    `json:"address" doc:"The account."`
	Balance Amount     `json:"balance" doc:"FOG that the account may spend now, without what is held."`
	Held    Amount     `json:"held" doc:"FOG set aside for jobs that are not settled."`
	Staked  Amount     `json:"staked" doc:"FOG that the account stakes."`
	Rewards Amount     `json:"rewards" doc:"FOG earned and not yet claimed."`
	Total   Amount     `json:"total" doc:"balance + staked."`
	Updated *time.Time `json:"updated_at" doc:"Time of the latest movement; null if there was none."`
}

// View returns the balance in the form of the public interface.
func (b Balance) View() BalanceView {
	view := BalanceView{
		Address: b.Account, Balance: b.Available, Held: b.Held, Staked: b.Staked, Rewards: b.Rewards, Total: b.Total(),
	}
	if !b.Updated.IsZero() {
		at := b.Updated.UTC()
		view.Updated = &at
	}
	return view
}

// percent writes a rate in millionths as percent.
func percent(rate int64) float64 { return float64(rate) / 10_000 }

// EarningsView is Earnings in the form of the public interface.
type EarningsView struct {
	Address        Account `json:"address" doc:"The account."`
	PendingRewards Amount  `json:"pendingRewards" doc:"FOG earned and not yet claimed."`
	RewardsRate    float64 `json:"rewardsRate" doc:"What a staked token has earned in the last 30 days, or since the first reward, in percent a year; 0 if the account stakes nothing."`
}

// View returns the earnings in the form of the public interface.
func (e Earnings) View() EarningsView {
	return EarningsView{Address: e.Account, PendingRewards: e.Pending, RewardsRate: percent(e.Rate)}
}
