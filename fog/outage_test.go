package fog_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/fogcompute/fogcompute/fog"
	"github.com/fogcompute/fogcompute/fog/fogtest"
	"github.com/fogcompute/fogcompute/fog/idle"
	"github.com/fogcompute/fogcompute/fog/internal/db/dbtest"
	"github.com/fogcompute/fogcompute/fog/scheduler"
)

// TestDatabaseOutage stops PostgreSQL under load and starts it again. While it
// is away calls fail as unavailable and Ready names the database; afterwards
// the house recovers by itself and everything acknowledged is finished and paid.
func TestDatabaseOutage(t *testing.T) {
	t.Parallel()
	server := dbtest.NewServer(t)
	house := fogtest.Open(t, fog.Config{
		DatabaseURL: server.Database(t), DataDir: t.TempDir(),
		Scheduler: scheduler.Config{Lease: 2 * time.Second, PickUp: time.Second, HoldRetry: 200 * time.Millisecond, DutyTTL: time.Second, Poll: 100 * time.Millisecond},
		Idle:      idle.Config{Interval: 200 * time.Millisecond, Presence: 2 * time.Second, BeatRate: -1},
	})
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	work, stop := context.WithCancel(ctx)
	var group sync.WaitGroup
	defer group.Wait()
	defer stop()
	for _, name := range everyDevice() {
		d := fogtest.Join(t, house, fogtest.Device{ID: name})
		group.Go(func() { d.Run(work) })
	}
	load := &load{house: house, ended: make(chan struct{})}
	group.Go(func() { load.run(work) })
	require.Eventually(t, func() bool { return load.acknowledged() > 5 }, time.Minute, 10*time.Millisecond)

	server.Stop()
	require.Eventually(t, func() bool { return house.Ready("scheduler") != nil }, time.Minute, 10*time.Millisecond)
	err := house.Ready("scheduler")
	assert.Equal(t, fog.KindUnavailable, fog.KindOf(err))
	assert.Contains(t, fog.Detail(err), "database")
	_, err = house.Scheduler.List(ctx, scheduler.JobQuery{})
	assert.Equal(t, fog.KindUnavailable, fog.KindOf(err), "%v", err)
	require.Error(t, house.Check(ctx))

	require.NoError(t, server.Start())
	require.Eventually(t, func() bool { return house.Ready("scheduler") == nil }, time.Minute, 10*time.Millisecond)
	before := load.acknowledged()
	require.Eventually(t, func() bool { return load.acknowledged() > before+5 }, time.Minute, 10*time.Millisecond)
	load.finish()
	<-load.ended
	// Submissions whose answer was lost are jobs as well: all are audited.
	page, err := house.Scheduler.List(ctx, scheduler.JobQuery{Limit: 1000})
	require.NoError(t, err)
	require.Empty(t, page.Next)
	var all []scheduler.JobID
	for _, job := range page.Jobs {
		all = append(all, job.ID)
	}
	require.Subset(t, all, load.ids())
	require.NoError(t, settled(ctx, house, all))
}

const loadMost = 400 // jobs, so that one page lists them all

// load submits jobs one after another and remembers those that were acknowledged.
type load struct {
	house *fog.Fog
	ended chan struct{} // closed when run returns

	mu   sync.Mutex // guards jobs and over
	jobs []scheduler.JobID
	over bool
}

func (l *load) run(ctx context.Context) {
	defer close(l.ended)
	for i := 0; ctx.Err() == nil && !l.isOver() && l.acknowledged() < loadMost; i++ {
		answers, err := l.house.Submit(ctx, []scheduler.Submission{{
			Name: fmt.Sprintf("load %d", i), Tier: scheduler.Silver, Demand: scheduler.Demand{MilliCPU: 200}, Estimate: time.Second,
		}})
		if err != nil || answers[0].Err != nil {
			continue
		}
		l.mu.Lock()
		l.jobs = append(l.jobs, answers[0].Job.ID)
		l.mu.Unlock()
	}
}

func (l *load) acknowledged() int { return len(l.ids()) }

func (l *load) finish() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.over = true
}

func (l *load) isOver() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.over
}

func (l *load) ids() []scheduler.JobID {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]scheduler.JobID(nil), l.jobs...)
}
