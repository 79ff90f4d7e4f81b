package tokenomicstest

import (
	"context"
	"encoding/json"
	"slices"
	"sync"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
	"github.com/fogcompute/fogcompute/fog/tokenomics"
	"github.com/fogcompute/fogcompute/fog/tokenomics/tokenomicstest/model"
)

// laws are what holds of every ledger at any time, whatever has been asked of it. Those that need no model are read from its log and
// its figures alone. They have the numbers of the README.
var laws = [...]struct {
	name  string
	holds func(r *runner, v model.View, l *chronicle)
}{
	{"law 1: tokens are conserved", (*runner).conserved},
	{"law 2: a balance is what its postings add up to", (*runner).explained},
	{"law 3: the same request does nothing again", (*runner).repeated},
	{"law 4: what is held is what open holds have left", (*runner).escrowed},
	{"law 5: a pool is what its positions are worth", (*runner).pooled},
	{"law 6: what was rewarded was paid, or is owed", (*runner).rewarded},
	{"law 7: power that is delegated arrives", (*runner).delegated},
	{"law 8: nobody votes with more than there is", (*runner).counted},
	{"law 9: proposals go the ways that there are", (*runner).steered},
	{"law 10: parameters are those of the newest version", (*runner).versioned},
	{"law 11: the log is sealed", (*runner).sealed},
}

// chronicle is what a ledger's log says.
type chronicle struct {
	movements int64
	crooked   []int64 // movements out of line, or whose postings do not add up to zero
	sums      map[model.Place]tokenomics.Amount
	after     map[model.Place]tokenomics.Amount // of the latest posting
	paid      tokenomics.Amount                 // to stakers
	states    map[tokenomics.ProposalID][]tokenomics.ProposalState
	executed  map[tokenomics.ProposalID]int
	versions  []int64
}

// keep checks the laws. Each of them is told as it is broken.
func (r *runner) keep(v model.View) {
	l := r.chronicle()
	for _, law := range laws {
		r.law = law.name
		law.holds(r, v, l)
	}
}

// must requires something of the law that is checked.
func (r *runner) must(ok bool, format string, args ...any) {
	if !ok {
		r.course.t.Fatalf(r.law+": "+format, args...)
	}
}

// chronicle reads the log.
func (r *runner) chronicle() *chronicle {
	l := &chronicle{
		sums: map[model.Place]tokenomics.Amount{}, after: map[model.Place]tokenomics.Amount{},
		states: map[tokenomics.ProposalID][]tokenomics.ProposalState{}, executed: map[tokenomics.ProposalID]int{},
	}
	require.NoError(r.course.t, r.store.Snapshot(context.Background(), func(m tokenomics.Moment) error {
		return m.Movements(context.Background(), 0, everything, func(one *tokenomics.Movement, body []byte) error {
			if err := one.Decode(body); err != nil {
				return err
			}
			return l.add(one)
		})
	}))
	return l
}

func (l *chronicle) add(m *tokenomics.Movement) error {
	l.movements++
	total, rewards, minted := tokenomics.Amount(0), tokenomics.Amount(0), tokenomics.Amount(0)
	for _, p := range m.Postings {
		place := model.Place{Account: p.Account, Kind: p.Kind}
		total, l.sums[place], l.after[place] = total+p.Amount, l.sums[place]+p.Amount, p.After
		switch {
		case p.Kind == tokenomics.KindMint:
			minted -= p.Amount
		case p.Account == tokenomics.Rewards:
			rewards += p.Amount
		}
	}
	if m.Seq != l.movements || total != 0 {
		l.crooked = append(l.crooked, m.Seq)
	}
	if m.Op == tokenomics.OpClaim || m.Op == tokenomics.OpCompound {
		l.paid += minted - rewards
	}
	if len(m.Detail) == 0 || !slices.Contains(steps, m.Op) {
		return nil
	}
	return l.minute(m)
}

// steps are the operations of governance.
var steps = []tokenomics.Op{
	tokenomics.OpPropose, tokenomics.OpDeposit, tokenomics.OpVote, tokenomics.OpQueue, tokenomics.OpExecute, tokenomics.OpCancel,
	tokenomics.OpTurn, tokenomics.OpLapse,
}

