package idle

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"slices"
	"time"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
	"github.com/fogcompute/fogcompute/fog/principal"
)

// Outcome is what became of a result.
type Outcome string

const (
	// Alone was believed without being compared with any other, which is not to say that it is right.
	Alone Outcome = "alone"
	// Confirmed agrees with what other owners' devices have computed.
	Confirmed Outcome = "confirmed"
	// Contradicted is not what they agree on: a strike.
	Contradicted Outcome = "contradicted"
)

// Judgement says what became of one result. A result that was believed alone may be judged once more, when it was audited; else the first
// judgement stands.
type Judgement struct {
	Attempt string            // names the result
	Job     string            // that it is of
	Tenant  principal.Tenant  // empty: the caller's
	Owner   principal.Account // of the device
	Creator principal.Account // who recorded it; set by Judge
	Device  DeviceID
	Class   string // of the job: the executor that it needs
	Runtime string // set by Judge: what the device computes with, LabelRuntime
	Outcome Outcome
	At      time.Time // zero: now
}

// LabelRuntime is the label by which a device says with what it computes, and in which version: results of another version are judged
// apart. A device without it has the runtime "".
const LabelRuntime = "runtime"

// ReputationKey says whose reputation it is, and what for.
type ReputationKey struct {
	Device  DeviceID
	Class   string
	Runtime string
}

// compare orders keys, so that whoever locks several rows does so in one order.
func (k ReputationKey) compare(o ReputationKey) int {
	return cmp.Or(cmp.Compare(k.Device, o.Device), cmp.Compare(k.Class, o.Class), cmp.Compare(k.Runtime, o.Runtime))
}

// Standing is a reputation as it is stored.
type Standing struct {
	ReputationKey
	Reputation
	Tenant  principal.Tenant
	Owner   principal.Account // of the device
	Creator principal.Account // who recorded it first
	Version int64             // grows with each change; 0: not stored yet
}

func (j *Judgement) key() ReputationKey { return ReputationKey{j.Device, j.Class, j.Runtime} }

// Result is a stored result of which nothing is known but who has computed it.
type Result struct {
	Device DeviceID
	Class  string // of the job: the executor that it needs
}

// Check draws for each result, by the reputation of its device, whether it is to be compared with that of another owner's device. The
// draws come from Config.Random and are kept by nobody: whoever asks must have stored the results, and store the answers. A device that is
// not known has no reputation. Only an operator may ask. Errors: Denied, Unavailable.
func (i *Idle) Check(ctx context.Context, results []Result) ([]bool, error) {
	const op = "idle.check"
	if err := i.trusted(ctx); err != nil {
		return nil, fault.Wrap(op, err)
	}
	devices := make([]DeviceID, len(results))
	for n, r := range results {
		devices[n] = r.Device
	}
	runtimes, standings, err := i.standings(ctx, devices)
	if err != nil {
		return nil, fault.Wrap(op, err)
	}
	answers := make([]bool, len(results))
	for n, r := range results {
		draw, err := drawn(i.config.Random)
		if err != nil {
			return nil, fault.Wrap(op, err)
		}
		s := standings[ReputationKey{r.Device, r.Class, runtimes[r.Device]}]
		answers[n] = s.NeedsCheck(i.config.Trust, draw)
	}
	return answers, nil
}

// Strangers reports whether a tenant's devices belong to several people: their owners, or whoever has enrolled those that have accounts
// of their own. What it says may be some seconds old. Only an operator may ask. Errors: Denied, Unavailable.
func (i *Idle) Strangers(ctx context.Context, tenant principal.Tenant) (bool, error) {
	const op = "idle.strangers"
	if err := i.trusted(ctx); err != nil {
		return false, fault.Wrap(op, err)
	}
	now := i.now()
	if known, ok := i.strangers.Load(tenant); ok && now.Sub(known.(company).at).Abs() < companyKept {
		return known.(company).strangers, nil
	}
	least, greatest, err := i.store.Holders(ctx, tenant)
	if err != nil {
		return false, fault.Wrap(op, err)
	}
	i.strangers.Store(tenant, company{least != greatest, now})
	return least != greatest, nil
}

// company is whether a tenant's devices belonged to several people at some time.
type company struct {
	strangers bool
	at        time.Time
}

