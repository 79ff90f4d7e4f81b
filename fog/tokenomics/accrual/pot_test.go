package accrual_test

import (
	"encoding/json"
	"fmt"
	"math"
	"math/big"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
	"github.com/fogcompute/fogcompute/fog/tokenomics/accrual"
)

// sharer is a share, with what it must have earned by the model: exactly, in base units.
type sharer struct {
	share accrual.Share
	model *big.Rat // earned and not paid
	paid  int64
}

// world is a pot with its sharers beside a model in rational numbers: each reward is divided as far as 2^-64 of a
// base unit for each unit of weight goes, and the remainder is carried forward.
type world struct {
	pot      accrual.Pot
	sharers  []*sharer
	rest     *big.Rat
	paid     int64 // to all, also those who have left
	rewarded int64
}

func newWorld() *world { return &world{rest: new(big.Rat)} }

func (w *world) total() (sum int64) {
	for _, s := range w.sharers {
		sum += int64(s.share.Weight)
	}
	return sum
}

func (w *world) reward(amount int64) {
	w.pot = must(w.pot.Reward(amount))
	w.rewarded += amount
	w.rest.Add(w.rest, new(big.Rat).SetInt64(amount))
	total := w.total()
	if total == 0 {
		return
	}
	each := new(big.Rat).Mul(w.rest, new(big.Rat).SetFrac(tokens(1), big.NewInt(total))) // in 2^-64, for each unit of weight
	whole := rat(new(big.Int).Quo(each.Num(), each.Denom()))
	for _, s := range w.sharers {
		gain := new(big.Rat).Mul(whole, new(big.Rat).SetInt64(int64(s.share.Weight)))
		s.model.Add(s.model, gain)
		w.rest.Sub(w.rest, gain)
	}
}

func (w *world) join(weight uint64) {
	pot, share, err := w.pot.Join(weight)
	if err != nil {
		panic(err)
	}
	w.pot = pot
	w.sharers = append(w.sharers, &sharer{share: share, model: new(big.Rat)})
}

func (w *world) change(s *sharer, weight uint64) {
	var err error
	if w.pot, s.share, err = w.pot.Change(s.share, weight); err != nil {
		panic(err)
	}
}

func (w *world) pay(s *sharer, amount int64) {
	w.paid, s.paid = w.paid+amount, s.paid+amount
	s.model.Sub(s.model, new(big.Rat).SetInt64(amount))
}

func (w *world) claim(s *sharer) int64 {
	share, paid, err := w.pot.Claim(s.share)
	if err != nil {
		panic(err)
	}
	s.share = share
	w.pay(s, paid)
	return paid
}

func (w *world) leave(i int) {
	s := w.sharers[i]
	pot, paid, err := w.pot.Leave(s.share)
	if err != nil {
		panic(err)
	}
	w.pot = pot
	w.sharers = append(w.sharers[:i:i], w.sharers[i+1:]...)
	w.pay(s, paid)
	w.rest.Add(w.rest, s.model)
}

// disagreement says what is not as it must be.
func (w *world) disagreement() string {
	sum := new(big.Int).Add(tokens(w.paid), bigOf(w.pot.Rest))
	for i, s := range w.sharers {
		units := earned(w.pot, s.share)
		sum.Add(sum, units)
		if rat(units).Cmp(s.model) != 0 {
			return fmt.Sprintf("share %d has earned %s, the model says %s", i, rat(units), s.model)
		}
		settled := must(w.pot.Settle(s.share))
		if earned(w.pot, settled).Cmp(units) != 0 || settled.Owed != new(big.Int).Rsh(units, 64).Int64() {
			return fmt.Sprintf("settling changes what share %d has earned", i)
		}
	}
	switch {
	case sum.Cmp(tokens(w.rewarded)) != 0:
		return fmt.Sprintf("%s units are accounted for, %s were rewarded", sum, tokens(w.rewarded))
	case rat(bigOf(w.pot.Rest)).Cmp(w.rest) != 0:
		return fmt.Sprintf("%s is left, the model says %s", w.pot.Rest, w.rest)
	case int64(w.pot.Total) != w.total():
		return fmt.Sprintf("total weight %d instead of %d", w.pot.Total, w.total())
	}
	return ""
}

