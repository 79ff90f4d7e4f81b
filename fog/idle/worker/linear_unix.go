//go:build unix

package worker

import (
	"os"

	"github.com/tetratelabs/wazero/experimental"
	"golang.org/x/sys/unix"
)

// region is address space for the largest memory that a guest may have. Pages become usable as the guest grows, so that
// growing never copies, and all of it goes back to the system when the guest ends.
type region struct {
	of   *linear
	all  []byte
	size uint64 // usable bytes
}

// newRegion reserves address space.
func newRegion(of *linear, most uint64) experimental.LinearMemory {
	page := uint64(os.Getpagesize())
	most = (most + page - 1) &^ (page - 1)
	if most == 0 {
		return &region{of: of}
	}
	all, err := unix.Mmap(-1, 0, int(most), unix.PROT_NONE, unix.MAP_PRIVATE|unix.MAP_ANON)
	if err != nil {
		return &region{of: of}
	}
	return &region{of: of, all: all}
}

// Reallocate implements experimental.LinearMemory.
func (r *region) Reallocate(size uint64) []byte {
	if size > r.of.most || size > uint64(len(r.all)) {
		r.of.denied = true
		return nil
	}
	if size > r.size {
		if err := unix.Mprotect(r.all[:size], unix.PROT_READ|unix.PROT_WRITE); err != nil {
			r.of.denied = true
			return nil
		}
		if size >= hugeFrom && r.size < hugeFrom {
			spacious(r.all)
		}
		r.size = size
	}
	return r.all[:size:size]
}

// Free implements experimental.LinearMemory.
func (r *region) Free() {
	if r.all != nil {
		_ = unix.Munmap(r.all) // nothing could be done about it, and the process is bounded anyway
		r.all = nil
	}
}
