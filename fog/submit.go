package fog

import (
	"bytes"
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/fogcompute/fogcompute/fog/blob"
	"github.com/fogcompute/fogcompute/fog/guest"
	"github.com/fogcompute/fogcompute/fog/internal/fault"
	"github.com/fogcompute/fogcompute/fog/principal"
	"github.com/fogcompute/fogcompute/fog/scheduler"
)

// errNoBlob is the advice behind a digest that nobody has uploaded.
const errNoBlob = "has no bytes here yet: upload them first, with Blob.Put or PUT /api/blobs/%s"

// Submit is Scheduler.Submit for a house with devices: it makes sure that
// everything a job's task names can be fetched. A task without a module runs
// the guest of package guest: with no arguments it renders the whole Mandelbrot
// set into /out/tile.pgm. A task that names bytes which are not stored is
// refused with the field's name, and the other submissions go on.
func (f *Fog) Submit(ctx context.Context, subs []scheduler.Submission) ([]scheduler.Submitted, error) {
	if err := f.has("scheduler"); err != nil {
		return nil, err
	}
	answers := make([]scheduler.Submitted, len(subs))
	known := map[blob.Digest]bool{}
	places := make([]int, len(subs))
	var good []int
	var accepted []scheduler.Submission
	for i, sub := range subs {
		if runsGuest(sub.Demand.Executor) {
			sub.Task = withModule(sub.Task)
		}
		after, err := renumber(sub.After, places[:i])
		if err == nil {
			err = f.fetchable(ctx, sub.Task, known)
		}
		switch kind := fault.KindOf(err); {
		case err == nil:
		case kind == fault.Unavailable, kind == fault.Internal:
			return nil, err
		default:
			answers[i].Err, places[i] = err, refusedHere
			continue
		}
		sub.After, places[i] = after, len(accepted)
		good = append(good, i)
		accepted = append(accepted, sub)
	}
	if len(accepted) == 0 {
		return answers, nil
	}
	submitted, err := f.Scheduler.Submit(ctx, accepted)
	if err != nil {
		return nil, err
	}
	for k, i := range good {
		answers[i] = submitted[k]
	}
	return answers, nil
}

// refusedHere is the place of a submission that does not go on.
const refusedHere = -1

// renumber lets dependencies name earlier submissions of the call by their places
// among those that go on. The scheduler judges all other names.
func renumber(after []scheduler.Dependency, places []int) ([]scheduler.Dependency, error) {
	var out []scheduler.Dependency
	for i, dep := range after {
		at, ok := strings.CutPrefix(string(dep.Job), "#")
		n, err := strconv.Atoi(at)
		if !ok || err != nil || n < 0 || n >= len(places) || places[n] == n {
			continue
		}
		if places[n] == refusedHere {
			return nil, fault.Field("fog.submit", "after", "%q was not accepted", dep.Job)
		}
		if out == nil {
			out = slices.Clone(after)
		}
		out[i].Job = scheduler.JobID("#" + strconv.Itoa(places[n]))
	}
	if out == nil {
		return after, nil
	}
	return out, nil
}

// runsGuest reports whether an executor is the one that the house's own module is
// written for.
func runsGuest(executor string) bool { return executor == "" || executor == scheduler.ExecutorWASM }

// withModule gives a task that names no module the house's own.
func withModule(task scheduler.Task) scheduler.Task {
	if task.Module != "" {
		return task
	}
	task.Module, task.Output = guest.Digest(), true
	if len(task.Args) == 0 {
		task.Args = guest.Whole(512, 512).Args()
	}
	return task
}

// fetchable checks that a task's module, inputs and standard input are stored,
// and keeps them from being collected. known remembers what was found.
func (f *Fog) fetchable(ctx context.Context, task scheduler.Task, known map[blob.Digest]bool) error {
	if f.Blob == nil {
		return nil
	}
	for _, named := range digestsOf(task) {
		digest, err := blob.ParseDigest(named.digest)
		if err != nil {
			return fault.Field("fog.submit", named.field, "must be the SHA-256 of its bytes: 64 lower-case hexadecimal digits")
		}
		if known[digest] {
			continue
		}
		missing, err := f.Blob.Keep(ctx, []blob.Digest{digest})
		if err != nil {
			return err
		}
		if len(missing) > 0 && named.digest == guest.Digest() {
			missing, err = nil, f.storeGuest(ctx)
		}
		if err != nil {
			return err
		}
		if len(missing) > 0 {
			return fault.Field("fog.submit", named.field, errNoBlob, digest)
		}
		known[digest] = true
	}
	return nil
}

// storeGuest puts the house's own module where devices can fetch it. It
// belongs to the operator, whoever asked for it first.
func (f *Fog) storeGuest(ctx context.Context) error {
	owner := principal.Principal{Tenant: principal.From(ctx).Tenant, Account: principal.Operator, Scopes: []principal.Scope{principal.ScopeOperator}}
	module := guest.Mandelbrot()
	_, err := f.Blob.Put(principal.With(ctx, owner), blob.Digest(guest.Digest()), bytes.NewReader(module), int64(len(module)))
	return fault.Wrap("fog.guest", err)
}

// namedDigest is a digest with the field of the task that holds it.
type namedDigest struct{ field, digest string }

// digestsOf lists what a device needs to run a task. A program of some executor
// other than the house's may need no module.
func digestsOf(task scheduler.Task) []namedDigest {
	var all []namedDigest
	if task.Module != "" {
		all = append(all, namedDigest{"module", task.Module})
	}
	if task.Stdin != "" {
		all = append(all, namedDigest{"stdin", task.Stdin})
	}
	for _, in := range task.Inputs {
		all = append(all, namedDigest{"inputs", in.SHA256})
	}
	return all
}
