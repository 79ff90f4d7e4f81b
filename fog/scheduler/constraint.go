package scheduler

// Constraints say on which nodes a job may run and on which it would rather. The zero value takes any node that is not
// tainted.
type Constraints struct {
	// Require must all hold for a node.
	Require []Term `json:"require,omitempty"`
	// Prefer raise or lower the nodes for which they hold.
	Prefer []Preference `json:"prefer,omitempty"`
	// Tolerate are the taints that do not keep the job away.
	Tolerate []Toleration `json:"tolerate,omitempty"`
	// Spread bounds how many jobs of the job's group run in one place.
	Spread []Spread `json:"spread,omitempty"`
	// Together is a key, as of Spread, of which all running jobs of the group have one value; "" is none.
	Together string `json:"together,omitempty"`
}

// Term is a condition on a node's labels.
type Term struct {
	Key    string   `json:"key"`
	Op     Op       `json:"op"`
	Values []string `json:"values,omitempty"`
}

// Op compares a node's label with the values of a Term.
type Op string

// The comparisons. In and NotIn take one value or more, Less and More take one that is a number, Exists and Absent take none.
// Where a node has no such label, NotIn and Absent hold and the others do not.
const (
	In     Op = "in"
	NotIn  Op = "not_in"
	Exists Op = "exists"
	Absent Op = "absent"
	Less   Op = "less"
	More   Op = "more"
)

// Preference is a Term that counts, -100..100, where it holds.
type Preference struct {
	Term
	Weight int `json:"weight"`
}

// Taint keeps jobs away from a node.
type Taint struct {
	Key    string      `json:"key"`
	Value  string      `json:"value,omitempty"`
	Effect TaintEffect `json:"effect"`
}

// TaintEffect is what a taint does to jobs that do not tolerate it.
type TaintEffect string

// The effects: Refuse lets no new job in, Avoid only where no other node could take it, and Evict takes away the running ones
// as well.
const (
	Refuse TaintEffect = "refuse"
	Avoid  TaintEffect = "avoid"
	Evict  TaintEffect = "evict"
)

// Toleration names taints that do not keep a job away: those with the key, and with the value unless it is "".
type Toleration struct {
	Key   string `json:"key"`
	Value string `json:"value,omitempty"`
}

// Spread bounds how many jobs of a group run in one place. Key is "node", "owner" (of the node) or a label; Max is at least 1. Nodes
// without the label are places of their own.
type Spread struct {
	Key string `json:"key"`
	Max int    `json:"max"`
}
