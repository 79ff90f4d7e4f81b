// Package sample sums up what was measured.
package sample

import (
	"math"
	"slices"
	"strconv"
	"time"
)

// Median of values; it sorts a copy.
func Median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	if len(sorted) == 0 {
		return math.NaN()
	}
	return (sorted[(len(sorted)-1)/2] + sorted[len(sorted)/2]) / 2
}

// Percentile is the smallest value that at least a share of all do not exceed; it sorts the values.
func Percentile(values []time.Duration, share float64) time.Duration {
	if len(values) == 0 {
		return 0
	}
	slices.Sort(values)
	at := int(math.Ceil(share*float64(len(values)))) - 1
	return values[min(max(at, 0), len(values)-1)]
}

// Micros is a duration as figures print it.
func Micros(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }

// Millis is a duration as figures print it.
func Millis(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// Least is the lower end of what was measured.
func Least(values []float64) float64 { return slices.Min(values) }

// Most is the upper end.
func Most(values []float64) float64 { return slices.Max(values) }

// Number prints four digits that count, and never an exponent.
func Number(v float64) string {
	text := strconv.FormatFloat(v, 'g', 4, 64)
	rounded, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return text
	}
	return strconv.FormatFloat(rounded, 'f', -1, 64)
}
