package server

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/fogcompute/fogcompute/fog"
	"github.com/fogcompute/fogcompute/fog/tokenomics"
)

// houseTime is how long the engines may take to count for one scrape.
const houseTime = 2 * time.Second

// houseMetrics asks the engines for their figures at each scrape; nothing is kept between two.
type houseMetrics struct {
	house *fog.Fog

	up, jobs, open, nodes, devices, contributed                                         *prometheus.Desc
	supply, held, staked, paid, imbalance, movements, stakers, proposals, voted, voting *prometheus.Desc
}

var _ prometheus.Collector = (*houseMetrics)(nil)

func newHouseMetrics(house *fog.Fog) *houseMetrics {
	describe := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc("fog_"+name, help, labels, nil)
	}
	return &houseMetrics{
		house:       house,
		up:          describe("part_up", "1 for each part of the house that answers, else 0.", "part"),
		jobs:        describe("jobs", "Jobs in each state.", "state"),
		open:        describe("jobs_open", "Jobs that have not ended, by service level and state.", "tier", "state"),
		nodes:       describe("nodes_up", "Nodes that take work."),
		devices:     describe("devices", "Devices: enrolled, active, harvesting, idle.", "state"),
		contributed: describe("cpu_seconds_total", "CPU-seconds of validated work."),
		supply:      describe("tokens_supply", "Tokens minted, FOG."),
		held:        describe("tokens_held", "Tokens set aside for open jobs, FOG."),
		paid:        describe("tokens_paid_total", "Tokens paid for compute, FOG."),
		staked:      describe("tokens_staked", "Tokens staked, FOG."),
		stakers:     describe("stakers", "Accounts with a stake."),
		movements:   describe("ledger_movements_total", "Movements of the ledger."),
		proposals:   describe("proposals_total", "Proposals made."),
		voting:      describe("proposals_voting", "Proposals that can be voted on."),
		voted:       describe("voters_total", "Accounts that have voted."),
		imbalance:   describe("ledger_imbalance", "Sum of all balances, base units: 0, or the ledger is broken."),
	}
}

// Describe implements prometheus.Collector.
func (m *houseMetrics) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{
		m.up, m.jobs, m.open, m.nodes, m.devices, m.contributed,
		m.supply, m.held, m.staked, m.paid, m.imbalance, m.movements, m.stakers, m.proposals, m.voted, m.voting,
	} {
		out <- d
	}
}

// Collect implements prometheus.Collector. Engines that cannot answer are missing from the scrape, but not from fog_part_up.
func (m *houseMetrics) Collect(out chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, value float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, labels...)
	}
	for name, part := range m.house.Health().Parts {
		up := 0.0
		if part.State == fog.Healthy || part.State == fog.Degraded {
			up = 1
		}
		gauge(m.up, up, name)
	}
	ctx, cancel := context.WithTimeout(context.Background(), houseTime)
	defer cancel()
	stats, err := m.house.Stats(ctx)
	if err != nil {
		return
	}
	for state, n := range stats.Scheduler.States {
		gauge(m.jobs, float64(n), string(state))
	}
	for tier, states := range stats.Scheduler.Open {
		for state, n := range states {
			gauge(m.open, float64(n), string(tier), string(state))
		}
	}
	gauge(m.nodes, float64(stats.Scheduler.NodesUp))
	gauge(m.devices, float64(stats.Idle.Devices), "enrolled")
	gauge(m.devices, float64(stats.Idle.Active), "active")
	gauge(m.devices, float64(stats.Idle.Harvesting), "harvesting")
	gauge(m.devices, float64(stats.Idle.Idle), "idle")
	out <- prometheus.MustNewConstMetric(m.contributed, prometheus.CounterValue, stats.Idle.ComputeSeconds)
	m.collectLedger(out, gauge, &stats.Tokenomics)
}

// collectLedger is the part of Collect about tokens.
func (m *houseMetrics) collectLedger(out chan<- prometheus.Metric, gauge func(*prometheus.Desc, float64, ...string), stats *tokenomics.Stats) {
	tokens := func(a tokenomics.Amount) float64 { return float64(a) / float64(tokenomics.FOG) }
	counter := func(d *prometheus.Desc, value float64) {
		out <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, value)
	}
	gauge(m.supply, tokens(stats.TotalSupply))
	gauge(m.held, tokens(stats.Held))
	gauge(m.staked, tokens(stats.Staked))
	gauge(m.imbalance, float64(stats.Sum))
	gauge(m.stakers, float64(stats.Stakers))
	gauge(m.voting, float64(stats.Voting))
	counter(m.paid, tokens(stats.Volume))
	counter(m.movements, float64(stats.Movements))
	counter(m.proposals, float64(stats.Proposals))
	counter(m.voted, float64(stats.Voters))
}
