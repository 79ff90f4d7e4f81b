package place

import (
	"math"
	"slices"
	"sort"
)

// archive keeps, outside any population, the plans that no other plan beats, and apart from them the elites: for each profile and tier
// the best plan ever seen, which no truncation can lose. Plans that leave more or better jobs unplaced than another are worse than it
// whatever they cost.
type archive struct {
	m      *model
	eval   *evaluator
	limit  int
	plans  []Plan
	left   []int   // unplaced jobs of each tier, in every plan
	elites []elite // one for each profile
	tiers  []elite // one for each tier but the last
	stats  Stats

	f    []float64
	own  []float64
	miss []int
}

// elite is a protected plan.
type elite struct {
	weights []float64
	score   float64
	plan    Plan
}

// rest is what a tier's elite counts the whole plan for, beside the jobs of that tier and the better ones: enough to decide
// between plans that are equal for them.
const rest = 1.0 / 16

// newArchive makes an empty archive. The first profile is also that of the tiers.
func newArchive(m *model, profiles [][]float64, limit int) *archive {
	tiers := m.p.tiers()
	a := &archive{
		m: m, eval: newEvaluator(m.p), limit: limit, f: make([]float64, m.p.Objectives),
		own: make([]float64, tiers), miss: make([]int, tiers), left: make([]int, tiers),
	}
	for _, w := range profiles {
		a.elites = append(a.elites, elite{weights: w})
	}
	a.tiers = make([]elite, tiers-1)
	for t := range a.tiers {
		a.tiers[t].weights = profiles[0]
	}
	a.clear()
	return a
}

// clear forgets every plan.
func (a *archive) clear() {
	a.plans = a.plans[:0]
	for i := range a.elites {
		a.elites[i].score = math.Inf(1)
	}
	for t := range a.tiers {
		a.tiers[t].score = math.Inf(1)
	}
}

// offer takes a feasible assignment, copies what is kept, and reports whether it joined the front.
func (a *archive) offer(assign []int32) bool {
	a.stats.Offered++
	if !a.ranked(assign) {
		return false
	}
	a.eval.objectives(assign, a.f)
	plan := Plan{Assign: assign, Objectives: a.f}
	joined := !slices.ContainsFunc(a.plans, func(q Plan) bool { return weakly(q.Objectives, a.f) })
	if joined {
		plan = a.copy(assign)
		a.plans = slices.DeleteFunc(a.plans, func(q Plan) bool { return weakly(a.f, q.Objectives) })
		a.plans = append(a.plans, plan)
		a.stats.Kept++
		for i := range a.elites {
			e := &a.elites[i]
			if s := Score(a.f, e.weights, a.m.scale); s <= e.score {
				e.score, e.plan = s, plan
			}
		}
		if len(a.plans) > a.limit+a.limit/4 {
			a.thin()
		}
	}
	a.promote(assign, plan, joined)
	return joined
}

// ranked compares what an assignment leaves unplaced with what the archive's plans do, and clears the archive for a better one.
func (a *archive) ranked(assign []int32) bool {
	clear(a.miss)
	for j, n := range assign {
		if n < 0 {
			a.miss[a.m.p.tier(j)]++
		}
	}
	switch slices.Compare(a.miss, a.left) {
	case 1:
		if len(a.plans) > 0 {
			return false
		}
	case -1:
		a.clear()
	}
	copy(a.left, a.miss)
	return true
}

// incomplete reports that every plan leaves jobs unplaced.
func (a *archive) incomplete() bool { return slices.Max(a.left) > 0 }

// promote makes an assignment the elite of each tier for which it is the best seen.
func (a *archive) promote(assign []int32, plan Plan, copied bool) {
	if len(a.tiers) == 0 {
		return
	}
	weights := a.tiers[0].weights
	clear(a.own)
	a.eval.tiers(assign, weights, a.m.scale, a.own)
	sum, whole := 0.0, rest*Score(a.f, weights, a.m.scale)
	for t := range a.tiers {
		sum += a.own[t]
		if e := &a.tiers[t]; sum+whole < e.score {
			if !copied {
				plan, copied = a.copy(assign), true
			}
			e.score, e.plan = sum+whole, plan
		}
	}
}

// copy makes a plan of the assignment whose objectives were computed last.
func (a *archive) copy(assign []int32) Plan {
	plan := Plan{Assign: append(make([]int32, 0, len(assign)), assign...), Objectives: slices.Clone(a.f)}
	for j, n := range assign {
		if n < 0 {
			plan.Unplaced = append(plan.Unplaced, int32(j))
		}
	}
	return plan
}

// weakly reports that a is nowhere worse than b.
func weakly(a, b []float64) bool {
	for o, x := range a {
		if x > b[o] {
			return false
		}
	}
	return true
}

// start is the kept plan that is best under weights over the scaled objectives.
func (a *archive) start(weights []float64) []int32 {
	best, least := 0, math.Inf(1)
	for i := range a.plans {
		if s := Score(a.plans[i].Objectives, weights, a.m.scale); s < least {
			best, least = i, s
		}
	}
	return a.plans[best].Assign
}

// thin drops plans until the limit holds: of the two nearest plans, measured by shares of the spans of the objectives, the one whose
// second neighbour is nearer as well. The best plans of the profiles stay.
func (a *archive) thin() {
	c := newCrowd(a.plans, a.elites)
	for range len(a.plans) - a.limit {
		c.drop()
	}
	kept := a.plans[:0]
	for i, q := range a.plans {
		if !c.gone[i] {
			kept = append(kept, q)
		}
	}
	clear(a.plans[len(kept):])
	a.plans = kept
}

// result is the front in the order of the objectives, and where the elites are in it.
func (a *archive) result(scale []float64) Result {
	if len(a.plans) > a.limit {
		a.thin()
	}
	front := slices.Clone(a.plans)
	sort.Slice(front, func(i, k int) bool { return slices.Compare(front[i].Objectives, front[k].Objectives) < 0 })
	r := Result{Front: front, Scale: scale, Stats: a.stats}
	for _, e := range a.elites {
		r.Best = append(r.Best, slices.IndexFunc(front, func(q Plan) bool { return slices.Equal(q.Objectives, e.plan.Objectives) }))
	}
	for _, e := range a.tiers {
		r.Tiers = append(r.Tiers, e.plan)
	}
	return r
}
