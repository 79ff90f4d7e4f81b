package tokenomics

import (
	"context"
	"time"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
)

// ask lets the server that writes the ledger decide: it puts the items into the request table and waits for the verdicts. If
// that server dies and this one gets the duty, it drains the table itself.
func (t *Tokenomics) ask(ctx context.Context, items []item) ([]error, error) {
	requests := make([]Request, len(items))
	for i, it := range items {
		requests[i] = it.request()
	}
	ids, err := t.puts.Do(ctx, requests...)
	if err != nil {
		return nil, unknown(err)
	}
	waiting := make(map[RequestID]int, len(ids))
	for i, id := range ids {
		waiting[id] = i
	}
	verdicts := make([]error, len(items))
	for {
		ring := t.decided.listen()
		if err := t.collect(ctx, waiting, verdicts); err != nil {
			return nil, unknown(err)
		}
		if len(waiting) == 0 {
			return verdicts, nil
		}
		if seated, err := t.seat.take(ctx); err == nil && seated {
			if _, err := t.drain(ctx); err != nil {
				t.config.Logger.WarnContext(ctx, "requests could not be carried out, they will be tried again", "cause", err)
			}
		}
		if err := pause(ctx, t.config.Poll, ring, nil); err != nil {
			return nil, unknown(err)
		}
	}
}

// put adds the requests of many callers to the request table in one commit.
func (t *Tokenomics) put(ctx context.Context, requests []Request) ([]RequestID, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	ids, err := t.store.Put(ctx, requests, t.config.Now().UTC())
	if err == nil {
		t.config.Step("tokenomics.request")
	}
	return ids, fault.Wrap("tokenomics.request", err)
}

// collect fills in the verdicts that are there and takes their requests off the waiting list.
func (t *Tokenomics) collect(ctx context.Context, waiting map[RequestID]int, verdicts []error) error {
	ids := make([]RequestID, 0, len(waiting))
	for id := range waiting {
		ids = append(ids, id)
	}
	found, err := t.store.Verdicts(ctx, ids)
	if err != nil {
		return err
	}
	for _, v := range found {
		if place, ok := waiting[v.ID]; ok {
			verdicts[place] = v.err()
			delete(waiting, v.ID)
		}
	}
	return nil
}

// err returns the error that a verdict stands for.
func (v Verdict) err() error {
	if v.OK {
		return nil
	}
	return &fault.Error{Kind: v.Kind, Op: v.Op, Field: v.Field, Detail: v.Detail}
}

// pause waits for a hint, at most the given time. It returns an error only if ctx has ended.
func pause(ctx context.Context, most time.Duration, ring, wake <-chan struct{}) error {
	timer := time.NewTimer(most)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-ring:
	case <-wake:
	case <-timer.C:
	}
	return nil
}
