package server_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/fogcompute/fogcompute/server"
)

const transferPath = "/api/tokenomics/transfer"

// balance is a figure of an account's balance.
func (a *api) balance(account, field string) any {
	a.Helper()
	return a.ok("GET", "/api/tokenomics/balance?address="+account, "")[field]
}

func TestTransfer(t *testing.T) {
	a := newAPI(t, server.Config{})
	got := a.ok("POST", transferPath, `{"to":"ann","amount":"12.000001","memo":"rent"}`)
	assert.Equal(t, map[string]any{"success": true, "from": "operator", "to": "ann", "amount": 12.000001}, got)
	assert.InDelta(t, 12.000001, a.balance("ann", "balance"), 0)
	assert.InDelta(t, 1e6-12.000001, a.balance("operator", "balance"), 1e-9)
	a.ok("POST", transferPath, `{"from":"ann","to":"bob","amount":2e0}`)
	assert.InDelta(t, 10.000001, a.balance("ann", "balance"), 0)
	p := a.refused(http.StatusPaymentRequired, "POST", transferPath, `{"from":"ann","to":"bob","amount":11}`)
	assert.Contains(t, p["detail"], "ann")
}

// What is asked for twice is done once; the answer names the key, also where it was drawn.
func TestTransferIsRepeatable(t *testing.T) {
	a := newAPI(t, server.Config{})
	pay := func(key string) answer {
		return a.do("POST", transferPath, `{"to":"ann","amount":1}`, "Idempotency-Key", key)
	}
	first, again := pay("rent"), pay("rent")
	require.Equal(t, http.StatusOK, first.status, first.body)
	assert.Equal(t, first.body, again.body)
	assert.Equal(t, "rent", again.header.Get("Idempotency-Key"))
	assert.InDelta(t, 1, a.balance("ann", "balance"), 0)
	a.refused(http.StatusConflict, "POST", transferPath, `{"to":"ann","amount":2}`, "Idempotency-Key", "rent")
	a.refused(http.StatusConflict, "POST", transferPath, `{"to":"ann","amount":1,"memo":"for March"}`, "Idempotency-Key", "rent")

	drawn, other := pay(""), pay("")
	key := drawn.header.Get("Idempotency-Key")
	require.NotEmpty(t, key)
	assert.NotEqual(t, key, other.header.Get("Idempotency-Key"))
	assert.InDelta(t, 3, a.balance("ann", "balance"), 0)
	assert.Equal(t, drawn.body, pay(key).body)
	assert.InDelta(t, 3, a.balance("ann", "balance"), 0)

	refused := a.do("POST", transferPath, `{"from":"nobody","to":"ann","amount":1}`, "Idempotency-Key", "poor")
	refused.problem(t, http.StatusPaymentRequired)
	assert.Equal(t, "poor", refused.header.Get("Idempotency-Key"), "an error names it as well")
	a.ok("POST", transferPath, `{"to":"ann","amount":1}`, "Idempotency-Key", "poor")
	a.refused(http.StatusUnprocessableEntity, "POST", transferPath, `{"to":"ann","amount":1}`, "Idempotency-Key", strings.Repeat("k", 201))
}

// A wrong amount is named where it stands.
func TestAmountsAreExactOrRefused(t *testing.T) {
	a := newAPI(t, server.Config{})
	with := func(amount string) string { return `{"to":"ann","amount":` + amount + `}` }
	for _, amount := range []string{"0", "-1", `"-0.000001"`, "0.0000001", `"much"`, "true", "null", `"1000000001"`, `""`, "[]", `{"a":1}`} {
		p := a.refused(http.StatusUnprocessableEntity, "POST", transferPath, with(amount))
		assert.Contains(t, p["detail"], "body.amount", amount)
	}
	for _, amount := range []string{"NaN", "1e400"} {
		a.refused(http.StatusBadRequest, "POST", transferPath, with(amount))
	}
	p := a.refused(http.StatusUnprocessableEntity, "POST", transferPath, with(`"0.0000001"`))
	assert.Contains(t, p["detail"], "more than 6 decimals")
	for _, amount := range []string{"0.000001", `"0.000001"`, `"1e-6"`, "1e-6", "1.000000000e-06"} {
		a.ok("POST", transferPath, with(amount))
	}
	assert.InDelta(t, 5e-6, a.balance("ann", "balance"), 1e-12)
	assert.Contains(t, a.do("GET", "/api/tokenomics/balance?address=ann", "").body, `"balance":0.000005,`, "not in exponent form")
}
