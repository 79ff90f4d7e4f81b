package worker

import (
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/tetratelabs/wazero/experimental/sys"
	wasys "github.com/tetratelabs/wazero/sys"
)

// memfs is the only file system that a guest sees. It lies in memory, so that no path can lead out of it:
//
//	/in   the job's inputs, read-only
//	/out  what the job gives back
//	/tmp  what it does not
//
// There are no links. Listings are sorted and every time is the same until the guest sets it, so that equal jobs see
// equal files. A guest that exceeds its share of bytes, files or open files is stopped.
type memfs struct {
	sys.UnimplementedFS
	root  *node
	quota int64 // bytes that the guest may keep
	used  int64
	nodes int // that the guest has made
	open  int
	next  uint64 // inode number
}

// node is a file or a directory.
type node struct {
	ino        uint64
	parent     *node
	children   map[string]*node // nil in a file
	data       []byte
	readonly   bool
	handles    int   // open descriptors
	atim, mtim int64 // nanoseconds
}

const maxOpen = 1024

// newFS returns a file system with the three folders and a quota.
func newFS(quota int64) *memfs {
	m := &memfs{quota: quota}
	m.root = m.make(nil, true)
	m.root.readonly = true
	m.root.children["in"] = m.make(m.root, true)
	m.root.children["in"].readonly = true
	m.root.children["out"] = m.make(m.root, true)
	m.root.children["tmp"] = m.make(m.root, true)
	return m
}

// make returns a node that no directory lists yet.
func (m *memfs) make(parent *node, dir bool) *node {
	m.next++
	n := &node{ino: m.next, parent: parent, atim: epoch * 1e9, mtim: epoch * 1e9}
	if dir {
		n.children = map[string]*node{}
	}
	return n
}

// input adds a read-only file under /in; its path has been checked.
func (m *memfs) input(p string, content []byte) {
	dir := m.root.children["in"]
	folder, name := path.Split(p)
	for part := range strings.SplitSeq(strings.Trim(folder, "/"), "/") {
		if part == "" {
			continue
		}
		if dir.children[part] == nil {
			dir.children[part] = m.make(dir, true)
			dir.children[part].readonly = true
		}
		dir = dir.children[part]
	}
	file := m.make(dir, false)
	file.readonly, file.data = true, content
	dir.children[name] = file
}

// outputs returns the files under /out, sorted by path.
func (m *memfs) outputs() (paths []string, contents [][]byte) {
	var walk func(dir *node, prefix string)
	walk = func(dir *node, prefix string) {
		for _, name := range dir.names() {
			if child := dir.children[name]; child.children != nil {
				walk(child, prefix+name+"/")
			} else {
				paths, contents = append(paths, prefix+name), append(contents, child.data)
			}
		}
	}
	walk(m.root.children["out"], "")
	return paths, contents
}

