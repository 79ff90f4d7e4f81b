package scheduler

import (
	"cmp"
	"container/heap"
	"context"
	"slices"
	"time"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
)

// turns says whose job comes next: of the best tier, by dominant resource fairness the owner with the least weighted dominant
// share (Ghodsi et al., NSDI 2011, algorithm 1), and of that owner's jobs the first. Unlike there an owner whose next job finds no
// room does not end the round: others may fit.
//
// Lines are read when their turn comes, some jobs at a time. Shares only grow while a round places jobs, so the heap sifts a
// line down when it comes up with a share that is out of date.
type turns struct {
	heap  lineHeap
	share func(account) float64
	// fetch reads more jobs of lines whose turn it is: it appends to turn.jobs, sets turn.after, and turn.more where there may
	// be still more.
	fetch func(ctx context.Context, lines []*turn) error
	batch int // lines that are fetched at once, at most
}

// turn is one line.
type turn struct {
	Line
	share  float64
	jobs   []*Record
	after  *Rank
	more   bool
	last   bool // no more turns in this round
	misses int  // jobs in a row that found no room
	at     int  // when its turn comes among equals
}

// owner is whose line it is.
func (t *turn) owner() account { return account{t.Tenant, t.Owner} }

type lineHeap []*turn

func (h lineHeap) Len() int      { return len(h) }
func (h lineHeap) Swap(i, k int) { h[i], h[k] = h[k], h[i] }
func (h *lineHeap) Push(x any)   { *h = append(*h, x.(*turn)) }
func (h *lineHeap) Pop() any {
	last := (*h)[len(*h)-1]
	(*h)[len(*h)-1] = nil
	*h = (*h)[:len(*h)-1]
	return last
}

func (h lineHeap) Less(i, k int) bool { return compareTurns(h[i], h[k]) < 0 }

// compareTurns orders lines by weight, then share. Of equals those that are read come first, by their first jobs.
func compareTurns(a, b *turn) int {
	if c := cmp.Or(b.Weight-a.Weight, cmp.Compare(a.share, b.share)); c != 0 {
		return c
	}
	switch read := len(a.jobs) > 0; {
	case read != (len(b.jobs) > 0) && read:
		return -1
	case read != (len(b.jobs) > 0):
		return 1
	case read:
		return RankOf(&a.jobs[0].Job).Compare(RankOf(&b.jobs[0].Job))
	}
	return cmp.Compare(a.at, b.at)
}

// newTurns makes the order of some lines; those without jobs and without more are left out.
func newTurns(lines []*turn, share func(account) float64, fetch func(context.Context, []*turn) error, batch int) *turns {
	t := &turns{share: share, fetch: fetch, batch: batch}
	for i, l := range lines {
		if len(l.jobs) > 0 || l.more {
			l.share, l.at = share(l.owner()), i
			t.heap = append(t.heap, l)
		}
	}
	heap.Init(&t.heap)
	return t
}

// linesOf sorts jobs in the order of their rank into their lines.
func linesOf(jobs []*Record) []*turn {
	known := make(map[Line]*turn, 1)
	var out []*turn
	for i := range jobs {
		l := LineOf(&jobs[i].Job)
		if known[l] == nil {
			known[l] = &turn{Line: l}
			out = append(out, known[l])
		}
		known[l].jobs = append(known[l].jobs, jobs[i])
	}
	return out
}

// next is the job whose turn it is, nil when there are no more, and its line. The caller says before the next call whether the line
// goes on (turn.last), and the shares as they are then count.
func (t *turns) next(ctx context.Context) (*Record, *turn, error) {
	for len(t.heap) > 0 {
		top := t.heap[0]
		if len(t.heap) > 1 {
			if now := t.share(top.owner()); now != top.share && !top.last {
				top.share = now
				heap.Fix(&t.heap, 0)
				continue
			}
		}
		switch {
		case top.last || len(top.jobs) == 0 && !top.more:
			heap.Pop(&t.heap)
		case len(top.jobs) == 0:
			if err := t.read(ctx, top); err != nil {
				return nil, nil, err
			}
		default:
			job := top.jobs[0]
			top.jobs = top.jobs[1:]
			if len(top.jobs) == 0 && !top.more {
				top.last = true
			} else {
				heap.Fix(&t.heap, 0)
			}
			return job, top, nil
		}
	}
	return nil, nil, nil
}

// read fetches jobs of the line whose turn it is, and of those of its tier that come next.
func (t *turns) read(ctx context.Context, top *turn) error {
	due := make([]*turn, 0, t.batch)
	for _, l := range t.heap {
		if l != top && l.Weight == top.Weight && len(l.jobs) == 0 && l.more && !l.last {
			due = append(due, l)
		}
	}
	sortBy(due, func(a, b **turn) int { return compareTurns(*a, *b) })
	due = append([]*turn{top}, due...)
	if err := t.fetch(ctx, due[:min(len(due), max(t.batch, 1))]); err != nil {
		return err
	}
	heap.Init(&t.heap)
	return nil
}

// maxLines is how many lines a round looks at.
const maxLines = 512

