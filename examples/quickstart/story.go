package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"

	"github.com/fogcompute/fogcompute/fog"
	"github.com/fogcompute/fogcompute/fog/guest"
	"github.com/fogcompute/fogcompute/fog/scheduler"
)

// story is one batch of tiles on its way through the house.
type story struct {
	house   *fog.Fog
	tiles   []guest.Tile
	devices *crew
	jobs    []scheduler.JobID // of the tiles, in their order
	began   time.Time
	took    time.Duration // from the submission until the last tile was paid
	killed  string        // the device that was killed
}

// submit uploads the guest and sends one job a tile.
func (s *story) submit(ctx context.Context) error {
	batch := make([]scheduler.Submission, len(s.tiles))
	for i, tile := range s.tiles {
		batch[i] = scheduler.Submission{
			Key: fmt.Sprintf("tile-%d", i), Name: fmt.Sprintf("tile %d of %d", i+1, len(s.tiles)), Tier: scheduler.Gold,
			Demand:   scheduler.Demand{MilliCPU: 1000, MemoryMB: 64},
			Task:     scheduler.Task{Args: tile.Args(), Output: true}, // no module named: the guest of this repository
			Estimate: 2 * time.Second, MaxRuntime: time.Minute,
		}
	}
	answers, err := s.house.Submit(ctx, batch)
	if err != nil {
		return err
	}
	for _, answer := range answers {
		if answer.Err != nil {
			return answer.Err
		}
		s.jobs = append(s.jobs, answer.Job.ID)
	}
	return nil
}

// watch draws the progress until every job is over, and kills a device when
// half of them are.
func (s *story) watch(ctx context.Context) error {
	bar := progressbar.NewOptions(len(s.jobs), progressbar.OptionSetDescription("tiles"), progressbar.OptionShowCount(),
		progressbar.OptionSetWriter(os.Stdout), progressbar.OptionSetWidth(40), progressbar.OptionThrottle(time.Second/4),
		progressbar.OptionSetVisibility(terminal(os.Stdout)))
	ticker := time.NewTicker(time.Second / 4)
	defer ticker.Stop()
	for {
		over, err := s.over(ctx)
		if err != nil {
			return err
		}
		if err := bar.Set(over); err != nil {
			return err
		}
		if over >= len(s.jobs)/2 && s.killed == "" {
			s.killed = s.devices.kill()
			fmt.Printf("\n%d of %d tiles: device %s is killed (SIGKILL); what it held goes back to the queue\n", over, len(s.jobs), s.killed)
		}
		if over == len(s.jobs) {
			s.took = time.Since(s.began)
			fmt.Printf("\n%d of %d tiles: done, %v after the submission; now the same in this process, to compare\n",
				over, len(s.jobs), s.took.Round(time.Second/10))
			return nil
		}
		select {
		case <-ctx.Done():
			return s.stuck()
		case <-ticker.C:
		}
	}
}

// terminal says whether somebody watches: a progress bar in a file is noise.
func terminal(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// over counts the jobs that are paid or ended otherwise.
func (s *story) over(ctx context.Context) (int, error) {
	records, err := s.house.Scheduler.Records(ctx, s.jobs)
	if err != nil {
		return 0, err
	}
	over := 0
	for _, r := range records {
		if r.Job.State.Final() {
			over++
		}
	}
	return over, nil
}

// stuck says why the first unfinished job waits.
func (s *story) stuck() error {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	for _, id := range s.jobs {
		if why, err := s.house.Scheduler.Explain(ctx, id); err == nil && !why.State.Final() {
			return fmt.Errorf("out of time: job %s is %s: %+v", id, why.State, why.Reasons)
		}
	}
	return errors.New("out of time")
}
