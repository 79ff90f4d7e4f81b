package worker

import (
	"encoding/binary"
	"fmt"
	"unicode/utf8"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
)

// MaxModuleBytes is the size of the largest module that is accepted.
const MaxModuleBytes = 32 << 20

// The two names under which guests import WASI. The older one is supported for programs that work in memory: four of its
// calls have another layout and answer ENOSYS. Under both names, the four calls on sockets answer that there are none.
const (
	wasiPreview1 = "wasi_snapshot_preview1"
	wasiUnstable = "wasi_unstable"
)

// Module is what Check found out about a module.
type Module struct {
	Unstable    bool   // it imports wasi_unstable
	MemoryPages uint32 // initial size of its memory in pages of 64 KiB
	Functions   int    // functions that it defines

	code []byte // the module without its custom sections
}

// Check decides, from the raw bytes and before anything is compiled, whether a module may run here: a core WebAssembly
// command (it exports the function _start) of at most MaxModuleBytes that imports nothing but functions of WASI preview 1.
// Extensions that open sockets are not among them. It also bounds every count by which few bytes could make a compiler reserve much memory.
// It does not look into function bodies beyond their declared locals: the compiler validates those. Errors are of kind Invalid and say
// what is wrong.
func Check(wasm []byte) (Module, error) {
	if len(wasm) > MaxModuleBytes {
		return Module{}, refuse("%d bytes, at most %d are accepted", len(wasm), MaxModuleBytes)
	}
	if len(wasm) < 8 || string(wasm[:4]) != "\x00asm" {
		return Module{}, refuse("not a WebAssembly module")
	}
	if version := binary.LittleEndian.Uint32(wasm[4:]); version != 1 {
		if version>>16 == 1 {
			return Module{}, refuse("a WebAssembly component; only core modules of version 1 are accepted")
		}
		return Module{}, refuse("WebAssembly version %d; only version 1 is accepted", version)
	}
	p := parser{scan: scan{data: wasm[8:]}}
	p.code = append(make([]byte, 0, len(wasm)), wasm[:8]...)
	if err := p.sections(); err != nil {
		return Module{}, err
	}
	if !p.start {
		return Module{}, refuse("it does not export the function _start: a library, not a command")
	}
	return p.Module, nil
}

// refuse returns the error of a module that may not run.
func refuse(format string, a ...any) error {
	return fault.New(fault.Invalid, "worker.check", "module: "+fmt.Sprintf(format, a...))
}

// Sections by their number in the binary format.
const (
	custom = iota
	types
	imports
	functions
	tables
	memories
	globals
	exports
	start
	elements
	code
	data
	dataCount
)

// Upper bounds of what a module may declare, close to those that browsers share
// (https://www.w3.org/TR/wasm-js-api-2/#limits) except where a few bytes cost much memory.
const (
	maxTypes      = 100_000
	maxImports    = 1_000
	maxFunctions  = 500_000
	maxTables     = 16
	maxTableSize  = 1 << 20
	maxGlobals    = 100_000
	maxExports    = 100_000
	maxElements   = 100_000
	maxData       = 100_000
	maxLocals     = 50_000
	maxBody       = 7_654_321
	maxName       = 256 // of an import
	maxExportName = 100_000
	maxPages      = 65_536
)

// rank is where each section must stand; the count of data segments was added late and stands before the code.
var rank = [...]int{types: 1, imports: 2, functions: 3, tables: 4, memories: 5, globals: 6, exports: 7, start: 8, elements: 9, dataCount: 10, code: 11, data: 12}

// parser walks over the sections of one module.
type parser struct {
	Module
	scan
	start   bool   // the function _start is exported
	bounded []byte // the section of tables, with upper bounds
}

// sections checks one section after the other and keeps those that mean something to a compiler.
func (p *parser) sections() error {
	last := 0
	for len(p.data) > 0 {
		whole := p.data
		id, ok := p.byte()
		size, sized := p.uint32()
		body, present := p.take(size)
		switch {
		case !ok || !sized || !present:
			return refuse("truncated in section %d", id)
		case id == custom:
			continue
		case int(id) >= len(rank):
			return refuse("section %d belongs to a proposal that is not supported", id)
		case rank[id] <= last:
			return refuse("section %d out of order", id)
		}
		last = rank[id]
		if err := p.section(int(id), &scan{data: body}); err != nil {
			return err
		}
		if id == tables {
			p.code = append(binary.AppendUvarint(append(p.code, id), uint64(len(p.bounded))), p.bounded...)
			continue
		}
		p.code = append(p.code, whole[:len(whole)-len(p.data)]...)
	}
	return nil
}

