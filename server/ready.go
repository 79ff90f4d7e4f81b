package server

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humagin"
	"github.com/gin-gonic/gin"

	"github.com/fogcompute/fogcompute/fog"
)

// closed is the one place where a route is refused because its engine cannot answer: 503 with the cause. It reports
// whether it has refused.
func (s *Server) closed(c *gin.Context, engine string) bool {
	err := s.fog.Ready(engine)
	if err == nil {
		return false
	}
	detail := fog.Detail(err)
	if !strings.HasPrefix(detail, engine) {
		detail = engine + ": " + detail
	}
	refuse(c, http.StatusServiceUnavailable, detail)
	return true
}

// gate puts closed before an operation of huma, ahead of the decoding of its input.
func (s *Server) gate(engine string) func(huma.Context, func(huma.Context)) {
	return func(ctx huma.Context, next func(huma.Context)) {
		if !s.closed(humagin.Unwrap(ctx), engine) {
			next(ctx)
		}
	}
}

// ginGate puts closed before a handler of gin.
func (s *Server) ginGate(engine string) gin.HandlerFunc {
	return func(c *gin.Context) {
		if !s.closed(c, engine) {
			c.Next()
		}
	}
}

// absent registers a route of an engine, or of a part of one, that this build does not have. The gate answers it.
func (s *Server) absent(engine, method, path, summary string) {
	op := &huma.Operation{
		OperationID: operationID(method, path), Method: method, Path: path, Summary: summary, Tags: []string{group(path)},
		Description: "This build does not have it: the answer is always 503 with the cause.",
		Responses:   map[string]*huma.Response{"503": s.problemResponse(http.StatusServiceUnavailable)},
		Parameters:  pathParams(path),
	}
	s.api.OpenAPI().AddOperation(op)
	s.router.Handle(method, ginPath(path), s.ginGate(engine), unknownRoute)
}

type readyReply struct {
	Status string `json:"status" enum:"ready" doc:"Always \"ready\"; a server that is not answers 503 with a problem."`
}

// readyTime is how long the database may take to answer a readiness probe.
const readyTime = time.Second

// ready tells a load balancer whether to send requests here: not while stopping, not without the database.
func (s *Server) ready(ctx context.Context, _ *struct{}) (*readyReply, error) {
	if s.draining.Load() {
		return nil, newProblem(http.StatusServiceUnavailable, "the server is stopping")
	}
	ctx, cancel := context.WithTimeout(ctx, readyTime)
	defer cancel()
	if err := s.fog.Check(ctx); err != nil {
		return nil, newProblem(http.StatusServiceUnavailable, "not ready: "+fog.Detail(err))
	}
	return &readyReply{Status: "ready"}, nil
}
