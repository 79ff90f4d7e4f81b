package idle_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fogcompute/fogcompute/fog/idle"
	"github.com/fogcompute/fogcompute/fog/internal/duty"
	"github.com/fogcompute/fogcompute/fog/internal/fault"
	"github.com/fogcompute/fogcompute/fog/internal/journal"
	"github.com/fogcompute/fogcompute/fog/principal"
)

// world is a store with what several registries share.
type world struct {
	t      testing.TB
	facts  *journal.Memory
	duties *duty.Memory
	store  *flaky
}

// newWorld returns an empty world.
func newWorld(t testing.TB) *world {
	w := &world{t: t, facts: journal.NewMemory(nil), duties: duty.NewMemory(nil)}
	w.store = &flaky{Store: idle.NewMemory(w.facts, w.duties)}
	return w
}

// open returns a registry of the world that does not run.
func (w *world) open(change func(*idle.Config)) *idle.Idle {
	w.t.Helper()
	c := idle.Config{Store: w.store, Duties: w.duties, BeatRate: -1}
	if change != nil {
		change(&c)
	}
	i, err := idle.New(c)
	require.NoError(w.t, err)
	return i
}

// run runs a registry until stop is called, which returns Run's error.
func (w *world) run(i *idle.Idle) (stop func() error) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- i.Run(ctx) }()
	return func() error {
		cancel()
		return <-done
	}
}

// news returns the versions of the facts written since the last call, by device.
func (w *world) news() map[string][]int64 {
	w.t.Helper()
	claimed, err := w.facts.Claim(context.Background(), idle.TopicDevice, 1000, time.Now().Add(time.Hour))
	require.NoError(w.t, err)
	require.NoError(w.t, w.facts.Done(context.Background(), claimed))
	news := map[string][]int64{}
	for _, c := range claimed {
		news[c.ID] = append(news[c.ID], c.Version)
	}
	return news
}

// stored returns the device as it stands in the store.
func (w *world) stored(id idle.DeviceID) idle.Device {
	w.t.Helper()
	rows, err := w.store.Load(context.Background(), []idle.DeviceID{id})
	require.NoError(w.t, err)
	require.Len(w.t, rows, 1)
	return rows[0]
}

// flaky is a store that fails while it is told to.
type flaky struct {
	idle.Store
	mu   sync.Mutex
	down bool
	slow time.Duration // how long a count takes
}

var errDown = fault.New(fault.Unavailable, "test.store", "down")

// fail makes the store fail or work.
func (f *flaky) fail(down bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.down = down
}

// err is errDown while the store is down.
func (f *flaky) err() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.down {
		return errDown
	}
	return nil
}

func (f *flaky) Save(ctx context.Context, fence duty.Fence, c []idle.Change) ([]idle.Saved, error) {
	if err := f.err(); err != nil {
		return nil, err
	}
	return f.Store.Save(ctx, fence, c)
}

func (f *flaky) Touch(ctx context.Context, p []idle.Pulse) ([]idle.DeviceID, error) {
	if err := f.err(); err != nil {
		return nil, err
	}
	return f.Store.Touch(ctx, p)
}

func (f *flaky) Load(ctx context.Context, ids []idle.DeviceID) ([]idle.Device, error) {
	if err := f.err(); err != nil {
		return nil, err
	}
	return f.Store.Load(ctx, ids)
}

func (f *flaky) Tally(ctx context.Context, tenant principal.Tenant) (idle.Tally, error) {
	f.mu.Lock()
	slow := f.slow
	f.mu.Unlock()
	time.Sleep(slow) // in a bubble only
	return f.Store.Tally(ctx, tenant)
}

func (f *flaky) Silent(ctx context.Context, before time.Time, limit int) ([]idle.Device, error) {
	if err := f.err(); err != nil {
		return nil, err
	}
	return f.Store.Silent(ctx, before, limit)
}

// desk is a Work that hands out what is put on it.
type desk struct {
	mu     sync.Mutex
	offers []idle.Offer
	cancel []string
	evict  map[string]time.Time // held attempts that are to go
	claims []idle.WorkClaim
	wake   chan struct{}
	err    error
}

