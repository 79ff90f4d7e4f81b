package scheduler

import (
	"math"
	"slices"
	"strconv"
)

// holds reports whether a node's labels meet the condition.
func (t *Term) holds(labels map[string]string) bool {
	v, ok := labels[t.Key]
	switch t.Op {
	case In:
		return ok && slices.Contains(t.Values, v)
	case NotIn:
		return !ok || !slices.Contains(t.Values, v)
	case Exists:
		return ok
	case Absent:
		return !ok
	case Less, More:
		return ok && t.compares(v)
	}
	return false
}

func isNumber(s string) bool {
	f, err := strconv.ParseFloat(s, 64)
	return err == nil && !math.IsNaN(f)
}

// compares takes both sides of Less or More as numbers; what is no number meets neither.
func (t *Term) compares(v string) bool {
	if len(t.Values) == 0 {
		return false
	}
	x, err := strconv.ParseFloat(v, 64)
	y, err2 := strconv.ParseFloat(t.Values[0], 64)
	if err != nil || err2 != nil {
		return false
	}
	return t.Op == Less && x < y || t.Op == More && x > y
}

// admits reports whether a node's labels meet all that is required.
func (c *Constraints) admits(n *Node) bool {
	for i := range c.Require {
		if !c.Require[i].holds(n.Labels) {
			return false
		}
	}
	return true
}

// liking is the sum of the preferences that a node meets, as a share of all of them: -1..1.
func (c *Constraints) liking(n *Node) float64 {
	sum, all := 0, 0
	for i := range c.Prefer {
		p := &c.Prefer[i]
		all += max(p.Weight, -p.Weight)
		if p.holds(n.Labels) {
			sum += p.Weight
		}
	}
	if all == 0 {
		return 0
	}
	return float64(sum) / float64(all)
}

// tolerates reports whether a taint does not keep the job away.
func (c *Constraints) tolerates(t *Taint) bool {
	return slices.ContainsFunc(c.Tolerate, func(o Toleration) bool { return o.Key == t.Key && (o.Value == "" || o.Value == t.Value) })
}

// tainted reports whether one of a node's taints with an effect keeps the job away.
func (c *Constraints) tainted(n *Node, effects ...TaintEffect) bool {
	for i := range n.Taints {
		if t := &n.Taints[i]; slices.Contains(effects, t.Effect) && !c.tolerates(t) {
			return true
		}
	}
	return false
}
