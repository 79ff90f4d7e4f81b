package server_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/fogcompute/fogcompute/fog/tokenomics"
	"github.com/fogcompute/fogcompute/fog/tokenomics/chain"
	"github.com/fogcompute/fogcompute/server"
)

const (
	entriesPath   = "/api/tokenomics/entries"
	movementsPath = "/api/tokenomics/movements"
	verifyPath    = "/api/tokenomics/verify"
)

func TestEntries(t *testing.T) {
	a := newAPI(t, server.Config{})
	for i := range 5 {
		a.ok("POST", transferPath, fmt.Sprintf(`{"to":"ann","amount":%d,"memo":"no %d"}`, i+1, i), "Idempotency-Key", fmt.Sprint("k", i))
	}
	a.ok("POST", stakePath, `{"address":"ann","amount":15}`)
	var amounts, balances []any
	cursor := ""
	for more := true; more; more = cursor != "" {
		page := a.ok("GET", entriesPath+"?address=ann&limit=2&cursor="+cursor, "")
		for _, e := range rows(page, "entries") {
			amounts, balances = append(amounts, e["amount"]), append(balances, e["balance"])
		}
		cursor = page["next"].(string)
	}
	assert.Equal(t, []any{15.0, -15.0, 5.0, 4.0, 3.0, 2.0, 1.0}, amounts, "newest first")
	assert.Equal(t, []any{15.0, 0.0, 15.0, 10.0, 6.0, 3.0, 1.0}, balances)
	last := rows(a.ok("GET", entriesPath+"?address=ann&limit=3", ""), "entries")[2]
	assert.Equal(t, []any{"transfer", "k4", "available", "no 4", ""}, []any{last["op"], last["key"], last["kind"], last["memo"], last["hold"]})
	assert.Empty(t, a.ok("GET", entriesPath+"?address=nobody", "")["entries"])
	for _, wrong := range []string{"?cursor=x", "?cursor=1.01", "?limit=0", "?limit=1001"} {
		a.refused(http.StatusUnprocessableEntity, "GET", entriesPath+wrong, "")
	}
}

func TestMovements(t *testing.T) {
	a := newAPI(t, server.Config{})
	a.ok("POST", stakePath, `{"amount":1000}`)
	id := a.proposes(aProposal)
	start := a.ok("GET", movementsPath, "")
	assert.Empty(t, start["movements"])
	assert.InDelta(t, 3, start["next"], 0, "genesis, stake, proposal")
	all := rows(a.ok("GET", movementsPath+"?after=0", ""), "movements")
	require.Len(t, all, 3)
	assert.Equal(t, []any{"genesis", "stake", "propose"}, []any{all[0]["op"], all[1]["op"], all[2]["op"]})
	assert.Nil(t, all[1]["detail"])
	assert.Equal(t, "Meet on Mondays", all[2]["detail"].(map[string]any)["motion"].(map[string]any)["title"])
	sum := 0.0
	for _, p := range rows(all[1], "postings") {
		sum += p["amount"].(float64)
	}
	assert.Zero(t, sum)

	var waiting sync.WaitGroup
	waiting.Go(func() {
		got := a.ok("GET", movementsPath+"?after=3&wait_seconds=30", "")
		assert.Equal(t, "vote", rows(got, "movements")[0]["op"])
	})
	a.ok("POST", votePath, `{"proposal_id":"`+id+`","vote":true}`)
	waiting.Wait()
	got := a.ok("GET", movementsPath+"?after=0&limit=2&address=nobody", "")
	assert.Empty(t, got["movements"])
	assert.InDelta(t, 2, got["next"], 0)
	assert.Empty(t, a.ok("GET", movementsPath+"?after=4", "")["movements"], "nothing is waited for")
	a.refused(http.StatusUnprocessableEntity, "GET", movementsPath+"?after=-1", "")
}

// A receipt is what the ledger's own library verifies, up to the head that was kept.
func TestReceipt(t *testing.T) {
	a := newAPI(t, server.Config{})
	a.ok("POST", transferPath, `{"to":"ann","amount":7,"memo":"rent"}`, "Idempotency-Key", "a/b c")
	got := a.do("GET", "/api/tokenomics/receipt?op=transfer&key=a%2Fb+c", "")
	require.Equal(t, http.StatusOK, got.status, got.body)
	var receipt tokenomics.Receipt
	require.NoError(t, json.Unmarshal([]byte(got.body), &receipt))
	m, err := receipt.Verify()
	require.NoError(t, err)
	assert.Equal(t, []any{"rent", "a/b c", tokenomics.Account("operator")}, []any{m.Memo, m.Key, m.Owner})
	var head chain.Head
	require.NoError(t, json.Unmarshal([]byte(a.do("GET", "/api/tokenomics/head", "").body), &head))
	require.NoError(t, receipt.Proof.Anchor(nil, head))
	shown := got.object(t)["movement"].(map[string]any)
	assert.Equal(t, []any{"rent", "transfer", strconv.FormatInt(m.Seq, 10)}, []any{shown["memo"], shown["op"], fmt.Sprint(shown["movement"])})
	a.refused(http.StatusNotFound, "GET", "/api/tokenomics/receipt?op=stake&key=a%2Fb+c", "")
	for _, wrong := range []string{"", "?op=transfer", "?key=k", "?op=&key="} {
		a.refused(http.StatusUnprocessableEntity, "GET", "/api/tokenomics/receipt"+wrong, "")
	}
}

func TestVerify(t *testing.T) {
	a := newAPI(t, server.Config{})
	a.ok("POST", stakePath, `{"amount":1000}`)
	got := a.ok("POST", verifyPath, "")
	head := a.ok("GET", "/api/tokenomics/head", "")
	assert.Equal(t, map[string]any{"whole": true, "last": head["last"], "hash": head["hash"], "disagreements": []any{}}, got)
	behind := verifyPath + fmt.Sprintf("?last=%v&hash=%v", head["last"], head["hash"])
	assert.Equal(t, got, a.ok("POST", behind, ""))
	a.ok("POST", stakePath, `{"amount":1000}`)
	assert.Equal(t, a.ok("GET", "/api/tokenomics/head", "")["last"], a.ok("POST", behind, "")["last"])
	other := a.ok("POST", verifyPath+"?last=1&hash="+strings.Repeat("0", 64), "")
	assert.Equal(t, false, other["whole"])
	assert.Len(t, other["disagreements"], 1)
	for _, wrong := range []string{"?last=-1", "?last=x", "?hash=12", "?hash=" + strings.Repeat("g", 64)} {
		a.refused(http.StatusUnprocessableEntity, "POST", verifyPath+wrong, "")
	}
	a.refused(http.StatusMethodNotAllowed, "GET", verifyPath, "")
}

func TestParameters(t *testing.T) {
	a := newAPI(t, server.Config{})
	got := a.ok("GET", "/api/tokenomics/parameters", "")
	assert.Equal(t, []any{0.0, 0.0}, []any{got["version"], got["inForce"]})
	keys := map[string]map[string]any{}
	for _, p := range rows(got, "parameters") {
		assert.NotEmpty(t, p["doc"], p["key"])
		assert.Equal(t, p["default"], p["value"], p["key"])
		keys[p["key"].(string)] = p
	}
	assert.Equal(t, []any{"0s", "duration", nil}, []any{keys["scheduler.round_budget"]["value"], keys["scheduler.round_budget"]["unit"], keys["scheduler.round_budget"]["emergency"]})
	assert.Contains(t, keys, "governance.quorum")
	assert.Contains(t, keys, "market.cpu_second")
	assert.Equal(t, map[string]any{}, keys["agents.deployment"]["value"])
}
