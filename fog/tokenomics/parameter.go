package tokenomics

import (
	"encoding/json"
	"iter"
	"maps"
	"slices"
	"strings"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
)

// Parameter is something that may be changed while the house runs: the engine that reads it declares it, governance changes it.
type Parameter struct {
	// Key names it, engine first: "scheduler.round_budget". Each part is of a-z, 0-9 and '_', at most 100 characters together.
	Key string
	// Doc says what it means, and what zero and negative values do. Unit is the unit of its value.
	Doc, Unit string
	// Default is the value where nothing was set.
	Default json.RawMessage
	// Validate says why a value cannot work, nil if it can. It is pure: asked on every server, whenever a change is proposed and
	// again before it takes effect. Nil takes any value.
	Validate func(json.RawMessage) error
}

// Set is the parameters of one engine.
type Set struct {
	Parameters []Parameter
	// Check says why values, each valid by itself, cannot work together; nil takes any. It is pure, and looks at its own
	// parameters alone.
	Check func(Snapshot) error
}

// Registry holds the parameters of a house. It is made once, when the engines are wired, and never changed. A nil Registry
// holds none.
type Registry struct {
	sets  []Set
	byKey map[string]Parameter
}

// NewRegistry collects declarations. A malformed key, one that is declared twice, and a default that is not valid are Invalid.
func NewRegistry(sets ...Set) (*Registry, error) {
	const op = "tokenomics.registry"
	r := &Registry{byKey: map[string]Parameter{}}
	for _, set := range sets {
		set.Parameters = slices.Clone(set.Parameters)
		r.sets = append(r.sets, set)
		for i, p := range set.Parameters {
			value, err := Canonical(p.Default)
			switch _, twice := r.byKey[p.Key]; {
			case !isKey(p.Key):
				return nil, fault.Field(op, "key", "%q: want an engine, a dot and a name, of a-z, 0-9 and _", clip(p.Key))
			case twice:
				return nil, fault.Field(op, "key", "%q is declared twice", p.Key)
			case err != nil:
				return nil, fault.Field(op, p.Key, "default: %s", fault.Detail(err))
			}
			p.Default = value
			if err := p.check(value); err != nil {
				return nil, fault.Field(op, p.Key, "default: %s", reason(err))
			}
			set.Parameters[i], r.byKey[p.Key] = p, p
		}
	}
	return r, nil
}

// isKey reports whether a key is well formed.
func isKey(key string) bool {
	words := strings.Split(key, ".")
	if len(key) > 100 || len(words) < 2 || slices.Contains(words, "") {
		return false
	}
	return strings.Trim(key, "abcdefghijklmnopqrstuvwxyz0123456789_.") == ""
}

// check asks Validate.
func (p *Parameter) check(value json.RawMessage) error {
	if p.Validate == nil {
		return nil
	}
	return p.Validate(slices.Clone(value))
}

// reason is what a validation says, without its operation where it is one of ours.
func reason(err error) string {
	if fault.KindOf(err) == fault.Internal {
		return err.Error()
	}
	if field := fault.FieldOf(err); field != "" {
		return field + ": " + fault.Detail(err)
	}
	return fault.Detail(err)
}

// Parameters lists the declarations by their keys.
func (r *Registry) Parameters() []Parameter {
	if r == nil {
		return nil
	}
	return slices.SortedFunc(maps.Values(r.byKey), func(a, b Parameter) int { return strings.Compare(a.Key, b.Key) })
}

// Lookup finds a declaration.
func (r *Registry) Lookup(key string) (Parameter, bool) {
	if r == nil {
		return Parameter{}, false
	}
	p, ok := r.byKey[key]
	return p, ok
}

// Validate says why a snapshot cannot be put into force: an unknown key, a value that its engine refuses, or values that do not
// work together. The error is Invalid and names the key where it is about one.
func (r *Registry) Validate(s Snapshot) error {
	const op = "tokenomics.parameters"
	for key, value := range s.Values() {
		if err := r.valid(key, value); err != nil {
			return fault.Field(op, key, "%s", reason(err))
		}
	}
	if r == nil {
		return nil
	}
	for _, set := range r.sets {
		if err := set.together(s); err != nil {
			return fault.New(fault.Invalid, op, reason(err))
		}
	}
	return nil
}