// step does one random thing.
func (w *world) step(t *rapid.T) {
	what := rapid.IntRange(0, 9).Draw(t, "what")
	if len(w.sharers) == 0 && what > 3 {
		what = 3
	}
	switch {
	case what < 3:
		w.reward(drawNumber(t, "reward", accrual.Max-(w.rewarded-w.paid)))
	case what == 3:
		if len(w.sharers) < 8 {
			w.join(uint64(drawNumber(t, "weight", accrual.Max-w.total())))
		}
	default:
		i := rapid.IntRange(0, len(w.sharers)-1).Draw(t, "who")
		s := w.sharers[i]
		switch what {
		case 4, 5:
			w.change(s, uint64(drawNumber(t, "weight", accrual.Max-w.total()+int64(s.share.Weight))))
		case 6, 7:
			w.claim(s)
		case 8:
			s.share = must(w.pot.Settle(s.share))
		case 9:
			w.leave(i)
		}
	}
}

// The law: paid + earned + rest = rewarded, bit for bit, and every share has exactly what the model says.
func TestNothingIsLost(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld()
		w.join(uint64(drawNumber(t, "first", accrual.Max)))
		for range rapid.IntRange(1, 200).Draw(t, "steps") {
			w.step(t)
			if text := w.disagreement(); text != "" {
				t.Fatal(text)
			}
		}
		for len(w.sharers) > 0 { // in the end everything is paid, but for the rest
			w.leave(0)
		}
		if text := w.disagreement(); text != "" {
			t.Fatal(text)
		}
	})
}

// The division is also fair: beside an ideal one with real numbers, nobody is off by more than the remainders, which are at most
// Max units of 2^-64 a reward.
func TestDivisionIsFair(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pot, shares := accrual.Pot{}, make([]accrual.Share, rapid.IntRange(1, 5).Draw(t, "sharers"))
		ideal := make([]*big.Rat, len(shares))
		for i := range ideal {
			ideal[i] = new(big.Rat)
		}
		waits, left := new(big.Rat), int64(accrual.Max)
		rounds := rapid.IntRange(1, 30).Draw(t, "rounds")
		for range rounds {
			i := rapid.IntRange(0, len(shares)-1).Draw(t, "who")
			var err error
			most := accrual.Max - int64(pot.Total-shares[i].Weight)
			if pot, shares[i], err = pot.Change(shares[i], uint64(drawNumber(t, "weight", most))); err != nil {
				t.Fatal(err)
			}
			amount := drawNumber(t, "amount", left)
			left -= amount
			pot = must(pot.Reward(amount))
			waits.Add(waits, new(big.Rat).SetInt64(amount))
			if pot.Total == 0 {
				continue
			}
			for k, s := range shares {
				part := new(big.Rat).SetFrac64(int64(s.Weight), int64(pot.Total))
				ideal[k].Add(ideal[k], part.Mul(part, waits))
			}
			waits.SetInt64(0)
		}
		tolerance := rat(big.NewInt(2 * int64(rounds) * accrual.Max))
		for k, s := range shares {
			off := new(big.Rat).Sub(rat(earned(pot, s)), ideal[k])
			if off.Abs(off).Cmp(tolerance) > 0 {
				t.Fatalf("share %d is off by %s", k, off.FloatString(20))
			}
		}
	})
}

