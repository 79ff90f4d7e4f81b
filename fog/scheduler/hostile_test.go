package scheduler_test

import (
	"context"
	"errors"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/fogcompute/fogcompute/fog/internal/db"
	"github.com/fogcompute/fogcompute/fog/internal/db/dbtest"
	"github.com/fogcompute/fogcompute/fog/internal/fault"
	"github.com/fogcompute/fogcompute/fog/principal"
	"github.com/fogcompute/fogcompute/fog/scheduler"
	"github.com/fogcompute/fogcompute/fog/scheduler/schedulerdb"
)

// everywhere runs a test on each store, without anybody who plans.
func everywhere(t *testing.T, test func(t *testing.T, s *scheduler.Scheduler)) {
	open := func(t *testing.T, address string) scheduler.Store {
		d, err := db.Open(t.Context(), address, t.TempDir())
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, d.Close()) })
		s := schedulerdb.New(d.Write.DB, d.Dialect).WithReader(d.Read.DB)
		require.NoError(t, s.Migrate(t.Context()))
		return s
	}
	for name, store := range map[string]func(t *testing.T) scheduler.Store{
		"memory":   func(*testing.T) scheduler.Store { return scheduler.NewMemory(nil, nil) },
		"sqlite":   func(t *testing.T) scheduler.Store { return open(t, "") },
		"postgres": func(t *testing.T) scheduler.Store { return open(t, dbtest.PostgresURL(t)) },
	} {
		t.Run(name, func(t *testing.T) {
			s, err := scheduler.New(scheduler.Config{Store: store(t)})
			require.NoError(t, err)
			test(t, s)
		})
	}
}

// first is the error of the one submission.
func first(out []scheduler.Submitted, err error) error {
	if err != nil {
		return err
	}
	return out[0].Err
}