// valid judges one value.
func (r *Registry) valid(key string, value json.RawMessage) error {
	p, ok := r.Lookup(key)
	if !ok {
		return fault.New(fault.Invalid, "tokenomics.parameters", "no engine of this house has such a parameter")
	}
	return p.check(value)
}

// together asks Check.
func (set *Set) together(s Snapshot) error {
	if set.Check == nil {
		return nil
	}
	return set.Check(s)
}

// Accept takes over what can work of a newer snapshot: a value that is refused stays what it was, and where values of one engine do
// not work together all of that engine's stay. So a server that is older, or newer, than the one that let a value pass goes on with
// the last good one. The errors, Invalid, name what was refused; the result has the version of next.
func (r *Registry) Accept(last, next Snapshot) (Snapshot, []error) {
	const op = "tokenomics.parameters"
	out := Snapshot{version: next.version, values: map[string]json.RawMessage{}}
	var refused []error
	for key, value := range next.Values() {
		if err := r.valid(key, value); err != nil {
			refused = append(refused, fault.Field(op, key, "%s is refused: %s", value, reason(err)))
			out.keep(last, key)
			continue
		}
		out.values[key] = value
	}
	if r == nil {
		return out, refused
	}
	for _, set := range r.sets {
		if err := set.together(out); err != nil {
			refused = append(refused, fault.New(fault.Invalid, op, "values that do not work together are refused: "+reason(err)))
			for _, p := range set.Parameters {
				delete(out.values, p.Key)
				out.keep(last, p.Key)
			}
		}
	}
	return out, refused
}

// Snapshot is all parameters that were set, at one version. It never changes; the zero Snapshot is version 0 with nothing set. Values are
// in canonical form, see Canonical.
type Snapshot struct {
	version int64
	values  map[string]json.RawMessage
}

// NewSnapshot makes a snapshot of its own of the values. A value that Canonical refuses is Invalid, with the key as the field.
func NewSnapshot(version int64, values map[string]json.RawMessage) (Snapshot, error) {
	return Snapshot{}.With(version, values)
}

// With is the snapshot after changes; a value of null gives the parameter back to its default. Errors are those of NewSnapshot.
func (s Snapshot) With(version int64, changes map[string]json.RawMessage) (Snapshot, error) {
	out := Snapshot{version: version, values: make(map[string]json.RawMessage, len(s.values)+len(changes))}
	maps.Copy(out.values, s.values)
	for key, value := range changes {
		value, err := Canonical(value)
		if err != nil {
			return Snapshot{}, fault.Field("tokenomics.snapshot", key, "%s", fault.Detail(err))
		}
		if string(value) == "null" {
			delete(out.values, key)
			continue
		}
		out.values[key] = value
	}
	return out, nil
}

// keep takes a value over from another snapshot.
func (s *Snapshot) keep(from Snapshot, key string) {
	if value, ok := from.values[key]; ok {
		s.values[key] = value
	}
}

// Version is that of the rows it was read from; 0 before the first change.
func (s Snapshot) Version() int64 { return s.version }

// Value is the value of a parameter, a copy, and whether one was set.
func (s Snapshot) Value(key string) (json.RawMessage, bool) {
	value, ok := s.values[key]
	return slices.Clone(value), ok
}

// Values are all that were set, by their keys.
func (s Snapshot) Values() iter.Seq2[string, json.RawMessage] {
	return func(yield func(string, json.RawMessage) bool) {
		for _, key := range slices.Sorted(maps.Keys(s.values)) {
			if !yield(key, slices.Clone(s.values[key])) {
				return
			}
		}
	}
}

// MarshalJSON writes {"version":1,"values":{...}} with the keys in order: equal snapshots have equal encodings.
func (s Snapshot) MarshalJSON() ([]byte, error) {
	values := s.values
	if values == nil {
		values = map[string]json.RawMessage{}
	}
	return json.Marshal(struct {
		Version int64                      `json:"version"`
		Values  map[string]json.RawMessage `json:"values"`
	}{s.version, values})
}
