package agent

import (
	"context"
	"strings"
	"sync"

	"github.com/fogcompute/fogcompute/fog/idle/worker"
	"github.com/fogcompute/fogcompute/fog/internal/fault"
)

// deliver stores the files of an outcome and reports it, until the server has accepted it (true), does not want it any more, or
// Persist has passed (false). Repeating is safe: the server answers the same report as it answered the first.
func (t *attempt) deliver(out *worker.Outcome) bool {
	a := t.agent
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.ctx), a.cfg.Persist)
	defer cancel()
	// An attempt that the server cancels stops being delivered; one that is given back must still be.
	release := context.AfterFunc(t.ctx, func() {
		if t.dropped() {
			cancel()
		}
	})
	defer release()
	keep := sync.OnceFunc(func() { t.keep(out) })
	if err := t.upload(ctx, out, keep); err != nil {
		if ctx.Err() != nil {
			return false
		}
		*out = worker.Outcome{Class: worker.ClassInfra, Reason: "output: " + err.Error(), CPU: out.CPU, Wall: out.Wall}
	}
	r := t.report(out)
	err := t.insist(ctx, keep, func() error { return a.client.report(ctx, t.offer.Attempt, r) })
	if err != nil {
		a.cfg.Logger.Warn("result not accepted", "attempt", t.offer.Attempt, "error", err)
		return false
	}
	a.cfg.Logger.Debug("result accepted", "attempt", t.offer.Attempt, "class", out.Class, "reason", out.Reason, "cpu", out.CPU)
	return true
}

// upload stores the files.
func (t *attempt) upload(ctx context.Context, out *worker.Outcome, keep func()) error {
	for i := range out.Outputs {
		f := &out.Outputs[i]
		if err := t.insist(ctx, keep, func() error { return t.agent.client.put(ctx, f.SHA256, f.Data) }); err != nil {
			return err
		}
	}
	return nil
}

// insist repeats what may succeed later. Before it waits for that it keeps the result.
func (t *attempt) insist(ctx context.Context, keep func(), do func() error) error {
	for n := 0; ; n++ {
		err := do()
		if err == nil || !passing(err) {
			return err
		}
		keep()
		if !sleep(ctx, backoff(n, err)) {
			return fault.Wrap("agent.deliver", ctx.Err())
		}
	}
}

// report translates an outcome. A guest that ended by itself has no class, whatever its exit code: the server judges that.
func (t *attempt) report(out *worker.Outcome) *report {
	r := &report{
		Token: t.offer.Token, Node: t.agent.cfg.ID, Exit: out.ExitCode, Stdout: out.Stdout, Stderr: out.Stderr,
		CPU: max(out.CPU.Seconds(), 0), Wall: max(out.Wall.Seconds(), 0), Class: string(out.Class), Reason: printable(out.Reason),
	}
	if out.Class == worker.ClassJob && out.Limit == "" && out.ExitCode != 0 {
		r.Class = ""
	}
	for i := range out.Outputs {
		f := &out.Outputs[i]
		r.Outputs = append(r.Outputs, output{Path: f.Path, SHA256: f.SHA256, Bytes: int64(len(f.Data))})
	}
	return r
}

// printable makes one short line of a text that may contain anything.
func printable(text string) string {
	text = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, text)
	return strings.ToValidUTF8(text[:min(len(text), 500)], "")
}
