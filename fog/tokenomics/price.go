package tokenomics

import (
	"math"
	"time"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
)

// Resource is something that a fog sells.
type Resource uint8

// The resources.
const (
	ResourceCPU      Resource = iota // cores, by their time; counted in thousandths
	ResourceGPU                      // devices, by their time; counted in thousandths
	ResourceMemory                   // memory, by its time; counted in megabytes of 2^20 bytes
	ResourceTransfer                 // what is moved to a node, by its volume; room and demand are counted in megabits a second
	resources
)

// Prices are the parameters of the market. The zero value works. Factors, loads and elasticities are in thousandths.
type Prices struct {
	// CPUSecond is the base price of one core for one second. Zero is 0.001 FOG; negative costs nothing, here and below.
	CPUSecond Amount
	// GPUSecond is that of one GPU for one second. Zero is 20 times CPUSecond.
	GPUSecond Amount
	// MemoryGBSecond is that of 2^30 bytes of memory for one second. Zero is a tenth of CPUSecond, rounded up.
	MemoryGBSecond Amount
	// MemoryFreeMB is how much memory of each slot costs nothing, in megabytes of 2^20 bytes. Zero is 1024; negative is none.
	MemoryFreeMB int64
	// TransferGB is the base price of moving 10^9 bytes to a node. Zero is as CPUSecond.
	TransferGB Amount
	// Tiers multiply the base price.
	Tiers TierFactors
	// Minimum is the least that a slot costs. Zero is one base unit; negative is no minimum.
	Minimum Amount
	// Balance is the load, demand by room, at which the price is the base price. Zero is 1000: all room is asked for. At most 1,000,000.
	Balance int64
	// Elasticity is by how many percent the price changes at Balance where demand changes by a percent. Zero is 1000, one percent for
	// one; negative lets the price stand still. At most 1,000,000.
	Elasticity int64
	// Least and Most bound the factor of demand and supply. Zero is 1000 and 4000: an idle fog sells at the base price, and
	// none for more than four times as much; where the other says otherwise, zero gives way. At least 1 and at most 1,000,000.
	Least, Most int64
	// Smoothing is the time constant of the market: in each second the price covers 1s/Smoothing of its way to where demand and
	// supply put it. Zero is 5 min; negative is none, as is up to a second. At most 30 days.
	Smoothing time.Duration
}

// TierFactors are price factors by service level, in thousandths; zero is 1000. At most 1,000,000.
type TierFactors struct{ Platinum, Gold, Silver, Bronze int64 }

// of is the factor of a level by its name, 1000 for an unknown one.
func (f TierFactors) of(tier string) int64 {
	factor := int64(0)
	switch tier {
	case "platinum":
		factor = f.Platinum
	case "gold":
		factor = f.Gold
	case "silver":
		factor = f.Silver
	case "bronze":
		factor = f.Bronze
	}
	if factor == 0 {
		return milli
	}
	return factor
}

// Bounds of Prices.
const (
	milli        = 1000
	million      = 1_000_000
	maxFactor    = 1_000_000 // thousandths
	maxBase      = 1_000_000 * FOG
	maxSmoothing = 30 * 24 * time.Hour
	maxFreeMB    = 1 << 40
)

// Validate reports the first field that cannot work, as fault Invalid.
func (p Prices) Validate() error {
	const op = "tokenomics.prices"
	for _, x := range []struct {
		field string
		value Amount
	}{
		{"CPUSecond", p.CPUSecond}, {"GPUSecond", p.GPUSecond}, {"MemoryGBSecond", p.MemoryGBSecond}, {"TransferGB", p.TransferGB}, {"Minimum", p.Minimum},
	} {
		if x.value > maxBase {
			return fault.Field(op, x.field, "%s is more than %s FOG", x.value, maxBase)
		}
	}
	for _, x := range []struct {
		field string
		value int64
	}{
		{"Tiers.Platinum", p.Tiers.Platinum}, {"Tiers.Gold", p.Tiers.Gold}, {"Tiers.Silver", p.Tiers.Silver}, {"Tiers.Bronze", p.Tiers.Bronze},
		{"Balance", p.Balance}, {"Least", p.Least}, {"Most", p.Most},
	} {
		if x.value < 0 || x.value > maxFactor {
			return fault.Field(op, x.field, "%d is not between 1 and %d thousandths, or 0 for the usual", x.value, maxFactor)
		}
	}
	full := p.complete()
	switch {
	case p.Elasticity > maxFactor:
		return fault.Field(op, "Elasticity", "%d is more than %d thousandths", p.Elasticity, maxFactor)
	case full.Most < full.Least:
		return fault.Field(op, "Most", "%d is less than Least, %d", full.Most, full.Least)
	case p.MemoryFreeMB > maxFreeMB:
		return fault.Field(op, "MemoryFreeMB", "%d is more than %d", p.MemoryFreeMB, int64(maxFreeMB))
	case p.Smoothing > maxSmoothing:
		return fault.Field(op, "Smoothing", "%v is more than %v", p.Smoothing, maxSmoothing)
	}
	return nil
}

