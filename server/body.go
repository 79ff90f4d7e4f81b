package server

import (
	"errors"
	"io"
	"net"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
)

// bodyContext watches a request's body. huma answers 500 when a body cannot be read, but one whose chunks are malformed
// or that breaks off is its sender's mistake.
type bodyContext struct {
	humaContext
	body *watchedBody
}

// humaContext is a name under which huma.Context, which has a method Context, can be embedded.
type humaContext huma.Context

// watchBody puts a bodyContext around requests.
func watchBody(ctx huma.Context, next func(huma.Context)) {
	next(bodyContext{ctx, &watchedBody{Reader: ctx.BodyReader()}})
}

// Unwrap returns the context inside, for humagin.Unwrap.
func (c bodyContext) Unwrap() huma.Context { return c.humaContext }

// BodyReader returns the watched body.
func (c bodyContext) BodyReader() io.Reader { return c.body }

// SetStatus corrects the status of a broken body.
func (c bodyContext) SetStatus(status int) {
	if c.body.broken && status == http.StatusInternalServerError {
		status = http.StatusBadRequest
	}
	c.humaContext.SetStatus(status)
}

// brokenBody reports whether the body of a request could not be read to its end.
func brokenBody(ctx huma.Context) bool {
	c, ok := ctx.(bodyContext)
	return ok && c.body.broken
}

// watchedBody notes whether reading failed. That nothing came in time is another matter (408).
type watchedBody struct {
	io.Reader
	broken bool
}

// Read implements io.Reader.
func (b *watchedBody) Read(p []byte) (int, error) {
	n, err := b.Reader.Read(p)
	var network net.Error
	if err != nil && !errors.Is(err, io.EOF) && (!errors.As(err, &network) || !network.Timeout()) {
		b.broken = true
	}
	return n, err
}
