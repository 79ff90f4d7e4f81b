package tokenomics

import (
	"crypto/sha256"
	"encoding/binary"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
	"github.com/fogcompute/fogcompute/fog/principal"
)

// Limits of what a request may carry.
const (
	maxName   = 128 // characters of an account or a tenant
	maxKey    = 200 // characters of a key or a hold
	maxMemo   = 256 // characters of a memo
	maxShares = 64  // receivers of a capture
)

// Op is what a movement does; each has keys of its own.
type Op string

const (
	// OpGenesis mints a tenant's first tokens.
	OpGenesis Op = "genesis"
	// OpHold sets tokens aside; its key is the hold.
	OpHold Op = "hold"
	// OpCapture pays out of a hold.
	OpCapture Op = "capture"
	// OpVoid gives a hold's remainder back; its key is the hold.
	OpVoid Op = "void"
	// OpTransfer moves available tokens.
	OpTransfer Op = "transfer"
	// OpBurn takes tokens out of existence.
	OpBurn Op = "burn"
	// OpExpire gives back what remains of a hold whose time is over; its key is the hold.
	OpExpire Op = "expire"
)

// Reference is a request's idempotency key in the whole ledger.
type Reference struct {
	Tenant principal.Tenant
	Op     Op
	Key    string
}

// Digest is the first half of the SHA-256 of a request's body: what tells the same request from another one under the same key.
type Digest [16]byte

// Request is exactly one of the operations. Post takes them mixed, in order.
type Request struct {
	Hold     *Hold     `json:"hold,omitempty"`
	Capture  *Capture  `json:"capture,omitempty"`
	Void     *Void     `json:"void,omitempty"`
	Transfer *Transfer `json:"transfer,omitempty"`
	Burn     *Burn     `json:"burn,omitempty"`

	Stake         *Stake         `json:"stake,omitempty"`
	Unstake       *Unstake       `json:"unstake,omitempty"`
	CancelUnstake *CancelUnstake `json:"cancelUnstake,omitempty"`
	Redelegate    *Redelegate    `json:"redelegate,omitempty"`
	Delegate      *Delegate      `json:"delegate,omitempty"`
	Claim         *Claim         `json:"claim,omitempty"`
	Compound      *Compound      `json:"compound,omitempty"`
	SlashEvidence *SlashEvidence `json:"slashEvidence,omitempty"`
	Appeal        *Appeal        `json:"appeal,omitempty"`
	Dismiss       *Dismiss       `json:"dismiss,omitempty"`
	Uphold        *Uphold        `json:"uphold,omitempty"`

	Propose *Propose `json:"propose,omitempty"`
	Deposit *Deposit `json:"deposit,omitempty"`
	Vote    *Vote    `json:"vote,omitempty"`
	Queue   *Enqueue `json:"queue,omitempty"`
	Execute *Execute `json:"execute,omitempty"`
	Cancel  *Cancel  `json:"cancel,omitempty"`

	Creator principal.Account `json:"creator,omitempty"` // who asks; Post fills it in

	own order // the ledger's own operation
}

// order is what the ledger needs to know of an operation. Each operation has one, in the file of its noun.
type order interface {
	// reference is the idempotency key.
	reference() Reference
	// owner is the account whose right the operation needs.
	owner() Account
	// within returns a copy whose tenant is filled in.
	within(tenant principal.Tenant) Request
	// validate checks everything that needs no state. Errors name op.
	validate(op string) error
	// body writes everything but the reference and the caller.
	body(b *body)
	// decide carries the operation out on the state, or says why not; then what it has changed is taken back.
	decide(e *evaluation, it *item) error
}

