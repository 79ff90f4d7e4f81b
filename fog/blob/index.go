package blob

import (
	"context"
	"time"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
	"github.com/fogcompute/fogcompute/fog/principal"
)

// Info is what the index knows of a blob that an owner has stored.
type Info struct {
	Digest  Digest
	Bytes   int64
	Tenant  principal.Tenant
	Owner   principal.Account // pays for it with its quota
	Creator principal.Account // put it
	Created time.Time
	Used    time.Time // last put, referred to or read, to within a quarter of the grace
	Copy    string    // which copy of the bytes: a digest that comes back after its removal gets a new one
}

// Usage is how much an owner has stored.
type Usage struct {
	Bytes int64
	Blobs int64
}

// Stats is how much is stored at all. A blob that several owners have put counts once.
type Stats struct {
	Bytes int64
	Blobs int64
}

// Ref says that something, By, needs a blob: "job:<id>". References are counted per tenant.
type Ref struct {
	Tenant principal.Tenant
	Digest Digest
	By     string
}

// Copy is a copy of a blob's bytes that nobody holds any more.
type Copy struct {
	Digest Digest
	Name   string
}

// Index is the port to the rows. The bytes are the Store's own affair. Implementations are safe for concurrent use by
// several servers.
type Index interface {
	Holdings
	Upkeep
}

// Holdings is the part of Index that says who has which blob.
type Holdings interface {
	// Add notes that info's owner has the blob, unless its quota in bytes would be exceeded: then it returns ErrQuota. It
	// returns the row as it stands: an owner that has the blob already keeps its row, charged once, with the new Used;
	// and a digest that anybody has keeps its Copy.
	Add(ctx context.Context, info Info, quota int64) (Info, error)
	// Find returns a tenant's row of a blob, the oldest if it has several owners, and whether there is one.
	Find(ctx context.Context, tenant principal.Tenant, digest Digest) (Info, bool, error)
	// Touch sets Used of a tenant's rows of a blob, never back in time, and says whether there are any. Once it has
	// returned true, no Doom with an earlier time takes the blob.
	Touch(ctx context.Context, tenant principal.Tenant, digest Digest, used time.Time) (bool, error)
	// Usage returns what an owner has stored.
	Usage(ctx context.Context, tenant principal.Tenant, owner principal.Account) (Usage, error)
	// Stats returns what is stored at all.
	Stats(ctx context.Context) (Stats, error)
}

// Upkeep is the part of Index that keeps blobs alive and lets them go.
type Upkeep interface {
	// Ref adds references, all or none, and touches their blobs. A blob that its tenant does not have is ErrNotFound;
	// a reference that exists is left alone.
	Ref(ctx context.Context, refs []Ref, now time.Time) error
	// Unref removes references; one that does not exist is no error.
	Unref(ctx context.Context, refs []Ref) error
	// Doom takes up to limit rows away that have no reference and were last used before a time, the longest unused
	// first, gives their owners the quota back, and remembers the copies that nobody holds any more. It returns how many
	// rows it took, and up to limit remembered copies, those of earlier calls included, until Bury forgets them.
	Doom(ctx context.Context, unusedBefore time.Time, limit int) (int, []Copy, error)
	// Bury forgets copies whose bytes are gone.
	Bury(ctx context.Context, copies []Copy) error
}

var (
	// ErrNotFound means that the tenant has no such blob: kind NotFound.
	ErrNotFound = fault.New(fault.NotFound, "blob", "blob not found")
	// ErrQuota means that the owner has no room for the blob: kind TooLarge.
	ErrQuota = fault.New(fault.TooLarge, "blob", "storage quota exceeded")
)
