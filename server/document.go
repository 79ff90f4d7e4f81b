package server

import (
	"net/http"
	"reflect"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

// document adds an operation that a plain gin handler serves to the OpenAPI document. Without parameters of its own it
// has those of its path.
func (s *Server) document(op huma.Operation) {
	op.Tags = []string{group(op.Path)}
	if op.Parameters == nil {
		op.Parameters = pathParams(op.Path)
	}
	if op.Responses["default"] == nil {
		op.Responses["default"] = s.problemResponse(0)
	}
	s.api.OpenAPI().AddOperation(&op)
}

// problemResponse describes an error response; status 0 stands for all errors.
func (s *Server) problemResponse(status int) *huma.Response {
	schema := s.api.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[huma.ErrorModel](), true, "Problem")
	description := "Error"
	if status != 0 {
		description = http.StatusText(status)
	}
	return &huma.Response{
		Description: description,
		Content:     map[string]*huma.MediaType{problemType: {Schema: schema}},
	}
}

// html describes an answer that is HTML.
func html() *huma.MediaType {
	return &huma.MediaType{Schema: &huma.Schema{Type: huma.TypeString, Description: "A page for people."}}
}

// text describes a 200 whose body is plain text.
func text(description string) map[string]*huma.Response {
	return map[string]*huma.Response{"200": {
		Description: description,
		Content:     map[string]*huma.MediaType{"text/plain": {Schema: &huma.Schema{Type: huma.TypeString, Description: description}}},
	}}
}

// pathParams describes the parameters between braces.
func pathParams(path string) []*huma.Param {
	var params []*huma.Param
	parts := strings.Split(path, "/")
	for i, part := range parts {
		if name, ok := strings.CutPrefix(part, "{"); ok {
			params = append(params, &huma.Param{
				Name: strings.TrimSuffix(name, "}"), In: "path", Required: true,
				Description: "Identifier of the " + strings.TrimSuffix(parts[i-1], "s") + ".", Schema: &huma.Schema{Type: huma.TypeString},
			})
		}
	}
	return params
}

// ginPath writes a path with gin's parameters.
func ginPath(path string) string {
	return strings.NewReplacer("{", ":", "}", "").Replace(path)
}

// group returns the tag of a path: the word behind /api/, or "service".
func group(path string) string {
	rest, ok := strings.CutPrefix(path, "/api/")
	if !ok {
		return "service"
	}
	name, _, _ := strings.Cut(rest, "/")
	return name
}

// operationID names an operation after its method and path.
func operationID(method, path string) string {
	words := strings.FieldsFunc(path, func(r rune) bool { return strings.ContainsRune("/{}-", r) })
	return strings.ToLower(method) + "-" + strings.Join(words, "-")
}

// bytesHeader describes a response header that holds a number of bytes.
func bytesHeader(description string) *huma.Header {
	return &huma.Header{Description: description, Schema: &huma.Schema{Type: huma.TypeInteger, Format: "int64"}}
}

// schemaOf returns the schema of a type, by reference.
func schemaOf[T any](s *Server) *huma.Schema {
	return s.api.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[T](), true, "")
}
