package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"sync"
	"time"

	"github.com/fogcompute/fogcompute/bench/sample"
)

// durable measures what a job costs that is on the disk when its sender hears of it, in a whole house: stored, its
// funds held by the ledger, queued. Two figures come from one measurement.
type durable struct {
	database string // sqlite or postgres
	once     sync.Once
	cpu, p99 result
	err      error
}

const (
	durableRounds   = 5
	durableRequests = 2000 // in a round
)

func (d *durable) measure(ctx context.Context, b *bench) error {
	d.once.Do(func() { d.err = d.run(ctx, b) })
	return d.err
}

func (d *durable) run(ctx context.Context, b *bench) (err error) {
	dir, err := os.MkdirTemp("", "fogbench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	setup := houseSetup{DataDir: dir}
	if d.database == "postgres" {
		server, err := startPostgres(ctx)
		if err != nil {
			return err
		}
		defer func() { _ = server.stop() }() // its folder is temporary
		setup.DatabaseURL = server.url()
	}
	house, err := b.start(ctx, "house", setup)
	if err != nil {
		return err
	}
	defer stopAll(&err, house)
	crowd, err := gather(ctx, house.address, connections)
	if err != nil {
		return err
	}
	defer crowd.leave()
	if err := storeGuest(ctx, crowd); err != nil {
		return err
	}
	job := crowd.message("POST", "/api/scheduler/jobs", submission())
	creating := talk{
		request: func(int) []byte { return job },
		check: func(_, status int, body []byte) error {
			if err := expect(status, 200, body); err != nil {
				return err
			}
			return accepted(body)
		},
	}
	var cpu, p99 []float64
	for round := -1; round < durableRounds; round++ {
		before, err := house.usage()
		if err != nil {
			return err
		}
		took, err := crowd.run(ctx, durableRequests, creating)
		if err != nil {
			return err
		}
		after, err := house.usage()
		if err != nil {
			return err
		}
		if round >= 0 {
			cpu = append(cpu, sample.Micros(after.CPU-before.CPU)/durableRequests)
			p99 = append(p99, sample.Millis(sample.Percentile(took, 0.99)))
		}
	}
	d.cpu, d.p99 = result{Value: sample.Median(cpu), Unit: "us"}, result{Value: sample.Median(p99), Unit: "ms"}
	return d.check(house)
}

// check makes sure that every job was stored and paid for.
func (d *durable) check(house *child) error {
	const sent = (durableRounds + 1) * durableRequests
	var s state
	if err := house.ask("state", &s); err != nil {
		return err
	}
	if s.Jobs != sent || s.OpenHolds != sent {
		return fmt.Errorf("%d jobs and %d holds instead of %d", s.Jobs, s.OpenHolds, sent)
	}
	return nil
}

// fullChain is the latency of reading one job through everything that a request passes, on SQLite.
func fullChain(ctx context.Context, b *bench) (r result, err error) {
	const jobs, rounds, requests = 1000, 7, 4000
	dir, err := os.MkdirTemp("", "fogbench-")
	if err != nil {
		return r, err
	}
	defer os.RemoveAll(dir)
	house, err := b.start(ctx, "house", houseSetup{DataDir: dir})
	if err != nil {
		return r, err
	}
	defer stopAll(&err, house)
	crowd, err := gather(ctx, house.address, connections)
	if err != nil {
		return r, err
	}
	defer crowd.leave()
	ids, err := fillHouse(ctx, crowd, jobs)
	if err != nil {
		return r, err
	}
	reading := readJobs(crowd, ids)
	var p99, rate, cpu []float64
	for round := -1; round < rounds; round++ {
		before, err := house.usage()
		if err != nil {
			return r, err
		}
		began := time.Now()
		took, err := crowd.run(ctx, requests, reading)
		if err != nil {
			return r, err
		}
		wall := time.Since(began)
		after, err := house.usage()
		if err != nil {
			return r, err
		}
		if round >= 0 {
			p99 = append(p99, sample.Millis(sample.Percentile(took, 0.99)))
			rate = append(rate, requests/wall.Seconds())
			cpu = append(cpu, sample.Micros(after.CPU-before.CPU)/requests)
		}
	}
	return result{
		Value: sample.Median(p99), Unit: "ms",
		Note: fmt.Sprintf("at %s requests a second, %s us of CPU time each", sample.Number(sample.Median(rate)), sample.Number(sample.Median(cpu))),
	}, nil
}

// readJobs reads one of some jobs, drawn at random, each time. Of a hundredth of the answers the whole document is looked
// at: taking each one apart would cost as much as serving it.
func readJobs(crowd *crowd, ids []string) talk {
	messages, names := make([][]byte, len(ids)), make([][]byte, len(ids))
	for i, id := range ids {
		messages[i] = crowd.message("GET", "/api/scheduler/jobs/"+id, nil)
		names[i] = []byte(`"id":"` + id + `"`)
	}
	draw := rand.New(rand.NewPCG(1, 2)).Perm(len(ids))
	return talk{
		request: func(n int) []byte { return messages[draw[n%len(ids)]] },
		check: func(n, status int, body []byte) error {
			i := draw[n%len(ids)]
			if err := expect(status, 200, body); err != nil {
				return err
			}
			if !bytes.Contains(body, names[i]) || !bytes.HasSuffix(bytes.TrimSpace(body), []byte("}")) {
				return fmt.Errorf("not the job that was asked for: %.300s", body)
			}
			if n%100 != 0 {
				return nil
			}
			var job struct {
				ID, Name, State string
				Waiting         []any
			}
			if err := json.Unmarshal(body, &job); err != nil || job.ID != ids[i] || job.Name != "measured job" || len(job.Waiting) == 0 {
				return fmt.Errorf("not the job that was asked for: %.1000s", body)
			}
			return nil
		},
	}
}

// fillHouse submits jobs and returns their identifiers.
func fillHouse(ctx context.Context, crowd *crowd, jobs int) ([]string, error) {
	if err := storeGuest(ctx, crowd); err != nil {
		return nil, err
	}
	ids := make([]string, jobs)
	job := crowd.message("POST", "/api/scheduler/jobs", submission())
	_, err := crowd.run(ctx, jobs, talk{
		request: func(int) []byte { return job },
		check: func(n, status int, body []byte) error {
			if err := expect(status, 200, body); err != nil {
				return err
			}
			var reply struct{ JobID string }
			err := json.Unmarshal(body, &reply)
			ids[n] = reply.JobID
			return err
		},
	})
	return ids, err
}
