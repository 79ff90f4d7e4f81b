package idletest

import (
	"fmt"

	"github.com/stretchr/testify/require"

	"github.com/fogcompute/fogcompute/fog/idle"
)

func (s *suite) contributeOnce() {
	foreign := bare("foreign")
	foreign.Tenant = "other"
	s.insert(bare("a"), foreign)
	first := idle.Contribution{
		Tenant: "default", Creator: "operator", Job: "j1", Slot: 0, Attempt: "j1.0.1", Device: "a", Account: "alice", Amount: 10,
		CPUSeconds: 0.5, At: at(1),
	}
	second, other := first, first
	second.Slot = 1
	other.Device, other.Amount = "gone", 99 // the same slot again, with another content
	fresh, err := s.Store.Contribute(s.ctx(), []idle.Contribution{first, second, other})
	require.NoError(s, err)
	require.Equal(s, []bool{true, true, false}, fresh)

	third := first
	third.Job, third.Device = "j2", "gone" // a device that was purged is paid all the same
	fourth := first
	fourth.Job, fourth.Device = "j3", "foreign" // another tenant's device does not count our work
	fresh, err = s.Store.Contribute(s.ctx(), []idle.Contribution{first, third, fourth})
	require.NoError(s, err)
	require.Equal(s, []bool{false, true, true}, fresh)

	d := s.load("a")
	require.EqualValues(s, 2, d.TasksCompleted)
	require.Equal(s, 1.0, d.ComputeSeconds)
	require.EqualValues(s, 20, d.Earned)
	require.EqualValues(s, 1, d.Version, "work is no transition")
	require.Zero(s, s.load("foreign").TasksCompleted)
	tally, err := s.Store.Tally(s.ctx(), "default")
	require.NoError(s, err)
	require.EqualValues(s, 4, tally.TasksCompleted)
	require.EqualValues(s, 40, tally.Earned)

	page, err := s.Store.Contributions(s.ctx(), idle.ContributionQuery{Tenant: "default", Job: "j1", Limit: 10})
	require.NoError(s, err)
	require.Equal(s, []idle.Contribution{second, first}, page.Contributions)
	fresh, err = s.Store.Contribute(s.ctx(), nil)
	require.NoError(s, err)
	require.Empty(s, fresh)
}

// contributeConcurrently offers the same slots from many sides, in different orders: each must be new exactly once.
func (s *suite) contributeConcurrently() {
	s.insert(bare("a"), bare("b"))
	const sides, slots = 6, 20
	type outcome struct {
		fresh int
		err   error
	}
	outcomes := make(chan outcome, sides)
	for side := range sides {
		go func() {
			var o outcome
			for n := 0; n < slots && o.err == nil; n += 4 {
				var work []idle.Contribution
				for k := range 4 {
					slot := (n + k + side*7) % slots
					work = append(work, idle.Contribution{
						Tenant: "default", Job: "j", Slot: slot, Device: idle.DeviceID("ab"[slot%2 : slot%2+1]), Amount: 3, CPUSeconds: 0.25, At: at(1),
					})
				}
				if side%2 == 1 {
					work[0], work[3] = work[3], work[0]
				}
				var fresh []bool
				fresh, o.err = s.Store.Contribute(s.ctx(), work)
				for _, f := range fresh {
					if f {
						o.fresh++
					}
				}
			}
			outcomes <- o
		}()
	}
	total := 0
	for range sides {
		o := <-outcomes
		require.NoError(s, o.err)
		total += o.fresh
	}
	require.Equal(s, slots, total)
	for _, id := range []idle.DeviceID{"a", "b"} {
		d := s.load(id)
		require.EqualValues(s, slots/2, d.TasksCompleted)
		require.EqualValues(s, 3*slots/2, d.Earned)
		require.Equal(s, 0.25*slots/2, d.ComputeSeconds)
	}
	tally, err := s.Store.Tally(s.ctx(), "default")
	require.NoError(s, err)
	require.EqualValues(s, slots, tally.TasksCompleted)
}

func (s *suite) contributions() {
	var work []idle.Contribution
	for n := range 7 {
		work = append(work, idle.Contribution{
			Tenant: "default", Job: fmt.Sprintf("job.%d", n%3), Slot: n, Device: idle.DeviceID(fmt.Sprintf("d%d", n%2)), At: at(float64(n / 3)),
		})
	}
	foreign := work[0]
	foreign.Tenant, foreign.Job = "other", "foreign"
	_, err := s.Store.Contribute(s.ctx(), append(work, foreign))
	require.NoError(s, err)

	var slots []int
	q := idle.ContributionQuery{Tenant: "default", Limit: 3}
	for {
		page, err := s.Store.Contributions(s.ctx(), q)
		require.NoError(s, err)
		for _, c := range page.Contributions {
			slots = append(slots, c.Slot)
		}
		if page.Next == "" {
			break
		}
		require.Len(s, page.Contributions, 3)
		q.Cursor = page.Next
	}
	require.Equal(s, []int{6, 5, 4, 3, 2, 1, 0}, slots)

	page, err := s.Store.Contributions(s.ctx(), idle.ContributionQuery{Tenant: "default", Device: "d1", Limit: 10})
	require.NoError(s, err)
	require.Len(s, page.Contributions, 3)
	page, err = s.Store.Contributions(s.ctx(), idle.ContributionQuery{Tenant: "nobody", Limit: 10})
	require.NoError(s, err)
	require.Empty(s, page.Contributions)
}

func (s *suite) purgeContributions() {
	var work []idle.Contribution
	for n := range 5 {
		work = append(work, idle.Contribution{Tenant: "default", Job: "j", Slot: n, Device: "a", Amount: 1, At: at(float64(n))})
	}
	_, err := s.Store.Contribute(s.ctx(), work)
	require.NoError(s, err)
	n, err := s.Store.PurgeContributions(s.ctx(), at(3), 2)
	require.NoError(s, err)
	require.Equal(s, 2, n)
	n, err = s.Store.PurgeContributions(s.ctx(), at(3), 100)
	require.NoError(s, err)
	require.Equal(s, 1, n)
	page, err := s.Store.Contributions(s.ctx(), idle.ContributionQuery{Tenant: "default", Limit: 10})
	require.NoError(s, err)
	require.Len(s, page.Contributions, 2)
	tally, err := s.Store.Tally(s.ctx(), "default")
	require.NoError(s, err)
	require.EqualValues(s, 5, tally.TasksCompleted, "totals outlive what they count")
}
