// Package guest holds the WebAssembly module that this repository ships as a sample of real work: a renderer of tiles of the
// Mandelbrot set. It is the module of a job that names none.
//
// The module is C, committed in its compiled form and rebuilt byte for byte by `make -C fog/guest`. Its arithmetic is fixed down to
// the last bit, so each tile has exactly one right answer: Tile.Render computes the same bytes in Go, which lets a test
// compare what strangers' devices returned with what they should have returned.
package guest
