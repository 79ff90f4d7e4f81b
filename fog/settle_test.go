package fog_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/fogcompute/fogcompute/fog"
	"github.com/fogcompute/fogcompute/fog/fogtest"
	"github.com/fogcompute/fogcompute/fog/idle"
	"github.com/fogcompute/fogcompute/fog/principal"
	"github.com/fogcompute/fogcompute/fog/scheduler"
	"github.com/fogcompute/fogcompute/fog/tokenomics"
)

// says is a device's program that prints the same whatever it is given.
func says(text string) fogtest.Compute {
	return func(idle.Offer) (*scheduler.Result, scheduler.Class, string) {
		return &scheduler.Result{Stdout: []byte(text), CPUSeconds: 1, WallSeconds: 1}, "", ""
	}
}

// quorumJob needs two results that agree, from devices of two owners.
func quorumJob() scheduler.Submission {
	s := job("checked")
	s.Tier = scheduler.Platinum
	return s
}

// TestQuorumIsPaidBySlot: a job of the platinum tier is computed by two owners'
// devices, and each is paid once.
func TestQuorumIsPaidBySlot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		house := fogtest.Open(t, fog.Config{})
		devices := []*fogtest.Device{
			fogtest.Join(t, house, fogtest.Device{ID: "d1"}), fogtest.Join(t, house, fogtest.Device{ID: "d2"}),
		}
		before := available(t, house, "operator")
		done := finish(t, house, devices, submit(t.Context(), t, house, quorumJob()).ID)[0]
		require.Equal(t, scheduler.Vested, done.Job.State)
		require.Len(t, done.Attempts, 2)
		price := tokenomics.Amount(done.Job.Price)
		require.Positive(t, price)
		assert.Equal(t, price, available(t, house, "device:d1"))
		assert.Equal(t, price, available(t, house, "device:d2"))
		assert.Equal(t, before-2*price, available(t, house, "operator"))
		assert.Len(t, contributions(t, house, done.Job.ID), 2)
		require.NoError(t, house.Tokenomics.Verify(t.Context()))
	})
}

// TestDisagreementIsNotPaid: where results differ a third device decides. Who
// lied is not paid, and nothing is charged for it.
func TestDisagreementIsNotPaid(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		house := fogtest.Open(t, fog.Config{})
		before := available(t, house, "operator")
		done := outvoted(t, house)
		price := tokenomics.Amount(done.Job.Price)
		assert.Zero(t, available(t, house, "device:liar"))
		assert.Equal(t, price, available(t, house, "device:honest"))
		assert.Equal(t, price, available(t, house, "device:judge"))
		assert.Equal(t, before-2*price, available(t, house, "operator"))
		work := contributions(t, house, done.Job.ID)
		require.Len(t, work, 2)
		for _, w := range work {
			assert.NotEqual(t, idle.DeviceID("liar"), w.Device)
		}
		require.NoError(t, house.Tokenomics.Verify(t.Context()))
	})
}

// TestNobodyAgreesNobodyIsPaid: where no two results agree the job fails and its
// payer gets everything back.
func TestNobodyAgreesNobodyIsPaid(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		house := fogtest.Open(t, fog.Config{})
		before := available(t, house, "operator")
		var devices []*fogtest.Device
		for _, name := range []idle.DeviceID{"a", "b", "c", "d"} {
			devices = append(devices, fogtest.Join(t, house, fogtest.Device{ID: name, Compute: says(string(name))}))
		}
		done := finish(t, house, devices, submit(t.Context(), t, house, quorumJob()).ID)[0]
		require.Equal(t, scheduler.Failed, done.Job.State)
		assert.Equal(t, before, available(t, house, "operator"))
		assert.Empty(t, contributions(t, house, done.Job.ID))
		require.NoError(t, house.Tokenomics.Verify(t.Context()))
	})
}

