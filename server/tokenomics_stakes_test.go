package server_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/fogcompute/fogcompute/server"
)

const (
	stakePath   = "/api/tokenomics/stake"
	unstakePath = "/api/tokenomics/unstake"
)

func TestStakes(t *testing.T) {
	a := newAPI(t, server.Config{})
	assert.Equal(t, map[string]any{
		"success": true, "address": "operator", "operator": "operator", "stakedAmount": 1000.5, "totalStaked": 1000.5,
	}, a.ok("POST", stakePath, `{"amount":"1000.5"}`))
	a.ok("POST", transferPath, `{"to":"ann","amount":100}`)
	a.ok("POST", stakePath, `{"address":"ann","operator":"lamp","amount":60}`)
	assert.InDelta(t, 70, a.ok("POST", stakePath, `{"address":"ann","amount":10}`)["totalStaked"], 0)

	got := a.ok("GET", "/api/tokenomics/balance?address=ann", "")
	assert.Equal(t, []any{30.0, 70.0, 100.0}, []any{got["balance"], got["staked"], got["total"]})
	stats := a.ok("GET", "/api/tokenomics/stats", "")
	assert.Equal(t, []any{1070.5, 2.0}, []any{stats["stakedTokens"], stats["activeStakers"]})

	dashboard := a.ok("GET", "/api/dashboard/stats", "")["tokenomics"]
	assert.Equal(t, map[string]any{"totalSupply": 1e6, "activeStakers": 2.0}, dashboard)

	left := a.ok("POST", unstakePath, `{"address":"ann","operator":"lamp","amount":20}`, "Idempotency-Key", "out")
	assert.Equal(t, map[string]any{
		"success": true, "address": "ann", "operator": "lamp", "unstakeId": "out", "unstakedAmount": 20.0, "totalStaked": 50.0,
	}, left)
	assert.InDelta(t, 50, a.balance("ann", "staked"), 0)
}

// A repeated request answers as the first did, whatever has happened since; another body under its key is refused.
func TestStakesAreRepeatable(t *testing.T) {
	a := newAPI(t, server.Config{})
	first := a.do("POST", stakePath, `{"amount":5}`, "Idempotency-Key", "k")
	require.Equal(t, http.StatusOK, first.status)
	out := a.do("POST", unstakePath, `{"amount":2}`, "Idempotency-Key", "k")
	require.Equal(t, http.StatusOK, out.status, "keys of one operation are apart from those of others: %s", out.body)
	a.ok("POST", stakePath, `{"amount":7}`)
	assert.Equal(t, first.body, a.do("POST", stakePath, `{"amount":5}`, "Idempotency-Key", "k").body)
	assert.Equal(t, first.body, a.do("POST", stakePath, `{"amount":5,"address":"operator"}`, "Idempotency-Key", "k").body)
	assert.Equal(t, out.body, a.do("POST", unstakePath, `{"amount":2}`, "Idempotency-Key", "k").body)
	assert.InDelta(t, 10, a.balance("operator", "staked"), 0)
	a.refused(http.StatusConflict, "POST", stakePath, `{"amount":6}`, "Idempotency-Key", "k")
	a.refused(http.StatusConflict, "POST", unstakePath, `{"amount":3}`, "Idempotency-Key", "k")
}

func TestStakesAreRefused(t *testing.T) {
	a := newAPI(t, server.Config{})
	a.refused(http.StatusPaymentRequired, "POST", stakePath, `{"address":"ann","amount":1}`)
	a.refused(http.StatusPaymentRequired, "POST", unstakePath, `{"amount":1}`)
	a.ok("POST", stakePath, `{"amount":5}`)
	a.refused(http.StatusPaymentRequired, "POST", unstakePath, `{"amount":5.000001}`)
	for _, path := range []string{stakePath, unstakePath} {
		a.refused(http.StatusUnprocessableEntity, "POST", path, `{}`)
		a.refused(http.StatusUnprocessableEntity, "POST", path, `{"amount":0}`)
		a.refused(http.StatusUnprocessableEntity, "POST", path, `{"amount":1,"address":"a\u0007b"}`)
	}
	for range 7 {
		a.ok("POST", unstakePath, `{"amount":0.1}`)
	}
	a.refused(http.StatusConflict, "POST", unstakePath, `{"amount":0.1}`)
}
