package server

import (
	"slices"
	"strings"

	"github.com/fogcompute/fogcompute/fog/scheduler"
)

// statusWord is the word that clients of the interface know for a state of the scheduler's machine.
func statusWord(state scheduler.State) string {
	switch state {
	case scheduler.Blocked:
		return "pending"
	case scheduler.Placed:
		return "queued"
	case scheduler.Reported:
		return "running"
	case scheduler.Validated, scheduler.Vested:
		return "completed"
	}
	return string(state)
}

// statesOf is the reverse, for filters: the states behind a word, or the exact state. Clients use pending and queued
// for the same thing.
func statesOf(status string) ([]scheduler.State, error) {
	word := strings.ToLower(status)
	if word == "" || word == "all" {
		return nil, nil
	}
	if word == "pending" || word == "queued" {
		return []scheduler.State{scheduler.Pending, scheduler.Blocked, scheduler.Queued, scheduler.Placed}, nil
	}
	states := slices.DeleteFunc(scheduler.States(), func(s scheduler.State) bool { return statusWord(s) != word })
	if len(states) > 0 {
		return states, nil
	}
	if exact := scheduler.State(word); slices.Contains(scheduler.States(), exact) {
		return []scheduler.State{exact}, nil
	}
	return nil, wrongField("query.status", "unknown status "+status)
}

// changeOf chooses among three by a word of PATCH.
func changeOf[T any](status string, pause, resume, cancel T) (T, error) {
	switch strings.ToLower(status) {
	case "pause", "paused":
		return pause, nil
	case "resume", "resumed", "queued", "pending", "running":
		return resume, nil
	case "cancel", "cancelled", "canceled":
		return cancel, nil
	}
	return pause, wrongField("body.status", "want pause, resume or cancel")
}
