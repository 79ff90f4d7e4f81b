//go:build !race

package fog_test

const raceEnabled = false
