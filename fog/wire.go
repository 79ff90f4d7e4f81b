package fog

import (
	"context"
	"io"
	"log/slog"
	"path/filepath"
	"time"

	"github.com/fogcompute/fogcompute/fog/benchmark"
	"github.com/fogcompute/fogcompute/fog/blob"
	"github.com/fogcompute/fogcompute/fog/blob/blobdb"
	"github.com/fogcompute/fogcompute/fog/idle"
	"github.com/fogcompute/fogcompute/fog/idle/idledb"
	"github.com/fogcompute/fogcompute/fog/internal/duty"
	"github.com/fogcompute/fogcompute/fog/internal/fault"
	"github.com/fogcompute/fogcompute/fog/internal/journal"
	"github.com/fogcompute/fogcompute/fog/principal"
	"github.com/fogcompute/fogcompute/fog/scheduler"
	"github.com/fogcompute/fogcompute/fog/scheduler/schedulerdb"
	"github.com/fogcompute/fogcompute/fog/tokenomics"
	"github.com/fogcompute/fogcompute/fog/tokenomics/tokenomicsdb"
)

// blobsKept is how long a house keeps bytes that no unfinished job needs, after
// they were last read: results stay that long.
const blobsKept = 7 * 24 * time.Hour

// wire builds every engine on the ground and introduces it to those that it
// asks. It is the only place where engines meet.
func (f *Fog) wire() error {
	f.parts, f.keep, f.dutyTTL = map[string]*part{}, purgeEvery, dutyTTL
	if f.ground.embedded() {
		f.dutyTTL = dutyTTLEmbedded
	}
	f.database = f.add("database", f.keepDatabase)
	f.database.judges = true
	f.add("journal", f.ground.listen).helper = true
	f.add("retention", f.retain).helper = true
	params, err := newParams(&f.config, nil, f.log)
	if err != nil {
		return err
	}
	f.params = params
	f.add("parameters", f.params.follow).helper = true
	for _, build := range []func() error{f.wireBlob, f.wireTokenomics, f.wireScheduler, f.wireIdle, f.wireBenchmark} {
		if err := build(); err != nil {
			return err
		}
	}
	if f.tellsJobs() {
		f.addFlow("settle", scheduler.TopicSettle, f.settle)
	}
	if f.tellsDevices() {
		f.addFlow("presence", idle.TopicDevice, f.follow)
		f.addFlow("trust", scheduler.TopicJudge, f.weigh)
	}
	return nil
}

// tellsJobs reports whether anybody wants to know of finished jobs. Facts that
// nobody reads are not written: they would stay for ever.
func (f *Fog) tellsJobs() bool {
	return !f.config.without("scheduler") && !(f.config.without("tokenomics") && f.config.without("idle"))
}

// tellsDevices reports whether anybody wants to know of devices that change.
func (f *Fog) tellsDevices() bool {
	return !f.config.without("scheduler") && !f.config.without("idle")
}

// add makes a supervised part.
func (f *Fog) add(name string, run func(context.Context) error) *part {
	p := newPart(name, run)
	f.parts[name] = p
	return p
}

// addFlow makes the part that carries the facts of a topic.
func (f *Fog) addFlow(name string, topic journal.Topic, handle handler) {
	p := f.add(name, nil)
	p.topic, p.helper = topic, true
	p.run = func(ctx context.Context) error { return f.runFlow(ctx, flow{topic: topic, handle: handle, part: p}) }
}

func (f *Fog) wireBlob() error {
	if f.config.without("blob") {
		return nil
	}
	c := f.config.Blob
	f.common(&c.Now, &c.Authorize, &c.Logger)
	if c.Dir == "" {
		c.Dir = filepath.Join(f.ground.dir, "blobs")
	}
	if c.Grace == 0 {
		c.Grace = blobsKept
	}
	f.keep = keepPause(c.Grace)
	if d := f.ground.db; d != nil && c.Index == nil {
		store := blobdb.New(d.Write.DB, d.Dialect).WithReader(d.Read.DB)
		c.Index = store
		f.ground.schemas = append(f.ground.schemas, schema{store.Migrate, store.Ready})
	}
	engine, err := blob.New(c)
	if err != nil {
		return err
	}
	f.Blob = engine
	f.add("blob", engine.Run)
	return nil
}

func (f *Fog) wireTokenomics() error {
	if f.config.without("tokenomics") {
		return nil
	}
	c := f.config.Tokenomics
	f.common(&c.Now, &c.Authorize, &c.Logger)
	f.shared(&c.Duties, &c.Holder, &c.Random, &c.Step)
	c.Prices, c.Parameters = f.params.forMarket(c.Prices), f.params.registry
	switch d := f.ground.db; {
	case c.Store != nil:
	case d == nil:
		c.Store = tokenomics.NewMemory(f.ground.memoryDuties)
	default:
		store := tokenomicsdb.New(d.Write.DB, d.Dialect).WithReader(d.Read.DB).WithJournal(f.ground.dbJournal)
		c.Store = store
		f.ground.schemas = append(f.ground.schemas, schema{store.Migrate, store.Ready})
	}
	engine, err := tokenomics.New(c)
	if err != nil {
		return err
	}
	f.Tokenomics = engine
	f.params.source = decisions{engine}
	f.add("tokenomics", engine.Run)
	return nil
}

