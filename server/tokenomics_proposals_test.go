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
	proposalsPath = "/api/tokenomics/proposals"
	votePath      = "/api/tokenomics/vote"

	aProposal = `{"title":"Meet on Mondays","description":"Everybody who works on the fog meets on Mondays at noon, and talks."}`
	aBudget   = `{"title":"Think for longer","description":"Rounds of the scheduler may take a quarter of a second, as plans got worse.",
		"kind":"parameter_change","actions":[{"set":{"key":"scheduler.round_budget","value":"250ms"}}]}`
)

// proposes makes a proposal and returns its identifier.
func (a *api) proposes(body string, headers ...string) string {
	a.Helper()
	id, ok := a.ok("POST", proposalsPath, body, headers...)["proposalId"].(string)
	require.True(a, ok)
	return id
}

// rows are the rows of a list.
func rows(reply map[string]any, name string) []map[string]any {
	var out []map[string]any
	for _, row := range reply[name].([]any) {
		out = append(out, row.(map[string]any))
	}
	return out
}

func TestProposalsAndVotes(t *testing.T) {
	a := newAPI(t, server.Config{})
	assert.Empty(t, a.ok("GET", proposalsPath, "")["proposals"])
	a.ok("POST", transferPath, `{"to":"ann","amount":2000}`)
	a.ok("POST", stakePath, `{"address":"ann","amount":2000}`)
	a.ok("POST", stakePath, `{"amount":1500}`)
	id := a.proposes(strings.Replace(aProposal, "{", `{"proposer":"ann",`, 1))
	a.proposes(aBudget)
	list := rows(a.ok("GET", proposalsPath, ""), "proposals")
	require.Len(t, list, 2)
	assert.Equal(t, "Think for longer", list[0]["title"], "newest first")
	for field, want := range map[string]any{
		"id": id, "title": "Meet on Mondays", "proposer": "ann", "status": "voting", "votesFor": 0.0, "votesAgainst": 0.0, "kind": "general_governance",
	} {
		assert.Equal(t, want, list[1][field], field)
	}
	assert.Equal(t, map[string]any{"success": true, "proposalId": id, "vote": "for"},
		a.ok("POST", votePath, `{"proposal_id":"`+id+`","voter":"ann","vote":true}`))
	assert.Equal(t, "against", a.ok("POST", votePath, `{"proposal_id":`+id+`,"vote":false}`)["vote"], "an identifier may be a number")
	row := rows(a.ok("GET", proposalsPath+"?status=ACTIVE", ""), "proposals")[1]
	assert.Equal(t, []any{2000.0, 1500.0, 2.0}, []any{row["votesFor"], row["votesAgainst"], row["voters"]})
	for _, vote := range []string{"abstain", "veto", "against", "for"} {
		assert.Equal(t, vote, a.ok("POST", votePath, `{"proposal_id":"`+id+`","vote":"`+vote+`"}`)["vote"], "a later vote replaces the earlier one")
	}
	row = rows(a.ok("GET", proposalsPath+"?status=all", ""), "proposals")[1]
	assert.Equal(t, []any{3500.0, 0.0, 3500.0}, []any{row["votesFor"], row["votesAgainst"], row["turnout"]})
	stats := a.ok("GET", "/api/tokenomics/stats", "")
	assert.Equal(t, []any{2.0, 2.0}, []any{stats["proposalsActive"], stats["proposalsTotal"]})
	assert.Equal(t, map[string]any{"proposals": 2.0, "activeVotes": 2.0, "totalVoters": 2.0, "treasuryBalance": 0.0}, stats["dao"])
	for status, want := range map[string]int{"voting": 2, "executed": 0, "Draft": 0, "": 2} {
		assert.Len(t, a.ok("GET", proposalsPath+"?status="+status, "")["proposals"], want, status)
	}
}

func TestProposalsArePaged(t *testing.T) {
	a := newAPI(t, server.Config{})
	a.ok("POST", stakePath, `{"amount":1000}`)
	var made, read []any
	for range 5 {
		made = append([]any{a.proposes(aProposal)}, made...)
	}
	cursor := ""
	for more := true; more; more = cursor != "" {
		page := a.ok("GET", proposalsPath+"?limit=2&cursor="+cursor, "")
		for _, row := range rows(page, "proposals") {
			read = append(read, row["id"])
		}
		cursor = page["next"].(string)
	}
	assert.Equal(t, made, read)
}

