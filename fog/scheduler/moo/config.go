package moo

import (
	"time"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
)

// Config says how long and how a search runs. The zero value is NSGA-II with 100 individuals in the caller's goroutine
// until the context ends; Run asks for at least one bound, Generations does not.
type Config struct {
	// Population is the number of individuals that live on from one generation to the next; any number from 4. 0 means 100.
	Population int

	// Seed decides every random choice: the same seed gives the same front for any number of workers. 0 is a seed too.
	Seed uint64

	// Generations bounds the generations made after the initial population, restored ones included. 0 means no bound.
	Generations int

	// Evaluations bounds the evaluations, those of the initial population and restored ones included; the last generation
	// is shortened so that it is met exactly. 0 means no bound; otherwise at least the population.
	Evaluations int64

	// Time bounds one call of Run or one loop over Generations, by the clock Now. A generation that cannot be finished in
	// time is dropped. 0 means no bound.
	Time time.Duration

	// Tolerance ends the search when the front has stopped moving. Its zero value is off.
	Tolerance Tolerance

	// Workers is the number of goroutines that vary and evaluate. 0 and 1 mean the caller's own goroutine.
	Workers int

	// Survival chooses who lives on; the zero value is NSGA-II's crowding distance.
	Survival Survival

	// Tournament chooses the parents; the zero value is NSGA-II's rule.
	Tournament Tournament

	// Duplicates says what becomes of individuals with equal objectives; the zero value lets them survive last.
	Duplicates Duplicates

	// Now is the clock; nil means time.Now. It is read only if Time is set.
	Now func() time.Time
}

// Tolerance is a rule for stopping: the search ends when the front has gained at most Change over the last Window
// generations. The gain is measured by IGD+ (Ishibuchi et al. 2015): the distance by which the old front falls short of
// the new one less the distance by which the new one falls short of the old, where each objective is scaled by its range
// on both fronts. It is about 0 for a front that only fluctuates.
type Tolerance struct {
	// Window is the number of generations between two looks; 0 means off.
	Window int

	// Change is the gain, as a share of the ranges, that still counts as standing still; 0 means no gain at all.
	Change float64
}

// Duplicates is what becomes of individuals whose objectives and violation all equal those of another one.
type Duplicates uint8

const (
	// LastDuplicates lets copies beyond the first survive only where there are too few different individuals. Without it
	// problems with few distinct values fill the population with copies, all at crowding distance 0.
	LastDuplicates Duplicates = iota
	// KeepDuplicates ranks copies like any other individual, as the original NSGA-II does.
	KeepDuplicates
)

// withDefaults returns the configuration with its zero values filled in, or the first field that is wrong.
func (c Config) withDefaults() (Config, error) {
	const op = "moo.new"
	if c.Population == 0 {
		c.Population = 100
	}
	if c.Workers == 0 {
		c.Workers = 1
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	switch {
	case c.Population < 4:
		return c, fault.Field(op, "Config.Population", "is %d, must be at least 4", c.Population)
	case c.Population > maxPopulation:
		return c, fault.Field(op, "Config.Population", "is %d, must be at most %d", c.Population, maxPopulation)
	case c.Generations < 0:
		return c, fault.Field(op, "Config.Generations", "is %d, must not be negative", c.Generations)
	case c.Evaluations < 0 || c.Evaluations > 0 && c.Evaluations < int64(c.Population):
		return c, fault.Field(op, "Config.Evaluations", "is %d, less than the population of %d", c.Evaluations, c.Population)
	case c.Time < 0:
		return c, fault.Field(op, "Config.Time", "is %v, must not be negative", c.Time)
	case c.Workers < 0:
		return c, fault.Field(op, "Config.Workers", "is %d, must not be negative", c.Workers)
	case c.Tolerance.Window < 0:
		return c, fault.Field(op, "Config.Tolerance.Window", "is %d, must not be negative", c.Tolerance.Window)
	case !(c.Tolerance.Change >= 0):
		return c, fault.Field(op, "Config.Tolerance.Change", "is %v, must not be negative", c.Tolerance.Change)
	case c.Tournament > DominanceTournament:
		return c, fault.Field(op, "Config.Tournament", "is %d, which is no rule", c.Tournament)
	case c.Duplicates > KeepDuplicates:
		return c, fault.Field(op, "Config.Duplicates", "is %d, which is no rule", c.Duplicates)
	}
	return c, nil
}

// maxPopulation keeps two populations within the 32-bit slot numbers.
const maxPopulation = 1 << 29

// bounded reports whether the configuration ends a run by itself.
func (c *Config) bounded() bool {
	return c.Generations > 0 || c.Evaluations > 0 || c.Time > 0 || c.Tolerance.Window > 0
}
