package benchmark_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/fogcompute/fogcompute/fog/benchmark"
	"github.com/fogcompute/fogcompute/fog/internal/fault"
	"github.com/fogcompute/fogcompute/fog/principal"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func open(t *testing.T) *benchmark.Bench {
	t.Helper()
	b, err := benchmark.New(benchmark.Config{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, b.Close()) })
	return b
}

func TestEachTypeMeasures(t *testing.T) {
	for _, typ := range []benchmark.Type{benchmark.Latency, benchmark.Throughput, benchmark.Stress} {
		t.Run(string(typ), func(t *testing.T) {
			ctx, b := context.Background(), open(t)
			run, err := b.Start(ctx, typ, 30*time.Millisecond)
			require.NoError(t, err)
			require.Equal(t, benchmark.Running, run.State)
			run, err = b.Wait(ctx, run.ID)
			require.NoError(t, err)
			require.Equal(t, benchmark.Finished, run.State)
			require.Positive(t, run.Value)
			require.False(t, run.Ended.Before(run.Started.Add(run.Duration)))
			data := b.Data()
			values := map[benchmark.Type]float64{
				benchmark.Latency: data.Latency, benchmark.Throughput: data.Throughput, benchmark.Stress: data.HashRate,
			}
			require.Equal(t, run.Value, values[typ])
			delete(values, typ)
			for other, value := range values {
				require.Zero(t, value, other)
			}
		})
	}
}

func TestOneAtATime(t *testing.T) {
	ctx, b := context.Background(), open(t)
	first, err := b.Start(ctx, benchmark.Latency, time.Hour)
	require.NoError(t, err)
	_, err = b.Start(ctx, benchmark.Stress, time.Second)
	require.Equal(t, fault.Conflict, fault.KindOf(err))
	require.Contains(t, fault.Detail(err), first.ID)
	stopped, err := b.Stop(ctx, "")
	require.NoError(t, err)
	require.Equal(t, first.ID, stopped.ID)
	require.Equal(t, benchmark.Stopped, stopped.State)
	again, err := b.Stop(ctx, first.ID)
	require.NoError(t, err)
	require.Equal(t, stopped, again)
	_, err = b.Stop(ctx, "")
	require.Equal(t, fault.NotFound, fault.KindOf(err))
	_, err = b.Stop(ctx, "unknown")
	require.Equal(t, fault.NotFound, fault.KindOf(err))
	_, err = b.Start(ctx, benchmark.Throughput, time.Millisecond)
	require.NoError(t, err)
}

func TestARunOutlivesItsRequest(t *testing.T) {
	request, cancel := context.WithCancel(context.Background())
	b := open(t)
	run, err := b.Start(request, benchmark.Latency, 20*time.Millisecond)
	require.NoError(t, err)
	cancel()
	_, err = b.Wait(request, run.ID)
	require.Equal(t, fault.Unavailable, fault.KindOf(err))
	run, err = b.Wait(context.Background(), run.ID)
	require.NoError(t, err)
	require.Equal(t, benchmark.Finished, run.State)
}

func TestBadRequests(t *testing.T) {
	b := open(t)
	for field, start := range map[string]func() (benchmark.Run, error){
		"type":     func() (benchmark.Run, error) { return b.Start(context.Background(), "cpu", time.Second) },
		"duration": func() (benchmark.Run, error) { return b.Start(context.Background(), benchmark.Stress, -1) },
	} {
		_, err := start()
		require.Equal(t, fault.Invalid, fault.KindOf(err))
		require.Equal(t, field, fault.FieldOf(err))
	}
	_, err := b.Start(context.Background(), benchmark.Stress, time.Hour+1)
	require.Equal(t, fault.Invalid, fault.KindOf(err))
	user := principal.With(context.Background(), principal.Principal{Tenant: "default", Account: "ann"})
	_, err = b.Start(user, benchmark.Stress, time.Second)
	require.Equal(t, fault.Denied, fault.KindOf(err))
}

func TestCloseStopsTheRun(t *testing.T) {
	b := open(t)
	run, err := b.Start(context.Background(), benchmark.Throughput, time.Hour)
	require.NoError(t, err)
	require.NoError(t, b.Close())
	run, err = b.Wait(context.Background(), run.ID)
	require.NoError(t, err)
	require.Equal(t, benchmark.Stopped, run.State)
	_, err = b.Start(context.Background(), benchmark.Stress, time.Second)
	require.Equal(t, fault.Unavailable, fault.KindOf(err))
	require.NoError(t, b.Close())
}

func Example() {
	b, err := benchmark.New(benchmark.Config{})
	if err != nil {
		panic(err)
	}
	defer func() { _ = b.Close() }()
	run, err := b.Start(context.Background(), benchmark.Latency, 10*time.Millisecond)
	if err != nil {
		panic(err)
	}
	run, err = b.Wait(context.Background(), run.ID)
	if err != nil {
		panic(err)
	}
	fmt.Println(run.State, run.Value > 0)
	// Output: finished true
}
