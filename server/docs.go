package server

import (
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	"github.com/gin-gonic/gin"
)

// docsPolicy is the policy of both documentation pages: everything comes from this server, requests included. Swagger UI
// carries its icons as data.
const docsPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; " +
	"connect-src 'self'; worker-src 'self' blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// mountDocs adds Swagger UI and ReDoc over /openapi.json.
func (s *Server) mountDocs() {
	s.assets = loadAssets()
	s.mountDoc("/docs", "docs.html", "The interface, to be tried out (Swagger UI)")
	s.mountDoc("/redoc", "redoc.html", "The interface, to be read (ReDoc)")
}

func (s *Server) mountDoc(path, file, summary string) {
	p := s.newPage(file, docsPolicy)
	s.both(path, func(c *gin.Context) { p.serve(c) })
	s.document(huma.Operation{
		OperationID: path[1:], Method: http.MethodGet, Path: path, Summary: summary,
		Responses: map[string]*huma.Response{"200": {Description: "A page.", Content: map[string]*huma.MediaType{"text/html": {}}}},
	})
}
