// Package blob stores bytes by their digest: modules, inputs and outputs of jobs.
//
// A blob is a file whose name is the SHA-256 of its content, in a folder; an index in the database says who has stored it,
// who refers to it and when it was last used. Bytes are streamed both ways and never pass through the database, whose
// one writer sees a single small row at the end of an upload.
//
// Storing a digest twice stores it once; each owner that stores it is charged for it, and no tenant sees what only
// another has stored. A blob that nobody refers to is collected when it has not been used for the grace.
package blob

import (
	"context"
	"crypto/rand"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"math"
	"os"
	"sync"
	"time"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
	"github.com/fogcompute/fogcompute/fog/principal"
)

const (
	defaultQuota    = 1 << 30
	defaultMaxBytes = 32 << 20
	defaultGrace    = 24 * time.Hour
	defaultEvery    = 10 * time.Minute
)

// What a Store asks its Authorizer for. Resources are of kind "blob" with the digest as ID, and belong to whoever asks:
// knowing a digest is knowing the bytes.
const (
	ActionPut       principal.Action = "blob.put"
	ActionRead      principal.Action = "blob.read"
	ActionReference principal.Action = "blob.reference"
	ActionCollect   principal.Action = "blob.collect" // of the tenant as a whole, without an owner
)

// Config says where and how much a Store keeps. Its zero value keeps blobs in a temporary folder that Close removes.
type Config struct {
	// Dir is the folder of the files; it is made if it is missing. Servers that share an index must share the folder.
	Dir string
	// Index holds the rows; nil keeps them in memory, which forgets the files of earlier runs.
	Index Index
	// Quota is the most that one owner may store, in bytes, and one blob for each 4 KiB of it: 0 means 1 GiB, below 0 no limit.
	Quota int64
	// MaxBytes is the size of the largest blob: 0 means 32 MiB, below 0 no limit.
	MaxBytes int64
	// Grace is how long a blob without references is kept after its last use: 0 means 24 hours, below 0 for ever.
	Grace time.Duration
	// CollectEvery is the pause between collections: 0 means 10 minutes.
	CollectEvery time.Duration

	Authorize principal.Authorizer // nil: principal.Owners
	Now       func() time.Time     // nil: time.Now
	Random    io.Reader            // names temporary files and copies; nil: crypto/rand
	Logger    *slog.Logger         // nil: silent
}

// Store is the engine. Make one with New. It is safe for concurrent use.
type Store struct {
	cfg   Config
	files folder

	close   sync.Once
	ownsDir bool
}

// New prepares a store and its folder; it starts nothing. Limits that make no sense are Invalid.
func New(cfg Config) (*Store, error) {
	if cfg.CollectEvery < 0 {
		return nil, fault.Field("blob.new", "CollectEvery", "must not be negative")
	}
	s := &Store{cfg: withDefaults(cfg)}
	if cfg.Dir == "" {
		dir, err := os.MkdirTemp("", "fog-blobs-")
		if err != nil {
			return nil, diskTrouble("blob.new", err)
		}
		s.cfg.Dir, s.ownsDir = dir, true
	}
	var err error
	if s.files, err = openFolder(s.cfg.Dir); err != nil {
		return nil, diskTrouble("blob.new", err)
	}
	return s, nil
}

