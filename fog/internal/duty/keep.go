package duty

import (
	"context"
	"errors"
	"time"
)

// Keep runs f whenever, and only while, holder has the duty.
//
// It asks for the duty every ttl/3 until it gets it, then runs f with the duty's fence and renews every ttl/3. When the duty is
// lost, because another took it or because it could not be renewed before it expired, f's context is cancelled, and once
// f has returned Keep asks again. The duty is released when Keep returns: nil when ctx ends or f returns nil, and f's error
// when f fails while it holds the duty. A fence that is refused (ErrFenced) counts as a lost duty and not as a failure.
//
// A nil now means time.Now; waiting follows the real clock. Keep has one goroutine besides the caller's, which renews; it
// has ended when Keep returns.
func Keep(ctx context.Context, d Duties, name Name, holder string, ttl time.Duration, now func() time.Time,
	f func(ctx context.Context, fence Fence) error,
) error {
	if now == nil {
		now = time.Now
	}
	k := keeper{duties: d, name: name, holder: holder, ttl: ttl, now: now}
	ticker := time.NewTicker(max(ttl/3, 1))
	defer ticker.Stop()
	for ctx.Err() == nil {
		if fence, until, ok := k.take(ctx); ok {
			lost, err := k.hold(ctx, fence, until, f)
			if !lost {
				return err
			}
		}
		select {
		case <-ctx.Done():
		case <-ticker.C:
		}
	}
	return nil
}

// keeper holds what does not change during one Keep.
type keeper struct {
	duties Duties
	name   Name
	holder string
	ttl    time.Duration
	now    func() time.Time
}

// take asks for the duty once. Trouble with the rows counts as a refusal: the next tick asks again.
func (k keeper) take(ctx context.Context) (Fence, time.Time, bool) {
	ctx, cancel := context.WithTimeout(ctx, max(k.ttl/3, 1))
	defer cancel()
	until := k.now().Add(k.ttl)
	fence, ok, err := k.duties.Take(ctx, k.name, k.holder, until)
	return fence, until, ok && err == nil
}

// hold runs f under the duty until f returns. It reports whether the duty was lost on the way, in which case f's error
// means nothing.
func (k keeper) hold(ctx context.Context, fence Fence, until time.Time, f func(context.Context, Fence) error) (lost bool, err error) {
	work, cancel := context.WithCancel(ctx)
	renewing := make(chan struct{})
	kept := true
	go func() {
		defer close(renewing)
		kept = k.renew(work, fence, until)
		cancel()
	}()
	defer func() {
		cancel()
		<-renewing
		if !kept || errors.Is(err, ErrFenced) {
			lost = true
		}
		if !kept {
			return
		}
		k.release(ctx, fence)
		if ctx.Err() != nil && errors.Is(err, ctx.Err()) {
			err = nil
		}
	}()
	return false, f(work, fence)
}

// renew keeps the duty until ctx ends; it returns false as soon as the duty is lost.
func (k keeper) renew(ctx context.Context, fence Fence, until time.Time) bool {
	ticker := time.NewTicker(max(k.ttl/3, 1))
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return true
		case <-ticker.C:
		}
		attempt, cancel := context.WithTimeout(ctx, max(k.ttl/3, 1))
		next := k.now().Add(k.ttl)
		renewed, ok, err := k.duties.Take(attempt, k.name, k.holder, next)
		cancel()
		switch {
		case ctx.Err() != nil:
			return true
		case err == nil && (!ok || renewed.Number != fence.Number):
			return false
		case err == nil:
			until = next
		case !k.now().Before(until):
			return false
		}
	}
}

// release gives the duty up even when ctx has ended, but does not wait long for it: the duty lapses by itself.
func (k keeper) release(ctx context.Context, fence Fence) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), max(k.ttl/3, 1))
	defer cancel()
	_ = k.duties.Release(ctx, fence, k.holder)
}
