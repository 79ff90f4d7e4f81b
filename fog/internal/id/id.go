// Package id makes identifiers that sort by their time of birth.
//
// The layout is the ULID's (github.com/ulid/spec): 48 bits of milliseconds since 1970, then 80 random bits, written as 26
// characters of Crockford's base 32. The specification writes capitals and accepts both cases; ours are lower-case, so
// that identifiers can stand in file names and host names and compare as bytes.
package id

import (
	"crypto/rand"
	"fmt"
	"io"
	"time"
)

// Length is the number of characters of an identifier.
const Length = 26

const (
	alphabet = "0123456789abcdefghjkmnpqrstvwxyz" // without i, l, o and u
	maxMilli = 1<<48 - 1                          // a day in the year 10889
)

// New returns a new identifier. Identifiers of different milliseconds sort by time; those of the same millisecond sort
// at random. A time before 1970 counts as 1970. A nil random means crypto/rand. New panics if random fails, which
// crypto/rand never does.
func New(now time.Time, random io.Reader) string {
	raw := birth(now, random)
	var text [Length]byte
	encode(text[:], &raw)
	return string(text[:])
}

// Series returns n new identifiers of the same moment that sort in the order of the list: the first is as New makes it, and
// each further one counts up, as the specification's monotonic generators do. They share one string.
func Series(now time.Time, random io.Reader, n int) []string {
	if n <= 0 {
		return nil
	}
	raw := birth(now, random)
	raw[6] &= 0x7f // so that counting up never reaches the time
	text := make([]byte, n*Length)
	for i := range n {
		encode(text[i*Length:(i+1)*Length], &raw)
		for at := len(raw) - 1; ; at-- {
			if raw[at]++; raw[at] != 0 {
				break
			}
		}
	}
	all := string(text)
	series := make([]string, n)
	for i := range series {
		series[i] = all[i*Length : (i+1)*Length]
	}
	return series
}

// birth is the time and the random bits of a new identifier.
func birth(now time.Time, random io.Reader) [16]byte {
	if random == nil {
		random = rand.Reader
	}
	var raw [16]byte
	milli := uint64(min(max(now.UnixMilli(), 0), maxMilli))
	for i := range 6 {
		raw[i] = byte(milli >> (40 - 8*i))
	}
	if _, err := io.ReadFull(random, raw[6:]); err != nil {
		panic(fmt.Sprintf("id: random source failed: %v", err))
	}
	return raw
}

// encode writes 128 bits as 26 digits of 5 bits, of which the first holds only the top 3.
func encode(text []byte, raw *[16]byte) {
	var bits uint32
	have, at := 0, Length-1
	for i := len(raw) - 1; i >= 0; i-- {
		bits |= uint32(raw[i]) << have
		for have += 8; have >= 5; have -= 5 {
			text[at] = alphabet[bits&31]
			bits >>= 5
			at--
		}
	}
	text[0] = alphabet[bits&31]
}
