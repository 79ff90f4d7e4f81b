package chain

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
)

// Size is the length of a Hash in bytes.
const Size = sha256.Size

// First byte of what is hashed, one for each purpose.
const (
	leafPrefix = 0x00 // RFC 6962
	nodePrefix = 0x01 // RFC 6962
	linkPrefix = 0x02
)

// linkTag is what the hashed bytes of a block begin with, after linkPrefix.
const linkTag = "fog.chain.block"

// shortLeaf is the length up to which a leaf is hashed without allocating.
const shortLeaf = 511

// Hash is a SHA-256 value. Its text, also in JSON, is 64 hexadecimal digits in lower case. The zero Hash stands before
// the first block.
type Hash [Size]byte

// String returns the 64 hexadecimal digits.
func (h Hash) String() string { return hex.EncodeToString(h[:]) }

// MarshalText returns the 64 hexadecimal digits.
func (h Hash) MarshalText() ([]byte, error) { return hex.AppendEncode(nil, h[:]), nil }

// UnmarshalText reads exactly 64 hexadecimal digits in lower case, so that a hash has one text only. All else is Invalid.
func (h *Hash) UnmarshalText(text []byte) error {
	var read Hash
	if len(text) != hex.EncodedLen(Size) {
		return fault.Field("chain.hash", "hash", "has %d characters instead of %d", len(text), hex.EncodedLen(Size))
	}
	for _, digit := range text {
		if digit >= 'A' && digit <= 'F' {
			return fault.Field("chain.hash", "hash", "has digits in upper case")
		}
	}
	if _, err := hex.Decode(read[:], text); err != nil {
		return fault.Field("chain.hash", "hash", "is not hexadecimal")
	}
	*h = read
	return nil
}

// LeafHash returns the hash of an entry, SHA-256(0x00 || entry), where the entry is all parts one after the other: how it is
// divided does not matter. Entries of up to 511 bytes are hashed without allocating.
func LeafHash(parts ...[]byte) Hash {
	length := 0
	for _, part := range parts {
		length += len(part)
	}
	if length > shortLeaf {
		return longLeaf(parts)
	}
	var room [1 + shortLeaf]byte
	room[0] = leafPrefix
	data := room[:1]
	for _, part := range parts {
		data = append(data, part...)
	}
	return sha256.Sum256(data)
}

// longLeaf is LeafHash for entries that are not worth copying.
func longLeaf(parts [][]byte) (sum Hash) {
	digest := sha256.New()
	digest.Write([]byte{leafPrefix})
	for _, part := range parts {
		digest.Write(part)
	}
	digest.Sum(sum[:0])
	return sum
}

// node returns the hash of an inner node.
func node(left, right Hash) Hash {
	var data [1 + 2*Size]byte
	data[0] = nodePrefix
	copy(data[1:], left[:])
	copy(data[1+Size:], right[:])
	return sha256.Sum256(data[:])
}

// Header says what a block holds. All of it is covered by the block's hash.
type Header struct {
	First int64 `json:"first" doc:"Number of its first entry, 1 or more."`
	Last  int64 `json:"last" doc:"Number of its last entry, First or more: no block is empty."`
	At    int64 `json:"at" doc:"When it was closed, in microseconds since 1970; the clock may have gone back."`
	Root  Hash  `json:"root" doc:"Root of the leaves of First to Last."`
}

// Link returns the hash of the block that has this header and follows the block with the hash previous (zero: it is the
// first). The package comment shows the hashed bytes. Link does not judge the numbers; Head.Append does.
func Link(previous Hash, h Header) Hash {
	var room [1 + len(linkTag) + Size + 3*8 + Size]byte
	room[0] = linkPrefix
	data := append(room[:1], linkTag...)
	data = append(data, previous[:]...)
	for _, number := range [...]int64{h.First, h.Last, h.At} {
		data = binary.BigEndian.AppendUint64(data, uint64(number))
	}
	data = append(data, h.Root[:]...)
	return sha256.Sum256(data)
}

// Follow returns the hash of the last of the blocks that follow the block with the hash start, in order; start if there are
// none. As Link it does not judge the numbers: a hash that equals one kept elsewhere proves the headers as they are.
func Follow(start Hash, headers []Header) Hash {
	for _, h := range headers {
		start = Link(start, h)
	}
	return start
}
