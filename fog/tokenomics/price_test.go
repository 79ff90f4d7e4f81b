package tokenomics_test

import (
	"fmt"
	"math"
	"math/big"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
	"github.com/fogcompute/fogcompute/fog/tokenomics"
)

// drawPrices draws prices that can work.
func drawPrices(t *rapid.T) tokenomics.Prices {
	base := rapid.Int64Range(-1, int64(1_000_000*tokenomics.FOG))
	factor := rapid.Int64Range(0, 1_000_000)
	p := tokenomics.Prices{
		CPUSecond: tokenomics.Amount(base.Draw(t, "cpu")), GPUSecond: tokenomics.Amount(base.Draw(t, "gpu")),
		MemoryGBSecond: tokenomics.Amount(base.Draw(t, "memory")), TransferGB: tokenomics.Amount(base.Draw(t, "transfer")),
		Minimum: tokenomics.Amount(rapid.Int64Range(-1, 1000).Draw(t, "minimum")), MemoryFreeMB: rapid.Int64Range(-1, 4096).Draw(t, "free"),
		Tiers:   tokenomics.TierFactors{Platinum: factor.Draw(t, "platinum"), Bronze: factor.Draw(t, "bronze")},
		Balance: factor.Draw(t, "balance"), Elasticity: rapid.Int64Range(-1, 1_000_000).Draw(t, "elasticity"),
		Least: rapid.Int64Range(0, 2000).Draw(t, "least"), Smoothing: time.Duration(rapid.Int64Range(-1, int64(time.Hour)).Draw(t, "smoothing")),
	}
	p.Most = max(p.Least, 1000) + rapid.Int64Range(0, 10_000).Draw(t, "span")
	require.NoError(t, p.Validate())
	return p
}

func drawOrder(t *rapid.T) tokenomics.Order {
	n := rapid.OneOf(rapid.Int64Range(-1, 100_000), rapid.Int64())
	return tokenomics.Order{
		Tier:     rapid.SampledFrom([]string{"platinum", "bronze", "unheard of"}).Draw(t, "tier"),
		MilliCPU: n.Draw(t, "cpu"), MilliGPU: n.Draw(t, "gpu"), MemoryMB: n.Draw(t, "memory"), TransferBytes: n.Draw(t, "bytes"),
		Time: time.Duration(n.Draw(t, "time")),
	}
}

func drawConditions(t *rapid.T) tokenomics.Conditions {
	var c tokenomics.Conditions
	n := rapid.OneOf(rapid.Int64Range(0, 10), rapid.Int64Range(0, 1_000_000), rapid.Int64Range(-1, math.MaxInt64))
	for r := range c.Of {
		c.Of[r] = tokenomics.Load{Total: n.Draw(t, "total"), Used: n.Draw(t, "used"), Queued: n.Draw(t, "queued")}
	}
	return c
}

