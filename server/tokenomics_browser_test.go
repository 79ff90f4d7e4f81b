package server_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"github.com/fogcompute/fogcompute/fog"
	"github.com/fogcompute/fogcompute/fog/tokenomics"
	"github.com/fogcompute/fogcompute/server"
)

// govern fills a house with stakes behind operators, and with proposals in different places of their lives.
func govern(a *api) {
	for i, account := range []string{"ann", "bob", "cid", "device:workstation", "device:render-box"} {
		a.ok("POST", transferPath, fmt.Sprintf(`{"to":"%s","amount":%d,"memo":"to begin with"}`, account, 60_000-9_000*i))
		a.ok("POST", stakePath, fmt.Sprintf(`{"address":"%s","operator":"%s","amount":%d}`, account, []string{"device:workstation", "device:attic-server", account}[min(i, 2)], 50_000-9_000*i))
	}
	a.ok("POST", transferPath, `{"to":"treasury","amount":25000}`)
	propose := func(body string) string { return a.proposes(strings.Replace(body, "{", `{"proposer":"ann",`, 1)) }
	vote := func(id, voter, choice string) {
		a.ok("POST", votePath, fmt.Sprintf(`{"proposal_id":"%s","voter":"%s","vote":"%s","reason":"as we said"}`, id, voter, choice))
	}
	a.ok("POST", proposalsPath+"/"+propose(aProposal)+"/cancel", `{"account":"ann"}`)
	urgent := a.proposes(`{"title":"Evict nobody for a week","description":"Too many jobs are evicted since the devices of the annex have left us.",
		"kind":"emergency_action","actions":[{"set":{"key":"scheduler.evictions","value":-1}}]}`)
	for _, voter := range []string{"ann", "bob"} {
		vote(urgent, voter, "for")
	}
	a.eventually("the emergency is decided", func() bool { return a.do("POST", proposalsPath+"/"+urgent+"/queue", "").status == 200 })
	propose(`{"title":"Pay <b>Cid</b> for the annex","description":"He has paid the power of the annex out of his own pocket since autumn.",
		"kind":"treasury_allocation","actions":[{"pay":{"to":"cid","amount":1200}}],"deposit":40}`)
	budget := propose(strings.Replace(aBudget, "{", `{"deposit":100,`, 1))
	for voter, choice := range map[string]string{"ann": "for", "bob": "against", "cid": "abstain", "device:render-box": "veto"} {
		vote(budget, voter, choice)
	}
	a.ok("POST", unstakePath, `{"address":"bob","operator":"device:attic-server","amount":500}`)
}

// The page shows what is decided, in a house where nothing has happened and in one where much has.
func TestBrowserOnDecisions(t *testing.T) {
	browser := openBrowser(t)
	t.Run("nothing", func(t *testing.T) {
		s := serveAt(t, house(t, fogConfig()), "127.0.0.1:0")
		b := openTab(t, browser, 1280, 900, "light")
		b.do(chromedp.Navigate(s.url + "/"))
		b.waitFor(`["proposals-empty", "stakes-empty"].every((id) => !document.getElementById(id).hidden)`)
		b.waitFor(`document.querySelectorAll("#ledger-rows tr").length === 1 && document.getElementById("price-core").textContent === "3.6"`)
		b.fits(1280)
		b.shoot("decisions-none")
		b.clean(s.url)
	})
	h := house(t, fog.Config{Tokenomics: tokenomics.Config{Governance: tokenomics.Governance{
		Deposit: 100 * tokenomics.FOG, LateQuorum: -time.Second, EmergencyPeriod: time.Second, EmergencyTimelock: time.Hour, EmergencyThreshold: 6000,
	}}})
	govern(serveHouse(t, h, server.Config{}))
	s := serveAt(t, h, "127.0.0.1:0")
	for name, width := range map[string]int{"light": 1280, "dark": 1280, "phone": 360} {
		t.Run(name, func(t *testing.T) {
			theme := "light"
			if name == "dark" {
				theme = "dark"
			}
			b := openTab(t, browser, int64(width), 900, theme)
			b.do(chromedp.Navigate(s.url + "/"))
			testDecisions(b)
			b.fits(width)
			b.shoot("decisions-" + name)
			b.clean(s.url)
		})
	}
}

func testDecisions(b *tab) {
	b.waitFor(`document.querySelectorAll("#proposals-list > li").length === 4 && document.querySelectorAll("#ledger-rows tr").length === 10`)
	b.waitFor(`document.querySelectorAll("#stakes-list > li").length === 4 && document.querySelectorAll(".market canvas").length === 3`)
	texts := eval[[]string](b, `[...document.querySelectorAll("#proposals-list > li")].map((e) => e.innerText)`)
	for i, parts := range [][]string{
		{"Think for longer", "voting", `scheduler.round_budget = "250ms"`, "50,000 for", "41,000 against", "32,000 abstain", "14,000 veto", "quorum reached", "7 d left"},
		{"Pay <b>Cid</b> for the annex", "deposit", "pay 1,200 FOG to cid", "60 FOG of its deposit are missing"},
		{"Evict nobody for a week", "queued", "scheduler.evictions = -1", "can be executed in"},
		{"Meet on Mondays", "cancelled"},
	} {
		for _, part := range parts {
			require.Contains(b, texts[i], part)
		}
	}
	wide := eval[[]float64](b, `[...document.querySelectorAll("#proposals-list .tally")[0].children].map((e) => e.getBoundingClientRect().width)`)
	require.Len(b, wide, 5, "four choices and the mark of the quorum")
	require.InDelta(b, 50.0/41, wide[0]/wide[1], 0.02, "the bar's parts are as the votes")
	require.Equal(b, []string{"device:workstation", "device:attic-server"},
		eval[[]string](b, `[...document.querySelectorAll("#stakes-list .name")].slice(0, 2).map((e) => e.textContent)`), "the largest first")
	require.Contains(b, eval[string](b, `document.getElementById("ledger-rows").innerText`), "unstaked")
	b.waitFor(`document.getElementById("dao-count").textContent === "1 of 4 open for votes" && document.getElementById("dao-treasury").textContent === "25,000"`)
}