// companyKept is how long that is believed.
const companyKept = 2 * time.Second

// drawn is a random number in [0, 1).
func drawn(random io.Reader) (float64, error) {
	var b [8]byte
	if _, err := io.ReadFull(random, b[:]); err != nil {
		return 0, fault.Newf(fault.Internal, "idle.draw", "no randomness: %v", err)
	}
	return float64(binary.LittleEndian.Uint64(b[:])>>11) / (1 << 53), nil
}

// standings reads what devices compute with, and all their reputations.
func (i *Idle) standings(ctx context.Context, devices []DeviceID) (map[DeviceID]string, map[ReputationKey]Standing, error) {
	devices = slices.Compact(slices.Sorted(slices.Values(devices)))
	rows, err := i.store.Load(ctx, devices)
	if err != nil {
		return nil, nil, err
	}
	runtimes := make(map[DeviceID]string, len(rows))
	for n := range rows {
		runtimes[rows[n].ID] = rows[n].Labels[LabelRuntime]
	}
	known, err := i.store.Standings(ctx, devices)
	if err != nil {
		return nil, nil, err
	}
	standings := make(map[ReputationKey]Standing, len(known))
	for _, s := range known {
		standings[s.ReputationKey] = s
	}
	return runtimes, standings, nil
}

// maxAudits bounds the results of one device that are audited because of one strike.
const maxAudits = 10_000

// Judge records what became of results, moves the reputations of their devices, and quarantines those that have gone too far. It returns
// the jobs whose results are to be compared after all, since their devices were struck: they were believed alone and are still held back.
// Judging the same again changes nothing and returns the same jobs, as far as they were not judged meanwhile. Only an operator may judge.
// Errors: Invalid with the field, Denied, Unavailable.
func (i *Idle) Judge(ctx context.Context, judged []Judgement) (audit []string, err error) {
	const op = "idle.judge"
	if err := i.trusted(ctx); err != nil {
		return nil, fault.Wrap(op, err)
	}
	judged = slices.Clone(judged)
	p, now := principal.From(ctx), i.now()
	for n := range judged {
		if err := judged[n].complete(p, now); err != nil {
			return nil, err
		}
	}
	for race := 0; ; race++ {
		struck, err := i.judge(ctx, judged, now)
		switch {
		case err == nil:
			audit, err = i.pursue(ctx, struck, now)
			return audit, fault.Wrap(op, err)
		case !errors.Is(err, ErrRaced) || race >= maxRaces:
			return nil, fault.Wrap(op, err)
		}
	}
}

// complete checks a judgement and fills in what it leaves out.
func (j *Judgement) complete(p principal.Principal, now time.Time) error {
	const op = "idle.judge"
	switch {
	case j.Attempt == "" || len(j.Attempt) > maxAttempt:
		return fault.Field(op, "attempt", "must be 1 to %d characters", maxAttempt)
	case j.Job == "" || len(j.Job) > maxAttempt:
		return fault.Field(op, "job", "must be 1 to %d characters", maxAttempt)
	case len(j.Class) > maxLabelKey:
		return fault.Field(op, "class", "must be at most %d characters", maxLabelKey)
	case j.Outcome != Alone && j.Outcome != Confirmed && j.Outcome != Contradicted:
		return fault.Field(op, "outcome", "must be %s, %s or %s", Alone, Confirmed, Contradicted)
	}
	fill(&j.Tenant, p.Tenant)
	j.Creator = p.Account
	if j.At.IsZero() {
		j.At = now
	}
	j.At = j.At.UTC().Truncate(time.Microsecond)
	return j.Device.validate(op)
}

// strike is a contradicted result, and what its device's reputation has become.
type strike struct {
	Judgement
	standing Standing
}

