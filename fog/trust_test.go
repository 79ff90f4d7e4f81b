package fog_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/fogcompute/fogcompute/fog"
	"github.com/fogcompute/fogcompute/fog/fogtest"
	"github.com/fogcompute/fogcompute/fog/idle"
	"github.com/fogcompute/fogcompute/fog/scheduler"
	"github.com/fogcompute/fogcompute/fog/tokenomics"
)

// doubtful is a job whose trust is adaptive.
func doubtful(name string) scheduler.Submission {
	s := job(name)
	s.Trust = &scheduler.Trust{Replicas: 1, Quorum: 1, Adaptive: true}
	return s
}

// unlucky is randomness by which nothing is ever drawn that need not be.
type unlucky struct{}

func (unlucky) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 0xff
	}
	return len(p), nil
}

// wary believes whoever was right twice in a row; three lies are too many.
func wary() fog.Config {
	return fog.Config{Idle: idle.Config{Random: unlucky{}, Trust: idle.TrustRules{Threshold: 2, Strikes: 3, HoldBack: time.Hour, Quarantine: 24 * time.Hour}}}
}

// work lets devices work for a while.
func work(t *testing.T, devices []*fogtest.Device, turns int) {
	t.Helper()
	for range turns {
		for _, d := range devices {
			_, err := d.Work(t.Context())
			require.NoError(t, err)
		}
		time.Sleep(time.Second)
	}
}

func stateOf(t *testing.T, house *fog.Fog, id scheduler.JobID) scheduler.State {
	t.Helper()
	record, err := house.Scheduler.Get(t.Context(), id)
	require.NoError(t, err)
	return record.Job.State
}

// TestALiarIsFoundOut: what strangers say is compared until they are known. One who then begins to lie is found out by chance, and at
// once by its first strike: all that it said and was not paid for yet is computed anew, it is paid for the truth alone, and gets no more
// work.
func TestALiarIsFoundOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		house := fogtest.Open(t, wary())
		lies := false
		liar := fogtest.Join(t, house, fogtest.Device{ID: "liar", Compute: func(o idle.Offer) (*scheduler.Result, scheduler.Class, string) {
			if lies {
				return says("lies " + o.Job)(o)
			}
			return fogtest.Hash(o)
		}})
		first := submit(t.Context(), t, house, doubtful("first")).ID
		work(t, []*fogtest.Device{liar}, 2)
		assert.Equal(t, scheduler.Queued, stateOf(t, house, first), "a stranger is not believed")
		honest := []*fogtest.Device{fogtest.Join(t, house, fogtest.Device{ID: "h1"}), fogtest.Join(t, house, fogtest.Device{ID: "h2"})}
		work(t, honest, 10)
		require.Equal(t, scheduler.Vested, stateOf(t, house, first), "compared results are paid at once")
		price := available(t, house, "device:liar")
		require.Positive(t, price)

		second := submit(t.Context(), t, house, quorumJob()).ID // it earns more
		work(t, []*fogtest.Device{liar, honest[0]}, 10)
		require.Equal(t, scheduler.Vested, stateOf(t, house, second))
		paid := available(t, house, "device:liar")

		lies = true
		_, err := house.Idle.Drain(t.Context(), "h1", true)
		require.NoError(t, err)
		_, err = house.Idle.Drain(t.Context(), "h2", true)
		require.NoError(t, err)
		time.Sleep(time.Second)
		var doubted []scheduler.JobID
		for n := range 4 {
			doubted = append(doubted, submit(t.Context(), t, house, doubtful(fmt.Sprint("lied about ", n))).ID)
		}
		work(t, []*fogtest.Device{liar}, 10)
		for _, id := range doubted {
			require.Equal(t, scheduler.Validated, stateOf(t, house, id), "it is believed alone")
		}
		assert.Equal(t, paid, available(t, house, "device:liar"), "and not paid yet")

		compared := submit(t.Context(), t, house, quorumJob()).ID // with another, it is not
		work(t, []*fogtest.Device{liar}, 2)
		for _, name := range []idle.DeviceID{"h1", "h2"} {
			_, err = house.Idle.Drain(t.Context(), name, false)
			require.NoError(t, err)
		}
		work(t, append(honest, liar), 60)
		require.Equal(t, scheduler.Vested, stateOf(t, house, compared))
		for _, id := range doubted {
			record, err := house.Scheduler.Get(t.Context(), id)
			require.NoError(t, err)
			assert.Equal(t, scheduler.Vested, record.Job.State)
			assert.NotContains(t, string(record.Job.Result.Stdout), "lies")
			for _, c := range contributions(t, house, id) {
				assert.NotEqual(t, idle.DeviceID("liar"), c.Device)
			}
		}
		assert.Equal(t, paid, available(t, house, "device:liar"))
		d, err := house.Idle.Get(t.Context(), "liar")
		require.NoError(t, err)
		assert.Equal(t, idle.Quarantined, d.State)
		last := submit(t.Context(), t, house, job("last")).ID
		n, err := liar.Work(t.Context())
		require.NoError(t, err)
		assert.Zero(t, n)
		finish(t, house, honest, last)
		require.NoError(t, house.Tokenomics.Verify(t.Context()))
	})
}

