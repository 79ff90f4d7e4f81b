//go:build !unix

package worker

import "github.com/tetratelabs/wazero/experimental"

// region is the memory of a guest.
type region struct {
	of  *linear
	buf []byte
}

// newRegion returns an empty memory.
func newRegion(of *linear, _ uint64) experimental.LinearMemory { return &region{of: of} }

// Reallocate implements experimental.LinearMemory.
func (r *region) Reallocate(size uint64) []byte {
	if size > r.of.most {
		r.of.denied = true
		return nil
	}
	if size > uint64(cap(r.buf)) {
		r.buf = append(make([]byte, 0, size), r.buf...)
	}
	r.buf = r.buf[:size]
	return r.buf
}

// Free implements experimental.LinearMemory.
func (r *region) Free() { r.buf = nil }
