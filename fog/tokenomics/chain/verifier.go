package chain

import "github.com/fogcompute/fogcompute/fog/internal/fault"

// Ways in which a log disagrees with itself, of kind Conflict. Errors of Verifier, Head and Receipt.Anchor wrap them.
var (
	// ErrGap: entries or blocks are missing, double or in another order.
	ErrGap = fault.New(fault.Conflict, "chain", "the numbers are not consecutive")
	// ErrRoot: an entry is not the one that its block was closed with.
	ErrRoot = fault.New(fault.Conflict, "chain", "the entries do not have the root of their block")
	// ErrLink: a block, or one before it, is not the one that was closed.
	ErrLink = fault.New(fault.Conflict, "chain", "the block does not have its hash")
)

// Head is the end of a log: what is worth keeping elsewhere. The zero Head is that of the empty log.
type Head struct {
	Last int64 `json:"last"` // number of the last entry
	Hash Hash  `json:"hash"` // of the last block
}

// Append returns the head after the next block. It is ErrGap if the header does not continue right behind the head, or has no
// entry.
func (h Head) Append(next Header) (Head, error) {
	switch {
	case next.First < 1 || next.First-1 != h.Last:
		return Head{}, breach(ErrGap, "a block begins with %d behind %d", next.First, h.Last)
	case next.Last < next.First:
		return Head{}, breach(ErrGap, "a block begins with %d and ends with %d", next.First, next.Last)
	}
	return Head{Last: next.Last, Hash: Link(h.Hash, next)}, nil
}

// Verifier checks a log as it is read: the entries of a block in order, then the block, then the entries of the next. The zero
// value begins with the first entry of all. After an error every call returns that error again: it is the first break.
type Verifier struct {
	head   Head
	tree   Tree // of the entries since the last block
	broken error
}

// NewVerifier returns a verifier that begins behind a head that is trusted: one that an earlier Verifier arrived at, or one
// kept elsewhere.
func NewVerifier(behind Head) *Verifier { return &Verifier{head: behind} }

// Entry takes the next entry: its number, and its bytes as LeafHash takes them. Errors: ErrGap.
func (v *Verifier) Entry(number int64, parts ...[]byte) error {
	if err := v.expect(number); err != nil {
		return err
	}
	v.tree.Add(LeafHash(parts...))
	return nil
}

// Leaf is Entry for who has hashed the entry already. Errors: ErrGap.
func (v *Verifier) Leaf(number int64, leaf Hash) error {
	if err := v.expect(number); err != nil {
		return err
	}
	v.tree.Add(leaf)
	return nil
}

// expect checks that a number is the next one.
func (v *Verifier) expect(number int64) error {
	if v.broken != nil {
		return v.broken
	}
	if next := v.head.Last + v.tree.Count() + 1; number != next {
		return v.fail(breach(ErrGap, "entry %d stands in the place of %d", number, next))
	}
	return nil
}

// Block takes a block as it was stored, header and hash, after its entries. Errors: ErrGap if its numbers are not those of the
// entries since the last block, ErrRoot, ErrLink.
func (v *Verifier) Block(h Header, hash Hash) error {
	if v.broken != nil {
		return v.broken
	}
	head, err := v.head.Append(h)
	switch {
	case err != nil:
		return v.fail(err)
	case h.Last != v.head.Last+v.tree.Count():
		return v.fail(breach(ErrGap, "block %d to %d has %d entries", h.First, h.Last, v.tree.Count()))
	case h.Root != v.tree.Root():
		return v.fail(breach(ErrRoot, "entries %d to %d do not have the root of their block", h.First, h.Last))
	case hash != head.Hash:
		return v.fail(breach(ErrLink, "block %d to %d does not have its hash", h.First, h.Last))
	}
	v.head = head
	v.tree.Reset()
	return nil
}

// End says that nothing follows, and returns the head of the log, or of the part of it before the first break. It is ErrGap if the
// last entries have no block. A log whose end was cut off looks like a shorter log: compare the head with one kept elsewhere.
func (v *Verifier) End() (Head, error) {
	if v.broken == nil && v.tree.Count() != 0 {
		v.broken = breach(ErrGap, "no block has the entries behind %d", v.head.Last)
	}
	return v.head, v.broken
}

// Head returns the head after the last block that was right.
func (v *Verifier) Head() Head { return v.head }

// fail remembers the first break.
func (v *Verifier) fail(err error) error {
	v.broken = err
	return err
}

// breach describes one occurrence of a way in which a log disagrees with itself.
func breach(way *fault.Error, format string, a ...any) error {
	err := fault.Newf(way.Kind, "chain.verify", format, a...)
	err.Err = way
	return err
}
