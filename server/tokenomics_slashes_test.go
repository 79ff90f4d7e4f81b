package server_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/fogcompute/fogcompute/server"
)

const slashesPath = "/api/tokenomics/slashes"

// aSlash is evidence against the operator.
func aSlash() string {
	return `{"operator":"operator","kind":"bad_result","at":"` + time.Now().UTC().Truncate(time.Millisecond).Format(time.RFC3339Nano) +
		`","points":1000,"harmed":"ann","loss":40,"detail":"a wrong tile"}`
}

func TestSlashes(t *testing.T) {
	a := newAPI(t, server.Config{})
	evidence := aSlash()
	a.refused(http.StatusNotFound, "POST", slashesPath, evidence)
	a.ok("POST", stakePath, `{"amount":1000}`)
	for range 2 {
		got := a.ok("POST", slashesPath, evidence, "Idempotency-Key", "s")
		assert.Equal(t, map[string]any{"success": true, "slashId": "s", "status": "open"}, got)
	}
	a.refused(http.StatusConflict, "POST", slashesPath, strings.Replace(evidence, "1000", "999", 1), "Idempotency-Key", "s")
	slash := slashesPath + "/s"
	a.refused(http.StatusConflict, "POST", slash+"/uphold", "")
	a.refused(http.StatusNotFound, "POST", slash+"/appeal", `{"operator":"lamp"}`)
	for range 2 {
		assert.Equal(t, "appealed", a.ok("POST", slash+"/appeal", `{"detail":"it was right"}`)["status"])
	}
	a.refused(http.StatusConflict, "POST", slash+"/appeal", `{"detail":"it was left"}`)
	assert.Equal(t, "executing", a.ok("POST", slash+"/uphold", `{"detail":"it was wrong"}`)["status"])
	a.refused(http.StatusConflict, "POST", slash+"/dismiss", "")
	got := a.ok("GET", slash, "")
	for field, want := range map[string]any{
		"id": "s", "operator": "operator", "kind": "bad_result", "points": 1000.0, "applied": 1000.0, "harmed": "ann", "loss": 40.0, "detail": "a wrong tile",
		"appeal": "it was right", "verdict": "it was wrong", "taken": 100.0, "compensated": 40.0, "insured": 0.0, "burned": 60.0,
	} {
		assert.Equal(t, want, got[field], field)
	}
	assert.InDelta(t, 900, a.balance("operator", "staked"), 0)
	assert.InDelta(t, 40, a.balance("ann", "balance"), 0)

	a.ok("POST", slashesPath, evidence, "Idempotency-Key", "t")
	assert.Equal(t, "dismissed", a.ok("POST", slashesPath+"/t/dismiss", "")["status"])
	first := a.ok("GET", slashesPath+"?limit=1&operator=operator", "")
	assert.Equal(t, "s", rows(first, "slashes")[0]["id"])
	second := a.ok("GET", slashesPath+"?limit=1&cursor="+first["next"].(string), "")
	assert.Equal(t, "t", rows(second, "slashes")[0]["id"])
	assert.Empty(t, second["next"])
	assert.Empty(t, a.ok("GET", slashesPath+"?operator=lamp", "")["slashes"])
	pools := rows(a.ok("GET", "/api/tokenomics/pools", ""), "pools")
	assert.Equal(t, []any{"operator", 900.0}, []any{pools[0]["operator"], pools[0]["staked"]})
}

func TestSlashesAreRefused(t *testing.T) {
	a := newAPI(t, server.Config{})
	a.ok("POST", stakePath, `{"amount":1000}`)
	evidence := aSlash()
	for name, body := range map[string]string{
		"points": strings.Replace(evidence, "1000", "10001", 1), "kind": strings.Replace(evidence, "bad_result", "rudeness", 1),
		"later than now": strings.Replace(evidence, `"at":"2`, `"at":"3`, 1), "longer ago": strings.Replace(evidence, `"at":"2`, `"at":"1`, 1),
		"harmed": strings.Replace(evidence, `"ann"`, `"operator"`, 1), "loss": strings.Replace(evidence, ":40", `:"lots"`, 1), "at": `{"operator":"operator"}`,
	} {
		a.refused(http.StatusUnprocessableEntity, "POST", slashesPath, body, "Idempotency-Key", name)
	}
	p := a.refused(http.StatusUnprocessableEntity, "POST", slashesPath, evidence, "Idempotency-Key", "a/b")
	assert.Contains(t, p["detail"], "Idempotency-Key")
	a.refused(http.StatusNotFound, "GET", slashesPath+"/nothing", "")
	for _, step := range []string{"appeal", "dismiss", "uphold"} {
		a.refused(http.StatusNotFound, "POST", slashesPath+"/nothing/"+step, "")
	}
}
