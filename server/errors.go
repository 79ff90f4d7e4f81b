package server

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/gin-gonic/gin"

	"github.com/fogcompute/fogcompute/fog"
)

// retryAfter is what a client that met a closed gate or a limit is told to wait.
const retryAfter = 2 * time.Second

// problemType is the media type of every error (RFC 9457).
const problemType = "application/problem+json"

// statusOf is the one table from the kind of an error to its HTTP status.
func statusOf(kind fog.Kind) int {
	switch kind {
	case fog.KindInvalid:
		return http.StatusUnprocessableEntity
	case fog.KindNotFound:
		return http.StatusNotFound
	case fog.KindConflict:
		return http.StatusConflict
	case fog.KindInsufficient:
		return http.StatusPaymentRequired
	case fog.KindUnavailable:
		return http.StatusServiceUnavailable
	case fog.KindDenied:
		return http.StatusForbidden
	case fog.KindTooLarge:
		return http.StatusRequestEntityTooLarge
	case fog.KindLimited:
		return http.StatusTooManyRequests
	default:
		return http.StatusInternalServerError
	}
}

// fail turns the error of a handler, mostly an engine's, into the problem that the client gets. The cause of an internal error stays in the
// log: its text may name files, hosts or statements.
func (s *Server) fail(op string, err error) error {
	var problem *huma.ErrorModel
	if !errors.As(err, &problem) {
		problem = problemOf(err)
	}
	if problem.Status == http.StatusInternalServerError {
		s.log.Error("request failed", "operation", op, "error", err)
	}
	if retriable(problem.Status) {
		return huma.ErrorWithHeaders(problem, http.Header{"Retry-After": {retrySeconds()}})
	}
	return problem
}

// problemOf shows an engine's error as far as a client may see it.
func problemOf(err error) *huma.ErrorModel {
	if field := fog.FieldOf(err); field != "" {
		return wrongField(field, fog.Detail(err))
	}
	return newProblem(statusOf(fog.KindOf(err)), fog.Detail(err))
}

// newProblem returns the body of an error response.
func newProblem(status int, detail string) *huma.ErrorModel {
	return &huma.ErrorModel{Type: "about:blank", Title: http.StatusText(status), Status: status, Detail: detail}
}

// wrongField is the problem of one wrong value.
func wrongField(location, message string) *huma.ErrorModel {
	problem := newProblem(http.StatusUnprocessableEntity, location+": "+message)
	problem.Errors = []*huma.ErrorDetail{{Location: location, Message: message}}
	return problem
}

func retriable(status int) bool {
	return status == http.StatusServiceUnavailable || status == http.StatusTooManyRequests
}

func retrySeconds() string { return strconv.Itoa(int(retryAfter / time.Second)) }

// shapeProblem completes the problems that huma itself makes: the first complaint goes into detail, where clients
// look for it, and the client's own values are not echoed back.
func shapeProblem(ctx huma.Context, _ string, body any) (any, error) {
	problem, ok := body.(*huma.ErrorModel)
	if !ok || problem.Type != "" {
		return body, nil
	}
	if brokenBody(ctx) {
		return newProblem(http.StatusBadRequest, "the body broke off"), nil
	}
	shaped := newProblem(problem.Status, problem.Detail)
	if problem.Status == http.StatusInternalServerError {
		return shaped, nil
	}
	for _, e := range problem.Errors {
		if e != nil {
			shaped.Errors = append(shaped.Errors, &huma.ErrorDetail{Message: e.Message, Location: e.Location})
		}
	}
	if n := len(shaped.Errors); n > 0 {
		shaped.Detail = fmt.Sprintf("%s: %s", shaped.Errors[0].Location, shaped.Errors[0].Message)
		if n > 1 {
			shaped.Detail += fmt.Sprintf(" (and %d more)", n-1)
		}
	}
	return shaped, nil
}

// refuse ends a request outside huma's routes with a problem.
func refuse(c *gin.Context, status int, detail string) {
	writeProblem(c, newProblem(status, detail))
}

// refuseError does the same for an engine's error.
func (s *Server) refuseError(c *gin.Context, op string, err error) {
	var problem *huma.ErrorModel
	if errors.As(s.fail(op, err), &problem) {
		writeProblem(c, problem)
	}
}

func writeProblem(c *gin.Context, problem *huma.ErrorModel) {
	body, err := json.Marshal(problem)
	if err != nil { // only strings and numbers in it: cannot happen
		body = []byte(`{"type":"about:blank","status":500}`)
	}
	h := c.Writer.Header()
	h.Set("Content-Type", problemType)
	h.Set("Cache-Control", "no-store")
	h.Del("ETag")
	if retriable(problem.Status) {
		h.Set("Retry-After", retrySeconds())
	}
	c.Abort()
	c.Status(problem.Status)
	c.Writer.WriteHeaderNow()
	if c.Request.Method != http.MethodHead {
		_, _ = c.Writer.Write(body) // fails only when the client is gone
	}
}

// unknownRoute and wrongMethod replace gin's text answers.
func unknownRoute(c *gin.Context) {
	refuse(c, http.StatusNotFound, "there is nothing at this address")
}

func wrongMethod(c *gin.Context) {
	refuse(c, http.StatusMethodNotAllowed, "this address does not take "+c.Request.Method)
}
