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
		limit, covered := limitSet(w.limit4[:0], w.live, p, 4, none)
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

// limitSet appends to dst the rows of s, but for the one at index skip, cut down to the box of p: what is left of them where p
// is. Rows that another covers are left out; covered reports that one covers p wholly. s is in descending order of extent m-1
// and so is the result; m is 4 or 5.
func limitSet(dst, s []row, p *row, m, skip int) (limit []row, covered bool) {
	for i := range s {
		if i == skip {
			continue
		}
		c := s[i]
		for j := range c {
			c[j] = min(c[j], p[j])
		}
		if c == *p {
			return dst, true
		}
		if !hiddenBy(dst, &c, m) {
			dst = append(uncover(dst, &c, m), c)
		}
	}
	return dst, false
}

// clip is limitSet for rows in any order, with nothing left out.
func clip(dst, s []row, p *row, skip int) (limit []row, covered bool) {
	for i := range s {
		if i == skip {
			continue
		}
		c := s[i]
		for j := range c {
			c[j] = min(c[j], p[j])
		}
		if c == *p {
			return dst, true
		}
		dst = append(dst, c)
	}
	return dst, false
}

// hiddenBy reports whether a row of s, none of which is worse in objective m-1, covers c.
func hiddenBy(s []row, c *row, m int) bool {
	if m == 4 {
		for i := range s {
			if q := &s[i]; q[0] >= c[0] && q[1] >= c[1] && q[2] >= c[2] {
				return true
			}
		}
		return false
	}
	for i := range s {
		if q := &s[i]; q[0] >= c[0] && q[1] >= c[1] && q[2] >= c[2] && q[3] >= c[3] {
			return true
		}
	}
	return false
}

// uncover drops from s the rows that c covers. They are equal to c in objective m-1, and so stand at the end.
func uncover(s []row, c *row, m int) []row {
	tied := len(s)
	for tied > 0 && s[tied-1][m-1] == c[m-1] {
		tied--
	}
	end := tied
	for i := tied; i < len(s); i++ {
		if q := &s[i]; q[0] > c[0] || q[1] > c[1] || q[2] > c[2] || q[3] > c[3] {
			s[end] = s[i]
			end++
		}
	}
	return s[:end]
}
