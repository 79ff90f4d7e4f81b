package idle

import (
	"fmt"
	"slices"
	"time"
)

// Phase is what the guests of a device do. The phases and actions are those of HTCondor's machine policy (HTCondor manual,
// "Policy Configuration for Execution Points"):
//
//	         START            SUSPEND
//	Vacant ---------> Working ---------> Suspended
//	   ^                 ^                |  |
//	   |                 +----------------+  |
//	   |                      CONTINUE       |
//	   +-------------------------------------+
//	     PREEMPT, and KILL from every phase
type Phase string

const (
	// Vacant has no guest.
	Vacant Phase = "vacant"
	// Working has guests that run.
	Working Phase = "working"
	// Suspended has guests that are paused: they keep their memory and their leases.
	Suspended Phase = "suspended"
)

// Action is what a device does with its guests.
type Action string

const (
	// Stay changes nothing.
	Stay Action = "STAY"
	// Start takes work.
	Start Action = "START"
	// Suspend pauses the guests.
	Suspend Action = "SUSPEND"
	// Continue lets paused guests go on.
	Continue Action = "CONTINUE"
	// Preempt ends the guests and gives their attempts back to the server, which places them elsewhere at once.
	Preempt Action = "PREEMPT"
	// Kill ends the guests without a word: nobody wants their results.
	Kill Action = "KILL"
)

// Verdict is an action with all its reasons.
type Verdict struct {
	Action  Action
	Reasons []Reason // empty only for START, CONTINUE, and STAY of a device that works
}

// Situation is what Decide is about.
type Situation struct {
	Phase    Phase
	Since    time.Time // when the phase began
	Desired  Desired   // what the server wants; empty: Run
	Decision Decision  // what the policy says
	// Forbidden are the server's reasons where it forbids what the device's own policy allows; empty: it does not.
	Forbidden []Reason
	// Patience is for how long guests are suspended before they are preempted.
	Patience time.Duration
}

// Codes of the reasons that Decide gives beside those of Evaluate.
const (
	Stopping        = "stopping"          // the server told the device to go away
	NotTaking       = "draining"          // the device finishes what it holds and takes no more
	SuspendedTooFar = "suspended_too_far" // guests have been suspended for as long as the policy lets them
)

// Decide returns what a device does with its guests, and why. It is a pure function of its argument and the time:
//
//	KILL      the server wants the device to stop
//	START     no guest, the policy and the server allow it, and the device does not drain
//	SUSPEND   guests run, and the policy or the server forbids it
//	CONTINUE  guests are suspended, and neither forbids it any more
//	PREEMPT   guests are suspended and memory or disk is short, for they occupy both; or have been for Patience
func Decide(s *Situation, now time.Time) Verdict {
	forbidden := slices.Concat(s.Decision.Reasons, s.Forbidden)
	if s.Desired == Stop {
		return Verdict{Kill, append([]Reason{{Stopping, "the server told this device to stop"}}, forbidden...)}
	}
	may := s.Decision.Eligible && len(s.Forbidden) == 0
	switch {
	case s.Phase == Working && !may:
		return Verdict{Suspend, forbidden}
	case s.Phase == Suspended && may:
		return Verdict{Continue, nil}
	case s.Phase == Suspended && slices.ContainsFunc(forbidden, crowded):
		return Verdict{Preempt, forbidden}
	case s.Phase == Suspended && now.Sub(s.Since) >= s.Patience:
		late := Reason{SuspendedTooFar, fmt.Sprintf("suspended for more than %s", s.Patience)}
		return Verdict{Preempt, append([]Reason{late}, forbidden...)}
	case s.Phase == Working || s.Phase == Suspended:
		return Verdict{Stay, forbidden}
	case s.Desired == Drain:
		return Verdict{Stay, append([]Reason{{NotTaking, "the device drains: it takes no more work"}}, forbidden...)}
	case may:
		return Verdict{Start, nil}
	default:
		return Verdict{Stay, forbidden}
	}
}

// crowded reports whether a reason calls for what a suspended guest occupies.
func crowded(r Reason) bool { return r.Code == MemoryLow || r.Code == DiskLow }
