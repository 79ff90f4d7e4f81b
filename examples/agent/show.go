package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"text/tabwriter"
	"time"

	"github.com/fogcompute/fogcompute/fog/idle"
	"github.com/fogcompute/fogcompute/fog/idle/agent"
	"github.com/fogcompute/fogcompute/fog/idle/sensor"
)

// readPolicy reads a policy from a JSON file and refuses one that can never hold.
func readPolicy(name string) (*idle.Policy, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	var p idle.Policy
	if err := json.Unmarshal(text, &p); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return &p, p.Validate()
}

// now prints what the agent would do on this machine, and why. It changes nothing and asks no server.
func now(ctx context.Context, s settings, out io.Writer) error {
	policy := s.Policy
	if policy == nil {
		p := idle.DefaultPolicy(s.Type)
		policy = &p
	}
	folder := s.DataDir
	if folder == "" {
		folder = os.TempDir()
	}
	reader := sensor.New(sensor.Config{Folder: folder})
	if _, err := reader.Read(ctx); err != nil { // load takes two readings
		return err
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(time.Second):
	}
	t, err := reader.Read(ctx)
	if err != nil {
		return err
	}
	at := time.Now()
	w := tabwriter.NewWriter(out, 0, 8, 2, ' ', 0)
	fmt.Fprintln(w, "SIGNAL\tLEVEL\tRULE\tVERDICT")
	for _, c := range idle.Inspect(*policy, t, idle.Decision{}, at) {
		verdict := "allows"
		switch {
		case !c.Holds:
			verdict = "FORBIDS: " + c.Reasons[0].Text
		case c.Rule == "none":
			verdict = "no rule"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", c.Signal, c.Level, c.Rule, verdict)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	v := idle.Decide(&idle.Situation{Phase: idle.Vacant, Decision: idle.Evaluate(*policy, t, idle.Decision{}, at)}, at)
	fmt.Fprintf(out, "\nWithout a guest the agent would now: %s\n", v.Action)
	return nil
}

// status prints what the agent of this folder does, and why it does not do more.
func status(s settings, out io.Writer) error {
	st, running, err := agent.ReadStatus(s.DataDir, s.ID)
	if errors.Is(err, fs.ErrNotExist) {
		return errors.New("there has been no agent with this folder and identifier: give the -data and -id that it was started with")
	}
	if err != nil {
		return err
	}
	if !running {
		fmt.Fprintf(out, "%s is not running; this is what it wrote last, at %s:\n", st.ID, st.At.Format(time.DateTime))
	}
	fmt.Fprintf(out, "%s: %s, connected %t, %d attempts held, %d done, %d of them failed, %d dropped, up to %.0f %% of the CPU\n",
		st.ID, st.Phase, st.Connected, st.Held, st.Done, st.Failed, st.Dropped, st.CPUShare*100)
	for _, r := range st.WhyNot {
		fmt.Fprintf(out, "  why not more: %s (%s)\n", r.Text, r.Code)
	}
	return nil
}

// report prints what the agent has been doing.
func report(ctx context.Context, a *agent.Agent, every time.Duration) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		st := a.Status()
		line := fmt.Sprintf("%s: connected %t, eligible %t, %d held, %d done, %d of them failed, %d dropped",
			st.ID, st.Connected, st.Eligible, st.Held, st.Done, st.Failed, st.Dropped)
		for _, r := range st.Reasons {
			line += "; " + r.Text
		}
		fmt.Println(line)
	}
}
