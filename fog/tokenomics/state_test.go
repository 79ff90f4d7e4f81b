package tokenomics

import (
	"maps"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
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
