package server

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"html/template"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/gin-gonic/gin"

	"github.com/fogcompute/fogcompute/fog"
)

// page is one HTML page: rendered once, because nothing in it depends on the request. Figures come by script.
type page struct {
	body   []byte
	tag    string // ETag
	policy string // Content-Security-Policy
}

// pageData is what the templates may use.
type pageData struct {
	Version   string // of the program
	App       string // address of our own files
	UPlot     string // addresses of the third-party files
	SwaggerUI string
	Redoc     string
	OpenAPI   string // address of the OpenAPI document
	Feed      string // address of the metrics feed
}

// dashboardPolicy lets the dashboard load and call this server only. No inline script or style runs.
const dashboardPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// mountWeb adds the dashboard and the files of all pages.
func (s *Server) mountWeb() {
	dashboard := s.newPage("index.html", dashboardPolicy)
	s.both("/assets/*path", s.assets.serve)
	s.both("/", func(c *gin.Context) {
		c.Writer.Header().Add("Vary", "Accept")
		if strings.Contains(c.GetHeader("Accept"), "text/html") {
			dashboard.serve(c)
			return
		}
		c.JSON(http.StatusOK, s.root())
	})
	s.document(huma.Operation{
		OperationID: "root", Method: http.MethodGet, Path: "/", Summary: "What this server is, and the dashboard to a browser",
		Description: "A request that accepts text/html gets the dashboard.",
		Responses: map[string]*huma.Response{"200": {
			Description: "The server in a few words.",
			Content:     map[string]*huma.MediaType{"application/json": {Schema: schemaOf[rootReply](s)}, "text/html": html()},
		}},
	})
}

type rootReply struct {
	Name          string   `json:"name" doc:"Name of the service."`
	Version       string   `json:"version" doc:"Version of the program."`
	Status        string   `json:"status" enum:"healthy,degraded,starting,unavailable" doc:"As in /health."`
	Endpoints     []string `json:"endpoints" doc:"Addresses of the interface."`
	Documentation string   `json:"documentation" doc:"Address of the documentation for people."`
}

func (s *Server) root() rootReply {
	return rootReply{
		Name: "Fog Compute", Version: fog.Version, Status: string(s.fog.Health().State), Documentation: "/docs",
		Endpoints: slices.Sorted(maps.Keys(s.api.OpenAPI().Paths)),
	}
}

// newPage renders a template of web/pages. The templates are part of the program: one that fails is a programmer's mistake.
func (s *Server) newPage(name, policy string) *page {
	data := pageData{
		Version: fog.Version, App: "/assets/" + s.assets.own, OpenAPI: "/openapi.json", Feed: "/ws/metrics",
		UPlot: s.assets.folder("uplot"), SwaggerUI: s.assets.folder("swagger-ui-dist"), Redoc: s.assets.folder("redoc"),
	}
	var body bytes.Buffer
	tmpl := template.Must(template.ParseFS(webFiles, "web/pages/"+name))
	if err := tmpl.Execute(&body, data); err != nil {
		panic("server: page " + name + ": " + err.Error())
	}
	sum := sha256.Sum256(body.Bytes())
	return &page{body: body.Bytes(), tag: strconv.Quote(hex.EncodeToString(sum[:8])), policy: policy}
}

// serve answers a request for the page.
func (p *page) serve(c *gin.Context) {
	h := c.Writer.Header()
	h.Set("Content-Security-Policy", p.policy)
	h.Set("Cache-Control", "no-cache")
	h.Set("ETag", p.tag)
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	if c.GetHeader("If-None-Match") == p.tag {
		c.Status(http.StatusNotModified)
		return
	}
	c.Data(http.StatusOK, "text/html; charset=utf-8", p.body)
}
