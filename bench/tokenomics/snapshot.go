package tokenomics

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/fogcompute/fogcompute/bench/sample"
	"github.com/fogcompute/fogcompute/fog/principal"
	"github.com/fogcompute/fogcompute/fog/tokenomics"
)

// In snapshot_rows so many people stake so many times, so that the power of each has as many points.
const (
	holders = 10_000
	levels  = 5
	looks   = 1000 // in a round
)

// snapshotRows is how many rows PostgreSQL fetches to say which power an account had at a movement long ago.
func snapshotRows(ctx context.Context, s *Setting) (r Result, err error) {
	const name = "points"
	g := s.stage()
	defer g.clear()
	server, err := g.server(ctx)
	if err != nil {
		return r, err
	}
	heads, err := stakeLevels(ctx, server, name)
	if err != nil {
		return r, err
	}
	if err := server.settle(ctx, name); err != nil {
		return r, err
	}
	var rows, entries []float64
	for round := range g.rounds(5) {
		before, err := server.pointsRead(ctx, name)
		if err != nil {
			return r, err
		}
		if err := lookBack(ctx, server, name, heads, round*looks); err != nil {
			return r, err
		}
		after, err := server.pointsRead(ctx, name)
		if err != nil {
			return r, err
		}
		rows = append(rows, float64(after.rows-before.rows)/looks)
		entries = append(entries, float64(after.entries-before.entries)/looks)
	}
	return Result{Value: sample.Median(rows), Unit: "rows", Note: fmt.Sprintf("from %s to %s of %d, and %s entries of the index",
		sample.Number(sample.Least(rows)), sample.Number(sample.Most(rows)), holders*levels, sample.Number(sample.Median(entries)))}, nil
}

// stakeLevels lets everybody stake again and again, and returns where the ledger stood each time.
func stakeLevels(ctx context.Context, base base, name string) (heads []int64, err error) {
	s, err := newSite(ctx, base, name, tokenomics.Config{Genesis: tokenomics.MaxSupply})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	if err := s.endow(ctx, holders, levels*voice); err != nil {
		return nil, err
	}
	for range levels {
		err := s.post(ctx, holders, crowding, func(n int) tokenomics.Request {
			return tokenomics.Request{Stake: &tokenomics.Stake{Key: s.key(), Account: person(n), Operator: "node", Amount: voice}}
		})
		if err != nil {
			return nil, err
		}
		head, err := s.ledger.Head(ctx)
		if err != nil {
			return nil, err
		}
		heads = append(heads, head.Last)
	}
	return heads, s.check(ctx)
}

// lookBack asks for powers of the past, one after the other, and checks each.
func lookBack(ctx context.Context, base base, name string, heads []int64, from int) (err error) {
	store, end, err := base.open(ctx, name)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, end()) }()
	for i := range uint64(looks) {
		n := mix(uint64(from) + i)
		level := int(n / holders % levels)
		ref := tokenomics.PointRef{
			SeriesRef: tokenomics.SeriesRef{Tenant: principal.DefaultTenant, Series: tokenomics.SeriesPower, Key: string(person(int(n % holders)))},
			Seq:       heads[level],
		}
		loaded, err := store.Load(ctx, tokenomics.Wanted{Points: []tokenomics.PointRef{ref}})
		if err != nil {
			return err
		}
		if want := fmt.Sprint(int64(voice) * int64(level+1)); string(loaded.Points[ref].Body) != want {
			return fmt.Errorf("%s had the power %s at movement %d, not %s", ref.Key, loaded.Points[ref].Body, ref.Seq, want)
		}
	}
	return nil
}

// reads is what PostgreSQL has read of a table: rows, and entries of its indexes.
type reads struct{ rows, entries int64 }

// pointsRead waits until nobody else is connected to a database, since only then all have reported, and returns what was read of the points.
func (s *Server) pointsRead(ctx context.Context, name string) (r reads, err error) {
	address, err := s.database(ctx, name)
	if err != nil {
		return r, err
	}
	conn, err := pgx.Connect(ctx, address)
	if err != nil {
		return r, err
	}
	defer conn.Close(context.WithoutCancel(ctx)) // it was for reading
	for others := 1; others > 0; {
		err := conn.QueryRow(ctx, `SELECT count(*) FROM pg_stat_activity
			WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()`).Scan(&others)
		if err != nil {
			return r, err
		}
		if others > 0 {
			time.Sleep(10 * time.Millisecond)
		}
	}
	err = conn.QueryRow(ctx, `SELECT t.seq_tup_read + t.idx_tup_fetch, (SELECT sum(i.idx_tup_read) FROM pg_stat_user_indexes AS i WHERE i.relid = t.relid)::bigint
		FROM pg_stat_user_tables AS t WHERE t.relname = 'fog_ledger_points'`).Scan(&r.rows, &r.entries)
	return r, err
}
