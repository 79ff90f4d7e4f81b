package scheduler

import (
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"time"

	_ "modernc.org/sqlite" // the durable store's

	"github.com/fogcompute/fogcompute/bench/sample"
	"github.com/fogcompute/fogcompute/fog/scheduler"
	"github.com/fogcompute/fogcompute/fog/scheduler/schedulerdb"
)

// throughputFigures are the figures of the scheduler's own speed.
func throughputFigures(s *Setting) []Figure {
	memory := func(context.Context) (scheduler.Store, scheduler.Abilities, func() error, error) {
		return scheduler.NewMemory(nil, nil), scheduler.Abilities{}, func() error { return nil }, nil
	}
	singles := mix{clients: 64, jobs: 1000, store: memory}
	arrays := mix{clients: 10, jobs: 10, tasks: 100, store: memory}
	durable := mix{clients: 64, jobs: 1000, store: sqlite}
	rate := func(m mix) func(context.Context) (Result, error) {
		return func(ctx context.Context) (Result, error) { return m.rate(ctx, s) }
	}
	return []Figure{
		{"throughput/submit_place_per_cpu_s", ">", 17_000, rate(singles)},
		{"throughput/submit_place_per_cpu_s_arrays", ">", 65_000, rate(arrays)},
		{"throughput/submit_place_per_cpu_s_durable", ">", 3400, rate(durable)},
		{"throughput/c2m", "<", 240, millions},
		{"place/first_p99_ms", "<", 5, func(ctx context.Context) (Result, error) { return firstPlacement(ctx, s) }},
	}
}

// mix is what is submitted in a round, to a scheduler that is new in each round.
type mix struct {
	clients, jobs int
	tasks         int // of each job; 0 is a single job
	store         func(context.Context) (scheduler.Store, scheduler.Abilities, func() error, error)
}

// rate is how many placements a second of CPU time brings, from the first submission to the last placement, on 200 nodes. The search
// for better plans is off: it takes what time it is given.
func (m mix) rate(ctx context.Context, s *Setting) (Result, error) {
	var rates, walls []float64
	for round := -1; round < s.rounds(21); round++ {
		rate, wall, err := m.round(ctx)
		if err != nil {
			return Result{}, err
		}
		if round >= 0 {
			rates, walls = append(rates, rate), append(walls, wall)
		}
	}
	return Result{Value: sample.Median(rates), Unit: "tasks/s", Note: fmt.Sprintf("from %s to %s in %d rounds of %d tasks; %s a second on the clock",
		sample.Number(sample.Least(rates)), sample.Number(sample.Most(rates)), len(rates), m.jobs*max(1, m.tasks), sample.Number(sample.Median(walls)))}, nil
}

func (m mix) round(ctx context.Context) (rate, wall float64, err error) {
	store, abilities, done, err := m.store(ctx)
	if err != nil {
		return 0, 0, err
	}
	defer func() {
		if ended := done(); err == nil {
			err = ended
		}
	}()
	site, err := newSite(ctx, store, abilities, scheduler.Params{RoundBudget: -time.Second}, machines(200))
	if err != nil {
		return 0, 0, err
	}
	defer func() {
		if stopped := site.leave(); err == nil {
			err = stopped
		}
	}()
	submissions := make([]scheduler.Submission, m.jobs)
	for i := range submissions {
		submissions[i] = scheduler.Submission{
			Name: fmt.Sprint("job ", i), Count: m.tasks, Demand: scheduler.Demand{MilliCPU: int64(100 + i%5*100), MemoryMB: int64(128 + i%3*128)},
		}
	}
	want := m.jobs * max(1, m.tasks)
	runtime.GC()
	began, before := time.Now(), cpu()
	if err := site.submit(ctx, m.clients, submissions); err != nil {
		return 0, 0, err
	}
	if err := site.store.until(ctx, want); err != nil {
		return 0, 0, err
	}
	took := cpu() - before
	wall = float64(want) / time.Since(began).Seconds()
	return float64(want) / took.Seconds(), wall, site.check(ctx, want)
}

// sqlite is a durable store: every commit is on the disk before it is answered.
func sqlite(ctx context.Context) (scheduler.Store, scheduler.Abilities, func() error, error) {
	dir, err := os.MkdirTemp("", "fogbench-")
	if err != nil {
		return nil, scheduler.Abilities{}, nil, err
	}
	pool, err := sql.Open("sqlite", "file:"+filepath.Join(dir, "jobs.db")+"?_txlock=immediate&_pragma=foreign_keys(1)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)")
	if err != nil {
		return nil, scheduler.Abilities{}, nil, err
	}
	pool.SetMaxOpenConns(1)
	store := schedulerdb.New(pool, schedulerdb.SQLite)
	done := func() error {
		defer os.RemoveAll(dir)
		return pool.Close()
	}
	return store, store.Abilities(), done, store.Migrate(ctx)
}

