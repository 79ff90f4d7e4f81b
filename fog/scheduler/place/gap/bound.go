package gap

import (
	"context"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
)

// defaultTrials is the number of prices that LowerBound tries when the caller names none.
const defaultTrials = 1000

// LowerBound returns a figure that no plan which places every job can undercut: the best Lagrangian bound found in a number
// of price trials (zero: 1000), each of which reads all costs and demands once. It is +Inf if it proves that no such plan
// exists, and rounded up where all costs are whole numbers. It never exceeds the linear relaxation's bound by more than that
// rounding, and more trials never lower it. A done context ends it early with the bound so far. Errors: Invalid.
func LowerBound(ctx context.Context, p Problem, trials int) (float64, error) {
	const op = "gap.lower_bound"
	if err := p.Validate(); err != nil {
		return 0, fault.Wrap(op, err)
	}
	if trials < 0 {
		return 0, fault.Field(op, "trials", "%d is negative", trials)
	}
	if trials == 0 {
		trials = defaultTrials
	}
	x := newRelaxation(newModel(&p))
	x.climb(1, trials, func() bool { return ctx.Err() != nil })
	return x.lower(), nil
}
