package tokenomics

import (
	"cmp"
	"context"
	"time"

	"github.com/fogcompute/fogcompute/fog/internal/duty"
	"github.com/fogcompute/fogcompute/fog/internal/fault"
	"github.com/fogcompute/fogcompute/fog/internal/journal"
	"github.com/fogcompute/fogcompute/fog/principal"
	"github.com/fogcompute/fogcompute/fog/tokenomics/chain"
)

// Fence is the number under which a server holds the ledger's duty; the zero Fence is not checked.
type Fence = duty.Fence

// Errors by which a store refuses a commit. Nothing of it was written.
var (
	// ErrFenced: the fence is not the newest, another server writes the ledger now.
	ErrFenced = duty.ErrFenced
	// ErrStale: the ledger has moved on since the state was loaded. Load and evaluate again.
	ErrStale = fault.New(fault.Conflict, "tokenomics.commit", "the ledger has moved on")
	// ErrUsed: a movement's reference was used before. Load the references and evaluate again.
	ErrUsed = fault.New(fault.Conflict, "tokenomics.commit", "a key was used before")
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
	// TopicMovement hints that the ledger has moved on. It carries no facts.
	TopicMovement journal.Topic = "tokenomics.movement"
)

// Store is the port to the ledger's rows: Memory, or tokenomicsdb on PostgreSQL and SQLite. All implementations pass
// tokenomicstest. Times are in UTC with microseconds; what a method returns is the caller's own.
type Store interface {
	Books
	Log
	Queue
}

// Books stores what the ledger has come to, and takes each step of it.
type Books interface {
	// Load reads rows, the head first: a Commit on that head fails with ErrStale if anything else changed meanwhile. What
	// does not exist is left out. Load sees every commit that has returned.
	Load(ctx context.Context, wanted Wanted) (Loaded, error)
	// Commit writes one batch in one transaction: ErrFenced if the fence is not the newest, ErrStale if the head is not
	// changes.Was any more, or if a verdict is for a request that is decided already or unknown; ErrUsed if the reference
	// of a movement was used before. Changes that are empty are checked in the same way, without a lock, and nothing is written.
	Commit(ctx context.Context, fence Fence, changes Changes) error
	// Due lists what waits for a time that has come, the longest waiting first, at most limit of each kind.
	Due(ctx context.Context, now time.Time, limit int) (Due, error)
	// Records lists records of a class in the order of their keys.
	Records(ctx context.Context, query RecordQuery) ([]Record, error)
	// Tally reads the running sums of a tenant. They are maintained by Commit, never counted.
	Tally(ctx context.Context, tenant principal.Tenant) (map[Count]int64, error)
	// Purge deletes at most limit rows of each kind that lie behind the horizon, and says how many. Movements and their keys stay.
	Purge(ctx context.Context, horizon Horizon, limit int) (int, error)
}

// Log stores how the ledger has come to it.
type Log interface {
	// Entries reads postings to an account, newest first.
	Entries(ctx context.Context, query EntryQuery) ([]Entry, error)
	// Movements reads the movements behind one, in order. Their numbers have no gaps and what is read never changes.
	Movements(ctx context.Context, after int64, limit int) ([]Movement, error)
	// Blocks reads the blocks whose last movement is behind one, in order.
	Blocks(ctx context.Context, after int64, limit int) ([]Block, error)
	// Snapshot calls f with one moment of the ledger, and returns its error.
	Snapshot(ctx context.Context, f func(Moment) error) error
}

// Moment reads one moment of the ledger in pages, each from behind the last row of the page before.
type Moment interface {
	Head(ctx context.Context) (chain.Head, error)
	// Movements calls row with each movement of the page and its body, which Decode reads into it. The next one takes the memory of
	// both; what row returns ends the page.
	Movements(ctx context.Context, after int64, limit int, row func(m *Movement, body []byte) error) error
	Blocks(ctx context.Context, after int64, limit int) ([]Block, error)
	// Lines reads sub-accounts in the order of their numbers.
	Lines(ctx context.Context, after int64, limit int) ([]LineChange, error)
	// Index calls row with what the index says of each sub-account that it lists: its number and its trail, in no order.
	Index(ctx context.Context, row func(number int64, trail Trail)) error
	// Holds reads the open holds by tenant and ID.
	Holds(ctx context.Context, after HoldRef, limit int) ([]HoldRecord, error)
	// Records reads the records by tenant, class and key.
	Records(ctx context.Context, after RecordRef, limit int) ([]Record, error)
	// Points reads the points by tenant, series, key and number.
	Points(ctx context.Context, after PointRef, limit int) ([]Point, error)
	Tally(ctx context.Context) ([]TallyChange, error)
}