// TestVestingWindow: with a window the money stays held until it is over.
func TestVestingWindow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		house := fogtest.Open(t, fog.Config{Scheduler: scheduler.Config{Vest: time.Hour}})
		device := fogtest.Join(t, house, fogtest.Device{ID: "d1"})
		id := submit(t.Context(), t, house, job("vesting")).ID
		for state := scheduler.Pending; state != scheduler.Validated; {
			_, err := device.Work(t.Context())
			require.NoError(t, err)
			record, err := house.Scheduler.Get(t.Context(), id)
			require.NoError(t, err)
			state = record.Job.State
		}
		time.Sleep(50 * time.Minute)
		assert.Zero(t, available(t, house, "device:d1"))
		_, err := house.Scheduler.Cancel(t.Context(), id)
		assert.Equal(t, fog.KindConflict, fog.KindOf(err), "it is done, and will be paid")
		time.Sleep(11 * time.Minute)
		done := finish(t, house, nil, id)[0]
		assert.Equal(t, scheduler.Vested, done.Job.State)
		assert.GreaterOrEqual(t, time.Since(done.Job.Finished), time.Hour)
		assert.Equal(t, tokenomics.Amount(done.Job.Price), available(t, house, "device:d1"))
	})
}

// TestRefusedAndCancelledCostNothing: what was not computed is not paid.
func TestRefusedAndCancelledCostNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		house := fogtest.Open(t, fog.Config{})
		before := available(t, house, "operator")
		poor := user(t.Context(), "default", "poor")
		answers, err := house.Submit(poor, []scheduler.Submission{job("too dear")})
		require.NoError(t, err)
		assert.Equal(t, fog.KindInsufficient, fog.KindOf(answers[0].Err))
		assert.Equal(t, scheduler.Refused, answers[0].Job.State)

		id := submit(t.Context(), t, house, job("cancelled")).ID
		require.Less(t, available(t, house, "operator"), before)
		_, err = house.Scheduler.Cancel(t.Context(), id)
		require.NoError(t, err)
		finish(t, house, nil, id)
		assert.Equal(t, before, available(t, house, "operator"))
	})
}

// TestPoisonIsParked: a finished job whose contribution can never be recorded is
// given up after a while, visibly, and waits for a person. Those that finish
// with it are paid as if nothing were wrong.
func TestPoisonIsParked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		house := fogtest.Open(t, fog.Config{})
		const odd = "a node that is no device" // the registry of devices refuses the name
		var ids []scheduler.JobID
		for range 5 {
			ids = append(ids, submit(t.Context(), t, house, job("among others")).ID)
		}
		poison := submit(t.Context(), t, house, job("poison")).ID
		require.NoError(t, house.Scheduler.SyncNodes(t.Context(), []scheduler.Node{{
			ID: odd, Owner: "device:odd", State: scheduler.NodeUp, Executors: []string{scheduler.ExecutorWASM}, Trust: 1,
			Capacity: scheduler.Capacity{MilliCPU: 100, MemoryMB: 1024},
		}}))
		// The odd node has room for one job; the device takes the others.
		synctest.Wait()
		device := fogtest.Join(t, house, fogtest.Device{ID: "d1"})
		stuck := reportOffer(t, house, odd)
		others := append(ids, poison)
		for i, id := range others {
			if id == stuck {
				others = append(others[:i:i], others[i+1:]...)
				break
			}
		}
		require.Len(t, others, 5)
		for open := 5; open > 0; {
			_, err := device.Work(t.Context())
			require.NoError(t, err)
			open = 0
			for _, id := range others {
				if len(contributions(t, house, id)) == 0 {
					open++
				}
			}
		}
		assert.Equal(t, fog.Degraded, house.Health().Parts["settle"].State)
		assert.Zero(t, house.Health().ParkedFacts, "it is still being tried")
		require.NoError(t, house.Ready("settle"))

		time.Sleep(10 * time.Minute)
		health := house.Health()
		assert.Equal(t, 1, health.ParkedFacts)
		assert.Equal(t, fog.Degraded, health.State)
		assert.Equal(t, fog.Degraded, health.Parts["settle"].State)
		assert.Equal(t, fog.Healthy, health.Parts["presence"].State)
		parked, err := house.Parked(t.Context(), 10)
		require.NoError(t, err)
		require.Len(t, parked, 1)
		assert.Equal(t, string(stuck), parked[0].ID)
		assert.Equal(t, string(scheduler.TopicSettle), parked[0].Topic)
		assert.Contains(t, parked[0].Reason, "device")
		stats, err := house.Tokenomics.Stats(t.Context())
		require.NoError(t, err)
		assert.Equal(t, int64(1), stats.OpenHolds, "the money waits with it")

		for _, stranger := range []context.Context{operator(t.Context(), "acme"), user(t.Context(), "default", "eve")} {
			_, err := house.Parked(stranger, 10)
			assert.Error(t, err)
			assert.Error(t, house.RetryParked(stranger, parked[0].Number))
		}
		require.NoError(t, house.RetryParked(t.Context(), parked[0].Number))
		assert.Zero(t, house.Health().ParkedFacts)
		time.Sleep(10 * time.Minute)
		assert.Equal(t, 1, house.Health().ParkedFacts, "nothing has changed: it is given up again")
	})
}

