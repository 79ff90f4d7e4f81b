package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/png"
	"io"
	"os"
	"sync"
	"text/tabwriter"
	"time"

	"github.com/fogcompute/fogcompute/fog/blob"
	"github.com/fogcompute/fogcompute/fog/guest"
	"github.com/fogcompute/fogcompute/fog/idle"
	"github.com/fogcompute/fogcompute/fog/scheduler"
	"github.com/fogcompute/fogcompute/fog/tokenomics"
)

// earned is what one device did and got.
type earned struct {
	jobs    int
	seconds float64
	tokens  tokenomics.Amount
}

// report writes the picture, prints who did what, and checks every claim.
func (s *story) report(ctx context.Context, picture guest.Tile, out string) error {
	records, err := s.house.Scheduler.Records(ctx, s.jobs)
	if err != nil {
		return err
	}
	byID := map[scheduler.JobID]scheduler.Record{}
	for _, r := range records {
		byID[r.Job.ID] = r
	}
	canvas := image.NewGray(image.Rect(0, 0, picture.Width, picture.Height))
	native := render(s.tiles)
	done, equal := 0, 0
	for i, id := range s.jobs {
		got, err := s.tile(ctx, byID[id].Job)
		if err != nil {
			fmt.Printf("tile %d: %v\n", i+1, err)
			continue
		}
		done++
		if bytes.Equal(got, native[i]) {
			equal++
		}
		draw(canvas, s.tiles[i], got)
	}
	if err := write(out, canvas); err != nil {
		return err
	}
	paid, err := s.payments(ctx, byID)
	if err != nil {
		return err
	}
	s.table(paid)
	fmt.Printf("\n%s written\n\n", out)
	return s.check(ctx, done, equal, paid, byID)
}

// render computes every tile in this process, without any sandbox.
func render(tiles []guest.Tile) [][]byte {
	pictures := make([][]byte, len(tiles))
	var group sync.WaitGroup
	for i := range tiles {
		group.Go(func() { pictures[i], _ = tiles[i].Render() })
	}
	group.Wait()
	return pictures
}

// tile reads the file that a job left.
func (s *story) tile(ctx context.Context, job scheduler.Job) ([]byte, error) {
	if job.State != scheduler.Vested || job.Result == nil {
		return nil, fmt.Errorf("the job is %s: %s", job.State, job.Reason)
	}
	for _, output := range job.Result.Outputs {
		if output.Path != guest.Output {
			continue
		}
		content, _, err := s.house.Blob.Get(ctx, blob.Digest(output.SHA256))
		if err != nil {
			return nil, err
		}
		defer content.Close()
		return io.ReadAll(content)
	}
	return nil, errors.New("the job left no picture")
}

// draw copies a tile's points, which stand behind its three-line header, into the picture.
func draw(canvas *image.Gray, tile guest.Tile, pgm []byte) {
	if len(pgm) < tile.W*tile.H {
		return
	}
	points := pgm[len(pgm)-tile.W*tile.H:]
	for y := range tile.H {
		copy(canvas.Pix[canvas.PixOffset(tile.X, tile.Y+y):], points[y*tile.W:(y+1)*tile.W])
	}
}

func write(name string, picture image.Image) error {
	file, err := os.Create(name)
	if err != nil {
		return err
	}
	return errors.Join(png.Encode(file, picture), file.Close())
}

// payments waits until the ledger has settled every job and collects what each
// device got; a slot that was paid twice, or not at all, is an error.
func (s *story) payments(ctx context.Context, jobs map[scheduler.JobID]scheduler.Record) (map[idle.DeviceID]earned, error) {
	ticker := time.NewTicker(100 * time.Millisecond)
	defer ticker.Stop()
	for {
		stats, err := s.house.Tokenomics.Stats(ctx)
		if err != nil {
			return nil, err
		}
		if stats.OpenHolds == 0 {
			break
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("out of time: %d jobs are not settled", stats.OpenHolds)
		case <-ticker.C:
		}
	}
	paid := map[idle.DeviceID]earned{}
	for id := range jobs {
		page, err := s.house.Idle.Contributions(ctx, idle.ContributionQuery{Job: string(id)})
		if err != nil {
			return nil, err
		}
		for _, c := range page.Contributions {
			sum := paid[c.Device]
			paid[c.Device] = earned{sum.jobs + 1, sum.seconds + c.CPUSeconds, sum.tokens + tokenomics.Amount(c.Amount)}
		}
	}
	return paid, nil
}

func (s *story) table(paid map[idle.DeviceID]earned) {
	w := tabwriter.NewWriter(os.Stdout, 0, 4, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(w, "\ndevice\tjobs\tCPU seconds\tFOG\t\n")
	for _, d := range s.devices.devices {
		e := paid[idle.DeviceID(d.id)]
		note := ""
		if d.id == s.killed {
			note = " (killed)"
		}
		fmt.Fprintf(w, "%s\t%d\t%.1f\t%s\t%s\n", d.id, e.jobs, e.seconds, e.tokens, note)
	}
	_ = w.Flush() // standard output
}

// check prints each claim with its verdict and fails if one does not hold.
func (s *story) check(ctx context.Context, done, equal int, paid map[idle.DeviceID]earned, jobs map[scheduler.JobID]scheduler.Record) error {
	var slots int
	var price, got tokenomics.Amount
	for _, e := range paid {
		slots += e.jobs
		got += e.tokens
	}
	for _, r := range jobs {
		price += tokenomics.Amount(r.Job.Quote)
	}
	balances, err := s.balances(ctx)
	if err != nil {
		return err
	}
	verify := s.house.Tokenomics.Verify(ctx)
	claims := []struct {
		text string
		ok   bool
	}{
		{fmt.Sprintf("every tile done: %d of %d", done, len(s.jobs)), done == len(s.jobs)},
		{fmt.Sprintf("picture equal to a native rendering: %d of %d tiles", equal, len(s.jobs)), equal == len(s.jobs)},
		{fmt.Sprintf("a device was killed half way: %s", s.killed), s.killed != ""},
		{fmt.Sprintf("every slot paid once: %d slots, %s FOG of %s quoted, %s on the devices' accounts", slots, got, price, balances),
			slots == len(s.jobs) && got == price && balances == price},
		{"ledger sum zero", verify == nil},
	}
	failed := 0
	for _, c := range claims {
		mark := "ok  "
		if !c.ok {
			mark = "FAIL"
			failed++
		}
		fmt.Println(mark, c.text)
	}
	if failed > 0 {
		return errors.Join(fmt.Errorf("%d of %d checks failed", failed, len(claims)), verify)
	}
	return nil
}

// balances sums what the devices' accounts hold.
func (s *story) balances(ctx context.Context) (tokenomics.Amount, error) {
	var sum tokenomics.Amount
	for _, d := range s.devices.devices {
		balance, err := s.house.Tokenomics.Balance(ctx, tokenomics.Account("device:"+d.id))
		if err != nil {
			return 0, err
		}
		sum += balance.Available
	}
	return sum, nil
}