// minute reads what a movement says of governance.
func (l *chronicle) minute(m *tokenomics.Movement) error {
	var minutes struct {
		Proposal tokenomics.ProposalID
		States   []tokenomics.ProposalState
		Version  int64
	}
	if err := json.Unmarshal(m.Detail, &minutes); err != nil {
		return err
	}
	l.states[minutes.Proposal] = append(l.states[minutes.Proposal], minutes.States...)
	if m.Op == tokenomics.OpExecute {
		l.executed[minutes.Proposal]++
	}
	if minutes.Version > 0 {
		l.versions = append(l.versions, minutes.Version)
	}
	return nil
}

func (r *runner) conserved(v model.View, l *chronicle) {
	r.must(len(l.crooked) == 0, "movements %v are crooked", l.crooked)
	r.must(v.Stats.Sum == 0, "all balances add up to %s", v.Stats.Sum)
	r.must(v.Stats.TotalSupply <= tokenomics.MaxSupply, "%s FOG were minted", v.Stats.TotalSupply)
	for place, balance := range v.Lines {
		r.must(balance >= 0 || place.Kind == tokenomics.KindMint, "%v is %s", place, balance)
	}
}

func (r *runner) explained(v model.View, l *chronicle) {
	r.must(l.movements == v.Movements, "%d of %d movements", l.movements, v.Movements)
	for place, balance := range v.Lines {
		r.must(balance == l.sums[place], "%v is %s, its postings add up to %s", place, balance, l.sums[place])
		r.must(balance == l.after[place], "%v is %s, its last posting says %s", place, balance, l.after[place])
	}
	r.must(len(v.Lines) == len(l.sums), "%d compartments, %d have postings", len(v.Lines), len(l.sums))
}

// repeated asks again for what was done lately, in a new process, twice at once; and for something else under the same keys.
func (r *runner) repeated(v model.View, _ *chronicle) {
	ctx, before := context.Background(), v.Movements
	r.open()
	var both sync.WaitGroup
	var verdicts [2][]error
	var errs [2]error
	for i := range verdicts {
		both.Go(func() { verdicts[i], errs[i] = r.Post(ctx, r.course.done) })
	}
	both.Wait()
	for i, err := range errs {
		r.must(err == nil, "%v", err)
		for n, verdict := range verdicts[i] {
			r.must(verdict == nil, "%s is answered with %v", text(r.course.done[n]), verdict)
		}
	}
	for _, request := range r.course.done {
		if other, is := model.Altered(request); is {
			verdicts, err := r.Post(ctx, []tokenomics.Request{other})
			r.must(err == nil && fault.KindOf(verdicts[0]) == fault.Conflict, "%s instead of %s: %v %v", text(other), text(request), verdicts, err)
		}
	}
	head, err := r.Head(ctx)
	r.must(err == nil && head.Last == before, "%d movements have become %d, %v", before, head.Last, err)
}

func (r *runner) escrowed(v model.View, _ *chronicle) {
	open := map[tokenomics.Account]tokenomics.Amount{}
	for id, h := range v.Holds {
		rest := h.Remaining()
		r.must(rest >= 0 && (rest == 0 || h.State == tokenomics.HoldOpen), "hold %s is %s and has %s left", id, h.State, rest)
		r.must(h.State == tokenomics.HoldOpen == h.Resolved.IsZero(), "hold %s is %s since %s", id, h.State, h.Resolved)
		open[h.Payer] += rest
	}
	for place, balance := range v.Lines {
		r.must(place.Kind != tokenomics.KindHeld || balance == open[place.Account], "%s has %s held, open holds have %s", place.Account, balance, open[place.Account])
	}
}

func (r *runner) pooled(v model.View, _ *chronicle) {
	staked, leaving, shares := map[tokenomics.Account]tokenomics.Amount{}, map[tokenomics.Account]tokenomics.Amount{}, map[tokenomics.Account]tokenomics.Amount{}
	for _, a := range v.Accounts {
		for _, p := range a.Positions {
			staked[p.Operator] += p.Staked
			shares[p.Operator]++
			for _, u := range p.Unbonding {
				leaving[p.Operator] += u.Amount
			}
		}
	}
	for place, balance := range v.Lines {
		switch has := staked[place.Account]; place.Kind {
		case tokenomics.KindStaked:
			r.must(has <= balance, "positions with %s are worth %s of %s", place.Account, has, balance)
			r.must(balance-has <= shares[place.Account], "positions with %s are worth %s of %s", place.Account, has, balance)
		case tokenomics.KindUnbonding:
			r.must(balance == leaving[place.Account], "%s leave %s, entries say %s", balance, place.Account, leaving[place.Account])
		}
	}
	for id, c := range v.Slashes {
		r.must(c.Taken == c.Compensated+c.Insured+c.Burned, "slash %s has taken %s", id, c.Taken)
		r.must(c.Applied <= c.Part, "slash %s takes %d basis points", id, c.Applied)
	}
}

