package tokenomics

import (
	"fmt"
	"maps"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/fogcompute/fogcompute/fog/tokenomics/chain"
)

// A table that is rolled back is what it was at the mark, unknown rows included, and changed lists each changed row once as
// it was.
func TestTableRollsBack(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		var table table[int, string]
		table.open()
		type moment struct {
			mark int
			rows map[int]string
		}
		begin := maps.Clone(table.rows)
		moments := []moment{{table.mark(), begin}}
		for range rapid.IntRange(0, 40).Draw(rt, "steps") {
			switch rapid.IntRange(0, 3).Draw(rt, "step") {
			case 0:
				moments = append(moments, moment{table.mark(), maps.Clone(table.rows)})
			case 1:
				back := rapid.IntRange(0, len(moments)-1).Draw(rt, "back")
				table.rollback(moments[back].mark)
				require.Equal(rt, moments[back].rows, table.rows)
				moments = moments[:back+1]
			default:
				table.set(rapid.IntRange(0, 4).Draw(rt, "key"), rapid.StringN(0, 2, 2).Draw(rt, "row"))
			}
		}
		seen := map[int]bool{}
		for key, before := range table.changed {
			require.False(rt, seen[key])
			seen[key] = true
			require.Equal(rt, begin[key], before)
		}
		for key := range table.rows {
			require.True(rt, seen[key])
		}
		table.settle()
		for range table.changed {
			rt.Fatal("what was settled is no change any more")
		}
	})
}

// What is asked for and unknown is listed once.
func TestTableAsks(t *testing.T) {
	var table table[int, string]
	table.open()
	_, known := table.get(1)
	require.False(t, known)
	table.get(1)
	require.Equal(t, []int{1}, table.wanted())
	require.Empty(t, table.wanted())
	learn(&table, []int{1, 2}, map[int]string{2: "two"})
	row, known := table.get(1)
	require.True(t, known, "it is known that it does not exist")
	require.Zero(t, row)
	row, _ = table.get(2)
	require.Equal(t, "two", row)
	require.Empty(t, table.wanted())
}

// What the latest batch has changed is never forgotten: it may not be written yet. Everything before it may be loaded again.
func TestTrimKeepsWhatIsNotWritten(t *testing.T) {
	s := newState(Fence{}, Loaded{Head: chain.Head{Last: 1000}})
	series := SeriesRef{Series: SeriesTotal}
	line := func(n int) SubAccount { return SubAccount{Account: Account(fmt.Sprint(n)), Kind: KindAvailable} }
	batch := func(from, to int64) {
		for seq := from; seq <= to; seq++ {
			s.add(Point{PointRef: PointRef{series, seq}})
			s.lines.set(line(int(seq)), Line{Seq: seq})
		}
		s.settle()
		s.ground, s.head.Last = from-1, to
	}
	batch(1001, 1300)
	batch(1301, 1400)
	s.trim()
	s.trim()
	require.Len(t, s.recent.rows[series], 100)
	batch(1401, 1401)
	require.Len(t, s.recent.rows[series], 101)

	batch(1402, 1404)
	trim(&s.lines, 5)
	trim(&s.lines, 2)
	require.Len(t, s.lines.rows, 3)
	require.EqualValues(t, 1404, s.lines.rows[line(1404)].Seq)
	_, known := s.lines.get(line(1401))
	require.False(t, known)
}

// A point that replaces another one comes to nothing with its request.
func TestPointsRollBack(t *testing.T) {
	s := newState(Fence{}, Loaded{Head: chain.Head{Last: 1}})
	at := PointRef{SeriesRef{Series: SeriesTotal}, 1}
	s.add(Point{at, []byte("1")})
	before := s.mark()
	s.add(Point{at, []byte("2")})
	s.add(Point{PointRef{at.SeriesRef, 2}, []byte("3")})
	s.rollback(before)
	p, known := s.at(PointRef{at.SeriesRef, 9})
	require.True(t, known)
	require.Equal(t, Point{at, []byte("1")}, p)
}