func (f *Fog) wireScheduler() error {
	if f.config.without("scheduler") {
		return nil
	}
	c := f.config.Scheduler
	log := f.log
	f.common(&c.Now, &c.Authorize, &log)
	if c.Logger == nil {
		c.Logger = log
	}
	f.shared(&c.Duties, &c.Holder, &c.Random, &c.Step)
	if c.DutyTTL == 0 {
		c.DutyTTL = f.dutyTTL
	}
	c.Params = f.params.forScheduler(c.Params)
	switch {
	case f.Tokenomics != nil:
		c.Escrow = escrow{f.Tokenomics}
		if c.Pricer == nil {
			c.Pricer = pricer{f.Tokenomics.Market()}
		}
		f.add("market", f.observe).helper = true
	case c.Escrow == nil && c.Pricer == nil:
		c.Pricer = free{}
	}
	if f.tellsDevices() && c.Auditor == nil {
		c.Auditor = auditor{f}
		if c.HoldBack == 0 {
			c.HoldBack = f.config.Idle.Trust.Window()
		}
	}
	switch d := f.ground.db; {
	case c.Store != nil:
	case d == nil:
		c.Store = scheduler.NewMemory(told(f.ground.memoryJournal, f.tellsJobs()), f.ground.memoryDuties)
	default:
		store := schedulerdb.New(d.Write.DB, d.Dialect).WithReader(d.Read.DB)
		if f.tellsJobs() {
			store = store.WithJournal(f.ground.dbJournal)
		}
		c.Store = store
		c.Abilities = scheduler.Abilities{InsertTx: store.InsertTx}
		f.ground.schemas = append(f.ground.schemas, schema{store.Migrate, store.Check})
	}
	engine, err := scheduler.New(c)
	if err != nil {
		return err
	}
	f.Scheduler = engine
	f.add("scheduler", engine.Run)
	return nil
}

func (f *Fog) wireIdle() error {
	if f.config.without("idle") {
		return nil
	}
	c := f.config.Idle
	f.common(&c.Now, &c.Authorize, &c.Logger)
	f.shared(&c.Duties, &c.Holder, &c.Random, &c.Step)
	if f.Scheduler != nil && c.Work == nil {
		c.Work = work{f.Scheduler}
	}
	switch d := f.ground.db; {
	case c.Store != nil:
	case d == nil:
		c.Store = idle.NewMemory(told(f.ground.memoryJournal, f.tellsDevices()), f.ground.memoryDuties)
	default:
		store := idledb.New(d.Write.DB, d.Dialect).WithReader(d.Read.DB)
		if f.tellsDevices() {
			store = store.WithJournal(f.ground.dbJournal)
		}
		c.Store = store
		f.ground.schemas = append(f.ground.schemas, schema{store.Migrate, store.Ready})
	}
	engine, err := idle.New(c)
	if err != nil {
		return err
	}
	f.Idle = engine
	f.add("idle", engine.Run)
	return nil
}

func (f *Fog) wireBenchmark() error {
	if f.config.without("benchmark") {
		return nil
	}
	engine, err := benchmark.New(f.config.Benchmark)
	if err != nil {
		return err
	}
	f.Benchmark = engine
	f.add("benchmark", nil)
	return nil
}

// common fills what every engine takes from the house.
func (f *Fog) common(now *func() time.Time, authorize *principal.Authorizer, log **slog.Logger) {
	if *now == nil {
		*now = f.now
	}
	if *authorize == nil {
		*authorize = f.config.Authorize
	}
	if *log == nil {
		*log = f.log
	}
}

// shared fills what the engines with duties take from the house.
func (f *Fog) shared(duties *duty.Duties, holder *string, random *io.Reader, step *func(string)) {
	if *duties == nil {
		*duties = f.ground.duties
	}
	if *holder == "" {
		*holder = f.holder
	}
	if *random == nil {
		*random = f.config.Random
	}
	if *step == nil {
		*step = f.config.Step
	}
}

// told is the journal for a store whose facts somebody reads, else nil.
func told(j *journal.Memory, somebody bool) *journal.Memory {
	if somebody {
		return j
	}
	return nil
}

// free is what jobs cost where there is no ledger.
type free struct{}

var _ scheduler.Pricer = free{}

// Quote says that every job is free.
func (free) Quote(_ context.Context, jobs []scheduler.Job) ([]scheduler.Price, error) {
	return make([]scheduler.Price, len(jobs)), nil
}

// escrow is the ledger as the scheduler sees it.
type escrow struct{ ledger *tokenomics.Tokenomics }

var _ scheduler.Escrow = escrow{}

