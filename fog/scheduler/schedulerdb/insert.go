package schedulerdb

import (
	"cmp"
	"context"
	"database/sql"
	"slices"
	"strings"

	"github.com/uptrace/bun"

	"github.com/fogcompute/fogcompute/fog/internal/db"
	"github.com/fogcompute/fogcompute/fog/internal/fault"
	"github.com/fogcompute/fogcompute/fog/scheduler"
)

// jobKey is what a client's idempotency key is unique for.
type jobKey struct{ tenant, owner, key string }

func keyOf(j *scheduler.Job) jobKey {
	return jobKey{clean(string(j.Tenant)), clean(string(j.Owner)), clean(j.Key)}
}

func compareKeys(a, b jobKey) int {
	return cmp.Or(cmp.Compare(a.tenant, b.tenant), cmp.Compare(a.owner, b.owner), cmp.Compare(a.key, b.key))
}

// Insert implements scheduler.Jobs. A job whose identifier is stored already, under no key or another one, fails the call
// with fault Conflict.
func (s *Store) Insert(ctx context.Context, jobs []scheduler.Insertion) ([]scheduler.Inserted, error) {
	if len(jobs) == 0 {
		return nil, nil
	}
	in, err := s.insertion(jobs)
	if err != nil {
		return nil, err
	}
	stmts, err := s.prepared.get(ctx, s.d.Dialect, s.writes)
	if err != nil {
		return nil, err
	}
	var done inserted
	err = db.Tx(ctx, s.d, func(ctx context.Context, tx bun.Tx) error {
		t := &transaction{Tx: tx.Tx, dialect: s.d.Dialect, stmts: stmts}
		done, err = in.run(ctx, t, tx)
		return err
	})
	if err != nil {
		return nil, failed("insert", err)
	}
	s.notify(done.facts)
	return done.jobs, nil
}

// InsertTx is Insert inside the caller's own transaction: the jobs exist if the caller commits, together with the caller's own
// rows. The store must be on the same database. Servers learn of the jobs by polling, because nobody tells them of the commit.
//
// On SQLite the transaction must be one that began immediately, or has written already; it keeps every other writer
// waiting until it ends, and every reader too unless the store has a pool for them (WithReader): whoever holds the transaction
// must not ask such a store anything else. On PostgreSQL jobs with an idempotency key wait for other open transactions with
// the same key.
func (s *Store) InsertTx(ctx context.Context, tx *sql.Tx, jobs []scheduler.Insertion) ([]scheduler.Inserted, error) {
	if len(jobs) == 0 {
		return nil, nil
	}
	in, err := s.insertion(jobs)
	if err != nil {
		return nil, err
	}
	t := &transaction{Tx: tx, dialect: s.d.Dialect}
	if s.d.Dialect == Postgres {
		t.lane = lanes
	}
	done, err := in.run(ctx, t, foreign{db: s.d.Write, tx: tx})
	return done.jobs, failed("insert", err)
}

// notify hints at facts that have been committed.
func (s *Store) notify(facts []scheduler.Fact) {
	if s.journal != nil {
		s.journal.NotifyFacts(facts)
	}
}

// foreign lends bun's queries to a transaction that bun did not begin. Of bun.IDB it has only what is used here: anything else
// would run outside the transaction, and panics instead.
type foreign struct {
	bun.IDB // nil
	db      *bun.DB
	tx      *sql.Tx
}

func (f foreign) NewInsert() *bun.InsertQuery { return f.db.NewInsert().Conn(f.tx) }

func (f foreign) NewSelect() *bun.SelectQuery { return f.db.NewSelect().Conn(f.tx) }

func (f foreign) NewRaw(query string, args ...any) *bun.RawQuery {
	return f.db.NewRaw(query, args...).Conn(f.tx)
}

// insertion is a call of Insert, ready to be run in a transaction.
type insertion struct {
	s    *Store
	jobs []scheduler.Insertion
	rows []row   // in the order of their keys, so that transactions wait for keys in one order
	rest [][]row // the further tasks of each job's array
}

// inserted is what a run of it did.
type inserted struct {
	jobs  []scheduler.Inserted
	facts []scheduler.Fact
}

