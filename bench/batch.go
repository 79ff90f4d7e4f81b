package main

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"time"
)

// look is how often a batch is looked at, and so how exactly its end is known.
const look = 25 * time.Millisecond

// batch is jobs that are posted over REST, one request each, and all have to come back with the right result.
type batch struct {
	clients int // that post the jobs
	jobs    []wish
	ids     []string // by the server, in the order of jobs
}

// wish is one job: what is asked and what has to come out.
type wish struct {
	body   map[string]any
	stdout string
}

// outcome is what came out.
type outcome struct {
	wall time.Duration // from the first POST until every job had vested and was settled
	cpu  float64       // seconds of CPU time that the guests took, as measured by their workers
	busy float64       // seconds that they took on the clock
}

// run posts a batch, waits until the house owes nobody anything, and checks every result.
func (b *batch) run(ctx context.Context, f *fleet, done int64) (o outcome, err error) {
	crowd, err := gather(ctx, f.house.address, b.clients)
	if err != nil {
		return o, err
	}
	defer crowd.leave()
	b.ids = make([]string, len(b.jobs))
	messages := make([][]byte, len(b.jobs))
	for i, job := range b.jobs {
		text, err := json.Marshal(job.body)
		if err != nil {
			return o, err
		}
		messages[i] = crowd.message("POST", "/api/scheduler/jobs", text)
	}
	began := time.Now()
	_, err = crowd.run(ctx, len(messages), talk{
		request: func(n int) []byte { return messages[n] },
		check: func(n, status int, body []byte) error {
			if err := expect(status, 200, body); err != nil {
				return err
			}
			var reply struct{ JobID string }
			err := json.Unmarshal(body, &reply)
			b.ids[n] = reply.JobID
			return err
		},
	})
	if err != nil {
		return o, err
	}
	all := done + int64(len(b.jobs))
	if err := f.until(ctx, func(s *state) bool { return s.Vested == all && s.OpenHolds == 0 }); err != nil {
		return o, err
	}
	o.wall = time.Since(began)
	return o, b.check(ctx, f, &o)
}

// check reads every job back and compares its result, adds up what the guests took, and then checks the ledger.
func (b *batch) check(ctx context.Context, f *fleet, o *outcome) error {
	crowd, err := gather(ctx, f.house.address, b.clients) // the server has hung up on clients that said nothing for so long
	if err != nil {
		return err
	}
	defer crowd.leave()
	cpu, busy := make([]float64, len(b.jobs)), make([]float64, len(b.jobs))
	_, err = crowd.run(ctx, len(b.jobs), talk{
		request: func(n int) []byte { return crowd.message("GET", "/api/scheduler/jobs/"+b.ids[n], nil) },
		check: func(n, status int, body []byte) error {
			if err := expect(status, 200, body); err != nil {
				return err
			}
			var job struct {
				State  string
				Result struct {
					ExitCode                int
					Stdout                  string
					CPUSeconds, WallSeconds float64
				}
			}
			if err := json.Unmarshal(body, &job); err != nil {
				return err
			}
			want := base64.StdEncoding.EncodeToString([]byte(b.jobs[n].stdout))
			if job.State != "vested" || job.Result.ExitCode != 0 || job.Result.Stdout != want {
				return fmt.Errorf("job %d came out wrong: %.1000s", n, body)
			}
			cpu[n], busy[n] = job.Result.CPUSeconds, job.Result.WallSeconds
			return nil
		},
	})
	if err != nil {
		return err
	}
	for i := range b.jobs {
		o.cpu += cpu[i]
		o.busy += busy[i]
	}
	return f.house.ask("audit", &struct{}{})
}
