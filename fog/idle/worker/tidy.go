package worker

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// tidy notes that a folder of compiled code has been used and, if it is new, removes those that have not been used for longest
// until the rest fits. Errors are the log's business: a cache that cannot be tidied still works.
func (p *Pool) tidy(used string, fresh bool) {
	if used == "" {
		return
	}
	p.sweeps.Lock()
	defer p.sweeps.Unlock()
	now := p.cfg.Now()
	if err := os.Chtimes(used, now, now); err != nil {
		p.cfg.Logger.Warn("compile cache", "error", err)
	}
	if !fresh {
		return
	}
	if err := sweep(filepath.Dir(used), filepath.Base(used), p.cfg.CacheBytes); err != nil {
		p.cfg.Logger.Warn("compile cache", "error", err)
	}
}

// sweep removes the oldest folders of dir but one until they hold at most most bytes.
func sweep(dir, keep string, most int64) error {
	type folder struct {
		path  string
		used  time.Time
		bytes int64
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	var folders []folder
	sum := int64(0)
	for _, entry := range entries {
		info, err := entry.Info()
		if err != nil {
			continue // gone meanwhile
		}
		f := folder{path: filepath.Join(dir, entry.Name()), used: info.ModTime(), bytes: treeSize(filepath.Join(dir, entry.Name()))}
		sum += f.bytes
		if entry.Name() != keep {
			folders = append(folders, f)
		}
	}
	slices.SortFunc(folders, func(a, b folder) int { return a.used.Compare(b.used) })
	for _, f := range folders {
		if sum <= most {
			break
		}
		if err := os.RemoveAll(f.path); err != nil {
			return err
		}
		sum -= f.bytes
	}
	return nil
}

// treeSize adds up the files below a path; what cannot be read counts nothing.
func treeSize(path string) int64 {
	sum := int64(0)
	_ = filepath.WalkDir(path, func(_ string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return nil //nolint:nilerr // a file that vanishes meanwhile has no size
		}
		if info, err := entry.Info(); err == nil {
			sum += info.Size()
		}
		return nil
	})
	return sum
}
