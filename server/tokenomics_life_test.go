package server_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/fogcompute/fogcompute/fog"
	"github.com/fogcompute/fogcompute/fog/fogtest"
	"github.com/fogcompute/fogcompute/fog/tokenomics"
	"github.com/fogcompute/fogcompute/server"
)

// inForce is the value of a parameter that a server shows, and whether its engines follow the newest version.
func (a *api) inForce(key string) (value any, followed bool) {
	a.Helper()
	reply := a.ok("GET", "/api/tokenomics/parameters", "")
	for _, p := range rows(reply, "parameters") {
		if p["key"] == key {
			return p["value"], reply["version"] == reply["inForce"]
		}
	}
	require.Fail(a, "no such parameter", key)
	return nil, false
}

// steps are the actions that a proposal takes now, with the accounts that may.
func steps(proposal map[string]any) map[string]any {
	out := map[string]any{}
	for _, s := range rows(proposal, "steps") {
		out[s["action"].(string)] = s["by"]
	}
	return out
}

// A whole decision over HTTP alone: stake, propose, deposit, vote, queue, execute, and the scheduler's parameter is another. Each request
// goes to the next of the servers.
func decide(t *testing.T, clock *fogtest.Clock, servers ...*api) {
	turn := 0
	next := func() *api {
		turn++
		return servers[turn%len(servers)]
	}
	was, _ := next().inForce("scheduler.round_budget")
	require.Equal(t, "0s", was)
	next().ok("POST", transferPath, `{"to":"ann","amount":5000}`)
	next().ok("POST", stakePath, `{"address":"ann","amount":4000}`)
	id := next().proposes(strings.Replace(aBudget, "{", `{"proposer":"ann",`, 1))
	path := proposalsPath + "/" + id
	one := next().ok("GET", path, "")
	assert.Equal(t, []any{"draft", 100.0, 0.0}, []any{one["status"], one["deposit"], one["deposited"]})
	assert.Equal(t, map[string]any{"deposit": []any{}, "cancel": []any{"operator", "ann"}}, steps(one))
	p := next().refused(http.StatusConflict, "POST", votePath, `{"proposal_id":"`+id+`","voter":"ann","vote":true}`)
	assert.Contains(t, p["detail"], "lacks 100 FOG of its deposit")
	next().refused(http.StatusConflict, "POST", path+"/deposit", `{"amount":101}`)
	next().ok("POST", path+"/deposit", `{"depositor":"ann","amount":40}`)
	next().ok("POST", path+"/deposit", `{"amount":"60"}`)

	next().ok("POST", votePath, `{"proposal_id":"`+id+`","voter":"ann","vote":true}`)
	one = next().ok("GET", path, "")
	assert.Equal(t, []any{"voting", 4000.0, 400.0, true, 60.0, 33.34}, []any{one["status"], one["power"], one["quorum"], one["quorate"], one["threshold"], one["vetoFrom"]})
	assert.Equal(t, map[string]any{"vote": []any{}, "cancel": []any{"operator"}}, steps(one))
	assert.Equal(t, []any{map[string]any{"set": map[string]any{"key": "scheduler.round_budget", "value": "250ms"}}}, one["actions"])
	next().refused(http.StatusConflict, "POST", path+"/queue", "")
	clock.Advance(7 * 24 * time.Hour)
	next().ok("POST", path+"/queue", "", "Idempotency-Key", "q")
	// A clock that leaps takes the ledger's duty from a server, which may for a moment refuse by what it knew.
	everywhere := func(what string, status int, body string) {
		for _, a := range servers {
			a.eventually(what, func() bool {
				got := a.do("POST", path+"/execute", `{"account":"ann"}`, "Idempotency-Key", "x")
				return got.status == status && strings.Contains(got.body, body)
			})
		}
	}
	everywhere("the timelock is not over", http.StatusConflict, "can be executed from")
	clock.Advance(24 * time.Hour)
	everywhere("it is executed, once", http.StatusOK, `{"success":true,"proposalId":"`+id+`","status":"executed"}`)
	next().refused(http.StatusConflict, "POST", path+"/execute", `{"account":"operator"}`, "Idempotency-Key", "x")
	assert.Equal(t, "queued", next().ok("POST", path+"/queue", "", "Idempotency-Key", "q")["status"])

	one = next().ok("GET", path, "")
	assert.Equal(t, []any{"executed", 1.0, 0.0}, []any{one["status"], one["version"], one["deposited"]})
	assert.Empty(t, one["steps"])
	for _, a := range servers {
		a.eventually("the engines follow", func() bool {
			value, followed := a.inForce("scheduler.round_budget")
			return value == "250ms" && followed
		})
		assert.InDelta(t, 1000, a.balance("ann", "balance"), 0, "the deposit is given back")
	}
	got := next().ok("POST", "/api/tokenomics/verify", "")
	assert.Equal(t, true, got["whole"])
	assert.Equal(t, next().ok("GET", "/api/tokenomics/head", "")["last"], got["last"])
}

// ruled is a house with a deposit and the rules' own periods.
func ruled(clock *fogtest.Clock) fog.Config {
	return fog.Config{Now: clock.Now, Tokenomics: tokenomics.Config{Governance: tokenomics.Governance{Deposit: 100 * tokenomics.FOG}}}
}

func TestDecision(t *testing.T) {
	clock := fogtest.NewClock()
	decide(t, clock, serveHouse(t, house(t, ruled(clock)), server.Config{}))
}

func TestDecisionOfTwoServers(t *testing.T) {
	t.Parallel()
	clock, database, dir := fogtest.NewClock(), fogtest.PostgresURL(t), t.TempDir()
	var servers []*api
	for range 2 {
		config := ruled(clock)
		config.DatabaseURL, config.DataDir = database, dir
		servers = append(servers, serveHouse(t, house(t, config), server.Config{}))
	}
	decide(t, clock, servers...)
}

func TestProposalIsCancelled(t *testing.T) {
	a := newAPI(t, server.Config{})
	a.ok("POST", stakePath, `{"amount":1000}`)
	path := proposalsPath + "/" + a.proposes(aProposal)
	a.refused(http.StatusForbidden, "POST", path+"/cancel", `{"account":"ann"}`)
	for range 2 {
		got := a.ok("POST", path+"/cancel", `{"reason":"it was a joke"}`, "Idempotency-Key", "c")
		assert.Equal(t, "cancelled", got["status"])
	}
	one := a.ok("GET", path, "")
	assert.Equal(t, "cancelled", one["status"])
	assert.NotNil(t, one["endedAt"])
	for _, step := range []string{"cancel", "queue", "execute"} {
		a.refused(http.StatusConflict, "POST", path+"/"+step, "")
		for _, id := range []string{"999", "x", "0"} {
			a.refused(http.StatusNotFound, "POST", proposalsPath+"/"+id+"/"+step, "")
		}
	}
	a.refused(http.StatusConflict, "POST", path+"/deposit", `{"amount":1}`)
	for _, id := range []string{"999", "x", "0", "01"} {
		a.refused(http.StatusNotFound, "GET", proposalsPath+"/"+id, "")
		a.refused(http.StatusNotFound, "GET", proposalsPath+"/"+id+"/votes", "")
		a.refused(http.StatusNotFound, "POST", proposalsPath+"/"+id+"/deposit", `{"amount":1}`)
	}
}
