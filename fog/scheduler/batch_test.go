package scheduler_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
	"github.com/fogcompute/fogcompute/fog/scheduler"
)

// purse is an escrow with so much to give, first come first served. It answers repeated holds as before.
type purse struct {
	mu    sync.Mutex // guards what follows
	left  scheduler.Price
	known map[scheduler.JobID]error
}

func (p *purse) Hold(_ context.Context, holds []scheduler.Hold) ([]error, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	out := make([]error, len(holds))
	for i, h := range holds {
		if _, known := p.known[h.Job]; !known {
			p.known[h.Job] = nil
			if p.left -= h.Amount; p.left < 0 {
				p.left += h.Amount
				p.known[h.Job] = fault.New(fault.Insufficient, "purse", "empty")
			}
		}
		out[i] = p.known[h.Job]
	}
	return out, nil
}

// flat prices every slot the same.
type flat struct{}

func (flat) Quote(_ context.Context, jobs []scheduler.Job) ([]scheduler.Price, error) {
	prices := make([]scheduler.Price, len(jobs))
	for i := range prices {
		prices[i] = 1
	}
	return prices, nil
}

// accepted is what a submitter sees of an answer, with the job in place of its identifier.
func accepted(out []scheduler.Submitted) []string {
	text := make([]string, len(out))
	number := map[scheduler.JobID]int{}
	for i := range out {
		if id := out[i].Job.ID; id != "" && out[i].Fresh {
			number[id] = i
		}
	}
	for i, o := range out {
		text[i] = "ok"
		if o.Err != nil {
			text[i] = fault.KindOf(o.Err).String()
		}
		if o.Job.ID != "" {
			text[i] += fmt.Sprintf(" %s of %d", o.Job.State, number[o.Job.ID])
		}
	}
	return text
}

// oneByOne submits each as a call of its own; what names others of the call names the stored ones.
func (r *rig) oneByOne(ctx context.Context, call []scheduler.Submission) []scheduler.Submitted {
	r.t.Helper()
	out := make([]scheduler.Submitted, len(call))
	for i, b := range call {
		b.After = nil
		for _, dep := range call[i].After {
			var n int
			_, err := fmt.Sscanf(string(dep.Job), "#%d", &n)
			require.NoError(r.t, err)
			if out[n].Job.ID == "" {
				out[i].Err = fault.Field("test", "after", "nothing was stored")
			}
			b.After = append(b.After, scheduler.Dependency{Job: out[n].Job.ID, When: dep.When})
		}
		if out[i].Err == nil {
			one, err := r.Submit(ctx, []scheduler.Submission{b})
			require.NoError(r.t, err)
			out[i] = one[0]
		}
	}
	return out
}