// Claiming does not matter to what anybody earns: not when, not in which order, and twice is once.
func TestClaimsDoNotMatter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		never, often := newWorld(), newWorld()
		both := func(f func(*world)) { f(never); f(often) }
		n := rapid.IntRange(1, 8).Draw(t, "sharers")
		for range n {
			weight := uint64(drawNumber(t, "weight", accrual.Max/8))
			both(func(w *world) { w.join(weight) })
		}
		for range rapid.IntRange(1, 40).Draw(t, "steps") {
			if rapid.Bool().Draw(t, "change") {
				i, weight := rapid.IntRange(0, n-1).Draw(t, "who"), uint64(drawNumber(t, "weight", accrual.Max/8))
				both(func(w *world) { w.change(w.sharers[i], weight) })
			}
			amount := drawNumber(t, "reward", accrual.Max-never.rewarded)
			both(func(w *world) { w.reward(amount) })
			for _, i := range rapid.SliceOfN(rapid.IntRange(0, n-1), 0, 4).Draw(t, "claims") {
				often.claim(often.sharers[i])
				if again := often.claim(often.sharers[i]); again != 0 {
					t.Fatalf("claimed %d again", again)
				}
			}
		}
		if never.pot != often.pot {
			t.Fatal("claims change the pot")
		}
		for _, i := range rapid.Permutation([]int{0, 1, 2, 3, 4, 5, 6, 7}).Draw(t, "order") {
			if i < n {
				never.claim(never.sharers[i])
			}
		}
		for i := range n {
			often.claim(often.sharers[i])
			if a, b := never.sharers[i], often.sharers[i]; a.paid != b.paid || a.share != b.share {
				t.Fatalf("share %d was paid %d and %d", i, a.paid, b.paid)
			}
		}
	})
}

// Who splits a stake in two earns the same in units of 2^-64, and is paid the same within one base unit.
func TestSplittingAStakeGainsNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := drawNumber(t, "a", accrual.Max/3), drawNumber(t, "b", accrual.Max/3)
		others := drawNumber(t, "others", accrual.Max/3)
		whole, split := newWorld(), newWorld()
		whole.join(uint64(others))
		whole.join(uint64(a + b))
		for _, weight := range []int64{others, a, b} {
			split.join(uint64(weight))
		}
		for range rapid.IntRange(1, 20).Draw(t, "rewards") {
			amount := drawNumber(t, "reward", accrual.Max-whole.rewarded)
			whole.reward(amount)
			split.reward(amount)
		}
		one := earned(whole.pot, whole.sharers[1].share)
		two := new(big.Int).Add(earned(split.pot, split.sharers[1].share), earned(split.pot, split.sharers[2].share))
		if one.Cmp(two) != 0 {
			t.Fatalf("earned %s whole and %s split", one, two)
		}
		paid := whole.claim(whole.sharers[1]) - split.claim(split.sharers[1]) - split.claim(split.sharers[2])
		if paid != 0 && paid != 1 {
			t.Fatalf("the whole stake is paid %d more", paid)
		}
	})
}

// Acc may wrap around: wherever it stands, the same things happen.
func TestAccMayWrapAround(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		plain, moved := newWorld(), newWorld()
		moved.pot.Acc = accrual.U128{
			Hi: math.MaxUint64 - rapid.Uint64Range(0, accrual.Max).Draw(t, "hi"), Lo: rapid.Uint64().Draw(t, "lo"),
		}
		for range rapid.IntRange(1, 4).Draw(t, "sharers") {
			weight := uint64(drawNumber(t, "weight", accrual.Max/4))
			plain.join(weight)
			moved.join(weight)
		}
		for range rapid.IntRange(1, 40).Draw(t, "rewards") {
			amount := drawNumber(t, "amount", accrual.Max-(plain.rewarded-plain.paid))
			plain.reward(amount)
			moved.reward(amount)
			i := rapid.IntRange(0, len(plain.sharers)-1).Draw(t, "who")
			if plain.claim(plain.sharers[i]) != moved.claim(moved.sharers[i]) {
				t.Fatal("paid differently")
			}
		}
		if text := plain.disagreement() + moved.disagreement(); text != "" {
			t.Fatal(text)
		}
	})
}

// At the bounds of everything: the heaviest and the lightest share, the greatest reward, again and again.
func TestBounds(t *testing.T) {
	for _, weights := range [][]uint64{{1}, {accrual.Max}, {1, accrual.Max - 1}, {accrual.Max / 2, accrual.Max / 2}, {0, 1}} {
		w := newWorld()
		for _, weight := range weights {
			w.join(weight)
		}
		for range 200 {
			w.reward(accrual.Max - (w.rewarded - w.paid))
			require.Empty(t, w.disagreement())
			for _, s := range w.sharers {
				w.claim(s)
			}
			require.Empty(t, w.disagreement())
		}
		require.GreaterOrEqual(t, w.rewarded, int64(190*accrual.Max), "%v", weights)
	}
}

