package agent

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
)

// store keeps modules and inputs on this device by their digest. A file gets its name only when its content has that digest;
// the worker verifies it again before it is used. What attempts need is pinned; the rest goes, longest unused first,
// when there is more than the bound.
type store struct {
	dir    string
	most   int64
	client *client
	now    func() time.Time
	turns  chan struct{} // one for each download at a time

	mu    sync.Mutex // guards what follows
	files map[string]*file
	bytes int64 // of the files that are there
}

// file is one blob, there or on its way.
type file struct {
	size    int64
	pins    int
	used    time.Time
	here    bool
	fetched chan struct{} // not nil while it is on its way; closed when that has ended
}

// newStore returns a store that knows no files yet.
func newStore(dir string, most int64, c *client, now func() time.Time) *store {
	return &store{dir: dir, most: most, client: c, now: now, turns: make(chan struct{}, 4), files: map[string]*file{}}
}

// take looks through the folder, which must be this agent's alone: files with other names are left-overs.
func (s *store) take() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	entries, err := os.ReadDir(s.dir)
	if err != nil {
		return fmt.Errorf("agent: store: %w", err)
	}
	for _, entry := range entries {
		info, err := entry.Info()
		if err != nil {
			continue // gone meanwhile
		}
		if name, err := hex.DecodeString(entry.Name()); err != nil || len(name) != sha256.Size || !info.Mode().IsRegular() {
			if err := os.RemoveAll(filepath.Join(s.dir, entry.Name())); err != nil {
				return fmt.Errorf("agent: store: %w", err)
			}
			continue
		}
		s.files[entry.Name()] = &file{size: info.Size(), used: info.ModTime(), here: true}
		s.bytes += info.Size()
	}
	s.evict()
	return nil
}

// Open implements worker.Blobs.
func (s *store) Open(_ context.Context, digest string) (io.ReadCloser, int64, error) {
	f, err := os.Open(filepath.Join(s.dir, filepath.Base(digest)))
	if err != nil {
		return nil, 0, &fault.Error{Kind: fault.NotFound, Op: "agent.store", Err: err}
	}
	info, err := f.Stat()
	if err != nil {
		return nil, 0, fmt.Errorf("agent: store: %w", errors.Join(err, f.Close()))
	}
	return f, info.Size(), nil
}

// pin makes sure that a blob of at most most bytes is there and stays until unpin, and returns its size. Several that want the same blob wait for one download.
func (s *store) pin(ctx context.Context, digest string, most int64) (int64, error) {
	for {
		s.mu.Lock()
		f := s.files[digest]
		switch {
		case f == nil:
			f = &file{fetched: make(chan struct{})}
			s.files[digest] = f
			s.mu.Unlock()
			size, err := s.fetch(ctx, digest, most)
			s.arrived(digest, f, size, err)
			return size, err
		case f.here && f.size > most:
			s.mu.Unlock()
			return 0, tooLarge(digest, f.size, most)
		case f.here:
			f.pins++
			f.used = s.now()
			s.mu.Unlock()
			return f.size, nil
		}
		s.mu.Unlock()
		select {
		case <-f.fetched: // look again: it is there, or it is this one's turn to try
		case <-ctx.Done():
			return 0, fault.Wrap("agent.store", ctx.Err())
		}
	}
}

// arrived notes how a download ended; a blob that is there is pinned for whoever fetched it.
func (s *store) arrived(digest string, f *file, size int64, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	close(f.fetched)
	if err != nil {
		delete(s.files, digest)
		return
	}
	f.here, f.size, f.pins, f.used = true, size, 1, s.now()
	s.bytes += size
	s.evict()
}

// unpin lets blobs go that were pinned.
func (s *store) unpin(digests []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, digest := range digests {
		if f := s.files[digest]; f != nil && f.pins > 0 {
			f.pins--
		}
	}
	s.evict()
}

// spoil removes blobs whose content has turned out to be wrong. An attempt that holds one fails for the same reason.
func (s *store) spoil(digests []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, digest := range digests {
		if f := s.files[digest]; f != nil && f.here {
			s.remove(digest, f)
		}
	}
}

