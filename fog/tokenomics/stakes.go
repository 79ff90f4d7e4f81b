package tokenomics

import (
	"bytes"
	"encoding/json"
	"slices"
	"time"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
	"github.com/fogcompute/fogcompute/fog/principal"
	"github.com/fogcompute/fogcompute/fog/tokenomics/accrual"
)

// Classes of the records of staking.
const (
	// ClassPool has a record for each operator: what is staked with it, and its rewards.
	ClassPool Class = "pool"
	// ClassPosition has a record for each account that stakes with an operator; its owner is the account.
	ClassPosition Class = "position"
	// ClassStaker has a record for each account that stakes or to which power is delegated.
	ClassStaker Class = "staker"
	// ClassRewards has one record: what is common to all pools.
	ClassRewards Class = "rewards"
)

const (
	// maxOperators is with how many operators an account may stake: what a claim touches is bounded by it.
	maxOperators = 32
	// maxLive is how many unbonding entries, and how many redelegations, one account may have with one operator.
	maxLive = 7
)

// separator stands between the names in a record's key. No name contains it.
const separator = "\x1f"

// pairKey is the key of what an account, or an entry, has with an operator.
func pairKey(operator Account, rest string) string { return string(operator) + separator + rest }

// kept is the body of a record.
type kept interface {
	// describe fills in the columns that stand beside the body, and reports whether the record is still needed.
	describe(r *Record) bool
}

// pool is what is staked with an operator, whoever staked it.
type pool struct {
	Stake   accrual.Pool  `json:"stake"`             // the tokens are the operator's balance of KindStaked
	Pot     accrual.Pot   `json:"pot"`               // rewards of the positions, by shares of Stake
	Share   accrual.Share `json:"share"`             // of the pool in the rewards of all pools, by tokens of Stake
	Slashes []cut         `json:"slashes,omitempty"` // that are not finished, oldest first
	Window  time.Time     `json:"window,omitzero"`   // of slashes, when it began
	Lost    int           `json:"lost,omitempty"`    // basis points in that window
}

func (p *pool) describe(*Record) bool { return true }

func (p *pool) twin() any {
	q := *p
	q.Slashes = slices.Clone(p.Slashes)
	return &q
}

// position is what an account has staked with an operator.
type position struct {
	Operator  Account       `json:"operator"`
	Account   Account       `json:"account"`
	Share     accrual.Share `json:"share"`               // of the pool's pot; its weight is the position's shares of the pool
	Value     int64         `json:"value"`               // base units that the shares were worth when they were touched last
	Unbonding []live        `json:"unbonding,omitempty"` // entries that have left it, oldest first
	Arrived   []live        `json:"arrived,omitempty"`   // redelegations that have come to it, oldest first
}

func (p *position) describe(r *Record) bool {
	r.Owner = p.Account
	return p.Share != (accrual.Share{}) || len(p.Unbonding) > 0 || len(p.Arrived) > 0
}

// staker is what an account has staked in all, and its power to vote.
type staker struct {
	Operators []Account    `json:"operators,omitempty"` // with which it has positions, in the order of their names
	Own       int64        `json:"own"`                 // base units: the sum of the positions' values
	Power     int64        `json:"power"`               // what it has not delegated, and what others have delegated to it
	To        []Delegation `json:"to,omitempty"`

	account          Account
	wasOwn, wasPower int64 // when it was read
}

func (p *staker) describe(r *Record) bool {
	r.Owner = p.account
	return p.Own != 0 || p.Power != 0 || len(p.Operators) > 0 || len(p.To) > 0
}

// stakes is what one request does to stakes and rewards: the records that it has read, as it leaves them, and its postings. Nothing
// of it is in the state before settle.
type stakes struct {
	e        *evaluation
	it       *item
	tenant   principal.Tenant
	economy  *economy
	rewards  *rewards
	rows     map[RecordRef]kept
	stakers  []*staker // that were read, in order
	postings []Posting
}

// stakes begins with rewards that are brought up to now. Errors: errMissing.
func (e *evaluation) stakes(it *item) (*stakes, error) {
	s := &stakes{e: e, it: it, tenant: it.ref.Tenant, rows: map[RecordRef]kept{}}
	var err1, err2 error
	s.economy, err1 = e.economy()
	s.rewards, err2 = row[rewards](s, ClassRewards, string(Rewards))
	if err := first(err1, err2); err != nil {
		return nil, err
	}
	return s, s.accrue()
}

// row returns a record's body for changing, a zero one if there is no record. Errors: errMissing.
func row[T any, P interface {
	*T
	kept
}](s *stakes, class Class, key string) (P, error) {
	ref := RecordRef{s.tenant, class, key}
	if body, read := s.rows[ref]; read {
		return body.(P), nil
	}
	body, _, known, err := fetch[T](s.e, ref)
	switch {
	case err != nil:
		return nil, err
	case !known:
		return nil, errMissing
	case body == nil:
		body = new(T)
	}
	s.rows[ref] = P(body)
	return body, nil
}

// want asks for records, so that they are loaded together.
func (s *stakes) want(class Class, keys ...string) {
	for _, key := range keys {
		s.e.state.records.get(RecordRef{s.tenant, class, key})
	}
}

