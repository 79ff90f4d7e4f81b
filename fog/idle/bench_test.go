package idle_test

import (
	"context"
	"fmt"
	"runtime"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/fogcompute/fogcompute/fog/idle"
)

// benchDevices is the size of the fleet in benchmarks.
const benchDevices = 100_000

// benchFleet returns a registry that has met its whole fleet, and the ids.
func benchFleet(b *testing.B) (*idle.Idle, []idle.DeviceID) {
	b.Helper()
	i, err := idle.New(idle.Config{BeatRate: -1})
	require.NoError(b, err)
	ids := make([]idle.DeviceID, benchDevices)
	for n := range ids {
		ids[n] = idle.DeviceID(fmt.Sprintf("device-%06d", n))
		_, err := i.Register(context.Background(), enrolment(ids[n]))
		require.NoError(b, err)
		_, err = send(i, idle.Beat{Device: ids[n], Boot: "boot", Seq: 1, Protocol: true})
		require.NoError(b, err)
	}
	return i, ids
}

// BenchmarkHeartbeat measures beats of single devices of a fleet of 100,000, in process, on all cores.
func BenchmarkHeartbeat(b *testing.B) {
	i, ids := benchFleet(b)
	said := idle.Telemetry{
		CPUForeign: idle.Some(0.2), CPUTotal: idle.Some(0.4), MemFreeMB: idle.Some(4000.0), TempC: idle.Some(50.0), Charging: idle.Some(true),
	}
	workers := runtime.GOMAXPROCS(0) // each beats for a part of the fleet of its own
	var started atomic.Int64
	b.ReportAllocs()
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		ctx, at := context.Background(), int(started.Add(1))-1
		for seq := uint64(2); pb.Next(); seq++ {
			at = (at + workers) % (benchDevices - benchDevices%workers)
			beaten, err := i.Heartbeat(ctx, []idle.Beat{{Device: ids[at], Telemetry: said, Protocol: true, Boot: "boot", Seq: seq}})
			if err != nil || beaten[0].Err != nil {
				b.Error(err, beaten)
				return
			}
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "beats/s")
}

// BenchmarkHeartbeatBatch measures beats that a gateway sends in batches of 100.
func BenchmarkHeartbeatBatch(b *testing.B) {
	i, ids := benchFleet(b)
	beats := make([]idle.Beat, 100)
	b.ResetTimer()
	for n := 0; b.Loop(); n++ {
		for k := range beats {
			beats[k] = idle.Beat{Device: ids[(n*len(beats)+k)%benchDevices], Boot: "boot", Seq: uint64(n + 2), Protocol: true}
		}
		beaten, err := i.Heartbeat(context.Background(), beats)
		if err != nil || beaten[0].Err != nil {
			b.Fatal(err, beaten[0].Err)
		}
	}
	b.ReportMetric(float64(b.N*len(beats))/b.Elapsed().Seconds(), "beats/s")
}