// Hold asks for nothing where the amount is zero: a free job has no hold. The
// house asks, in whatever tenant: whether the payer may spend was the
// scheduler's question when the job was submitted.
func (e escrow) Hold(ctx context.Context, holds []scheduler.Hold) ([]error, error) {
	verdicts := make([]error, len(holds))
	var asked []int
	var requests []tokenomics.Hold
	for i, h := range holds {
		switch {
		case h.Amount == 0:
			continue
		case tokenomics.Amount(h.Amount) > tokenomics.MaxSupply:
			verdicts[i] = fault.Newf(fault.Insufficient, "fog.escrow", "more than there can ever be, %s FOG", tokenomics.MaxSupply)
			continue
		}
		asked = append(asked, i)
		requests = append(requests, tokenomics.Hold{
			ID: tokenomics.HoldID(h.Job), Tenant: h.Tenant,
			Payer: tokenomics.Account(h.Payer), Amount: tokenomics.Amount(h.Amount),
		})
	}
	if len(asked) == 0 {
		return verdicts, nil
	}
	house := principal.From(ctx) // its account stays: the hold says who caused it
	house.Scopes = []principal.Scope{principal.ScopeHouse}
	answers, err := e.ledger.Hold(principal.With(ctx, house), requests)
	if err != nil {
		return nil, err
	}
	for k, i := range asked {
		verdicts[i] = answers[k]
	}
	return verdicts, nil
}

// auditor is the registry as the scheduler sees it. The registry is made after the scheduler, and before anybody asks.
type auditor struct{ house *Fog }

var _ scheduler.Auditor = auditor{}

// Check asks as the house, whoever has reported the results.
func (a auditor) Check(ctx context.Context, asked []scheduler.Question) ([]bool, error) {
	results := make([]idle.Result, len(asked))
	for i, q := range asked {
		results[i] = idle.Result{Device: idle.DeviceID(q.Node), Class: q.Executor}
	}
	return a.house.Idle.Check(principal.With(ctx, principal.House()), results)
}

// Strangers asks as the house as well.
func (a auditor) Strangers(ctx context.Context, tenant principal.Tenant) (bool, error) {
	return a.house.Idle.Strangers(principal.With(ctx, principal.House()), tenant)
}

// work is the scheduler as the devices see it.
type work struct{ scheduler *scheduler.Scheduler }

var _ idle.Work = work{}

// Wait returns when a placement for the device may exist.
func (w work) Wait(ctx context.Context, device idle.DeviceID) error {
	return w.scheduler.Wait(ctx, scheduler.NodeID(device))
}

// Claim renews and takes leases for devices.
func (w work) Claim(ctx context.Context, claims []idle.WorkClaim) ([]idle.WorkGrant, error) {
	asked := make([]scheduler.Claim, len(claims))
	for i, c := range claims {
		asked[i] = scheduler.Claim{Node: scheduler.NodeID(c.Device), Take: c.Take, Restarted: c.Restarted}
		for _, h := range c.Held {
			asked[i].Held = append(asked[i].Held, scheduler.Held{
				Attempt: scheduler.AttemptID(h.Attempt), Token: h.Token, Suspended: h.Suspended, Progress: h.Progress,
			})
		}
	}
	grants, err := w.scheduler.Claim(ctx, asked)
	if err != nil {
		return nil, err
	}
	answers := make([]idle.WorkGrant, len(grants))
	for i, g := range grants {
		answers[i] = workGrant(g)
	}
	return answers, nil
}

func workGrant(g scheduler.Grant) idle.WorkGrant {
	var answer idle.WorkGrant
	for _, lease := range g.Renewed {
		answer.Renewed = append(answer.Renewed, idle.Lease{
			Attempt: string(lease.Attempt), Token: lease.Token, Until: lease.Until, EvictAt: lease.Evict,
		})
	}
	for _, attempt := range g.Cancel {
		answer.Cancel = append(answer.Cancel, string(attempt))
	}
	for _, o := range g.Offers {
		answer.Offers = append(answer.Offers, workOffer(o))
	}
	return answer
}

func workOffer(o scheduler.Offer) idle.Offer {
	inputs := make([]idle.Input, len(o.Task.Inputs))
	for i, in := range o.Task.Inputs {
		inputs[i] = idle.Input{Path: in.Path, SHA256: in.SHA256}
	}
	return idle.Offer{
		Attempt: string(o.Attempt), Token: o.Token, Job: string(o.Job), Name: o.Name, Until: o.Until,
		Module: o.Task.Module, Args: o.Task.Args, Inputs: inputs, Stdin: o.Task.Stdin, Output: o.Task.Output, Seed: o.Task.Seed,
		MilliCPU: o.Demand.MilliCPU, MemoryMB: o.Demand.MemoryMB, MilliGPU: o.Demand.MilliGPU,
		MaxRuntimeSeconds: o.MaxRuntime.Seconds(), MaxMemoryMB: o.Task.MaxMemoryMB,
		MaxOutputBytes: o.Task.MaxOutputBytes, MaxStdoutBytes: o.Task.MaxStdoutBytes,
	}
}
