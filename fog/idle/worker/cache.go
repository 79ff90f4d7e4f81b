package worker

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"

	"github.com/tetratelabs/wazero"
)

// Compiled modules are native code: whoever can write into the cache owns the agent. Three things stand before it.
// The folder is the agent's own and closed to everybody else, which is checked each time. Each module has a folder named
// after its digest and the versions of everything that compiles. And each folder carries a seal, an HMAC over its files with a key
// that lies elsewhere in the agent's data folder, so that a cache that was damaged, copied or exchanged is compiled again
// and never executed.
type codeCache struct {
	dir  string // of this module; "" means no cache
	seal []byte // key of the seal
}

const sealName = "seal"

// compilerVersion names everything that decides what native code looks like.
func compilerVersion() string {
	version := "2 " + runtime.GOOS + " " + runtime.GOARCH + " "
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, dep := range info.Deps {
			if dep.Path == "github.com/tetratelabs/wazero" {
				return version + dep.Version + dep.Sum
			}
		}
	}
	return version
}

// cacheName is the name of the folder of a module.
func cacheName(digest string) string {
	sum := sha256.Sum256([]byte(compilerVersion()))
	return digest + "-" + hex.EncodeToString(sum[:4])
}

// open returns the cache of the module for the compiler. A folder that is not verified is emptied.
func (c *codeCache) open(verified bool) (wazero.CompilationCache, error) {
	if c.dir == "" {
		return nil, nil
	}
	if err := private(filepath.Dir(c.dir), 0o077); err != nil {
		return nil, err
	}
	if !verified {
		if err := c.clear(); err != nil {
			return nil, err
		}
	}
	cache, err := wazero.NewCompilationCacheWithDir(c.dir)
	if err != nil {
		return nil, &fs.PathError{Op: "worker: cache", Path: c.dir, Err: err}
	}
	return cache, nil
}

// clear empties the folder.
func (c *codeCache) clear() error {
	if err := errors.Join(os.RemoveAll(c.dir), os.Mkdir(c.dir, 0o700)); err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("worker: cache: %w", err)
	}
	return nil
}

// close seals what the compiler has written.
func (c *codeCache) close() error {
	if c.dir == "" {
		return nil
	}
	sum, err := c.sum()
	if err != nil {
		return err
	}
	name := filepath.Join(c.dir, sealName)
	if err := os.WriteFile(name+".new", sum, 0o600); err != nil {
		return fmt.Errorf("worker: seal: %w", err)
	}
	if err := os.Rename(name+".new", name); err != nil {
		return fmt.Errorf("worker: seal: %w", err)
	}
	return nil
}

var errSeal = errors.New("worker: the seal of the compiled code does not hold")

// verify compares the seal with the files.
func (c *codeCache) verify() error {
	sealed, err := os.ReadFile(filepath.Join(c.dir, sealName))
	if err != nil {
		return fmt.Errorf("worker: seal: %w", err)
	}
	sum, err := c.sum()
	if err != nil {
		return err
	}
	if !hmac.Equal(sealed, sum) {
		return errSeal
	}
	return nil
}

// sum computes the seal: over the name of the module's folder and each file's path, length and content, in order.
func (c *codeCache) sum() ([]byte, error) {
	mac := hmac.New(sha256.New, c.seal)
	fmt.Fprintf(mac, "%s\x00", filepath.Base(c.dir))
	err := filepath.WalkDir(c.dir, func(path string, entry fs.DirEntry, err error) error {
		rel, _ := filepath.Rel(c.dir, path)
		switch {
		case err != nil:
			return err
		case entry.IsDir(), rel == sealName, rel == sealName+".new":
			return nil
		case !entry.Type().IsRegular():
			return errSeal
		}
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		defer f.Close()
		info, err := f.Stat()
		if err != nil {
			return err
		}
		fmt.Fprintf(mac, "%s\x00%d\x00", filepath.ToSlash(rel), info.Size())
		_, err = io.Copy(mac, f)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("worker: seal: %w", err)
	}
	return mac.Sum(nil), nil
}
