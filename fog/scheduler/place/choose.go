package place

import (
	"math"
	"slices"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
)

// Choice says which plan of a front to apply. The zero value takes the knee of the plans that are best for the tiers.
type Choice struct {
	// Weights is the profile to choose by, one weight for each objective. nil: equal weights between the tiers, and the knee of the
	// plans that the tiers leave: the plan whose worst objective, as a share of the way from best to worst, is least bad.
	Weights []float64
	// Tolerance is how much worse than the best plan a plan may be for a tier's own jobs, as a share of the best, and still be left
	// for the tiers below to choose from. 0: nothing, so that the first tier decides alone. +Inf: tiers do not matter.
	Tolerance float64
	// Gain is the share of the score that a plan must save to move any running job at all; below it the Stay plan is kept.
	Gain float64
}

// Choose takes one plan of a result. It goes from the best tier to the last: of the plans still in the field it keeps those whose
// score, counted over the jobs of that tier alone, is within Tolerance of the best, so that no tier pays for one below it by more than
// the tolerance. (What jobs share, fixed charges and balance, counts only in the last step.) Of the plans that are left it takes
// the one with the lowest score by Weights, or the knee. If the result has a Stay plan that places as many jobs, the choice must
// beat its score by Gain. Errors are of kind Invalid: an empty front or weights that do not match the problem.
func Choose(p *Problem, r Result, c Choice) (Plan, error) {
	const op = "place.choose"
	if len(r.Front) == 0 {
		return Plan{}, fault.Field(op, "Front", "is empty")
	}
	if c.Weights != nil && (len(c.Weights) != p.Objectives || badCharge(c.Weights) >= 0) {
		return Plan{}, fault.Field(op, "Weights", "is %v, not %d weights", c.Weights, p.Objectives)
	}
	if !(c.Tolerance >= 0) || !(c.Gain >= 0) {
		return Plan{}, fault.Field(op, "Tolerance", "or Gain is below 0")
	}
	weights := c.Weights
	if weights == nil {
		weights = equal(p.Objectives)
	}
	field := r.Front
	if !math.IsInf(c.Tolerance, 1) && p.tiers() > 1 {
		field = lexicographic(p, r, weights, c.Tolerance)
	}
	chosen := pick(field, c.Weights, r.Scale)
	stay := r.Stay
	if stay.Assign != nil && len(stay.Unplaced) == len(chosen.Unplaced) &&
		Score(chosen.Objectives, weights, r.Scale) > (1-c.Gain)*Score(stay.Objectives, weights, r.Scale) {
		return stay, nil
	}
	return chosen, nil
}

// equal weighs every objective alike.
func equal(objectives int) []float64 {
	w := make([]float64, objectives)
	for o := range w {
		w[o] = 1 / float64(objectives)
	}
	return w
}

// lexicographic returns the plans that every tier accepts in turn.
func lexicographic(p *Problem, r Result, weights []float64, tolerance float64) []Plan {
	field := slices.Concat(r.Front, r.Tiers)
	own := make([][]float64, len(field))
	for i := range field {
		own[i] = Tiers(p, field[i].Assign, weights, r.Scale)
	}
	for t := range p.tiers() {
		least := math.Inf(1)
		for i := range field {
			least = min(least, own[i][t])
		}
		limit := least + tolerance*math.Abs(least)
		kept := 0
		for i := range field {
			if own[i][t] <= limit {
				field[kept], own[kept] = field[i], own[i]
				kept++
			}
		}
		field = field[:kept]
	}
	return field
}

// Tiers returns the score of an assignment for each tier's own jobs: the costs of their pairs and their migration charges, without
// what all jobs share.
func Tiers(p *Problem, assign []int32, weights, scale []float64) []float64 {
	own := make([]float64, p.tiers())
	newEvaluator(p).tiers(assign, weights, scale, own)
	return own
}

// pick takes the plan with the lowest score, or the knee when there are no weights; the first of equals.
func pick(field []Plan, weights, scale []float64) Plan {
	var low, high []float64
	if weights == nil {
		low, high = spans(field)
	}
	best, least := 0, math.Inf(1)
	for i, q := range field {
		value := 0.0
		if weights != nil {
			value = Score(q.Objectives, weights, scale)
		} else {
			value = bend(q.Objectives, low, high)
		}
		if value < least {
			best, least = i, value
		}
	}
	return field[best]
}

// bend is the largest share of its span that an objective is above its best, with a little of the mean so that ties are broken by
// the other objectives (the augmented achievement function of Wierzbicki, "On the completeness and constructiveness of parametric
// characterizations to vector optimization problems", OR Spektrum 8, 1986, section 3, with the ideal point as reference).
func bend(objectives, low, high []float64) float64 {
	worst, sum := 0.0, 0.0
	for o, f := range objectives {
		if high[o] > low[o] {
			share := (f - low[o]) / (high[o] - low[o])
			worst, sum = max(worst, share), sum+share
		}
	}
	return worst + 1e-3*sum/float64(len(objectives))
}

// spans is the least and the greatest value of each objective.
func spans(plans []Plan) (low, high []float64) {
	low = append(low, plans[0].Objectives...)
	high = append(high, low...)
	for _, q := range plans {
		for o, f := range q.Objectives {
			low[o], high[o] = min(low[o], f), max(high[o], f)
		}
	}
	return low, high
}
