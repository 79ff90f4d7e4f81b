package scheduler

import "context"

// queue is the planner of a policy: pods wait in the order of their arrival, and at each instant every one that fits is placed.
type queue struct {
	policy  policy
	replay  *replay // whose account says what is free
	waiting []int
	tried   int // so many of those that wait were tried since room came free
}

func (q *queue) submit(_ int64, pod int) error {
	q.waiting = append(q.waiting, pod)
	return nil
}

func (q *queue) end(int64, int) error {
	q.tried = 0
	return nil
}

// kill puts the pods of a host back, in the order of their arrival.
func (q *queue) kill(int64, int) error {
	r := q.replay
	q.waiting, q.tried = q.waiting[:0], 0
	for i := range r.trace.pods {
		if r.arrived[i] && !r.over[i] && r.at[i] == nil {
			q.waiting = append(q.waiting, i)
		}
	}
	return nil
}

func (q *queue) revive(int64, int) error {
	q.tried = 0
	return nil
}

func (q *queue) settle(context.Context, int64) ([]placement, error) {
	var placed []placement
	c := q.replay.cluster
	left := q.waiting[:q.tried]
	for _, i := range q.waiting[q.tried:] {
		p := &q.replay.trace.pods[i]
		n := q.policy(c, p)
		if n < 0 {
			left = append(left, i)
			continue
		}
		devices := c.devices(n, p)
		c.change(n, p, devices, -1)
		placed = append(placed, placement{pod: i, host: n, devices: devices})
	}
	q.waiting, q.tried = left, len(left)
	for i := range placed { // the replay books them itself
		c.give(placed[i].host, &q.replay.trace.pods[placed[i].pod], placed[i].devices)
	}
	return placed, nil
}
