package main

import (
	"context"
	"encoding/json"
	"path/filepath"
	"strconv"

	"github.com/fogcompute/fogcompute/fog/idle"
	"github.com/fogcompute/fogcompute/fog/idle/agent"
)

// deviceSetup says what a device lends.
type deviceSetup struct {
	Server     string // URL
	ID         string
	DataDir    string
	MilliCPU   int64
	MemoryMB   int64
	Held, Runs int  // attempts held at once, and of these run
	Foreground bool // guests run at normal priority: the device is there for nothing else
}

// runDevice is a child that runs jobs: the agent that every device runs, under a policy that is always fulfilled. Its guests
// run in worker processes, which are this program once more.
func runDevice(ctx context.Context, text []byte) (*part, error) {
	var setup deviceSetup
	if err := json.Unmarshal(text, &setup); err != nil {
		return nil, err
	}
	a, err := agent.New(agent.Config{
		Server: setup.Server, ID: setup.ID, DataDir: setup.DataDir, Policy: &idle.Policy{},
		Capacity: agent.Capacity{MilliCPU: setup.MilliCPU, MemoryMB: setup.MemoryMB},
		MaxHeld:  setup.Held, MaxRuns: setup.Runs, Foreground: setup.Foreground,
	})
	if err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- a.Run(ctx) }()
	return &part{end: func() error {
		stop()
		return <-ended
	}}, nil
}

// fleet is a server with its devices, each in a process of its own.
type fleet struct {
	house   *child
	devices []*child
}

// muster starts a house on SQLite and devices that serve it, and waits until the house may place jobs on all of them.
func (b *bench) muster(ctx context.Context, dir string, devices int, setup deviceSetup) (f *fleet, err error) {
	f = &fleet{}
	if f.house, err = b.start(ctx, "house", houseSetup{DataDir: filepath.Join(dir, "house")}); err != nil {
		return f, err
	}
	for i := range devices {
		setup.Server, setup.ID = "http://"+f.house.address, "device"+strconv.Itoa(i)
		setup.DataDir = filepath.Join(dir, setup.ID)
		device, err := b.start(ctx, "device", setup)
		if err != nil {
			return f, err
		}
		f.devices = append(f.devices, device)
	}
	return f, f.until(ctx, func(s *state) bool { return s.NodesUp == devices })
}

// disband ends all of them, the devices first.
func (f *fleet) disband(err *error) {
	for _, device := range f.devices {
		stopAll(err, device)
	}
	stopAll(err, f.house)
}

// until waits until the house is as far as it should be.
func (f *fleet) until(ctx context.Context, far func(*state) bool) error {
	for {
		var s state
		if err := f.house.ask("state", &s); err != nil {
			return err
		}
		if far(&s) {
			return nil
		}
		if err := pause(ctx, look); err != nil {
			return err
		}
	}
}

// storeModule uploads a module.
func (f *fleet) storeModule(ctx context.Context, module []byte) error {
	crowd, err := gather(ctx, f.house.address, 1)
	if err != nil {
		return err
	}
	defer crowd.leave()
	return storeModule(ctx, crowd, module)
}
