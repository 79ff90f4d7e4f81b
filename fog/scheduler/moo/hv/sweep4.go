package hv

import "slices"

// step is a corner of the staircase inside one row's box.
type step struct{ x, y float64 }

// volume4 sweeps the fourth extent downwards: each row adds the volume that it alone dominates in the first three, among the
// rows that are better in the fourth, as high as its own fourth extent. s is in descending order of that extent.
func (w *Workspace) volume4(s []row) float64 {
	w.active = w.active[:0]
	total := 0.0
	for i := range s {
		total += w.add3(s[i][0], s[i][1], s[i][2]) * s[i][3]
	}
	return total
}

// add3 adds a point to active, which is in descending order of z, and returns the volume that it alone dominates there; what it
// dominates leaves.
func (w *Workspace) add3(x, y, z float64) float64 {
	a := w.active
	at := 0
	for ; at < len(a) && a[at][2] >= z; at++ {
		if a[at][0] >= x && a[at][1] >= y {
			return 0
		}
	}
	volume := w.alone3(a, at, x, y, z)
	end := at
	for i := at; i < len(a); i++ {
		if a[i][0] > x || a[i][1] > y {
			a[end] = a[i]
			end++
		}
	}
	w.active = slices.Insert(a[:end], at, [3]float64{x, y, z})
	return volume
}

// alone3 sweeps z downwards inside the box of one point: the staircase holds what the points of a cover of its base, those
// before at from the start. A linked list in the paper, it is a sorted slice here: inside one box it stays short.
func (w *Workspace) alone3(a [][3]float64, at int, x, y, z float64) float64 {
	w.steps = append(w.steps[:0], step{0, y}, step{x, 0})
	free := x * y
	for i := range a[:at] {
		free -= w.cover(min(a[i][0], x), min(a[i][1], y))
	}
	volume := 0.0
	for i := at; i < len(a); i++ {
		volume += free * (z - a[i][2])
		z = a[i][2]
		if a[i][0] >= x && a[i][1] >= y {
			return volume
		}
		free -= w.cover(min(a[i][0], x), min(a[i][1], y))
	}
	return volume + free*z
}

// cover adds the corner (x, y) to the staircase and returns the area that it newly covers. The first step is as high as the
// box and the last as wide.
func (w *Workspace) cover(x, y float64) float64 {
	s := w.steps
	i := 0
	for s[i].x < x {
		i++
	}
	base := s[i].y
	if base >= y {
		return 0
	}
	end := i
	if s[i].x == x {
		end++
	}
	area, edge := 0.0, x
	for i--; i >= 0 && s[i].y <= y; i-- {
		area += (edge - s[i].x) * (y - base)
		edge, base = s[i].x, s[i].y
	}
	if i >= 0 {
		area += (edge - s[i].x) * (y - base)
	}
	w.steps = slices.Replace(s, i+1, end, step{x, y})
	return area
}
