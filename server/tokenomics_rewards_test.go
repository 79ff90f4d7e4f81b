package server_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/fogcompute/fogcompute/fog"
	"github.com/fogcompute/fogcompute/fog/fogtest"
	"github.com/fogcompute/fogcompute/fog/tokenomics"
	"github.com/fogcompute/fogcompute/fog/tokenomics/accrual"
	"github.com/fogcompute/fogcompute/server"
)

const (
	claimPath    = "/api/tokenomics/claim"
	compoundPath = "/api/tokenomics/compound"
)

// emitting opens a house in which stakers earn 10 FOG a day.
func emitting(t testing.TB) (*api, *fogtest.Clock) {
	clock := fogtest.NewClock()
	economics := tokenomics.Economics{
		Emission:          accrual.Emission{Start: clock.Now(), Period: 24 * time.Hour, First: int64(10 * tokenomics.FOG), Cap: int64(10 * tokenomics.FOG)},
		EmissionToStakers: 10_000,
	}
	h := house(t, fog.Config{Now: clock.Now, Tokenomics: tokenomics.Config{Economics: func() tokenomics.Economics { return economics }}})
	return serveHouse(t, h, server.Config{Now: clock.Now}), clock
}

func TestRewards(t *testing.T) {
	a, clock := emitting(t)
	a.ok("POST", transferPath, `{"to":"ann","amount":100}`)
	a.ok("POST", stakePath, `{"address":"ann","amount":100}`)
	clock.Advance(24 * time.Hour)
	a.ok("POST", stakePath, `{"amount":0.000001}`) // whatever changes a stake mints what is due
	got := a.ok("GET", "/api/tokenomics/rewards?address=ann", "")
	assert.Equal(t, "ann", got["address"])
	assert.InDelta(t, 10, got["pendingRewards"], 2e-6)
	assert.InDelta(t, 3650, got["rewardsRate"], 1e-2, "ten percent a day, in a year")
	assert.Equal(t, got["pendingRewards"], a.balance("ann", "rewards"))
	stats := a.ok("GET", "/api/tokenomics/stats", "")
	assert.Equal(t, got["rewardsRate"], stats["stakingAPR"])
	assert.Equal(t, map[string]any{"totalEarned": 10.0, "computeRewards": 0.0, "stakingRewards": 10.0, "governanceRewards": 0.0}, stats["rewards"])

	first := a.do("POST", claimPath, `{"address":"ann"}`, "Idempotency-Key", "k")
	require.Equal(t, http.StatusOK, first.status, first.body)
	claimed := first.object(t)
	assert.Equal(t, map[string]any{"success": true, "address": "ann", "claimedAmount": got["pendingRewards"]}, claimed)
	assert.Equal(t, claimed["claimedAmount"], a.balance("ann", "balance"))
	assert.Equal(t, first.body, a.do("POST", claimPath, `{"address":"ann"}`, "Idempotency-Key", "k").body, "a repeated claim answers as the first")
	assert.Zero(t, a.ok("POST", claimPath, `{"address":"ann"}`)["claimedAmount"])
	assert.Zero(t, a.ok("GET", "/api/tokenomics/rewards?address=nobody", "")["rewardsRate"])
	assert.Equal(t, "operator", a.ok("GET", "/api/tokenomics/rewards", "")["address"])
	a.refused(http.StatusConflict, "POST", claimPath, `{}`, "Idempotency-Key", "k")
}

func TestCompound(t *testing.T) {
	a, clock := emitting(t)
	a.ok("POST", stakePath, `{"amount":100}`)
	clock.Advance(24 * time.Hour)
	body := `{"operator":"lamp"}`
	first := a.do("POST", compoundPath, body, "Idempotency-Key", "k")
	require.Equal(t, http.StatusOK, first.status, first.body)
	got := first.object(t)
	assert.Equal(t, []any{"operator", "lamp"}, []any{got["address"], got["operator"]})
	assert.InDelta(t, 10, got["stakedAmount"], 2e-6)
	assert.InDelta(t, 100+got["stakedAmount"].(float64), got["totalStaked"], 1e-9)
	a.ok("POST", stakePath, `{"amount":1}`)
	assert.Equal(t, first.body, a.do("POST", compoundPath, body, "Idempotency-Key", "k").body)
	a.refused(http.StatusConflict, "POST", compoundPath, `{}`, "Idempotency-Key", "k")
}
