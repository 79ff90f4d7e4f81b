package tokenomics

import (
	"cmp"
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
	"github.com/fogcompute/fogcompute/fog/principal"
)

const (
	defaultEntries = 100
	maxEntries     = 1000
	maxPostings    = 3*maxShares + 8 // of one movement
)

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
	Hold   HoldID // empty: concerns no hold
	Memo   string
	At     time.Time
}

// EntryQuery selects postings to one account.
type EntryQuery struct {
	Tenant  principal.Tenant
	Account Account
	Kind    Kind  // empty: of all kinds
	Before  Place // only those before it; zero: from the newest
	Limit   int
}

// EntriesOf lists the postings of movements, newest first, that a query selects, at most its limit. Stores that find
// movements by account use it.
func (q EntryQuery) EntriesOf(newestFirst []Movement) []Entry {
	var entries []Entry
	for _, m := range newestFirst {
		for n := len(m.Postings) - 1; n >= 0 && len(entries) < q.Limit; n-- {
			p, place := m.Postings[n], Place{m.Seq, n}
			if p.Account != q.Account || q.Kind != "" && p.Kind != q.Kind || q.Before != (Place{}) && place.compare(q.Before) >= 0 {
				continue
			}
			entries = append(entries, Entry{
				Place: place, Kind: p.Kind, Amount: p.Amount, After: p.After,
				Op: m.Op, Key: m.Key, Hold: m.Hold, Memo: m.Memo, At: m.At,
			})
		}
	}
	return entries
}

// compare orders places from the oldest to the newest.
func (p Place) compare(q Place) int { return cmp.Or(cmp.Compare(p.Seq, q.Seq), cmp.Compare(p.N, q.N)) }

// EntryPage is a part of an account's history, newest first.
type EntryPage struct {
	Entries []Entry
	Next    string // cursor of the next page; empty: this was the last
}

// Entries reads the history of an account of the caller's tenant, newest first, from the cursor of an earlier page on
// (empty: from the newest). A movement inside the account, such as a hold, has an entry for each compartment. A limit of
// 0 means 100, more than 1000 means 1000; an empty account means the caller's own. What is added meanwhile never
// shifts the pages. Errors: Invalid (also a cursor that no page has given), Denied, Unavailable.
func (t *Tokenomics) Entries(ctx context.Context, account Account, cursor string, limit int) (EntryPage, error) {
	const op = "tokenomics.entries"
	before, err := parsePlace(cursor)
	if err != nil {
		return EntryPage{}, err
	}
	if limit, err = pageLimit(op, limit); err != nil {
		return EntryPage{}, err
	}
	tenant, account, err := t.reader(ctx, op, account)
	if err != nil {
		return EntryPage{}, err
	}
	entries, err := t.store.Entries(ctx, EntryQuery{Tenant: tenant, Account: account, Before: before, Limit: limit + 1})
	if err != nil {
		return EntryPage{}, fault.Wrap(op, err)
	}
	if len(entries) <= limit {
		return EntryPage{Entries: entries}, nil
	}
	return EntryPage{Entries: entries[:limit], Next: entries[limit-1].cursor()}, nil
}

// pageLimit is how many rows a page has for a limit that a caller gives.
func pageLimit(op string, limit int) (int, error) {
	if limit < 0 {
		return 0, fault.Field(op, "limit", "must not be negative")
	}
	if limit == 0 {
		limit = defaultEntries
	}
	return min(limit, maxEntries), nil
}

// cursor writes a place as text.
func (p Place) cursor() string { return strconv.FormatInt(p.Seq, 10) + "." + strconv.Itoa(p.N) }

// parsePlace reads what cursor has written; the empty text is the zero Place.
func parsePlace(cursor string) (Place, error) {
	if cursor == "" {
		return Place{}, nil
	}
	seq, n, _ := strings.Cut(cursor, ".")
	var place Place
	var err error
	if place.Seq, err = strconv.ParseInt(seq, 10, 64); err == nil {
		place.N, err = strconv.Atoi(n)
	}
	if err != nil || place.Seq < 1 || place.N < 0 || place.N > maxPostings || place.cursor() != cursor {
		return Place{}, fault.Field("tokenomics.entries", "cursor", "%q is not a cursor of this list", clip(cursor))
	}
	return place, nil
}

// BalanceAt returns what an account had when the ledger stood at a movement: after it and before the next. Movement 0 is
// the empty ledger. What was staked is what PowerAt calls own; what was earned and not claimed is not known of the past. Errors: Invalid (a movement that has not happened), Denied, Unavailable.
func (t *Tokenomics) BalanceAt(ctx context.Context, account Account, seq int64) (Balance, error) {
	const op = "tokenomics.balance_at"
	if seq < 0 {
		return Balance{}, fault.Field(op, "seq", "must not be negative")
	}
	tenant, account, err := t.reader(ctx, op, account)
	if err != nil {
		return Balance{}, err
	}
	loaded, err := t.store.Load(ctx, Wanted{})
	if err != nil {
		return Balance{}, fault.Wrap(op, err)
	}
	if seq > loaded.Head.Last {
		return Balance{}, fault.Field(op, "seq", "the ledger has only %d movements", loaded.Head.Last)
	}
	balance := Balance{Account: account}
	for kind, amount := range map[Kind]*Amount{KindAvailable: &balance.Available, KindHeld: &balance.Held} {
		latest, err := t.store.Entries(ctx, EntryQuery{
			Tenant: tenant, Account: account, Kind: kind, Before: Place{Seq: seq + 1}, Limit: 1,
		})
		if err != nil {
			return Balance{}, fault.Wrap(op, err)
		}
		for _, entry := range latest {
			*amount = entry.After
			balance.Updated = later(balance.Updated, entry.At)
		}
	}
	own := PointRef{SeriesRef{tenant, SeriesOwn, string(account)}, seq}
	if loaded, err = t.store.Load(ctx, Wanted{Points: []PointRef{own}}); err != nil {
		return Balance{}, fault.Wrap(op, err)
	}
	balance.Staked, err = amountOf(loaded.Points[own])
	return balance, fault.Wrap(op, err)
}
