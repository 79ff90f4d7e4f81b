package fog

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
)

// run supervises a part until the test's bubble ends.
func run(t *testing.T, p, ground *part) {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		supervise(ctx, p, ground, slog.New(slog.DiscardHandler))
		close(ended)
	}()
	t.Cleanup(func() {
		stop()
		<-ended
		assert.True(t, p.ended())
	})
}

func stateOf(p *part) State {
	state, _ := p.status()
	return state
}

// untilStopped is a part's run that does nothing, well.
func untilStopped(ctx context.Context) error {
	<-ctx.Done()
	return ctx.Err()
}

// A part that fails again and again is not called healthy in between; once it
// has lasted it is.
func TestSuperviseProvesAPart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var runs atomic.Int64
		p := newPart("p", func(ctx context.Context) error {
			if runs.Add(1) < 5 {
				pause(ctx, provenAfter/2)
				return fault.New(fault.Conflict, "test", "a cause to read")
			}
			return untilStopped(ctx)
		})
		assert.ErrorContains(t, p.ready(), "still starting")
		run(t, p, nil)
		synctest.Wait()
		assert.Equal(t, Healthy, stateOf(p), "the first run has credit")
		time.Sleep(provenAfter / 2)
		for range 100 { // while it fails, until its last run has begun
			time.Sleep(time.Millisecond)
			synctest.Wait()
			assert.Equal(t, Unavailable, stateOf(p))
		}
		err := p.ready()
		assert.Equal(t, fault.Unavailable, fault.KindOf(err))
		assert.Equal(t, "a cause to read", fault.Detail(err))
		time.Sleep(time.Minute)
		assert.Equal(t, Healthy, stateOf(p))
		assert.NoError(t, p.ready())
		assert.EqualValues(t, 5, runs.Load())
	})
}

// A part that panics, or ends by itself, is down and comes back.
func TestSuperviseSurvivesAPart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var runs atomic.Int64
		p := newPart("p", func(ctx context.Context) error {
			switch runs.Add(1) {
			case 1:
				panic("with a secret")
			case 2:
				return nil
			}
			return untilStopped(ctx)
		})
		run(t, p, nil)
		synctest.Wait()
		_, cause := p.status()
		assert.ErrorContains(t, cause, "panic: with a secret")
		assert.Equal(t, "internal error", fault.Detail(p.ready()))
		time.Sleep(restartFirst)
		synctest.Wait()
		_, cause = p.status()
		assert.ErrorContains(t, cause, "ended by itself")
		time.Sleep(time.Minute)
		assert.Equal(t, Healthy, stateOf(p))
	})
}

// While the ground is away nothing is tried; when it is back all is tried at once.
func TestSuperviseWaitsForTheGround(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ground := newPart("ground", nil)
		var runs atomic.Int64
		p := newPart("p", func(ctx context.Context) error {
			runs.Add(1)
			for {
				if state := stateOf(ground); !works(state) {
					return errors.New("the ground is gone")
				}
				if pause(ctx, 10*time.Millisecond); ctx.Err() != nil {
					return ctx.Err()
				}
			}
		})
		run(t, p, ground)
		time.Sleep(time.Hour)
		assert.Equal(t, Starting, stateOf(p))
		ground.set(Healthy, nil)
		synctest.Wait()
		assert.Equal(t, Healthy, stateOf(p))
		ground.set(Degraded, errors.New("slow"))
		time.Sleep(time.Second)
		assert.Equal(t, Healthy, stateOf(p))

		ground.set(Unavailable, errors.New("away"))
		time.Sleep(time.Hour)
		assert.Equal(t, Unavailable, stateOf(p))
		assert.EqualValues(t, 1, runs.Load())
		ground.set(Healthy, nil)
		synctest.Wait()
		assert.Equal(t, Healthy, stateOf(p), "it was not the part's fault: no proof is asked, no time lost")
		assert.EqualValues(t, 2, runs.Load())
	})
}

// A run that proves itself too late, after it has failed, changes nothing.
func TestProofOfAnEarlierRun(t *testing.T) {
	p := newPart("p", nil)
	run := p.begin()
	p.fail(errors.New("broken"))
	p.prove(run)
	assert.Equal(t, Unavailable, stateOf(p))
	p.prove(p.begin())
	assert.Equal(t, Healthy, stateOf(p))
	p.judges = true
	p.fail(errors.New("broken"))
	p.prove(p.begin())
	assert.Equal(t, Unavailable, stateOf(p), "it says itself how it is")
}

func TestVerdictOnTheDatabase(t *testing.T) {
	refused, late, full := errors.New("refused"), context.DeadlineExceeded, errors.New("disk full")
	state, slow := Starting, 0
	for i, c := range []struct {
		probed, written error
		state           State
		text            string
	}{
		{nil, nil, Healthy, ""},
		{nil, full, Degraded, "the database answers but cannot be written"},
		{late, nil, Degraded, "the database answers slowly"},
		{nil, nil, Healthy, ""},
		{late, nil, Degraded, "the database answers slowly"},
		{late, nil, Degraded, "the database answers slowly"},
		{late, nil, Unavailable, "the database does not answer"},
		{late, nil, Unavailable, "the database does not answer"},
		{nil, nil, Healthy, ""},
		{refused, nil, Unavailable, "the database does not answer"},
		{late, nil, Unavailable, "the database does not answer"}, // it was away: being slow is no news of its return
	} {
		var cause error
		state, cause = verdict(state, c.probed, c.written, &slow)
		require.Equal(t, c.state, state, "step %d", i)
		require.Equal(t, c.text, fault.Detail(cause), "step %d", i)
	}
}

// What the driver says may name users and hosts: it is not for clients.
func TestTroubleHidesTheDriver(t *testing.T) {
	secret := errors.New("connect to user=fog host=10.0.0.1")
	for kind, text := range map[fault.Kind]string{
		fault.Unavailable: "the database does not answer",
		fault.Internal:    "the database's tables cannot be made",
	} {
		err := prepareTrouble(&fault.Error{Kind: kind, Op: "db", Err: secret})
		assert.Equal(t, text, fault.Detail(err))
		assert.ErrorIs(t, err, secret)
	}
	newer := fault.New(fault.Conflict, "db.migrate", "the schema is newer")
	assert.Equal(t, "the schema is newer", fault.Detail(prepareTrouble(newer)))
}
