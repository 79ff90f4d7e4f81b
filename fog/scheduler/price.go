package scheduler

import (
	"context"
	"fmt"
	"math"
	"math/bits"
	"strings"
	"time"

	"github.com/fogcompute/fogcompute/fog/principal"
)

// Price is an amount of tokens in base units, 1e-6 FOG.
type Price int64

// inFOG writes a price that is not negative in FOG, exactly: "12", "0.5", "1.000001".
func (p Price) inFOG() string {
	const unit = 1_000_000
	return strings.TrimSuffix(strings.TrimRight(fmt.Sprintf("%d.%06d", p/unit, p%unit), "0"), ".")
}

// Pricer says what one slot of each job costs. The price is asked for once, when the job is submitted, and stays; it is compared with
// Submission.MaxPrice before the job is stored.
type Pricer interface {
	// Quote answers one price for each job, none negative. It sees jobs that are complete but for price and identifier.
	Quote(ctx context.Context, jobs []Job) ([]Price, error)
}

// Escrow sets a payer's tokens aside for a job.
type Escrow interface {
	// Hold answers for each hold nil (the amount is held), a fault of kind Insufficient (the payer has not enough) or of
	// kind Conflict (the hold was voided before, the job cannot be paid any more). Any other error, of one hold or of
	// all, leaves the answer open: the job stays pending and the question is asked again. Asking twice for the same job
	// holds once, also at the same time. The context ends after Config.HoldRetry: Hold returns by then.
	Hold(ctx context.Context, holds []Hold) ([]error, error)
}

// Hold is the request to set an amount aside.
type Hold struct {
	Job    JobID
	Tenant principal.Tenant
	Payer  principal.Account
	Amount Price
}

// TierPricer prices a slot by its tier's factor, its cores and its time: the estimate, or the maximum run time where there is
// no estimate. A started base unit counts whole.
type TierPricer struct {
	// CPUSecond is the price of one core for one second before the tier's factor; zero is 1000, a thousandth of a FOG.
	CPUSecond Price
	// GPUSecond is the same for one GPU; zero is 20 times CPUSecond.
	GPUSecond Price
}

var _ Pricer = TierPricer{}

// Quote prices the jobs. It never fails.
func (p TierPricer) Quote(_ context.Context, jobs []Job) ([]Price, error) {
	prices := make([]Price, len(jobs))
	for i := range jobs {
		prices[i] = p.price(&jobs[i])
	}
	return prices, nil
}

func (p TierPricer) price(j *Job) Price {
	cpu, gpu := p.CPUSecond, p.GPUSecond
	if cpu <= 0 {
		cpu = 1000
	}
	if gpu <= 0 {
		gpu = 20 * cpu
	}
	span := j.Estimate
	if span <= 0 {
		span = j.MaxRuntime
	}
	rate, carry := bits.Add64(
		mulDiv(uint64(cpu), uint64(max(j.Demand.MilliCPU, 0)), 1),
		mulDiv(uint64(gpu), uint64(max(j.Demand.MilliGPU, 0)), 1), 0)
	if carry > 0 {
		rate = math.MaxUint64
	}
	rate = mulDiv(rate, uint64(TermsOf(j.Tier).PriceMilli), 1) // in 1e-6 base units a second
	whole := mulDiv(rate, uint64(span/time.Microsecond), 1e12)
	return Price(min(whole, math.MaxInt64/(MaxReplicas+1)))
}

// mulDiv is a*b/c rounded up, and the greatest number where that does not fit.
func mulDiv(a, b, c uint64) uint64 {
	hi, lo := bits.Mul64(a, b)
	lo, carry := bits.Add64(lo, c-1, 0)
	hi += carry
	if hi >= c {
		return math.MaxUint64
	}
	q, _ := bits.Div64(hi, lo, c)
	return q
}