// names lists a directory in order.
func (n *node) names() []string {
	names := make([]string, 0, len(n.children))
	for name := range n.children {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// find returns the node at a path. The host calls clean paths; "." and empty elements are skipped all the same.
func (m *memfs) find(p string) (*node, sys.Errno) {
	dir, name, errno := m.locate(p)
	switch {
	case errno != 0:
		return nil, errno
	case name == "":
		return dir, 0
	}
	child := dir.children[name]
	switch {
	case child == nil:
		return nil, sys.ENOENT
	case child.children == nil && strings.HasSuffix(p, "/"):
		return nil, sys.ENOTDIR
	}
	return child, 0
}

// locate returns the directory that holds or would hold a path, and the last element, which is empty for the root.
func (m *memfs) locate(p string) (dir *node, name string, errno sys.Errno) {
	if len(p) > maxPath {
		return nil, "", sys.ENAMETOOLONG
	}
	dir = m.root
	for part := range strings.SplitSeq(p, "/") {
		if part == "" || part == "." {
			continue
		}
		if part == ".." {
			return nil, "", sys.EPERM
		}
		if name != "" {
			next := dir.children[name]
			switch {
			case next == nil:
				return nil, "", sys.ENOENT
			case next.children == nil:
				return nil, "", sys.ENOTDIR
			}
			dir = next
		}
		name = part
	}
	return dir, name, 0
}

// add puts a new node into a directory.
func (m *memfs) add(dir *node, name string, isDir bool) (*node, sys.Errno) {
	switch {
	case dir.readonly:
		return nil, sys.EROFS
	case dir != m.root && dir.parent == nil:
		return nil, sys.ENOENT // it has been removed
	case checkPath(name) != "":
		return nil, sys.EINVAL
	case m.nodes >= maxFiles:
		panic(&exceeded{LimitOutput, "the guest made more files than it may"})
	}
	m.nodes++
	n := m.make(dir, isDir)
	dir.children[name] = n
	return n, 0
}

// resize makes a file n bytes long, within the quota.
func (m *memfs) resize(f *node, n int64) {
	grow := n - int64(len(f.data))
	if grow > m.quota-m.used {
		panic(&exceeded{LimitOutput, "the guest keeps more bytes in files than it may"})
	}
	m.used += grow
	if grow <= 0 {
		clear(f.data[n:])
		f.data = f.data[:n]
		return
	}
	f.data = slices.Grow(f.data, int(grow))[:n] // the spare capacity is zero: it never held data that was not cleared
}

// free gives back the quota of a file that neither a directory nor a descriptor holds any longer.
func (m *memfs) free(f *node) {
	if f.parent == nil && f.handles == 0 && !f.readonly {
		m.used -= int64(len(f.data))
		f.data = nil
		m.nodes--
	}
}

// OpenFile implements sys.FS.
func (m *memfs) OpenFile(p string, flag sys.Oflag, _ fs.FileMode) (sys.File, sys.Errno) {
	write := flag&(sys.O_WRONLY|sys.O_RDWR|sys.O_TRUNC|sys.O_APPEND) != 0
	n, errno := m.find(p)
	switch {
	case errno == sys.ENOENT && flag&sys.O_CREAT != 0 && !strings.HasSuffix(p, "/"):
		dir, name, errno := m.locate(p)
		if errno != 0 {
			return nil, errno
		}
		if n, errno = m.add(dir, name, false); errno != 0 {
			return nil, errno
		}
	case errno != 0:
		return nil, errno
	case flag&sys.O_CREAT != 0 && flag&sys.O_EXCL != 0:
		return nil, sys.EEXIST
	case n.children != nil && (write || flag&sys.O_CREAT != 0):
		return nil, sys.EISDIR
	case n.children == nil && flag&sys.O_DIRECTORY != 0:
		return nil, sys.ENOTDIR
	case n.readonly && write:
		return nil, sys.EROFS
	case flag&sys.O_TRUNC != 0:
		m.resize(n, 0)
	}
	if m.open++; m.open > maxOpen {
		panic(&exceeded{LimitOutput, "the guest holds more files open than it may"})
	}
	n.handles++
	f := &memfile{fs: m, node: n, write: write, read: flag&sys.O_WRONLY == 0, append: flag&sys.O_APPEND != 0}
	if n.children != nil {
		return &memdir{memfile: f}, 0
	}
	return f, 0
}

// Lstat implements sys.FS; there are no links, so it is Stat.
func (m *memfs) Lstat(p string) (wasys.Stat_t, sys.Errno) { return m.Stat(p) }

// Stat implements sys.FS.
func (m *memfs) Stat(p string) (wasys.Stat_t, sys.Errno) {
	n, errno := m.find(p)
	if errno != 0 {
		return wasys.Stat_t{}, errno
	}
	return n.stat(), 0
}

// Mkdir implements sys.FS.
func (m *memfs) Mkdir(p string, _ fs.FileMode) sys.Errno {
	dir, name, errno := m.locate(p)
	if errno != 0 {
		return errno
	}
	if name == "" || dir.children[name] != nil {
		return sys.EEXIST
	}
	_, errno = m.add(dir, name, true)
	return errno
}

// Rename implements sys.FS.
func (m *memfs) Rename(from, to string) sys.Errno {
	n, errno := m.find(from)
	if errno != 0 {
		return errno
	}
	dir, name, errno := m.locate(to)
	if errno != 0 {
		return errno
	}
	switch {
	case name == "" || n == m.root || n.parent == m.root || n.readonly || dir.readonly:
		return sys.EROFS
	case checkPath(name) != "":
		return sys.EINVAL
	case dir.inside(n):
		return sys.EINVAL
	case len(to)+n.reach() > maxPath:
		return sys.ENAMETOOLONG // what lies below could not be opened, nor given back
	}
	if old := dir.children[name]; old != nil {
		switch {
		case old == n:
			return 0
		case old.children != nil && n.children == nil:
			return sys.EISDIR
		case old.children == nil && n.children != nil:
			return sys.ENOTDIR
		case len(old.children) > 0:
			return sys.ENOTEMPTY
		}
		m.detach(old)
	}
	_, was, _ := m.locate(from)
	delete(n.parent.children, was)
	n.parent = dir
	dir.children[name] = n
	return 0
}

// reach is the length of the longest path below a node, with the slash before it.
func (n *node) reach() int {
	most := 0
	for name, child := range n.children {
		most = max(most, 1+len(name)+child.reach())
	}
	return most
}

// inside reports whether a directory is another one or lies below it.
func (n *node) inside(top *node) bool {
	for ; n != nil; n = n.parent {
		if n == top {
			return true
		}
	}
	return false
}

// detach takes a node out of the tree.
func (m *memfs) detach(n *node) {
	n.parent = nil
	m.free(n)
}

// Rmdir implements sys.FS.
func (m *memfs) Rmdir(p string) sys.Errno { return m.remove(p, true) }

// Unlink implements sys.FS.
func (m *memfs) Unlink(p string) sys.Errno { return m.remove(p, false) }

func (m *memfs) remove(p string, isDir bool) sys.Errno {
	n, errno := m.find(p)
	switch {
	case errno != 0:
		return errno
	case n == m.root || n.parent == m.root || n.readonly:
		return sys.EROFS
	case isDir && n.children == nil:
		return sys.ENOTDIR
	case !isDir && n.children != nil:
		return sys.EISDIR
	case len(n.children) > 0:
		return sys.ENOTEMPTY
	}
	_, name, _ := m.locate(p)
	delete(n.parent.children, name)
	m.detach(n)
	return 0
}

// Utimens implements sys.FS.
func (m *memfs) Utimens(p string, atim, mtim int64) sys.Errno {
	n, errno := m.find(p)
	if errno != 0 {
		return errno
	}
	return n.utimens(atim, mtim)
}

// Chmod implements sys.FS: there are no modes.
func (*memfs) Chmod(string, fs.FileMode) sys.Errno { return sys.EPERM }

// Link implements sys.FS: there are no links.
func (*memfs) Link(string, string) sys.Errno { return sys.EPERM }

// Symlink implements sys.FS: there are no links.
func (*memfs) Symlink(string, string) sys.Errno { return sys.EPERM }

// Readlink implements sys.FS: nothing is a link.
func (m *memfs) Readlink(p string) (string, sys.Errno) {
	if _, errno := m.find(p); errno != 0 {
		return "", errno
	}
	return "", sys.EINVAL
}
