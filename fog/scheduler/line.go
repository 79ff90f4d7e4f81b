package scheduler

import (
	"cmp"
	"context"
	"strings"
	"time"

	"github.com/fogcompute/fogcompute/fog/principal"
)

// Lines reads the queue owner by owner, so that one owner's million jobs do not hide another's one, and gangs as a whole.
type Lines interface {
	// Lines names the lines that have queued jobs with ReadyAt <= now, in the order of Line.Compare and only those after the
	// given one (nil: from the first), at most limit.
	Lines(ctx context.Context, now time.Time, after *Line, limit int) ([]Line, error)
	// Heads reads queued jobs with ReadyAt <= now, for each of the lines the first ones that come after Head.After, at most
	// limit of each; best rank first. No two heads are of the same line. The records are shared and must not be written to.
	Heads(ctx context.Context, now time.Time, heads []Head, limit int) ([]*Record, error)
	// Members reads the jobs of arrays that are not in a final state. The order is not defined.
	Members(ctx context.Context, arrays []JobID) ([]Record, error)
}

// Line is the part of the queue where the jobs of one owner stand who have risen to tiers of one weight.
type Line struct {
	Weight int // of the tier
	Tenant principal.Tenant
	Owner  principal.Account
}

// LineOf is the line in which a job stands when it is queued.
func LineOf(j *Job) Line { return Line{Weight: RankOf(j).Weight, Tenant: j.Tenant, Owner: j.Owner} }

// Compare is negative when l comes before o: the greater weight first, then the smaller tenant and owner by their bytes.
func (l Line) Compare(o Line) int {
	return cmp.Or(o.Weight-l.Weight, strings.Compare(string(l.Tenant), string(o.Tenant)), strings.Compare(string(l.Owner), string(o.Owner)))
}

// Head is a line and how much of it is known already.
type Head struct {
	Line
	// After is the rank of the last job that is known; nil is none.
	After *Rank
}
