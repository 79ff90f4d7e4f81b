package tokenomics

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/fogcompute/fogcompute/fog/tokenomics/chain"
)

// What is divided adds up, and nobody gets more than a unit beside its part.
func TestSplit(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		own := rapid.Int64Range(0, int64(MaxSupply)).Draw(rt, "own")
		var to []Delegation
		rest := whole
		for range rapid.IntRange(0, maxDelegates).Draw(rt, "delegates") {
			if rest > 0 {
				d := Delegation{Part: rapid.IntRange(1, rest).Draw(rt, "bp")}
				to, rest = append(to, d), rest-d.Part
			}
		}
		parts, keeps := split(own, to)
		sum := keeps
		for i, p := range parts {
			sum += p
			exact := int64(part(Amount(own), to[i].Part))
			require.GreaterOrEqual(rt, p, exact)
			require.LessOrEqual(rt, p, exact+int64(len(to)))
		}
		require.Equal(rt, own, sum)
		if rest == 0 {
			require.Zero(rt, keeps)
		}
	})
}

// An evaluation knows powers of any movement, decided or written, once it has loaded what it lacks.
func TestPowersInAnEvaluation(t *testing.T) {
	ann := SeriesRef{Series: SeriesPower, Key: "ann"}
	s := newState(Fence{}, Loaded{Head: chain.Head{Last: 10}})
	e := evaluation{state: s, now: time.Unix(0, 0)}
	_, err := e.powerAt("", "ann", 9)
	require.ErrorIs(t, err, errMissing)
	wanted := s.missing()
	require.Equal(t, []PointRef{{ann, 9}}, wanted.Points)
	s.learn(wanted, Loaded{Points: map[PointRef]Point{{ann, 9}: {PointRef{ann, 4}, []byte("7")}}})
	power, err := e.powerAt("", "ann", 9)
	require.NoError(t, err)
	require.EqualValues(t, 7, power)

	s.head.Last = 11
	e.amountPoint(ann, 8)
	e.amountPoint(ann, 9) // in the same movement
	e.amountPoint(SeriesRef{Series: SeriesOwn, Key: "ann"}, 3)
	e.amountPoint(SeriesRef{Series: SeriesTotal}, 12)
	e.point(SeriesRef{Series: SeriesDelegation, Key: "ann"}, []byte(`[{"to":"bob","bp":100}]`))
	require.Len(t, s.recent.rows[ann], 1)
	for want, read := range map[Amount]func() (Amount, error){
		9:  func() (Amount, error) { return e.powerAt("", "ann", 11) },
		3:  func() (Amount, error) { return e.ownAt("", "ann", 12) },
		12: func() (Amount, error) { return e.totalAt("", 11) },
		7:  func() (Amount, error) { return e.powerAt("", "ann", 9) },
	} {
		got, err := read()
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
	to, err := e.delegationsAt("", "ann", 11)
	require.NoError(t, err)
	require.Equal(t, []Delegation{{To: "bob", Part: 100}}, to)
	_, err = e.delegationsAt("", "ann", 10)
	require.ErrorIs(t, err, errMissing)
}