// TestTextsThatNoDatabaseTakes goes through every door with text that is not UTF-8 or has a zero byte. PostgreSQL takes neither, and what it
// refuses would fail for all who share the commit: so each is refused by its name, or is nobody's.
func TestTextsThatNoDatabaseTakes(t *testing.T) {
	everywhere(t, func(t *testing.T, s *scheduler.Scheduler) {
		ctx := t.Context()
		submit := func(b scheduler.Submission) error {
			if b.Name == "" {
				b.Name = "job"
			}
			return first(s.Submit(ctx, []scheduler.Submission{b}))
		}
		only := func(_ any, err error) error { return err }
		for _, bad := range []string{"\x00", "a\x00b", "\xff", "a\xc3"} {
			id, nodeID := scheduler.JobID(bad), scheduler.NodeID(bad)
			attempt := scheduler.NewAttemptID(id, 0, 1)
			term := func(key, value string) scheduler.Constraints {
				return scheduler.Constraints{Require: []scheduler.Term{{Key: key, Op: scheduler.In, Values: []string{value}}}}
			}
			labelled := func(change func(n *scheduler.Node)) error {
				n := node("n")
				change(&n)
				return s.SyncNodes(ctx, []scheduler.Node{n})
			}
			reserved := scheduler.Reservation{ID: "r", Owner: "o", Nodes: []scheduler.NodeID{"n"}, Until: time.Now().Add(time.Hour)}
			reserve := func(change func(r *scheduler.Reservation)) error {
				r := reserved
				change(&r)
				return s.Reserve(ctx, []scheduler.Reservation{r})
			}
			plan := scheduler.Schedule{ID: "s", Spec: "@daily", Zone: "UTC", Template: scheduler.Submission{Name: "x"}}
			put := func(change func(c *scheduler.Schedule)) error {
				c := plan
				change(&c)
				return only(s.PutSchedule(ctx, c))
			}
			for name, c := range map[string]struct {
				want fault.Kind
				do   func() error
			}{
				"get":          {fault.NotFound, func() error { return only(s.Get(ctx, id)) }},
				"explain":      {fault.NotFound, func() error { return only(s.Explain(ctx, id)) }},
				"cancel":       {fault.NotFound, func() error { return only(s.Cancel(ctx, id)) }},
				"pause":        {fault.NotFound, func() error { return only(s.Pause(ctx, id)) }},
				"resume":       {fault.NotFound, func() error { return only(s.Resume(ctx, id)) }},
				"array":        {fault.NotFound, func() error { return only(s.Array(ctx, id)) }},
				"tasks":        {fault.NotFound, func() error { return only(s.Tasks(ctx, id)) }},
				"cancel array": {fault.NotFound, func() error { return only(s.CancelArray(ctx, id)) }},
				"progress":     {fault.NotFound, func() error { return s.Progress(ctx, attempt, 1, 0.5) }},
				"report": {fault.NotFound, func() error {
					v, err := s.Report(ctx, []scheduler.Report{{Attempt: attempt, Token: 1}})
					return errors.Join(err, v[0].Err)
				}},
				"name":        {fault.Invalid, func() error { return submit(scheduler.Submission{Name: bad}) }},
				"key":         {fault.Invalid, func() error { return submit(scheduler.Submission{Key: bad}) }},
				"group":       {fault.Invalid, func() error { return submit(scheduler.Submission{Group: bad}) }},
				"data at":     {fault.Invalid, func() error { return submit(scheduler.Submission{DataAt: bad}) }},
				"after":       {fault.Invalid, func() error { return submit(scheduler.Submission{After: on("", id)}) }},
				"after a key": {fault.Invalid, func() error { return submit(scheduler.Submission{After: on("", "@"+id)}) }},
				"arguments":   {fault.Invalid, func() error { return submit(scheduler.Submission{Task: scheduler.Task{Args: []string{bad}}}) }},
				"module":      {fault.Invalid, func() error { return submit(scheduler.Submission{Task: scheduler.Task{Module: bad}}) }},
				"executor":    {fault.Invalid, func() error { return submit(scheduler.Submission{Demand: scheduler.Demand{Executor: bad}}) }},
				"tier":        {fault.Invalid, func() error { return submit(scheduler.Submission{Tier: scheduler.Tier(bad)}) }},
				"label":       {fault.Invalid, func() error { return submit(scheduler.Submission{Constraints: term(bad, "v")}) }},
				"value":       {fault.Invalid, func() error { return submit(scheduler.Submission{Constraints: term("k", bad)}) }},
				"together":    {fault.Invalid, func() error { return submit(scheduler.Submission{Constraints: scheduler.Constraints{Together: bad}}) }},
				"quota":       {fault.Invalid, func() error { return s.SetQuotas(ctx, []scheduler.Quota{{Owner: principal.Account(bad), Weight: 2}}) }},
				"quota tenant": {fault.Invalid, func() error {
					return s.SetQuotas(ctx, []scheduler.Quota{{Owner: "o", Tenant: principal.Tenant(bad), Weight: 2}})
				}},
				"marked label": {fault.Invalid, func() error { return s.Mark(ctx, "n", scheduler.Marks{Labels: map[string]string{bad: "v"}}) }},
				"marked value": {fault.Invalid, func() error { return s.Mark(ctx, "n", scheduler.Marks{Labels: map[string]string{"k": bad}}) }},
				"taint": {fault.Invalid, func() error {
					return s.Mark(ctx, "n", scheduler.Marks{Taints: []scheduler.Taint{{Key: bad, Effect: scheduler.Refuse}}})
				}},
				"reservation":   {fault.Invalid, func() error { return reserve(func(r *scheduler.Reservation) { r.ID = bad }) }},
				"reserved for":  {fault.Invalid, func() error { return reserve(func(r *scheduler.Reservation) { r.Owner = principal.Account(bad) }) }},
				"reserved node": {fault.Invalid, func() error { return reserve(func(r *scheduler.Reservation) { r.Nodes = []scheduler.NodeID{nodeID} }) }},
				"node":          {fault.Invalid, func() error { return labelled(func(n *scheduler.Node) { n.ID = nodeID }) }},
				"node owner":    {fault.Invalid, func() error { return labelled(func(n *scheduler.Node) { n.Owner = principal.Account(bad) }) }},
				"node tenant":   {fault.Invalid, func() error { return labelled(func(n *scheduler.Node) { n.Tenant = principal.Tenant(bad) }) }},
				"drain":         {fault.NotFound, func() error { return s.Drain(ctx, nodeID, true) }},
				"mark":          {fault.NotFound, func() error { return s.Mark(ctx, nodeID, scheduler.Marks{}) }},
				"schedule":      {fault.NotFound, func() error { return only(s.Schedule(ctx, bad)) }},
				"schedule name": {fault.Invalid, func() error { return put(func(c *scheduler.Schedule) { c.Name = bad }) }},
				"spec":          {fault.Invalid, func() error { return put(func(c *scheduler.Schedule) { c.Spec = bad }) }},
				"zone":          {fault.Invalid, func() error { return put(func(c *scheduler.Schedule) { c.Zone = bad }) }},
				"listed tier":   {fault.KindOf(nil), func() error { return only(s.List(ctx, scheduler.JobQuery{Tier: scheduler.Tier(bad)})) }},
				"listed state": {fault.KindOf(nil), func() error {
					return only(s.List(ctx, scheduler.JobQuery{States: []scheduler.State{scheduler.State(bad)}}))
				}},
				"listed owner": {fault.KindOf(nil), func() error { return only(s.List(ctx, scheduler.JobQuery{Owner: principal.Account(bad)})) }},
				"listed array": {fault.KindOf(nil), func() error { return only(s.List(ctx, scheduler.JobQuery{Array: id})) }},
				"cursor":       {fault.Invalid, func() error { return only(s.List(ctx, scheduler.JobQuery{Cursor: bad})) }},
				"removed":      {fault.KindOf(nil), func() error { return s.RemoveNodes(ctx, []scheduler.NodeID{nodeID}) }},
				"unreserved":   {fault.KindOf(nil), func() error { return s.CancelReservations(ctx, []string{bad}) }},
				"records":      {fault.KindOf(nil), func() error { return only(s.Records(ctx, []scheduler.JobID{id})) }},
				"claim":        {fault.KindOf(nil), func() error { return only(s.Claim(ctx, []scheduler.Claim{{Node: nodeID, Take: 1}})) }},
				"held": {fault.KindOf(nil), func() error {
					return only(s.Claim(ctx, []scheduler.Claim{{Node: "n", Held: []scheduler.Held{{Attempt: attempt, Token: 1}}}}))
				}},
			} {
				err := c.do()
				if c.want == fault.KindOf(nil) {
					assert.NoError(t, err, "%s %q", name, bad)
					continue
				}
				assert.Error(t, err, "%s %q", name, bad)
				assert.Equal(t, c.want, fault.KindOf(err), "%s %q: %v", name, bad, err)
			}
		}
	})
}