// exactly is the price of an order in rationals: an independent reading of what Quote documents.
func exactly(p tokenomics.Prices, l tokenomics.Level, o tokenomics.Order, tier int64) tokenomics.Amount {
	or := func(v, usual int64) int64 {
		switch {
		case v == 0:
			return usual
		case v < 0:
			return 0
		}
		return v
	}
	cpu := or(int64(p.CPUSecond), 1000)
	rat := func(n int64) *big.Rat { return new(big.Rat).SetInt64(max(n, 0)) }
	product := func(factors ...*big.Rat) *big.Rat {
		out := big.NewRat(1, 1)
		for _, f := range factors {
			out.Mul(out, f)
		}
		return out
	}
	seconds := product(rat(int64(o.Time/time.Microsecond)), big.NewRat(1, 1e6))
	level := func(r tokenomics.Resource) *big.Rat {
		f := or(l.Factors[r], 1e6)
		f = min(max(f, or(p.Least, 1000)*1000), or(p.Most, 4000)*1000)
		return big.NewRat(f, 1e6)
	}
	sum := product(rat(cpu), rat(o.MilliCPU), big.NewRat(1, 1000), seconds, level(tokenomics.ResourceCPU))
	sum.Add(sum, product(rat(or(int64(p.GPUSecond), 20*cpu)), rat(o.MilliGPU), big.NewRat(1, 1000), seconds, level(tokenomics.ResourceGPU)))
	memory := max(o.MemoryMB, 0) - or(p.MemoryFreeMB, 1024)
	sum.Add(sum, product(rat(or(int64(p.MemoryGBSecond), (cpu+9)/10)), rat(memory), big.NewRat(1, 1024), seconds, level(tokenomics.ResourceMemory)))
	sum.Add(sum, product(rat(or(int64(p.TransferGB), cpu)), rat(o.TransferBytes), big.NewRat(1, 1e9), level(tokenomics.ResourceTransfer)))
	sum.Mul(sum, big.NewRat(or(tier, 1000), 1000))
	whole, rest := new(big.Int).QuoRem(sum.Num(), sum.Denom(), new(big.Int))
	if rest.Sign() > 0 {
		whole.Add(whole, big.NewInt(1))
	}
	price := tokenomics.MaxSupply
	if whole.IsInt64() {
		price = min(price, tokenomics.Amount(whole.Int64()))
	}
	return max(price, tokenomics.Amount(or(int64(p.Minimum), 1)))
}

func TestQuoteIsExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p, o := drawPrices(t), drawOrder(t)
		level := p.Goal(drawConditions(t), time.Time{})
		tier := map[string]int64{"platinum": p.Tiers.Platinum, "bronze": p.Tiers.Bronze}[o.Tier]
		require.Equal(t, exactly(p, level, o, tier), p.Quote(level, o))
	})
}

// More of anything, for longer, or at a higher level, is never cheaper; and no price leaves its bounds.
func TestQuoteIsMonotone(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p, o := drawPrices(t), drawOrder(t)
		level := p.Goal(drawConditions(t), time.Time{})
		price := p.Quote(level, o)
		require.LessOrEqual(t, price, tokenomics.MaxSupply)
		require.GreaterOrEqual(t, price, tokenomics.Amount(0))
		require.GreaterOrEqual(t, price, p.Minimum)
		more := func(n int64) int64 { return max(n, n+rapid.Int64Range(0, 1<<40).Draw(t, "more")) }
		for name, greater := range map[string]func(*tokenomics.Order){
			"cpu":      func(o *tokenomics.Order) { o.MilliCPU = more(o.MilliCPU) },
			"gpu":      func(o *tokenomics.Order) { o.MilliGPU = more(o.MilliGPU) },
			"memory":   func(o *tokenomics.Order) { o.MemoryMB = more(o.MemoryMB) },
			"transfer": func(o *tokenomics.Order) { o.TransferBytes = more(o.TransferBytes) },
			"time":     func(o *tokenomics.Order) { o.Time = time.Duration(more(int64(o.Time))) },
		} {
			dearer := o
			greater(&dearer)
			require.GreaterOrEqual(t, p.Quote(level, dearer), price, name)
		}
		for r := range level.Factors {
			level.Factors[r] = more(level.Factors[r])
		}
		require.GreaterOrEqual(t, p.Quote(level, o), price, "level")
	})
}

// More demand never lowers a goal and more room never raises it; both stay within the bounds.
func TestGoalIsMonotoneAndBounded(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p, c := drawPrices(t), drawConditions(t)
		goal := p.Goal(c, time.Time{}).Factors
		least, most := p.Least, p.Most
		if least == 0 {
			least = 1000
		}
		up, room := c, c
		for r := range c.Of {
			require.GreaterOrEqual(t, goal[r], 1000*least)
			require.LessOrEqual(t, goal[r], 1000*most)
			more := rapid.Int64Range(0, 1_000_000).Draw(t, "more")
			up.Of[r].Queued = max(c.Of[r].Queued, c.Of[r].Queued+more)
			room.Of[r].Total = max(c.Of[r].Total, c.Of[r].Total+more)
		}
		dearer, cheaper := p.Goal(up, time.Time{}).Factors, p.Goal(room, time.Time{}).Factors
		for r := range goal {
			require.GreaterOrEqual(t, dearer[r], goal[r])
			require.LessOrEqual(t, cheaper[r], goal[r])
		}
	})
}

