package tokenomics

import "time"

// StatsView is Stats in the form of the public interface. The tags doc describe each field in its schema. What does not
// exist yet (staking, governance, a market, sources of rewards) is 0.
type StatsView struct {
	TotalSupply       Amount          `json:"totalSupply" doc:"Tokens in existence, in FOG"`
	CirculatingSupply Amount          `json:"circulatingSupply" doc:"Tokens that accounts may spend now, in FOG: the supply without what is held in escrow"`
	StakedTokens      Amount          `json:"stakedTokens" doc:"Tokens that are staked, in FOG; 0 until staking exists"`
	ActiveStakers     int64           `json:"activeStakers" doc:"Accounts that stake; 0 until staking exists"`
	ProposalsActive   int64           `json:"proposalsActive" doc:"Proposals that can be voted on; 0 until governance exists"`
	ProposalsTotal    int64           `json:"proposalsTotal" doc:"Proposals ever made; 0 until governance exists"`
	MarketCap         Amount          `json:"marketCap" doc:"Circulating supply times price, in the operator's currency; 0 while the operator quotes no price"`
	StakingAPR        float64         `json:"stakingAPR" doc:"Yearly return of staking in percent; 0 until staking exists"`
	Tokens            TokensView      `json:"tokens" doc:"Supply and price"`
	DAO               DAOView         `json:"dao" doc:"Governance"`
	Marketplace       MarketplaceView `json:"marketplace" doc:"Payments for compute: each capture of escrow is a trade"`
	Rewards           RewardsView     `json:"rewards" doc:"Rewards beside payments for jobs"`
}

// TokensView is the part of StatsView about supply and price.
type TokensView struct {
	TotalSupply       Amount `json:"totalSupply" doc:"Tokens in existence, in FOG"`
	CirculatingSupply Amount `json:"circulatingSupply" doc:"Tokens that accounts may spend now, in FOG"`
	MarketCap         Amount `json:"marketCap" doc:"Circulating supply times price, in the operator's currency; 0 while the operator quotes no price"`
	Price             Amount `json:"price" doc:"Price of one FOG in the operator's currency; 0: the operator quotes none"`
	Currency          string `json:"currency" doc:"The operator's currency; empty without a quote"`
}

// DAOView is the part of StatsView about governance.
type DAOView struct {
	Proposals       int64  `json:"proposals" doc:"Proposals ever made; 0 until governance exists"`
	ActiveVotes     int64  `json:"activeVotes" doc:"Votes that are open; 0 until governance exists"`
	TotalVoters     int64  `json:"totalVoters" doc:"Accounts that ever voted; 0 until governance exists"`
	TreasuryBalance Amount `json:"treasuryBalance" doc:"Tokens of the treasury, in FOG; 0 until governance exists"`
}

// MarketplaceView is the part of StatsView about payments for compute.
type MarketplaceView struct {
	ActiveListings int64  `json:"activeListings" doc:"Nodes that offer room now"`
	TotalVolume    Amount `json:"totalVolume" doc:"FOG paid out of escrow, ever"`
	AvgPrice       Amount `json:"avgPrice" doc:"FOG per payment on average, rounded down to 6 decimals"`
	Trades24h      int64  `json:"trades24h" doc:"Payments out of escrow in this clock hour and the 23 before it"`
}

// RewardsView is the part of StatsView about rewards.
type RewardsView struct {
	TotalEarned       Amount `json:"totalEarned" doc:"Rewards ever earned, in FOG; 0 until a source of rewards exists"`
	ComputeRewards    Amount `json:"computeRewards" doc:"Of these, for compute; payments for jobs are in marketplace"`
	StakingRewards    Amount `json:"stakingRewards" doc:"Of these, for staking"`
	GovernanceRewards Amount `json:"governanceRewards" doc:"Of these, for governance"`
}

// View returns the figures in the form of the public interface.
func (s Stats) View() StatsView {
	worth := Amount(s.Quote.Worth(s.Circulating)) // six decimals of the currency, as of a FOG
	view := StatsView{
		TotalSupply:       s.TotalSupply,
		CirculatingSupply: s.Circulating,
		MarketCap:         worth,
		Tokens: TokensView{
			TotalSupply: s.TotalSupply, CirculatingSupply: s.Circulating,
			MarketCap: worth, Price: Amount(s.Quote.Price), Currency: s.Quote.Currency,
		},
		Marketplace: MarketplaceView{ActiveListings: s.Listings, TotalVolume: s.Volume, Trades24h: s.CapturesDay},
	}
	if s.Captures > 0 {
		view.Marketplace.AvgPrice = s.Volume / Amount(s.Captures)
	}
	return view
}

// BalanceView is a Balance in the form of the public interface.
type BalanceView struct {
	Address Account   `json:"address" doc:"The account"`
	Balance Amount    `json:"balance" doc:"FOG that the account may spend now, without what is held"`
	Held    Amount    `json:"held" doc:"FOG set aside for jobs that are not settled"`
	Staked  Amount    `json:"staked" doc:"FOG that the account stakes; 0 until staking exists"`
	Rewards Amount    `json:"rewards" doc:"FOG earned and not yet claimed; 0 until a source of rewards exists"`
	Total   Amount    `json:"total" doc:"balance + staked"`
	Updated time.Time `json:"updated_at" doc:"Time of the latest movement; year 1 if there was none"`
}

// View returns the balance in the form of the public interface.
func (b Balance) View() BalanceView {
	return BalanceView{
		Address: b.Account, Balance: b.Available, Held: b.Held, Staked: b.Staked, Rewards: b.Rewards,
		Total: b.Total(), Updated: b.Updated,
	}
}
