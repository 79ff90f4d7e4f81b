// Package fogtest opens whole houses for tests, with devices that compute
// whatever a test says, and a clock that a test turns.
//
//	house := fogtest.Open(t, fog.Config{})
//	device := fogtest.Join(t, house, fogtest.Device{ID: "d1", Cores: 2})
//	... submit ...
//	device.Work(ctx) // one beat, and everything that it brought
package fogtest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/fogcompute/fogcompute/fog"
	"github.com/fogcompute/fogcompute/fog/idle"
	"github.com/fogcompute/fogcompute/fog/scheduler"
)

// Open opens a house for one test and closes it at the test's end. The zero
// config keeps everything in memory.
func Open(t testing.TB, config fog.Config) *fog.Fog {
	t.Helper()
	house, err := fog.Open(context.Background(), config)
	if err != nil {
		t.Fatalf("fogtest: open: %v", err)
	}
	t.Cleanup(func() {
		if err := house.Close(); err != nil {
			t.Errorf("fogtest: close: %v", err)
		}
	})
	return house
}

// Compute is what a fake device does with an offer: it returns a result, or
// the class and reason of a failure.
type Compute func(idle.Offer) (*scheduler.Result, scheduler.Class, string)

// Device is a machine that exists in a test only. It speaks to the engines
// directly, as an agent does over HTTP. The zero value of each field but ID is
// usable.
type Device struct {
	ID       idle.DeviceID
	Cores    float64 // zero: 4
	MemoryMB int64   // zero: 4096
	Take     int     // most offers a beat; zero: 16
	Compute  Compute // nil: Hash

	house *fog.Fog
	boot  string
	seq   uint64
	held  map[string]idle.Offer
}

// Hash is the default of Device.Compute: a result that depends on the task
// alone, so that replicas agree.
func Hash(o idle.Offer) (*scheduler.Result, scheduler.Class, string) {
	sum := sha256.New()
	for _, arg := range append([]string{o.Module}, o.Args...) {
		sum.Write([]byte(arg))
		sum.Write([]byte{0})
	}
	return &scheduler.Result{Stdout: []byte(hex.EncodeToString(sum.Sum(nil))), CPUSeconds: 0.01, WallSeconds: 0.01}, "", ""
}

// Join registers d with the house and sends its first beat, so that the house
// may place work on it.
func Join(t testing.TB, house *fog.Fog, d Device) *Device {
	t.Helper()
	joined := New(house, d)
	if err := joined.Restart(context.Background()); err != nil {
		t.Fatalf("fogtest: join %s: %v", d.ID, err)
	}
	return joined
}

// New returns a device that has not yet been seen by the house; Restart makes
// it join. It is for programs without a testing.TB.
func New(house *fog.Fog, d Device) *Device {
	if d.Cores == 0 {
		d.Cores = 4
	}
	if d.MemoryMB == 0 {
		d.MemoryMB = 4096
	}
	if d.Take == 0 {
		d.Take = 16
	}
	if d.Compute == nil {
		d.Compute = Hash
	}
	d.house, d.held = house, map[string]idle.Offer{}
	return &d
}

// Restart makes the device forget what it holds and register again, as after
// a crash.
func (d *Device) Restart(ctx context.Context) error {
	policy := idle.Policy{}
	_, err := d.house.Idle.Register(ctx, idle.Enrolment{
		ID: d.ID, Type: idle.Server, CPUCores: d.Cores, MemoryMB: d.MemoryMB, Executors: []string{scheduler.ExecutorWASM}, Policy: &policy,
	})
	if err != nil {
		return err
	}
	d.boot, d.seq, d.held = "boot"+time.Now().Format("150405.000000000"), 0, map[string]idle.Offer{}
	_, err = d.beat(ctx, 0, 0)
	return err
}

// beat tells the house what the device holds, and keeps what it is offered.
func (d *Device) beat(ctx context.Context, take int, wait time.Duration) (idle.Directive, error) {
	d.seq++
	beat := idle.Beat{Device: d.ID, Boot: d.boot, Seq: d.seq, Take: take, Protocol: true}
	for _, o := range d.held {
		beat.Held = append(beat.Held, idle.Held{Attempt: o.Attempt, Token: o.Token})
	}
	directive, err := d.house.Idle.Poll(ctx, beat, wait)
	if err != nil {
		return idle.Directive{}, err
	}
	for _, attempt := range directive.Cancel {
		delete(d.held, attempt)
	}
	for _, offer := range directive.Offers {
		d.held[offer.Attempt] = offer
	}
	return directive, nil
}

// Fetch beats once, waiting up to wait for work, and returns what the device
// holds then, without computing it.
func (d *Device) Fetch(ctx context.Context, wait time.Duration) ([]idle.Offer, error) {
	if _, err := d.beat(ctx, d.Take, wait); err != nil {
		return nil, err
	}
	offers := make([]idle.Offer, 0, len(d.held))
	for _, o := range d.held {
		offers = append(offers, o)
	}
	return offers, nil
}

// Report computes an offer and reports the result.
func (d *Device) Report(ctx context.Context, o idle.Offer) (scheduler.ReportVerdict, error) {
	result, class, reason := d.Compute(o)
	verdicts, err := d.house.Scheduler.Report(ctx, []scheduler.Report{{
		Attempt: scheduler.AttemptID(o.Attempt), Token: o.Token, Node: scheduler.NodeID(d.ID), Result: result, Class: class, Reason: reason,
	}})
	if err != nil {
		return scheduler.ReportVerdict{}, err
	}
	delete(d.held, o.Attempt)
	return verdicts[0], verdicts[0].Err
}

// Work beats once, waiting up to a second for work, computes everything it
// holds and reports it. It returns how many results the house took.
func (d *Device) Work(ctx context.Context) (int, error) {
	offers, err := d.Fetch(ctx, time.Second)
	if err != nil {
		return 0, err
	}
	taken := 0
	var errs []error
	for _, o := range offers {
		if _, err := d.Report(ctx, o); err != nil {
			errs = append(errs, err)
			continue
		}
		taken++
	}
	return taken, errors.Join(errs...)
}

// Run works until ctx ends. Errors of the house's outages are waited out.
func (d *Device) Run(ctx context.Context) {
	for ctx.Err() == nil {
		if _, err := d.Work(ctx); err != nil {
			select {
			case <-ctx.Done():
			case <-time.After(20 * time.Millisecond):
			}
		}
	}
}

// Clock is a clock that stands still until it is turned. It is safe for
// concurrent use.
type Clock struct {
	mu  sync.Mutex // guards now
	now time.Time
}

// NewClock returns a clock that stands at a fixed time in UTC.
func NewClock() *Clock {
	return &Clock{now: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}
}

// Now is the time to put into fog.Config.Now.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Advance turns the clock forward.
func (c *Clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}
