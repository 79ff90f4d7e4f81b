package worker_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/fogcompute/fogcompute/fog/guest"
	"github.com/fogcompute/fogcompute/fog/idle/worker"
	"github.com/fogcompute/fogcompute/fog/internal/fault"
)

// importing returns a module that imports one function.
func importing(name string) []byte {
	w := wasm{}
	w.call(name, i32)
	return w.bytes()
}

// raw puts sections behind the header.
func raw(sections ...[]byte) []byte {
	return slices.Concat(append([][]byte{[]byte("\x00asm\x01\x00\x00\x00")}, sections...)...)
}

// refused are modules that may not run, and why.
func refused() map[string]struct {
	module []byte
	reason string
} {
	huge := []byte{0xff, 0xff, 0xff, 0xff, 0x0f}
	startExport := section(7, list(append(vec([]byte("_start")), 0, 0)))
	return map[string]struct {
		module []byte
		reason string
	}{
		"nothing":            {nil, "not a WebAssembly module"},
		"text":               {[]byte("(module)"), "not a WebAssembly module"},
		"an ELF file":        {[]byte("\x7fELF\x02\x01\x01\x00"), "not a WebAssembly module"},
		"a component":        {[]byte("\x00asm\x0d\x00\x01\x00"), "a WebAssembly component"},
		"another version":    {[]byte("\x00asm\x02\x00\x00\x00"), "WebAssembly version 2"},
		"no _start":          {raw(), "does not export the function _start"},
		"_start as a global": {raw(section(7, list(append(vec([]byte("_start")), 3, 0)))), "does not export the function _start"},
		"33 MB":              {make([]byte, 33<<20), "34603008 bytes, at most 33554432 are accepted"},
		"a socket":           {importing("sock_open"), "imports wasi_snapshot_preview1.sock_open, which is not offered: guests have no network and no signals"},
		"a signal":           {importing("proc_raise"), "imports wasi_snapshot_preview1.proc_raise, which is not offered"},
		"made up":            {importing("fd_wish"), "imports wasi_snapshot_preview1.fd_wish, which is not offered"},
		"JavaScript":         {importing("env.emscripten_run_script"), "imports env.emscripten_run_script; only wasi_snapshot_preview1 is offered"},
		"threads":            {importing("wasi.thread-spawn"), "imports wasi.thread-spawn; only"},
		"a memory": {raw(section(2, list(slices.Concat(vec([]byte("env")), vec([]byte("memory")), []byte{2, 0, 1})))),
			"imports the memory env.memory; only functions may be imported"},
		"shared memory":           {(&wasm{memory: []byte{3, 1, 2}}).bytes(), "a shared memory; threads are not supported"},
		"64-bit memory":           {(&wasm{memory: []byte{4, 1}}).bytes(), "a 64-bit memory"},
		"impossible memory":       {(&wasm{memory: []byte{1, 2, 1}}).bytes(), "a memory of 2 to 1 pages is impossible"},
		"two memories":            {raw(section(5, []byte{2, 0, 1, 0, 1})), "section 5 has 2 entries, at most 1 are accepted"},
		"a huge table":            {raw(section(4, slices.Concat([]byte{1, 0x70, 0}, huge))), "a table of 4294967295 entries"},
		"huge locals":             {(&wasm{locals: slices.Concat([]byte{1}, huge, []byte{i32})}).bytes(), "function 0 has 4294967295 locals"},
		"a count from nowhere":    {raw(section(1, huge)), "section 1 is truncated"},
		"a section beyond":        {raw([]byte{1, 100, 0}), "truncated in section 1"},
		"sections out of order":   {raw(section(7, []byte{0}), section(1, []byte{0})), "section 1 out of order"},
		"a section twice":         {raw(section(1, []byte{0}), section(1, []byte{0})), "section 1 out of order"},
		"a section of the future": {raw(section(13, []byte{0})), "section 13 belongs to a proposal that is not supported"},
		"a malformed import":      {raw(section(2, []byte{1, 200})), "malformed import"},
		"a name that is not text": {raw(section(2, slices.Concat([]byte{1, 2, 0xff, 0xfe, 1, 'a', 0, 0}))), "malformed import"},
		"a body beyond":           {raw(startExport, section(10, []byte{1, 50, 0})), "function 0 is truncated"},
	}
}

