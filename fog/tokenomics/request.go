package tokenomics

import (
	"crypto/sha256"
	"encoding/binary"
	"hash"
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
)

// Reference is a request's idempotency key in the whole ledger.
type Reference struct {
	Tenant principal.Tenant
	Op     Op
	Key    string
}

// Digest is the SHA-256 of a request's body: what tells the same request from another one under the same key.
type Digest [sha256.Size]byte

// Request is exactly one of the four operations. Post takes them mixed, in order.
type Request struct {
	Hold     *Hold             `json:"hold,omitempty"`
	Capture  *Capture          `json:"capture,omitempty"`
	Void     *Void             `json:"void,omitempty"`
	Transfer *Transfer         `json:"transfer,omitempty"`
	Creator  principal.Account `json:"creator,omitempty"` // who asks; Post fills it in

	genesis *genesis // the ledger's own
}

// genesis is the first movement of a tenant's ledger.
type genesis struct {
	tenant principal.Tenant
	to     Account
	amount Amount
}

// Op returns the operation, or "" if the request has none or several.
func (r Request) Op() Op {
	op, n := Op(""), 0
	for _, has := range []struct {
		op  Op
		set bool
	}{
		{OpHold, r.Hold != nil}, {OpCapture, r.Capture != nil}, {OpVoid, r.Void != nil},
		{OpTransfer, r.Transfer != nil}, {OpGenesis, r.genesis != nil},
	} {
		if has.set {
			op = has.op
			n++
		}
	}
	if n != 1 {
		return ""
	}
	return op
}

// Reference returns the request's idempotency key; zero if the request has no operation or several.
func (r Request) Reference() Reference {
	switch r.Op() {
	case OpHold:
		return Reference{r.Hold.Tenant, OpHold, string(r.Hold.ID)}
	case OpCapture:
		return Reference{r.Capture.Tenant, OpCapture, r.Capture.Key}
	case OpVoid:
		return Reference{r.Void.Tenant, OpVoid, string(r.Void.Hold)}
	case OpTransfer:
		return Reference{r.Transfer.Tenant, OpTransfer, r.Transfer.Key}
	case OpGenesis:
		return Reference{r.genesis.tenant, OpGenesis, string(OpGenesis)}
	default:
		return Reference{}
	}
}

// Owner returns the account whose right the request needs: who pays a hold or a transfer, the operator for the rest.
func (r Request) Owner() Account {
	switch r.Op() {
	case OpHold:
		return r.Hold.Payer
	case OpTransfer:
		return r.Transfer.From
	default:
		return Account(principal.Operator)
	}
}

// within returns a copy of the request whose tenant is filled in.
func (r Request) within(tenant principal.Tenant) Request {
	switch {
	case r.Hold != nil && r.Hold.Tenant == "":
		c := *r.Hold
		c.Tenant, r.Hold = tenant, &c
	case r.Capture != nil && r.Capture.Tenant == "":
		c := *r.Capture
		c.Tenant, r.Capture = tenant, &c
	case r.Void != nil && r.Void.Tenant == "":
		c := *r.Void
		c.Tenant, r.Void = tenant, &c
	case r.Transfer != nil && r.Transfer.Tenant == "":
		c := *r.Transfer
		c.Tenant, r.Transfer = tenant, &c
	}
	return r
}

// validate checks everything that needs no state.
func (r Request) validate() error {
	op := "tokenomics." + string(r.Op())
	switch r.Op() {
	case OpHold:
		return first(
			checkName(op, "tenant", string(r.Hold.Tenant), maxName),
			checkName(op, "id", string(r.Hold.ID), maxKey),
			checkName(op, "payer", string(r.Hold.Payer), maxName),
			checkAmount(op, "amount", r.Hold.Amount, 0))
	case OpCapture:
		return r.Capture.validate(op)
	case OpVoid:
		return first(
			checkName(op, "tenant", string(r.Void.Tenant), maxName),
			checkName(op, "hold", string(r.Void.Hold), maxKey))
	case OpTransfer:
		return r.Transfer.validate(op)
	case OpGenesis:
		return checkAmount(op, "amount", r.genesis.amount, 1)
	default:
		return fault.New(fault.Invalid, "tokenomics.post", "a request needs exactly one operation")
	}
}

func (c *Capture) validate(op string) error {
	err := first(
		checkName(op, "tenant", string(c.Tenant), maxName),
		checkName(op, "key", c.Key, maxKey),
		checkName(op, "hold", string(c.Hold), maxKey))
	if err != nil {
		return err
	}
	if len(c.To) == 0 || len(c.To) > maxShares {
		return fault.Field(op, "to", "must have 1 to %d receivers, not %d", maxShares, len(c.To))
	}
	total := Amount(0)
	for _, share := range c.To {
		err := first(
			checkName(op, "to.account", string(share.Account), maxName),
			checkAmount(op, "to.amount", share.Amount, 0))
		if err != nil {
			return err
		}
		if total, err = total.Add(share.Amount); err != nil {
			return fault.Field(op, "to.amount", "the shares add up to more than %s", MaxSupply)
		}
	}
	return nil
}

func (t *Transfer) validate(op string) error {
	if t.From == t.To {
		return fault.Field(op, "to", "must be another account than from")
	}
	return first(
		checkName(op, "tenant", string(t.Tenant), maxName),
		checkName(op, "key", t.Key, maxKey),
		checkName(op, "from", string(t.From), maxName),
		checkName(op, "to", string(t.To), maxName),
		checkAmount(op, "amount", t.Amount, 1),
		checkText(op, "memo", t.Memo, maxMemo))
}

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

// digest returns the digest of the body: everything but the reference and the caller. Each part is preceded by its length, so
// no two bodies have the same encoding.
func (r Request) digest() Digest {
	b := body{sha256.New()}
	switch r.Op() {
	case OpHold:
		b.text(string(r.Hold.Payer))
		b.number(int64(r.Hold.Amount))
	case OpCapture:
		b.text(string(r.Capture.Hold))
		for _, share := range r.Capture.To {
			b.text(string(share.Account))
			b.number(int64(share.Amount))
		}
		if r.Capture.Final {
			b.text("")
		}
	case OpTransfer:
		b.text(string(r.Transfer.From))
		b.text(string(r.Transfer.To))
		b.number(int64(r.Transfer.Amount))
		b.text(r.Transfer.Memo)
	case OpGenesis:
		b.text(string(r.genesis.to))
		b.number(int64(r.genesis.amount))
	}
	return Digest(b.Sum(nil))
}

// body writes the canonical encoding of a request's body.
type body struct{ hash.Hash }

func (b body) number(n int64) {
	var raw [8]byte
	binary.BigEndian.PutUint64(raw[:], uint64(n))
	_, _ = b.Write(raw[:]) // a hash never fails
}

func (b body) text(s string) {
	b.number(int64(len(s)))
	_, _ = b.Write([]byte(s))
}
