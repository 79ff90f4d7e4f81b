package scheduler

import "time"

// Labels with a meaning of their own.
const (
	// LabelRegion says where a node is, see Route.
	LabelRegion = "region"
	// LabelZone names what fails together: replicas of a job run in distinct zones where they can.
	LabelZone = "zone"
)

// Objective is something of which a placement should have little. Nodes are compared by the weighted sum of all objectives, each
// divided by the greatest cost that it has on any node that the job could run on: costs may have any unit.
type Objective struct {
	// Name is for people: "response".
	Name string
	// Weight says how much the objective counts for a tier.
	Weight func(Tier) float64
	// Pair is what one slot of a job costs on a node, 0 or more; nil is nothing.
	Pair func(*Job, *Node) float64
	// Fixed is what a node costs once while it carries any attempt, 0 or more; nil is nothing.
	Fixed func(*Node) float64
	// Balance says that the objective is the growth of the square of the share that is used in the node's fullest dimension, and of
	// the GPU time that the jobs to come could not use any more, in devices. A job that needs GPUs counts only the latter: GPUs are to
	// be filled, not to be levelled. Pair and Fixed are not asked.
	Balance bool
}

// Objectives are the usual objectives, with jobs' data where they run.
func Objectives() []Objective { return ObjectivesOn(Route{}) }

// ObjectivesOn are the usual objectives: response with lateness, cost, energy, risk, and load balance.
//
//	           platinum  gold  silver  bronze
//	response       0.50  0.40    0.25    0.10
//	cost           0.05  0.10    0.25    0.35
//	energy         0.05  0.10    0.15    0.25
//	risk           0.30  0.25    0.15    0.05
//	balance        0.10  0.15    0.20    0.25
func ObjectivesOn(r Route) []Objective {
	return []Objective{
		{Name: "response", Weight: byTier(0.50, 0.40, 0.25, 0.10), Pair: r.response},
		{Name: "cost", Weight: byTier(0.05, 0.10, 0.25, 0.35), Pair: r.cost},
		{Name: "energy", Weight: byTier(0.05, 0.10, 0.15, 0.25), Pair: energy, Fixed: idleEnergy},
		{Name: "risk", Weight: byTier(0.30, 0.25, 0.15, 0.05), Pair: risk},
		{Name: "balance", Weight: byTier(0.10, 0.15, 0.20, 0.25), Balance: true},
	}
}

func byTier(platinum, gold, silver, bronze float64) func(Tier) float64 {
	return func(t Tier) float64 {
		switch t {
		case Platinum:
			return platinum
		case Gold:
			return gold
		case Silver:
			return silver
		}
		return bronze
	}
}

// Route says what it takes to bring a job's data to a node.
type Route struct {
	// Distance is how far two regions are apart, in hops; nil counts 1 between different ones. It is not asked where one of them
	// is unknown, which counts as no distance.
	Distance func(from, to string) float64
	// SecondsPerMB is the time that one megabyte needs for a hop; zero is 0.02, a link of 400 Mbit/s.
	SecondsPerMB float64
	// PricePerMB is what a megabyte costs for a hop; zero is 50, a twentieth of the price of a core's second.
	PricePerMB Price
}

// hops is how many megabytes have to go how far.
func (r Route) hops(j *Job, n *Node) float64 {
	region := n.Labels[LabelRegion]
	switch {
	case j.DataMB == 0 || j.DataAt == "" || region == "":
		return 0
	case r.Distance != nil:
		return j.DataMB * max(0, r.Distance(j.DataAt, region))
	case j.DataAt == region:
		return 0
	}
	return j.DataMB
}

// lateness is how many times a second beyond the job's target counts.
const lateness = 3

// response is the time until a job that starts now has its result, in seconds, and what it is late.
func (r Route) response(j *Job, n *Node) float64 {
	perMB := r.SecondsPerMB
	if perMB == 0 {
		perMB = 0.02
	}
	whole := j.seconds(n) + perMB*r.hops(j, n)
	if n.Capacity.MbitPS > 0 {
		whole += j.DataMB * 8 / float64(n.Capacity.MbitPS)
	}
	allowed := float64(TermsOf(j.Tier).DeadlineFactor) * j.length().Seconds()
	return whole + lateness*max(0, whole-allowed)
}

// cost is what a node asks for its cores, and the transfer, in base units.
func (r Route) cost(j *Job, n *Node) float64 {
	perMB := r.PricePerMB
	if perMB == 0 {
		perMB = 50
	}
	return j.seconds(n)*float64(j.Demand.MilliCPU)/1000*float64(n.Ask) + float64(perMB)*r.hops(j, n)
}

// energy is what the job's cores draw, in joules, and idleEnergy what the node draws because it is awake, for a minute.
func energy(j *Job, n *Node) float64 {
	return j.seconds(n) * float64(j.Demand.MilliCPU) / 1000 * n.WattsPerCore
}

func idleEnergy(n *Node) float64 { return 60 * n.IdleWatts }

// risk is the expected loss of work, in seconds.
func risk(j *Job, n *Node) float64 { return j.seconds(n) * (1 - min(1, max(0, n.Trust))) }

// length is how long the job runs on a node of speed 1, as far as anybody said.
func (j *Job) length() time.Duration {
	if j.Estimate > 0 {
		return j.Estimate
	}
	return j.MaxRuntime
}

// seconds is how long the job would run on a node, going by what it says of itself.
func (j *Job) seconds(n *Node) float64 {
	if n.Speed > 0 {
		return j.length().Seconds() / n.Speed
	}
	return j.length().Seconds()
}

// span is how long the job is expected to run on a node: at most as long as it may.
func (j *Job) span(n *Node) time.Duration {
	if j.Estimate == 0 {
		return j.MaxRuntime
	}
	return min(time.Duration(j.seconds(n)*float64(time.Second)), j.MaxRuntime)
}
