package tokenomicsdb

import (
	"context"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/fogcompute/fogcompute/fog/tokenomics"
)

// Records implements tokenomics.Books.
func (s *Store) Records(ctx context.Context, query tokenomics.RecordQuery) ([]tokenomics.Record, error) {
	var found []tokenomics.Record
	c := recordsOf(query, recordRow(func(r tokenomics.Record) { found = append(found, r) }))
	if err := s.read(ctx, c); err != nil {
		return nil, fmt.Errorf("tokenomicsdb.records: %w", err)
	}
	return found, nil
}

// recordsOf returns the statement of a query. There is one for each set of conditions, so that each is planned for its index.
func recordsOf(q tokenomics.RecordQuery, row func(scan) error) call {
	conditions := []string{"r.tenant = $1", "r.class = $2"}
	name, types, args := "records", "tt", []any{string(q.Tenant), string(q.Class)}
	where := func(mark, condition, value string) {
		args, types, name = append(args, value), types+"t", name+"_"+mark
		conditions = append(conditions, fmt.Sprintf("%s $%d", condition, len(args)))
	}
	if q.Owner != "" {
		where("owner", "r.owner =", string(q.Owner))
	}
	if q.State != "" {
		where("state", "r.state =", q.State)
	}
	if q.Prefix != "" {
		where("prefix", "r.key >=", q.Prefix)
		if end := behind(q.Prefix); end != "" {
			where("end", "r.key <", end)
		}
	}
	order := ""
	if q.Newest {
		name, order = name+"_newest", " DESC"
	}
	if q.After != "" && q.Newest {
		where("before", "r.key <", q.After)
	} else if q.After != "" {
		where("after", "r.key >", q.After)
	}
	args = append(args, int64(q.Limit))
	return plain(name, types+"i", fmt.Sprintf("SELECT %s FROM fog_ledger_records AS r WHERE %s ORDER BY r.key%s LIMIT $%d",
		recordColumns, strings.Join(conditions, " AND "), order, len(args))).with(row, args...)
}

// behind returns the first text in the order of bytes, which is that of code points, behind all that begin with a prefix; empty
// if there is none.
func behind(prefix string) string {
	for prefix != "" {
		last, size := utf8.DecodeLastRuneInString(prefix)
		prefix = prefix[:len(prefix)-size]
		switch next := last + 1; {
		case next > utf8.MaxRune:
		case !utf8.ValidRune(next): // surrogates have no place in texts
			return prefix + "\uE000"
		default:
			return prefix + string(next)
		}
	}
	return ""
}
