package tokenomics

import (
	"encoding/binary"
	"iter"
	"slices"
	"time"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
	"github.com/fogcompute/fogcompute/fog/principal"
	"github.com/fogcompute/fogcompute/fog/tokenomics/chain"
)

// Movement is one step of the ledger: postings whose sum is zero. A hold of nothing is a movement without postings.
type Movement struct {
	Seq int64 // 1, 2, 3 ... without gaps over all tenants
	Reference
	Digest   Digest            // of the request's body
	Owner    Account           // who pays, or whose right it was
	Creator  principal.Account // who asked
	Hold     HoldID            // empty: concerns no hold
	Memo     string
	Detail   []byte // the request in JSON where the postings do not say all of it
	At       time.Time
	Postings []Posting

	body []byte // the encoding, once it was made or read
}

// Traces appends a trace for each sub-account that the movement touches. A movement that was read does not know their numbers and has none.
func (m *Movement) Traces(traces []Trace) []Trace {
	first := len(traces)
	for _, p := range m.Postings {
		if t := (Trace{Number: p.Number, Seq: m.Seq}); p.Number > 0 && !slices.Contains(traces[first:], t) {
			traces = append(traces, t)
		}
	}
	return traces
}

// Trail sums up the numbers of the movements that touch a sub-account: how many there are, and two check sums, of which stores can
// compute many millions of terms without overflow.
type Trail struct {
	Count    int64
	Sum      int64 // of the numbers modulo 2147483647
	Products int64 // of their remainders by 32719 times those by 32749
}

// Add takes the next number.
func (t *Trail) Add(seq int64) {
	t.Count++
	t.Sum += seq % 2147483647
	t.Products += (seq % 32719) * (seq % 32749)
}

// Leaves returns the balance that the movement leaves in a sub-account, and whether it touches it.
func (m *Movement) Leaves(sub SubAccount) (balance Amount, touched bool) {
	for _, p := range slices.Backward(m.Postings) {
		if p.SubAccount == sub {
			return p.After, true
		}
	}
	return 0, false
}

// Posting is one line of a movement, in the movement's tenant.
type Posting struct {
	SubAccount
	Amount Amount // negative: out of the sub-account
	After  Amount // the sub-account's balance after it
	Number int64  // of the sub-account; 0 in a movement that was read
}

// Block seals the movements of one commit into the chain.
type Block struct {
	chain.Header
	Hash chain.Hash // of the header and the hash of the block before
}

// codes of kinds in the encoding; a kind never changes its code.
var codes = [...]Kind{
	1: KindAvailable, 2: KindHeld, 3: KindMint, 4: KindStaked, 5: KindUnbonding, 6: KindReward, 7: KindDeposit,
}

// kinds lists the kinds, with their codes.
func kinds() iter.Seq2[Kind, byte] {
	return func(yield func(Kind, byte) bool) {
		for code, kind := range codes {
			if kind != "" && !yield(kind, byte(code)) {
				return
			}
		}
	}
}

// encoding is the version of the encoding of movements.
const encoding = 1

// Body returns the canonical encoding of everything but Seq, Reference, Owner and Creator, which stand in columns of their own:
// the version, the digest, the time in microseconds, hold, memo, detail, and the postings, each with its kind, account,
// amount and balance. Texts are preceded by their lengths; numbers are varints (zigzag where they can be negative).
func (m *Movement) Body() []byte {
	if m.body != nil {
		return m.body
	}
	b := make([]byte, 0, 64+len(m.Hold)+len(m.Memo)+len(m.Detail)+len(m.Postings)*48)
	b = append(b, encoding)
	b = append(b, m.Digest[:]...)
	b = binary.AppendVarint(b, m.At.UnixMicro())
	b = appendText(b, string(m.Hold))
	b = appendText(b, m.Memo)
	b = appendText(b, string(m.Detail))
	b = binary.AppendUvarint(b, uint64(len(m.Postings)))
	for _, p := range m.Postings {
		b = append(b, codeOf(p.Kind))
		b = appendText(b, string(p.Account))
		b = binary.AppendVarint(b, int64(p.Amount))
		b = binary.AppendVarint(b, int64(p.After))
	}
	return b
}

