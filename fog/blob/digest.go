package blob

import (
	"crypto/sha256"
	"encoding/hex"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
)

// Digest names a blob: the SHA-256 of its bytes as 64 lower-case hexadecimal digits. Every method of
// a Store checks that form, so a Digest that reaches the disk cannot leave the folder.
type Digest string

// ParseDigest checks a digest that came from outside. Anything but 64 lower-case hexadecimal digits is Invalid.
func ParseDigest(text string) (Digest, error) {
	if d := Digest(text); d.valid() {
		return d, nil
	}
	return "", fault.Field("blob.digest", "sha256", "must be 64 lower-case hexadecimal digits")
}

// DigestOf returns the digest of bytes in memory.
func DigestOf(data []byte) Digest {
	sum := sha256.Sum256(data)
	return Digest(hex.EncodeToString(sum[:]))
}

// valid reports whether the digest has its form.
func (d Digest) valid() bool {
	if len(d) != hex.EncodedLen(sha256.Size) {
		return false
	}
	for i := range len(d) {
		if c := d[i]; (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}
