package nds

import (
	"math/bits"
	"slices"
)

const (
	words = 8          // of a bitset over one strip
	wide  = 64 * words // positions of one strip
	tiers = 64         // ranks inside a strip that have a set of their own
)

// set is a set of the positions of one strip.
type set [words]uint64

// strip holds what the bitset sort knows of the current strip.
type strip struct {
	prefix  []set            // per objective but the first, at c: the strip's c best in that objective
	counts  []uint16         // per position and objective but the first: how many of the strip are not worse, c above
	order   []uint16         // per objective but the first: the strip in its order
	rows    [wide]set        // who dominates whom inside the strip
	atLeast [tiers]set       // settled members by rank: at g, those at least g above the strip's least
	bit     [wide]uint16     // of each member, by descending rank
	ranks   [wide]int32      // of each bit
	tally   [wide + 1]uint16 // of the counting sort by rank
	scratch [wide]uint64     // of the sort by rank
}

// intersect ranks positions of three objectives or more. The rows that dominate a row are those that are not worse in the
// first objective, and not in the second, and so on: the dominance set of MNDS (Moreno et al. 2021), an intersection of
// bitsets.
//
// It departs from that paper in how the n*n bits come to be. They are made in strips of 512 columns, the candidates to
// dominate, from first to last in lexicographic order. Within a strip, the set of those not worse than a row in one
// objective is one of 513: the strip's c best. So a row needs but the count c of each objective, the sets stay in the
// cache, and memory is linear. When a strip's turn comes, its members have from the strips before all that they owe them,
// and settle their ranks among themselves; then its bits are numbered by descending rank, and the first common bit of the
// sets of a later row is the greatest rank that the row must exceed.
func (w *Workspace) intersect(f []float64, m int) {
	n, keys := len(w.at), m-1
	w.orders(f, m)
	clear(w.level)
	if w.strip == nil {
		w.strip = new(strip)
	}
	s := w.strip
	s.prefix = sized(s.prefix, keys*(wide+1))
	s.counts = sized(s.counts, keys*w.room)
	s.order = sized(s.order, keys*(wide+1))
	for start := 0; start < n; start += wide {
		end := min(start+wide, n)
		for j := range keys {
			w.census(j, start, end)
		}
		most := w.settle(start, end, keys)
		if end == n {
			break
		}
		s.number(w.level[start:end], most)
		s.accumulate(end-start, keys)
		if keys <= 3 {
			w.raise3(end, most, keys)
		} else {
			w.raise(end, most, keys)
		}
	}
}

// orders fills the columns with the positions in order of each objective but the first, ties by position.
func (w *Workspace) orders(f []float64, m int) {
	n := len(w.at)
	w.columns = sized(w.columns, (m-1)*w.room)[:(m-1)*n]
	for j := 1; j < m; j++ {
		column := w.columns[(j-1)*n : j*n]
		for k, it := range w.order(w.loadAt(f, m, j)) {
			column[k] = it.id
		}
	}
}

// census walks the order of objective j over the positions from start on: it counts for each how many of the strip come
// before, lists the strip's own, and drops them from the order.
func (w *Workspace) census(j, start, end int) {
	n := len(w.at)
	keys := len(w.columns) / n
	column := w.columns[j*n : (j+1)*n]
	live := column[:n-start]
	own := w.strip.order[j*(wide+1) : (j+1)*(wide+1)]
	counts := w.strip.counts[j:]
	kept, seen := 0, 0
	for _, p := range live {
		counts[int(p)*keys] = uint16(seen)
		own[seen] = uint16(int(p) - start)
		live[kept] = p
		inside := one(int(p) < end)
		seen += inside
		kept += 1 - inside
	}
}

