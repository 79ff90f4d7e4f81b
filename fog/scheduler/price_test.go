package scheduler_test

import (
	"context"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
	"github.com/fogcompute/fogcompute/fog/principal"
	"github.com/fogcompute/fogcompute/fog/scheduler"
)

// posted is a pricer whose price a test sets.
type posted struct{ price scheduler.Price }

func (p *posted) Quote(_ context.Context, jobs []scheduler.Job) ([]scheduler.Price, error) {
	prices := make([]scheduler.Price, len(jobs))
	for i := range prices {
		prices[i] = p.price
	}
	return prices, nil
}

func TestMaxPriceRefusesWithTheQuote(t *testing.T) {
	market := &posted{price: 400_000}
	s := newIdle(t, scheduler.Config{Pricer: market})
	submit := func(b scheduler.Submission) scheduler.Submitted {
		out, err := s.Submit(t.Context(), []scheduler.Submission{b})
		require.NoError(t, err)
		return out[0]
	}
	asked := scheduler.Submission{Name: "a", Trust: quorum(2, 3), MaxPrice: 1_199_999}
	got := submit(asked)
	kind(t, fault.Insufficient, got.Err)
	require.Empty(t, got.Job.ID)
	require.Equal(t, "the job is quoted 1.2 FOG and its max_price is 1.199999: raise max_price, ask for less, "+
		"or submit it again when the price has fallen", fault.Detail(got.Err))
	asked.MaxPrice = 1_200_000
	got = submit(asked)
	require.NoError(t, got.Err, "the quote itself is allowed")
	require.Equal(t, scheduler.Price(1_200_000), got.Job.Quote)

	asked.MaxPrice = -1
	got = submit(asked)
	kind(t, fault.Invalid, got.Err)
	require.Equal(t, "max_price", fault.FieldOf(got.Err))

	page, err := s.List(t.Context(), scheduler.JobQuery{})
	require.NoError(t, err)
	require.EqualValues(t, 1, page.Total, "what is refused is not stored")
}

// A repeated submission answers with its job, whatever it would cost now; so a lost answer can always be asked for again.
func TestMaxPriceOfARepeatedSubmission(t *testing.T) {
	for name, most := range map[string]int64{"free": 0, "bounded": 10} {
		t.Run(name, func(t *testing.T) {
			market := &posted{price: 5}
			s := newIdle(t, scheduler.Config{Pricer: market})
			if most > 0 {
				require.NoError(t, s.SetQuotas(t.Context(), []scheduler.Quota{{Owner: principal.Operator, MaxQueued: most}}))
			}
			call := []scheduler.Submission{{Name: "a", Key: "k", MaxPrice: 5}}
			first, err := s.Submit(t.Context(), call)
			require.NoError(t, err)
			require.NoError(t, first[0].Err)
			market.price = 6
			call = append(call, scheduler.Submission{Name: "b", Key: "l", MaxPrice: 5}, scheduler.Submission{Name: "c", MaxPrice: 5, Count: 3},
				scheduler.Submission{Name: "d", MaxPrice: 6})
			again, err := s.Submit(t.Context(), call)
			require.NoError(t, err)
			require.NoError(t, again[0].Err)
			require.Equal(t, first[0].Job.ID, again[0].Job.ID)
			require.False(t, again[0].Fresh)
			require.Equal(t, scheduler.Price(5), again[0].Job.Price, "the price is fixed when the job is submitted")
			kind(t, fault.Insufficient, again[1].Err)
			kind(t, fault.Insufficient, again[2].Err)
			require.NoError(t, again[3].Err, "the others go on")
			market.price = 5
			again, err = s.Submit(t.Context(), call[1:2])
			require.NoError(t, err)
			require.NoError(t, again[0].Err, "a refusal uses no key up")
		})
	}
}

// What the queue asks for is a running sum: it must be what the queued jobs ask for, after any history.
func TestStatsSumTheQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rapid.Check(struct{ rapid.TB }{t}, func(rt *rapid.T) { // hides the deadline, which a bubble has not
			r := start(t, scheduler.Config{Random: rand.NewChaCha8([32]byte{})})
			defer r.stop()
			r.nodes("n")
			var ids []scheduler.JobID
			rt.Repeat(map[string]func(*rapid.T){
				"submit": func(rt *rapid.T) {
					b := queueable(rt)
					ids = append(ids, r.submit(b))
				},
				"fetch": func(*rapid.T) { r.claim(scheduler.Claim{Node: "n", Take: 3}) },
				"command": func(rt *rapid.T) {
					if len(ids) == 0 {
						rt.Skip("no job yet")
					}
					act := rapid.SampledFrom([]func(context.Context, scheduler.JobID) (scheduler.Job, error){r.Cancel, r.Pause, r.Resume}).Draw(rt, "act")
					_, _ = act(t.Context(), rapid.SampledFrom(ids).Draw(rt, "job")) // the wrong state for it is fine
					synctest.Wait()
				},
				"": func(rt *rapid.T) {
					stats, err := r.Stats(t.Context())
					require.NoError(rt, err)
					require.Equal(rt, r.queued(), stats.Queued)
				},
			})
		})
	})
}

// queueable draws a job, or an array, some of which find no node.
func queueable(rt *rapid.T) scheduler.Submission {
	replicas := rapid.IntRange(1, 2).Draw(rt, "replicas")
	return scheduler.Submission{
		Tier: rapid.SampledFrom(scheduler.Tiers()).Draw(rt, "tier"), Trust: quorum(1, replicas), Estimate: time.Second,
		Demand: scheduler.Demand{
			MilliCPU: rapid.Int64Range(1, 5000).Draw(rt, "cpu"), MemoryMB: rapid.Int64Range(1, 3000).Draw(rt, "memory"),
			MilliGPU: rapid.Int64Range(0, 2).Draw(rt, "gpu"), MbitPS: rapid.Int64Range(0, 2).Draw(rt, "net"),
		},
		Count: rapid.IntRange(0, 3).Draw(rt, "count"),
	}
}

// queued sums what the queued jobs ask for, job by job.
func (r *rig) queued() scheduler.Capacity {
	r.t.Helper()
	page, err := r.List(r.t.Context(), scheduler.JobQuery{States: []scheduler.State{scheduler.Queued}, Limit: 1000})
	require.NoError(r.t, err)
	var sum scheduler.Capacity
	for _, j := range page.Jobs {
		n := int64(j.Slots)
		sum.MilliCPU += n * j.Demand.MilliCPU
		sum.MemoryMB += n * j.Demand.MemoryMB
		sum.MilliGPU += n * j.Demand.MilliGPU
		sum.MbitPS += n * j.Demand.MbitPS
	}
	return sum
}
