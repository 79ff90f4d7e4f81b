package tokenomicsdb

import (
	"context"
	"fmt"

	"github.com/fogcompute/fogcompute/fog/internal/db"
	"github.com/fogcompute/fogcompute/fog/internal/fault"
	"github.com/fogcompute/fogcompute/fog/principal"
	"github.com/fogcompute/fogcompute/fog/tokenomics"
)

const (
	holdColumns   = "r.tenant, r.id, r.owner, r.creator, r.amount, r.captured, r.returned, r.state, r.created_at, r.expires_at, r.resolved_at"
	lineColumns   = "r.number, r.tenant, r.owner, r.kind, r.creator, m.seq, m.body"
	isLine        = "r.tenant = v.column1 AND r.owner = v.column2 AND r.kind = v.column3"
	recordColumns = "r.tenant, r.class, r.key, r.owner, r.creator, r.state, r.due_at, r.seq, r.body"
)

// The latest movement m of a sub-account r, whose balance is what that one has left. PostgreSQL is made to look both up by their
// indexes, as lookUp does; isLatest is a condition that SQLite does so for.
const (
	latest = `CROSS JOIN LATERAL (SELECT seq FROM fog_ledger_index AS i WHERE i.account = r.number ORDER BY seq DESC LIMIT 1) AS i
		CROSS JOIN LATERAL (SELECT * FROM fog_ledger_movements AS m WHERE m.seq = i.seq LIMIT 1) AS m`
	isLatest = "m.seq = (SELECT MAX(i.seq) FROM fog_ledger_index AS i WHERE i.account = r.number)"
)

var (
	loadHead = plain("load_head", "", `SELECT seq, hash, (SELECT COALESCE(MAX(number), 0) FROM fog_ledger_accounts)
		FROM fog_ledger_head WHERE id = 1`)
	loadFence = plain("load_fence", "t", "SELECT number FROM fog_duties WHERE name = $1")
	loadLines = &statement{
		name: "fog_ledger_load_lines", types: "ttt", list: true,
		postgres: "SELECT " + lineColumns + " FROM " + unnest("ttt") + " CROSS JOIN LATERAL (SELECT * FROM fog_ledger_accounts AS r WHERE " +
			isLine + " LIMIT 1) AS r " + latest,
		sqlite: "SELECT " + lineColumns + " FROM (VALUES %s) AS v CROSS JOIN fog_ledger_accounts AS r CROSS JOIN fog_ledger_movements AS m WHERE " +
			isLine + " AND " + isLatest,
	}
	loadHolds = lookUp("load_holds", "tt", holdColumns, "fog_ledger_holds", "r.tenant = v.column1 AND r.id = v.column2")
	loadUsed  = lookUp("load_used", "ttt", movementColumns, "fog_ledger_movements",
		"r.tenant = v.column1 AND r.op = v.column2 AND r.key = v.column3")
	loadRecords = lookUp("load_records", "ttt", recordColumns, "fog_ledger_records",
		"r.tenant = v.column1 AND r.class = v.column2 AND r.key = v.column3")
	loadPoints = lookUp("load_points", "ttti", "v.column4, r.tenant, r.series, r.key, r.seq, r.body", "fog_ledger_points",
		`r.tenant = v.column1 AND r.series = v.column2 AND r.key = v.column3 AND r.seq = (SELECT MAX(p.seq) FROM fog_ledger_points AS p
		WHERE p.tenant = v.column1 AND p.series = v.column2 AND p.key = v.column3 AND p.seq <= v.column4)`)
	loadWaiting = lookUp("load_waiting", "i", "r.number", "fog_ledger_requests", "r.number = v.column1 AND r.decided_at = 0")
)

// Load implements tokenomics.Books. The head comes first: whatever is committed between the statements moves it on.
func (s *Store) Load(ctx context.Context, wanted tokenomics.Wanted) (tokenomics.Loaded, error) {
	loaded := tokenomics.Loaded{
		Lines: map[tokenomics.SubAccount]tokenomics.Line{}, Holds: map[tokenomics.HoldRef]tokenomics.HoldRecord{},
		Used: map[tokenomics.Reference]tokenomics.Use{}, Records: map[tokenomics.RecordRef]tokenomics.Record{},
		Points: map[tokenomics.PointRef]tokenomics.Point{}, Waiting: map[tokenomics.RequestID]bool{},
	}
	err := s.read(ctx, head(&loaded), lines(wanted, &loaded), holds(wanted, &loaded), used(wanted, &loaded), records(wanted, &loaded),
		points(wanted, &loaded), waiting(wanted, &loaded))
	if err != nil {
		return tokenomics.Loaded{}, fmt.Errorf("tokenomicsdb.load: %w", err)
	}
	return loaded, nil
}

func head(loaded *tokenomics.Loaded) call {
	return call{statement: loadHead, row: func(read scan) error {
		var hash []byte
		err := read(&loaded.Head.Last, &hash, &loaded.Last)
		copy(loaded.Head.Hash[:], hash)
		return err
	}}
}

func lines(wanted tokenomics.Wanted, loaded *tokenomics.Loaded) call {
	c := call{statement: loadLines}
	for _, sub := range wanted.Lines {
		c.add(string(sub.Tenant), string(sub.Account), string(sub.Kind))
	}
	c.row = lineRow(func(l tokenomics.LineChange) { loaded.Lines[l.SubAccount] = l.Line })
	return c
}

