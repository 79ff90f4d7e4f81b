package hv_test

import (
	"math"
	"math/rand/v2"

	"pgregory.net/rapid"
)

// cells measures rows of whole numbers by counting the unit cells between 0 and side that a row dominates; the reference is
// side in every objective. It shares no idea with the package.
func cells(f []float64, m, side int) float64 {
	cell := make([]int, m)
	count := 0
	for {
		for i := 0; i < len(f); i += m {
			inside := true
			for j, c := range cell {
				inside = inside && f[i+j] <= float64(c)
			}
			if inside {
				count++
				break
			}
		}
		j := 0
		for ; j < m; j++ {
			if cell[j]++; cell[j] < side {
				break
			}
			cell[j] = 0
		}
		if j == m {
			return float64(count)
		}
	}
}

// inclusion measures by inclusion and exclusion over all subsets of at most 16 rows.
func inclusion(f []float64, m int, ref []float64) float64 {
	n := len(f) / m
	total := 0.0
	for set := 1; set < 1<<n; set++ {
		volume := -1.0
		for j := range m {
			worst := math.Inf(-1)
			for i := range n {
				if set>>i&1 == 1 {
					worst = max(worst, f[i*m+j])
				}
			}
			volume *= max(ref[j]-worst, 0)
		}
		for i := range n {
			if set>>i&1 == 1 {
				volume = -volume
			}
		}
		total += volume
	}
	return total
}

// without returns f without row i.
func without(f []float64, m, i int) []float64 {
	return append(append([]float64(nil), f[:i*m]...), f[(i+1)*m:]...)
}

func all(m int, v float64) []float64 {
	ref := make([]float64, m)
	for j := range ref {
		ref[j] = v
	}
	return ref
}

// whole draws up to most rows of whole numbers from -1 to side: some lie outside the reference, many tie.
func whole(t *rapid.T, m, side, most int) []float64 {
	n := rapid.IntRange(0, most).Draw(t, "n")
	f := make([]float64, n*m)
	for i := range f {
		f[i] = float64(rapid.IntRange(0, side).Draw(t, "v"))
	}
	return f
}

// sphere returns n rows on the unit sphere in the positive orthant: a front without dominated rows.
func sphere(n, m int, seed uint64) []float64 {
	r := rand.New(rand.NewPCG(seed, 1))
	f := make([]float64, n*m)
	for i := 0; i < len(f); i += m {
		square := 0.0
		for j := range m {
			v := math.Abs(r.NormFloat64())
			f[i+j] = v
			square += v * v
		}
		for j := range m {
			f[i+j] /= math.Sqrt(square)
		}
	}
	return f
}

// cloud returns n rows in the unit cube, most of them dominated.
func cloud(n, m int, seed uint64) []float64 {
	r := rand.New(rand.NewPCG(seed, 2))
	f := make([]float64, n*m)
	for i := range f {
		f[i] = r.Float64()
	}
	return f
}
