package blob

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// folder is where the bytes are:
//
//	tmp/<name>            uploads under way
//	ab/abcdef…-<copy>     a blob, in the folder of its first two digits
//
// A copy has a name of its own so that a collector that was stopped before it removed a file cannot, when it wakes up,
// remove the file of the same digest that came later.
type folder struct{ dir string }

// temporary is an upload under way.
type temporary struct {
	name string
	path string
	file *os.File
}

// openFolder makes the folder if it is missing, for this user alone.
func openFolder(dir string) (folder, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return folder{}, err
	}
	f := folder{dir: dir}
	return f, os.MkdirAll(f.tmp(), 0o700)
}

func (f folder) tmp() string { return filepath.Join(f.dir, "tmp") }

// path returns the place of a copy. Digest and name consist of letters and digits only.
func (f folder) path(d Digest, name string) string {
	return filepath.Join(f.dir, string(d[:2]), string(d)+"-"+name)
}

// has reports whether the bytes of a blob are all there.
func (f folder) has(info Info) bool {
	stat, err := os.Stat(f.path(info.Digest, info.Copy))
	return err == nil && stat.Mode().IsRegular() && stat.Size() == info.Bytes
}

// open opens a blob for reading. Bytes that are not all there are fs.ErrNotExist.
func (f folder) open(info Info) (*os.File, error) {
	if !f.has(info) {
		return nil, fs.ErrNotExist
	}
	return os.Open(f.path(info.Digest, info.Copy))
}

// create opens a temporary file.
func (f folder) create(name string) (*temporary, error) {
	path := filepath.Join(f.tmp(), name)
	file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	return &temporary{name: name, path: path, file: file}, err
}

// sync forces the bytes to disk and closes the file.
func (t *temporary) sync() error {
	return errors.Join(t.file.Sync(), t.file.Close())
}

// discard closes and removes the file if it has not been kept.
func (t *temporary) discard() {
	_ = t.file.Close()
	_ = os.Remove(t.path)
}

// keep moves a temporary file to its place, so that the move survives a loss of power.
func (f folder) keep(t *temporary, info Info) error {
	path := f.path(info.Digest, info.Copy)
	shelf := filepath.Dir(path)
	switch err := os.Mkdir(shelf, 0o700); {
	case err == nil:
		if err := syncDir(f.dir); err != nil {
			return err
		}
	case !errors.Is(err, fs.ErrExist):
		return err
	}
	if err := os.Rename(t.path, path); err != nil {
		return err
	}
	return syncDir(shelf)
}

// syncDir forces a folder's entries to disk.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// remove removes a copy. One that is gone is no error.
func (f folder) remove(c Copy) error {
	if err := os.Remove(f.path(c.Digest, c.Name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// sweep removes temporary files that nobody has written to since a time: what a crash has left. It returns how many.
func (f folder) sweep(untouchedSince time.Time) (int, error) {
	entries, err := os.ReadDir(f.tmp())
	if err != nil {
		return 0, err
	}
	swept := 0
	var errs []error
	for _, entry := range entries {
		stat, err := entry.Info()
		if err != nil || !stat.ModTime().Before(untouchedSince) {
			continue // gone meanwhile, or in use
		}
		if err := os.Remove(filepath.Join(f.tmp(), entry.Name())); err != nil {
			errs = append(errs, err)
			continue
		}
		swept++
	}
	return swept, errors.Join(errs...)
}
