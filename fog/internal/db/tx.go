package db

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/uptrace/bun"
)

const (
	txTries = 5
	txPause = 5 * time.Millisecond // before the second try; doubles
)

// Tx runs f in a transaction that may write and commits it if f returns nil. A transaction that loses against others
// (serialisation failure, deadlock, busy file) is tried again a few times, so f must have no effects besides its
// statements. Errors pass through Kind: a lost connection is Unavailable, and if it was lost during the commit, the outcome
// is unknown.
//
// No port of another package may be called inside f: on SQLite it would wait for the one writer, which is f itself.
func Tx(ctx context.Context, d *DB, f func(ctx context.Context, tx bun.Tx) error) error {
	pause := txPause
	for try := 1; ; try++ {
		err := d.Write.RunInTx(ctx, nil, f)
		if err == nil || !again(err) || try == txTries || !sleep(ctx, pause) {
			return Kind(err)
		}
		pause *= 2
	}
}

// sleep waits for between half a pause and a whole one; it returns false if ctx ends first.
func sleep(ctx context.Context, pause time.Duration) bool {
	timer := time.NewTimer(pause/2 + rand.N(pause/2+1))
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
