package hv

import "math"

// flat is how far in front of the plane, in normalised units, a row must lie to count as a knee: less is rounding.
const flat = 1e-9

// Knee returns the index of the front's knee, where giving up a little of one objective buys most of another: the row that lies
// farthest before the hyperplane through the extreme rows, on the side of the ideal point, after each objective has been scaled
// to 0 at its best and 1 at its worst row (Das, "On characterizing the knee of the Pareto curve based on normal-boundary
// intersection", 1999; the plane is that of the rows that are best in one objective each). The first of equals wins.
//
// Degenerate fronts: an objective in which all rows are equal is left out; when the extreme rows span no plane that
// faces the ideal point (one row is best in two objectives, say), the plane with equal weights takes its place; when no row lies
// before the plane (a straight front, or one that bulges away from the ideal point) the answer is the row whose worst
// normalised objective is least. Rows that are not finite are ignored; -1 means that no row is left, that m is less than 1, or
// that len(f) is no multiple of m. Dominated rows are never a knee but do move the scale: pass a front.
func Knee(f []float64, m int) int {
	if m < 1 || len(f)%m != 0 {
		return none
	}
	k := newKnee(f, m)
	if len(k.rows) == 0 {
		return none
	}
	normal := k.plane()
	best, ahead := k.least(func(x []float64) float64 {
		dot := 0.0
		for j, v := range x {
			dot += normal[j] * v
		}
		return dot
	})
	length := 0.0
	for _, v := range normal {
		length += v * v
	}
	if (1-ahead)/math.Sqrt(length) > flat {
		return best
	}
	best, _ = k.least(func(x []float64) float64 {
		worst := 0.0
		for _, v := range x {
			worst = max(worst, v)
		}
		return worst
	})
	return best
}

// knee is a front scaled to the unit cube, without the objectives in which it is constant.
type knee struct {
	rows []int     // indexes of the finite rows
	x    []float64 // their scaled objectives
	m    int       // how many objectives are left
}

func newKnee(f []float64, m int) *knee {
	k := &knee{}
	low, high := make([]float64, m), make([]float64, m)
	for j := range m {
		low[j], high[j] = math.Inf(1), math.Inf(-1)
	}
	for i := 0; i < len(f); i += m {
		if finite(f[i : i+m]) {
			k.rows = append(k.rows, i/m)
			for j, v := range f[i : i+m] {
				low[j], high[j] = min(low[j], v), max(high[j], v)
			}
		}
	}
	for _, i := range k.rows {
		for j, v := range f[i*m : i*m+m] {
			if high[j] > low[j] {
				k.x = append(k.x, share(v, low[j], high[j]))
			}
		}
	}
	if len(k.rows) > 0 {
		k.m = len(k.x) / len(k.rows)
	}
	return k
}

// share returns how far v is on the way from low to high, 0 to 1.
func share(v, low, high float64) float64 {
	if width := high - low; !math.IsInf(width, 1) {
		return (v - low) / width
	}
	return (v/2 - low/2) / (high/2 - low/2)
}

func finite(p []float64) bool {
	for _, v := range p {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return false
		}
	}
	return true
}

// least returns the index of the row with the least value of score, and that value.
func (k *knee) least(score func([]float64) float64) (int, float64) {
	best, value := k.rows[0], math.Inf(1)
	for i, r := range k.rows {
		if v := score(k.x[i*k.m : (i+1)*k.m]); v < value {
			best, value = r, v
		}
	}
	return best, value
}

// plane returns the normal n of the plane n·x = 1 through the extreme rows, or the one with equal weights whose corners are the
// unit points if they span none that faces the origin.
func (k *knee) plane() []float64 {
	equal := make([]float64, k.m)
	for j := range equal {
		equal[j] = 1
	}
	a := make([][]float64, k.m)
	for j := range a {
		a[j] = append(append(make([]float64, 0, k.m+1), k.extreme(j)...), 1)
	}
	n, ok := solve(a)
	if !ok {
		return equal
	}
	for _, v := range n {
		if !(v > flat) {
			return equal
		}
	}
	return n
}

// extreme returns the row that is best in objective j; of equals the one with the least sum of the others.
func (k *knee) extreme(j int) []float64 {
	var best []float64
	least := math.Inf(1)
	for i := range k.rows {
		x := k.x[i*k.m : (i+1)*k.m]
		sum := 0.0
		for _, v := range x {
			sum += v
		}
		if best == nil || x[j] < best[j] || x[j] == best[j] && sum < least {
			best, least = x, sum
		}
	}
	return best
}

// solve returns the solution of the linear equations a, whose last column is the right side, by elimination with row
// pivots; ok is false when they have no single one. a is overwritten.
func solve(a [][]float64) (x []float64, ok bool) {
	n := len(a)
	for c := range n {
		pivot := c
		for r := c + 1; r < n; r++ {
			if math.Abs(a[r][c]) > math.Abs(a[pivot][c]) {
				pivot = r
			}
		}
		a[c], a[pivot] = a[pivot], a[c]
		if math.Abs(a[c][c]) < flat {
			return nil, false
		}
		for r := range n {
			if r != c {
				factor := a[r][c] / a[c][c]
				for j := c; j <= n; j++ {
					a[r][j] -= factor * a[c][j]
				}
			}
		}
	}
	x = make([]float64, n)
	for c := range n {
		x[c] = a[c][n] / a[c][c]
	}
	return x, true
}