func TestGoalFollowsElasticity(t *testing.T) {
	load := func(total, used, queued int64) tokenomics.Conditions {
		var c tokenomics.Conditions
		c.Of[tokenomics.ResourceCPU] = tokenomics.Load{Total: total, Used: used, Queued: queued}
		return c
	}
	for name, c := range map[string]struct {
		p    tokenomics.Prices
		c    tokenomics.Conditions
		want int64
	}{
		"idle":                      {tokenomics.Prices{}, load(4000, 0, 0), 1_000_000},
		"nobody there":              {tokenomics.Prices{}, load(0, 0, 0), 1_000_000},
		"half":                      {tokenomics.Prices{}, load(4000, 2000, 0), 1_000_000},
		"full":                      {tokenomics.Prices{}, load(4000, 4000, 0), 1_000_000},
		"half as much again":        {tokenomics.Prices{}, load(4000, 4000, 2000), 1_500_000},
		"a long queue":              {tokenomics.Prices{}, load(4000, 4000, 400_000), 4_000_000},
		"a queue without nodes":     {tokenomics.Prices{}, load(0, 0, 1), 4_000_000},
		"cheap while idle":          {tokenomics.Prices{Least: 250}, load(4000, 1000, 0), 250_000},
		"cheap below balance":       {tokenomics.Prices{Least: 250}, load(4000, 3000, 0), 750_000},
		"half of it is balance":     {tokenomics.Prices{Balance: 500}, load(4000, 3000, 0), 1_500_000},
		"twice as elastic":          {tokenomics.Prices{Elasticity: 2000}, load(4000, 4000, 1000), 1_500_000},
		"a third, rounded up":       {tokenomics.Prices{}, load(3, 4, 0), 1_333_334},
		"prices that stand still":   {tokenomics.Prices{Elasticity: -1}, load(1, 9, 9), 1_000_000},
		"stand still at the bounds": {tokenomics.Prices{Elasticity: -1, Least: 2000}, load(1, 9, 9), 2_000_000},
	} {
		require.Equal(t, c.want, c.p.Goal(c.c, time.Time{}).Factors[tokenomics.ResourceCPU], name)
	}
}

// The level covers 1s/Smoothing of what is left of its way in each second: against the same in floating point, and however the seconds
// are cut.
func TestFollowIsExponential(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := tokenomics.Prices{Most: 1_000_000, Smoothing: time.Duration(rapid.IntRange(2000, 3_600_000).Draw(t, "ms")) * time.Millisecond}
		at := time.Unix(1_800_000_000, 0)
		var busy tokenomics.Conditions
		for r := range busy.Of {
			busy.Of[r] = tokenomics.Load{Total: 1000, Queued: rapid.Int64Range(0, 900_000).Draw(t, "queued")}
		}
		was := p.Follow(tokenomics.Level{}, busy, at)
		require.Equal(t, p.Goal(tokenomics.Conditions{}, at), was, "it begins at base prices")
		n := rapid.IntRange(0, 5000).Draw(t, "seconds")
		end := at.Add(time.Duration(n)*time.Second + time.Duration(rapid.IntRange(0, 999).Draw(t, "ms"))*time.Millisecond)
		got, goal := p.Follow(was, busy, end), p.Goal(busy, end)
		require.Equal(t, at.Add(time.Duration(n)*time.Second), got.At, "started seconds are not lost")
		left := math.Pow(1-1/p.Smoothing.Seconds(), float64(n))
		cut := at.Add(time.Duration(rapid.IntRange(0, n).Draw(t, "cut")) * time.Second)
		twice := p.Follow(p.Follow(was, busy, cut), busy, end)
		for r := range got.Factors {
			way := float64(goal.Factors[r] - 1_000_000)
			require.InDelta(t, float64(goal.Factors[r])-left*way, float64(got.Factors[r]), 2)
			require.InDelta(t, got.Factors[r], twice.Factors[r], 2)
		}
		require.Equal(t, got, p.Follow(got, tokenomics.Conditions{}, at), "a clock that goes back moves nothing")
	})
}

