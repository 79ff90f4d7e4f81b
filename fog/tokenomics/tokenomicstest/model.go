package tokenomicstest

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
	"github.com/fogcompute/fogcompute/fog/tokenomics"
)

// model is the ledger as a child would write it: one request after the other, no batches, no digests, no postings.
type model struct {
	available, held map[tokenomics.Account]tokenomics.Amount
	holds           map[tokenomics.HoldID]*modelHold
	bodies          map[string]string // by operation and key
}

// modelHold is a hold of the model; without a payer it is a tombstone.
type modelHold struct {
	payer  tokenomics.Account
	rest   tokenomics.Amount
	voided bool
}

func newModel() *model {
	return &model{
		available: map[tokenomics.Account]tokenomics.Amount{}, held: map[tokenomics.Account]tokenomics.Amount{},
		holds: map[tokenomics.HoldID]*modelHold{}, bodies: map[string]string{},
	}
}

// yes is the model's answer to a request that is carried out.
const yes = "yes"

// post carries a request out and answers yes or the kind of the refusal.
func (m *model) post(r tokenomics.Request) string {
	body, _ := json.Marshal(r)
	switch {
	case !wellFormed(r):
		return fault.Invalid.String()
	case r.Hold != nil:
		if h := m.holds[r.Hold.ID]; h != nil && h.voided {
			return fault.Conflict.String()
		}
		return m.once("hold "+string(r.Hold.ID), string(body), func() string { return m.hold(*r.Hold) })
	case r.Capture != nil:
		return m.once("capture "+r.Capture.Key, string(body), func() string { return m.capture(*r.Capture) })
	case r.Void != nil:
		return m.void(*r.Void)
	default:
		return m.once("transfer "+r.Transfer.Key, string(body), func() string { return m.transfer(*r.Transfer) })
	}
}

// wellFormed reports whether the amounts of a request, and the ends of a transfer, are allowed.
func wellFormed(r tokenomics.Request) bool {
	switch {
	case r.Hold != nil:
		return r.Hold.Amount >= 0
	case r.Capture != nil:
		return !slices.ContainsFunc(r.Capture.To, func(s tokenomics.Share) bool { return s.Amount < 0 })
	case r.Transfer != nil:
		return r.Transfer.Amount > 0 && r.Transfer.From != r.Transfer.To
	}
	return true
}

// once answers a repeated request, or carries it out and remembers its body if it succeeded.
func (m *model) once(key, body string, do func() string) string {
	if old, used := m.bodies[key]; used {
		if old == body {
			return yes
		}
		return fault.Conflict.String()
	}
	answer := do()
	if answer == yes {
		m.bodies[key] = body
	}
	return answer
}

func (m *model) hold(h tokenomics.Hold) string {
	if m.available[h.Payer] < h.Amount {
		return fault.Insufficient.String()
	}
	m.available[h.Payer] -= h.Amount
	m.held[h.Payer] += h.Amount
	m.holds[h.ID] = &modelHold{payer: h.Payer, rest: h.Amount}
	return yes
}

func (m *model) capture(c tokenomics.Capture) string {
	total := tokenomics.Amount(0)
	for _, share := range c.To {
		total += share.Amount
	}
	h := m.holds[c.Hold]
	switch {
	case h == nil:
		return fault.NotFound.String()
	case h.voided:
		return fault.Conflict.String()
	case total > h.rest:
		return fault.Insufficient.String()
	}
	for _, share := range c.To {
		m.available[share.Account] += share.Amount
	}
	h.rest -= total
	m.held[h.payer] -= total
	if c.Final {
		m.giveBack(h)
	}
	return yes
}

// giveBack returns what a hold has left.
func (m *model) giveBack(h *modelHold) {
	m.held[h.payer] -= h.rest
	m.available[h.payer] += h.rest
	h.rest = 0
}

func (m *model) void(v tokenomics.Void) string {
	h := m.holds[v.Hold]
	switch {
	case h == nil:
		m.holds[v.Hold] = &modelHold{voided: true}
	case h.rest > 0:
		m.giveBack(h)
		h.voided = true
	}
	return yes
}

func (m *model) transfer(t tokenomics.Transfer) string {
	if m.available[t.From] < t.Amount {
		return fault.Insufficient.String()
	}
	m.available[t.From] -= t.Amount
	m.available[t.To] += t.Amount
	return yes
}

