package id_test

import (
	"bytes"
	"cmp"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/fogcompute/fogcompute/fog/internal/id"
)

// The specification's own example of a time, and the largest identifier there is.
func TestVectors(t *testing.T) {
	zeros := bytes.Repeat([]byte{0}, 10)
	ones := bytes.Repeat([]byte{0xff}, 10)
	for _, v := range []struct {
		milli  int64
		random []byte
		want   string
	}{
		{0, zeros, "00000000000000000000000000"},
		{1469918176385, zeros, "01aryz6s410000000000000000"}, // the time of 01ARYZ6S41TSV4RRFFQ69G5FAV
		{1<<48 - 1, ones, "7zzzzzzzzzzzzzzzzzzzzzzzzz"},
		{1 << 50, ones, "7zzzzzzzzzzzzzzzzzzzzzzzzz"},
		{-5, ones, "0000000000zzzzzzzzzzzzzzzz"},
		{1, []byte{0, 0, 0, 0, 0, 0, 0, 0, 0, 1}, "00000000010000000000000001"},
	} {
		require.Equal(t, v.want, id.New(time.UnixMilli(v.milli), bytes.NewReader(v.random)))
	}
}

func TestOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		moment := rapid.Int64Range(0, 1<<48-1)
		bits := rapid.SliceOfN(rapid.Byte(), 10, 10)
		m1, m2 := moment.Draw(t, "m1"), moment.Draw(t, "m2")
		r1, r2 := bits.Draw(t, "r1"), bits.Draw(t, "r2")
		a, b := id.New(time.UnixMilli(m1), bytes.NewReader(r1)), id.New(time.UnixMilli(m2), bytes.NewReader(r2))
		want := bytes.Compare(r1, r2)
		if m1 != m2 {
			want = cmp.Compare(m1, m2)
		}
		if got := strings.Compare(a, b); got != want {
			t.Fatalf("%s and %s compare as %d, want %d", a, b, got, want)
		}
		if len(a) != id.Length || strings.Trim(a, "0123456789abcdefghjkmnpqrstvwxyz") != "" {
			t.Fatalf("%q is not in the alphabet", a)
		}
	})
}

func TestRandomSource(t *testing.T) {
	require.NotEqual(t, id.New(time.Unix(1, 0), nil), id.New(time.Unix(1, 0), nil))
	require.Panics(t, func() { id.New(time.Unix(1, 0), iotest.ErrReader(io.ErrNoProgress)) })
}

func TestSeries(t *testing.T) {
	require.Empty(t, id.Series(time.Unix(1, 0), nil, 0))
	ones := bytes.Repeat([]byte{0xff}, 10)
	now := time.UnixMilli(1469918176385)
	series := id.Series(now, bytes.NewReader(ones), 1000)
	require.Len(t, series, 1000)
	for i, s := range series {
		require.Len(t, s, id.Length)
		require.True(t, strings.HasPrefix(s, "01aryz6s41"), "the time stays: %s", s)
		require.True(t, i == 0 || series[i-1] < s, "%s after %s", s, series[max(i, 1)-1])
	}
	zeros := bytes.Repeat([]byte{0}, 10)
	require.Equal(t, []string{id.New(now, bytes.NewReader(zeros))}, id.Series(now, bytes.NewReader(zeros), 1))
	require.NotEqual(t, id.Series(now, nil, 2), id.Series(now, nil, 2))
}
