package main

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"

	"github.com/fogcompute/fogcompute/bench/sample"
	"github.com/fogcompute/fogcompute/fog/guest"
)

const connections = 32 // of every load on a server

// contest compares the CPU time of one request between our server and bare net/http over the same memory-backed engine.
type contest struct {
	rounds   int // of each side, interleaved
	requests int // in a round
	status   int // of every answer
	before   int // jobs that both houses have
	creates  bool
	request  func(c *crowd) []byte
	judge    func(body []byte) error             // of one answer, beyond its status; nil: none
	alike    func(ours, bare map[string]any) any // nil if the two documents say the same, else what differs
}

func healthContest() contest {
	return contest{
		rounds: 21, requests: 3000, status: 200,
		request: func(c *crowd) []byte { return c.message("GET", "/health", nil) },
		alike:   same,
	}
}

func listContest() contest {
	return contest{
		rounds: 21, requests: 800, status: 200, before: 1000,
		request: func(c *crowd) []byte { return c.message("GET", "/api/scheduler/jobs?limit=100", nil) },
		alike: func(ours, bare map[string]any) any {
			for _, list := range []map[string]any{ours, bare} {
				delete(list, "next")
				jobs, _ := list["jobs"].([]any)
				if len(jobs) != 100 {
					return fmt.Sprintf("%d jobs instead of 100", len(jobs))
				}
				for _, job := range jobs {
					for _, drawn := range []string{"id", "submitted"} { // each house has its own
						job.(map[string]any)[drawn] = ""
					}
				}
			}
			return same(ours, bare)
		},
	}
}

func createContest() contest {
	return contest{
		rounds: 21, requests: 1000, status: 200, creates: true,
		request: func(c *crowd) []byte { return c.message("POST", "/api/scheduler/jobs", submission()) },
		judge:   accepted,
		alike: func(ours, bare map[string]any) any {
			for _, drawn := range []string{"jobId", "estimatedStartTime"} {
				ours[drawn], bare[drawn] = "", ""
			}
			return same(ours, bare)
		},
	}
}

// submission is the body of a job as clients send it. Nobody runs it.
func submission() []byte {
	text, err := json.Marshal(map[string]any{
		"name": "measured job", "sla_tier": "gold", "cpu_required": 0.5, "memory_required": 0.25, "duration_estimate": 2,
		"data_size_mb": 10, "module": guest.Digest(), "args": guest.Whole(256, 256).Args(),
	})
	if err != nil {
		panic(err) // a map of plain values
	}
	return text
}

// accepted judges the answer to a submission.
func accepted(body []byte) error {
	var reply struct {
		Success bool
		JobID   string
	}
	if err := json.Unmarshal(body, &reply); err != nil || !reply.Success || reply.JobID == "" {
		return fmt.Errorf("a job was not accepted: %.300s", body)
	}
	return nil
}

// same compares two documents.
func same(ours, bare map[string]any) any {
	delete(ours, "$schema")
	if reflect.DeepEqual(ours, bare) {
		return nil
	}
	return fmt.Sprintf("%v\nand\n%v", ours, bare)
}

// side is one of the two servers.
type side struct {
	child *child
	crowd *crowd
	talk  talk
}

// run holds the contest.
func (k contest) run(ctx context.Context, b *bench) (r result, err error) {
	ours, err := k.enter(ctx, b, "house")
	defer func() { ours.leave(&err) }()
	if err != nil {
		return r, err
	}
	bare, err := k.enter(ctx, b, "bare")
	defer func() { bare.leave(&err) }()
	if err != nil {
		return r, err
	}
	if err := k.compare(ctx, ours, bare); err != nil {
		return r, err
	}
	var our, their, ratios []float64
	for round := -1; round < k.rounds; round++ {
		pair := [2]*side{ours, bare}
		if round%2 == 0 {
			pair = [2]*side{bare, ours}
		}
		spent := map[*side]float64{}
		for _, s := range pair {
			if spent[s], err = s.round(ctx, k.requests); err != nil {
				return r, err
			}
		}
		if round >= 0 { // the first is for warming up
			our, their, ratios = append(our, spent[ours]), append(their, spent[bare]), append(ratios, spent[ours]/spent[bare])
		}
	}
	if err := k.count(ctx, ours, bare); err != nil {
		return r, err
	}
	return result{
		Value: sample.Median(our), Unit: "us", Peer: "net/http", PeerValue: sample.Median(their), Ratio: sample.Median(ratios),
		Note: fmt.Sprintf("ratios from %s to %s in %d rounds", sample.Number(sample.Least(ratios)), sample.Number(sample.Most(ratios)), k.rounds),
	}, nil
}

// enter starts one side and fills its house.
func (k contest) enter(ctx context.Context, b *bench, role string) (*side, error) {
	s := &side{}
	var err error
	if s.child, err = b.start(ctx, role, schedulerOnly()); err != nil {
		return s, err
	}
	if s.crowd, err = gather(ctx, s.child.address, connections); err != nil {
		return s, err
	}
	message := k.request(s.crowd)
	s.talk = talk{
		request: func(int) []byte { return message },
		check: func(_, status int, body []byte) error {
			if err := expect(status, k.status, body); err != nil || k.judge == nil {
				return err
			}
			return k.judge(body)
		},
	}
	if k.before == 0 {
		return s, nil
	}
	job := s.crowd.message("POST", "/api/scheduler/jobs", submission())
	_, err = s.crowd.run(ctx, k.before, talk{
		request: func(int) []byte { return job },
		check:   func(_, status int, body []byte) error { return expect(status, 200, body) },
	})
	return s, err
}

func (s *side) leave(err *error) {
	s.crowd.leave()
	stopAll(err, s.child)
}

// compare asks both sides the same and expects the same.
func (k contest) compare(ctx context.Context, ours, bare *side) error {
	var documents [2]map[string]any
	for i, s := range []*side{ours, bare} {
		body, err := s.crowd.once(ctx, s.talk.request(0), k.status)
		if err != nil {
			return err
		}
		if err := json.Unmarshal(body, &documents[i]); err != nil {
			return err
		}
	}
	if what := k.alike(documents[0], documents[1]); what != nil {
		return fmt.Errorf("the two sides do not do the same work: %v", what)
	}
	return nil
}

// round is the CPU time in microseconds that a request cost the server.
func (s *side) round(ctx context.Context, requests int) (float64, error) {
	before, err := s.child.usage()
	if err != nil {
		return 0, err
	}
	if _, err := s.crowd.run(ctx, requests, s.talk); err != nil {
		return 0, err
	}
	after, err := s.child.usage()
	return sample.Micros(after.CPU-before.CPU) / float64(requests), err
}

// count checks that both houses hold what was sent to them.
func (k contest) count(ctx context.Context, sides ...*side) error {
	want := k.before
	if k.creates {
		want += (k.rounds+1)*k.requests + 1
	}
	for _, s := range sides {
		body, err := s.crowd.once(ctx, s.crowd.message("GET", "/api/scheduler/jobs?limit=1", nil), 200)
		if err != nil {
			return err
		}
		var list struct{ Total int }
		if err := json.Unmarshal(body, &list); err != nil {
			return err
		}
		if list.Total != want {
			return fmt.Errorf("%d jobs are stored instead of %d", list.Total, want)
		}
	}
	return nil
}
