package moo

// Stop is the reason why a search ended.
type Stop uint8

const (
	// Running means that no bound has been met: the search was left by its caller, or has not begun.
	Running Stop = iota
	// ByGenerations means that Config.Generations has been met.
	ByGenerations
	// ByEvaluations means that Config.Evaluations has been met.
	ByEvaluations
	// ByTime means that Config.Time has run out.
	ByTime
	// ByTolerance means that the front no longer moved.
	ByTolerance
	// ByContext means that the context ended.
	ByContext
	// ByError means that an evaluation failed or gave what cannot be ranked.
	ByError
)

// String returns the reason in snake case: "running", "generations", "evaluations", "time", "tolerance", "context" or "error".
func (s Stop) String() string {
	names := [...]string{"running", "generations", "evaluations", "time", "tolerance", "context", "error"}
	if int(s) < len(names) {
		return names[s]
	}
	return "unknown"
}
