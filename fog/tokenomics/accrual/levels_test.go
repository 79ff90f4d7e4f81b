package accrual_test

import (
	"fmt"
	"math/big"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/fogcompute/fogcompute/fog/tokenomics/accrual"
)

// branch is a pot that is a sharer of a parent.
type branch struct {
	pot      accrual.Pot
	inParent accrual.Share
	sharers  []accrual.Share
}

// tree is a parent with branches.
type tree struct {
	parent         accrual.Pot
	branches       []*branch
	paid, rewarded int64
}

func (tr *tree) collect(b *branch) {
	var err error
	if b.pot, b.inParent, err = b.pot.Collect(tr.parent, b.inParent); err != nil {
		panic(err)
	}
}

// follow makes the weight of a branch in its parent that of its sharers.
func (tr *tree) follow(b *branch) {
	var err error
	if tr.parent, b.inParent, err = tr.parent.Change(b.inParent, b.pot.Total); err != nil {
		panic(err)
	}
}

func (tr *tree) change(b *branch, i int, weight uint64) {
	tr.collect(b)
	var err error
	if b.pot, b.sharers[i], err = b.pot.Change(b.sharers[i], weight); err != nil {
		panic(err)
	}
	tr.follow(b)
}

func (tr *tree) claim(b *branch, i int) {
	tr.collect(b)
	share, paid, err := b.pot.Claim(b.sharers[i])
	if err != nil {
		panic(err)
	}
	b.sharers[i], tr.paid = share, tr.paid+paid
}

// disagreement checks the law over both levels.
func (tr *tree) disagreement() string {
	sum := new(big.Int).Add(tokens(tr.paid), bigOf(tr.parent.Rest))
	for _, b := range tr.branches {
		sum.Add(sum, earned(tr.parent, b.inParent)).Add(sum, bigOf(b.pot.Rest))
		for _, s := range b.sharers {
			sum.Add(sum, earned(b.pot, s))
		}
	}
	if sum.Cmp(tokens(tr.rewarded)) != 0 {
		return fmt.Sprintf("%s units are accounted for, %s were rewarded", sum, tokens(tr.rewarded))
	}
	return ""
}

// Over two levels nothing is lost either, whatever is rewarded where, and whenever a branch collects. Branches go and
// come back as well.
func TestNothingIsLostInTwoLevels(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		tr := &tree{}
		for range rapid.IntRange(1, 4).Draw(t, "branches") {
			tr.branches = append(tr.branches, &branch{sharers: make([]accrual.Share, rapid.IntRange(1, 4).Draw(t, "sharers"))})
		}
		for range rapid.IntRange(1, 120).Draw(t, "steps") {
			b := rapid.SampledFrom(tr.branches).Draw(t, "branch")
			i := rapid.IntRange(0, len(b.sharers)-1).Draw(t, "sharer")
			switch rapid.IntRange(0, 7).Draw(t, "what") {
			case 0, 1:
				amount := drawNumber(t, "reward", accrual.Max-(tr.rewarded-tr.paid))
				tr.parent, tr.rewarded = must(tr.parent.Reward(amount)), tr.rewarded+amount
			case 2:
				amount := drawNumber(t, "reward of a branch", accrual.Max-(tr.rewarded-tr.paid))
				b.pot, tr.rewarded = must(b.pot.Reward(amount)), tr.rewarded+amount
			case 3, 4:
				tr.change(b, i, uint64(drawNumber(t, "weight", accrual.Max/16)))
			case 5:
				tr.claim(b, i)
			case 6:
				tr.collect(b)
			case 7:
				tr.dissolve(b)
			}
			if text := tr.disagreement(); text != "" {
				t.Fatal(text)
			}
		}
	})
}

// dissolve takes a branch out with all its sharers, and puts an empty one into its place.
func (tr *tree) dissolve(b *branch) {
	tr.collect(b)
	for _, s := range b.sharers {
		pot, paid, err := b.pot.Leave(s)
		if err != nil {
			panic(err)
		}
		b.pot, tr.paid = pot, tr.paid+paid
	}
	tr.follow(b)
	tr.parent = must(tr.parent.Absorb(b.pot))
	*b = branch{sharers: make([]accrual.Share, len(b.sharers))}
}

