package nds

// step is a row of a front seen in its second and third objective.
type step struct{ y, z float64 }

// staircase is the minimal steps of one front, y ascending and z descending: steps[from : from+size] of staircases, with
// room for more up to room.
type staircase struct{ from, size, room int32 }

// staircases keeps the staircases of all fronts in one slab. A staircase that outgrows its room moves to a place twice as
// large, and each position is put in once, so 4 steps a position always suffice.
type staircases struct {
	steps  []step
	fronts []staircase
}

// climb ranks positions of three objectives. In lexicographic order a front dominates a row exactly when one of its rows
// so far is not above it in the second and third objective, which a binary search in its staircase tells (Kung, Luccio and
// Preparata 1975, maxima in three dimensions; an array here in place of their tree); and a row that a front dominates is
// dominated by all fronts before, so a binary search over the fronts finds its own (Zhang et al. 2015, ENS-BS).
func (w *Workspace) climb(f []float64) {
	s := &w.stairs
	s.steps = grown(s.steps, 4*w.room)[:0]
	s.fronts = grown(s.fronts, w.room)[:0]
	for k, row := range w.at {
		p := step{worst(f[3*int(row)+1]), worst(f[3*int(row)+2])}
		low, high := 0, len(s.fronts)
		place, at := int32(0), int32(0) // where p belongs in front at
		for low < high {
			mid := int(uint(low+high) / 2)
			i, dominated := s.fronts[mid].find(s.steps, p)
			if dominated {
				low = mid + 1
			} else {
				high, place, at = mid, i, int32(mid)
			}
		}
		if low == len(s.fronts) {
			s.fronts = append(s.fronts, staircase{from: int32(len(s.steps))})
			place, at = 0, int32(low)
		}
		s.put(at, place, p)
		w.level[k] = int32(low)
	}
}

// find returns the number of steps whose y is not above p's, and whether one of them has no larger z either.
func (t staircase) find(steps []step, p step) (place int32, dominated bool) {
	own := steps[t.from : t.from+t.size]
	base, n := 0, len(own)
	for n > 0 {
		half := (n + 1) / 2
		base += half & -one(own[base+half-1].y <= p.y) // without a jump
		n -= half
	}
	return int32(base), base > 0 && own[base-1].z <= p.z
}

// put adds to a front a step that none of its steps dominates, behind the first place steps, and removes those that the
// new one makes superfluous.
func (s *staircases) put(front, place int32, p step) {
	t := &s.fronts[front]
	own := s.steps[t.from : t.from+t.size]
	first := place // of those to remove
	if first > 0 && own[first-1].y == p.y {
		first-- // same y and a larger z
	}
	last := place
	for last < t.size && own[last].z >= p.z {
		last++
	}
	if first < last {
		own[first] = p
		if last > first+1 {
			copy(own[first+1:], own[last:])
			t.size -= last - first - 1
		}
		return
	}
	if t.size == t.room {
		s.move(t)
	}
	own = s.steps[t.from : t.from+t.size+1]
	copy(own[place+1:], own[place:])
	own[place] = p
	t.size++
}

// move gives a full staircase twice the room.
func (s *staircases) move(t *staircase) {
	room := max(2*t.room, 1)
	from := len(s.steps)
	s.steps = s.steps[:from+int(room)]
	copy(s.steps[from:], s.steps[t.from:t.from+t.size])
	t.from, t.room = int32(from), room
}
