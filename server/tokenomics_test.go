package server_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/fogcompute/fogcompute/fog"
	"github.com/fogcompute/fogcompute/fog/fogtest"
	"github.com/fogcompute/fogcompute/fog/tokenomics"
	"github.com/fogcompute/fogcompute/server"
)

// A job that may cost no more than it is quoted is accepted, whether the limit is a number or a text; what costs more is refused with
// the quote and what to do.
func TestMaxPrice(t *testing.T) {
	a := newAPI(t, server.Config{})
	with := func(limit string) string {
		return strings.Replace(aJob, "{", `{"duration_estimate":10,"max_price":`+limit+",", 1)
	}
	free := a.ok("POST", jobsPath, with("0"))
	price := free["quote"].(float64)
	require.Positive(t, price)
	page := a.ok("GET", jobsPath+"/"+free["jobId"].(string), "")
	assert.Equal(t, []any{free["price"], free["quote"]}, []any{page["price"], page["quote"]})

	quote := tokenomics.Amount(price * 1e6).String()
	for _, limit := range []string{quote, `"` + quote + `"`, `"1e3"`, "null"} {
		assert.Equal(t, price, a.ok("POST", jobsPath, with(limit))["quote"], limit)
	}
	p := a.refused(http.StatusPaymentRequired, "POST", jobsPath, with("0.000001"))
	assert.Contains(t, p["detail"], "quoted "+quote+" FOG")
	assert.Contains(t, p["detail"], "raise max_price")
	for _, limit := range []string{"-1", "0.0000001", `"much"`, "true", `"1000000001"`, "1e400"} {
		got := a.do("POST", jobsPath, with(limit))
		assert.Contains(t, []int{http.StatusBadRequest, http.StatusUnprocessableEntity}, got.status, "%s: %s", limit, got.body)
	}
}

// The market's figures are those of the nodes and of the operator's quote.
func TestMarketFigures(t *testing.T) {
	h := house(t, fog.Config{Tokenomics: tokenomics.Config{Genesis: 1000 * tokenomics.FOG, Quote: tokenomics.Quote{Price: 50_000, Currency: "EUR"}}})
	a := serveHouse(t, h, server.Config{})
	fogtest.Join(t, h, fogtest.Device{ID: "lamp"})
	stats := func() map[string]any { return a.ok("GET", "/api/tokenomics/stats", "") }
	a.eventually("the node is listed", func() bool {
		return stats()["marketplace"].(map[string]any)["activeListings"] == 1.0
	})
	got := stats()
	assert.InDelta(t, 50, got["marketCap"], 0)
	tokens := got["tokens"].(map[string]any)
	assert.Equal(t, []any{50.0, 0.05, "EUR"}, []any{tokens["marketCap"], tokens["price"], tokens["currency"]})
	assert.Equal(t, map[string]any{"cpuSecond": 0.001, "gpuSecond": 0.02, "memoryGbSecond": 0.0001, "transferGb": 0.001},
		got["marketplace"].(map[string]any)["prices"], "an idle fog sells at base prices")
}