func TestCheckRefuses(t *testing.T) {
	t.Parallel()
	for name, c := range refused() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := worker.Check(c.module)
			require.Error(t, err)
			require.Equal(t, fault.Invalid, fault.KindOf(err))
			require.Contains(t, fault.Detail(err), c.reason)
			require.True(t, strings.HasPrefix(fault.Detail(err), "module: "))
		})
	}
}

func TestCheckAccepts(t *testing.T) {
	t.Parallel()
	m, err := worker.Check(guest.Mandelbrot())
	require.NoError(t, err)
	require.False(t, m.Unstable)
	require.Positive(t, m.Functions)
	require.Positive(t, m.MemoryPages)
	m, err = worker.Check(importing("wasi_unstable.fd_close"))
	require.NoError(t, err)
	require.True(t, m.Unstable)
	_, err = worker.Check(importing("sock_accept")) // common libraries import it; it answers that there is none
	require.NoError(t, err)
}

// TestRefusedBeforeCompiling: what Check refuses gets no further than that in a worker either.
func TestRefusedBeforeCompiling(t *testing.T) {
	t.Parallel()
	b := open(t, nil)
	for name, c := range refused() {
		out := b.do(t, c.module, worker.Job{})
		require.Equal(t, worker.ClassPolicy, out.Class, "%s: %s", name, out.Reason)
		require.Contains(t, out.Reason, c.reason)
	}
	require.Zero(t, b.Stats().Compiled)
}

// TestRefusedByCompiler: these look well from outside.
func TestRefusedByCompiler(t *testing.T) {
	t.Parallel()
	b := open(t, nil)
	relaxed := wasm{body: slices.Concat(
		[]byte{0xfd, 12}, make([]byte, 16), []byte{0xfd, 12}, make([]byte, 16), // two vectors
		[]byte{0xfd, 0x80, 0x02, 0x1a}, // i8x16.relaxed_swizzle, drop
	)}
	odd := wasm{}
	odd.call("fd_close", i64, i64)
	for name, c := range map[string]struct {
		module []byte
		reason string
	}{
		"relaxed SIMD":      {relaxed.bytes(), "module: it does not validate: "},
		"a type error":      {(&wasm{body: []byte{0x1a}}).bytes(), "module: it does not validate: "},
		"an odd signature":  {odd.bytes(), "module: it imports wasi_snapshot_preview1.fd_close with a signature of its own"},
		"atomics":           {(&wasm{body: []byte{0xfe, 3, 0}}).bytes(), "module: it does not validate: "},
		"an unknown opcode": {(&wasm{body: []byte{0xff}}).bytes(), "module: it does not validate: "},
	} {
		out := b.do(t, c.module, worker.Job{})
		require.Equal(t, worker.ClassPolicy, out.Class, "%s: %s", name, out.Reason)
		require.Contains(t, out.Reason, c.reason, name)
	}
}

// FuzzCheck: whatever the bytes, the answer comes, with a reason.
func FuzzCheck(f *testing.F) {
	f.Add(guest.Mandelbrot())
	f.Add(empty())
	f.Add(chatty(1))
	f.Add(importing("sock_open"))
	for _, c := range refused() {
		if len(c.module) < 1<<10 {
			f.Add(c.module)
		}
	}
	f.Fuzz(func(t *testing.T, module []byte) {
		_, err := worker.Check(module)
		if err != nil && !strings.HasPrefix(fault.Detail(err), "module: ") {
			t.Fatalf("no reason: %v", err)
		}
	})
}
