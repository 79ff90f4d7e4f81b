package tokenomics

import (
	"fmt"
	"slices"
	"time"
)

// ClassPoll has a record for each proposal that has ended and whose votes are kept, with the proposal's key. Its state says since when
// it has ended, in an order of texts that is the order of times; it is PollPurged from when some of the votes may be gone.
const ClassPoll Class = "poll"

// PollPurged is the state of a poll whose votes are being deleted. It is before all others.
const PollPurged = ""

// pollState is the state of a poll that has ended at a time, at or after 1970. The zero time is behind no poll that has ended.
func pollState(ended time.Time) string {
	if ended.IsZero() {
		return PollPurged
	}
	return fmt.Sprintf("%020d", ended.UnixMicro())
}

// Polls is the state before which polls are those of proposals that had ended before Votes.
func (h Horizon) Polls() string { return pollState(h.Votes) }

// BallotClasses lists the classes of records that are kept for each vote. Their keys begin with the proposal's and a slash.
func BallotClasses() []Class { return []Class{ClassVote, ClassOverride, ClassPerson} }

// poll names the poll to which the record of a vote belongs, and reports whether it is one.
func (r RecordRef) poll() (RecordRef, bool) {
	n := len(ProposalID(0).key())
	if !slices.Contains(BallotClasses(), r.Class) || len(r.Key) <= n {
		return RecordRef{}, false
	}
	return RecordRef{r.Tenant, ClassPoll, r.Key[:n]}, true
}

// poll notes that the votes of a proposal that has ended may be deleted one day. Closing does not touch them, however many there are.
func (d *docket) poll() error {
	if d.Ended.IsZero() || d.Tally.Voters == 0 {
		return nil
	}
	return d.e.put(d.it, Record{
		RecordRef: RecordRef{d.tenant, ClassPoll, d.id.key()}, Owner: d.Proposer, Creator: d.creator, State: pollState(d.Ended),
	}, struct{}{})
}

// purgePolls deletes at most limit votes of proposals that lie behind the horizon, then at most limit polls that have none left, and
// says how many rows. The caller holds m.mu.
func (m *Memory) purgePolls(horizon Horizon, limit int) int {
	empty := map[RecordRef]bool{}
	for ref, r := range m.records {
		if ref.Class == ClassPoll && len(empty) < limit && (r.State == PollPurged || r.State < horizon.Polls()) {
			r.State = PollPurged
			m.records[ref], empty[ref] = r, true
		}
	}
	if len(empty) == 0 {
		return 0
	}
	n := purgeMap(m.records, limit, func(ref RecordRef, _ Record) bool {
		poll, is := ref.poll()
		return is && empty[poll]
	})
	for ref := range m.records {
		if poll, is := ref.poll(); is {
			delete(empty, poll)
		}
	}
	return n + purgeMap(m.records, limit, func(ref RecordRef, _ Record) bool { return empty[ref] })
}

// counted reports whether the votes on a proposal add up to what they must: to its tally, or to what a purge has left of it.
func (p *parliament) counted(key string, q *auditedProposal) bool {
	state, kept := p.polls[key]
	switch {
	case q.Tally == q.tally:
		return true
	case q.Ended.IsZero():
		return false
	case !kept:
		return q.tally == Tally{}
	}
	return state == PollPurged && q.tally.within(q.Tally)
}

// within reports whether a tally can be a part of another.
func (t Tally) within(all Tally) bool {
	return t.For <= all.For && t.Against <= all.Against && t.Abstain <= all.Abstain && t.Veto <= all.Veto &&
		t.Turnout <= all.Turnout && t.Voters <= all.Voters
}
