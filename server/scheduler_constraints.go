package server

import "github.com/fogcompute/fogcompute/fog/scheduler"

// constraintsBody says on which nodes a job may run, in requests and in answers.
type constraintsBody struct {
	Require  []termBody       `json:"require,omitempty" maxItems:"16" doc:"Conditions on a node's labels that must all hold."`
	Prefer   []preferenceBody `json:"prefer,omitempty" maxItems:"16" doc:"Conditions that raise or lower the nodes for which they hold."`
	Tolerate []tolerationBody `json:"tolerate,omitempty" maxItems:"16" doc:"Taints that do not keep the job away."`
	Spread   []spreadBody     `json:"spread,omitempty" maxItems:"16" doc:"How many jobs of the group may run in one place."`
	Together string           `json:"together,omitempty" doc:"node, owner or a label, of which all running jobs of the group have one value; absent: no matter."`
}

// preferenceBody is a condition that counts.
type preferenceBody struct {
	termBody
	Weight int `json:"weight" minimum:"-100" maximum:"100" doc:"How much a node is worth for which it holds; negative: the job would rather not run there."`
}

type tolerationBody struct {
	Key   string `json:"key" minLength:"1" doc:"Name of the taint."`
	Value string `json:"value,omitempty" doc:"Its value; absent: any."`
}

type spreadBody struct {
	Key string `json:"key" minLength:"1" doc:"What a place is: node, owner (of the node) or a label. Nodes without the label are places of their own."`
	Max int    `json:"max" minimum:"1" doc:"Most jobs of the group in one place."`
}

// afterBody is a job that must have ended before another one is queued.
type afterBody struct {
	Job  string `json:"job" minLength:"1" doc:"Identifier of a job or of an array, which counts as a whole."`
	When string `json:"when,omitempty" enum:"success,failure,end" doc:"How it must have ended, success where absent. As soon as it cannot end so any more, the job that waits is cancelled."`
}

// constraints decodes; the scheduler judges the values.
func (b *constraintsBody) constraints() scheduler.Constraints {
	if b == nil {
		return scheduler.Constraints{}
	}
	return scheduler.Constraints{
		Require: some(b.Require, termBody.term),
		Prefer: some(b.Prefer, func(p preferenceBody) scheduler.Preference {
			return scheduler.Preference{Term: p.term(), Weight: p.Weight}
		}),
		Tolerate: some(b.Tolerate, func(t tolerationBody) scheduler.Toleration { return scheduler.Toleration(t) }),
		Spread:   some(b.Spread, func(s spreadBody) scheduler.Spread { return scheduler.Spread(s) }),
		Together: b.Together,
	}
}

func encodeConstraints(c *scheduler.Constraints) constraintsBody {
	return constraintsBody{
		Require: some(c.Require, encodeTerm),
		Prefer: some(c.Prefer, func(p scheduler.Preference) preferenceBody {
			return preferenceBody{termBody: encodeTerm(p.Term), Weight: p.Weight}
		}),
		Tolerate: some(c.Tolerate, func(t scheduler.Toleration) tolerationBody { return tolerationBody(t) }),
		Spread:   some(c.Spread, func(s scheduler.Spread) spreadBody { return spreadBody(s) }),
		Together: c.Together,
	}
}

func (a afterBody) dependency() scheduler.Dependency {
	return scheduler.Dependency{Job: scheduler.JobID(a.Job), When: scheduler.When(a.When)}
}

func encodeAfter(d scheduler.Dependency) afterBody {
	return afterBody{Job: string(d.Job), When: string(d.When)}
}

// some converts a list as each does, but an empty one to nil: in a submission no list and an empty list are the same.
func some[A, B any](in []A, convert func(A) B) []B {
	if len(in) == 0 {
		return nil
	}
	return each(in, convert)
}
