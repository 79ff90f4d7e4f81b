package worker_test

import "slices"

// wasm puts a module together by hand. Functions are named by the order in which they are imported and defined.
type wasm struct {
	imports []string // names in wasi_snapshot_preview1, or "module.name"
	params  [][]byte // of each import, as value types
	none    []bool   // that the import at this place has no result
	memory  []byte   // limits; nil: one page
	locals  []byte   // of the body, encoded; nil: none
	body    []byte   // of _start
	data    string   // at address 0
	more    []byte   // sections to append
}

const (
	i32 = 0x7f
	i64 = 0x7e
)

// call imports a function with params and returns its index.
func (w *wasm) call(name string, params ...byte) byte {
	w.imports, w.params = append(w.imports, name), append(w.params, params)
	w.none = append(w.none, name == "proc_exit")
	return byte(len(w.imports) - 1)
}

// bytes assembles the module.
func (w *wasm) bytes() []byte {
	var types, imports [][]byte
	for i, name := range w.imports {
		result := []byte{1, i32}
		if w.none[i] {
			result = []byte{0}
		}
		types = append(types, slices.Concat([]byte{0x60}, vec(w.params[i]), result))
		module, field := "wasi_snapshot_preview1", name
		if at := slices.Index([]byte(name), '.'); at >= 0 {
			module, field = name[:at], name[at+1:]
		}
		imports = append(imports, slices.Concat(vec([]byte(module)), vec([]byte(field)), []byte{0, byte(i)}))
	}
	start := byte(len(w.imports))
	types = append(types, []byte{0x60, 0, 0})
	limits := w.memory
	if limits == nil {
		limits = []byte{0, 1}
	}
	locals := w.locals
	if locals == nil {
		locals = []byte{0}
	}
	code := slices.Concat(locals, w.body, []byte{0x0b})
	return slices.Concat(
		[]byte("\x00asm\x01\x00\x00\x00"),
		section(1, list(types...)),
		section(2, list(imports...)),
		section(3, []byte{1, start}),
		section(5, append([]byte{1}, limits...)),
		section(7, list(append(vec([]byte("memory")), 2, 0), append(vec([]byte("_start")), 0, start))),
		section(10, list(slices.Concat(leb(len(code)), code))),
		section(11, list(slices.Concat([]byte{0, 0x41, 0, 0x0b}, vec([]byte(w.data))))),
		w.more,
	)
}

func section(id byte, body []byte) []byte { return slices.Concat([]byte{id}, leb(len(body)), body) }

func list(entries ...[]byte) []byte { return append(leb(len(entries)), slices.Concat(entries...)...) }

func vec(b []byte) []byte { return append(leb(len(b)), b...) }

// leb encodes an unsigned number.
func leb(n int) []byte {
	var out []byte
	for n >= 0x80 {
		out, n = append(out, byte(n)|0x80), n>>7
	}
	return append(out, byte(n))
}

// constant pushes a 32-bit number.
func constant(n int) []byte {
	out := []byte{0x41}
	for {
		b := byte(n & 0x7f)
		n >>= 7
		if n == 0 && b&0x40 == 0 || n == -1 && b&0x40 != 0 {
			return append(out, b)
		}
		out = append(out, b|0x80)
	}
}

// forever repeats instructions without end.
func forever(body ...byte) []byte {
	return slices.Concat([]byte{0x03, 0x40}, body, []byte{0x0c, 0, 0x0b})
}

// The guests that nobody wants.

func spin() []byte { w := wasm{body: forever()}; return w.bytes() }

func empty() []byte { w := wasm{}; return w.bytes() }

func trap() []byte { w := wasm{body: []byte{0x00}}; return w.bytes() }

func exit(code int) []byte {
	w := wasm{}
	call := w.call("proc_exit", i32)
	w.body = append(constant(code), 0x10, call)
	return w.bytes()
}

// hungry asks for one page after the other and gives up when it gets none.
func hungry() []byte {
	w := wasm{body: forever(slices.Concat(constant(1), []byte{0x40, 0}, constant(-1), []byte{0x46, 0x04, 0x40, 0x00, 0x0b})...)}
	return w.bytes()
}

// modest asks for more memory once and does not mind when it gets none.
func modest() []byte {
	w := wasm{body: slices.Concat(constant(60_000), []byte{0x40, 0, 0x1a})}
	return w.bytes()
}

// chatty writes to a descriptor without end.
func chatty(fd int) []byte {
	// at 0: an iovec of 16 bytes at 8
	w := wasm{data: "\x08\x00\x00\x00\x10\x00\x00\x000123456789abcde\n"}
	call := w.call("fd_write", i32, i32, i32, i32)
	w.body = forever(slices.Concat(constant(fd), constant(0), constant(1), constant(64), []byte{0x10, call, 0x1a})...)
	return w.bytes()
}

// recurse calls itself without end.
func recurse() []byte { w := wasm{body: []byte{0x10, 0}}; return w.bytes() }

// crowded makes its table larger until it may not.
func crowded() []byte {
	body := slices.Concat([]byte{0}, forever(slices.Concat(
		[]byte{0xd2, 0}, constant(1<<16), []byte{0xfc, 15, 0}, constant(-1), []byte{0x46, 0x04, 0x40, 0x0f, 0x0b})...), []byte{0x0b})
	return raw(section(1, []byte{1, 0x60, 0, 0}), section(3, []byte{1, 0}), section(4, []byte{1, 0x70, 0, 1}),
		section(7, list(append(vec([]byte("_start")), 0, 0))), section(10, list(vec(body))))
}
