package tokenomics

import (
	"context"
	"encoding/json"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
)

// Setting is a parameter that an engine has declared, as it stands.
type Setting struct {
	Parameter
	Value     json.RawMessage // what a proposal has set, else the default
	Version   int64           // of all parameters, since which it has this value; 0: it was never set
	Emergency ProposalID      // the emergency action that has given it the value, while that has effect; 0: none
}

// Settings lists the parameters that engines have declared, by their keys, with what was decided in the caller's tenant, and the version
// of all of them. Errors: Denied, Unavailable.
func (t *Tokenomics) Settings(ctx context.Context) ([]Setting, int64, error) {
	const op = "tokenomics.settings"
	tenant, err := t.citizen(ctx, op)
	if err != nil {
		return nil, 0, err
	}
	rows, err := t.parameterRows(ctx, tenant) // all of one moment: there are far fewer than are read at once
	if err != nil {
		return nil, 0, fault.Wrap(op, err)
	}
	var settings []Setting
	for _, p := range t.rules.registry.Parameters() {
		row := rows[p.Key]
		s := Setting{Parameter: p, Value: row.Value, Version: row.Version, Emergency: row.Emergency}
		if len(s.Value) == 0 {
			s.Value = p.Default
		}
		settings = append(settings, s)
	}
	return settings, rows[versionKey].Version, nil
}
