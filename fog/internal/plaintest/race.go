//go:build race

package plaintest

// Race says whether this program has the race detector.
const Race = true
