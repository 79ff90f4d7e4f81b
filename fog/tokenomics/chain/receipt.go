package chain

import (
	"encoding/json"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
)

// MaxReceipt is the most bytes of JSON that a receipt is read from. The longest one that is written has less than 3,000.
const MaxReceipt = 8 << 10

// Limits of the block that a receipt can be for.
const (
	maxCount = 1<<31 - 1 // entries: what an int holds everywhere
	maxProof = 31        // hashes of a proof in it
)

// Receipt proves that an entry lies in a block. It says a few things twice, so that Verify can tell what does not fit; there
// is no bit in it that could be changed unnoticed. The tags doc describe each field in its schema.
type Receipt struct {
	Seq      int64  `json:"seq" doc:"Number of the entry."`
	Leaf     Hash   `json:"leaf" doc:"LeafHash of the entry: SHA-256 over a zero byte and the entry."`
	Index    int    `json:"index" doc:"Place of the entry in its block, from 0."`
	Count    int    `json:"count" doc:"Entries of the block."`
	Proof    []Hash `json:"proof" doc:"Hashes from the leaf to the root (RFC 6962), see Proof."`
	Previous Hash   `json:"previous" doc:"Hash of the block before; zeros for the first block."`
	Header   Header `json:"header" doc:"Header of the block."`
	Hash     Hash   `json:"hash" doc:"Hash of the block."`
}

// NewReceipt makes the receipt of entry number seq out of its block: the leaves of all entries of the block in order, the hash of
// the block before (zero for the first) and the header. It takes about as many hashes as there are leaves. It is Invalid
// if the leaves are not those of the header, or the entry is not among them.
func NewReceipt(seq int64, leaves []Hash, previous Hash, h Header) (Receipt, error) {
	const op = "chain.receipt"
	switch {
	case h.First < 1 || h.Last < h.First || h.Last-h.First != int64(len(leaves))-1 || len(leaves) > maxCount:
		return Receipt{}, fault.Field(op, "leaves", "%d leaves for block %d to %d", len(leaves), h.First, h.Last)
	case seq < h.First || seq > h.Last:
		return Receipt{}, fault.Field(op, "seq", "%d is not in block %d to %d", seq, h.First, h.Last)
	}
	i := int(seq - h.First)
	r := Receipt{
		Seq: seq, Leaf: leaves[i], Index: i, Count: len(leaves), Proof: Proof(leaves, i),
		Previous: previous, Header: h, Hash: Link(previous, h),
	}
	if !VerifyProof(r.Leaf, r.Index, r.Count, r.Proof, h.Root) {
		return Receipt{}, fault.Field(op, "leaves", "do not have the root of block %d to %d", h.First, h.Last)
	}
	return r, nil
}

// Verify reports whether the receipt is one for the entry data, and whole. Its errors are Invalid and name the field that
// does not fit: leaf (the data is another), header, count, index, seq, proof (or the header's root), hash (or the rest of
// the header, or previous). A receipt that is whole proves that the entry lies in the block with the hash r.Hash; that this block
// lies in the log is for Anchor.
func (r Receipt) Verify(data []byte) error {
	h := r.Header
	wrong := func(field, format string, a ...any) error { return fault.Field("chain.receipt", field, format, a...) }
	switch {
	case LeafHash(data) != r.Leaf:
		return wrong("leaf", "is not the hash of this data")
	case h.First < 1 || h.Last < h.First || h.Last-h.First >= maxCount:
		return wrong("header", "no block begins with %d and ends with %d", h.First, h.Last)
	case int64(r.Count) != h.Last-h.First+1:
		return wrong("count", "is %d, the header says %d", r.Count, h.Last-h.First+1)
	case r.Index < 0 || r.Index >= r.Count:
		return wrong("index", "%d is not in a block of %d", r.Index, r.Count)
	case r.Seq != h.First+int64(r.Index):
		return wrong("seq", "is %d, its place in the block says %d", r.Seq, h.First+int64(r.Index))
	case !VerifyProof(r.Leaf, r.Index, r.Count, r.Proof, h.Root):
		return wrong("proof", "does not lead from the leaf to the root of the block")
	case Link(r.Previous, h) != r.Hash:
		return wrong("hash", "does not follow from previous and header")
	}
	return nil
}

// Anchor reports whether the receipt's block lies in the log that ends with head, given the headers of all blocks behind it
// up to the head, in order; none if it is the last one itself. It does not repeat Verify. Errors: ErrGap if the headers do not
// continue one another up to the head, ErrLink if they do and lead to another hash.
func (r Receipt) Anchor(later []Header, head Head) error {
	at := Head{Last: r.Header.Last, Hash: r.Hash}
	for _, h := range later {
		next, err := at.Append(h)
		if err != nil {
			return err
		}
		at = next
	}
	switch {
	case at.Last != head.Last:
		return breach(ErrGap, "the headers end with %d, the head with %d", at.Last, head.Last)
	case at.Hash != head.Hash:
		return breach(ErrLink, "the headers do not lead from the receipt to the head")
	}
	return nil
}

// UnmarshalJSON reads a receipt of at most MaxReceipt bytes. What is not the JSON of a receipt is Invalid, what is longer, or has a
// longer proof than there can be, is TooLarge. It does not verify.
func (r *Receipt) UnmarshalJSON(data []byte) error {
	const op = "chain.receipt"
	if len(data) > MaxReceipt {
		return fault.Newf(fault.TooLarge, op, "a receipt has at most %d bytes", MaxReceipt)
	}
	if string(data) == "null" { // changes nothing, as everywhere in encoding/json
		return nil
	}
	type plain Receipt
	var read plain
	if err := json.Unmarshal(data, &read); err != nil {
		return &fault.Error{Kind: fault.Invalid, Op: op, Detail: "not a receipt", Err: err}
	}
	if len(read.Proof) > maxProof {
		return fault.Newf(fault.TooLarge, op, "a proof has at most %d hashes", maxProof)
	}
	*r = Receipt(read)
	return nil
}
