package worker

import (
	"context"

	"github.com/tetratelabs/wazero/experimental"
)

// linear hands out the memory of one guest and keeps it below the job's limit. A guest that asks for more is told so, as
// WebAssembly has it, and may go on; that it asked is remembered, because most guests give up then.
type linear struct {
	most    uint64
	denied  bool
	regions []experimental.LinearMemory
}

// attach returns a context in which instances get their memory from here.
func (l *linear) attach(ctx context.Context) context.Context {
	return experimental.WithMemoryAllocator(ctx, l)
}

// Allocate implements experimental.MemoryAllocator.
func (l *linear) Allocate(_, most uint64) experimental.LinearMemory {
	r := newRegion(l, min(l.most, most))
	l.regions = append(l.regions, r)
	return r
}

// free gives everything back, also what an instance that failed to start has left behind.
func (l *linear) free() {
	for _, r := range l.regions {
		r.Free()
	}
}
