package server_test

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/fogcompute/fogcompute/server"
)

// document is as much of an OpenAPI document as the test reads.
type document struct {
	OpenAPI    string
	Info       struct{ Title, Version, Description string }
	Paths      map[string]map[string]operation
	Components struct{ Schemas map[string]*schema }
}

type operation struct {
	OperationID string
	Summary     string
	Tags        []string
	Parameters  []struct {
		Name, In, Description string
		Required              bool
		Schema                *schema
	}
	RequestBody *struct{ Content map[string]media }
	Responses   map[string]struct {
		Description string
		Content     map[string]media
	}
}

type media struct{ Schema *schema }

type schema struct {
	Ref                  string `json:"$ref"`
	Type                 any
	Description          string
	Properties           map[string]*schema
	Items                *schema
	OneOf, AnyOf         []*schema
	AdditionalProperties json.RawMessage
}

func readDocument(t *testing.T) document {
	t.Helper()
	got := newAPI(t, server.Config{}).do("GET", "/openapi.json", "")
	require.Equal(t, 200, got.status)
	require.Equal(t, "application/json", got.header.Get("Content-Type"))
	var doc document
	require.NoError(t, json.Unmarshal([]byte(got.body), &doc))
	for _, ref := range regexp.MustCompile(`"\$ref":"([^"]*)"`).FindAllStringSubmatch(got.body, -1) {
		name, ok := strings.CutPrefix(ref[1], "#/components/schemas/")
		require.True(t, ok, ref[1])
		require.Contains(t, doc.Components.Schemas, name)
	}
	return doc
}

func TestOpenAPIDescribesEveryOperation(t *testing.T) {
	doc := readDocument(t)
	assert.Regexp(t, `^3\.1\.\d+$`, doc.OpenAPI)
	assert.NotEmpty(t, doc.Info.Title)
	assert.NotEmpty(t, doc.Info.Version)
	assert.NotEmpty(t, doc.Info.Description)
	seen := map[string]string{}
	for path, methods := range doc.Paths {
		for method, op := range methods {
			where := strings.ToUpper(method) + " " + path
			assert.NotEmpty(t, op.Summary, where)
			assert.Len(t, op.Tags, 1, where)
			assert.Empty(t, seen[op.OperationID], "%s has the id of another operation", where)
			seen[op.OperationID] = where
			checkParameters(t, where, path, op)
			checkResponses(t, where, method, op)
		}
	}
	assert.Greater(t, len(seen), 40)
}

func checkParameters(t *testing.T, where, path string, op operation) {
	declared := map[string]bool{}
	for _, p := range op.Parameters {
		assert.NotEmpty(t, p.Description, "%s: parameter %s", where, p.Name)
		assert.NotNil(t, p.Schema, "%s: parameter %s", where, p.Name)
		assert.False(t, declared[p.In+p.Name], "%s declares %s twice", where, p.Name)
		declared[p.In+p.Name] = true
		if p.In == "path" {
			assert.Contains(t, path, "{"+p.Name+"}", where)
			assert.True(t, p.Required, where)
		}
	}
	for _, name := range regexp.MustCompile(`\{(\w+)\}`).FindAllStringSubmatch(path, -1) {
		assert.True(t, declared["path"+name[1]], "%s does not declare %s", where, name[1])
	}
}

// checkResponses wants a schema behind every body, and one body at least, except where HTTP has none.
func checkResponses(t *testing.T, where, method string, op operation) {
	assert.NotEmpty(t, op.Responses, where)
	for status, r := range op.Responses {
		assert.NotEmpty(t, r.Description, "%s: %s", where, status)
		if method == "head" || status == "101" {
			continue
		}
		assert.NotEmpty(t, r.Content, "%s: %s has no body", where, status)
		for kind, m := range r.Content {
			assert.NotNil(t, m.Schema, "%s: %s %s has no schema", where, status, kind)
		}
	}
	if op.RequestBody != nil {
		for kind, m := range op.RequestBody.Content {
			assert.NotNil(t, m.Schema, "%s: request %s has no schema", where, kind)
		}
	}
}

func TestOpenAPINamesTheRefusals(t *testing.T) {
	doc := readDocument(t)
	for where, statuses := range map[string]string{
		"get /api/scheduler/jobs/{id}":                  "404 422 503 default",
		"patch /api/scheduler/jobs/{id}":                "400 404 409 413 415 422 503 default",
		"post /api/scheduler/jobs":                      "400 402 409 413 415 422 429 503 default",
		"get /api/scheduler/arrays/{id}":                "404 503 default",
		"patch /api/scheduler/arrays/{id}":              "400 404 409 413 415 422 503 default",
		"delete /api/scheduler/arrays/{id}":             "404 409 503 default",
		"get /api/scheduler/events":                     "409 422 503 default",
		"put /api/scheduler/schedules/{id}":             "400 404 409 413 415 422 429 503 default",
		"patch /api/scheduler/schedules/{id}":           "400 404 409 413 415 422 503 default",
		"put /api/scheduler/quotas":                     "400 403 413 415 422 503 default",
		"post /api/tokenomics/transfer":                 "400 402 403 404 409 413 415 422 503 default",
		"post /api/tokenomics/proposals/{id}/execute":   "400 402 403 404 409 413 415 422 503 default",
		"post /api/tokenomics/slashes/{id}/appeal":      "400 403 404 409 413 415 422 503 default",
		"post /api/tokenomics/verify":                   "403 429 503 default",
		"get /api/tokenomics/receipt":                   "403 404 422 503 default",
		"get /api/tokenomics/proposals/{id}":            "404 422 503 default",
		"post /api/tokenomics/vote":                     "400 402 403 404 409 413 415 422 503 default",
		"post /api/scheduler/attempts/{id}/result":      "400 404 409 413 415 422 503 default",
		"delete /api/idle-compute/devices/{id}":         "404 503 default",
		"get /api/idle-compute/stats":                   "503 default",
		"post /api/idle-compute/devices/{id}/heartbeat": "400 404 413 415 422 503 default",
	} {
		method, path, _ := strings.Cut(where, " ")
		for _, status := range strings.Fields(statuses) {
			assert.Contains(t, doc.Paths[path][method].Responses, status, where)
		}
	}
}

func TestOpenAPIDescribesEveryField(t *testing.T) {
	doc := readDocument(t)
	for name, s := range doc.Components.Schemas {
		checkFields(t, name, s)
	}
}

func checkFields(t *testing.T, where string, s *schema) {
	if s == nil {
		return
	}
	checkFields(t, where+"[]", s.Items)
	for name, p := range s.Properties {
		inner := where + "." + name
		assert.NotEmpty(t, p.Description, "%s is not described", inner)
		assert.True(t, p.Ref != "" || p.Type != nil || len(p.OneOf)+len(p.AnyOf) > 0, "%s has no type", inner)
		assert.NotContains(t, fmt.Sprint(p.Type), "array null", "%s: lists are never null", inner)
		checkFields(t, inner, p)
	}
}

func TestUnknownQueryParametersAreIgnored(t *testing.T) {
	newAPI(t, server.Config{}).ok("GET", "/api/scheduler/jobs?colour=red", "")
}
