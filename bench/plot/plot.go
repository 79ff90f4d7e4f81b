// Package plot draws charts of points and lines as SVG files.
package plot

import (
	"encoding/xml"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// Chart is one picture.
type Chart struct {
	Title, X, Y string // words, units included
	Log         bool   // the horizontal axis is logarithmic, with its marks at powers of two; what is not positive is left out
	Series      []Series
}

// Series is what has one colour. Points that are not finite are left out.
type Series struct {
	Name   string
	Line   bool // joins the points in their order; otherwise each is a dot
	Points [][2]float64
}

// The picture's sizes, in pixels; the frame leaves room for words left and below, and for the legend on the right.
const (
	width, height            = 900, 540
	left, right, top, bottom = 80, 220, 40, 60
	marks                    = 6 // of an axis, about
)

// palette is told apart by people who see few colours as well (Okabe and Ito).
func palette(i int) string {
	colours := []string{"#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000"}
	return colours[i%len(colours)]
}

// axis maps values to pixels.
type axis struct {
	low, high float64
	from, to  float64 // pixels of low and high
}

func (a axis) at(v float64) float64 { return a.from + (v-a.low)/(a.high-a.low)*(a.to-a.from) }

// ticks are round values within the axis.
func (a axis) ticks() []float64 {
	rough := (a.high - a.low) / marks
	step := math.Pow(10, math.Floor(math.Log10(rough)))
	for _, m := range []float64{1, 2, 5, 10} {
		if step*m >= rough {
			step *= m
			break
		}
	}
	var out []float64
	for v := math.Ceil(a.low/step) * step; v <= a.high+step*1e-9; v += step {
		out = append(out, math.Round(v/step)*step+0) // never -0
	}
	return out
}

// Save writes the chart into a file and makes its folder.
func (c *Chart) Save(file string) error {
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	return os.WriteFile(file, []byte(c.svg()), 0o644)
}

func (c *Chart) svg() string {
	c = c.scaled()
	x := c.axis(0, left, width-right)
	y := c.axis(1, height-bottom, top)
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %[1]d %[2]d" font-family="sans-serif" font-size="13">`+"\n", width, height)
	fmt.Fprintf(&b, `<rect width="%d" height="%d" fill="#ffffff"/>`+"\n", width, height)
	label(&b, left, 24, "start", 0, c.Title)
	label(&b, (left+width-right)/2, height-16, "middle", 0, c.X)
	label(&b, 20, (top+height-bottom)/2, "middle", -90, c.Y)
	for _, v := range x.ticks() {
		at := x.at(v)
		stroke(&b, at, top, at, height-bottom)
		if c.Log {
			v = math.Exp2(v)
		}
		label(&b, at, height-bottom+18, "middle", 0, strconv.FormatFloat(v, 'g', 6, 64))
	}
	for _, v := range y.ticks() {
		stroke(&b, left, y.at(v), width-right, y.at(v))
		label(&b, left-6, y.at(v)+4, "end", 0, strconv.FormatFloat(v, 'g', 6, 64))
	}
	for i := range c.Series {
		c.Series[i].draw(&b, x, y, palette(i))
		level := top + 20*float64(i) + 10
		fmt.Fprintf(&b, `<rect x="%d" y="%.1f" width="12" height="12" fill="%s"/>`+"\n", width-right+16, level-10, palette(i))
		label(&b, width-right+34, level, "start", 0, c.Series[i].Name)
	}
	b.WriteString("</svg>\n")
	return b.String()
}

// scaled is the chart with the logarithms in place of what lies on a logarithmic axis.
func (c *Chart) scaled() *Chart {
	if !c.Log {
		return c
	}
	scaled := *c
	scaled.Series = slices.Clone(c.Series)
	for i := range scaled.Series {
		points := slices.Clone(c.Series[i].Points)
		for k := range points {
			points[k][0] = math.Log2(points[k][0]) // what is not positive becomes something that is not finite
		}
		scaled.Series[i].Points = points
	}
	return &scaled
}

// axis spans all finite values of a dimension, with a little room at both ends.
func (c *Chart) axis(dimension int, from, to float64) axis {
	low, high := math.Inf(1), math.Inf(-1)
	for i := range c.Series {
		for _, p := range c.Series[i].Points {
			if finite(p) {
				low, high = min(low, p[dimension]), max(high, p[dimension])
			}
		}
	}
	if low > high {
		low, high = 0, 1
	}
	room := (high - low) * 0.03
	if room == 0 {
		room = max(math.Abs(low), 1) * 0.03
	}
	return axis{low: low - room, high: high + room, from: from, to: to}
}

func finite(p [2]float64) bool {
	return !math.IsNaN(p[0]+p[1]) && !math.IsInf(p[0], 0) && !math.IsInf(p[1], 0)
}

func (s *Series) draw(b *strings.Builder, x, y axis, colour string) {
	if s.Line {
		fmt.Fprintf(b, `<polyline fill="none" stroke="%s" stroke-width="1.6" points="`, colour)
		for _, p := range s.Points {
			if finite(p) {
				fmt.Fprintf(b, "%.1f,%.1f ", x.at(p[0]), y.at(p[1]))
			}
		}
		b.WriteString("\"/>\n")
		return
	}
	for _, p := range s.Points {
		if finite(p) {
			fmt.Fprintf(b, `<circle cx="%.1f" cy="%.1f" r="2.6" fill="%s" fill-opacity="0.7"/>`+"\n", x.at(p[0]), y.at(p[1]), colour)
		}
	}
}

func stroke(b *strings.Builder, x1, y1, x2, y2 float64) {
	fmt.Fprintf(b, `<line x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f" stroke="#dddddd"/>`+"\n", x1, y1, x2, y2)
}

func label(b *strings.Builder, x, y float64, anchor string, turn int, text string) {
	fmt.Fprintf(b, `<text x="%.1f" y="%.1f" text-anchor="%s"`, x, y, anchor)
	if turn != 0 {
		fmt.Fprintf(b, ` transform="rotate(%d %.1f %.1f)"`, turn, x, y)
	}
	b.WriteString(">")
	_ = xml.EscapeText(b, []byte(text)) // a Builder never fails
	b.WriteString("</text>\n")
}
