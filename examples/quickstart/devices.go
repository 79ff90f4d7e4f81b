package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"github.com/fogcompute/fogcompute/fog/idle"
	"github.com/fogcompute/fogcompute/fog/idle/agent"
)

// device is one of the three machines of the story. They share this machine, so
// each declares a part of it, and none minds a busy processor.
type device struct {
	id      string
	kind    idle.DeviceType
	cores   float64
	memory  int64
	doing   string
	policy  idle.Policy
	process *exec.Cmd
}

// config is the agent's: a private folder, a part of this machine, a policy.
// Each signal that this machine cannot tell counts as fine.
func (d *device) config(url string) agent.Config {
	return agent.Config{
		Server: url, ID: d.id, Type: d.kind, Policy: &d.policy, DataDir: "agent",
		Capacity: agent.Capacity{MilliCPU: int64(d.cores * 1000), MemoryMB: d.memory},
		Sense:    500 * time.Millisecond, Wait: time.Second,
	}
}

func cast() []*device {
	return []*device{
		{id: "workshop-server", kind: idle.Server, cores: 2, memory: 2048, doing: "two tiles at a time, always",
			policy: idle.Policy{}},
		{id: "office-desktop", kind: idle.Desktop, cores: 1, memory: 1024, doing: "one tile at a time, while it is not hot",
			policy: idle.Policy{Thermal: idle.Band{Start: 85, Stop: 95, Unknown: idle.AllowUnknown}}},
		{id: "old-laptop", kind: idle.Desktop, cores: 1, memory: 512, doing: "one tile at a time, while its battery is good",
			policy: idle.Policy{Battery: idle.Band{Start: 40, Stop: 20, Unknown: idle.AllowUnknown}}},
	}
}

// runDevice is the whole life of one device process.
func runDevice(ctx context.Context, id, url string) error {
	i := slices.IndexFunc(cast(), func(d *device) bool { return d.id == id })
	if i < 0 {
		return fmt.Errorf("no device %q", id)
	}
	d := cast()[i]
	return agent.Run(ctx, d.config(url))
}

// crew is the running devices.
type crew struct{ devices []*device }

func startDevices(ctx context.Context, dir, url string) (*crew, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	c := &crew{devices: cast()}
	for _, d := range c.devices {
		home := filepath.Join(dir, d.id)
		if err := os.Mkdir(home, 0o700); err != nil {
			return c, err
		}
		d.process = exec.CommandContext(ctx, self, "-device", d.id, "-server", url)
		d.process.Dir = home
		d.process.Stderr = os.Stderr
		if err := d.process.Start(); err != nil {
			c.stop()
			return nil, err
		}
		fmt.Printf("device %-16s %g cores, %4d MB, %s\n", d.id, d.cores, d.memory, d.doing)
	}
	return c, nil
}

// kill ends one device the hard way: nothing of it can say goodbye.
func (c *crew) kill() string {
	victim := c.devices[len(c.devices)-1]
	_ = victim.process.Process.Signal(syscall.SIGKILL) // it may have died by itself; the story goes on either way
	return victim.id
}

// stop ends every device and waits for it.
func (c *crew) stop() {
	for _, d := range c.devices {
		if d.process != nil && d.process.Process != nil {
			_ = d.process.Process.Signal(os.Interrupt) // gone already is fine
		}
	}
	for _, d := range c.devices {
		if d.process != nil {
			_ = d.process.Wait() // one of them was killed: its exit code says nothing
		}
	}
}
