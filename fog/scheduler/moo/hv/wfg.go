package hv

import (
	"slices"
	"sort"
)

// volume5 slices by the fifth objective: each row adds the volume that it alone dominates in the first four, among the rows
// that are better in the fifth, as high as its own fifth extent. s is in descending order of that extent.
func (w *Workspace) volume5(s []row) float64 {
	w.live = w.live[:0]
	total := 0.0
	for i := range s {
		p := &s[i]
		limit, covered := clip4(w.limit4[:0], w.live, p)
		w.limit4 = limit
		if covered {
			continue
		}
		if alone := p[0]*p[1]*p[2]*p[3] - w.volume4(limit); alone > 0 {
			total += alone * p[4]
		}
		w.revive(p)
	}
	return total
}

// revive adds p to live, which is in descending order of the fourth extent, and drops what p dominates in the first four.
func (w *Workspace) revive(p *row) {
	w.live = slices.DeleteFunc(w.live, func(q row) bool {
		return p[0] >= q[0] && p[1] >= q[1] && p[2] >= q[2] && p[3] >= q[3]
	})
	at := sort.Search(len(w.live), func(i int) bool { return w.live[i][3] < p[3] })
	w.live = slices.Insert(w.live, at, *p)
}

// clip4 is clip for rows in descending order of the fourth extent that are all at least as good as p in the fifth; the result
// is in descending order of the fourth.
func clip4(dst, s []row, p *row) (limit []row, covered bool) {
	last := 0
	for i := range s {
		c := meet(&s[i], p)
		if c == *p {
			return dst, true
		}
		if last < len(dst) && covers3(&dst[last], &c) {
			continue
		}
		if k := hider4(dst, &c); k != none {
			last = k
			continue
		}
		dst = append(uncover(dst, &c), c)
	}
	return dst, false
}

// hider4 returns the index of a row of s that covers c, or none. No row of s is worse than c in the fourth extent.
func hider4(s []row, c *row) int {
	for i := range s {
		if covers3(&s[i], c) {
			return i
		}
	}
	return none
}

func covers3(p, q *row) bool { return p[0] >= q[0] && p[1] >= q[1] && p[2] >= q[2] }

// uncover drops from s the rows that c covers. They are equal to c in the fourth extent, and so stand at the end.
func uncover(s []row, c *row) []row {
	tied := len(s)
	for tied > 0 && s[tied-1][3] == c[3] {
		tied--
	}
	end := tied
	for i := tied; i < len(s); i++ {
		if !covers3(c, &s[i]) {
			s[end] = s[i]
			end++
		}
	}
	return s[:end]
}

// clip appends to dst the limit set of p among s but for the row at index skip: what is left of the others where p is. Rows that
// another covers are left out; covered reports that one covers p wholly. The result is in no order.
func clip(dst, s []row, p *row, skip int) (limit []row, covered bool) {
	largest, volume := 0, 0.0
	for i := range s {
		if i == skip {
			continue
		}
		c := meet(&s[i], p)
		if c == *p {
			return dst, true
		}
		if v := c[0] * c[1] * c[2] * c[3] * c[4]; v > volume {
			largest, volume = len(dst), v
		}
		dst = append(dst, c)
	}
	if len(dst) == 0 {
		return dst, false
	}
	dst[0], dst[largest] = dst[largest], dst[0] // it hides most
	return uncovered(dst), false
}

// uncovered keeps the rows of s that no other covers, one of equals, in s's storage. What has hidden a row moves forward, for it
// often hides the next.
func uncovered(s []row) []row {
	kept := s[:0]
	for _, c := range s {
		if k := hider(kept, &c); k != none {
			kept[k], kept[k/2] = kept[k/2], kept[k]
			continue
		}
		for k := 0; k < len(kept); {
			if covers(&c, &kept[k]) {
				kept[k] = kept[len(kept)-1]
				kept = kept[:len(kept)-1]
			} else {
				k++
			}
		}
		kept = append(kept, c)
	}
	return kept
}

// hider returns the index of a row of s that covers c, or none.
func hider(s []row, c *row) int {
	for i := range s {
		if covers(&s[i], c) {
			return i
		}
	}
	return none
}

// meet returns the box that p and q have in common.
func meet(p, q *row) row {
	return row{min(p[0], q[0]), min(p[1], q[1]), min(p[2], q[2]), min(p[3], q[3]), min(p[4], q[4])}
}

// covers reports whether p is at least as good as q everywhere.
func covers(p, q *row) bool {
	return p[0] >= q[0] && p[1] >= q[1] && p[2] >= q[2] && p[3] >= q[3] && p[4] >= q[4]
}
