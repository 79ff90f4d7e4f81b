package hv

import "sort"

// volume2 measures the area of rows in two dimensions: in descending order of the first extent each row adds the strip by
// which its second extent passes all before it.
func (w *Workspace) volume2(s []row) float64 {
	var area, height float64
	for _, k := range w.byExtent(s, 0) {
		if y := s[k.row][1]; y > height {
			area += k.extent * (y - height)
			height = y
		}
	}
	return area
}

// shares2 writes the contribution of each row among the rows that nobody dominates into value, sets front (first extent
// descending, second ascending) and hidden, and marks in shaded the rows that alone dominate a hidden one.
func (w *Workspace) shares2(s []row) {
	w.clear(len(s))
	height := 0.0
	for _, k := range w.byExtent(s, 0) {
		if y := s[k.row][1]; y > height {
			w.front = append(w.front, k.row)
			height = y
		} else {
			w.hidden = append(w.hidden, k.row)
		}
	}
	below := 0.0
	for i, r := range w.front {
		left := 0.0
		if i+1 < len(w.front) {
			left = s[w.front[i+1]][0]
		}
		w.value[r] = (s[r][0] - left) * (s[r][1] - below)
		below = s[r][1]
	}
	for _, h := range w.hidden {
		wide := sort.Search(len(w.front), func(i int) bool { return s[w.front[i]][0] < s[h][0] })
		high := sort.Search(len(w.front), func(i int) bool { return s[w.front[i]][1] >= s[h][1] })
		if wide-high == 1 {
			w.shaded[w.front[high]] = true
		}
	}
}

// clear prepares the results of shares2 and shares3 for n rows.
func (w *Workspace) clear(n int) {
	w.front, w.hidden = w.front[:0], w.hidden[:0]
	w.value, w.shaded = grow(w.value, n), grow(w.shaded, n)
	clear(w.value)
	clear(w.shaded)
}
