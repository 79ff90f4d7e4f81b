package moo

import "math"

// margin is how far beyond the worst entry a reference lies that follows the entries, as a share of their range: near enough not
// to overvalue the ends of the front, far enough that they count.
const margin = 0.1

// slack is what rounding may cost a bound on a share, relative to the numbers that it is made of.
const slack = 1e-12

// trim makes room if the newcomer, the last entry, is one too many: the entry without protection that has the least share
// leaves, the youngest of equals. It reports false if that is the newcomer itself.
//
// Few shares are measured for this. Every entry has a bound that its share does not fall below, and only entries whose bound is
// below the least share that is known are measured.
func (s *shelf) trim() bool {
	n := s.len()
	if s.size == 0 || n <= s.size {
		return true
	}
	for _, g := range s.gone {
		if g { // n is at most size+1
			return true
		}
	}
	moved := s.anchor()
	if moved {
		s.measureAll()
	}
	least := s.least()
	if !s.exact[least] {
		s.measure()
		least = s.least()
	}
	switch {
	case least < n-1:
		s.leave(least)
		return true
	case moved:
		s.raise(least)
	default:
		s.restore()
	}
	return false
}

// least returns the entry without protection whose bound is least, the youngest of equals.
func (s *shelf) least() int {
	least := nobody
	for i, v := range s.shares {
		if (least == nobody || v <= s.shares[least]) && !s.protected(i) {
			least = i
		}
	}
	return least
}

// anchor sees to the reference and reports whether it has moved, so that no share is known.
func (s *shelf) anchor() bool {
	if len(s.fixed) == 0 {
		return s.follow()
	}
	if len(s.ref) > 0 {
		return false
	}
	s.ref = append(s.ref, s.fixed...)
	return true
}

// follow moves a reference that follows the entries if an entry has passed it or if it lies twice too far.
func (s *shelf) follow() bool {
	stale := len(s.ref) == 0
	for j := 0; j < s.m && !stale; j++ {
		low, high := s.reach(j)
		stale = !(high < s.ref[j]) || s.ref[j]-low > 2*(beyond(low, high)-low)
	}
	if !stale {
		return false
	}
	s.ref = s.ref[:0]
	for j := range s.m {
		s.ref = append(s.ref, beyond(s.reach(j)))
	}
	return true
}

// reach returns the best and the worst value of objective j.
func (s *shelf) reach(j int) (low, high float64) {
	low, high = math.Inf(1), math.Inf(-1)
	for i := j; i < len(s.f); i += s.m {
		low, high = min(low, s.f[i]), max(high, s.f[i])
	}
	return low, high
}

// beyond returns the reference for an objective that reaches from low to high: finite, and worse than high unless high is
// the greatest number.
func beyond(low, high float64) float64 {
	by := margin * (high - low)
	if high == low {
		by = margin * max(math.Abs(high), 1)
	}
	return min(max(high+by, math.Nextafter(high, math.Inf(1))), math.MaxFloat64)
}

// measureAll measures every share.
func (s *shelf) measureAll() {
	s.shares = s.hv.Contributions(s.shares, s.f, s.m, s.ref)
	for i := range s.exact {
		s.exact[i] = true
	}
}

// measure measures the shares that may be the least: those that are not known and whose bound is not above the least known one.
func (s *shelf) measure() {
	known := math.Inf(1)
	for i, v := range s.shares {
		if s.exact[i] && v < known && !s.protected(i) {
			known = v
		}
	}
	s.open = s.open[:0]
	for i, v := range s.shares {
		if !s.exact[i] && v <= known && !s.protected(i) {
			s.open = append(s.open, int32(i))
		}
	}
	s.measured = s.hv.ContributionsOf(s.measured, s.f, s.m, s.ref, s.open)
	for k, i := range s.open {
		s.shares[i], s.exact[i] = s.measured[k], true
	}
}

// lower takes from the shares what entry q may cover now that it has come. An entry's exclusive region has something in common
// with q only if no third entry covers all that the two have in common; what q takes is at most that, less what any one third
// entry has of it.
func (s *shelf) lower(q int) {
	s.touched = s.touched[:0]
	if len(s.ref) == 0 {
		return
	}
	s.thirds = s.thirds[:0]
	for p := range q {
		if s.exact[p] && s.shares[p] == 0 || !s.affects(p, q) {
			continue
		}
		s.touched = append(s.touched, touched{entry: p, share: s.shares[p], exact: s.exact[p]})
		taken := s.common(p, q)
		rest := s.shares[p] - taken - slack*(s.shares[p]+taken)
		if !(rest > 0) { // nor for infinite ones
			rest = 0
		}
		s.shares[p], s.exact[p] = rest, false
	}
}

// raise notes that entry q goes: the shares that it lowered may be greater than they are known to be.
func (s *shelf) raise(q int) {
	if len(s.ref) == 0 {
		return
	}
	s.thirds = s.thirds[:0]
	for p := range s.len() {
		if p != q && !s.gone[p] && s.exact[p] && s.affects(p, q) {
			s.exact[p] = false
		}
	}
}

// restore takes back what lower did for the newcomer, which goes again. What was measured meanwhile without it stands.
func (s *shelf) restore() {
	for _, t := range s.touched {
		if t.exact {
			s.shares[t.entry] = t.share
		} else {
			s.shares[t.entry] = max(t.share, s.shares[t.entry])
		}
		s.exact[t.entry] = t.exact
	}
}

// affects reports whether entries p and q have anything in common, within the reference, that no third entry covers. It leaves
// what they have in common in corner. The few neighbours of q cover it for most p: thirds collects them, the latest first.
func (s *shelf) affects(p, q int) bool {
	s.corner = s.corner[:0]
	a, b := s.row(p), s.row(q)
	for j, v := range a {
		v = max(v, b[j])
		if v >= s.ref[j] {
			return false
		}
		s.corner = append(s.corner, v)
	}
	for k, i := range s.thirds {
		if s.covers(i, p, q) {
			copy(s.thirds[1:k+1], s.thirds[:k])
			s.thirds[0] = i
			return false
		}
	}
	for i := range s.len() {
		if s.covers(i, p, q) {
			s.thirds = append(s.thirds, i)
			return false
		}
	}
	return true
}

// covers reports whether entry i is another one than p and q and covers the corner.
func (s *shelf) covers(i, p, q int) bool {
	return noWorse(s.row(i), s.corner) && i != p && i != q && !s.gone[i]
}

// common returns a bound on what p and q alone have in common, after affects.
func (s *shelf) common(p, q int) float64 {
	all, most := 1.0, 0.0
	for j, v := range s.corner {
		all *= s.ref[j] - v
	}
	for i := range s.len() {
		if i == p || i == q || s.gone[i] {
			continue
		}
		part := 1.0
		for j, v := range s.row(i) {
			part *= s.ref[j] - max(v, s.corner[j])
			if !(part > 0) {
				part = 0
				break
			}
		}
		most = max(most, part)
	}
	return all - most
}
