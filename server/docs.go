package server

import (
	"fmt"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	"github.com/gin-gonic/gin"
)

// docsPolicy is the Content-Security-Policy of the documentation pages: everything comes from this server, requests
// included. Swagger UI carries its icons as data, ReDoc runs its search in a worker made from a blob.
const docsPolicy = "default-src 'none'; script-src 'self'; style-src 'self'%s; img-src 'self' data:; connect-src 'self'; " +
	"worker-src blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// redocStyles are the digests of the two style elements that ReDoc inserts: an empty one, which it then fills rule by rule,
// and one of a library of its own, which a new version of ReDoc may change.
const redocStyles = " 'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=' 'sha256-QMIg+bpjm3JdElJ388KYke01izlUW0UoNOeKjpMxdgc='"

// mountDocs adds Swagger UI and ReDoc over /openapi.json. Both work without a network.
func (s *Server) mountDocs() {
	s.assets = loadAssets()
	s.mountDoc("/docs", "docs.html", "The interface, to be tried out (Swagger UI)", "")
	s.mountDoc("/redoc", "redoc.html", "The interface, to be read (ReDoc)", redocStyles)
}

func (s *Server) mountDoc(path, file, summary, styles string) {
	s.both(path, s.newPage(file, fmt.Sprintf(docsPolicy, styles)).serve)
	s.document(huma.Operation{
		OperationID: path[1:], Method: http.MethodGet, Path: path, Summary: summary,
		Responses: map[string]*huma.Response{"200": {Description: "A page.", Content: map[string]*huma.MediaType{"text/html": html()}}},
	})
}

// both registers a handler for GET and HEAD.
func (s *Server) both(path string, handler gin.HandlerFunc) {
	s.router.Match([]string{http.MethodGet, http.MethodHead}, path, handler)
}