// complete puts values in the place of zeros, and zero in the place of what is off.
func (p Prices) complete() Prices {
	orUsual(&p.CPUSecond, FOG/1000)
	orUsual(&p.GPUSecond, 20*p.CPUSecond)
	orUsual(&p.MemoryGBSecond, (p.CPUSecond+9)/10)
	orUsual(&p.TransferGB, p.CPUSecond)
	orUsual(&p.Minimum, 1)
	orUsual(&p.MemoryFreeMB, 1024)
	orUsual(&p.Balance, milli)
	orUsual(&p.Elasticity, milli)
	usual := int64(milli)
	if p.Most > 0 {
		usual = min(milli, p.Most)
	}
	orUsual(&p.Least, usual)
	orUsual(&p.Most, max(4*milli, p.Least))
	orUsual(&p.Smoothing, 5*time.Minute)
	return p
}

// orUsual completes one value.
func orUsual[T ~int64](value *T, usual T) {
	switch {
	case *value == 0:
		*value = usual
	case *value < 0:
		*value = 0
	}
}

// base is the base price of a resource, complete.
func (p *Prices) base(r Resource) Amount {
	return [resources]Amount{p.CPUSecond, p.GPUSecond, p.MemoryGBSecond, p.TransferGB}[r]
}

// Load is the demand for one resource and its supply, in the unit in which the resource is counted.
type Load struct {
	Total  int64 // what the nodes have
	Used   int64 // taken up by what runs
	Queued int64 // asked for by what waits
}

// Conditions are the demand for each resource and its supply.
type Conditions struct {
	// Listings counts the nodes that offer room now.
	Listings int64
	Of       [resources]Load
}

// Level is the price level at one moment: the factor of demand and supply for each resource, in millionths. The zero value
// stands for base prices.
type Level struct {
	At      time.Time
	Factors [resources]int64
}

// Order is one slot of a job, as it is priced. Negative numbers count as zero.
type Order struct {
	Tier     string // name of the service level
	MilliCPU int64  // thousandths of a core
	MilliGPU int64  // thousandths of a device
	MemoryMB int64  // megabytes of 2^20 bytes
	// Time is what cores, devices and memory are paid for.
	Time time.Duration
	// TransferBytes are moved to the node.
	TransferBytes int64
}

// Quote prices one slot at a price level. It is a pure function of exact integers: the sum over the resources of base price,
// amount and factor, times the tier's factor, rounded up once; at least Minimum and at most MaxSupply. More of anything is never
// cheaper, nor is a higher level. Prices that Validate refuses are bounded.
func (p Prices) Quote(l Level, o Order) Amount {
	p = p.complete()
	span := uint64(max(o.Time, 0) / time.Microsecond)
	memory := max(o.MemoryMB, 0) - p.MemoryFreeMB
	// Of each term the denominator is brought to that of all: 1000 (thousandths of a core) x 1024 (megabytes of a gigabyte) x
	// 10^6 (microseconds) x 10^6 (millionths).
	sum := p.term(l, ResourceCPU, o.MilliCPU, span, 1024)
	sum = sum.plus(p.term(l, ResourceGPU, o.MilliGPU, span, 1024))
	sum = sum.plus(p.term(l, ResourceMemory, memory, span, milli))
	sum = sum.plus(p.term(l, ResourceTransfer, o.TransferBytes, 1024, 1)) // 10^9 bytes x 10^6 millionths x 1024
	price := sum.times(uint64(min(max(p.Tiers.of(o.Tier), 1), maxFactor))).over(milli * 1024 * million).over(million).over(milli)
	return max(Amount(min(price.saturated(), uint64(MaxSupply))), min(p.Minimum, MaxSupply))
}

// term is what one resource adds to a price, as a numerator.
func (p *Prices) term(l Level, r Resource, amount int64, span, scale uint64) wide {
	base := min(p.base(r), MaxSupply)
	return wideOf(uint64(base)).times(uint64(max(amount, 0))).times(uint64(p.factor(l, r))).times(span).times(scale)
}