// section checks one section.
func (p *parser) section(id int, s *scan) error {
	switch id {
	case types:
		return s.count(id, maxTypes)
	case imports:
		return p.imports(s)
	case functions:
		return s.count(id, maxFunctions)
	case tables:
		return p.tables(s)
	case memories:
		return p.memory(s)
	case globals:
		return s.count(id, maxGlobals)
	case exports:
		return p.exports(s)
	case elements:
		return s.count(id, maxElements)
	case code:
		return p.bodies(s)
	case data:
		return s.count(id, maxData)
	default: // start and dataCount hold a single number
		return nil
	}
}

// count refuses a vector that claims more entries than it may have or has bytes for.
func (s *scan) count(id, most int) error {
	n, ok := s.uint32()
	switch {
	case !ok || int(n) > len(s.data):
		return refuse("section %d is truncated", id)
	case int(n) > most:
		return refuse("section %d has %d entries, at most %d are accepted", id, n, most)
	}
	s.entries = int(n)
	return nil
}

// imports refuses every import that is not an allowed function.
func (p *parser) imports(s *scan) error {
	if err := s.count(imports, maxImports); err != nil {
		return err
	}
	for range s.entries {
		module, ok1 := s.name(maxName)
		name, ok2 := s.name(maxName)
		kind, ok3 := s.byte()
		if !ok1 || !ok2 || !ok3 {
			return refuse("malformed import")
		}
		if kind != 0 {
			return refuse("imports the %s %s.%s; only functions may be imported", kindName(kind), module, name)
		}
		if module != wasiPreview1 && module != wasiUnstable {
			return refuse("imports %s.%s; only %s is offered", module, name, wasiPreview1)
		}
		if !allowed(name) {
			return refuse("imports %s.%s, which is not offered: guests have no network and no signals", module, name)
		}
		p.Unstable = p.Unstable || module == wasiUnstable
		if _, ok := s.uint32(); !ok {
			return refuse("malformed import")
		}
	}
	return nil
}

// kindName names what is imported for a message.
func kindName(kind byte) string {
	switch kind {
	case 1:
		return "table"
	case 2:
		return "memory"
	case 3:
		return "global"
	default:
		return "unknown thing"
	}
}

// allowed reports whether a guest may import a function of WASI: all of preview 1 but proc_raise. Its four calls on sockets
// could only use a socket that a host hands out; common C libraries import them into programs that never call them, so
// they are offered as stubs that answer ENOTSUP.
func allowed(name string) bool {
	switch name {
	case "args_get", "args_sizes_get", "environ_get", "environ_sizes_get",
		"clock_res_get", "clock_time_get", "random_get", "sched_yield", "poll_oneoff", "proc_exit",
		"fd_advise", "fd_allocate", "fd_close", "fd_datasync", "fd_fdstat_get", "fd_fdstat_set_flags", "fd_fdstat_set_rights",
		"fd_filestat_get", "fd_filestat_set_size", "fd_filestat_set_times", "fd_pread", "fd_prestat_get", "fd_prestat_dir_name",
		"fd_pwrite", "fd_read", "fd_readdir", "fd_renumber", "fd_seek", "fd_sync", "fd_tell", "fd_write",
		"path_create_directory", "path_filestat_get", "path_filestat_set_times", "path_link", "path_open", "path_readlink",
		"path_remove_directory", "path_rename", "path_symlink", "path_unlink_file",
		"sock_accept", "sock_recv", "sock_send", "sock_shutdown":
		return true
	default:
		return false
	}
}

// tables bounds the tables: their initial size by what is refused, and what they may grow to by writing it into the module, since a
// table lies beside the memory that a job is given.
func (p *parser) tables(s *scan) error {
	if err := s.count(tables, maxTables); err != nil {
		return err
	}
	p.bounded = binary.AppendUvarint(nil, uint64(s.entries))
	for range s.entries {
		element, ok := s.byte()
		low, high, limited, err := s.limits()
		if !ok || err != nil {
			return refuse("malformed table")
		}
		if low > maxTableSize {
			return refuse("a table of %d entries, at most %d are accepted", low, maxTableSize)
		}
		if !limited || high > maxTableSize {
			high = maxTableSize
		}
		p.bounded = binary.AppendUvarint(append(p.bounded, element, 1), uint64(low))
		p.bounded = binary.AppendUvarint(p.bounded, uint64(high))
	}
	p.bounded = append(p.bounded, s.data...) // what does not belong there is for the compiler to refuse
	return nil
}

