package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"slices"

	"github.com/fogcompute/fogcompute/fog/guest"
)

// storeGuest uploads the platform's own guest.
func storeGuest(ctx context.Context, crowd *crowd) error {
	return storeModule(ctx, crowd, guest.Mandelbrot())
}

// storeModule uploads a module, so that jobs may name it.
func storeModule(ctx context.Context, crowd *crowd, module []byte) error {
	put := crowd.message("PUT", "/api/blobs/"+digestOf(module), module, "Content-Type: application/octet-stream")
	return crowd.send(ctx, put, 200, 201, 204)
}

func digestOf(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// echo is the smallest guest whose result says that it ran: it prints its arguments, each with a zero behind it. The
// module is put together by hand, from section to section of the WebAssembly binary format.
func echo() []byte {
	const i32, sizes, get, write, start = 0x7f, 0, 1, 2, 3
	two, four := []byte{0x60, 2, i32, i32, 1, i32}, []byte{0x60, 4, i32, i32, i32, i32, 1, i32}
	wasi := func(function string, kind byte) []byte {
		return slices.Concat(named("wasi_snapshot_preview1"), named(function), []byte{0, kind})
	}
	const argc, size, iovec, written, argv, text = 0, 4, 8, 16, 1024, 4096 // addresses
	body := slices.Concat(
		[]byte{0},                                                 // no locals
		number32(argc), number32(size), []byte{0x10, sizes, 0x1a}, // args_sizes_get, drop
		number32(argv), number32(text), []byte{0x10, get, 0x1a}, // args_get, drop
		number32(iovec), number32(text), []byte{0x36, 2, 0}, // store
		number32(iovec+4), number32(size), []byte{0x28, 2, 0, 0x36, 2, 0}, // load, store
		number32(1), number32(iovec), number32(1), number32(written), []byte{0x10, write, 0x1a}, // fd_write, drop
		[]byte{0x0b},
	)
	return slices.Concat(
		[]byte("\x00asm\x01\x00\x00\x00"),
		section(1, two, four, []byte{0x60, 0, 0}),
		section(2, wasi("args_sizes_get", 0), wasi("args_get", 0), wasi("fd_write", 1)),
		section(3, []byte{2}),
		section(5, []byte{0, 1}), // one page
		section(7, append(named("memory"), 2, 0), append(named("_start"), 0, start)),
		section(10, append(leb(len(body)), body...)),
	)
}

// section is a section that holds a list.
func section(id byte, entries ...[]byte) []byte {
	body := append(leb(len(entries)), slices.Concat(entries...)...)
	return slices.Concat([]byte{id}, leb(len(body)), body)
}

func named(name string) []byte { return append(leb(len(name)), name...) }

// leb encodes an unsigned number.
func leb(n int) []byte {
	var out []byte
	for n >= 0x80 {
		out, n = append(out, byte(n)|0x80), n>>7
	}
	return append(out, byte(n))
}

// number32 pushes a number that is not negative.
func number32(n int) []byte {
	out := []byte{0x41}
	for ; n >= 0x40; n >>= 7 { // the sign bit of the last byte stays clear
		out = append(out, byte(n&0x7f)|0x80)
	}
	return append(out, byte(n))
}
