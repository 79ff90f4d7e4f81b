package scheduler

import (
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
)

// maxPull bounds Preference.Weight either way.
const maxPull = 100

// traits checks what a submission says beyond the job itself, and fills zeros in.
func (b *Submission) traits() error {
	const op = StepSubmit
	switch {
	case !isWord(b.Group):
		return fault.Field(op, "group", "want at most %d bytes of text", maxWord)
	case !isWord(b.DataAt):
		return fault.Field(op, "data_at", "want at most %d bytes of text", maxWord)
	case b.Count < 0 || b.Count > maxCount:
		return fault.Field(op, "count", "%d is not between 0 and %d", b.Count, maxCount)
	case len(b.After) > maxAfter:
		return fault.Field(op, "after", "want at most %d dependencies", maxAfter)
	case len(b.After)*b.Count > maxWaits:
		return fault.Field(op, "after", "%d tasks with %d dependencies each are more than %d: name arrays", b.Count, len(b.After), maxWaits)
	}
	if b.Count == 1 {
		b.Count = 0
	}
	if err := b.dependencies(); err != nil {
		return err
	}
	return b.Constraints.validate()
}

// isText reports whether a text has at most so many bytes and is one that every database keeps as it is; "" is.
func isText(s string, most int) bool {
	return len(s) <= most && utf8.ValidString(s) && strings.IndexByte(s, 0) < 0
}

// isWord reports whether a text is short and fit for a name; "" is.
func isWord(s string) bool { return isText(s, maxWord) }

// isDate reports whether a time has a year that can be written down, 1 to 9999; the zero time has.
func isDate(t time.Time) bool {
	year := t.UTC().Year()
	return year >= 1 && year <= 9999
}

// dependencies checks what a submission waits for, and fills OnSuccess in.
func (b *Submission) dependencies() error {
	if len(b.After) == 0 {
		b.After = nil
		return nil
	}
	b.After = slices.Clone(b.After)
	seen := make(map[JobID]bool, len(b.After))
	for i := range b.After {
		d := &b.After[i]
		switch {
		case d.Job == "" || !isText(string(d.Job), len("@")+maxKey):
			return fault.Field(StepSubmit, "after", "want the name of a job")
		case seen[d.Job]:
			return fault.Field(StepSubmit, "after", "%q is named twice", d.Job)
		case d.When == "":
			d.When = OnSuccess
		case d.When != OnSuccess && d.When != OnFailure && d.When != OnEnd:
			return fault.Field(StepSubmit, "after", "unknown condition %q: want success, failure or end", d.When)
		}
		seen[d.Job] = true
	}
	return nil
}

// validate checks the form of constraints; whether any node meets them is not asked.
func (c *Constraints) validate() error {
	const op, field = StepSubmit, "constraints"
	if len(c.Require) > maxTerms || len(c.Prefer) > maxTerms || len(c.Tolerate) > maxTerms || len(c.Spread) > maxTerms {
		return fault.Field(op, field, "want at most %d of each kind", maxTerms)
	}
	if err := validateTerms(op, field, c.Require); err != nil {
		return err
	}
	for i := range c.Prefer {
		if err := c.Prefer[i].validate(op, field); err != nil {
			return err
		}
		if w := c.Prefer[i].Weight; w < -maxPull || w > maxPull {
			return fault.Field(op, field, "prefer: weight %d is not between %d and %d", w, -maxPull, maxPull)
		}
	}
	for _, t := range c.Tolerate {
		if t.Key == "" || !isWord(t.Key) || !isWord(t.Value) {
			return fault.Field(op, field, "tolerate: want a key and a value of at most %d bytes", maxWord)
		}
	}
	for i, s := range c.Spread {
		if s.Key == "" || !isWord(s.Key) || s.Max < 1 {
			return fault.Field(op, field, "spread: want a key of at most %d bytes and a maximum of 1 or more", maxWord)
		}
		if slices.ContainsFunc(c.Spread[:i], func(o Spread) bool { return o.Key == s.Key }) {
			return fault.Field(op, field, "spread: %q is named twice", s.Key)
		}
	}
	if !isWord(c.Together) {
		return fault.Field(op, field, "together: want a key of at most %d bytes", maxWord)
	}
	return nil
}
