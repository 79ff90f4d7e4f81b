package fog_test

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/fogcompute/fogcompute/fog"
	"github.com/fogcompute/fogcompute/fog/fogtest"
	"github.com/fogcompute/fogcompute/fog/idle"
	"github.com/fogcompute/fogcompute/fog/internal/fault"
	"github.com/fogcompute/fogcompute/fog/scheduler"
	"github.com/fogcompute/fogcompute/fog/tokenomics"
)

// punishing takes part of the stake of whoever breaks its word.
func punishing() fog.Config {
	return fog.Config{Tokenomics: tokenomics.Config{Economics: func() tokenomics.Economics {
		return tokenomics.Economics{BadResult: 1000, SLA: 100, AppealWindow: 10 * time.Minute}
	}}}
}

// back stakes 10 FOG with the owner of each device.
func back(t *testing.T, house *fog.Fog, devices ...string) {
	t.Helper()
	for _, name := range devices {
		verdicts, err := house.Tokenomics.Stake(t.Context(), []tokenomics.Stake{{
			Key: "back " + name, Account: "operator", Operator: tokenomics.Account("device:" + name), Amount: 10 * tokenomics.FOG,
		}})
		require.NoError(t, err)
		require.NoError(t, verdicts[0])
	}
}

// slashes lets the journal be read, and reads them.
func slashes(t *testing.T, house *fog.Fog, operator string) []tokenomics.Slash {
	t.Helper()
	time.Sleep(10 * time.Second)
	synctest.Wait()
	page, err := house.Tokenomics.Slashes(t.Context(), tokenomics.Account("device:"+operator), "", 10)
	require.NoError(t, err)
	return page.Slashes
}

// outvoted has a quorum job of which one device tells lies.
func outvoted(t *testing.T, house *fog.Fog) scheduler.Record {
	t.Helper()
	id := submit(t.Context(), t, house, quorumJob()).ID
	first := []*fogtest.Device{
		fogtest.Join(t, house, fogtest.Device{ID: "liar", Compute: says("lies")}),
		fogtest.Join(t, house, fogtest.Device{ID: "honest", Compute: says("truth")}),
	}
	for record := (scheduler.Record{}); record.Job.Slots < 3; {
		for _, d := range first {
			_, err := d.Work(t.Context())
			require.NoError(t, err)
		}
		var err error
		record, err = house.Scheduler.Get(t.Context(), id)
		require.NoError(t, err)
	}
	judge := fogtest.Join(t, house, fogtest.Device{ID: "judge", Compute: says("truth")})
	done := finish(t, house, append(first, judge), id)[0]
	require.Equal(t, scheduler.Vested, done.Job.State)
	return done
}

// TestAProvenLieCostsStake: what is staked with the owner of a device whose
// result was outvoted is cut when nobody has appealed in time, and nobody else's.
func TestAProvenLieCostsStake(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		house := fogtest.Open(t, punishing())
		back(t, house, "liar", "honest")
		done := outvoted(t, house)
		open := slashes(t, house, "liar")
		require.Len(t, open, 1)
		assert.Equal(t, tokenomics.SlashOpen, open[0].State)
		assert.Equal(t, tokenomics.FaultBadResult, open[0].Kind)
		assert.Equal(t, 1000, open[0].Part)
		assert.Contains(t, open[0].Detail, done.Job.ID)
		assert.Empty(t, slashes(t, house, "honest"))
		time.Sleep(11 * time.Minute)
		cut := slashes(t, house, "liar")
		require.Len(t, cut, 1)
		assert.Equal(t, tokenomics.SlashDone, cut[0].State)
		assert.Equal(t, tokenomics.FOG, cut[0].Taken)
		require.NoError(t, house.Tokenomics.Verify(t.Context()))
	})
}

// TestAnAppealIsHeard: the same, but the owner appeals and the house agrees.
func TestAnAppealIsHeard(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		house := fogtest.Open(t, punishing())
		back(t, house, "liar")
		outvoted(t, house)
		id := slashes(t, house, "liar")[0].ID
		verdicts, err := house.Tokenomics.Appeal(user(t.Context(), "default", "device:liar"), []tokenomics.Appeal{{ID: id, Operator: "device:liar", Detail: "a cosmic ray"}})
		require.NoError(t, err)
		require.NoError(t, verdicts[0])
		verdicts, err = house.Tokenomics.Dismiss(t.Context(), []tokenomics.Dismiss{{ID: id}})
		require.NoError(t, err)
		require.NoError(t, verdicts[0])
		time.Sleep(21 * time.Minute)
		got := slashes(t, house, "liar")[0]
		assert.Equal(t, tokenomics.SlashDismissed, got.State)
		assert.Zero(t, got.Taken)
	})
}