// The two million containers of HashiCorp's C2M.
const (
	millionTasks = 2_000_000
	millionArray = 10_000
	millionNodes = 6100
)

// millions is how many seconds it takes from the first submission of two million tasks to the last placement.
func millions(ctx context.Context) (r Result, err error) {
	site, err := newSite(ctx, scheduler.NewMemory(nil, nil), scheduler.Abilities{}, scheduler.Params{RoundBudget: -time.Second}, alike(millionNodes))
	if err != nil {
		return r, err
	}
	defer func() {
		if stopped := site.leave(); err == nil {
			err = stopped
		}
		runtime.GC()
	}()
	submissions := make([]scheduler.Submission, millionTasks/millionArray)
	for i := range submissions {
		submissions[i] = scheduler.Submission{
			Name: fmt.Sprint("array ", i), Count: millionArray, Demand: scheduler.Demand{MilliCPU: 100, MemoryMB: 128},
		}
	}
	began, before := time.Now(), cpu()
	if err := site.submit(ctx, 2, submissions); err != nil {
		return r, err
	}
	submitted := time.Since(began)
	if err := site.store.until(ctx, millionTasks); err != nil {
		return r, err
	}
	took, spent := time.Since(began), cpu()-before
	var memory runtime.MemStats
	runtime.ReadMemStats(&memory)
	r = Result{Value: took.Seconds(), Unit: "s", Note: fmt.Sprintf("%s s of CPU time; all submitted after %s s; %s placements a second; %s GB of heap",
		sample.Number(spent.Seconds()), sample.Number(submitted.Seconds()), sample.Number(millionTasks/took.Seconds()), sample.Number(float64(memory.HeapInuse)/1e9))}
	return r, site.check(ctx, millionTasks)
}

// The queue before which a new job is placed.
const (
	queued     = 1000
	firsts     = 400 // jobs whose placement is timed, in a round
	betweenMax = 8 * time.Millisecond
	roundMost  = 30 * time.Second // fewer jobs are timed where they wait for long
)

// firstPlacement is the 99th percentile of the time from the call of Submit to the placement of a job, while 1,000 others wait for room that
// does not come and the planner searches for better plans as it always does.
func firstPlacement(ctx context.Context, s *Setting) (Result, error) {
	var p99s, medians []float64
	for round := -1; round < s.rounds(5); round++ {
		took, err := firstRound(ctx, uint64(round+1))
		if err != nil {
			return Result{}, err
		}
		if round >= 0 {
			p99s = append(p99s, sample.Millis(sample.Percentile(took, 0.99)))
			medians = append(medians, sample.Millis(sample.Percentile(took, 0.5)))
		}
	}
	return Result{Value: sample.Median(p99s), Unit: "ms", Note: fmt.Sprintf("median %s ms", sample.Number(sample.Median(medians)))}, nil
}

func firstRound(ctx context.Context, seed uint64) (took []time.Duration, err error) {
	site, err := newSite(ctx, scheduler.NewMemory(nil, nil), scheduler.Abilities{}, scheduler.Params{}, alike(200))
	if err != nil {
		return nil, err
	}
	defer func() {
		if stopped := site.leave(); err == nil {
			err = stopped
		}
	}()
	var jobs []scheduler.Submission
	large := scheduler.Demand{MilliCPU: 40_000, MemoryMB: 256} // a node has room for one
	for i := range 200 {
		jobs = append(jobs, scheduler.Submission{Name: fmt.Sprint("resident ", i), Demand: large})
	}
	if err := site.submit(ctx, 1, jobs); err != nil {
		return nil, err
	}
	if err := site.store.until(ctx, len(jobs)); err != nil {
		return nil, err
	}
	jobs = jobs[:0]
	for i := range queued {
		jobs = append(jobs, scheduler.Submission{Name: fmt.Sprint("queued ", i), Demand: large})
	}
	if err := site.submit(ctx, 16, jobs); err != nil {
		return nil, err
	}
	placed := site.store.count()
	site.store.note()
	random := rand.New(rand.NewPCG(seed, 6))
	for start := time.Now(); len(took) < firsts && time.Since(start) < roundMost; {
		time.Sleep(time.Duration(random.Int64N(int64(betweenMax))))
		began := time.Now()
		answers, err := site.engine.Submit(ctx, []scheduler.Submission{{Name: fmt.Sprint("first ", len(took)), Demand: scheduler.Demand{MilliCPU: 10, MemoryMB: 16}}})
		if err != nil {
			return nil, err
		}
		if err := site.store.until(ctx, placed+len(took)+1); err != nil {
			return nil, err
		}
		at, ok := site.store.at(answers[0].Job.ID)
		if !ok {
			return nil, fmt.Errorf("another job than the new one was placed")
		}
		took = append(took, at.Sub(began))
	}
	return took, site.check(ctx, placed+len(took))
}