// testModel drives the ledger and the model with the same requests, in batches of any size, and lets the ledger restart in
// between. It shows that supply is conserved, nothing is ever below zero, a hold is resolved once, keys work, and that
// batches answer as one request after the other would.
func testModel(t *testing.T, b *bench) {
	ledger := b.ledger(t)
	rapid.Check(t, func(rt *rapid.T) {
		m := newModel()
		draw := drawer{prefix: fmt.Sprintf("%d-", b.runs())}
		for _, account := range draw.accounts() {
			pay(t, ledger, 20, account)
			m.available[account] = 20
		}
		for range rapid.IntRange(1, 8).Draw(rt, "batches") {
			requests := rapid.SliceOfN(rapid.Custom(draw.request), 1, 8).Draw(rt, "batch")
			verdicts, err := ledger.Post(t.Context(), requests)
			if err != nil {
				rt.Fatalf("post: %v", err)
			}
			for i, r := range requests {
				if got, want := kindOf(verdicts[i]), m.post(r); got != want {
					body, _ := json.Marshal(r)
					rt.Fatalf("request %s: ledger says %s (%v), model says %s", body, got, verdicts[i], want)
				}
			}
			if rapid.IntRange(0, 3).Draw(rt, "restart") == 0 {
				ledger = b.ledger(t)
			}
		}
		compare(t, rt, ledger, m, draw)
	})
	sound(t, ledger)
	stats, err := ledger.Stats(t.Context())
	if err != nil || stats.TotalSupply != 1_000_000*fog {
		t.Fatalf("supply %s, %v", stats.TotalSupply, err)
	}
}

// compare checks every account and hold of one run against the model.
func compare(t *testing.T, rt *rapid.T, ledger *tokenomics.Tokenomics, m *model, draw drawer) {
	for _, account := range draw.accounts() {
		available, held := balance(t, ledger, account)
		if available != m.available[account] || held != m.held[account] {
			rt.Fatalf("%s has %s and %s held, model says %s and %s", account, available, held, m.available[account], m.held[account])
		}
	}
	for id, h := range m.holds {
		record, err := ledger.Held(t.Context(), id)
		if err != nil {
			rt.Fatalf("hold %s: %v", id, err)
		}
		voided := record.State == tokenomics.HoldVoided
		if record.Remaining() != h.rest || voided != h.voided || (record.State == tokenomics.HoldOpen) != (h.rest > 0) {
			rt.Fatalf("hold %s is %+v, model says %+v", id, record, *h)
		}
	}
}

// kindOf writes a verdict the way the model does.
func kindOf(verdict error) string {
	if verdict == nil {
		return yes
	}
	return fault.KindOf(verdict).String()
}

// drawer draws requests among few names, so that they meet.
type drawer struct{ prefix string }

func (d drawer) accounts() []tokenomics.Account {
	return []tokenomics.Account{tokenomics.Account(d.prefix + "a"), tokenomics.Account(d.prefix + "b"), tokenomics.Account(d.prefix + "c")}
}

func (d drawer) account(t *rapid.T) tokenomics.Account {
	return rapid.SampledFrom(d.accounts()).Draw(t, "account")
}

func (d drawer) key(t *rapid.T) string {
	return d.prefix + rapid.SampledFrom([]string{"p", "q", "r", "s"}).Draw(t, "key")
}

func (d drawer) amount(t *rapid.T) tokenomics.Amount {
	return tokenomics.Amount(rapid.IntRange(-1, 12).Draw(t, "amount"))
}

func (d drawer) request(t *rapid.T) tokenomics.Request {
	switch rapid.IntRange(0, 3).Draw(t, "op") {
	case 0:
		return tokenomics.Request{Hold: &tokenomics.Hold{
			ID: tokenomics.HoldID(d.key(t)), Payer: d.account(t), Amount: d.amount(t),
		}}
	case 1:
		shares := make([]tokenomics.Share, rapid.IntRange(1, 3).Draw(t, "shares"))
		for i := range shares {
			shares[i] = tokenomics.Share{Account: d.account(t), Amount: d.amount(t)}
		}
		return tokenomics.Request{Capture: &tokenomics.Capture{
			Key: d.key(t), Hold: tokenomics.HoldID(d.key(t)), To: shares, Final: rapid.Bool().Draw(t, "final"),
		}}
	case 2:
		return tokenomics.Request{Void: &tokenomics.Void{Hold: tokenomics.HoldID(d.key(t))}}
	default:
		return tokenomics.Request{Transfer: &tokenomics.Transfer{
			Key: d.key(t), From: d.account(t), To: d.account(t), Amount: d.amount(t),
		}}
	}
}