// settle gives the members of the strip their ranks and returns the greatest.
func (w *Workspace) settle(start, end, keys int) (most int32) {
	s := w.strip
	size := end - start
	used := (size + 63) / 64
	for j := range keys {
		var seen set
		for _, p := range s.order[j*(wide+1):][:size] {
			row := &s.rows[p]
			if j == 0 {
				*row = seen
			} else {
				for k := range used {
					row[k] &= seen[k]
				}
			}
			seen[p/64%words] |= 1 << (p % 64)
		}
	}
	level := w.level[start:end]
	floor := slices.Min(level)
	clear(s.atLeast[:])
	for i := range level {
		r, row := level[i], &s.rows[i]
		better := &s.atLeast[min(r-floor, tiers-1)]
		for k := i / 64; k >= 0; k-- {
			for x := row[k] & better[k]; x != 0; {
				q := 63 - bits.LeadingZeros64(x)
				x &^= 1 << q
				if above := level[k*64+q]; above >= r {
					r = above + 1
					better = &s.atLeast[min(r-floor, tiers-1)]
					x &= better[k]
				}
			}
		}
		level[i] = r
		for g := range min(r-floor, tiers-1) + 1 {
			s.atLeast[g][i/64] |= 1 << (i % 64)
		}
	}
	return slices.Max(level)
}

// number gives the members of the strip their bits, by descending rank: a counting sort where the ranks lie close together.
func (s *strip) number(level []int32, most int32) {
	if most-slices.Min(level) < wide {
		clear(s.tally[:])
		for _, r := range level {
			s.tally[most-r+1]++
		}
		for k := 1; k < len(s.tally); k++ {
			s.tally[k] += s.tally[k-1]
		}
		for i, r := range level {
			b := s.tally[most-r]
			s.tally[most-r]++
			s.bit[i], s.ranks[b] = b, r
		}
		return
	}
	order := s.scratch[:len(level)]
	for i, r := range level {
		order[i] = uint64(most-r)<<16 | uint64(i)
	}
	slices.Sort(order)
	for b, o := range order {
		i := o & (1<<16 - 1)
		s.bit[i], s.ranks[b] = uint16(b), level[i]
	}
}

// accumulate makes the sets of the strip's c best in each objective.
func (s *strip) accumulate(size, keys int) {
	for j := range keys {
		prefix := s.prefix[j*(wide+1):][:wide+1]
		var seen set
		prefix[0] = seen
		for c, p := range s.order[j*(wide+1):][:size] {
			b := s.bit[p]
			seen[b/64%words] |= 1 << (b % 64)
			prefix[c+1] = seen
		}
	}
}

// raise lifts the rank of each position from start on above the ranks of those of the strip that dominate it.
func (w *Workspace) raise(start int, most int32, keys int) {
	s := w.strip
	for p := start; p < len(w.at); p++ {
		r := w.level[p]
		if r > most {
			continue
		}
		counts := s.counts[p*keys:][:keys]
		row := s.prefix[counts[0]]
		for j := 1; j < keys; j++ {
			other := &s.prefix[j*(wide+1)+int(counts[j])]
			for k := range row {
				row[k] &= other[k]
			}
		}
		for k, x := range row {
			if x != 0 {
				if above := s.ranks[k*64+bits.TrailingZeros64(x)]; above >= r {
					w.level[p] = above + 1
				}
				break
			}
		}
	}
}

// raise3 is raise for two or three objectives but the first, and ends at the first common bit. Of two, it takes the second
// twice.
func (w *Workspace) raise3(start int, most int32, keys int) {
	s := w.strip
	last := keys - 1
	t1, t2, t3 := s.prefix[:wide+1], s.prefix[wide+1:][:wide+1], s.prefix[last*(wide+1):][:wide+1]
	level := w.level[start:]
	counts := s.counts[keys*start:]
	for p, r := range level {
		c := counts[keys*p:][:keys]
		if r > most {
			continue
		}
		a, b, d := &t1[c[0]], &t2[c[1]], &t3[c[last]]
		for k := range words {
			if x := a[k] & b[k] & d[k]; x != 0 {
				if above := s.ranks[k*64+bits.TrailingZeros64(x)]; above >= r {
					level[p] = above + 1
				}
				break
			}
		}
	}
}
