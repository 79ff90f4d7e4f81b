package agent

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/fogcompute/fogcompute/fog/idle"
)

// Status is what an agent has been doing.
type Status struct {
	ID        string        `json:"id"`
	Connected bool          `json:"connected"` // the server answered last time
	Eligible  bool          `json:"eligible"`  // guests may run; else they are suspended
	Reasons   []idle.Reason `json:"reasons"`   // why not, by the device's own policy
	Held      int           `json:"held"`      // attempts now
	Done      int64         `json:"done"`      // results that the server has accepted
	Failed    int64         `json:"failed"`    // of these, with a class
	Dropped   int64         `json:"dropped"`   // attempts that were cancelled, or whose result was not wanted any more
	Beats     int64         `json:"beats"`     // that were answered

	Phase    idle.Phase    `json:"phase"`     // what its guests do
	CPUShare float64       `json:"cpu_share"` // of all cores that guests may use now, 0 to 1
	WhyNot   []idle.Reason `json:"why_not"`   // all the reasons why it does not do more
	At       time.Time     `json:"at"`        // when this was so, by the device's clock
}

// Codes of the reasons why an agent does not do more, beside those of idle.Evaluate and idle.Decide.
const (
	Unconnected = "unconnected" // the server has not answered
	HoldsAll    = "holds_all"   // as many attempts as it may
	RunsAll     = "runs_all"    // as many guests as it may
	Throttled   = "throttled"   // guests have used more than their share and wait
	NoWork      = "no_work"     // the server has none for it
)

// Status returns what the agent has been doing.
func (a *Agent) Status() Status {
	a.mu.Lock()
	defer a.mu.Unlock()
	s, about := a.status, a.situation()
	s.Eligible, s.Reasons, s.Held = a.paused.IsZero(), slices.Clone(a.decision.Reasons), len(a.attempts)
	s.Phase, s.CPUShare, s.At = about.Phase, a.share(), a.cfg.Now()
	s.WhyNot = a.whyNot(&about)
	return s
}

// whyNot lists why the agent does not do more. The lock is held.
func (a *Agent) whyNot(about *idle.Situation) []idle.Reason {
	var why []idle.Reason
	add := func(code, format string, args ...any) {
		why = append(why, idle.Reason{Code: code, Text: fmt.Sprintf(format, args...)})
	}
	if !a.status.Connected {
		add(Unconnected, "the server %s has not answered", a.cfg.Server)
	}
	why = append(why, idle.Decide(about, a.cfg.Now()).Reasons...)
	if about.Desired == idle.Drain && about.Phase != idle.Vacant {
		add(idle.NotTaking, "the device drains: it takes no more work")
	}
	if len(a.attempts) >= a.cfg.MaxHeld {
		add(HoldsAll, "holds %d attempts, the most that it may", len(a.attempts))
	}
	if len(a.slots) == cap(a.slots) {
		add(RunsAll, "runs %d guests, the most that it may", len(a.slots))
	}
	if a.throttled {
		add(Throttled, "guests have used more than %.0f %% of the CPU and wait", a.share()*100)
	}
	if len(why) == 0 {
		add(NoWork, "the server has no more work for this device")
	}
	return why
}

// statusFile is in the agent's folder.
const statusFile = "status.json"

// publish writes the status into the agent's folder, for ReadStatus. A full disk keeps nobody from working.
func (a *Agent) publish() {
	text, err := json.Marshal(a.Status())
	if err == nil {
		name := filepath.Join(a.dir, statusFile)
		if err = os.WriteFile(name+".new", text, 0o600); err == nil {
			err = os.Rename(name+".new", name)
		}
	}
	if err != nil {
		a.cfg.Logger.Debug("status", "error", err)
	}
}

// ReadStatus returns what the agent with a data folder and an identifier, as in its Config, last wrote about itself, and whether it is
// running. It may be a few seconds old: see Status.At. The error is fs.ErrNotExist if there has been no agent.
func ReadStatus(dataDir, id string) (s Status, running bool, err error) {
	dir, err := dataFolder(dataDir, id)
	if err != nil {
		return s, false, err
	}
	text, err := os.ReadFile(filepath.Join(dir, statusFile))
	if err != nil {
		return s, false, fmt.Errorf("agent: status: %w", err)
	}
	if err := json.Unmarshal(text, &s); err != nil {
		return s, false, fmt.Errorf("agent: status: %w", err)
	}
	lock, err := lockDir(dir)
	if err != nil {
		return s, true, nil //nolint:nilerr // somebody holds the lock: that is the answer
	}
	return s, false, errors.Join(lock.Close())
}
