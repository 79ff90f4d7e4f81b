package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync/atomic"
	"time"
)

// What is measured runs in a process of its own: this program, started again as a child in one of the roles of roles.
// Both ends speak over the child's standard streams, one JSON value an answer:
//
//	child   {"Address":"127.0.0.1:41234"}      once it is ready; empty for a child that does not listen
//	parent  usage                              one word a line
//	child   {"CPU":123456,"Resident":45678}    or {"Error":"..."}
//
// The end of its standard input ends the child, so none outlives the parent.

// child is the parent's end.
type child struct {
	address string
	cmd     *exec.Cmd
	in      io.WriteCloser
	out     *json.Decoder
}

// hello is a child's first answer.
type hello struct {
	Address string
	Error   string
}

const (
	childName = "bench-child"    // argument 1 of a child
	farewell  = 20 * time.Second // for a child to end when it is asked to
)

// start starts a child and waits until it is ready. A child that listens is checked to be the owner of its port.
func (b *bench) start(ctx context.Context, role string, setup any) (*child, error) {
	text, err := json.Marshal(setup)
	if err != nil {
		return nil, err
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	profile := ""
	if b.profiles != "" {
		if profile, err = filepath.Abs(filepath.Join(b.profiles, fmt.Sprintf("%s-%d.pprof", role, profiled.Add(1)))); err != nil {
			return nil, err
		}
	}
	c := &child{cmd: exec.CommandContext(ctx, self, childName, role, string(text), profile)}
	c.cmd.Stderr = os.Stderr
	if c.in, err = c.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := c.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	c.out = json.NewDecoder(out)
	if err := c.cmd.Start(); err != nil {
		return nil, err
	}
	var ready hello
	if err := c.out.Decode(&ready); err != nil {
		return nil, errors.Join(fmt.Errorf("%s child does not answer: %w", role, err), c.stop())
	}
	if ready.Error != "" {
		return nil, errors.Join(fmt.Errorf("%s child: %s", role, ready.Error), c.stop())
	}
	c.address = ready.Address
	if c.address != "" {
		if err := owns(c.cmd.Process.Pid, c.address); err != nil {
			return nil, errors.Join(err, c.stop())
		}
	}
	return c, nil
}

// profiled numbers the profiles of one call.
var profiled atomic.Int64

// ask sends a word and decodes the answer.
func (c *child) ask(word string, answer any) error {
	if _, err := fmt.Fprintln(c.in, word); err != nil {
		return fmt.Errorf("ask %s: %w", word, err)
	}
	var text json.RawMessage
	if err := c.out.Decode(&text); err != nil {
		return fmt.Errorf("ask %s: %w", word, err)
	}
	var failure struct{ Error string }
	if json.Unmarshal(text, &failure) == nil && failure.Error != "" {
		return fmt.Errorf("ask %s: %s", word, failure.Error)
	}
	return json.Unmarshal(text, answer)
}

// usage is what a process has used so far.
type usage struct {
	CPU      time.Duration // in user and in system mode, by getrusage
	Resident int64         // bytes of memory that it occupies now
}

func (c *child) usage() (u usage, err error) {
	err = c.ask("usage", &u)
	return u, err
}

// stop ends the child and waits for it.
func (c *child) stop() error {
	if c == nil {
		return nil
	}
	_ = c.in.Close() // it may have ended by itself
	late := time.AfterFunc(farewell, func() { _ = c.cmd.Process.Kill() })
	defer late.Stop()
	return c.cmd.Wait()
}

// stopAll ends children, and keeps an error that is there already.
func stopAll(err *error, children ...*child) {
	for _, c := range children {
		if stopped := c.stop(); *err == nil && stopped != nil {
			*err = fmt.Errorf("a child ended badly: %w", stopped)
		}
	}
}
