package db_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"

	"github.com/fogcompute/fogcompute/fog/internal/db"
	"github.com/fogcompute/fogcompute/fog/internal/db/dbtest"
	"github.com/fogcompute/fogcompute/fog/internal/duty"
	"github.com/fogcompute/fogcompute/fog/internal/duty/dutytest"
	"github.com/fogcompute/fogcompute/fog/internal/fault"
	"github.com/fogcompute/fogcompute/fog/internal/journal"
	"github.com/fogcompute/fogcompute/fog/internal/journal/journaltest"
)

// grounded returns a database with the tables of the ground.
func grounded(t *testing.T, d *db.DB) *db.DB {
	t.Helper()
	require.NoError(t, db.MigrateGround(context.Background(), d))
	return d
}

// empty deletes all rows of a table.
func empty(t *testing.T, d *db.DB, table string) {
	t.Helper()
	_, err := d.Write.ExecContext(context.Background(), "DELETE FROM "+table)
	require.NoError(t, err)
}

// appendFacts commits facts as a store does.
func appendFacts(d *db.DB, j *db.Journal, now time.Time, facts ...journal.Fact) error {
	err := db.Tx(context.Background(), d, func(ctx context.Context, tx bun.Tx) error {
		return db.AppendFacts(ctx, tx, d.Dialect, now, facts)
	})
	if err == nil {
		j.NotifyFacts(facts)
	}
	return err
}

func TestJournalConformance(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		grounded(t, d)
		journaltest.Run(t, func(now func() time.Time) journaltest.Subject {
			empty(t, d, "fog_facts")
			j := db.NewJournal(d, now)
			return journaltest.Subject{Journal: j, Append: func(facts ...journal.Fact) error {
				return appendFacts(d, j, now(), facts...)
			}}
		})
	})
}

func TestDutiesConformance(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		grounded(t, d)
		dutytest.Run(t, func(now func() time.Time) dutytest.Subject {
			empty(t, d, "fog_duties")
			return dutytest.Subject{Duties: db.NewDuties(d, now), Check: func(fence duty.Fence) error {
				return db.Tx(context.Background(), d, func(ctx context.Context, tx bun.Tx) error {
					return db.CheckFence(ctx, tx, d.Dialect, fence)
				})
			}}
		})
	})
}

// A fact exists exactly if its transaction has committed.
func TestFactsShareTheFateOfTheirTransaction(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		ctx, j := context.Background(), db.NewJournal(grounded(t, d), nil)
		refused := fault.New(fault.Conflict, "test", "no")
		err := db.Tx(ctx, d, func(ctx context.Context, tx bun.Tx) error {
			require.NoError(t, db.AppendFacts(ctx, tx, d.Dialect, time.Now(), []journal.Fact{{Topic: "a", ID: "1"}}))
			return refused
		})
		require.ErrorIs(t, err, refused)
		claimed, err := j.Claim(ctx, "a", 1, time.Now().Add(time.Minute))
		require.NoError(t, err)
		require.Empty(t, claimed)
	})
}

// A fact that commits late, after one with a larger number has been claimed, is still found.
func TestLateCommitIsNotMissed(t *testing.T) {
	d := grounded(t, dbtest.Postgres(t))
	ctx, j := context.Background(), db.NewJournal(d, nil)
	late, err := d.Write.BeginTx(ctx, nil)
	require.NoError(t, err)
	require.NoError(t, db.AppendFacts(ctx, late, d.Dialect, time.Now(), []journal.Fact{{Topic: "a", ID: "late"}}))
	require.NoError(t, appendFacts(d, j, time.Now(), journal.Fact{Topic: "a", ID: "early"}))
	claimed, err := j.Claim(ctx, "a", 9, time.Now().Add(time.Minute))
	require.NoError(t, err)
	require.Len(t, claimed, 1)
	require.Equal(t, "early", claimed[0].ID)
	require.NoError(t, j.Done(ctx, claimed))
	require.NoError(t, late.Commit())
	claimed, err = j.Claim(ctx, "a", 9, time.Now().Add(time.Minute))
	require.NoError(t, err)
	require.Len(t, claimed, 1)
	require.Equal(t, "late", claimed[0].ID)
}

// A commit that has checked its fence keeps the duty from changing hands until it has ended.
func TestFenceHoldsUntilCommit(t *testing.T) {
	d := grounded(t, dbtest.Postgres(t))
	ctx, duties := context.Background(), db.NewDuties(d, nil)
	fence, ok, err := duties.Take(ctx, "plan", "a", time.Now().Add(-time.Second))
	require.NoError(t, err)
	require.True(t, ok)
	commit, err := d.Write.BeginTx(ctx, nil)
	require.NoError(t, err)
	require.NoError(t, db.CheckFence(ctx, commit, d.Dialect, fence))
	taken := make(chan duty.Fence, 1)
	go func() {
		next, _, err := duties.Take(ctx, "plan", "b", time.Now().Add(time.Minute))
		if err != nil {
			t.Errorf("take: %v", err)
		}
		taken <- next
	}()
	waitFor(t, d, "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'")
	require.Empty(t, taken)
	require.NoError(t, commit.Commit())
	require.Equal(t, fence.Number+1, (<-taken).Number)
}

// waitFor waits until a count is positive.
func waitFor(t *testing.T, d *db.DB, query string) {
	t.Helper()
	ticker := time.NewTicker(5 * time.Millisecond)
	defer ticker.Stop()
	for range 2000 {
		var n int
		require.NoError(t, d.Read.NewRaw(query).Scan(context.Background(), &n))
		if n > 0 {
			return
		}
		<-ticker.C
	}
	t.Fatal("waited for too long")
}

func TestFenceInsideACommitIsRefusedWhole(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		ctx := context.Background()
		j := db.NewJournal(grounded(t, d), nil)
		err := db.Tx(ctx, d, func(ctx context.Context, tx bun.Tx) error {
			if err := db.AppendFacts(ctx, tx, d.Dialect, time.Now(), []journal.Fact{{Topic: "a", ID: "1"}}); err != nil {
				return err
			}
			return db.CheckFence(ctx, tx, d.Dialect, duty.Fence{Name: "plan", Number: 7})
		})
		require.ErrorIs(t, err, duty.ErrFenced)
		require.Equal(t, fault.Conflict, fault.KindOf(err))
		claimed, err := j.Claim(ctx, "a", 1, time.Now().Add(time.Minute))
		require.NoError(t, err)
		require.Empty(t, claimed)
	})
}
