package main

import (
	"context"
	"strconv"
	"sync"
	"time"

	"github.com/fogcompute/fogcompute/fog/scheduler"
)

// device plays a node until ctx ends: it fetches what is placed on it and takes as long as a node of its speed would. Its programs
// are shorter than a lease, so it need not claim in between to keep them.
func device(ctx context.Context, s *scheduler.Scheduler, n scheduler.Node) {
	var working sync.WaitGroup
	defer working.Wait()
	for s.Wait(ctx, n.ID) == nil {
		grants, err := s.Claim(ctx, []scheduler.Claim{{Node: n.ID, Take: 16}})
		if ctx.Err() != nil {
			return
		}
		check(err)
		for _, offer := range grants[0].Offers {
			working.Go(func() { play(ctx, s, n, offer) })
		}
	}
}

// play plays one attempt.
func play(ctx context.Context, s *scheduler.Scheduler, n scheduler.Node, offer scheduler.Offer) {
	exit, err := strconv.Atoi(offer.Task.Args[1])
	check(err)
	took, err := time.ParseDuration(offer.Task.Args[0])
	check(err)
	took = time.Duration(float64(took) / n.Speed)
	select {
	case <-ctx.Done():
		return
	case <-time.After(took):
	}
	verdicts, err := s.Report(ctx, []scheduler.Report{{Attempt: offer.Attempt, Token: offer.Token, Node: n.ID, Result: &scheduler.Result{
		ExitCode: exit, Stdout: []byte(offer.Name + " is done\n"), WallSeconds: took.Seconds()}}})
	check(err)
	check(verdicts[0].Err)
}
