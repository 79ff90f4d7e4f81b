package agent

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/fogcompute/fogcompute/fog/idle"
	"github.com/fogcompute/fogcompute/fog/idle/worker"
)

// parcel is a result that could not be delivered at once. It is kept in the agent's folder, so that it outlives the agent.
type parcel struct {
	Offer   idle.Offer     `json:"offer"`
	Outcome worker.Outcome `json:"outcome"`
	At      time.Time      `json:"at"` // when it was kept
}

// outboxDir is in the agent's folder.
const outboxDir = "outbox"

// parcelFile is where the parcel of an attempt lies. Identifiers come from the server and are no file names.
func (a *Agent) parcelFile(attempt string) string {
	sum := sha256.Sum256([]byte(attempt))
	return filepath.Join(a.dir, outboxDir, hex.EncodeToString(sum[:])+".json")
}

// keep writes the result of an attempt to the disk. A disk that is full keeps nobody from delivering: the result is in memory still.
func (t *attempt) keep(out *worker.Outcome) {
	a := t.agent
	text, err := json.Marshal(parcel{Offer: t.offer, Outcome: *out, At: a.cfg.Now()})
	if err == nil {
		err = write(a.parcelFile(t.offer.Attempt), text)
	}
	if err != nil {
		a.cfg.Logger.Warn("result not kept on the disk", "attempt", t.offer.Attempt, "error", err)
	}
}

// write makes a file that is there as a whole or not at all, whatever happens meanwhile.
func write(name string, text []byte) error {
	f, err := os.CreateTemp(filepath.Dir(name), "new-*")
	if err != nil {
		return fmt.Errorf("agent: outbox: %w", err)
	}
	_, err = f.Write(text)
	if err = errors.Join(err, f.Sync(), f.Close()); err == nil {
		err = os.Rename(f.Name(), name)
	}
	if err != nil {
		return fmt.Errorf("agent: outbox: %w", errors.Join(err, os.Remove(f.Name())))
	}
	return nil
}

// forget removes the parcel of an attempt that is gone; there may be none.
func (a *Agent) forget(attempt string) { _ = os.Remove(a.parcelFile(attempt)) }

// revive goes on delivering what an earlier run of the agent could not. What is too old or makes no sense is removed.
func (a *Agent) revive(ctx context.Context) error {
	dir := filepath.Join(a.dir, outboxDir)
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("agent: outbox: %w", err)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, entry := range entries {
		name := filepath.Join(dir, entry.Name())
		var p parcel
		text, err := os.ReadFile(name)
		if err == nil {
			err = json.Unmarshal(text, &p)
		}
		if err != nil || p.Offer.Attempt == "" || a.cfg.Now().Sub(p.At) > a.cfg.Persist {
			a.cfg.Logger.Warn("kept result dropped", "attempt", p.Offer.Attempt, "kept", p.At, "error", err)
			_ = os.RemoveAll(name)
			continue
		}
		t := newAttempt(ctx, a, &p.Offer)
		t.kept = &p.Outcome
		a.attempts[p.Offer.Attempt] = t
		a.group.Go(t.live)
	}
	return nil
}