// evict removes what is not pinned until the rest fits. The lock is held.
func (s *store) evict() {
	for s.bytes > s.most {
		oldest := ""
		for digest, f := range s.files {
			if f.here && f.pins == 0 && (oldest == "" || f.used.Before(s.files[oldest].used)) {
				oldest = digest
			}
		}
		if oldest == "" {
			return
		}
		s.remove(oldest, s.files[oldest])
	}
}

// remove forgets a blob that is there. The lock is held.
func (s *store) remove(digest string, f *file) {
	_ = os.Remove(filepath.Join(s.dir, digest)) // if it stays, it is looked at again at the next start
	s.bytes -= f.size
	delete(s.files, digest)
}

// fetch downloads a blob, repeating and resuming what fails on the way, and gives it its name once its digest is right.
func (s *store) fetch(ctx context.Context, digest string, most int64) (int64, error) {
	select {
	case s.turns <- struct{}{}:
		defer func() { <-s.turns }()
	case <-ctx.Done():
		return 0, fault.Wrap("agent.store", ctx.Err())
	}
	f, err := os.CreateTemp(s.dir, "new-*")
	if err != nil {
		return 0, fmt.Errorf("agent: store: %w", err)
	}
	defer os.Remove(f.Name())
	defer f.Close()
	d := &download{digest: digest, most: most, file: f, hash: sha256.New()}
	for n := 0; ; n++ {
		if err = d.step(ctx, s.client); err == nil {
			break
		}
		if n == 5 || !passing(err) || !sleep(ctx, backoff(n, err)) {
			return 0, err
		}
	}
	if hex.EncodeToString(d.hash.Sum(nil)) != digest {
		return 0, fault.Newf(fault.Unavailable, "agent.store", "blob %.12s: digest mismatch", digest)
	}
	if err := errors.Join(f.Close(), os.Rename(f.Name(), filepath.Join(s.dir, digest))); err != nil {
		return 0, fmt.Errorf("agent: store: %w", err)
	}
	return d.size, nil
}

// download is a blob on its way.
type download struct {
	digest string
	most   int64
	file   *os.File
	hash   hash.Hash
	size   int64 // so far
}

// step reads what is still missing.
func (d *download) step(ctx context.Context, c *client) error {
	ctx, cancel := context.WithTimeout(ctx, patience+time.Duration(d.most>>15)*time.Second) // 32 KiB/s at least
	defer cancel()
	body, partial, announced, err := c.get(ctx, d.digest, d.size)
	if err != nil {
		return err
	}
	defer body.Close()
	if !partial && d.size > 0 { // from the beginning, then
		if err := d.restart(); err != nil {
			return err
		}
	}
	if announced > d.most-d.size {
		return tooLarge(d.digest, announced+d.size, d.most)
	}
	n, err := io.Copy(io.MultiWriter(&disk{d.file}, d.hash), io.LimitReader(body, d.most-d.size+1))
	d.size += n
	var full *diskError
	switch {
	case errors.As(err, &full):
		return fmt.Errorf("agent: store: %w", err)
	case err != nil:
		return unavailable(err)
	case d.size > d.most:
		return tooLarge(d.digest, d.size, d.most)
	case announced >= 0 && n < announced:
		return unavailable(io.ErrUnexpectedEOF)
	}
	return nil
}

// restart forgets what has been read.
func (d *download) restart() error {
	d.hash.Reset()
	d.size = 0
	_, err := d.file.Seek(0, io.SeekStart)
	if err := errors.Join(err, d.file.Truncate(0)); err != nil {
		return fmt.Errorf("agent: store: %w", err)
	}
	return nil
}

// disk tells errors of the disk, which repeating does not cure, from those of the network.
type disk struct{ w io.Writer }

type diskError struct{ error }

func (e *diskError) Unwrap() error { return e.error }

// Write implements io.Writer.
func (d *disk) Write(p []byte) (int, error) {
	n, err := d.w.Write(p)
	if err != nil {
		err = &diskError{err}
	}
	return n, err
}

// tooLarge is the error of a blob that this device does not want.
func tooLarge(digest string, size, most int64) error {
	return fault.Newf(fault.TooLarge, "agent.store", "blob %.12s: %d bytes, at most %d are accepted", digest, size, most)
}
