// Quickstart is the main job of the platform, whole: it opens a house on
// embedded defaults, serves it on loopback, starts three devices as processes,
// renders a fractal as WebAssembly jobs on them, kills one device half way,
// and checks everything it claims. It exits 0 only if all checks hold.
//
//	go run ./examples/quickstart -out fractal.png
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"time"

	"github.com/fogcompute/fogcompute/fog"
	"github.com/fogcompute/fogcompute/fog/guest"
	"github.com/fogcompute/fogcompute/fog/idle"
	"github.com/fogcompute/fogcompute/fog/idle/worker"
	"github.com/fogcompute/fogcompute/fog/scheduler"
	"github.com/fogcompute/fogcompute/server"
)

const (
	side    = 3072 // points of the picture's edge
	columns = 8    // 8 x 8 tiles: 64 jobs
	patient = 3 * time.Minute
)

func main() {
	worker.Main()
	out := flag.String("out", "fractal.png", "file for the picture")
	asDevice := flag.String("device", "", "used by the program itself: run as this device")
	url := flag.String("server", "", "used by the program itself: the house's address")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	var err error
	if *asDevice != "" {
		err = runDevice(ctx, *asDevice, *url)
	} else {
		err = run(ctx, *out)
	}
	if err != nil && !errors.Is(err, context.Canceled) {
		fmt.Fprintln(os.Stderr, "quickstart:", err)
		os.Exit(1)
	}
}

// run plays the whole story.
func run(ctx context.Context, out string) (err error) {
	ctx, cancel := context.WithTimeout(ctx, patient)
	defer cancel()
	dir, err := os.MkdirTemp("", "quickstart-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	house, err := fog.Open(ctx, fog.Config{
		DataDir:   dir,
		Idle:      idle.Config{Interval: time.Second, Presence: 3 * time.Second},
		Scheduler: scheduler.Config{Lease: 10 * time.Second, PickUp: 5 * time.Second},
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, house.Close()) }()
	url, stopServing, err := serve(ctx, house)
	if err != nil {
		return err
	}
	defer stopServing()
	fmt.Printf("the house is open: %s (look at it while it works)\n", url)

	devices, err := startDevices(ctx, dir, url)
	if err != nil {
		return err
	}
	defer devices.stop()
	picture := guest.Tile{Width: side, Height: side, W: side, H: side, MaxIter: 20_000, CX: -0.7436447860, CY: 0.1318252536, Scale: 0.00006}
	story := &story{house: house, tiles: picture.Split(columns, columns), devices: devices, began: time.Now()}
	if err := story.submit(ctx); err != nil {
		return err
	}
	if err := story.watch(ctx); err != nil {
		return err
	}
	return story.report(ctx, picture, out)
}

// serve answers on a free loopback port until the returned function is called.
func serve(ctx context.Context, house *fog.Fog) (url string, stop func(), err error) {
	s, err := server.New(house, server.Config{})
	if err != nil {
		return "", nil, err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() { done <- s.Serve(ctx, listener) }()
	return "http://" + listener.Addr().String(), func() {
		cancel()
		if err := <-done; err != nil && !errors.Is(err, http.ErrServerClosed) {
			fmt.Fprintln(os.Stderr, "quickstart: serving:", err)
		}
	}, nil
}
