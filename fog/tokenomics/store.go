package tokenomics

import (
	"context"
	"time"

	"github.com/fogcompute/fogcompute/fog/internal/duty"
	"github.com/fogcompute/fogcompute/fog/internal/fault"
	"github.com/fogcompute/fogcompute/fog/internal/journal"
	"github.com/fogcompute/fogcompute/fog/principal"
)

// Fence is the number under which a server holds the ledger's duty; the zero Fence is not checked.
type Fence = duty.Fence

// Errors by which a store refuses a commit. Nothing of it was written.
var (
	// ErrFenced: the fence is not the newest, another server writes the ledger now.
	ErrFenced = duty.ErrFenced
	// ErrStale: the ledger has moved on since the state was loaded. Load and evaluate again.
	ErrStale = fault.New(fault.Conflict, "tokenomics.commit", "the ledger has moved on")
)

// Topics of the store's hints and facts.
const (
	// TopicHold carries a fact for each hold that a commit has changed, if Config.Facts asks for it and the store was
	// given a journal: ID is the hold's, Version the number of the commit's last movement.
	TopicHold journal.Topic = "tokenomics.hold"
	// TopicRequest hints that the request table has new requests. It carries no facts.
	TopicRequest journal.Topic = "tokenomics.request"
	// TopicVerdict hints that requests have been decided. It carries no facts.
	TopicVerdict journal.Topic = "tokenomics.verdict"
)

// Store is the port to the ledger's rows: Memory, or tokenomicsdb on PostgreSQL and SQLite. All implementations pass
// tokenomicstest. Times are in UTC with microseconds; what a method returns is the caller's own.
type Store interface {
	Books
	Queue
}

// Books stores balances, holds and movements.
type Books interface {
	// Load reads what a batch needs. It reads the head first, so that a Commit on that head fails with ErrStale if
	// anything else changed meanwhile. With each hold come the available and held lines of its payer. What does not exist is
	// left out. Load sees every commit that has returned.
	Load(ctx context.Context, wanted Wanted) (Loaded, error)
	// Commit writes one batch in one transaction: ErrFenced if the fence is not the newest, ErrStale if the head is not
	// changes.Was any more, or if a verdict is for a request that is decided already or unknown.
	Commit(ctx context.Context, fence Fence, changes Changes) error
	// Entries reads postings to an account, newest first, those before the given place (the zero Place: from the newest).
	Entries(ctx context.Context, tenant principal.Tenant, account Account, before Place, limit int) ([]Entry, error)
	// Tally reads the running sums of a tenant. They are maintained by Commit, never counted.
	Tally(ctx context.Context, tenant principal.Tenant) (map[Count]int64, error)
	// Audit recomputes everything that can be derived and returns one sentence for each disagreement, at most limit. It
	// sees one moment of the ledger, and takes as long as the ledger is.
	Audit(ctx context.Context, limit int) ([]string, error)
	// Purge deletes at most limit rows of each kind that lie behind the horizon, and says how many. Movements and their keys stay.
	Purge(ctx context.Context, horizon Horizon, limit int) (int, error)
}

// Queue stores the requests of servers that may not write the ledger.
type Queue interface {
	// Put adds requests and returns their numbers, in order.
	Put(ctx context.Context, requests []Request, at time.Time) ([]RequestID, error)
	// Pending reads the oldest undecided requests.
	Pending(ctx context.Context, limit int) ([]Asked, error)
	// Verdicts reads the verdicts on requests. Undecided and unknown requests are left out; the order is not defined.
	Verdicts(ctx context.Context, ids []RequestID) ([]Verdict, error)
	// Wake returns the channel of hints for TopicRequest or TopicVerdict. It holds one hint and is shared; hints can be
	// lost, so a reader must poll as well. It may be nil: then there are no hints.
	Wake(topic journal.Topic) <-chan struct{}
}

// Wanted is what a batch needs to know.
type Wanted struct {
	SubAccounts []SubAccount
	Holds       []HoldRef
	References  []Reference
	Requests    []RequestID
}

// Loaded is the state that a batch is evaluated against.
type Loaded struct {
	Head    int64 // number of the latest movement; 0: none
	Lines   map[SubAccount]Line
	Holds   map[HoldRef]HoldRecord
	Digests map[Reference]Digest // of the movements that used these keys
	Waiting map[RequestID]bool   // those of the requests that are undecided
}

// Line is the state of one sub-account.
type Line struct {
	Balance Amount
	Updated time.Time
}

// HoldRef names a hold in the whole ledger.
type HoldRef struct {
	Tenant principal.Tenant
	ID     HoldID
}

// Changes is one batch, evaluated. Slices are sorted by key, so that rows are always locked in one order.
type Changes struct {
	Was       int64 // the head that it was evaluated on
	Head      int64 // the head that it makes; Was if there are no movements
	At        time.Time
	Lines     []LineChange
	Holds     []HoldRecord // new and changed
	Movements []Movement
	Tally     []TallyChange
	Facts     []journal.Fact
	Verdicts  []Verdict
}

// LineChange is the new state of one sub-account.
type LineChange struct {
	SubAccount
	Line
	Creator principal.Account // who caused it; kept for a new sub-account
	Fresh   bool              // the sub-account is new
}

// Movement is one step of the ledger: postings whose sum is zero. A hold of nothing is a movement without postings.
type Movement struct {
	Seq int64 // 1, 2, 3 ... without gaps over all tenants
	Reference
	Digest   Digest            // of the request's body
	Owner    Account           // who pays
	Creator  principal.Account // who asked
	Hold     HoldID            // empty for a transfer and the genesis
	Memo     string
	At       time.Time
	Postings []Posting
}

// Posting is one line of a movement.
type Posting struct {
	SubAccount
	Amount Amount // negative: out of the sub-account
	After  Amount // the sub-account's balance after it
}

// Place is the position of a posting in the ledger. Its zero value lies after the newest.
type Place struct {
	Seq int64
	N   int // of the posting inside its movement, from 0
}

// Entry is one posting to an account, with what its movement says.
type Entry struct {
	Place
	Kind   Kind
	Amount Amount // negative: out of the account
	After  Amount // balance of this kind after it
	Op     Op
	Key    string
	Hold   HoldID // empty for a transfer and the genesis
	Memo   string
	At     time.Time
}

// Count names a running sum of a tenant, over all time or over one hour.
type Count struct {
	Name string
	Hour int64 // hours since 1970; 0: over all time
}

// TallyChange is what a batch adds to a running sum.
type TallyChange struct {
	Tenant principal.Tenant
	Count
	Add int64
}

// Horizon says how far back rows are kept that are not the ledger itself.
type Horizon struct {
	Requests time.Time // decided before: deleted
	Holds    time.Time // resolved before: deleted
	Hours    time.Time // running sums of hours before: deleted
}

// RequestID is a request's number in the request table.
type RequestID int64

// Asked is a request that waits for its verdict.
type Asked struct {
	ID RequestID
	Request
}

// Verdict is the answer to a request in the request table.
type Verdict struct {
	ID RequestID
	At time.Time
	OK bool
	// Kind, Op, Field and Detail are the parts of the error if it is not OK.
	Kind              fault.Kind
	Op, Field, Detail string
}