// queue is the order of the jobs that may be placed ahead time.Duration. While the queue is short, or one owner's, it is read as a whole;
// else line by line.
func (p *planner) queue(ctx context.Context, ahead time.Duration, limit int) (*turns, error) {
	first, err := p.s.cfg.Store.Ready(ctx, p.s.now().Add(ahead), nil, limit)
	if err != nil {
		return nil, fault.Wrap("scheduler.plan", err)
	}
	if len(first) < limit {
		return newTurns(linesOf(first), p.weighted, nil, 0), nil
	}
	if ahead > 0 || slices.ContainsFunc(first, func(r *Record) bool { return p.misses(LineOf(&r.Job)) }) {
		if err := p.enlist(ctx, ahead); err != nil {
			return nil, err
		}
	}
	if len(p.lines) <= 1 {
		rank := RankOf(&first[len(first)-1].Job)
		return newTurns([]*turn{{jobs: first, after: &rank, more: true}}, func(account) float64 { return 0 }, p.readOn(ahead, limit), 1), nil
	}
	lines := make([]*turn, len(p.lines))
	for i, l := range p.lines {
		lines[i] = &turn{Line: l, more: true}
	}
	return newTurns(lines, p.weighted, p.readLines(ahead, limit), limit), nil
}

// weighted is the share by which owners take turns.
func (p *planner) weighted(a account) float64 {
	u := p.roster.user(a)
	return p.roster.share(u, u.used, p.weight(a))
}

func (p *planner) weight(a account) float64 {
	if w := p.quotas[a].Weight; w > 0 {
		return w
	}
	return 1
}

// readOn reads on in the queue as a whole.
func (p *planner) readOn(ahead time.Duration, limit int) func(context.Context, []*turn) error {
	return func(ctx context.Context, lines []*turn) error {
		limit = min(2*limit, maxPage)
		records, err := p.s.cfg.Store.Ready(ctx, p.s.now().Add(ahead), lines[0].after, limit)
		if err != nil {
			return fault.Wrap("scheduler.plan", err)
		}
		lines[0].jobs, lines[0].more = records, len(records) == limit
		if len(records) > 0 {
			rank := RankOf(&records[len(records)-1].Job)
			lines[0].after = &rank
		}
		return nil
	}
}

// readLines reads the heads of lines.
func (p *planner) readLines(ahead time.Duration, limit int) func(context.Context, []*turn) error {
	return func(ctx context.Context, lines []*turn) error {
		heads := make([]Head, len(lines))
		known := make(map[Line]*turn, len(lines))
		for i, l := range lines {
			heads[i], known[l.Line] = Head{Line: l.Line, After: l.after}, l
			l.more = false
		}
		each := max(1, 2*limit/len(lines))
		records, err := p.s.cfg.Store.Heads(ctx, p.s.now().Add(ahead), heads, each)
		if err != nil {
			return fault.Wrap("scheduler.plan", err)
		}
		for i := range records {
			l := known[LineOf(&records[i].Job)]
			l.jobs = append(l.jobs, records[i])
			rank := RankOf(&records[i].Job)
			l.after, l.more = &rank, len(l.jobs) == each
		}
		return nil
	}
}

// misses reports whether a line is not among those that a round looks at though it should be: somebody came since they were read. So a
// line that is new and better than others does not wait until they are read again.
func (p *planner) misses(l Line) bool {
	switch n := len(p.lines); {
	case p.listed[l]:
		return false
	case n < maxLines:
		return true
	case p.window != nil:
		return l.Weight > p.window.Weight
	default:
		return l.Compare(p.lines[n-1]) < 0
	}
}

// enrol reads which lines there are, and the quotas.
func (p *planner) enrol(ctx context.Context) error {
	quotas, err := p.s.cfg.Store.Quotas(ctx, "")
	if err != nil {
		return fault.Wrap("scheduler.plan", err)
	}
	p.quotas = make(map[account]Quota, len(quotas))
	for _, q := range quotas {
		p.quotas[account{q.Tenant, q.Owner}] = q
	}
	return p.enlist(ctx, 0)
}

// enlist reads which lines have jobs that may be placed ahead time.Duration.
func (p *planner) enlist(ctx context.Context, ahead time.Duration) error {
	lines, err := p.s.cfg.Store.Lines(ctx, p.s.now().Add(ahead), nil, maxLines)
	if err != nil {
		return fault.Wrap("scheduler.plan", err)
	}
	if len(lines) == maxLines && lines[maxLines-1].Weight == lines[0].Weight {
		return p.pan(ctx, lines, ahead)
	}
	p.list(lines)
	p.window = nil
	return nil
}

// pan chooses among more lines of the best tier than a round looks at: those that come after the ones that were chosen before, and
// then the first ones again, so that all have their turn.
func (p *planner) pan(ctx context.Context, first []Line, ahead time.Duration) error {
	chosen := make([]Line, 0, maxLines)
	if p.window != nil && p.window.Weight == first[0].Weight {
		after, err := p.s.cfg.Store.Lines(ctx, p.s.now().Add(ahead), p.window, maxLines)
		if err != nil {
			return fault.Wrap("scheduler.plan", err)
		}
		for _, l := range after {
			if l.Weight == first[0].Weight {
				chosen = append(chosen, l)
			}
		}
	}
	for _, l := range first {
		if len(chosen) < maxLines && !slices.Contains(chosen, l) {
			chosen = append(chosen, l)
		}
	}
	last := chosen[maxLines-1]
	p.list(chosen)
	p.window = &last
	return nil
}

// list takes lines for those that have jobs.
func (p *planner) list(lines []Line) {
	p.lines, p.listed = lines, make(map[Line]bool, len(lines))
	for _, l := range lines {
		p.listed[l] = true
	}
}
