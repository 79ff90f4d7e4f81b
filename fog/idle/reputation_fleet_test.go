package idle_test

import (
	"math/rand/v2"
	"slices"
	"time"

	"github.com/fogcompute/fogcompute/fog/idle"
)

// fleet is a fleet of devices whose results are trusted by rules: the simulator. Of the production code it uses the reputation and its
// rules; everything else is as simple as it can be. A device computes one job at a time and belongs to an owner of its own.
type fleet struct {
	rules   idle.TrustRules
	quorum  bool // each job is compared, whatever the reputation
	liars   lying
	errors  float64 // share of honest results that are wrong
	random  *rand.Rand
	devices []computer
	now     time.Time
	unique  int
	struck  []*computer // whose results are to be audited
	said    []int       // about the job that is being compared
	by      []*computer // who said it

	jobs, executions   int
	wrong, lies        int // accepted results that are wrong, and those of them that are lies
	banned, honestBans int
	unresolved         int
}

// lying is what the liars of a fleet do.
type lying struct {
	devices int
	share   float64 // of their jobs
	after   int     // jobs that they compute honestly first
	collude bool    // they lie about the same jobs, and tell the same lie
}

// computer is one device.
type computer struct {
	reputation idle.Reputation
	liar       bool
	done       int
	alone      []single // accepted without a comparison, oldest first
}

// single is a result that was accepted alone.
type single struct {
	job    int
	answer int
	at     time.Time
}

// truth is what a job's result is. Lies are below it, and the errors of honest devices above.
const truth = 0

// answer is what a device says about a job: the truth, the common lie, or a lie or an error that nobody else makes.
func (f *fleet) answer(c *computer, job int) int {
	c.done++
	f.executions++
	f.unique++
	if !c.liar || c.done <= f.liars.after {
		if f.errors > 0 && f.random.Float64() < f.errors {
			return truth + f.unique
		}
		return truth
	}
	if f.liars.collude {
		if rand.New(rand.NewPCG(uint64(job), 7)).Float64() < f.liars.share {
			return truth - 1
		}
		return truth
	}
	if f.random.Float64() < f.liars.share {
		return truth - 1 - f.unique
	}
	return truth
}

const (
	simDevices = 1000
	simRounds  = 200
	simPause   = 15 * time.Minute // of a device, from one job to the next
)

// run simulates a fleet in which each device computes 200 jobs, or others do for those in quarantine.
func (f *fleet) run(seed uint64) {
	f.random = rand.New(rand.NewPCG(seed, 1))
	f.now = time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)
	f.devices = make([]computer, simDevices)
	for i := range f.devices {
		f.devices[i] = computer{liar: i < f.liars.devices}
	}
	free := make([]*computer, 0, simDevices)
	for range simRounds {
		f.now = f.now.Add(simPause)
		free = free[:0]
		for i := range f.devices {
			if c := &f.devices[i]; !c.reputation.Quarantined(f.now) {
				free = append(free, c)
			}
		}
		f.random.Shuffle(len(free), func(i, k int) { free[i], free[k] = free[k], free[i] })
		for k := range simDevices {
			f.compute(free[k%len(free)])
		}
	}
}

// compute lets a device compute a new job.
func (f *fleet) compute(c *computer) {
	job := f.jobs
	f.jobs++
	answer := f.answer(c, job)
	if !f.quorum && !c.reputation.NeedsCheck(f.rules, f.random.Float64()) {
		c.reputation = c.reputation.Accepted()
		if f.rules.Held(f.now, f.now) {
			c.alone = append(c.alone, single{job: job, answer: answer, at: f.now})
		}
		f.accept(answer, 1)
		return
	}
	if said, ok := f.compare(c, job, answer); ok {
		f.accept(said, 1)
	}
	f.audit()
}

// accept counts a result that is accepted, or with by -1 takes it back.
func (f *fleet) accept(answer, by int) {
	if answer != truth {
		f.wrong += by
	}
	if answer < truth {
		f.lies += by
	}
}

// compare has a job computed elsewhere until two devices agree, by two further devices than two at most.
func (f *fleet) compare(c *computer, job, answer int) (int, bool) {
	f.said, f.by = append(f.said[:0], answer), append(f.by[:0], c)
	for len(f.said) < 4 {
		other := &f.devices[f.random.IntN(len(f.devices))]
		if other.reputation.Quarantined(f.now) || slices.Contains(f.by, other) {
			continue
		}
		next := f.answer(other, job)
		agreed := slices.Contains(f.said, next)
		f.said, f.by = append(f.said, next), append(f.by, other)
		if agreed {
			f.judge(next)
			return next, true
		}
	}
	f.unresolved++
	return 0, false
}

// judge tells the reputations of those who compared a job.
func (f *fleet) judge(right int) {
	for i, c := range f.by {
		if f.said[i] == right {
			c.reputation = c.reputation.Confirmed()
			continue
		}
		was := c.reputation.Quarantined(f.now)
		c.reputation = c.reputation.Struck(f.rules, f.now)
		f.struck = append(f.struck, c)
		if !was && c.reputation.Quarantined(f.now) {
			f.banned++
			if !c.liar {
				f.honestBans++
			}
		}
	}
}

// audit compares what the devices that were struck have computed alone and is held back.
func (f *fleet) audit() {
	for len(f.struck) > 0 {
		c := f.struck[len(f.struck)-1]
		f.struck = f.struck[:len(f.struck)-1]
		for len(c.alone) > 0 && !f.rules.Held(c.alone[0].at, f.now) {
			c.alone = c.alone[1:]
		}
		from := len(c.alone) - c.reputation.ToAudit(f.rules, len(c.alone), f.now)
		audited := slices.Clone(c.alone[from:])
		c.alone = c.alone[:from]
		for _, s := range audited {
			f.accept(s.answer, -1)
			if said, ok := f.compare(c, s.job, s.answer); ok {
				f.accept(said, 1)
			}
		}
	}
}