// factor is the level of a resource within the bounds, in millionths.
func (p *Prices) factor(l Level, r Resource) int64 {
	f := l.Factors[r]
	if f == 0 || p.Elasticity == 0 { // nobody has looked yet, or prices do not follow demand any more
		f = million
	}
	return p.bounded(f)
}

// bounded brings a factor in millionths within Least and Most.
func (p *Prices) bounded(f int64) int64 {
	least, most := min(p.Least, maxFactor)*milli, min(p.Most, maxFactor)*milli
	return min(max(f, least), max(most, least))
}

// Posted are the prices of one unit of each resource, without the tier's factor and the minimum, rounded up. The tags doc
// describe each field in its schema.
type Posted struct {
	CPUSecond      Amount `json:"cpuSecond" doc:"FOG for one core for one second."`
	GPUSecond      Amount `json:"gpuSecond" doc:"FOG for one GPU for one second."`
	MemoryGBSecond Amount `json:"memoryGbSecond" doc:"FOG for 2^30 bytes of memory for one second, beyond what each replica has for nothing."`
	TransferGB     Amount `json:"transferGb" doc:"FOG for moving 10^9 bytes to a node."`
}

// Posted are the prices at a level.
func (p Prices) Posted(l Level) Posted {
	p = p.complete()
	at := func(r Resource) Amount {
		price := wideOf(uint64(min(p.base(r), MaxSupply))).times(uint64(p.factor(l, r))).over(million)
		return Amount(min(price.saturated(), uint64(MaxSupply)))
	}
	return Posted{CPUSecond: at(ResourceCPU), GPUSecond: at(ResourceGPU), MemoryGBSecond: at(ResourceMemory), TransferGB: at(ResourceTransfer)}
}

// Goal is the level to which demand and supply pull the prices: for each resource 1 + Elasticity x (load/Balance - 1), rounded
// up and within Least and Most. That is the tangent, at Balance, of the curve (load/Balance)^Elasticity of constant elasticity, and
// can be computed exactly. Where there is no room at all, any demand asks for Most, and none for what an idle fog does. More demand
// and less room never lower a factor.
func (p Prices) Goal(c Conditions, now time.Time) Level {
	p = p.complete()
	level := Level{At: now}
	for r := range resources {
		level.Factors[r] = p.goal(c.Of[r])
	}
	return level
}

func (p *Prices) goal(l Load) int64 {
	if p.Elasticity == 0 {
		return p.bounded(million)
	}
	demand, room := uint64(max(l.Used, 0))+uint64(max(l.Queued, 0)), uint64(max(l.Total, 0))
	var rise uint64 // Elasticity x load/Balance, in millionths
	switch {
	case room > 0:
		w := wideOf(demand).times(uint64(min(p.Elasticity, maxFactor))).times(million)
		rise = w.over(uint64(min(p.Balance, maxFactor))).over(room).saturated()
	case demand > 0:
		rise = math.MaxUint64
	}
	const most = 2 * maxFactor * milli // beyond both bounds
	return p.bounded(million - min(p.Elasticity, maxFactor)*milli + int64(min(rise, most)))
}

// Follow is the level that was, moved towards the goal by the whole seconds that have passed: what is left of the way shrinks by
// 1s/Smoothing in each second (exponential smoothing, Brown 1956, with a fixed step), whether the seconds are counted one by one or,
// but for roundings, at once. A level that was never set begins at base prices: one look at a fog whose nodes have not come yet, and whose
// queue has, says little. A clock that goes back moves nothing.
func (p Prices) Follow(was Level, c Conditions, now time.Time) Level {
	goal := p.Goal(c, now)
	p = p.complete()
	switch {
	case p.Smoothing <= time.Second:
		return goal
	case was.At.IsZero():
		return p.begin(now)
	}
	steps := now.Sub(was.At) / time.Second
	if steps <= 0 {
		return was
	}
	goal.At = was.At.Add(steps * time.Second)
	left := power(fraction(uint64(p.Smoothing-time.Second), uint64(p.Smoothing)), uint64(steps))
	for r := range resources {
		from, to := p.factor(was, r), goal.Factors[r]
		if from < to {
			goal.Factors[r] = to - int64(share(uint64(to-from), left))
		} else {
			goal.Factors[r] = to + int64(share(uint64(from-to), left))
		}
	}
	return goal
}

// begin is the level of base prices.
func (p *Prices) begin(now time.Time) Level {
	level := Level{At: now}
	for r := range resources {
		level.Factors[r] = p.factor(level, r)
	}
	return level
}
