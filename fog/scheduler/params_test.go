package scheduler_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"math"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
	"github.com/fogcompute/fogcompute/fog/scheduler"
)

func TestParamsValidate(t *testing.T) {
	require.NoError(t, scheduler.Params{}.Validate())
	require.NoError(t, scheduler.Params{RoundBudget: -1, PriorityStep: -1, Aging: -1, Grace: -1, Evictions: -1, MoveGain: -1, Genetic: -1}.Validate(), "off")
	for field, p := range map[string]scheduler.Params{
		"RoundBudget":  {RoundBudget: time.Minute},
		"PriorityStep": {PriorityStep: 25 * time.Hour},
		"Aging":        {Aging: time.Millisecond},
		"Grace":        {Grace: 2 * time.Hour},
		"Evictions":    {Evictions: 1001},
		"MoveGain":     {MoveGain: math.NaN()},
		"Genetic":      {Genetic: 1.5},
	} {
		err := p.Validate()
		kind(t, fault.Invalid, err)
		require.Equal(t, field, fault.FieldOf(err))
	}
	require.Error(t, scheduler.Params{MoveGain: math.Inf(-1)}.Validate())
}

func TestParamsThatCannotWorkChangeNothing(t *testing.T) {
	var published atomic.Pointer[scheduler.Params]
	published.Store(&scheduler.Params{PriorityStep: time.Second})
	var log bytes.Buffer
	s := newIdle(t, scheduler.Config{
		Params: func() scheduler.Params { return *published.Load() },
		Logger: slog.New(slog.NewTextHandler(&log, nil)),
	})
	lead := func() time.Duration {
		out, err := s.Submit(t.Context(), []scheduler.Submission{{Name: "a", Priority: 10}})
		require.NoError(t, err)
		require.NoError(t, out[0].Err)
		return out[0].Job.Submitted.Sub(out[0].Job.Order)
	}
	require.Equal(t, 10*time.Second, lead())
	published.Store(&scheduler.Params{PriorityStep: 48 * time.Hour, MoveGain: math.NaN()})
	require.Equal(t, 10*time.Second, lead(), "the last good ones stay")
	require.Equal(t, 10*time.Second, lead())
	require.Equal(t, 1, strings.Count(log.String(), "parameters cannot work"), "said once:\n%s", log.String())
	published.Store(&scheduler.Params{PriorityStep: -1})
	require.Zero(t, lead(), "priorities are off")
	published.Store(&scheduler.Params{})
	require.Equal(t, 10*time.Minute, lead(), "the usual step")
}

func ExampleParams() {
	p := scheduler.Params{Aging: 10 * time.Minute, Evictions: -1, Grace: 2 * time.Hour}
	fmt.Println(p.Validate())
	// Output: scheduler.params: Grace: 2h0m0s is not between 0s and 1h0m0s
}
