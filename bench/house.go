package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"

	"github.com/fogcompute/fogcompute/fog"
	"github.com/fogcompute/fogcompute/fog/scheduler"
	"github.com/fogcompute/fogcompute/server"
)

// houseSetup says which house a child opens. The zero value is a whole house in memory.
type houseSetup struct {
	DataDir     string   // "" keeps everything in memory
	DatabaseURL string   // "" is SQLite in DataDir
	Leave       []string // engines that are left out
	Frame       int      // bytes that each metrics frame has on the wire; 0: what it has by itself
}

// schedulerOnly is the house of the comparisons with bare net/http: the scheduler in memory and nothing beside it, so
// that as little as possible of what is compared is the same on both sides.
func schedulerOnly() houseSetup {
	return houseSetup{Leave: []string{"tokenomics", "idle", "blob", "benchmark"}}
}

func (s houseSetup) open(ctx context.Context) (*fog.Fog, error) {
	return fog.Open(ctx, fog.Config{DataDir: s.DataDir, DatabaseURL: s.DatabaseURL, Leave: s.Leave})
}

// runHouse is a child that serves a house as fogd does: the same server, the same handler, the same access log, which
// goes to the null device.
func runHouse(ctx context.Context, text []byte) (*part, error) {
	var setup houseSetup
	if err := json.Unmarshal(text, &setup); err != nil {
		return nil, err
	}
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		return nil, err
	}
	house, err := setup.open(ctx)
	if err != nil {
		return nil, err
	}
	web, err := server.New(house, server.Config{Logger: slog.New(slog.NewJSONHandler(null, nil))})
	if err != nil {
		return nil, errors.Join(err, house.Close())
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, errors.Join(err, house.Close())
	}
	address := l.Addr().String()
	if setup.Frame > 0 {
		l = &padding{Listener: l, size: setup.Frame}
	}
	serving, stop := context.WithCancel(ctx)
	served := make(chan error, 1)
	go func() { served <- web.Serve(serving, l) }()
	return &part{
		address: address,
		answers: map[string]func(context.Context) (any, error){
			"state": func(ctx context.Context) (any, error) { return stateOf(ctx, house) },
			"audit": func(ctx context.Context) (any, error) { return struct{}{}, audit(ctx, house) },
		},
		end: func() error {
			stop()
			return errors.Join(<-served, house.Close())
		},
	}, nil
}

// state is how far a house is.
type state struct {
	Jobs      int64 // ever submitted
	Vested    int64
	OpenHolds int64 // of the ledger: jobs that are not settled
	NodesUp   int
}

func stateOf(ctx context.Context, house *fog.Fog) (state, error) {
	stats, err := house.Stats(ctx)
	return state{
		Jobs: stats.Scheduler.Total, Vested: stats.Scheduler.States[scheduler.Vested],
		OpenHolds: stats.Tokenomics.OpenHolds, NodesUp: stats.Scheduler.NodesUp,
	}, err
}

// audit checks the ledger: it adds up to zero, nothing is held, and what was paid is what the accepted work costs.
func audit(ctx context.Context, house *fog.Fog) error {
	if err := house.Tokenomics.Verify(ctx); err != nil {
		return err
	}
	stats, err := house.Stats(ctx)
	if err != nil {
		return err
	}
	ledger, spent := stats.Tokenomics, stats.Scheduler.Spent
	if ledger.Sum != 0 || ledger.Held != 0 || int64(ledger.Volume) != int64(spent) || spent == 0 {
		return fmt.Errorf("the ledger's sum is %d, %d are held, %d were paid and %d earned", ledger.Sum, ledger.Held, ledger.Volume, spent)
	}
	return nil
}