// Data returns the movement as it is hashed: a canonical encoding of the columns that stand beside the body, then the body.
func (m *Movement) Data() []byte { return append(m.columns(nil), m.Body()...) }

// Leaf returns the movement's leaf in the Merkle tree of its block: chain.LeafHash of Data.
func (m *Movement) Leaf() chain.Hash { return chain.LeafHash(m.columns(nil), m.Body()) }

// columns appends the encoding of what stands in columns.
func (m *Movement) columns(b []byte) []byte {
	b = binary.AppendVarint(b, m.Seq)
	for _, text := range [...]string{string(m.Tenant), string(m.Op), m.Key, string(m.Owner), string(m.Creator)} {
		b = appendText(b, text)
	}
	return b
}

// ParseMovement reads what Data has written. Everything else is Internal or, if it is encoded in another way, a
// movement whose Data differs.
func ParseMovement(data []byte) (Movement, error) {
	d := decoder{rest: data}
	m := Movement{Seq: d.varint()}
	m.Tenant, m.Op, m.Key = principal.Tenant(d.text()), Op(d.text()), d.text()
	m.Owner, m.Creator = Account(d.text()), principal.Account(d.text())
	if d.bad {
		return Movement{}, fault.New(fault.Internal, "tokenomics.decode", "a movement cannot be read")
	}
	err := m.Decode(d.rest)
	return m, err
}

// Decode fills in what a body says; it keeps the body, and the memory of the postings that the movement has. Errors: Internal, for a
// body that Body has not written.
func (m *Movement) Decode(body []byte) error {
	d := decoder{rest: body}
	if version := d.byte(); version != encoding && !d.bad {
		return fault.Newf(fault.Internal, "tokenomics.decode", "movement %d is written in version %d", m.Seq, version)
	}
	copy(m.Digest[:], d.take(len(m.Digest)))
	m.At = time.UnixMicro(d.varint()).UTC()
	m.Hold, m.Memo = HoldID(d.text()), d.text()
	m.Detail = nil
	if detail := d.text(); detail != "" {
		m.Detail = []byte(detail)
	}
	n := d.uvarint()
	if n > uint64(len(d.rest)) { // each posting has a byte at least
		d.bad, n = true, 0
	}
	if m.Postings == nil {
		m.Postings = make([]Posting, 0, n)
	}
	m.Postings = m.Postings[:0]
	for range n {
		kind := d.kind()
		m.Postings = append(m.Postings, Posting{
			SubAccount: SubAccount{Tenant: m.Tenant, Kind: kind, Account: Account(d.text())},
			Amount:     Amount(d.varint()), After: Amount(d.varint()),
		})
	}
	if d.bad || len(d.rest) > 0 {
		return fault.Newf(fault.Internal, "tokenomics.decode", "movement %d cannot be read", m.Seq)
	}
	m.body = body
	return nil
}

func appendText(b []byte, text string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(text))), text...)
}

// codeOf returns the code of a kind, 0 for none.
func codeOf(kind Kind) byte {
	for code, k := range codes {
		if k == kind {
			return byte(code)
		}
	}
	return 0
}

// decoder reads a body. After the first mistake it reads zeros.
type decoder struct {
	rest []byte
	bad  bool
}

func (d *decoder) take(n int) []byte {
	if d.bad || n > len(d.rest) {
		d.bad = true
		return nil
	}
	part := d.rest[:n]
	d.rest = d.rest[n:]
	return part
}

func (d *decoder) byte() byte {
	if part := d.take(1); part != nil {
		return part[0]
	}
	return 0
}

func (d *decoder) uvarint() uint64 {
	value, n := binary.Uvarint(d.rest)
	d.take(max(n, 0))
	d.bad = d.bad || n <= 0
	return value
}

func (d *decoder) varint() int64 {
	value, n := binary.Varint(d.rest)
	d.take(max(n, 0))
	d.bad = d.bad || n <= 0
	return value
}

func (d *decoder) text() string {
	n := d.uvarint()
	if n > uint64(len(d.rest)) {
		d.bad = true
		return ""
	}
	return string(d.take(int(n)))
}

func (d *decoder) kind() Kind {
	code := int(d.byte())
	if code == 0 || code >= len(codes) {
		d.bad = true
		return ""
	}
	return codes[code]
}
