package idle_test

import (
	"testing"
	"time"

	"github.com/fogcompute/fogcompute/fog/idle"
)

// BenchmarkTrust prints the table of the README: what each rule lets through, for five seeds an iteration. Time is not what it measures.
func BenchmarkTrust(b *testing.B) {
	const seeds = 5
	liars := []struct {
		name string
		lying
	}{
		{"none", lying{}},
		{"always", lying{devices: 50, share: 1}},
		{"tenth", lying{devices: 50, share: 0.1}},
		{"tenth_colluding", lying{devices: 50, share: 0.1, collude: true}},
		{"tenth_after_20", lying{devices: 50, share: 0.1, after: 20}},
		{"tenth_after_100", lying{devices: 50, share: 0.1, after: 100}},
		{"fiftieth", lying{devices: 50, share: 0.02}},
		{"fiftieth_after_20", lying{devices: 50, share: 0.02, after: 20}},
	}
	rules := []struct {
		name   string
		quorum bool
		idle.TrustRules
	}{
		{name: "boinc", TrustRules: boinc()},
		{name: "adaptive"},
		{name: "adaptive_held_24h", TrustRules: idle.TrustRules{HoldBack: 24 * time.Hour}},
		{name: "adaptive_held_6h", TrustRules: idle.TrustRules{HoldBack: 6 * time.Hour}},
		{name: "quorum", quorum: true, TrustRules: boinc()},
	}
	for _, l := range liars {
		for _, r := range rules {
			b.Run(l.name+"/"+r.name, func(b *testing.B) {
				var sum fleet
				for b.Loop() {
					sum = total(simulate(seeds, fleet{rules: r.TrustRules, quorum: r.quorum, liars: l.lying, errors: 0.001}))
				}
				jobs := float64(sum.jobs)
				b.ReportMetric(float64(sum.executions)/jobs, "executions/job")
				b.ReportMetric(1e6*float64(sum.lies)/jobs, "lies_ppm")
				b.ReportMetric(1e6*float64(sum.wrong)/jobs, "wrong_ppm")
				b.ReportMetric(float64(sum.banned-sum.honestBans)/seeds, "liars_banned")
				b.ReportMetric(float64(sum.honestBans), "honest_banned")
				b.ReportMetric(0, "ns/op")
			})
		}
	}
}
