package server

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"reflect"
	"strings"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/gin-gonic/gin"

	"github.com/fogcompute/fogcompute/fog"
	"github.com/fogcompute/fogcompute/fog/tokenomics"
	"github.com/fogcompute/fogcompute/fog/tokenomics/chain"
)

// bodyReadTimeout is how long a client may take to send a JSON body.
const bodyReadTimeout = 15 * time.Second

// describe returns the settings of the API: OpenAPI 3.1 made from our types, problems shaped in one place, and
// none of huma's own pages (they load scripts from a public network) or additions to bodies.
func describe() huma.Config {
	registry := huma.NewMapRegistry("#/components/schemas/", huma.DefaultSchemaNamer)
	registry.RegisterTypeAlias(reflect.TypeFor[tokenomics.Amount](), reflect.TypeFor[amountSchema]())
	registry.RegisterTypeAlias(reflect.TypeFor[chain.Hash](), reflect.TypeFor[hashSchema]())
	registry.RegisterTypeAlias(reflect.TypeFor[json.RawMessage](), reflect.TypeFor[valueSchema]())
	config := huma.Config{
		OpenAPI: &huma.OpenAPI{
			OpenAPI: "3.1.0",
			Info: &huma.Info{
				Title:       "Fog Compute",
				Version:     fog.Version,
				Description: apiStory,
				License:     &huma.License{Name: "MIT", Identifier: "MIT"},
			},
			Components: &huma.Components{
				Schemas: registry,
				SecuritySchemes: map[string]*huma.SecurityScheme{
					"key": {Type: "http", Scheme: "bearer", Description: "The operator's key. Not asked for on loopback addresses."},
				},
			},
			Security: []map[string][]string{{}, {"key": {}}},
			Tags:     tags(),
		},
		Formats:       map[string]huma.Format{"application/json": huma.DefaultJSONFormat, "json": huma.DefaultJSONFormat},
		DefaultFormat: "application/json",
		Transformers:  []huma.Transformer{shapeProblem},
	}
	config.AllowAdditionalPropertiesByDefault = true
	return config
}

const apiStory = `Jobs are submitted, placed on idle devices, run there in a sandbox, checked, and paid from a ledger.

Responses use camelCase, requests snake_case; unknown request fields are ignored. Token amounts are FOG with up to six
decimals, exact, accepted as number or as decimal string. Times are RFC 3339 in UTC. Every error is an RFC 9457 problem
whose detail is a sentence.`

// tags names the groups of routes in the order of the documentation.
func tags() []*huma.Tag {
	return []*huma.Tag{
		{Name: "scheduler", Description: "Jobs, the nodes that run them, and the reports of their attempts."},
		{Name: "idle-compute", Description: "Devices that lend their idle time, and the protocol of their agents."},
		{Name: "tokenomics", Description: "The ledger, stakes, rewards, and the decisions of those who stake."},
		{Name: "blobs", Description: "Modules, inputs and outputs by their SHA-256."},
		{Name: "benchmarks", Description: "What this machine does, measured."},
		{Name: "dashboard", Description: "One figure or two of every engine."},
		{Name: "betanet", Description: "The mix network."},
		{Name: "privacy", Description: "Circuits."},
		{Name: "p2p", Description: "Messages between peers."},
		{Name: "service", Description: "Health, readiness, metrics and documentation of this server."},
	}
}

// reply wraps a response body in the shape that huma wants.
type reply[T any] struct {
	Body *T
}

// route registers an operation whose handler returns a bare body. Engine names the engine that must be ready.
func route[I, O any](s *Server, engine string, op huma.Operation, handle func(context.Context, *I) (*O, error)) {
	op.Tags = []string{group(op.Path)}
	op.MaxBodyBytes = or(op.MaxBodyBytes, s.config.MaxBody)
	op.BodyReadTimeout = bodyReadTimeout
	op.Errors = append(op.Errors, usualErrors(op.Method, op.Path)...)
	op.Responses = map[string]*huma.Response{"default": s.problemResponse(0)}
	if op.Method != http.MethodGet {
		op.Middlewares = append(op.Middlewares, watchBody)
	}
	if engine != "" {
		op.Middlewares = append(op.Middlewares, s.gate(engine))
	}
	huma.Register(s.api, op, func(ctx context.Context, in *I) (*reply[O], error) {
		body, err := handle(ctx, in)
		if err != nil {
			return nil, s.fail(op.OperationID, err)
		}
		return &reply[O]{Body: body}, nil
	})
}

// usualErrors are the refusals that every operation of such a method and path has.
func usualErrors(method, path string) []int {
	statuses := []int{http.StatusServiceUnavailable}
	if strings.Contains(path, "{") {
		statuses = append(statuses, http.StatusNotFound)
	}
	if method == http.MethodPost || method == http.MethodPatch || method == http.MethodPut {
		statuses = append(statuses, http.StatusBadRequest, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType)
	}
	return statuses
}

// ownProblem makes huma's description of a problem true of ours: they have neither an instance nor a type of their own, and
// shapeProblem never echoes a value.
func ownProblem(schemas map[string]*huma.Schema) {
	delete(schemas["ErrorDetail"].Properties, "value")
	problem := schemas["ErrorModel"].Properties
	delete(problem, "instance")
	problem["type"].Examples, problem["type"].Default = nil, "about:blank"
	problem["status"].Examples, problem["title"].Examples = []any{http.StatusNotFound}, []any{http.StatusText(http.StatusNotFound)}
	problem["detail"].Examples = []any{`no job "01m82"`}
}

// finishSpec registers /openapi.json. The document is encoded at the first request, once.
func (s *Server) finishSpec() {
	s.document(huma.Operation{
		OperationID: "openapi", Method: http.MethodGet, Path: "/openapi.json", Summary: "This document, OpenAPI 3.1",
		Responses: map[string]*huma.Response{"200": {
			Description: "The document.",
			Content:     map[string]*huma.MediaType{"application/json": {Schema: &huma.Schema{Type: huma.TypeObject, Description: "OpenAPI 3.1."}}},
		}},
	})
	schemas := s.api.OpenAPI().Components.Schemas.Map()
	for _, schema := range schemas {
		for _, property := range schema.Properties {
			if property.Type == huma.TypeArray {
				property.Nullable = false // an empty list is [], see each and list
			}
		}
	}
	ownProblem(schemas)
	s.spec = sync.OnceValues(func() ([]byte, error) {
		var out bytes.Buffer
		enc := json.NewEncoder(&out)
		enc.SetEscapeHTML(false)
		err := enc.Encode(s.api.OpenAPI())
		return out.Bytes(), err
	})
	s.router.GET("/openapi.json", func(c *gin.Context) {
		spec, err := s.spec()
		if err != nil {
			s.refuseError(c, "openapi", err)
			return
		}
		c.Data(http.StatusOK, "application/json", spec)
	})
}
