package scheduler

import (
	"context"
	"maps"
	"slices"
	"sync"
)

// endings is what this process knows to have ended, or to be worth a look, and has not followed yet. All of it is a hint: a
// blocked job that nobody follows is looked at by its timer.
type endings struct {
	wake chan struct{} // capacity 1

	mu    sync.Mutex // guards what follows
	runs  int        // that follow
	ended map[JobID]bool
	asked map[JobID]bool // blocked jobs to be looked at
}

func newEndings() endings {
	return endings{wake: make(chan struct{}, 1), ended: make(map[JobID]bool), asked: make(map[JobID]bool)}
}

// note remembers a job that has just ended, and its array.
func (e *endings) note(j *Job) {
	e.add(e.ended, j.ID)
	if j.Array != "" && j.Array != j.ID {
		e.add(e.ended, j.Array)
	}
}

// ask remembers a blocked job that is worth a look.
func (e *endings) ask(id JobID) { e.add(e.asked, id) }

func (e *endings) add(to map[JobID]bool, id JobID) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.runs == 0 {
		return
	}
	to[id] = true
	select {
	case e.wake <- struct{}{}:
	default:
	}
}

// take hands everything over, in the order of the identifiers.
func (e *endings) take() (ended, asked []JobID) {
	e.mu.Lock()
	defer e.mu.Unlock()
	ended, asked = slices.Sorted(maps.Keys(e.ended)), slices.Sorted(maps.Keys(e.asked))
	clear(e.ended)
	clear(e.asked)
	return ended, asked
}

// following counts the Runs that follow.
func (e *endings) following(n int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.runs += n
}

// followPage is the number of names whose dependents are asked for at once.
const followPage = 4096

// follow looks at the jobs that wait for those that ended here, until ctx ends.
func (s *Scheduler) follow(ctx context.Context) {
	s.ends.following(1)
	defer s.ends.following(-1)
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.ends.wake:
		}
		ended, asked := s.ends.take()
		s.released(ctx, asked)
		for part := range slices.Chunk(ended, followPage) {
			waiting, err := s.cfg.Store.Waiting(ctx, part)
			if err != nil {
				if ctx.Err() == nil {
					s.cfg.Logger.Warn("the dependents of ended jobs could not be read", "error", err)
				}
				break
			}
			slices.Sort(waiting)
			s.released(ctx, waiting)
		}
	}
}