// If each branch weighs what its sharers weigh, everybody earns as in a single pot, but for the remainders of the divisions.
func TestTwoLevelsEarnAsOne(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		tr, flat := &tree{branches: []*branch{{}, {}, {}}}, accrual.Pot{}
		shares := make([][]accrual.Share, len(tr.branches))
		for k, b := range tr.branches {
			b.sharers = make([]accrual.Share, rapid.IntRange(1, 3).Draw(t, "sharers"))
			shares[k] = make([]accrual.Share, len(b.sharers))
		}
		steps := rapid.IntRange(1, 60).Draw(t, "steps")
		for range steps {
			k := rapid.IntRange(0, len(tr.branches)-1).Draw(t, "branch")
			b := tr.branches[k]
			i := rapid.IntRange(0, len(b.sharers)-1).Draw(t, "sharer")
			switch rapid.IntRange(0, 2).Draw(t, "what") {
			case 0:
				amount := drawNumber(t, "reward", accrual.Max-tr.rewarded)
				tr.parent, flat = must(tr.parent.Reward(amount)), must(flat.Reward(amount))
				tr.rewarded += amount
			case 1:
				weight := uint64(drawNumber(t, "weight", accrual.Max/16))
				tr.change(b, i, weight)
				var err error
				if flat, shares[k][i], err = flat.Change(shares[k][i], weight); err != nil {
					t.Fatal(err)
				}
			case 2:
				tr.collect(b)
			}
		}
		tolerance := big.NewInt(8 * int64(steps) * accrual.Max) // a remainder is below Max units, at each level and step
		for k, b := range tr.branches {
			tr.collect(b)
			for i, s := range b.sharers {
				off := new(big.Int).Sub(earned(b.pot, s), earned(flat, shares[k][i]))
				if off.CmpAbs(tolerance) > 0 {
					t.Fatalf("sharer %d of branch %d is off by %s", i, k, rat(off).FloatString(20))
				}
			}
		}
	})
}

// What a share of the parent was settled with before goes to the branch as well, to the last unit.
func TestCollectTakesWhatWasSettled(t *testing.T) {
	parent, inParent, err := accrual.Pot{}.Join(2)
	require.NoError(t, err)
	parent, _, err = parent.Join(1)
	require.NoError(t, err)
	parent, inParent, err = must(parent.Reward(1_000_000)).Change(inParent, 5)
	require.NoError(t, err)
	require.EqualValues(t, 666_666, inParent.Owed)
	require.NotZero(t, inParent.Fraction)
	parent = must(parent.Reward(6))
	want := earned(parent, inParent)
	child, collected, err := accrual.Pot{}.Collect(parent, inParent)
	require.NoError(t, err)
	require.Equal(t, want, bigOf(child.Rest))
	require.Equal(t, accrual.Share{Weight: 5, Acc: parent.Acc}, collected)
	again, collected, err := child.Collect(parent, collected)
	require.NoError(t, err)
	require.Equal(t, child, again)
	require.Zero(t, earned(parent, collected).Sign())
}

// A third of one base unit arrives in a branch as a third, and three of them as one base unit: the units of 2^-64 that the
// divisions left are in it.
func TestFractionsArePassedOn(t *testing.T) {
	tr := &tree{}
	for range 3 {
		b := &branch{sharers: make([]accrual.Share, 1)}
		tr.branches = append(tr.branches, b)
		tr.change(b, 0, 1)
	}
	for round, paid := range []int64{0, 0, 3, 3, 3, 6} {
		tr.parent, tr.rewarded = must(tr.parent.Reward(1)), tr.rewarded+1
		for _, b := range tr.branches {
			tr.claim(b, 0)
			require.Zero(t, b.inParent.Fraction, "a branch keeps nothing back")
		}
		require.Equal(t, paid, tr.paid, "round %d", round)
		require.Empty(t, tr.disagreement())
	}
	require.Zero(t, tr.parent.Rest)
	require.Zero(t, tr.branches[0].sharers[0].Fraction)
}
