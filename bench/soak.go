package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"syscall"
	"time"

	"github.com/fogcompute/fogcompute/bench/sample"
	"golang.org/x/sync/errgroup"
)

// soak measures what many listeners of the metrics feed cost. Two figures come from one measurement.
type soak struct {
	clients     int
	frame       int // bytes
	once        sync.Once
	cpu, memory result
	err         error
}

const (
	soakWarm   = 5 * time.Second  // after the last client has come
	soakWindow = 30 * time.Second // two rounds of pings
	dialers    = 64               // clients that connect at a time
)

func (s *soak) measure(ctx context.Context, b *bench) error {
	s.once.Do(func() { s.err = s.run(ctx, b) })
	return s.err
}

func (s *soak) run(ctx context.Context, b *bench) (err error) {
	var files syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &files); err != nil {
		return err
	}
	if need := uint64(s.clients + 100); files.Max < need {
		return fmt.Errorf("%d open files are allowed, %d are needed: raise ulimit -Hn", files.Max, need)
	}
	files.Cur = files.Max
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &files); err != nil {
		return err
	}
	house, err := b.start(ctx, "house", houseSetup{Frame: s.frame})
	if err != nil {
		return err
	}
	defer stopAll(&err, house)
	if err := pause(ctx, settle); err != nil {
		return err
	}
	empty, err := house.usage()
	if err != nil {
		return err
	}
	audience, err := s.connect(ctx, house.address)
	defer audience.leave()
	if err != nil {
		return err
	}
	if err := pause(ctx, soakWarm); err != nil {
		return err
	}
	return s.watch(ctx, house, audience, empty)
}

// watch measures while the frames flow.
func (s *soak) watch(ctx context.Context, house *child, audience *audience, empty usage) error {
	frames := audience.frames()
	first, err := house.usage()
	if err != nil {
		return err
	}
	began := time.Now()
	var resident []float64
	last := first
	for time.Since(began) < soakWindow {
		if err := pause(ctx, time.Second); err != nil {
			return err
		}
		if last, err = house.usage(); err != nil {
			return err
		}
		resident = append(resident, float64(last.Resident))
	}
	wall := time.Since(began)
	if err := audience.check(frames, int(wall.Seconds())); err != nil {
		return err
	}
	s.cpu = result{
		Value: (last.CPU - first.CPU).Seconds() / wall.Seconds(), Unit: "cores",
		Note: fmt.Sprintf("%d clients, %d bytes a frame on the wire, %d of them the server's own, the rest spaces", s.clients, s.frame, audience.own()),
	}
	s.memory = result{
		Value: (sample.Median(resident) - float64(empty.Resident)) / 1000 / float64(s.clients), Unit: "kB",
		Note: fmt.Sprintf("%s MB without clients, %s MB with them", sample.Number(float64(empty.Resident)/1e6), sample.Number(sample.Median(resident)/1e6)),
	}
	return nil
}

// connect brings all clients in.
func (s *soak) connect(ctx context.Context, address string) (*audience, error) {
	a := &audience{size: s.frame, clients: make([]*listening, s.clients)}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(dialers)
	for i := range a.clients {
		group.Go(func() error {
			l, err := listen(ctx, address)
			if err != nil {
				return fmt.Errorf("client %d: %w", i, err)
			}
			a.clients[i] = l
			a.group.Go(func() { l.read(s.frame) })
			return nil
		})
	}
	return a, group.Wait()
}

// audience is all clients of the feed.
type audience struct {
	size    int
	clients []*listening // nil: has not come
	group   sync.WaitGroup
}

// frames is how many frames each client has had.
func (a *audience) frames() []int64 {
	counts := make([]int64, len(a.clients))
	for i, l := range a.clients {
		counts[i] = l.frames.Load()
	}
	return counts
}

// check makes sure that every client got a frame each second, as long as it should be.
func (a *audience) check(before []int64, seconds int) error {
	for i, l := range a.clients {
		if err := l.failure.Load(); err != nil {
			return fmt.Errorf("client %d: %w", i, *err)
		}
		if got := int(l.frames.Load() - before[i]); got < seconds-1 || got > seconds+1 {
			return fmt.Errorf("client %d got %d frames in %d seconds", i, got, seconds)
		}
	}
	if a.own() == 0 {
		return errors.New("the frames are not those of the server")
	}
	return nil
}

// own is the length of the first client's newest frame without the spaces behind it; 0 if it is no metrics frame.
func (a *audience) own() int {
	text := a.clients[0].text.Load()
	if text == nil {
		return 0
	}
	return ownLength(*text)
}

func (a *audience) leave() {
	for _, l := range a.clients {
		if l != nil {
			l.leave()
		}
	}
	a.group.Wait()
}

// pause waits.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