// judge records judgements that are new, and returns all strikes among them, those as well that were recorded before.
func (i *Idle) judge(ctx context.Context, judged []Judgement, now time.Time) ([]strike, error) {
	attempts, devices := make([]string, len(judged)), make([]DeviceID, len(judged))
	for n := range judged {
		attempts[n], devices[n] = judged[n].Attempt, judged[n].Device
	}
	before, err := i.store.Judged(ctx, attempts)
	if err != nil {
		return nil, err
	}
	runtimes, standings, err := i.standings(ctx, devices)
	if err != nil {
		return nil, err
	}
	known := make(map[string]Judgement, len(before))
	for _, j := range before {
		known[j.Attempt] = j
	}
	var fresh []Judgement
	moved := map[ReputationKey]bool{}
	for n := range judged {
		j := &judged[n]
		j.Runtime = runtimes[j.Device]
		old, twice := known[j.Attempt]
		if twice {
			j.Runtime = old.Runtime
		}
		if !twice || old.Outcome == Alone && j.Outcome != Alone {
			s := standings[j.key()]
			s.judge(j, i.config.Trust, now)
			standings[j.key()], moved[j.key()], known[j.Attempt] = s, true, *j
			fresh = append(fresh, *j)
		}
	}
	if len(fresh) > 0 {
		changed := make([]Standing, 0, len(moved))
		for key := range moved {
			changed = append(changed, standings[key])
		}
		slices.SortFunc(changed, func(a, b Standing) int { return a.compare(b.ReputationKey) })
		if err := i.store.Judge(ctx, changed, latest(fresh)); err != nil {
			return nil, err
		}
		i.config.Step("idle.judge")
	}
	var strikes []strike
	for n := range judged {
		if known[judged[n].Attempt].Outcome == Contradicted {
			strikes = append(strikes, strike{known[judged[n].Attempt], standings[judged[n].key()]})
		}
	}
	return strikes, nil
}

// latest keeps the last judgement on each result.
func latest(judged []Judgement) []Judgement {
	at := make(map[string]int, len(judged))
	var out []Judgement
	for _, j := range judged {
		if n, twice := at[j.Attempt]; twice {
			out[n] = j
			continue
		}
		at[j.Attempt] = len(out)
		out = append(out, j)
	}
	return out
}

// judge moves a reputation by one judgement.
func (s *Standing) judge(j *Judgement, rules TrustRules, now time.Time) {
	if s.Version == 0 {
		s.ReputationKey, s.Tenant, s.Owner, s.Creator = j.key(), j.Tenant, j.Owner, j.Creator
	}
	switch j.Outcome {
	case Alone:
		s.Reputation = s.Accepted()
	case Confirmed:
		s.Reputation = s.Confirmed()
	case Contradicted:
		s.Reputation = s.Struck(rules, now)
	}
}

// pursue quarantines the devices that have been struck too often, and lists the jobs that are to be audited.
func (i *Idle) pursue(ctx context.Context, strikes []strike, now time.Time) ([]string, error) {
	var jobs []string
	for _, s := range strikes {
		if s.standing.Quarantined(now) {
			if err := i.quarantine(ctx, s.Device, s.standing.Until); err != nil {
				return nil, err
			}
		}
		held, err := i.store.HeldAlone(ctx, s.key(), now.Add(-i.config.Trust.Window()), s.At, maxAudits)
		if err != nil {
			return nil, err
		}
		for _, j := range held[:s.standing.ToAudit(i.config.Trust, len(held), now)] {
			jobs = append(jobs, j.Job)
		}
	}
	slices.Sort(jobs)
	return slices.Compact(jobs), nil
}

// quarantine keeps work from a device until a time. A device that is gone, or revoked, stays so.
func (i *Idle) quarantine(ctx context.Context, id DeviceID, until time.Time) error {
	_, err := i.revise(ctx, id, func(d *Device) (bool, error) {
		if d.Version == 0 || d.Quarantine.Equal(until) {
			return false, nil
		}
		d.Quarantine = until
		if d.State.Alive() {
			d.move(d.awake(i.now()), i.now())
		}
		return true, nil
	})
	return err
}

// CheckShare is the share of the next results of a device with this reputation that are compared, by the registry's rules.
func (i *Idle) CheckShare(r Reputation) float64 { return r.CheckShare(i.config.Trust) }

// Standings returns what is known of how rightly a device computes, by class and runtime. Errors: as Get.
func (i *Idle) Standings(ctx context.Context, id DeviceID) ([]Standing, error) {
	if _, err := i.Get(ctx, id); err != nil {
		return nil, err
	}
	standings, err := i.store.Standings(ctx, []DeviceID{id})
	slices.SortFunc(standings, func(a, b Standing) int { return a.compare(b.ReputationKey) })
	return standings, fault.Wrap("idle.standings", err)
}