// Queue stores the requests of servers that may not write the ledger.
type Queue interface {
	// Put adds requests and returns their numbers, in order.
	Put(ctx context.Context, requests []Request, at time.Time) ([]RequestID, error)
	// Pending reads the oldest undecided requests.
	Pending(ctx context.Context, limit int) ([]Asked, error)
	// Verdicts reads the verdicts on requests. Undecided and unknown requests are left out; the order is not defined.
	Verdicts(ctx context.Context, ids []RequestID) ([]Verdict, error)
	// Wake returns the channel of hints for TopicRequest, TopicVerdict or TopicMovement. It holds one hint and is shared;
	// hints can be lost, so a reader must poll as well. It may be nil: then there are no hints.
	Wake(topic journal.Topic) <-chan struct{}
}

// Wanted is what a batch needs to know.
type Wanted struct {
	Lines      []SubAccount
	Holds      []HoldRef
	References []Reference
	Records    []RecordRef
	Points     []PointRef
	Requests   []RequestID
}

// Loaded is what a store knows of Wanted.
type Loaded struct {
	Head    chain.Head // where the ledger stands
	Last    int64      // greatest number of a sub-account
	Lines   map[SubAccount]Line
	Holds   map[HoldRef]HoldRecord
	Used    map[Reference]Use
	Records map[RecordRef]Record
	Points  map[PointRef]Point // under the reference that was asked for
	Waiting map[RequestID]bool // those of the requests that are undecided
}

// Line is the state of one sub-account.
type Line struct {
	Number  int64 // of the sub-account, from 1; 0: it does not exist
	Balance Amount
	Seq     int64             // of the movement that touched it last
	Creator principal.Account // who caused its first movement
	Updated time.Time         // time of that movement
}

// HoldRef names a hold in the whole ledger.
type HoldRef struct {
	Tenant principal.Tenant
	ID     HoldID
}

// Use says which movement used a reference.
type Use struct {
	Seq    int64 // 0: none
	Digest Digest
}

// Changes is one batch, evaluated. Slices are sorted by key, so that rows are always locked in one order.
type Changes struct {
	Was       chain.Head // that it was evaluated on
	Head      chain.Head // that it makes; Was if there are no movements
	At        time.Time
	Fresh     []LineChange // sub-accounts that are new, in the order of their numbers
	Holds     []HoldRecord // new and changed
	Records   []Record     // new and changed; one without a body is deleted
	Points    []Point      // new
	Movements []Movement
	Block     Block // of the movements; zero if there are none
	Tally     []TallyChange
	Facts     []journal.Fact
	Verdicts  []Verdict
}

// LineChange is a sub-account and its state. No store keeps states beside the movements: a balance is what the last posting to the
// sub-account has left.
type LineChange struct {
	SubAccount
	Line
}

// Due is what waits for a time that has come.
type Due struct {
	Holds   []HoldRef   // open, and to be given back
	Records []RecordRef // with a due time
}

// Trace says that a movement has touched a sub-account.
type Trace struct {
	Number int64 // of the sub-account
	Seq    int64 // of the movement
}

// Compare orders traces by number, then by movement.
func (t Trace) Compare(u Trace) int {
	return cmp.Or(cmp.Compare(t.Number, u.Number), cmp.Compare(t.Seq, u.Seq))
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

func (c TallyChange) compare(d TallyChange) int {
	return cmp.Or(cmp.Compare(c.Tenant, d.Tenant), cmp.Compare(c.Name, d.Name), cmp.Compare(c.Hour, d.Hour))
}

// Horizon says how far back rows are kept that are not the ledger itself.
type Horizon struct {
	Requests time.Time // decided before: deleted
	Holds    time.Time // resolved before: deleted
	Hours    time.Time // running sums of hours before: deleted
	Votes    time.Time // of proposals that ended before: deleted, and then the records of their polls
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