// insertion makes the rows, outside of any transaction.
func (s *Store) insertion(jobs []scheduler.Insertion) (*insertion, error) {
	order := make([]int, len(jobs))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return compareKeys(keyOf(&jobs[a].Job), keyOf(&jobs[b].Job)) })
	rows := make([]row, 0, len(jobs))
	for _, at := range order {
		if jobs[at].Known {
			continue
		}
		r, err := insertedJob(&jobs[at].Job)
		if err != nil {
			return nil, fault.Wrap("schedulerdb.insert", err)
		}
		rows = append(rows, r)
	}
	rest := make([][]row, len(jobs))
	for i := range jobs {
		for k := range jobs[i].Rest {
			r, err := insertedJob(&jobs[i].Rest[k])
			if err != nil {
				return nil, fault.Wrap("schedulerdb.insert", err)
			}
			rest[i] = append(rest[i], r)
		}
	}
	return &insertion{s: s, jobs: jobs, rows: rows, rest: rest}, nil
}

// run inserts what is not stored under its key yet, and reads the rest.
func (in *insertion) run(ctx context.Context, t *transaction, tx bun.IDB) (inserted, error) {
	fresh, err := t.run(ctx, in.s.writes.insertJobs, in.rows)
	if err != nil {
		return inserted{}, err
	}
	done := inserted{jobs: make([]scheduler.Inserted, len(in.jobs))}
	sums := newSums()
	var known []jobKey
	var rest, waits, events []row
	for i := range in.jobs {
		one := &in.jobs[i]
		if _, ok := fresh[clean(string(one.Job.ID))]; !ok {
			known = append(known, keyOf(&one.Job))
			continue
		}
		done.jobs[i] = scheduler.Inserted{Job: one.Job, Fresh: true}
		done.facts = append(done.facts, one.Facts...)
		rest = append(rest, in.rest[i]...)
		sums.add(one.Job.Tenant, one.Tally)
		if one.News {
			events = append(events, eventRow(&one.Job, one.Job.Submitted))
		}
		for k := range 1 + len(one.Rest) {
			j := &one.Job
			if k > 0 {
				j = &one.Rest[k-1]
			}
			sums.count(j, string(j.State), 1)
			waits = append(waits, waitRows(j)...)
		}
	}
	if err := in.complete(ctx, t, rest, waits, events); err != nil {
		return inserted{}, err
	}
	if err := in.fill(ctx, tx, known, done.jobs); err != nil {
		return inserted{}, err
	}
	if err := in.s.appendFacts(ctx, tx, done.facts); err != nil {
		return inserted{}, err
	}
	return done, sums.save(ctx, t, in.s.writes)
}

// complete inserts the further tasks of arrays, what the new jobs wait for, and their events.
func (in *insertion) complete(ctx context.Context, t *transaction, rest, waits, events []row) error {
	tasks, err := t.run(ctx, in.s.writes.insertJobs, rest)
	if err != nil {
		return err
	}
	if len(tasks) < len(rest) {
		return fault.New(fault.Conflict, "schedulerdb.insert", "the identifier of an array's task exists already")
	}
	if _, err := t.run(ctx, in.s.writes.insertWaits, waits); err != nil {
		return err
	}
	_, err = t.run(ctx, in.s.writes.insertEvents, events)
	return err
}

// appendFacts writes facts, if there is a journal.
func (s *Store) appendFacts(ctx context.Context, tx bun.IDB, facts []scheduler.Fact) error {
	if s.journal == nil {
		return nil
	}
	return db.AppendFacts(ctx, tx, s.d.Dialect, s.now(), facts)
}

// fill reads the jobs that are stored under known keys into the answers that are not fresh.
func (in *insertion) fill(ctx context.Context, tx bun.IDB, known []jobKey, answers []scheduler.Inserted) error {
	if len(known) == 0 {
		return nil
	}
	values := make([]any, 0, 3*len(known))
	for _, k := range known {
		values = append(values, k.tenant, k.owner, k.key)
	}
	stored, err := in.s.jobs(ctx, tx.NewSelect().ColumnExpr(in.s.columns.job).
		Where("key <> '' AND (tenant, owner, key) IN (VALUES "+strings.Repeat(", (?, ?, ?)", len(known))[2:]+")", values...))
	if err != nil {
		return err
	}
	byKey := make(map[jobKey]scheduler.Job, len(stored))
	for _, j := range stored {
		byKey[keyOf(&j)] = j
	}
	for i := range answers {
		if answers[i].Fresh {
			continue
		}
		j, ok := byKey[keyOf(&in.jobs[i].Job)]
		if !ok && in.jobs[i].Known {
			continue
		}
		if !ok {
			return fault.Newf(fault.Conflict, "schedulerdb.insert", "job identifier %q exists already", in.jobs[i].Job.ID)
		}
		answers[i].Job = j
	}
	return nil
}