// rewarded leaves room for the fractions of base units that positions, pools and all pools together have.
func (r *runner) rewarded(v model.View, l *chronicle) {
	owed, parts := tokenomics.Amount(0), tokenomics.Amount(1)
	for _, a := range v.Accounts {
		for _, p := range a.Positions {
			owed, parts = owed+p.Pending, parts+2
		}
	}
	rest := v.Stats.StakingRewards - l.paid - owed
	none := v.Stats.Staked == 0 // then it waits for somebody who stakes
	r.must(rest >= 0 && (none || rest <= parts), "%s rewarded, %s paid, %s owed", v.Stats.StakingRewards, l.paid, owed)
}

func (r *runner) delegated(v model.View, _ *chronicle) {
	own, power := tokenomics.Amount(0), tokenomics.Amount(0)
	for _, a := range v.Accounts {
		own, power = own+a.Power.Own, power+a.Power.Power
	}
	for account, a := range v.Accounts {
		r.must(own == a.Power.Total && power == a.Power.Total, "%s sees %s of power, accounts have %s and stake %s", account, a.Power.Total, power, own)
	}
	for seq, accounts := range r.course.past {
		r.compareAt(seq, accounts)
	}
}

func (r *runner) counted(v model.View, _ *chronicle) {
	for _, p := range v.Proposals {
		t := p.Tally
		r.must(t.Turnout <= p.Power, "%s of %s vote on proposal %s", t.Turnout, p.Power, p.ID)
		linear := p.Counting == tokenomics.CountLinear
		r.must(!linear || t.For+t.Against+t.Abstain+t.Veto <= t.Turnout, "proposal %s: %+v", p.ID, t)
	}
}

// ways are the steps of the automaton.
var ways = map[tokenomics.ProposalState][]tokenomics.ProposalState{
	tokenomics.ProposalDraft:     {tokenomics.ProposalDeposit, tokenomics.ProposalExpired, tokenomics.ProposalCancelled},
	tokenomics.ProposalDeposit:   {tokenomics.ProposalVoting, tokenomics.ProposalExpired, tokenomics.ProposalCancelled},
	tokenomics.ProposalVoting:    {tokenomics.ProposalSucceeded, tokenomics.ProposalDefeated, tokenomics.ProposalVetoed, tokenomics.ProposalCancelled},
	tokenomics.ProposalSucceeded: {tokenomics.ProposalQueued, tokenomics.ProposalExpired, tokenomics.ProposalCancelled},
	tokenomics.ProposalQueued:    {tokenomics.ProposalExecuted, tokenomics.ProposalExpired, tokenomics.ProposalCancelled},
}

func (r *runner) steered(v model.View, l *chronicle) {
	for _, p := range v.Proposals {
		before := tokenomics.ProposalDraft
		for _, state := range l.states[p.ID] {
			r.must(state == before || slices.Contains(ways[before], state), "proposal %s goes from %s to %s", p.ID, before, state)
			before = state
		}
		r.must(before == p.State, "proposal %s is %s, it was %s", p.ID, p.State, before)
		done := p.State == tokenomics.ProposalExecuted
		r.must(l.executed[p.ID] == map[bool]int{true: 1}[done], "proposal %s is %s, and was executed %d times", p.ID, p.State, l.executed[p.ID])
		r.must(!done || !p.Ended.Before(p.ETA) && p.Ended.Before(p.Until), "proposal %s was executed at %s", p.ID, p.Ended.Format(time.DateTime))
	}
}

func (r *runner) versioned(v model.View, l *chronicle) {
	for i, version := range l.versions {
		r.must(version == int64(i+1), "versions %v", l.versions)
	}
	r.must(v.Parameters.Version() == int64(len(l.versions)), "version %d is read, %d were made", v.Parameters.Version(), len(l.versions))
	r.must(v.Parameters.Version() >= r.version, "version %d was read before %d", r.version, v.Parameters.Version())
	r.version = v.Parameters.Version()
}

func (r *runner) sealed(model.View, *chronicle) {
	err := r.Verify(context.Background())
	r.must(err == nil, "%v", err)
}
