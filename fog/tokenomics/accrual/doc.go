// Package accrual divides tokens exactly: rewards among any number of sharers in constant time, the tokens of a pool among
// its shares, and an emission over time. It is a pure core: values in, values out, no clock, store or goroutine. Amounts
// are whole base units; amounts, weights and shares are at most Max = 10^15, the most tokens that can exist.
//
// # Rewards
//
// A Pot divides what it is rewarded by weight. As in the base algorithm of F1 (Ojha, Goes: "F1 Fee Distribution", Tokenomics
// 2019, doi 10.4230/OASIcs.Tokenomics.2019.10) and in Synthetix' StakingRewards it only keeps the sum of rewards per unit of
// weight, Acc; a Share remembers where Acc stood when it was settled last, and has earned its weight times the difference. So
// a reward, a claim and a change of weight each touch one pot and one share, no matter how many others there are.
//
// Both models lose what their divisions leave. Here nothing is lost: numbers are in units of 2^-64 of a base unit, in 128 bits, and
// the two remainders are kept. What a reward leaves over stays in the pot's Rest and is divided with the next reward; it is a
// number of such units, not a fraction of a weight, so it stays what it is when the total weight changes, and rewards that
// arrive while there is no weight simply wait in it. What a settlement leaves below one base unit stays in the share's
// Fraction. So at any time, bit for bit,
//
//	paid + sum of all shares' (owed + fraction + not yet settled) + rest = rewarded
//
// where Pot.Earned is the sum in brackets of one share. The other departure from F1: a slash is no business of a pot, since weights are shares
// of a Pool, which a slash does not change.
//
// # Why nothing overflows
//
// One condition is the caller's: what a pot has been rewarded and has not paid, U, is tokens that exist, so U <= Max < 2^50.
// By the equality above, each term of it is at most U:
//
//	Rest             <= U * 2^64 < 2^114
//	earned, a share  <= U * 2^64 < 2^114    its weight times the difference of Acc, plus Fraction, plus Owed * 2^64
//	added to Acc     <= (Rest + amount * 2^64) / Total < 2^114, since a pot with Total 0 divides nothing
//
// Acc itself grows for ever and may wrap around at 2^128. That is harmless: what counts is the difference since a share was
// settled, and as weight >= 1, that difference is at most what the share has earned, below 2^114. A share of weight 0
// earns 0 whatever the difference. Numbers beyond these bounds are ErrBroken: they come from rows that were damaged,
// or from a pot that was rewarded with tokens that do not exist.
//
// # Pots in pots
//
// A pot can be a sharer of another one: the tokens go to operators' pots by their weight, and in each to its stakers. Pot.Collect
// takes what a share of the parent has earned, in units of 2^-64, and gives all of it to the child's Rest and Acc, so that no
// whole number is cut off in between; the equality holds over both levels. Collect before the child is settled with one of its
// own sharers, and before its total weight changes:
//
//	parent.Reward -> parent ...                            any number of times
//	child.Collect(parent, inParent) -> child, inParent     then
//	child.Change(position, weight) -> child, position      and, if the child's weight follows its total,
//	parent.Change(inParent, child.Total) -> parent, inParent
//
// # Pools
//
// A Pool has tokens and shares, begins at 1:1, and loses tokens by cuts, never shares, so that a slash reaches any number of
// owners at once. All roundings are in favour of the pool. See Pool for why its first owner cannot rob the second.
//
// # Emission
//
// Emission says how much has been emitted up to a time, never a rate: the difference of two such totals is what is due in
// between, so nothing depends on how often anybody asks.
package accrual
