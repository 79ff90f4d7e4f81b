package tokenomicstest

import (
	"math/rand/v2"
	"os"
	"strconv"
	"testing"

	"pgregory.net/rapid"

	"github.com/fogcompute/fogcompute/fog/tokenomics"
	"github.com/fogcompute/fogcompute/fog/tokenomics/tokenomicstest/model"
)

// Fresh returns an empty store. The one that it has returned before is used no more: it may be the same, emptied.
type Fresh func(t testing.TB) tokenomics.Store

// Partition shows law 12, over all operations, with time passing between them: in whatever batches requests come, wherever the process
// dies in between, verdicts, balances and rows are those of one request after the other, which are those of the model. What was refused
// leaves no trace.
func Partition(t *testing.T, fresh Fresh) {
	rapid.Check(t, func(rt *rapid.T) {
		draw := func(label string) func(int) int {
			return func(n int) int { return rapid.IntRange(0, n-1).Draw(rt, label) }
		}
		size := func(most int) int { return 1 + draw("batch")(most) }
		dies := func() bool { return draw("dies")(4) == 3 }
		c := newCourse(rt, draw("history"))
		c.history.Mix = []model.Mix{model.Even(), {Money: 1, Stakes: 6}, {Stakes: 1, Votes: 9}}[draw("mix")(3)]
		c.run(tokenomics.NewMemory(nil), nil, nil)
		c.run(fresh(t), size, dies)
		c.run(tokenomics.NewMemory(nil), size, dies).only = true
		for c.begin(); c.posted < 60; {
			c.next(8)
		}
		c.end()
	})
}

// Variables of the environment by which tests are made longer, and repeated.
const (
	lengthVariable = "FOG_TEST_REQUESTS" // how many requests a test of endurance makes
	seedVariable   = "FOG_TEST_SEED"     // what decides everything that is random
)

// Length returns how many requests a test of endurance makes on each store: what FOG_TEST_REQUESTS says, or else usual.
func Length(t testing.TB, usual int) int {
	t.Helper()
	return int(variable(t, lengthVariable, uint64(usual)))
}

// Seed returns what decides everything that is random in a test: what FOG_TEST_SEED says, or else always the same, so that a change
// that has nothing to do with the ledger does not fail for what it did not do. make soak draws another for each run.
func Seed(t testing.TB) uint64 {
	t.Helper()
	seed := variable(t, seedVariable, 1)
	t.Logf("to repeat it: %s=%d", seedVariable, seed)
	return seed
}

func variable(t testing.TB, name string, otherwise uint64) uint64 {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	value, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		t.Fatalf("%s is not a number: %v", name, err)
	}
	return value
}

// Endure takes a store through histories of so many random requests in all, of all operations, in batches of up to most, and compares it
// with the model. The seed decides everything.
func Endure(t *testing.T, fresh Fresh, requests, most int, seed uint64) {
	t.Helper()
	t.Logf("%d requests", requests)
	for n := uint64(0); requests > 0 && !t.Failed(); n++ {
		requests -= endure(t, fresh, most, rand.New(rand.NewPCG(seed, n)))
	}
}

// endure takes a store through one history: one of twenty-four is about everything alike, the others mostly about money.
func endure(t *testing.T, fresh Fresh, most int, random *rand.Rand) int {
	c := newCourse(t, random.IntN)
	if random.IntN(24) > 0 {
		c.history.Mix = model.Mix{Money: 97, Stakes: 2, Votes: 1}
		c.economics = model.Other(c.economics) // then a capture touches no stake, at first
		c.model.Economics = c.economics
	}
	length, batch := (8*most)<<random.IntN(4), most>>random.IntN(4)
	c.run(fresh(t), func(rest int) int { return 1 + random.IntN(min(batch, rest)) }, func() bool { return random.IntN(50) == 0 })
	for c.begin(); c.posted < length; {
		c.next(4 * most)
	}
	c.end()
	return c.posted
}