func newDesk() *desk { return &desk{wake: make(chan struct{}, 1)} }

// put puts offers on the desk and wakes a waiting device.
func (d *desk) put(attempts ...string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, a := range attempts {
		d.offers = append(d.offers, idle.Offer{Attempt: a, Token: 1})
	}
	select {
	case d.wake <- struct{}{}:
	default:
	}
}

func (d *desk) Wait(ctx context.Context, _ idle.DeviceID) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-d.wake:
		return nil
	}
}

func (d *desk) Claim(_ context.Context, claims []idle.WorkClaim) ([]idle.WorkGrant, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.err != nil {
		return nil, d.err
	}
	grants := make([]idle.WorkGrant, len(claims))
	for n, c := range claims {
		d.claims = append(d.claims, c)
		for _, h := range c.Held {
			if slices.Contains(d.cancel, h.Attempt) {
				grants[n].Cancel = append(grants[n].Cancel, h.Attempt)
			} else {
				grants[n].Renewed = append(grants[n].Renewed, idle.Lease{Attempt: h.Attempt, Token: h.Token, EvictAt: d.evict[h.Attempt]})
			}
		}
		take := min(c.Take, len(d.offers))
		grants[n].Offers, d.offers = slices.Clone(d.offers[:take]), d.offers[take:]
	}
	return grants, nil
}

// asked returns the claims made since the last call.
func (d *desk) asked() []idle.WorkClaim {
	d.mu.Lock()
	defer d.mu.Unlock()
	asked := d.claims
	d.claims = nil
	return asked
}

// machine is a device that speaks the protocol.
type machine struct {
	t    testing.TB
	id   idle.DeviceID
	boot string
	seq  uint64
	said idle.Telemetry
	held []idle.Held
	take int
}

// join enrols a server and returns it; it has not beaten yet.
func join(t testing.TB, i *idle.Idle, id idle.DeviceID) *machine {
	t.Helper()
	_, err := i.Register(context.Background(), enrolment(id))
	require.NoError(t, err)
	return &machine{t: t, id: id, boot: "boot-" + string(id)}
}

// enrolment describes a small server.
func enrolment(id idle.DeviceID) idle.Enrolment {
	return idle.Enrolment{ID: id, Type: idle.Server, CPUCores: 2, MemoryMB: 2048}
}

// next returns the machine's next beat.
func (m *machine) next() idle.Beat {
	m.seq++
	return idle.Beat{Device: m.id, Boot: m.boot, Seq: m.seq, Protocol: true, Telemetry: m.said, Held: m.held, Take: m.take}
}

// beat sends the next beat, which must succeed.
func (m *machine) beat(i *idle.Idle) idle.Directive {
	m.t.Helper()
	directive, err := send(i, m.next())
	require.NoError(m.t, err)
	return directive
}

// send sends one beat as the operator.
func send(i *idle.Idle, b idle.Beat) (idle.Directive, error) {
	return sendAs(context.Background(), i, b)
}

// sendAs sends one beat as the principal of ctx.
func sendAs(ctx context.Context, i *idle.Idle, b idle.Beat) (idle.Directive, error) {
	beaten, err := i.Heartbeat(ctx, []idle.Beat{b})
	if err != nil {
		return idle.Directive{}, err
	}
	if len(beaten) != 1 {
		return idle.Directive{}, errors.New("not one answer")
	}
	return beaten[0].Directive, beaten[0].Err
}

// as is a context of a user.
func as(account principal.Account, scopes ...principal.Scope) context.Context {
	return principal.With(context.Background(), principal.Principal{Tenant: principal.DefaultTenant, Account: account, Scopes: scopes})
}

// device returns a device as the operator sees it.
func device(t testing.TB, i *idle.Idle, id idle.DeviceID) idle.Device {
	t.Helper()
	d, err := i.Get(context.Background(), id)
	require.NoError(t, err)
	return d
}
