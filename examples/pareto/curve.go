package main

import (
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
)

const width, height, margin = 860, 560, 60

type (
	// plan is the machine of each job.
	plan = []uint16

	// curve is what one way of searching reaches.
	curve struct {
		name, colour string
		plans        []plan
		points       []float64 // hours and dollars of each plan, one after another, by hours
	}
)

// add takes a plan in where it belongs by its hours.
func (c *curve) add(p plan, f []float64) {
	at := 0
	for at < len(c.plans) && c.points[2*at] < f[0] {
		at++
	}
	c.plans, c.points = slices.Insert(c.plans, at, p), slices.Insert(c.points, 2*at, f...)
}

// plane puts hours, on a scale of doublings, and dollars on the picture.
type plane struct{ low, high [2]float64 }

func (p *plane) x(hours float64) float64 {
	return margin + math.Log(hours/p.low[0])/math.Log(p.high[0]/p.low[0])*(width-2*margin)
}

func (p *plane) y(dollars float64) float64 {
	return margin + (p.high[1]-dollars)/(p.high[1]-p.low[1])*(height-2*margin)
}

// grid draws a line for each half doubling of the hours and for each dollar.
func (p *plane) grid(b *strings.Builder) {
	for h := p.low[0]; h < p.high[0]*1.01; h *= math.Sqrt2 {
		fmt.Fprintf(b, `<path d="M%.1f %dV%d" stroke="#e4e4e4"/>`, p.x(h), margin, height-margin)
		fmt.Fprintf(b, `<text x="%.1f" y="%d" text-anchor="middle">%.1f h</text>`+"\n", p.x(h), height-margin+20, h)
	}
	for d := p.low[1]; d <= p.high[1]; d++ {
		fmt.Fprintf(b, `<path d="M%d %.1fH%d" stroke="#e4e4e4"/>`, margin, p.y(d), width-margin)
		fmt.Fprintf(b, `<text x="%d" y="%.1f" text-anchor="end">$%.0f</text>`+"\n", margin-6, p.y(d)+4, d)
	}
}

// stairs draws a curve: between two plans nothing better is known than the cheaper one's time.
func (p *plane) stairs(b *strings.Builder, c *curve) {
	fmt.Fprintf(b, `<path fill="none" stroke-width="1.5" stroke="%s" d="M%.1f %.1f`, c.colour, p.x(c.points[0]), p.y(c.points[1]))
	for f := range slices.Chunk(c.points, 2) {
		fmt.Fprintf(b, "H%.1fV%.1f", p.x(f[0]), p.y(f[1]))
	}
	b.WriteString(`"/>`)
	for f := range slices.Chunk(c.points, 2) {
		fmt.Fprintf(b, `<circle cx="%.1f" cy="%.1f" r="3" fill="%s"/>`+"\n", p.x(f[0]), p.y(f[1]), c.colour)
	}
}

// draw writes the curves as a picture, with the knee of the last one.
func draw(file string, knee int, curves ...curve) error {
	p := plane{low: [2]float64{math.Inf(1), math.Inf(1)}}
	for _, c := range curves {
		for f := range slices.Chunk(c.points, 2) {
			for o, v := range f {
				p.low[o], p.high[o] = min(p.low[o], math.Floor(v)), max(p.high[o], math.Ceil(v))
			}
		}
	}
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" font-family="sans-serif" font-size="13">`+"\n", width, height)
	fmt.Fprintln(&b, `<rect width="100%" height="100%" fill="white"/>`)
	p.grid(&b)
	for i, c := range curves {
		p.stairs(&b, &c)
		fmt.Fprintf(&b, `<text x="%d" y="%d" fill="%s">%s: %d plans</text>`+"\n", width/2, margin+24+i*20, c.colour, c.name, len(c.plans))
	}
	f := curves[len(curves)-1].points[2*knee:]
	fmt.Fprintf(&b, `<circle cx="%.1f" cy="%.1f" r="8" fill="none" stroke="black"/>`, p.x(f[0]), p.y(f[1]))
	fmt.Fprintf(&b, `<text x="%.1f" y="%.1f">knee: %.2f h, $%.2f</text>`+"\n</svg>\n", p.x(f[0])+12, p.y(f[1])-12, f[0], f[1])
	return os.WriteFile(file, []byte(b.String()), 0o644)
}