// TestWhatCannotBeWrittenDown has values for which there is no JSON, or no row.
func TestWhatCannotBeWrittenDown(t *testing.T) {
	everywhere(t, func(t *testing.T, s *scheduler.Scheduler) {
		far := time.Date(9999, 12, 31, 23, 59, 59, 0, time.FixedZone("", -3600)) // in UTC that is the year 10000
		for _, at := range []time.Time{far, far.AddDate(300_000, 0, 0)} {
			err := first(s.Submit(t.Context(), []scheduler.Submission{{Name: "job", Key: "k", Deadline: at}}))
			kind(t, fault.Invalid, err)
			kind(t, fault.Invalid, s.Reserve(t.Context(), []scheduler.Reservation{{ID: "r", Owner: "o", Nodes: []scheduler.NodeID{"n"}, Until: at}}))
		}
		early := scheduler.Reservation{ID: "r", Owner: "o", Nodes: []scheduler.NodeID{"n"}, From: far.AddDate(-400_000, 0, 0), Until: time.Now().Add(time.Hour)}
		kind(t, fault.Invalid, s.Reserve(t.Context(), []scheduler.Reservation{early}))
		vast := node("n")
		vast.Capacity.MilliCPU = math.MaxInt64 // of which two are less than none
		kind(t, fault.Invalid, s.SyncNodes(t.Context(), []scheduler.Node{vast}))
		for _, x := range []float64{math.NaN(), math.Inf(1), math.Inf(-1), -1} {
			for name, change := range map[string]func(n *scheduler.Node){
				"trust": func(n *scheduler.Node) { n.Trust = x }, "speed": func(n *scheduler.Node) { n.Speed = x },
				"idle watts": func(n *scheduler.Node) { n.IdleWatts = x }, "watts": func(n *scheduler.Node) { n.WattsPerCore = x },
			} {
				n := node("n")
				change(&n)
				err := s.SyncNodes(t.Context(), []scheduler.Node{n})
				assert.Equal(t, fault.Invalid, fault.KindOf(err), "%s %v: %v", name, x, err)
			}
		}
	})
}

// TestHostileReportsHurtNobody lets a device report what cannot be stored, in one call with another's good report.
func TestHostileReportsHurtNobody(t *testing.T) {
	everywhere(t, func(t *testing.T, s *scheduler.Scheduler) {
		ctx, stop := context.WithCancel(t.Context())
		ran := make(chan error, 1)
		go func() { ran <- s.Run(ctx) }()
		t.Cleanup(func() { stop(); require.NoError(t, <-ran) })
		require.NoError(t, s.SyncNodes(ctx, []scheduler.Node{node("a"), node("b")}))
		for name, report := range map[string]scheduler.Report{
			"reason":       {Class: scheduler.ClassDevice, Reason: "a\x00b"},
			"cpu":          {Result: &scheduler.Result{CPUSeconds: math.NaN()}},
			"wall":         {Result: &scheduler.Result{WallSeconds: math.Inf(1)}},
			"output":       {Result: &scheduler.Result{Stdout: []byte("\x00\xff"), Stderr: []byte("\x00\xff")}},
			"exit code":    {Result: &scheduler.Result{ExitCode: math.MinInt}},
			"foreign node": {Node: "\x00", Class: scheduler.ClassDevice},
		} {
			out, err := s.Submit(ctx, []scheduler.Submission{{Name: "one"}, {Name: "two"}})
			require.NoError(t, err)
			var offers []scheduler.Offer
			for len(offers) < 2 {
				waiting, leave := context.WithTimeout(ctx, 100*time.Millisecond)
				_ = s.Wait(waiting, "a") // the other node may have both
				leave()
				grants, err := s.Claim(ctx, []scheduler.Claim{{Node: "a", Take: 2}, {Node: "b", Take: 2}})
				require.NoError(t, err)
				offers = append(append(offers, grants[0].Offers...), grants[1].Offers...)
			}
			report.Attempt, report.Token = offers[0].Attempt, offers[0].Token
			verdicts, err := s.Report(ctx, []scheduler.Report{report, done(offers[1], "")})
			require.NoError(t, err, name)
			require.NoError(t, verdicts[1].Err, name)
			require.Equal(t, scheduler.Vested, verdicts[1].Job, name)
			for i := range out {
				_, _ = s.Cancel(ctx, out[i].Job.ID) // it may be over
			}
		}
	})
}
