// Package journal records what has happened, for whoever has to act on it.
//
// A fact is written in the same transaction as the rows it speaks of, so it exists exactly if they do. It names a thing
// and a version, not a change: its reader loads the thing's current state, and so facts may repeat and overtake each
// other without harm. A fact is claimed, handled outside any transaction, and marked done; a claim that lapses is given
// to the next reader. A fact that fails again and again is parked with its reason and waits for a human.
//
//	        Claim            Done
//	open ---------> claimed -------> done ---> purged
//	  ^  <---------/   |
//	  |  lapse, Fail   | Fail, tries >= parkAfter
//	  |                v
//	  +----------- parked
//	      Retry
package journal

import (
	"context"
	"time"
)

// Topic names a stream of facts: "scheduler.settle". One flow reads one topic.
type Topic string

// Fact says that the thing ID of a topic has reached a version.
type Fact struct {
	Topic   Topic
	ID      string
	Version int64
}

// Claimed is a fact in the hands of a reader.
type Claimed struct {
	Fact
	Seq   int64  // the fact's own number: larger is later written, not later committed
	Token string // of this claim: Done and Fail of an older claim do nothing
	Tries int    // how often it has failed so far
}

// Parked is a fact that was given up.
type Parked struct {
	Fact
	Seq    int64
	Reason string
	At     time.Time
}

// Journal is the port through which flows read facts. Writing them is a matter of each store, inside its transaction.
// Implementations are safe for concurrent use by several servers.
type Journal interface {
	// Claim takes up to limit facts of a topic that are neither done, parked nor claimed by somebody else, in the order
	// of Seq, and keeps them from others until the given time.
	Claim(ctx context.Context, topic Topic, limit int, until time.Time) ([]Claimed, error)
	// Done marks facts as handled. Claims that lapsed and were taken by another reader are left to that reader.
	Done(ctx context.Context, claimed []Claimed) error
	// Fail counts one more try for each fact and opens it again at retryAt. A fact that has now failed parkAfter times
	// is parked with the reason instead; parkAfter 0 never parks. Claims taken by another reader are left alone.
	Fail(ctx context.Context, claimed []Claimed, reason string, retryAt time.Time, parkAfter int) error
	// Parked lists up to limit parked facts, oldest first.
	Parked(ctx context.Context, limit int) ([]Parked, error)
	// Retry opens parked facts again with no failed tries. Facts that are not parked are left alone.
	Retry(ctx context.Context, seqs []int64) error
	// Purge deletes up to limit facts that were done before a time, and says how many.
	Purge(ctx context.Context, doneBefore time.Time, limit int) (int, error)
	// Wake returns the topic's channel of hints that there may be new facts. It holds one hint and is shared by all
	// callers. Hints can be lost: a reader must poll as well.
	Wake(topic Topic) <-chan struct{}
}