// TestWithoutStakeOrRuleNothingIsTaken: the job is settled all the same.
func TestWithoutStakeOrRuleNothingIsTaken(t *testing.T) {
	for name, config := range map[string]fog.Config{"nobody stakes": punishing(), "no rule": {}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				house := fogtest.Open(t, config)
				if name == "no rule" {
					back(t, house, "liar")
				}
				done := outvoted(t, house)
				assert.Equal(t, tokenomics.Amount(done.Job.Price), available(t, house, "device:honest"))
				assert.Empty(t, slashes(t, house, "liar"))
				parked, err := house.Parked(t.Context(), 10)
				require.NoError(t, err)
				assert.Empty(t, parked)
			})
		})
	}
}

// TestADroppedJobThatMissesItsDeadline: whoever had it loses stake, of which its payer gets up to the price.
func TestADroppedJobThatMissesItsDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		house := fogtest.Open(t, punishing())
		back(t, house, "gone", "other")
		device := fogtest.Join(t, house, fogtest.Device{ID: "gone"})
		s := job("urgent")
		s.Deadline = time.Now().Add(10 * time.Minute)
		id := submit(t.Context(), t, house, s).ID
		offers, err := device.Fetch(t.Context(), time.Minute) // and is never heard of again
		require.NoError(t, err)
		require.Len(t, offers, 1)
		time.Sleep(20 * time.Minute)
		record, err := house.Scheduler.Get(t.Context(), id)
		require.NoError(t, err)
		require.Equal(t, scheduler.Expired, record.Job.State)
		got := slashes(t, house, "gone")
		require.Len(t, got, 1)
		assert.Equal(t, tokenomics.FaultSLA, got[0].Kind)
		assert.Equal(t, tokenomics.Account("operator"), got[0].Harmed)
		time.Sleep(11 * time.Minute)
		got = slashes(t, house, "gone")
		assert.Equal(t, tokenomics.FOG/10, got[0].Taken)
		assert.Equal(t, min(tokenomics.Amount(record.Job.Price), tokenomics.FOG/10), got[0].Compensated)
	})
}

// partial is a ledger's storage that fails a few times, and only where one operator is slashed.
type partial struct {
	tokenomics.Store
	operator tokenomics.Account
	failed   *atomic.Int64
}

func (s partial) Commit(ctx context.Context, fence tokenomics.Fence, changes tokenomics.Changes) error {
	for _, r := range changes.Records {
		if r.Class == tokenomics.ClassSlash && r.Owner == s.operator && s.failed.Add(1) <= 3 {
			return fault.New(fault.Internal, "partial.commit", "a bad block")
		}
	}
	return s.Store.Commit(ctx, fence, changes)
}

// TestNoVerdictHidesAnother: two devices have lied about one job, and the ledger fails to take the evidence against one of them at
// first, be it the one that is named first or last. Both lose stake.
func TestNoVerdictHidesAnother(t *testing.T) {
	for _, away := range []string{"liar", "fibber"} {
		t.Run(away, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				config := punishing()
				store := partial{tokenomics.NewMemory(nil), tokenomics.Account("device:" + away), new(atomic.Int64)}
				config.Tokenomics.Store = store
				house := fogtest.Open(t, config)
				back(t, house, "liar", "fibber")
				id := submit(t.Context(), t, house, quorumJob()).ID
				devices := []*fogtest.Device{
					fogtest.Join(t, house, fogtest.Device{ID: "liar", Compute: says("lies")}),
					fogtest.Join(t, house, fogtest.Device{ID: "fibber", Compute: says("fibs")}),
				}
				for _, name := range []idle.DeviceID{"judge", "jury"} {
					time.Sleep(time.Second)
					for range 4 {
						for _, d := range devices {
							_, err := d.Work(t.Context())
							require.NoError(t, err)
						}
					}
					devices = append(devices, fogtest.Join(t, house, fogtest.Device{ID: name, Compute: says("truth")}))
				}
				finish(t, house, devices, id)
				time.Sleep(time.Minute)
				assert.Len(t, slashes(t, house, "liar"), 1)
				assert.Len(t, slashes(t, house, "fibber"), 1)
				assert.Greater(t, store.failed.Load(), int64(3))
			})
		})
	}
}
