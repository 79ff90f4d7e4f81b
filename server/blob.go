package server

import (
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/gin-gonic/gin"

	"github.com/fogcompute/fogcompute/fog/blob"
)

func (s *Server) mountBlob() {
	name := &huma.Param{
		Name: "sha256", In: "path", Required: true, Description: "SHA-256 of the content, 64 lower-case hexadecimal digits.",
		Schema: &huma.Schema{Type: huma.TypeString, Pattern: "^[0-9a-f]{64}$"},
	}
	path := "/api/blobs/{sha256}"
	s.document(huma.Operation{
		OperationID: "put-blob", Method: http.MethodPut, Path: path, Parameters: []*huma.Param{name},
		Summary: "Store a content under its digest", Responses: s.blobPutResponses(),
		Description: "The body is streamed and its digest verified; sending the same content again changes nothing.",
		RequestBody: &huma.RequestBody{Description: "The content.", Required: true, Content: octets("The content.")},
	})
	s.document(huma.Operation{
		OperationID: "get-blob", Method: http.MethodGet, Path: path, Parameters: []*huma.Param{name},
		Summary: "Fetch a content", Description: "Resumable by Range.", Responses: blobGetResponses(octets("The content, or a range of it.")),
	})
	s.document(huma.Operation{
		OperationID: "head-blob", Method: http.MethodHead, Path: path, Parameters: []*huma.Param{name},
		Summary: "Ask whether a content is there, and its size", Responses: blobGetResponses(nil),
	})
	gate := s.ginGate("blob")
	s.router.PUT(ginPath(path), gate, s.putBlob)
	s.router.GET(ginPath(path), gate, s.getBlob)
	s.router.HEAD(ginPath(path), gate, s.getBlob)
}

type blobReply struct {
	Success bool   `json:"success" doc:"Always true."`
	SHA256  string `json:"sha256" doc:"SHA-256 of the content, in hexadecimal."`
	Bytes   int64  `json:"bytes" doc:"Size of the content in bytes."`
}

func (s *Server) putBlob(c *gin.Context) {
	size := c.Request.ContentLength // -1: unknown
	s.allowTransfer(c, size)
	info, err := s.fog.Blob.Put(c.Request.Context(), blob.Digest(c.Param("sha256")), c.Request.Body, size)
	if err != nil {
		s.refuseError(c, "put-blob", err)
		return
	}
	c.JSON(http.StatusOK, blobReply{Success: true, SHA256: string(info.Digest), Bytes: info.Bytes})
}

func (s *Server) getBlob(c *gin.Context) {
	content, info, err := s.fog.Blob.Get(c.Request.Context(), blob.Digest(c.Param("sha256")))
	if err != nil {
		s.refuseError(c, "get-blob", err)
		return
	}
	defer content.Close() // it was only read
	s.allowTransfer(c, info.Bytes)
	c.Header("Content-Type", "application/octet-stream")
	c.Header("Cache-Control", "private, max-age=31536000, immutable")
	c.Header("ETag", `"`+string(info.Digest)+`"`)
	w := &rangeWriter{ResponseWriter: c.Writer}
	http.ServeContent(w, c.Request, "", time.Time{}, content)
	if w.refused {
		refuse(c, http.StatusRequestedRangeNotSatisfiable, "the range lies outside of the content")
	}
}

// slowestTransfer is the rate below which a transfer is cut off, bytes a second.
const slowestTransfer = 32 << 10

// allowTransfer gives a request the time that its bytes may take, instead of that of a small request.
func (s *Server) allowTransfer(c *gin.Context, size int64) {
	if size < 0 {
		size = s.fog.Blob.MaxBytes()
	}
	until := time.Now().Add(readTimeout + time.Duration(size/slowestTransfer)*time.Second)
	control := http.NewResponseController(c.Writer)
	_ = control.SetReadDeadline(until) // not supported by a recorder of tests: then there is no deadline to move
	_ = control.SetWriteDeadline(until.Add(readTimeout))
}

// rangeWriter keeps back the text with which net/http refuses a range, so that a problem can take its place.
type rangeWriter struct {
	gin.ResponseWriter
	refused bool
}

// WriteHeader implements http.ResponseWriter.
func (w *rangeWriter) WriteHeader(status int) {
	if w.refused = status == http.StatusRequestedRangeNotSatisfiable; !w.refused {
		w.ResponseWriter.WriteHeader(status)
	}
}

// Write implements http.ResponseWriter.
func (w *rangeWriter) Write(p []byte) (int, error) {
	if w.refused {
		return len(p), nil
	}
	return w.ResponseWriter.Write(p)
}

func octets(description string) map[string]*huma.MediaType {
	return map[string]*huma.MediaType{"application/octet-stream": {
		Schema: &huma.Schema{Type: huma.TypeString, Format: "binary", Description: description},
	}}
}

func (s *Server) blobPutResponses() map[string]*huma.Response {
	return map[string]*huma.Response{"200": {
		Description: "Stored.", Content: map[string]*huma.MediaType{"application/json": {Schema: schemaOf[blobReply](s)}},
	}}
}

func blobGetResponses(content map[string]*huma.MediaType) map[string]*huma.Response {
	headers := map[string]*huma.Param{
		"Content-Length": bytesHeader("Size of the answer in bytes."),
		"ETag":           {Description: "The digest in quotation marks.", Schema: &huma.Schema{Type: huma.TypeString}},
	}
	return map[string]*huma.Response{
		"200": {Description: "The whole content.", Headers: headers, Content: content},
		"206": {Description: "The range that was asked for.", Headers: headers, Content: content},
	}
}
