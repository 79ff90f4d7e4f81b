package fog_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/fogcompute/fogcompute/fog"
	"github.com/fogcompute/fogcompute/fog/fogtest"
	"github.com/fogcompute/fogcompute/fog/scheduler"
	"github.com/fogcompute/fogcompute/fog/tokenomics"
)

// The price of the next job follows what the scheduler counts; that of a job that was submitted stays, and max_price keeps a job out
// that has become too dear, until the price has fallen. Volume, trades and their average are those of the jobs that were settled.
func TestPricesFollowDemand(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		house, err := fog.Open(t.Context(), fog.Config{
			Tokenomics: tokenomics.Config{Prices: func() tokenomics.Prices { return tokenomics.Prices{Smoothing: -1} }},
		})
		require.NoError(t, err)
		defer func() { require.NoError(t, house.Close()) }()
		device := fogtest.Join(t, house, fogtest.Device{ID: "lamp", Cores: 1})
		pass := func() {
			time.Sleep(2 * time.Second)
			synctest.Wait()
		}
		ask := scheduler.Submission{Name: "a", Demand: scheduler.Demand{MilliCPU: 1000}, Estimate: time.Second}
		first := submit(t.Context(), t, house, ask)
		require.EqualValues(t, 1000, first.Price, "an idle fog sells at the base price")
		queued := []scheduler.JobID{first.ID}
		for range 2 {
			queued = append(queued, submit(t.Context(), t, house, ask).ID)
		}
		pass()
		ask.MaxPrice = 1000
		dear := refusal(t.Context(), t, house, ask)
		assert.Equal(t, fog.KindInsufficient, fog.KindOf(dear))
		assert.Contains(t, fog.Detail(dear), "quoted 0.003 FOG and its max_price is 0.001")
		stats, err := house.Tokenomics.Stats(t.Context())
		require.NoError(t, err)
		assert.EqualValues(t, 1, stats.Listings)

		var owed tokenomics.Amount
		for _, record := range finish(t, house, []*fogtest.Device{device}, queued...) {
			owed += tokenomics.Amount(record.Job.Price)
		}
		pass()
		stats, err = house.Tokenomics.Stats(t.Context())
		require.NoError(t, err)
		market := stats.View().Marketplace
		assert.Equal(t, []any{int64(3), owed, owed / 3}, []any{market.Trades24h, market.TotalVolume, market.AvgPrice}, "of what was settled")
		require.EqualValues(t, 1000, submit(t.Context(), t, house, ask).Price, "the queue is gone")
		record, err := house.Scheduler.Get(t.Context(), first.ID)
		require.NoError(t, err)
		assert.EqualValues(t, 1000, record.Job.Price)
	})
}

// A price that nobody can ever have is an answer, not a question to be asked again and again.
func TestAJobBeyondAllTokensIsRefused(t *testing.T) {
	house := fogtest.Open(t, fog.Config{Tokenomics: tokenomics.Config{Prices: func() tokenomics.Prices {
		return tokenomics.Prices{CPUSecond: 1_000_000 * tokenomics.FOG}
	}}})
	ask := job("dear")
	ask.Demand.MilliCPU, ask.Estimate, ask.Trust = 1000, 20*time.Minute, &scheduler.Trust{Replicas: 2, Quorum: 1}
	answers, err := house.Submit(t.Context(), []scheduler.Submission{ask})
	require.NoError(t, err)
	require.Equal(t, fog.KindInsufficient, fog.KindOf(answers[0].Err), "%v", answers[0].Err)
	assert.Equal(t, scheduler.Refused, answers[0].Job.State)
	assert.Contains(t, fog.Detail(answers[0].Err), "more than there can ever be")
}