func (s *stakes) pool(operator Account) (*pool, error) {
	return row[pool](s, ClassPool, string(operator))
}

func (s *stakes) position(operator, account Account) (*position, error) {
	p, err := row[position](s, ClassPosition, pairKey(operator, string(account)))
	if err == nil {
		p.Operator, p.Account = operator, account
	}
	return p, err
}

func (s *stakes) staker(account Account) (*staker, error) {
	p, err := row[staker](s, ClassStaker, string(account))
	if err == nil && p.account == "" {
		p.account, p.wasOwn, p.wasPower = account, p.Own, p.Power
		s.stakers = append(s.stakers, p)
	}
	return p, err
}

// wantPair asks for everything that a change of a position reads.
func (s *stakes) wantPair(operator, account Account) {
	s.want(ClassPool, string(operator))
	s.want(ClassPosition, pairKey(operator, string(account)))
	s.want(ClassStaker, string(account))
}

// post adds postings to those of the request.
func (s *stakes) post(postings ...Posting) { s.postings = append(s.postings, postings...) }

// move adds two postings: an amount from one sub-account into another.
func (s *stakes) move(amount Amount, from Account, out Kind, to Account, in Kind) {
	s.post(line(s.tenant, from, out, -amount), line(s.tenant, to, in, amount))
}

// reshape gives a position another number of shares, and the pool the stake that belongs to it. Rewards until now are divided by the
// shares and tokens of before.
func (s *stakes) reshape(p *pool, pos *position, stake accrual.Pool, shares uint64) error {
	if err := s.collect(p); err != nil {
		return err
	}
	var err error
	if p.Pot, pos.Share, err = p.Pot.Change(pos.Share, shares); err != nil {
		return fault.Wrap(s.it.op(), err)
	}
	if err := s.end(p, pos); err != nil {
		return err
	}
	if err := s.weigh(p, stake); err != nil {
		return err
	}
	return s.value(p, pos)
}

// collect brings the rewards of a pool up to now.
func (s *stakes) collect(p *pool) (err error) {
	p.Pot, p.Share, err = p.Pot.Collect(s.rewards.Pot, p.Share)
	return fault.Wrap(s.it.op(), err)
}

// weigh gives a pool, whose rewards were collected, another stake.
func (s *stakes) weigh(p *pool, stake accrual.Pool) (err error) {
	p.Stake = stake
	s.rewards.Pot, p.Share, err = s.rewards.Pot.Change(p.Share, uint64(stake.Tokens))
	return fault.Wrap(s.it.op(), err)
}

// value brings a position's value, and the power that comes from it, up to now.
func (s *stakes) value(p *pool, pos *position) error {
	owner, err := s.staker(pos.Account)
	if err != nil {
		return err
	}
	value := p.Stake.Value(int64(pos.Share.Weight))
	at, found := slices.BinarySearch(owner.Operators, pos.Operator)
	needed := pos.describe(&Record{})
	switch {
	case needed && !found:
		owner.Operators = slices.Insert(owner.Operators, at, pos.Operator)
	case found && !needed:
		owner.Operators = slices.Delete(owner.Operators, at, at+1)
	}
	if len(owner.Operators) > maxOperators {
		return fault.Newf(fault.Conflict, s.it.op(), "account %q stakes with %d operators already", pos.Account, maxOperators)
	}
	own := owner.Own + value - pos.Value
	pos.Value = value
	return s.setOwn(owner, own)
}

// settle posts the request's movement, then writes what has changed. After an error nothing has.
func (s *stakes) settle(m Movement) error {
	if err := s.e.post(s.it, m, merge(s.postings)...); err != nil {
		return err
	}
	return s.save()
}

// save writes what has changed, as of the latest movement.
func (s *stakes) save() error {
	for ref, body := range s.rows {
		if err := s.write(ref, body); err != nil {
			return err
		}
	}
	return s.point()
}

// write stores a record if it has changed.
func (s *stakes) write(ref RecordRef, body kept) error {
	before := s.e.state.records.rows[ref]
	after := Record{RecordRef: ref, Creator: before.Creator, Seq: s.e.state.head.Last}
	if !before.exists() {
		after.Creator = s.it.creator
	}
	if body.describe(&after) {
		var err error
		if after.Body, err = json.Marshal(body); err != nil {
			return fault.Newf(fault.Internal, s.it.op(), "%s %q cannot be written: %v", ref.Class, ref.Key, err)
		}
		after.heat(body)
	} else {
		after = Record{RecordRef: ref, Seq: after.Seq}
	}
	if bytes.Equal(before.Body, after.Body) && before.Due.Equal(after.Due) && before.State == after.State {
		return nil
	}
	s.e.state.records.set(ref, after)
	return nil
}

// merge adds up the postings to the same sub-account, in the order of their first ones.
func merge(postings []Posting) []Posting {
	merged := make([]Posting, 0, len(postings))
	for _, p := range postings {
		at := slices.IndexFunc(merged, func(q Posting) bool { return q.SubAccount == p.SubAccount })
		if at < 0 {
			merged = append(merged, p)
			continue
		}
		merged[at].Amount += p.Amount
	}
	return merged
}
