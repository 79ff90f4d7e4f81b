package schedulerdb_test

import (
	"context"
	"database/sql"
	"fmt"
	"log"
	"os"
	"path/filepath"

	_ "modernc.org/sqlite"

	"github.com/fogcompute/fogcompute/fog/scheduler"
	"github.com/fogcompute/fogcompute/fog/scheduler/schedulerdb"
)

// A program keeps its own rows and its jobs in one database, and writes both in one transaction: an order exists exactly
// if its job does.
func ExampleStore_InsertTx() {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "orders")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	pool, err := sql.Open("sqlite", "file:"+filepath.Join(dir, "orders.db")+"?_txlock=immediate&_pragma=foreign_keys(1)")
	if err != nil {
		log.Fatal(err)
	}
	defer pool.Close()
	pool.SetMaxOpenConns(1)

	store := schedulerdb.New(pool, schedulerdb.SQLite)
	if err := store.Migrate(ctx); err != nil {
		log.Fatal(err)
	}
	s, err := scheduler.New(scheduler.Config{Store: store, Abilities: store.Abilities()})
	if err != nil {
		log.Fatal(err)
	}
	if _, err := pool.Exec("CREATE TABLE orders (id TEXT PRIMARY KEY, job TEXT)"); err != nil {
		log.Fatal(err)
	}

	order := func(id string, end func(*sql.Tx) error) {
		tx, err := pool.BeginTx(ctx, nil)
		if err != nil {
			log.Fatal(err)
		}
		jobs, err := s.SubmitTx(ctx, tx, []scheduler.Submission{{
			Key: id, Name: "render " + id, Tier: scheduler.Gold, Demand: scheduler.Demand{MilliCPU: 1000, MemoryMB: 64},
		}})
		if err != nil {
			log.Fatal(err)
		}
		if jobs[0].Err != nil {
			log.Fatal(jobs[0].Err)
		}
		if _, err := tx.Exec("INSERT INTO orders VALUES (?, ?)", id, string(jobs[0].Job.ID)); err != nil {
			log.Fatal(err)
		}
		if err := end(tx); err != nil {
			log.Fatal(err)
		}
	}
	order("order-1", (*sql.Tx).Commit)
	order("order-2", (*sql.Tx).Rollback)

	page, err := s.List(ctx, scheduler.JobQuery{})
	if err != nil {
		log.Fatal(err)
	}
	for _, j := range page.Jobs {
		fmt.Println(j.Name, j.State)
	}
	// Output: render order-1 queued
}
