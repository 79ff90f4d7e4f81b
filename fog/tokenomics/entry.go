package tokenomics

import (
	"context"
	"strconv"
	"strings"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
)

const (
	defaultEntries = 100
	maxEntries     = 1000
)

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
	if limit < 0 {
		return EntryPage{}, fault.Field(op, "limit", "must not be negative")
	}
	if limit == 0 {
		limit = defaultEntries
	}
	limit = min(limit, maxEntries)
	tenant, account, err := t.reader(ctx, op, account)
	if err != nil {
		return EntryPage{}, err
	}
	entries, err := t.store.Entries(ctx, tenant, account, before, limit+1)
	if err != nil {
		return EntryPage{}, fault.Wrap(op, err)
	}
	if len(entries) <= limit {
		return EntryPage{Entries: entries}, nil
	}
	return EntryPage{Entries: entries[:limit], Next: entries[limit-1].cursor()}, nil
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
	if err != nil || place.Seq < 1 || place.N < 0 || place.N > maxShares+2 || place.cursor() != cursor {
		return Place{}, fault.Field("tokenomics.entries", "cursor", "%q is not a cursor of this list", clip(cursor))
	}
	return place, nil
}