// TestABatchIsAcceptedAsItsSubmitsOneByOne submits the same in one call and one by one, with a bounded queue, repeated keys, a purse
// that runs empty, arrays and dependencies.
func TestABatchIsAcceptedAsItsSubmitsOneByOne(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		var call []scheduler.Submission
		for i := range rapid.IntRange(1, 9).Draw(rt, "submissions") {
			b := scheduler.Submission{
				Name: rapid.SampledFrom([]string{"a", "a", "b", ""}).Draw(rt, "name"), Count: rapid.SampledFrom([]int{0, 0, 2, 3}).Draw(rt, "count"),
				Key: rapid.SampledFrom([]string{"", "", "k", "l"}).Draw(rt, "key"),
			}
			if i > 0 && b.Key == "" && rapid.IntRange(0, 3).Draw(rt, "after") == 0 {
				when := rapid.SampledFrom([]scheduler.When{scheduler.OnSuccess, scheduler.OnFailure}).Draw(rt, "when")
				b.After = on(when, scheduler.JobID(fmt.Sprint("#", rapid.IntRange(0, i-1).Draw(rt, "which"))))
			}
			call = append(call, b)
		}
		most := rapid.SampledFrom([]int64{0, 1, 2, 3, 5}).Draw(rt, "most")
		funds := scheduler.Price(rapid.IntRange(-1, 12).Draw(rt, "funds"))
		stored := rapid.SampledFrom([]string{"", "k"}).Draw(rt, "stored before")
		var got [2][]string
		for n, submit := range []func(*rig, context.Context) []scheduler.Submitted{
			func(r *rig, ctx context.Context) []scheduler.Submitted { return r.oneByOne(ctx, call) },
			func(r *rig, ctx context.Context) []scheduler.Submitted {
				out, err := r.Submit(ctx, call)
				require.NoError(rt, err)
				return out
			},
		} {
			cfg := scheduler.Config{Pricer: flat{}}
			if funds >= 0 {
				cfg.Escrow = &purse{left: funds, known: map[scheduler.JobID]error{}}
			}
			inBubble(t, cfg, func(t *testing.T, r *rig) {
				require.NoError(t, r.SetQuotas(t.Context(), []scheduler.Quota{{Owner: "x", MaxQueued: most}}))
				ctx := as(t.Context(), "x")
				if stored != "" {
					_, err := r.Submit(ctx, []scheduler.Submission{{Name: "a", Key: stored}})
					require.NoError(t, err)
				}
				got[n] = accepted(submit(r, ctx))
			})
		}
		require.Equal(rt, got[0], got[1])
	})
}

// TestQuotasCountWhatWaits has one example of each way in which a call could be judged otherwise than its submissions one by one.
func TestQuotasCountWhatWaits(t *testing.T) {
	for name, c := range map[string]struct {
		funds int
		call  []scheduler.Submission
		want  string
	}{
		"a repeated key takes no room": {9, []scheduler.Submission{{Key: "k"}, {Key: "k"}, {}}, "ok queued of 0, ok queued of 0, ok queued of 2"},
		"another body is a conflict":   {9, []scheduler.Submission{{Key: "k"}, {Key: "k", Priority: 1}, {}}, "ok queued of 0, conflict, ok queued of 2"},
		"the first one takes the key": {9, []scheduler.Submission{{}, {Key: "k", Priority: 1, After: on("", "#0")}, {Key: "k"}},
			"ok queued of 0, ok blocked of 1, conflict"},
		"the refused take no room": {1, []scheduler.Submission{{Trust: quorum(1, 2)}, {Trust: quorum(1, 2)}, {}},
			"insufficient refused of 0, insufficient refused of 1, ok queued of 2"},
		"in the order of the call":  {9, []scheduler.Submission{{}, {After: on("", "#0")}, {}}, "ok queued of 0, ok blocked of 1, limited"},
		"the limited leave the key": {9, []scheduler.Submission{{Count: 3, Key: "k"}, {Key: "k"}, {}}, "limited, ok queued of 1, ok queued of 2"},
		"what ended takes no room": {9, []scheduler.Submission{{Key: "gone"}, {After: on("", "#0")}, {}, {}},
			"ok cancelled of 0, ok cancelled of 1, ok queued of 2, ok queued of 3"},
	} {
		t.Run(name, func(t *testing.T) {
			purse := &purse{left: scheduler.Price(c.funds), known: map[scheduler.JobID]error{}}
			inBubble(t, scheduler.Config{Escrow: purse, Pricer: flat{}}, func(t *testing.T, r *rig) {
				require.NoError(t, r.SetQuotas(t.Context(), []scheduler.Quota{{Owner: "x", MaxQueued: 2}}))
				for i := range c.call {
					c.call[i].Name = "job"
				}
				if c.call[0].Key == "gone" {
					gone := r.submitAs("x", c.call[0])[0].Job.ID
					_, err := r.Cancel(t.Context(), gone)
					require.NoError(t, err)
				}
				require.Equal(t, c.want, strings.Join(accepted(r.submitAs("x", c.call...)), ", "))
			})
		})
	}
}