// order returns the operation, nil if the request has none or several.
func (r Request) order() order {
	var only order
	n := 0
	add := func(o order, set bool) {
		if set {
			only = o
			n++
		}
	}
	add(r.Hold, r.Hold != nil)
	add(r.Capture, r.Capture != nil)
	add(r.Void, r.Void != nil)
	add(r.Transfer, r.Transfer != nil)
	add(r.Burn, r.Burn != nil)
	add(r.Stake, r.Stake != nil)
	add(r.Unstake, r.Unstake != nil)
	add(r.CancelUnstake, r.CancelUnstake != nil)
	add(r.Redelegate, r.Redelegate != nil)
	add(r.Delegate, r.Delegate != nil)
	add(r.Claim, r.Claim != nil)
	add(r.Compound, r.Compound != nil)
	add(r.SlashEvidence, r.SlashEvidence != nil)
	add(r.Appeal, r.Appeal != nil)
	add(r.Dismiss, r.Dismiss != nil)
	add(r.Uphold, r.Uphold != nil)
	add(r.Propose, r.Propose != nil)
	add(r.Deposit, r.Deposit != nil)
	add(r.Vote, r.Vote != nil)
	add(r.Queue, r.Queue != nil)
	add(r.Execute, r.Execute != nil)
	add(r.Cancel, r.Cancel != nil)
	add(r.own, r.own != nil)
	if n != 1 {
		return nil
	}
	return only
}

// Reference returns the request's idempotency key; zero if the request has no operation or several.
func (r Request) Reference() Reference {
	if o := r.order(); o != nil {
		return o.reference()
	}
	return Reference{}
}

// Owner returns the account whose right the request needs: who pays a hold, a transfer or what is burned, the operator for the rest.
func (r Request) Owner() Account {
	if o := r.order(); o != nil {
		return o.owner()
	}
	return Account(principal.Operator)
}

// item is a request in a batch, with what is asked of it more than once.
type item struct {
	order
	ref     Reference
	digest  Digest
	creator principal.Account
	id      RequestID // in the request table; 0: the caller waits in this process
	invalid error     // a request of another program that this one does not take
}

// newItem checks a request and makes an item of it.
func newItem(r Request) (item, error) {
	o := r.order()
	if o == nil {
		return item{}, fault.New(fault.Invalid, "tokenomics.post", "a request needs exactly one operation")
	}
	ref := o.reference()
	if err := o.validate("tokenomics." + string(ref.Op)); err != nil {
		return item{}, err
	}
	return item{order: o, ref: ref, creator: r.Creator, digest: digestOf(o)}, nil
}

// digestOf returns the digest of an operation's body.
func digestOf(o order) Digest {
	b := make(body, 0, 128)
	o.body(&b)
	sum := sha256.Sum256(b)
	return Digest(sum[:len(Digest{})])
}

// newAsked makes an item of a request from the request table. It was validated by another program, perhaps by other rules.
func newAsked(a Asked) item {
	it, err := newItem(a.Request)
	it.id, it.invalid = a.ID, err
	return it
}

// request is what the item was made of.
func (it *item) request() Request {
	r := it.within("")
	r.Creator = it.creator
	return r
}

// op returns the operation as errors name it.
func (it *item) op() string { return "tokenomics." + string(it.ref.Op) }

// first returns the first error that is not nil.
func first(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// checkName checks a text that must not be empty.
func checkName(op, field, text string, most int) error {
	if text == "" {
		return fault.Field(op, field, "must not be empty")
	}
	return checkText(op, field, text, most)
}

// checkText checks a text's length and that every database can store it.
func checkText(op, field, text string, most int) error {
	switch {
	case !utf8.ValidString(text):
		return fault.Field(op, field, "must be valid UTF-8")
	case utf8.RuneCountInString(text) > most:
		return fault.Field(op, field, "must have at most %d characters", most)
	case strings.ContainsFunc(text, unicode.IsControl):
		return fault.Field(op, field, "must have no control characters")
	}
	return nil
}

// checkAmount checks that an amount lies between least and MaxSupply.
func checkAmount(op, field string, amount, least Amount) error {
	if amount < least || !amount.valid() {
		return fault.Field(op, field, "must be at least %s and at most %s FOG", least, MaxSupply)
	}
	return nil
}

// body is the canonical encoding of a request's body. Each part is preceded by its length, so no two bodies have the same
// encoding.
type body []byte

func (b *body) number(n int64) { *b = binary.BigEndian.AppendUint64(*b, uint64(n)) }

func (b *body) text(s string) {
	b.number(int64(len(s)))
	*b = append(*b, s...)
}