// lineRow reads a row of lineColumns: a sub-account, and the movement that touched it last.
func lineRow(found func(tokenomics.LineChange)) func(scan) error {
	var number, seq int64
	var tenant, owner, kind, creator string
	var body []byte
	into := []any{&number, &tenant, &owner, &kind, &creator, &seq, &body}
	return func(read scan) error {
		if err := read(into...); err != nil {
			return err
		}
		m := tokenomics.Movement{Seq: seq, Reference: tokenomics.Reference{Tenant: principal.Tenant(tenant)}}
		if err := m.Decode(body); err != nil {
			return err
		}
		sub := tokenomics.SubAccount{Tenant: m.Tenant, Account: tokenomics.Account(owner), Kind: tokenomics.Kind(kind)}
		balance, touched := m.Leaves(sub)
		if !touched {
			return fault.Newf(fault.Internal, "tokenomicsdb.load", "movement %d does not touch %q %s", seq, owner, kind)
		}
		found(tokenomics.LineChange{SubAccount: sub, Line: tokenomics.Line{
			Number: number, Balance: balance, Seq: seq, Creator: principal.Account(creator), Updated: m.At,
		}})
		return nil
	}
}

func holds(wanted tokenomics.Wanted, loaded *tokenomics.Loaded) call {
	c := call{statement: loadHolds}
	for _, ref := range wanted.Holds {
		c.add(string(ref.Tenant), string(ref.ID))
	}
	c.row = holdRow(func(h tokenomics.HoldRecord) { loaded.Holds[tokenomics.HoldRef{Tenant: h.Tenant, ID: h.ID}] = h })
	return c
}

// holdRow reads a row of holdColumns.
func holdRow(found func(tokenomics.HoldRecord)) func(scan) error {
	var tenant, id, owner, creator, state string
	var amount, captured, returned, created, expires, resolved int64
	into := []any{&tenant, &id, &owner, &creator, &amount, &captured, &returned, &state, &created, &expires, &resolved}
	return func(read scan) error {
		if err := read(into...); err != nil {
			return err
		}
		found(tokenomics.HoldRecord{
			ID: tokenomics.HoldID(id), Tenant: principal.Tenant(tenant), Payer: tokenomics.Account(owner),
			Creator: principal.Account(creator), Amount: tokenomics.Amount(amount), Captured: tokenomics.Amount(captured),
			Returned: tokenomics.Amount(returned), State: tokenomics.HoldState(state),
			Created: db.Time(created), Expires: db.Time(expires), Resolved: db.Time(resolved),
		})
		return nil
	}
}

func used(wanted tokenomics.Wanted, loaded *tokenomics.Loaded) call {
	c := call{statement: loadUsed}
	for _, ref := range wanted.References {
		c.add(string(ref.Tenant), string(ref.Op), ref.Key)
	}
	c.row = keptRow(func(m *tokenomics.Movement) { loaded.Used[m.Reference] = tokenomics.Use{Seq: m.Seq, Digest: m.Digest} })
	return c
}

func records(wanted tokenomics.Wanted, loaded *tokenomics.Loaded) call {
	c := call{statement: loadRecords}
	for _, ref := range wanted.Records {
		c.add(string(ref.Tenant), string(ref.Class), ref.Key)
	}
	c.row = recordRow(func(r tokenomics.Record) { loaded.Records[r.RecordRef] = r })
	return c
}

// recordRow reads a row of recordColumns.
func recordRow(found func(tokenomics.Record)) func(scan) error {
	var tenant, class, key, owner, creator, state string
	var due, seq int64
	var body []byte
	into := []any{&tenant, &class, &key, &owner, &creator, &state, &due, &seq, &body}
	return func(read scan) error {
		if err := read(into...); err != nil {
			return err
		}
		found(tokenomics.Record{
			RecordRef: tokenomics.RecordRef{Tenant: principal.Tenant(tenant), Class: tokenomics.Class(class), Key: key},
			Owner:     tokenomics.Account(owner), Creator: principal.Account(creator), State: state, Due: db.Time(due), Seq: seq, Body: body,
		})
		return nil
	}
}

func points(wanted tokenomics.Wanted, loaded *tokenomics.Loaded) call {
	c := call{statement: loadPoints}
	for _, ref := range wanted.Points {
		c.add(string(ref.Tenant), string(ref.Series), ref.Key, ref.Seq)
	}
	c.row = pointRow(func(asked int64, p tokenomics.Point) {
		loaded.Points[tokenomics.PointRef{SeriesRef: p.SeriesRef, Seq: asked}] = p
	})
	return c
}

// pointRow reads a point behind the place that was asked for.
func pointRow(found func(int64, tokenomics.Point)) func(scan) error {
	return func(read scan) error {
		var asked, seq int64
		var tenant, series, key string
		var body []byte
		err := read(&asked, &tenant, &series, &key, &seq, &body)
		ref := tokenomics.SeriesRef{Tenant: principal.Tenant(tenant), Series: tokenomics.Series(series), Key: key}
		found(asked, tokenomics.Point{PointRef: tokenomics.PointRef{SeriesRef: ref, Seq: seq}, Body: body})
		return err
	}
}

func waiting(wanted tokenomics.Wanted, loaded *tokenomics.Loaded) call {
	c := call{statement: loadWaiting}
	for _, id := range wanted.Requests {
		c.add(int64(id))
	}
	c.row = func(read scan) error {
		var number int64
		err := read(&number)
		loaded.Waiting[tokenomics.RequestID(number)] = true
		return err
	}
	return c
}
