package main

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/fogcompute/fogcompute/fog/scheduler"
)

const (
	width, left, top = 1180, 60, 60
	core             = 8 // height of one
)

// draw writes a Gantt chart: each node has a lane for each core, and a run fills as many as it has.
func draw(file string, nodes []scheduler.Node, steps []scheduler.Submission, h history, began time.Time) error {
	last := began
	for _, r := range h.all {
		if r.Ended.After(last) {
			last = r.Ended
		}
	}
	scale := (width - left - 20) / float64(last.Sub(began))
	x := func(t time.Time) float64 { return left + float64(t.Sub(began))*scale }
	colours := make(map[string]string)
	var b strings.Builder
	for i, s := range steps {
		colours[s.Key] = fmt.Sprintf("hsl(%d 65%% %d%%)", i*360/len(steps), 40+i%2*15)
		fmt.Fprintf(&b, `<text x="%d" y="24" fill="%s" font-weight="bold">%s</text>`+"\n", left+i*86, colours[s.Key], s.Key)
	}
	y := top
	for _, n := range nodes {
		fmt.Fprintf(&b, `<path d="M0 %dH%d" stroke="#ddd"/><text x="10" y="%d">%s</text>`+"\n", y-3, width, y+16, n.ID)
		for lane, runs := range h.lanes(n) {
			for _, r := range runs {
				fmt.Fprintf(&b, `<rect x="%.1f" y="%d" width="%.1f" height="%d" fill="%s"><title>%s on %s: %s</title></rect>`+"\n", x(r.Started), y+lane*core,
					x(r.Ended)-x(r.Started)-0.7, core, colours[r.step], r.step, r.Node, r.State)
			}
		}
		y += int(n.Capacity.MilliCPU/1000)*core + 6
	}
	for t := began; t.Before(last); t = t.Add(100 * time.Millisecond) {
		fmt.Fprintf(&b, `<path d="M%.1f %dV%d" stroke="#0002"/><text x="%.1f" y="%d" text-anchor="middle">%d</text>`+"\n", x(t), top-10, y, x(t), top-14, t.Sub(began).Milliseconds())
	}
	head := fmt.Sprintf(`<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" font-family="sans-serif" font-size="12"><rect width="100%%" height="100%%" fill="white"/>`+"\n", width, y+10)
	return os.WriteFile(file, []byte(head+b.String()+"</svg>\n"), 0o644)
}

// lanes gives each run of a node cores that were free when it began.
func (h *history) lanes(n scheduler.Node) [][]run {
	runs := slices.DeleteFunc(slices.Clone(h.all), func(r run) bool { return r.Node != n.ID })
	slices.SortFunc(runs, func(a, b run) int { return a.Started.Compare(b.Started) })
	lanes := make([][]run, n.Capacity.MilliCPU/1000)
	for _, r := range runs {
		wanted := r.Demand.MilliCPU / 1000
		for i, l := range lanes {
			if wanted > 0 && (len(l) == 0 || !l[len(l)-1].Ended.After(r.Started)) {
				lanes[i], wanted = append(l, r), wanted-1
			}
		}
	}
	return lanes
}