func TestProposalsAreRepeatable(t *testing.T) {
	a := newAPI(t, server.Config{})
	a.ok("POST", stakePath, `{"amount":1000}`)
	id := a.proposes(aProposal, "Idempotency-Key", "once")
	assert.Equal(t, id, a.proposes(aProposal, "Idempotency-Key", "once"))
	a.refused(http.StatusConflict, "POST", proposalsPath, aBudget, "Idempotency-Key", "once")
	vote := `{"proposal_id":"` + id + `","vote":true}`
	first := a.do("POST", votePath, vote, "Idempotency-Key", "mine")
	a.ok("POST", votePath, strings.Replace(vote, "true", "false", 1))
	assert.Equal(t, first.body, a.do("POST", votePath, vote, "Idempotency-Key", "mine").body)
	row := rows(a.ok("GET", proposalsPath, ""), "proposals")[0]
	assert.Equal(t, []any{0.0, 1000.0}, []any{row["votesFor"], row["votesAgainst"]}, "a repeated request votes no more")
	a.refused(http.StatusConflict, "POST", votePath, strings.Replace(vote, "true", "false", 1), "Idempotency-Key", "mine")
}

func TestProposalsAreRefused(t *testing.T) {
	a := newAPI(t, server.Config{})
	p := a.refused(http.StatusPaymentRequired, "POST", proposalsPath, aProposal)
	assert.Contains(t, p["detail"], "needs 1000")
	a.ok("POST", stakePath, `{"amount":1000}`)
	change := func(old, text string) string { return strings.Replace(aBudget, old, text, 1) }
	for name, c := range map[string]struct {
		status       int
		body, detail string
	}{
		"short title":       {422, change("Think for longer", "Think"), "body.title"},
		"long title":        {422, change("Think for longer", strings.Repeat("x", 201)), "body.title"},
		"short description": {422, change("Rounds of the scheduler may", ""), "body.description"},
		"long description":  {422, change("Rounds", strings.Repeat("x", 5001)), "body.description"},
		"unknown kind":      {422, change("parameter_change", "revolution"), "body.kind"},
		"other kind":        {422, change("parameter_change", "treasury_allocation"), "payments"},
		"no actions":        {422, change(`"set":`, `"get":`), "exactly one"},
		"unknown parameter": {422, change("round_budget", "round_buddha"), "no engine of this house"},
		"wrong value":       {422, change("250ms", "soon"), "scheduler.round_budget"},
		"null action":       {422, change(`{"set":{"key":"scheduler.round_budget","value":"250ms"}}`, "null"), "actions"},
		"no value":          {422, change(`,"value":"250ms"`, ""), "value"},
		"a negative gift": {422, change(`"parameter_change","actions":[{"set":{"key":"scheduler.round_budget","value":"250ms"}}]`,
			`"treasury_allocation","actions":[{"pay":{"to":"ann","amount":-1}}]`), "body.actions[0].pay.amount"},
		"no guardian":      {403, change("parameter_change", `emergency_action","proposer":"ann`), "guardian"},
		"nobody's persons": {422, change("parameter_change", `parameter_change","counting":"quadratic`), "identities"},
		"malformed":        {400, `{"title":`, "body"},
	} {
		p := a.refused(c.status, "POST", proposalsPath, c.body)
		assert.Contains(t, p["detail"], c.detail, name)
	}
	for _, path := range []string{"?status=lost", "?cursor=x", "?limit=0", "?limit=1001"} {
		a.refused(http.StatusUnprocessableEntity, "GET", proposalsPath+path, "")
	}
}

func TestVotesAreRefused(t *testing.T) {
	a := newAPI(t, server.Config{})
	a.ok("POST", stakePath, `{"amount":1000}`)
	id := a.proposes(aProposal)
	for _, unknown := range []string{`"999"`, "999", `"nothing"`, `"0"`, "-1", `"01"`, "1e3"} {
		a.refused(http.StatusNotFound, "POST", votePath, `{"proposal_id":`+unknown+`,"vote":true}`)
	}
	for _, body := range []string{`{"proposal_id":"` + id + `"}`, `{"vote":true}`, `{"proposal_id":"` + id + `","vote":"perhaps"}`,
		`{"proposal_id":"` + id + `","vote":1}`, `{"proposal_id":"` + id + `","vote":null}`, `{"proposal_id":null,"vote":true}`, `{"proposal_id":"","vote":true}`} {
		a.refused(http.StatusUnprocessableEntity, "POST", votePath, body)
	}
	a.refused(http.StatusPaymentRequired, "POST", votePath, `{"proposal_id":"`+id+`","voter":"ann","vote":true}`)
}
