// Package schedulerdb keeps the scheduler's jobs, attempts, nodes and sums in PostgreSQL or SQLite: it implements the port
// scheduler.Store.
//
//	store := schedulerdb.New(pool, schedulerdb.SQLite)
//	if err := store.Migrate(ctx); err != nil { ... }
//	s, err := scheduler.New(scheduler.Config{Store: store, Abilities: store.Abilities()})
//
// # Tables
//
//	fog_scheduler_jobs      one row a job; the first half is fixed at submission, the second is written anew with each version
//	fog_scheduler_attempts  one row a try of a slot; goes with its job; at most one of a slot's is ever valid (unique index)
//	fog_scheduler_waits     one row a job and what it comes after, until it is queued or over
//	fog_scheduler_schedules one row a schedule
//	fog_scheduler_events    one row a change, for a while; fog_scheduler_feed is the counter of their numbers
//	fog_scheduler_nodes     one row a node, following its device by the column source
//	fog_scheduler_tally     running sums a tenant and tier
//	fog_scheduler_counts    jobs in each state, a tenant, owner and tier
//	fog_scheduler_quotas    one row an owner with a share or bounds of its own
//
// Times are whole microseconds since 1970 in UTC, durations nanoseconds, prices token base units; nested values are JSON
// text. The steps of the schema stand in the folder migrations, one for each database, and are marked in the table
// fog_scheduler_migrations.
//
// # Transactions
//
// A commit of many changes is one transaction with one statement for each table: on PostgreSQL it takes all rows at once, as
// one array a column; on SQLite it is prepared once and run for each row, which is quicker there than any longer
// statement. A job's row is written where its version is still the expected one (compare and swap); attempts, facts and sums are
// written for those jobs only. Rows are locked in one order everywhere, so two servers cannot wait for each other in a ring:
// duty, jobs by identifier, attempts, facts, counts, sums.
//
// Sums and counts are the rows that everybody writes. Each is spread over several lanes; a transaction adds to the lane
// of its connection, and reading adds the lanes up. Transactions of callers (InsertTx), who may take their time, have lanes of
// their own.
package schedulerdb