// withDefaults fills what the caller left out.
func withDefaults(cfg Config) Config {
	cfg.Quota = limit(cfg.Quota, defaultQuota)
	cfg.MaxBytes = limit(cfg.MaxBytes, defaultMaxBytes)
	if cfg.Grace == 0 {
		cfg.Grace = defaultGrace
	}
	if cfg.CollectEvery == 0 {
		cfg.CollectEvery = defaultEvery
	}
	if cfg.Index == nil {
		cfg.Index = NewMemory()
	}
	if cfg.Authorize == nil {
		cfg.Authorize = principal.Owners{}
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Random == nil {
		cfg.Random = rand.Reader
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	return cfg
}

// limit reads a limit of the Config: 0 means the default, below 0 none.
func limit(n, otherwise int64) int64 {
	switch {
	case n == 0:
		return otherwise
	case n < 0:
		return math.MaxInt64 / 2 // leaves room for a sum
	default:
		return n
	}
}

// now returns the time in UTC.
func (s *Store) now() time.Time { return s.cfg.Now().UTC() }

// MaxBytes returns the size of the largest blob that this store takes.
func (s *Store) MaxBytes() int64 { return s.cfg.MaxBytes }

// Stat returns what is known of a blob of the caller's tenant, or ErrNotFound.
func (s *Store) Stat(ctx context.Context, d Digest) (Info, error) {
	info, err := s.find(ctx, "blob.stat", d)
	if err != nil {
		return Info{}, err
	}
	if !s.files.has(info) {
		return Info{}, ErrNotFound
	}
	return info, nil
}

// Get opens a blob of the caller's tenant for reading from any place in it, or returns ErrNotFound. The caller closes it.
func (s *Store) Get(ctx context.Context, d Digest) (io.ReadSeekCloser, Info, error) {
	info, err := s.find(ctx, "blob.get", d)
	if err != nil {
		return nil, Info{}, err
	}
	f, err := s.files.open(info)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, Info{}, ErrNotFound // its upload has not ended, or was cut off by a crash
	case err != nil:
		return nil, Info{}, diskTrouble("blob.get", err)
	}
	s.used(ctx, info)
	return f, info, nil
}

// find asks for permission to read a blob and looks it up.
func (s *Store) find(ctx context.Context, op string, d Digest) (Info, error) {
	p, err := s.ask(ctx, ActionRead, d)
	if err != nil {
		return Info{}, fault.Wrap(op, err)
	}
	info, ok, err := s.cfg.Index.Find(ctx, p.Tenant, d)
	switch {
	case err != nil:
		return Info{}, fault.Wrap(op, err)
	case !ok:
		return Info{}, ErrNotFound
	default:
		return info, nil
	}
}

// used notes that a blob was read. It writes only when the last note is so old that the difference matters to the
// collection. A note that cannot be written is dropped: the reader has its bytes.
func (s *Store) used(ctx context.Context, info Info) {
	now := s.now()
	if s.cfg.Grace < 0 || now.Sub(info.Used) < s.cfg.Grace/4 {
		return
	}
	if _, err := s.cfg.Index.Touch(ctx, info.Tenant, info.Digest, now); err != nil {
		s.cfg.Logger.WarnContext(ctx, "note the use of a blob", "digest", info.Digest, "error", err)
	}
}

// Ref keeps a blob of the caller's tenant from being collected until by, a name of the caller's choosing such as "job:<id>",
// gives it up. It returns ErrNotFound if the tenant has no such blob. Doing it again changes nothing.
func (s *Store) Ref(ctx context.Context, d Digest, by string) error {
	p, err := s.askReference(ctx, d, by)
	if err != nil {
		return err
	}
	return fault.Wrap("blob.ref", s.cfg.Index.Ref(ctx, []Ref{{Tenant: p.Tenant, Digest: d, By: by}}, s.now()))
}

// Unref takes a reference back. One that does not exist is no error.
func (s *Store) Unref(ctx context.Context, d Digest, by string) error {
	p, err := s.askReference(ctx, d, by)
	if err != nil {
		return err
	}
	return fault.Wrap("blob.unref", s.cfg.Index.Unref(ctx, []Ref{{Tenant: p.Tenant, Digest: d, By: by}}))
}

// askReference asks for permission to refer to a blob under a name.
func (s *Store) askReference(ctx context.Context, d Digest, by string) (principal.Principal, error) {
	const longest = 200
	if by == "" || len(by) > longest {
		return principal.Principal{}, fault.Field("blob.ref", "by", "must have between 1 and %d bytes", longest)
	}
	p, err := s.ask(ctx, ActionReference, d)
	return p, fault.Wrap("blob.ref", err)
}

// ask checks a digest and asks whether the caller may do something with it.
func (s *Store) ask(ctx context.Context, a principal.Action, d Digest) (principal.Principal, error) {
	p := principal.From(ctx)
	if _, err := ParseDigest(string(d)); err != nil {
		return p, err
	}
	r := principal.Resource{Kind: "blob", ID: string(d), Tenant: p.Tenant, Owner: p.Account}
	return p, s.cfg.Authorize.Authorize(ctx, p, a, r)
}

// Usage returns what the caller has stored, and the most that it may store.
func (s *Store) Usage(ctx context.Context) (used Usage, quota int64, err error) {
	p := principal.From(ctx)
	used, err = s.cfg.Index.Usage(ctx, p.Tenant, p.Account)
	return used, s.cfg.Quota, fault.Wrap("blob.usage", err)
}

// Stats returns what is stored at all.
func (s *Store) Stats(ctx context.Context) (Stats, error) {
	stats, err := s.cfg.Index.Stats(ctx)
	return stats, fault.Wrap("blob.stats", err)
}

// Close removes the folder if it was a temporary one of this store's own. It is safe to call twice.
func (s *Store) Close() error {
	var err error
	s.close.Do(func() {
		if s.ownsDir {
			err = os.RemoveAll(s.cfg.Dir)
		}
	})
	return fault.Wrap("blob.close", err)
}

// diskTrouble marks an error of the file system: the store cannot serve now. Nil stays nil.
func diskTrouble(op string, err error) error {
	if err == nil {
		return nil
	}
	return &fault.Error{Kind: fault.Unavailable, Op: op, Detail: "blob storage unavailable", Err: err}
}
