package idledb_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fogcompute/fogcompute/fog/idle"
	"github.com/fogcompute/fogcompute/fog/idle/idletest"
	"github.com/fogcompute/fogcompute/fog/internal/db"
	"github.com/fogcompute/fogcompute/fog/internal/db/dbtest"
	"github.com/fogcompute/fogcompute/fog/internal/duty"
)

const (
	benchDevices = 20_000
	benchBatch   = 2_000
)

// benchStore returns a store with a fleet of living devices.
func benchStore(b *testing.B, d *db.DB) (idle.Store, []idle.Pulse) {
	b.Helper()
	store := open(b, d).Store
	pulses := make([]idle.Pulse, benchDevices)
	changes := make([]idle.Change, benchDevices)
	for n := range changes {
		changes[n].Device = idletest.Device(idle.DeviceID(fmt.Sprintf("device-%06d", n)))
		pulses[n] = changes[n].Device.Pulse()
		pulses[n].Version = 1
	}
	for n := 0; n < benchDevices; n += benchBatch {
		_, err := store.Save(context.Background(), duty.Fence{}, changes[n:n+benchBatch])
		require.NoError(b, err)
	}
	return store, pulses
}

// BenchmarkStore measures what a fleet costs its store: pulses written in batches, and the count behind Stats.
func BenchmarkStore(b *testing.B) {
	for name, open := range map[string]func(testing.TB) *db.DB{"sqlite": dbtest.SQLite, "postgres": dbtest.Postgres} {
		b.Run(name, func(b *testing.B) {
			store, pulses := benchStore(b, open(b))
			b.Run("touch", func(b *testing.B) {
				for n := 0; b.Loop(); n++ {
					part := pulses[n*benchBatch%benchDevices:][:benchBatch]
					for k := range part {
						part[k].LastSeen = part[k].LastSeen.Add(time.Second)
					}
					moved, err := store.Touch(context.Background(), part)
					if err != nil || len(moved) > 0 {
						b.Fatal(err, moved)
					}
				}
				b.ReportMetric(float64(b.N*benchBatch)/b.Elapsed().Seconds(), "pulses/s")
			})
			b.Run("tally", func(b *testing.B) {
				for b.Loop() {
					if _, err := store.Tally(context.Background(), "default"); err != nil {
						b.Fatal(err)
					}
				}
			})
			b.Run("silent", func(b *testing.B) {
				for b.Loop() {
					if _, err := store.Silent(context.Background(), time.Unix(0, 0), 500); err != nil {
						b.Fatal(err)
					}
				}
			})
		})
	}
}
