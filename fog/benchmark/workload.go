package benchmark

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// workload works until ctx ends, reports a value now and then, and returns the mean of all. The end of ctx is no error.
type workload func(ctx context.Context, report func(value float64)) (mean float64, err error)

const (
	window  = 250 * time.Millisecond // between two reports
	message = 64                     // bytes of a round trip
	chunk   = 128 << 10              // bytes of one write
)

// workOf returns the workload of a type, nil if there is none.
func workOf(t Type) workload {
	switch t {
	case Latency:
		return latency
	case Throughput:
		return throughput
	case Stress:
		return stress
	default:
		return nil
	}
}

// latency sends a message to and fro; the values are milliseconds.
func latency(ctx context.Context, report func(float64)) (float64, error) {
	near, far, err := connect(ctx)
	if err != nil {
		return 0, ended(ctx, err)
	}
	var echo sync.WaitGroup
	echo.Go(func() { _, _ = io.CopyBuffer(onlyWriter{far}, onlyReader{far}, make([]byte, message)) })
	defer echo.Wait()
	defer near.Close() // ends the echo; the connection carried nothing worth keeping
	m := newMeter(report, func(count int64, took time.Duration) float64 {
		return took.Seconds() * 1000 / float64(count)
	})
	data := make([]byte, message)
	for ctx.Err() == nil {
		if _, err := near.Write(data); err != nil {
			return m.mean(), ended(ctx, err)
		}
		if _, err := io.ReadFull(near, data); err != nil {
			return m.mean(), ended(ctx, err)
		}
		m.count(1)
	}
	return m.mean(), nil
}

// throughput sends bytes one way; the values are megabits a second.
func throughput(ctx context.Context, report func(float64)) (float64, error) {
	near, far, err := connect(ctx)
	if err != nil {
		return 0, ended(ctx, err)
	}
	var sender sync.WaitGroup
	sender.Go(func() {
		data := make([]byte, chunk)
		for {
			if _, err := far.Write(data); err != nil {
				return
			}
		}
	})
	defer sender.Wait()
	defer near.Close() // ends the sender; the connection carried nothing worth keeping
	m := newMeter(report, func(count int64, took time.Duration) float64 {
		return float64(count) * 8 / 1e6 / took.Seconds()
	})
	data := make([]byte, chunk)
	for {
		n, err := near.Read(data)
		m.count(int64(n))
		if err != nil {
			return m.mean(), ended(ctx, err)
		}
	}
}

// stress hashes on all cores; the values are mebibytes a second.
func stress(ctx context.Context, report func(float64)) (float64, error) {
	var hashed atomic.Int64
	var workers sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			data := make([]byte, chunk)
			for ctx.Err() == nil {
				sum := sha256.Sum256(data)
				copy(data, sum[:])
				hashed.Add(chunk)
			}
		})
	}
	m := newMeter(report, func(count int64, took time.Duration) float64 {
		return float64(count) / (1 << 20) / took.Seconds()
	})
	ticker := time.NewTicker(window)
	defer ticker.Stop()
	for ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case <-ticker.C:
			m.count(hashed.Swap(0))
		}
	}
	workers.Wait()
	m.count(hashed.Swap(0))
	return m.mean(), nil
}

// connect returns both ends of a loopback connection that closes when ctx ends.
func connect(ctx context.Context) (near, far net.Conn, err error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "localhost:0")
	if err != nil {
		return nil, nil, fmt.Errorf("listen on loopback: %w", err)
	}
	defer listener.Close() // it has done its work
	near, err = new(net.Dialer).DialContext(ctx, "tcp", listener.Addr().String())
	if err != nil {
		return nil, nil, fmt.Errorf("connect over loopback: %w", err)
	}
	far, err = listener.Accept()
	if err != nil {
		return nil, nil, errors.Join(fmt.Errorf("accept over loopback: %w", err), near.Close())
	}
	context.AfterFunc(ctx, func() {
		_ = near.Close()
		_ = far.Close()
	})
	return near, far, nil
}

// ended forgets the errors of connections that were closed, or not made, because ctx had ended.
func ended(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// onlyReader and onlyWriter hide a connection's other methods, so that each message is really read and written.
type onlyReader struct{ io.Reader }

type onlyWriter struct{ io.Writer }

// meter turns counts into values, one for each window and one for all.
type meter struct {
	report func(float64)
	value  func(count int64, took time.Duration) float64

	started, since time.Time // of all, and of the window
	total, counted int64
}

func newMeter(report func(float64), value func(int64, time.Duration) float64) *meter {
	now := time.Now()
	return &meter{report: report, value: value, started: now, since: now}
}

// count adds to the window, and reports it when it is over.
func (m *meter) count(n int64) {
	m.total += n
	m.counted += n
	now := time.Now()
	if took := now.Sub(m.since); took >= window && m.counted > 0 {
		m.report(m.value(m.counted, took))
		m.since, m.counted = now, 0
	}
}

// mean returns the value of all, 0 if nothing was counted.
func (m *meter) mean() float64 {
	took := time.Since(m.started)
	if m.total == 0 || took <= 0 {
		return 0
	}
	return m.value(m.total, took)
}
