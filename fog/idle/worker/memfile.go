package worker

import (
	"io"
	"io/fs"

	"github.com/tetratelabs/wazero/experimental/sys"
	wasys "github.com/tetratelabs/wazero/sys"
)

var (
	_ sys.FS   = (*memfs)(nil)
	_ sys.File = (*memfile)(nil)
	_ sys.File = (*memdir)(nil)
)

// stat describes a node.
func (n *node) stat() wasys.Stat_t {
	st := wasys.Stat_t{Ino: n.ino, Mode: 0o644, Nlink: 1, Size: int64(len(n.data)), Atim: n.atim, Mtim: n.mtim, Ctim: epoch * 1e9}
	if n.children != nil {
		st.Mode = fs.ModeDir | 0o755
	}
	if n.readonly {
		st.Mode &^= 0o222
	}
	return st
}

func (n *node) utimens(atim, mtim int64) sys.Errno {
	if n.readonly {
		return sys.EROFS
	}
	if atim != sys.UTIME_OMIT {
		n.atim = atim
	}
	if mtim != sys.UTIME_OMIT {
		n.mtim = mtim
	}
	return 0
}

// position is another name for int64: vet takes every method Seek(int64, int) for io.Seeker's and its result for a mistake.
type position = int64

// memfile is an open file.
type memfile struct {
	fs     *memfs
	node   *node
	pos    int64
	read   bool
	write  bool
	append bool
	closed bool
}

// Dev implements sys.File.
func (*memfile) Dev() (uint64, sys.Errno) { return 0, 0 }

// Ino implements sys.File.
func (f *memfile) Ino() (wasys.Inode, sys.Errno) { return f.node.ino, 0 }

// IsDir implements sys.File.
func (f *memfile) IsDir() (bool, sys.Errno) { return f.node.children != nil, 0 }

// IsAppend implements sys.File.
func (f *memfile) IsAppend() bool { return f.append }

// SetAppend implements sys.File.
func (f *memfile) SetAppend(enable bool) sys.Errno {
	f.append = enable
	return 0
}

// Stat implements sys.File.
func (f *memfile) Stat() (wasys.Stat_t, sys.Errno) {
	if f.closed {
		return wasys.Stat_t{}, sys.EBADF
	}
	return f.node.stat(), 0
}

// Read implements sys.File.
func (f *memfile) Read(buf []byte) (int, sys.Errno) {
	n, errno := f.Pread(buf, f.pos)
	f.pos += int64(n)
	return n, errno
}

// Pread implements sys.File.
func (f *memfile) Pread(buf []byte, off int64) (int, sys.Errno) {
	switch {
	case f.closed || !f.read:
		return 0, sys.EBADF
	case off < 0:
		return 0, sys.EINVAL
	case off >= int64(len(f.node.data)):
		return 0, 0
	}
	return copy(buf, f.node.data[off:]), 0
}

// Seek implements sys.File.
func (f *memfile) Seek(offset position, whence int) (int64, sys.Errno) {
	base := int64(0)
	switch whence {
	case io.SeekStart:
	case io.SeekCurrent:
		base = f.pos
	case io.SeekEnd:
		base = int64(len(f.node.data))
	default:
		return 0, sys.EINVAL
	}
	if f.closed {
		return 0, sys.EBADF
	}
	if pos := base + offset; pos >= 0 && (offset < 0 || pos >= base) {
		f.pos = pos
		return pos, 0
	}
	return 0, sys.EINVAL
}

// Write implements sys.File.
func (f *memfile) Write(buf []byte) (int, sys.Errno) {
	if f.append {
		f.pos = int64(len(f.node.data))
	}
	n, errno := f.Pwrite(buf, f.pos)
	f.pos += int64(n)
	return n, errno
}

// Pwrite implements sys.File.
func (f *memfile) Pwrite(buf []byte, off int64) (int, sys.Errno) {
	switch {
	case f.closed || !f.write:
		return 0, sys.EBADF
	case off < 0:
		return 0, sys.EINVAL
	case len(buf) == 0:
		return 0, 0
	}
	end := off + int64(len(buf))
	if end < off {
		return 0, sys.EINVAL
	}
	if end > int64(len(f.node.data)) {
		f.fs.resize(f.node, end)
	}
	return copy(f.node.data[off:], buf), 0
}

// Truncate implements sys.File.
func (f *memfile) Truncate(size int64) sys.Errno {
	switch {
	case f.closed || !f.write:
		return sys.EBADF
	case size < 0:
		return sys.EINVAL
	}
	f.fs.resize(f.node, size)
	return 0
}

// Sync implements sys.File.
func (*memfile) Sync() sys.Errno { return 0 }

// Datasync implements sys.File.
func (*memfile) Datasync() sys.Errno { return 0 }

// Utimens implements sys.File.
func (f *memfile) Utimens(atim, mtim int64) sys.Errno {
	if f.closed {
		return sys.EBADF
	}
	return f.node.utimens(atim, mtim)
}

// Readdir implements sys.File.
func (*memfile) Readdir(int) ([]sys.Dirent, sys.Errno) { return nil, sys.ENOTDIR }

// Close implements sys.File.
func (f *memfile) Close() sys.Errno {
	if !f.closed {
		f.closed = true
		f.fs.open--
		f.node.handles--
		if f.node.children == nil {
			f.fs.free(f.node)
		}
	}
	return 0
}

// memdir is an open directory.
type memdir struct {
	*memfile
	sys.DirFile
	rest []sys.Dirent // what Readdir has not returned yet
	full bool         // rest has been filled
}

// IsDir implements sys.File.
func (*memdir) IsDir() (bool, sys.Errno) { return true, 0 }

// IsAppend implements sys.File.
func (*memdir) IsAppend() bool { return false }

// SetAppend implements sys.File.
func (*memdir) SetAppend(bool) sys.Errno { return sys.EISDIR }

// Read implements sys.File.
func (*memdir) Read([]byte) (int, sys.Errno) { return 0, sys.EISDIR }

// Pread implements sys.File.
func (*memdir) Pread([]byte, int64) (int, sys.Errno) { return 0, sys.EISDIR }

// Write implements sys.File.
func (*memdir) Write([]byte) (int, sys.Errno) { return 0, sys.EISDIR }

// Pwrite implements sys.File.
func (*memdir) Pwrite([]byte, int64) (int, sys.Errno) { return 0, sys.EISDIR }

// Truncate implements sys.File.
func (*memdir) Truncate(int64) sys.Errno { return sys.EISDIR }

// Seek implements sys.File: a directory can only be rewound.
func (d *memdir) Seek(offset position, whence int) (int64, sys.Errno) {
	if offset != 0 || whence != io.SeekStart {
		return 0, sys.EINVAL
	}
	d.rest, d.full = nil, false
	return 0, 0
}

// Readdir implements sys.File.
func (d *memdir) Readdir(n int) ([]sys.Dirent, sys.Errno) {
	if d.closed {
		return nil, sys.EBADF
	}
	if !d.full {
		d.full = true
		for _, name := range d.node.names() {
			child := d.node.children[name]
			d.rest = append(d.rest, sys.Dirent{Name: name, Ino: child.ino, Type: child.stat().Mode.Type()})
		}
	}
	if n <= 0 || n > len(d.rest) {
		n = len(d.rest)
	}
	list := d.rest[:n]
	d.rest = d.rest[n:]
	return list, 0
}
