package blob

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
	"github.com/fogcompute/fogcompute/fog/internal/id"
	"github.com/fogcompute/fogcompute/fog/principal"
)

// Put stores what r yields under its digest, for the caller. Size is the number of bytes to come, or below 0 if the caller
// does not know. Once Put returns nil the blob has been written to disk and to the index.
//
// Bytes that do not have the wanted digest or size are Invalid; a blob over MaxBytes, or over the rest of the owner's
// quota, is TooLarge; a reader that breaks off, a full disk and a database that is away are Unavailable. After an error
// nothing is stored. A blob that the tenant already has is read and checked but not written again.
func (s *Store) Put(ctx context.Context, want Digest, r io.Reader, size int64) (Info, error) {
	p, err := s.ask(ctx, ActionPut, want)
	if err != nil {
		return Info{}, fault.Wrap("blob.put", err)
	}
	if size > s.cfg.MaxBytes {
		return Info{}, tooLarge(s.cfg.MaxBytes)
	}
	in := &intake{r: r, want: want, size: size, max: s.cfg.MaxBytes}
	info, ok, err := s.known(ctx, p, want)
	switch {
	case err != nil:
		return Info{}, fault.Wrap("blob.put", err)
	case ok:
		return s.putKnown(ctx, p, info, in)
	default:
		return s.putNew(ctx, p, in)
	}
}

// room refuses what cannot fit before a byte has been read. The index decides in the end.
func (s *Store) room(ctx context.Context, p principal.Principal, size int64) error {
	used, err := s.cfg.Index.Usage(ctx, p.Tenant, p.Account)
	if err == nil && (used.Bytes+max(size, 0) > s.cfg.Quota || used.Blobs >= max(fewestBlobs, s.cfg.Quota/diskBlock)) {
		return ErrQuota
	}
	return err
}

// A blob of one byte takes a block of the disk, a file and a row: a quota holds so many blobs as it has blocks, and never fewer than some.
const (
	diskBlock   = 4096
	fewestBlobs = 1000
)

// known returns the tenant's blob if it is there with its bytes. From then on it stays there for the grace.
func (s *Store) known(ctx context.Context, p principal.Principal, d Digest) (Info, bool, error) {
	info, ok, err := s.cfg.Index.Find(ctx, p.Tenant, d)
	if err != nil || !ok || !s.files.has(info) {
		return Info{}, false, err
	}
	ok, err = s.cfg.Index.Touch(ctx, p.Tenant, d, s.now())
	return info, ok, err
}

// putKnown checks the bytes and notes that the caller has the blob too.
func (s *Store) putKnown(ctx context.Context, p principal.Principal, known Info, in *intake) (Info, error) {
	if err := in.copyTo(ctx, io.Discard); err != nil {
		return Info{}, fault.Wrap("blob.put", err)
	}
	info, err := s.add(ctx, p, in, known.Copy)
	return info, fault.Wrap("blob.put", err)
}

// putNew writes the bytes to a temporary file and forces them to disk; then it adds the row; then it moves the file to its
// place. In this order a crash leaves a temporary file, which Run removes, or a row without a file, which reads as not
// found and is mended by the next Put or collected; never a file that no row knows.
func (s *Store) putNew(ctx context.Context, p principal.Principal, in *intake) (Info, error) {
	if err := s.room(ctx, p, in.size); err != nil {
		return Info{}, fault.Wrap("blob.put", err)
	}
	temp, err := s.files.create(id.New(s.now(), s.cfg.Random))
	if err != nil {
		return Info{}, diskTrouble("blob.put", err)
	}
	defer temp.discard()
	if err := in.copyTo(ctx, temp.file); err != nil {
		return Info{}, fault.Wrap("blob.put", err)
	}
	if err := temp.sync(); err != nil {
		return Info{}, diskTrouble("blob.put", err)
	}
	info, err := s.add(ctx, p, in, temp.name)
	if err != nil {
		return Info{}, fault.Wrap("blob.put", err)
	}
	if err := s.files.keep(temp, info); err != nil {
		return Info{}, diskTrouble("blob.put", err)
	}
	return info, nil
}

// add writes the row: the only thing of an upload that the database's writer sees.
func (s *Store) add(ctx context.Context, p principal.Principal, in *intake, name string) (Info, error) {
	now := s.now()
	return s.cfg.Index.Add(ctx, Info{
		Digest: in.want, Bytes: in.read, Tenant: p.Tenant, Owner: p.Account, Creator: p.Account, Created: now, Used: now,
		Copy: name,
	}, s.cfg.Quota)
}

// intake is what one Put expects of its reader.
type intake struct {
	r    io.Reader
	want Digest
	size int64 // below 0: unknown
	max  int64
	read int64
}

// copyTo streams the bytes to w and checks their number and digest.
func (in *intake) copyTo(ctx context.Context, w io.Writer) error {
	sum := sha256.New()
	sink := &sink{w: io.MultiWriter(w, sum)}
	var err error
	in.read, err = io.Copy(sink, io.LimitReader(in.until(ctx), in.max+1))
	switch {
	case sink.err != nil:
		return diskTrouble("blob.put", sink.err)
	case err != nil:
		return err
	case in.read > in.max:
		return tooLarge(in.max)
	case in.size >= 0 && in.read != in.size:
		return fault.Newf(fault.Invalid, "blob.put", "%d bytes announced, %d came", in.size, in.read)
	case hex.EncodeToString(sum.Sum(nil)) != string(in.want):
		return fault.Field("blob.put", "sha256", "the bytes do not have this digest")
	default:
		return nil
	}
}

// until returns the caller's reader, which ends when ctx does.
func (in *intake) until(ctx context.Context) io.Reader {
	return readerFunc(func(p []byte) (int, error) {
		if err := ctx.Err(); err != nil {
			return 0, fault.Wrap("blob.put", err)
		}
		n, err := in.r.Read(p)
		if err == nil || errors.Is(err, io.EOF) || fault.KindOf(err) != fault.Internal {
			return n, err
		}
		return n, &fault.Error{Kind: fault.Unavailable, Op: "blob.put", Detail: "the upload broke off", Err: err}
	})
}

// readerFunc makes a reader of a method.
type readerFunc func(p []byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

// sink remembers its own error, so that a full disk is not taken for a broken upload.
type sink struct {
	w   io.Writer
	err error
}

func (s *sink) Write(p []byte) (int, error) {
	n, err := s.w.Write(p)
	s.err = err
	return n, err
}

// tooLarge is the error of a blob over the limit.
func tooLarge(most int64) error {
	return fault.Newf(fault.TooLarge, "blob.put", "a blob may have at most %d bytes", most)
}