func TestRewardsWaitForWeight(t *testing.T) {
	pot := must(must(accrual.Pot{}.Reward(7)).Reward(accrual.Max - 8))
	require.Equal(t, accrual.Pot{Rest: accrual.U128{Hi: accrual.Max - 1}}, pot)
	pot, share, err := pot.Join(3)
	require.NoError(t, err)
	_, paid, err := pot.Claim(share)
	require.NoError(t, err)
	require.Zero(t, paid, "joining divides nothing")
	_, paid, err = must(pot.Reward(0)).Claim(share)
	require.NoError(t, err)
	require.EqualValues(t, accrual.Max-1, paid)
}

func TestPotRefuses(t *testing.T) {
	pot, share, err := accrual.Pot{}.Join(10)
	require.NoError(t, err)
	for _, amount := range []int64{-1, math.MinInt64, accrual.Max + 1, math.MaxInt64} {
		_, err := pot.Reward(amount)
		require.Equal(t, "amount", fault.FieldOf(err))
	}
	for _, weight := range []uint64{accrual.Max + 1, math.MaxUint64, accrual.Max - 9} {
		_, _, err := pot.Join(weight)
		require.Equal(t, "weight", fault.FieldOf(err), weight)
	}
	_, _, err = pot.Change(share, accrual.Max+1)
	require.Equal(t, "weight", fault.FieldOf(err))
	_, _, err = pot.Change(share, accrual.Max)
	require.NoError(t, err)
	_, err = accrual.Pot{}.Absorb(pot)
	require.ErrorIs(t, err, &fault.Error{Kind: fault.Conflict})
}

func TestDamagedNumbersAreBroken(t *testing.T) {
	much := accrual.U128{Hi: accrual.Max}
	for name, c := range map[string]struct {
		pot   accrual.Pot
		share accrual.Share
	}{
		"weight beyond total": {accrual.Pot{Total: 1}, accrual.Share{Weight: 2}},
		"negative debt":       {accrual.Pot{Total: 1}, accrual.Share{Owed: -1}},
		"debt beyond max":     {accrual.Pot{Total: 1}, accrual.Share{Owed: accrual.Max, Fraction: 1}},
		"huge debt":           {accrual.Pot{Total: 1, Acc: accrual.U128{Hi: math.MaxUint64}}, accrual.Share{Weight: 1, Owed: math.MaxInt64}},
		"product beyond 128":  {accrual.Pot{Total: 1 << 40, Acc: much}, accrual.Share{Weight: 1 << 40}},
		"share of the future": {accrual.Pot{Total: 5}, accrual.Share{Weight: 5, Acc: accrual.U128{Lo: 1}}},
	} {
		_, err := c.pot.Earned(c.share)
		require.ErrorIs(t, err, accrual.ErrBroken, name)
		_, err = c.pot.Settle(c.share)
		require.ErrorIs(t, err, accrual.ErrBroken, name)
		_, _, err = c.pot.Claim(c.share)
		require.ErrorIs(t, err, accrual.ErrBroken, name)
		_, _, err = c.pot.Change(c.share, 0)
		require.ErrorIs(t, err, accrual.ErrBroken, name)
		_, _, err = c.pot.Leave(c.share)
		require.ErrorIs(t, err, accrual.ErrBroken, name)
		_, _, err = accrual.Pot{}.Collect(c.pot, c.share)
		require.ErrorIs(t, err, accrual.ErrBroken, name)
	}
	for name, pot := range map[string]accrual.Pot{
		"full": {Rest: much}, "wraps": {Rest: accrual.U128{Hi: math.MaxUint64, Lo: 1}}, "heavy": {Total: accrual.Max + 1},
	} {
		_, err := pot.Reward(accrual.Max)
		require.ErrorIs(t, err, accrual.ErrBroken, name)
		_, err = pot.Absorb(accrual.Pot{Rest: much})
		require.ErrorIs(t, err, accrual.ErrBroken, name)
	}
	_, _, err := accrual.Pot{Rest: much}.Leave(accrual.Share{Fraction: 1})
	require.ErrorIs(t, err, accrual.ErrBroken)
	_, _, err = accrual.Pot{Rest: much}.Collect(accrual.Pot{}, accrual.Share{Owed: 1})
	require.ErrorIs(t, err, accrual.ErrBroken)
}