func TestPricesValidate(t *testing.T) {
	require.NoError(t, tokenomics.Prices{}.Validate())
	require.NoError(t, tokenomics.Prices{
		CPUSecond: -1, GPUSecond: -1, MemoryGBSecond: -1, TransferGB: -1, Minimum: -1, MemoryFreeMB: -1, Elasticity: -1, Smoothing: -1,
	}.Validate(), "off")
	for field, p := range map[string]tokenomics.Prices{
		"CPUSecond":    {CPUSecond: 1_000_001 * tokenomics.FOG},
		"Minimum":      {Minimum: 1_000_001 * tokenomics.FOG},
		"Tiers.Gold":   {Tiers: tokenomics.TierFactors{Gold: -1}},
		"Balance":      {Balance: 1_000_001},
		"Elasticity":   {Elasticity: 1_000_001},
		"Least":        {Least: -1},
		"Most":         {Least: 1000, Most: 999},
		"MemoryFreeMB": {MemoryFreeMB: 1 << 41},
		"Smoothing":    {Smoothing: 31 * 24 * time.Hour},
	} {
		err := p.Validate()
		require.Equal(t, fault.Invalid, fault.KindOf(err), field)
		require.Equal(t, field, fault.FieldOf(err))
	}
	require.NoError(t, tokenomics.Prices{Most: 1}.Validate(), "a bound alone always works")
	require.NoError(t, tokenomics.Prices{Least: 1_000_000}.Validate())
	free := tokenomics.Prices{CPUSecond: -1, GPUSecond: -1, MemoryGBSecond: -1, TransferGB: -1, Minimum: -1}
	require.Zero(t, free.Quote(tokenomics.Level{}, tokenomics.Order{MilliCPU: 1e6, Time: time.Hour, TransferBytes: 1e12}))
}

func ExamplePrices_Quote() {
	prices := tokenomics.Prices{Tiers: tokenomics.TierFactors{Gold: 2500}}
	order := tokenomics.Order{Tier: "gold", MilliCPU: 2000, MemoryMB: 3072, Time: 10 * time.Second}
	var c tokenomics.Conditions
	c.Of[tokenomics.ResourceCPU] = tokenomics.Load{Total: 8000}
	idle := prices.Goal(c, time.Now())
	c.Of[tokenomics.ResourceCPU].Queued = 12_000 // half as much again as there is
	busy := prices.Goal(c, time.Now())
	fmt.Println(prices.Quote(idle, order), prices.Quote(busy, order))
	// Output: 0.055 0.08
}

func BenchmarkQuote(b *testing.B) {
	market := tokenomics.Prices{}
	var level tokenomics.Level
	for r := range level.Factors {
		level.Factors[r] = 1_234_567
	}
	order := tokenomics.Order{Tier: "gold", MilliCPU: 1500, MilliGPU: 500, MemoryMB: 4096, Time: 90 * time.Second, TransferBytes: 1 << 30}
	for b.Loop() {
		if market.Quote(level, order) <= 0 {
			b.Fatal("free")
		}
	}
}

// Prices that do not follow demand are the base prices at once, whatever level demand had brought them to before.
func TestPricesWithoutElasticity(t *testing.T) {
	high := tokenomics.Level{}
	for r := range high.Factors {
		high.Factors[r] = 4_000_000
	}
	order := tokenomics.Order{Tier: "bronze", MilliCPU: 1000, Time: time.Second}
	still := tokenomics.Prices{Elasticity: -1}
	require.Equal(t, still.Quote(tokenomics.Level{}, order), still.Quote(high, order))
	require.Less(t, still.Quote(high, order), tokenomics.Prices{}.Quote(high, order))
}
