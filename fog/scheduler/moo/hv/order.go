package hv

import (
	"cmp"
	"slices"
)

// key is what is sorted in place of a row: the extent that decides, and where the row is.
type key struct {
	extent float64
	row    int32
}

// byExtent returns the indexes of s in descending order of objective d, ties in descending order of the other objectives and
// then of the index: a row never comes before one that dominates it. The result is valid until the next call.
func (w *Workspace) byExtent(s []row, d int) []key {
	w.keys = w.keys[:0]
	for i := range s {
		w.keys = append(w.keys, key{extent: s[i][d], row: int32(i)})
	}
	slices.SortFunc(w.keys, func(a, b key) int {
		switch {
		case a.extent > b.extent:
			return -1
		case a.extent < b.extent:
			return 1
		}
		p, q := &s[a.row], &s[b.row]
		for j := range p {
			if p[j] != q[j] {
				return cmp.Compare(q[j], p[j])
			}
		}
		return cmp.Compare(a.row, b.row)
	})
	return w.keys
}

// arrange returns the rows in the order that volume needs: by the last objective for 4 and 5, as they are otherwise.
func (w *Workspace) arrange(s []row, m int) []row {
	if m < 4 {
		return s
	}
	w.sorted = w.sorted[:0]
	for _, k := range w.byExtent(s, m-1) {
		w.sorted = append(w.sorted, s[k.row])
	}
	return w.sorted
}

// grow returns s with length n, its storage kept when it suffices; the content is unspecified.
func grow[T any](s []T, n int) []T {
	return slices.Grow(s[:0], n)[:n]
}
