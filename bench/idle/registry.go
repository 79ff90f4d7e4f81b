package idle

import (
	"context"
	"fmt"
	"runtime"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/fogcompute/fogcompute/bench/sample"
	"github.com/fogcompute/fogcompute/fog/idle"
)

const fleet = 1_000_000 // devices

// beats counts heartbeats of a million devices in process, in batches as a gateway sends them, on all cores.
func (s *Setting) beats(ctx context.Context) (Result, error) {
	const batch = 100
	registry, err := idle.New(idle.Config{BeatRate: -1})
	if err != nil {
		return Result{}, err
	}
	defer registry.Close()
	ids := make([]idle.DeviceID, fleet)
	for n := range ids {
		ids[n] = idle.DeviceID(fmt.Sprintf("device-%07d", n))
		if _, err := registry.Register(ctx, idle.Enrolment{ID: ids[n], Type: idle.Server, CPUCores: 2, MemoryMB: 2048}); err != nil {
			return Result{}, err
		}
	}
	said := idle.Telemetry{CPUForeign: idle.Some(0.2), CPUTotal: idle.Some(0.4), MemFreeMB: idle.Some(4000.0), Charging: idle.Some(true)}
	var rates []float64
	for round := range s.rounds(5) + 1 { // the first one makes every device known to this server
		var next atomic.Int64
		group, ctx := errgroup.WithContext(ctx)
		began := time.Now()
		for range runtime.GOMAXPROCS(0) {
			group.Go(func() error {
				sent := make([]idle.Beat, batch)
				for at := int(next.Add(batch)) - batch; at < fleet; at = int(next.Add(batch)) - batch {
					for k := range sent {
						sent[k] = idle.Beat{Device: ids[at+k], Telemetry: said, Protocol: true, Boot: "boot", Seq: uint64(round + 1)}
					}
					answers, err := registry.Heartbeat(ctx, sent)
					if err != nil {
						return err
					}
					for _, answer := range answers {
						if answer.Err != nil {
							return answer.Err
						}
					}
				}
				return nil
			})
		}
		if err := group.Wait(); err != nil {
			return Result{}, err
		}
		if round > 0 {
			rates = append(rates, fleet/time.Since(began).Seconds())
		}
	}
	return Result{Value: sample.Median(rates), Unit: "beats/s", Note: spread(rates)}, nil
}
