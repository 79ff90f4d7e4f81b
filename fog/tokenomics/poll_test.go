package tokenomics_test

import (
	"context"
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fogcompute/fogcompute/fog/tokenomics"
)

// edit changes records behind the ledger's back.
type edit = func([]tokenomics.Record) []tokenomics.Record

// edited is a store whose records are not what was written.
type edited struct {
	tokenomics.Store
	edits []edit
}

// Snapshot shows records as they were edited.
func (s edited) Snapshot(ctx context.Context, read func(tokenomics.Moment) error) error {
	return s.Store.Snapshot(ctx, func(m tokenomics.Moment) error { return read(editedMoment{m, s.edits}) })
}

type editedMoment struct {
	tokenomics.Moment
	edits []edit
}

func (m editedMoment) Records(ctx context.Context, after tokenomics.RecordRef, limit int) ([]tokenomics.Record, error) {
	page, err := m.Moment.Records(ctx, after, limit)
	for _, change := range m.edits {
		page = change(page)
	}
	return page, err
}

// Votes may be missing where a purge says so and nowhere else: each tally is what its votes add up to, at least what a purge has left of them, or
// all of them are gone.
func TestNoVoteIsMissed(t *testing.T) {
	w := newTown(t, tokenomics.Config{Governance: tokenomics.Governance{MinPower: -1}}, "ann", "bob")
	w.stake(t, "ann", 1000)
	w.stake(t, "bob", 500)
	ended := w.propose(t, tokenomics.Propose{Key: "ended", Proposer: "ann"})
	w.vote(t, ended, "ann", tokenomics.ChoiceFor)
	w.vote(t, ended, "bob", tokenomics.ChoiceVeto)
	w.sweep(t, 7*24*time.Hour)
	open := w.propose(t, tokenomics.Propose{Key: "open", Proposer: "ann"})
	w.vote(t, open, "ann", tokenomics.ChoiceFor)
	require.NoError(t, w.Verify(ctx))

	of := func(class tokenomics.Class, id tokenomics.ProposalID, voter string) func(tokenomics.Record) bool {
		key := tokenomics.ProposalKey(id) + voter
		return func(r tokenomics.Record) bool { return r.Class == class && r.Key == key }
	}
	without := func(class tokenomics.Class, id tokenomics.ProposalID, voter string) edit {
		return func(page []tokenomics.Record) []tokenomics.Record {
			return slices.DeleteFunc(page, of(class, id, voter))
		}
	}
	poll := func(id tokenomics.ProposalID, state string) edit {
		return func(page []tokenomics.Record) []tokenomics.Record {
			for i := range page {
				if page[i].Class == tokenomics.ClassPoll {
					page[i].Key, page[i].State = tokenomics.ProposalKey(id), state
				}
			}
			return page
		}
	}
	stronger := func(page []tokenomics.Record) []tokenomics.Record {
		for i := range page {
			if of(tokenomics.ClassVote, ended, "/ann")(page[i]) {
				page[i].Body = json.RawMessage(`{"choice":"for","power":1000.000001}`)
			}
		}
		return page
	}
	annGone, bobGone, openGone := without(tokenomics.ClassVote, ended, "/ann"), without(tokenomics.ClassVote, ended, "/bob"), without(tokenomics.ClassVote, open, "/ann")
	pollGone, purging := without(tokenomics.ClassPoll, ended, ""), poll(ended, tokenomics.PollPurged)
	for name, c := range map[string]struct {
		edits []edit
		found string
	}{
		"a vote is missing":                     {[]edit{annGone}, "its votes add up to"},
		"a vote on what is open is missing":     {[]edit{openGone}, "its votes add up to"},
		"both are missing, no purge was begun":  {[]edit{annGone, bobGone}, "its votes add up to"},
		"one is missing where none may be left": {[]edit{annGone, pollGone}, "its votes add up to"},
		"all are gone":                          {[]edit{annGone, bobGone, pollGone}, ""},
		"some are gone":                         {[]edit{bobGone, purging}, ""},
		"one was made stronger":                 {[]edit{bobGone, purging, stronger}, "its votes add up to"},
		"what is open is purged":                {[]edit{openGone, poll(open, tokenomics.PollPurged)}, "its votes add up to"},
		"what is open has ended":                {[]edit{poll(open, tokenomics.PollPurged)}, "has not ended as its poll says"},
		"it has ended earlier":                  {[]edit{poll(ended, "00000000000000000001")}, "has not ended as its poll says"},
		"it does not exist":                     {[]edit{poll(9999, tokenomics.PollPurged)}, "proposal 9999 has not ended as its poll says"},
	} {
		auditor, err := tokenomics.New(tokenomics.Config{Now: w.clock.Now, Store: edited{w.store, c.edits}})
		require.NoError(t, err)
		if err := auditor.Verify(ctx); c.found == "" {
			require.NoError(t, err, name)
		} else {
			require.ErrorContains(t, err, c.found, name)
		}
	}
}