// operatorsOnly is a program's own rule, whose author has not thought of the house.
type operatorsOnly struct{}

func (operatorsOnly) Authorize(_ context.Context, p principal.Principal, a principal.Action, _ principal.Resource) error {
	if p.Has(principal.ScopeOperator) {
		return nil
	}
	return fmt.Errorf("%s: only operators, not %s", a, p.Account)
}

// TestRulesOfOnesOwn: whatever a program allows its callers, the house itself can
// pay and keep nodes.
func TestRulesOfOnesOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		house := fogtest.Open(t, fog.Config{Authorize: operatorsOnly{}})
		device := fogtest.Join(t, house, fogtest.Device{ID: "d1"})
		done := finish(t, house, []*fogtest.Device{device}, submit(t.Context(), t, house, job("paid")).ID)
		assert.Equal(t, tokenomics.Amount(done[0].Job.Price), available(t, house, "device:d1"))
		_, err := house.Submit(user(t.Context(), "default", "eve"), []scheduler.Submission{job("not allowed")})
		assert.ErrorContains(t, err, "only operators")
		time.Sleep(time.Hour)
		assert.Equal(t, fog.Healthy, house.Health().State, "%+v", house.Health())
	})
}

// TestPurgedBeforeSettled: a job that its retention took away before it could be
// paid is not forgotten: a person hears of it.
func TestPurgedBeforeSettled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		house := fogtest.Open(t, fog.Config{Scheduler: scheduler.Config{Retention: time.Minute}})
		const odd = "a node that is no device"
		id := submit(t.Context(), t, house, job("poison")).ID
		require.NoError(t, house.Scheduler.SyncNodes(t.Context(), []scheduler.Node{{
			ID: odd, Owner: "device:odd", State: scheduler.NodeUp, Executors: []string{scheduler.ExecutorWASM}, Trust: 1,
			Capacity: scheduler.Capacity{MilliCPU: 100, MemoryMB: 1024},
		}}))
		require.Equal(t, id, reportOffer(t, house, odd))
		time.Sleep(10 * time.Minute)
		_, err := house.Wait(t.Context(), id)
		require.Equal(t, fog.KindNotFound, fog.KindOf(err), "%v", err)
		parked, err := house.Parked(t.Context(), 10)
		require.NoError(t, err)
		require.Len(t, parked, 1)
		assert.Contains(t, parked[0].Reason, "purged before it was settled")
	})
}

// reportOffer lets a node compute the one job that it is offered.
func reportOffer(t *testing.T, house *fog.Fog, node scheduler.NodeID) scheduler.JobID {
	t.Helper()
	for range 100 {
		grants, err := house.Scheduler.Claim(t.Context(), []scheduler.Claim{{Node: node, Take: 1}})
		require.NoError(t, err)
		for _, o := range grants[0].Offers {
			verdicts, err := house.Scheduler.Report(t.Context(), []scheduler.Report{{
				Attempt: o.Attempt, Token: o.Token, Node: node, Result: &scheduler.Result{Stdout: []byte("done")},
			}})
			require.NoError(t, err)
			require.NoError(t, verdicts[0].Err)
			return o.Job
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Fatal("nothing was offered")
	return ""
}
