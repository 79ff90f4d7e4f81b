package guest

import (
	_ "embed" // the compiled guest
	"fmt"
	"math"
	"strconv"
)

//go:embed mandelbrot.wasm
var mandelbrot string // a string, so that nobody can change it

// Output is the path, relative to /out, of the file that the guest writes.
const Output = "tile.pgm"

// Mandelbrot returns a copy of the compiled module.
func Mandelbrot() []byte { return []byte(mandelbrot) }

// digest is written down, not computed, because every job without a module asks for it; a test holds it to the module.
const digest = "075876c83e3aabfd005fbeb20b5f56e467b341b48a9a6c400471995ef372024e"

// Digest returns the SHA-256 of the compiled module in hex.
func Digest() string { return digest }

// Tile is a rectangle of a picture of the Mandelbrot set. The zero Tile is invalid; Whole returns one to start from.
type Tile struct {
	Width, Height int     // of the whole picture in points, 1 to 65536
	X, Y          int     // upper left corner of the tile in the picture
	W, H          int     // size of the tile in points, inside the picture, at most 16 Mi points
	MaxIter       int     // 1 to 1,000,000; a point that has not escaped by then is black
	CX, CY        float64 // the complex number in the middle of the picture
	Scale         float64 // width of the picture in units of the complex plane; all three at most 1000 in size
}

// Whole returns the tile that covers a whole picture of the set.
func Whole(width, height int) Tile {
	return Tile{Width: width, Height: height, W: width, H: height, MaxIter: 500, CX: -0.5, Scale: 3}
}

// Split cuts a tile into columns x rows tiles of nearly equal size, row by row. Each count must be between 1 and the tile's size.
func (t Tile) Split(columns, rows int) []Tile {
	tiles := make([]Tile, 0, columns*rows)
	for j := range rows {
		for i := range columns {
			part := t
			part.X, part.W = t.X+i*t.W/columns, (i+1)*t.W/columns-i*t.W/columns
			part.Y, part.H = t.Y+j*t.H/rows, (j+1)*t.H/rows-j*t.H/rows
			tiles = append(tiles, part)
		}
	}
	return tiles
}

// Validate returns an error that names the first field that the guest would refuse.
func (t Tile) Validate() error {
	const side, points, iterations, far = 65536, 16 << 20, 1_000_000, 1000
	switch {
	case t.Width < 1 || t.Width > side || t.Height < 1 || t.Height > side:
		return fmt.Errorf("guest: picture of %d x %d points: each side must be 1 to %d", t.Width, t.Height, side)
	case t.X < 0 || t.Y < 0 || t.W < 1 || t.H < 1 || t.W > t.Width-t.X || t.H > t.Height-t.Y:
		return fmt.Errorf("guest: tile of %d x %d points at %d, %d is not inside the picture", t.W, t.H, t.X, t.Y)
	case t.W > points/t.H:
		return fmt.Errorf("guest: tile of %d x %d points: at most %d", t.W, t.H, points)
	case t.MaxIter < 1 || t.MaxIter > iterations:
		return fmt.Errorf("guest: %d iterations: must be 1 to %d", t.MaxIter, iterations)
	}
	for _, v := range []float64{t.CX, t.CY, t.Scale} {
		if !(math.Abs(v) <= far) {
			return fmt.Errorf("guest: centre and scale must be at most %d in size", far)
		}
	}
	return nil
}

// Args returns the arguments that make the guest render the tile.
func (t Tile) Args() []string {
	args := make([]string, 0, 10)
	for _, n := range []int{t.Width, t.Height, t.X, t.Y, t.W, t.H, t.MaxIter} {
		args = append(args, strconv.Itoa(n))
	}
	for _, v := range []float64{t.CX, t.CY, t.Scale} {
		args = append(args, strconv.FormatFloat(v, 'g', -1, 64))
	}
	return args
}

// Render computes what the guest computes: the file that it writes (binary PGM) and the line that it prints, equal byte for
// byte. The tile must be valid.
func (t Tile) Render() (pgm []byte, summary string) {
	pgm = fmt.Appendf(nil, "P5\n%d %d\n255\n", t.W, t.H)
	step := t.Scale / float64(t.Width)
	sum := 0
	for j := range t.H {
		b := t.CY + float64((float64(t.Y+j)-float64(t.Height)/2)*step)
		for i := range t.W {
			a := t.CX + float64((float64(t.X+i)-float64(t.Width)/2)*step)
			n := escape(a, b, t.MaxIter)
			sum += n
			shade := byte(0)
			if n != t.MaxIter {
				shade = byte(255 - n%255)
			}
			pgm = append(pgm, shade)
		}
	}
	return pgm, fmt.Sprintf("tile %d %d %d %d iterations %d\n", t.X, t.Y, t.W, t.H, sum)
}

// escape returns after how many iterations the orbit of a + bi leaves the circle of radius 2. The conversions forbid the
// compiler to fuse a multiplication with an addition, which some machines would round differently.
func escape(a, b float64, most int) int {
	var x, y, xx, yy float64
	n := 0
	for n < most && xx+yy <= 4 {
		y = float64(float64(2*x)*y) + b
		x = xx - yy + a
		xx = float64(x * x)
		yy = float64(y * y)
		n++
	}
	return n
}