// TestHeldBack: whoever is believed alone is paid when the time is over, once, and the rest of the hold goes back.
func TestHeldBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		house := fogtest.Open(t, wary())
		a, b := fogtest.Join(t, house, fogtest.Device{ID: "a"}), fogtest.Join(t, house, fogtest.Device{ID: "b"})
		for range 2 { // both make themselves known
			finish(t, house, []*fogtest.Device{a, b}, submit(t.Context(), t, house, quorumJob()).ID)
		}
		time.Sleep(10 * time.Second)
		was := available(t, house, "device:a") + available(t, house, "device:b")
		spent := available(t, house, "operator")
		done := submit(t.Context(), t, house, doubtful("alone"))
		work(t, []*fogtest.Device{a, b}, 5)
		require.Equal(t, scheduler.Validated, stateOf(t, house, done.ID))
		assert.Equal(t, spent-2*tokenomics.Amount(done.Price), available(t, house, "operator"))
		time.Sleep(time.Hour)
		finish(t, house, []*fogtest.Device{a, b}, done.ID)
		assert.Equal(t, was+tokenomics.Amount(done.Price), available(t, house, "device:a")+available(t, house, "device:b"))
		assert.Equal(t, spent-tokenomics.Amount(done.Price), available(t, house, "operator"))
		require.Len(t, contributions(t, house, done.ID), 1)
	})
}

// TestTrustAdaptsWhereStrangersAre: a fleet of one owner needs no checks; with the first device of somebody else new jobs get them.
func TestTrustAdaptsWhereStrangersAre(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		house := fogtest.Open(t, fog.Config{})
		mine := []*fogtest.Device{fogtest.Join(t, house, fogtest.Device{ID: "a"}), fogtest.Join(t, house, fogtest.Device{ID: "b"})}
		alone := submit(t.Context(), t, house, job("alone"))
		assert.Equal(t, "none", alone.Trust.String())
		assert.Len(t, finish(t, house, mine, alone.ID)[0].Attempts, 1)

		_, err := house.Idle.Register(user(t.Context(), "default", "eve"), idle.Enrolment{ID: "hers", Type: idle.Server, CPUCores: 1, MemoryMB: 1024})
		require.NoError(t, err)
		time.Sleep(3 * time.Second)
		among := submit(t.Context(), t, house, job("among strangers"))
		assert.Equal(t, "adaptive", among.Trust.String())
		assert.Len(t, finish(t, house, mine, among.ID)[0].Attempts, 2, "nobody is known yet")
		said := job("none")
		said.Trust = &scheduler.Trust{Replicas: 1, Quorum: 1}
		assert.Equal(t, "none", submit(t.Context(), t, house, said).Trust.String())
		elsewhere, err := house.Submit(operator(t.Context(), "other"), []scheduler.Submission{job("elsewhere")}) // which has no funds
		require.NoError(t, err)
		assert.Equal(t, "none", elsewhere[0].Job.Trust.String())

		_, err = house.Idle.Revoke(t.Context(), "hers", "")
		require.NoError(t, err)
		time.Sleep(3 * time.Second)
		assert.Equal(t, "none", submit(t.Context(), t, house, job("alone again")).Trust.String())
	})
}
