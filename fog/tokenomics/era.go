package tokenomics

import (
	"slices"
	"strings"
	"time"

	"github.com/fogcompute/fogcompute/fog/principal"
)

// ClassEconomics has one record, in the default tenant: the parameters of staking that were in force before those of now.
const ClassEconomics Class = "economics"

// pastKey is its key, and maxEras how many changes it remembers.
const (
	pastKey = "past"
	maxEras = 32
)

// era is a time in which the parameters of staking stayed the same.
type era struct {
	Until     time.Time `json:"until"`     // of its end, which is not in it
	Economics Economics `json:"economics"` // with defaults
}

// past is the body of the record of what was in force before, oldest first.
type past struct {
	Eras []era `json:"eras"`
}

func (p *past) describe(r *Record) bool {
	r.Owner = Account(principal.Operator)
	return len(p.Eras) > 0
}

// end notes that parameters were in force until now.
func (p *past) end(economics Economics, now time.Time) {
	p.Eras = append(p.Eras, era{now, economics})
	p.Eras = slices.Delete(p.Eras, 0, max(len(p.Eras)-maxEras, 0))
}

// economy is the parameters of staking as a request finds them: those in force, and those of before.
type economy struct {
	now  Economics // with defaults
	past past
}

// at returns the parameters that were in force at a time.
func (y *economy) at(t time.Time) Economics {
	for i := range y.past.Eras {
		if t.Before(y.past.Eras[i].Until) {
			return y.past.Eras[i].Economics
		}
	}
	return y.now
}

// economy returns the parameters of staking: those of the Config with what was voted for over them. They are read once a batch, and
// again after a change. Errors: errMissing.
func (e *evaluation) economy() (*economy, error) {
	if e.parameters != nil {
		return e.parameters, nil
	}
	const tenant = principal.DefaultTenant
	_, version, err := e.rows(tenant)
	if err != nil {
		return nil, err
	}
	found := &economy{now: e.economics}
	if version > 0 {
		now, _, err1 := overlaid(e, tenant, e.rules.economics, e.economics)
		before, _, known, err2 := fetch[past](e, RecordRef{tenant, ClassEconomics, pastKey})
		if err2 == nil && !known {
			err2 = errMissing
		}
		if err := first(err1, err2); err != nil {
			return nil, err
		}
		if found.now = now.filled(); before != nil {
			found.past = *before
		}
	}
	e.parameters = found
	return found, nil
}

// overlaid returns parameters with what was voted for over them, and the version of all parameters. What cannot work, because another program
// has let it pass, changes nothing. Errors: errMissing.
func overlaid[P interface{ Validate() error }](e *evaluation, tenant principal.Tenant, knobs Knobs[P], base P) (P, int64, error) {
	keys := make([]string, len(knobs))
	for i, k := range knobs {
		keys[i] = k.key
	}
	rows, version, err := e.rows(tenant, keys...)
	if err != nil {
		return base, 0, err
	}
	values, err := snapshotOf(rows, version)
	if err != nil {
		return base, 0, err
	}
	whole := base
	knobs.Overlay(values)(&whole)
	if whole.Validate() != nil {
		whole = base
	}
	return whole, version, nil
}

// endEra brings rewards up to now by the parameters of staking that are in force, if the change is about them, so that those that follow
// act on nothing that was before; and it notes that they have been. Errors: errMissing.
func (c *change) endEra() error {
	about := false
	for key := range c.rows {
		about = about || strings.HasPrefix(key, economicsPrefix)
	}
	if !about {
		return nil
	}
	d := c.docket
	s, err := d.e.stakes(d.it)
	if err != nil {
		return err
	}
	before, err := row[past](s, ClassEconomics, pastKey)
	if err != nil {
		return err
	}
	before.end(s.economy.now, d.e.now)
	c.stakes, d.postings = s, append(d.postings, s.postings...)
	return nil
}

// eras checks that what was in force before ends in order.
func (a *auditor) eras(r Record) {
	var p past
	if a.decode(r, &p) && !slices.IsSortedFunc(p.Eras, func(x, y era) int { return x.Until.Compare(y.Until) }) {
		a.find("the parameters of staking of before are not in order")
	}
}