// memory reads the initial size of the one memory.
func (p *parser) memory(s *scan) error {
	if err := s.count(memories, 1); err != nil {
		return err
	}
	for range s.entries {
		low, high, limited, err := s.limits()
		if err != nil {
			return err
		}
		if low > maxPages || limited && (high > maxPages || high < low) {
			return refuse("a memory of %d to %d pages is impossible", low, high)
		}
		p.MemoryPages = low
	}
	return nil
}

// exports looks for the function _start.
func (p *parser) exports(s *scan) error {
	if err := s.count(exports, maxExports); err != nil {
		return err
	}
	for range s.entries {
		name, ok1 := s.name(maxExportName)
		kind, ok2 := s.byte()
		_, ok3 := s.uint32()
		if !ok1 || !ok2 || !ok3 {
			return refuse("malformed export")
		}
		p.start = p.start || name == "_start" && kind == 0
	}
	return nil
}

// bodies bounds the size and the locals of each function.
func (p *parser) bodies(s *scan) error {
	if err := s.count(code, maxFunctions); err != nil {
		return err
	}
	p.Functions = s.entries
	for i := range s.entries {
		size, ok := s.uint32()
		body, present := s.take(size)
		if !ok || !present {
			return refuse("function %d is truncated", i)
		}
		if size > maxBody {
			return refuse("function %d has %d bytes, at most %d are accepted", i, size, maxBody)
		}
		b := scan{data: body}
		if n, ok := b.locals(); !ok {
			return refuse("function %d is malformed", i)
		} else if n > maxLocals {
			return refuse("function %d has %d locals, at most %d are accepted", i, n, maxLocals)
		}
	}
	return nil
}

// scan reads the primitive values of the binary format from the front of data.
type scan struct {
	data    []byte
	entries int // of the vector that count has just opened
}

// byte reads one byte.
func (s *scan) byte() (byte, bool) {
	if len(s.data) == 0 {
		return 0, false
	}
	b := s.data[0]
	s.data = s.data[1:]
	return b, true
}

// uint32 reads an unsigned LEB128 number of at most 32 bits.
func (s *scan) uint32() (uint32, bool) {
	v, n := binary.Uvarint(s.data[:min(len(s.data), 5)])
	if n <= 0 || v > 1<<32-1 {
		return 0, false
	}
	s.data = s.data[n:]
	return uint32(v), true
}

// take reads n bytes.
func (s *scan) take(n uint32) ([]byte, bool) {
	if uint64(n) > uint64(len(s.data)) {
		return nil, false
	}
	b := s.data[:n]
	s.data = s.data[n:]
	return b, true
}

// name reads a name of at most most bytes.
func (s *scan) name(most uint32) (string, bool) {
	n, ok := s.uint32()
	if !ok || n > most {
		return "", false
	}
	b, ok := s.take(n)
	return string(b), ok && utf8.Valid(b)
}

// limits reads the limits of a table or a memory.
func (s *scan) limits() (low, high uint32, limited bool, err error) {
	flags, ok := s.byte()
	switch {
	case !ok || flags > 7:
		return 0, 0, false, refuse("malformed limits")
	case flags&2 != 0:
		return 0, 0, false, refuse("a shared memory; threads are not supported")
	case flags&4 != 0:
		return 0, 0, false, refuse("a 64-bit memory; only 32-bit memories are supported")
	}
	if low, ok = s.uint32(); !ok {
		return 0, 0, false, refuse("malformed limits")
	}
	if limited = flags&1 != 0; limited {
		if high, ok = s.uint32(); !ok {
			return 0, 0, false, refuse("malformed limits")
		}
	}
	return low, high, limited, nil
}

// locals adds up the locals that a function body declares.
func (s *scan) locals() (uint64, bool) {
	groups, ok := s.uint32()
	if !ok || int(groups) > len(s.data) {
		return 0, false
	}
	sum := uint64(0)
	for range groups {
		n, ok1 := s.uint32()
		_, ok2 := s.byte()
		if !ok1 || !ok2 {
			return 0, false
		}
		sum += uint64(n)
	}
	return sum, true
}