func TestPotJSON(t *testing.T) {
	pot := accrual.Pot{Total: accrual.Max, Acc: accrual.U128{Hi: math.MaxUint64, Lo: math.MaxUint64}, Rest: accrual.U128{Lo: 1 << 63}}
	text, err := json.Marshal(pot)
	require.NoError(t, err)
	require.Equal(t, `{"total":1000000000000000,"acc":"340282366920938463463374607431768211455","rest":"9223372036854775808"}`, string(text))
	share := accrual.Share{Weight: 5, Acc: accrual.U128{Hi: 1}, Fraction: math.MaxUint64, Owed: accrual.Max}
	written, err := json.Marshal(share)
	require.NoError(t, err)
	require.Equal(t, `{"weight":5,"acc":"18446744073709551616","fraction":"18446744073709551615","owed":1000000000000000}`, string(written))
	var pot2 accrual.Pot
	var share2 accrual.Share
	require.NoError(t, json.Unmarshal(text, &pot2))
	require.NoError(t, json.Unmarshal(written, &share2))
	require.Equal(t, pot, pot2)
	require.Equal(t, share, share2)
}

// FuzzPot gives hostile numbers to every method: an answer conserves everything, or it is an error.
func FuzzPot(f *testing.F) {
	f.Add(uint64(10), uint64(0), uint64(5), uint64(0), uint64(3), uint64(3), uint64(0), uint64(0), uint64(9), int64(1), int64(100))
	f.Add(uint64(accrual.Max), uint64(math.MaxUint64), uint64(math.MaxUint64), uint64(0), uint64(math.MaxUint64), uint64(accrual.Max),
		uint64(math.MaxUint64), uint64(math.MaxUint64), uint64(math.MaxUint64), int64(accrual.Max), int64(accrual.Max))
	f.Add(uint64(1), uint64(0), uint64(0), uint64(accrual.Max), uint64(0), uint64(1), uint64(0), uint64(0), uint64(0), int64(-1), int64(-1))
	f.Fuzz(func(t *testing.T, total, accHi, accLo, restHi, restLo, weight, atHi, atLo, fraction uint64, owed, amount int64) {
		pot := accrual.Pot{Total: total, Acc: accrual.U128{Hi: accHi, Lo: accLo}, Rest: accrual.U128{Hi: restHi, Lo: restLo}}
		share := accrual.Share{Weight: weight, Acc: accrual.U128{Hi: atHi, Lo: atLo}, Fraction: fraction, Owed: owed}
		units, err := pot.Earned(share)
		if err != nil {
			return
		}
		before := bigOf(units)
		if claimed, paid, err := pot.Claim(share); err != nil || new(big.Int).Add(tokens(paid), earned(pot, claimed)).Cmp(before) != 0 {
			t.Fatalf("claim: %v", err)
		}
		before.Add(before, bigOf(pot.Rest))
		if left, paid, err := pot.Leave(share); err == nil && new(big.Int).Add(tokens(paid), bigOf(left.Rest)).Cmp(before) != 0 {
			t.Fatal("leave")
		}
		if weight != total { // the others have earned something that we do not know
			return
		}
		before.Add(before, tokens(amount))
		rewarded, err := pot.Reward(amount)
		if err != nil {
			return
		}
		if units, err := rewarded.Earned(share); err == nil && bigOf(units).Add(bigOf(units), bigOf(rewarded.Rest)).Cmp(before) != 0 {
			t.Fatal("reward")
		}
	})
}
