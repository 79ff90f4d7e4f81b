package hv

import "math"

// IGD returns the inverted generational distance: the mean, over the rows of reference, of the Euclidean distance to the nearest
// row of f. Both have m objectives; 0 is perfect. Rows of f with a NaN are ignored; without any row left it is +Inf. It is NaN
// when reference is empty or holds a NaN, when m is less than 1, or when a length is no multiple of m. Objectives of unlike size
// should be scaled first.
func IGD(f, reference []float64, m int) float64 {
	return inverted(f, reference, m, func(d float64) float64 { return d })
}

// IGDPlus is IGD with the distance of Ishibuchi, Masuda, Tanigaki and Nojima, "Modified distance calculation in generational
// distance and inverted generational distance" (2015, section 3): only what a row is worse than the reference counts. Unlike
// IGD it never prefers a set to one that dominates it.
func IGDPlus(f, reference []float64, m int) float64 {
	return inverted(f, reference, m, func(d float64) float64 { return max(d, 0) })
}

// inverted is the mean distance from each row of reference to the nearest of f, with part applied to each difference.
func inverted(f, reference []float64, m int, part func(float64) float64) float64 {
	if m < 1 || len(f)%m != 0 || len(reference)%m != 0 || len(reference) == 0 {
		return math.NaN()
	}
	sum := 0.0
	for i := 0; i < len(reference); i += m {
		r := reference[i : i+m]
		for _, v := range r {
			if math.IsNaN(v) {
				return math.NaN()
			}
		}
		nearest := math.Inf(1)
		for k := 0; k < len(f); k += m {
			nearest = nearer(f[k:k+m], r, nearest, part)
		}
		sum += math.Sqrt(nearest)
	}
	return sum / float64(len(reference)/m)
}

// nearer returns the squared distance from r to p when it is less than least, and least otherwise.
func nearer(p, r []float64, least float64, part func(float64) float64) float64 {
	square := 0.0
	for j, v := range p {
		if v != r[j] { // equal infinities are no distance
			d := part(v - r[j])
			square += d * d
		}
	}
	if square < least {
		return square
	}
	return least
}
