package server

import (
	"context"
	"encoding/json"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/fogcompute/fogcompute/fog/tokenomics"
)

func (s *Server) mountParameters() {
	route(s, "tokenomics", huma.Operation{
		OperationID: "parameters", Method: http.MethodGet, Path: "/api/tokenomics/parameters", Summary: "What proposals can change, as it stands",
		Description: "Each is declared by the engine that reads it, with a default, and checked by that engine when it is proposed and again " +
			"before it takes effect.",
	}, s.parameters)
}

type parametersReply struct {
	Parameters []parameterReply `json:"parameters" doc:"By their keys."`
	Version    int64            `json:"version" doc:"Version of all parameters: it rises with each change; 0 before the first."`
	InForce    int64            `json:"inForce" doc:"Version that the engines of this server follow now; it follows version within a second."`
}

type parameterReply struct {
	Key       string          `json:"key" doc:"Its key, engine first."`
	Doc       string          `json:"doc" doc:"What it means, and what zero and negative values do."`
	Unit      string          `json:"unit" doc:"Unit of its value; empty for none."`
	Value     json.RawMessage `json:"value" doc:"What was decided, else the default."`
	Default   json.RawMessage `json:"default" doc:"Its value where nothing was decided: the settings of the program then count."`
	Version   int64           `json:"version" doc:"Version of all parameters since which it has this value; 0: nothing was ever decided."`
	Emergency *string         `json:"emergency" doc:"Proposal of the emergency action that has given it the value, for a while; null for none."`
}

func (s *Server) parameters(ctx context.Context, _ *struct{}) (*parametersReply, error) {
	settings, version, err := s.fog.Tokenomics.Settings(ctx)
	if err != nil {
		return nil, err
	}
	return &parametersReply{Parameters: each(settings, encodeSetting), Version: version, InForce: s.fog.Parameters().Version()}, nil
}

func encodeSetting(p tokenomics.Setting) parameterReply {
	reply := parameterReply{Key: p.Key, Doc: p.Doc, Unit: p.Unit, Value: p.Value, Default: p.Default, Version: p.Version}
	if p.Emergency != 0 {
		reply.Emergency = word(p.Emergency.String())
	}
	return reply
}

// valueSchema is how json.RawMessage looks: any value.
type valueSchema struct{}

// Schema implements huma.SchemaProvider.
func (valueSchema) Schema(huma.Registry) *huma.Schema {
	kinds := []*huma.Schema{{Type: huma.TypeArray, Items: &huma.Schema{}}}
	for _, kind := range []string{"null", huma.TypeBoolean, huma.TypeNumber, huma.TypeString, huma.TypeObject} {
		kinds = append(kinds, &huma.Schema{Type: kind})
	}
	return &huma.Schema{Description: "Any JSON value.", AnyOf: kinds}
}
