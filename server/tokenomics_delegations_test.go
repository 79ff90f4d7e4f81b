package server_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/fogcompute/fogcompute/server"
)

const (
	delegatePath   = "/api/tokenomics/delegate"
	redelegatePath = "/api/tokenomics/redelegate"
	cancelPath     = "/api/tokenomics/cancel-unstake"
	stakesPath     = "/api/tokenomics/stakes"
)

func TestDelegations(t *testing.T) {
	a := newAPI(t, server.Config{})
	a.ok("POST", stakePath, `{"amount":100}`)
	a.ok("POST", stakePath, `{"operator":"lamp","amount":50}`)
	delegates := []any{map[string]any{"address": "ann", "points": 2500.0}}
	body := `{"delegates":[{"address":"ann","points":2500}]}`
	got := a.ok("POST", delegatePath, body, "Idempotency-Key", "d")
	assert.Equal(t, map[string]any{"success": true, "address": "operator", "delegates": delegates}, got)
	a.refused(http.StatusConflict, "POST", delegatePath, strings.Replace(body, "2500", "2501", 1), "Idempotency-Key", "d")
	one := a.ok("GET", stakesPath, "")
	assert.Equal(t, []any{"operator", 150.0, 112.5, 150.0, delegates}, []any{one["address"], one["staked"], one["power"], one["totalPower"], one["delegates"]})
	assert.InDelta(t, 37.5, a.ok("GET", stakesPath+"?address=ann", "")["power"], 0)
	position := rows(one, "positions")[1]
	assert.Equal(t, []any{"operator", 100.0}, []any{position["operator"], position["staked"]})
	for range 2 {
		assert.Equal(t, []any{}, a.ok("POST", delegatePath, `{"delegates":[]}`, "Idempotency-Key", "none")["delegates"])
	}
	assert.InDelta(t, 150, a.ok("GET", stakesPath, "")["power"], 0)
	for _, wrong := range []string{`{}`, `{"delegates":null}`, `{"delegates":[{"address":"operator","points":1}]}`, `{"delegates":[{"address":"ann","points":0}]}`,
		`{"delegates":[{"address":"ann","points":6000},{"address":"bob","points":5000}]}`, `{"delegates":[{"address":"ann","points":1},{"address":"ann","points":1}]}`} {
		a.refused(http.StatusUnprocessableEntity, "POST", delegatePath, wrong)
	}
	a.refused(http.StatusUnprocessableEntity, "GET", stakesPath+"?address="+strings.Repeat("x", 129), "")
}

func TestRedelegation(t *testing.T) {
	a := newAPI(t, server.Config{})
	a.ok("POST", stakePath, `{"amount":100}`)
	for range 2 {
		got := a.ok("POST", redelegatePath, `{"to":"lamp","amount":30}`, "Idempotency-Key", "r")
		assert.Equal(t, map[string]any{"success": true, "address": "operator", "from": "operator", "to": "lamp", "amount": 30.0}, got)
	}
	pools := rows(a.ok("GET", "/api/tokenomics/pools", ""), "pools")
	assert.Equal(t, []any{"lamp", 30.0, "operator", 70.0}, []any{pools[0]["operator"], pools[0]["staked"], pools[1]["operator"], pools[1]["staked"]})
	page := a.ok("GET", "/api/tokenomics/pools?limit=1", "")
	assert.Equal(t, "operator", rows(a.ok("GET", "/api/tokenomics/pools?cursor="+page["next"].(string), ""), "pools")[0]["operator"])
	a.refused(http.StatusConflict, "POST", redelegatePath, `{"from":"lamp","to":"fan","amount":1}`)
	a.refused(http.StatusPaymentRequired, "POST", redelegatePath, `{"to":"lamp","amount":71}`)
	a.refused(http.StatusUnprocessableEntity, "POST", redelegatePath, `{"amount":1}`)
	a.refused(http.StatusUnprocessableEntity, "POST", redelegatePath, `{"to":"lamp","amount":0}`)
}

func TestUnstakeIsCancelled(t *testing.T) {
	a := newAPI(t, server.Config{})
	a.ok("POST", stakePath, `{"amount":100}`)
	id := a.ok("POST", unstakePath, `{"amount":40}`)["unstakeId"].(string)
	leaving := rows(rows(a.ok("GET", stakesPath, ""), "positions")[0], "unbonding")
	require.Len(t, leaving, 1)
	assert.Equal(t, []any{id, 40.0}, []any{leaving[0]["unstakeId"], leaving[0]["amount"]})
	assert.InDelta(t, 60, a.balance("operator", "staked"), 0)
	first := a.do("POST", cancelPath, `{"unstake_id":"`+id+`"}`, "Idempotency-Key", "c")
	require.Equal(t, http.StatusOK, first.status, first.body)
	assert.Equal(t, map[string]any{"success": true, "address": "operator", "operator": "operator", "stakedAmount": 40.0, "totalStaked": 100.0}, first.object(t))
	assert.Equal(t, first.body, a.do("POST", cancelPath, `{"unstake_id":"`+id+`"}`, "Idempotency-Key", "c").body)
	a.refused(http.StatusNotFound, "POST", cancelPath, `{"unstake_id":"`+id+`"}`)
	a.refused(http.StatusNotFound, "POST", cancelPath, `{"unstake_id":"nothing"}`)
	a.refused(http.StatusUnprocessableEntity, "POST", cancelPath, `{}`)
}
