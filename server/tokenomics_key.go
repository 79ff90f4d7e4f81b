package server

import (
	"context"
	"crypto/rand"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humagin"

	"github.com/fogcompute/fogcompute/fog/principal"
	"github.com/fogcompute/fogcompute/fog/tokenomics"
)

// keyHeader carries the key under which the ledger carries a request out, once.
const keyHeader = "Idempotency-Key"

// moveInput is a request that changes the ledger.
type moveInput[B any] struct {
	Key  string `header:"Idempotency-Key" maxLength:"200" doc:"Makes the request repeatable: with the same key and body nothing is done twice and the answer is the first one's, with another body it is refused with 409. Absent: a fresh one, which the answer's header Idempotency-Key names."`
	Body B
}

// move registers an operation that changes the ledger.
func move[I, O any](s *Server, op huma.Operation, handle func(context.Context, *I) (*O, error)) {
	op.Method = http.MethodPost
	op.Errors = append(op.Errors, http.StatusPaymentRequired, http.StatusForbidden, http.StatusNotFound, http.StatusConflict)
	op.Middlewares = append(op.Middlewares, nameRequest)
	route(s, "tokenomics", op, handle)
}

// nameRequest draws a key for a request that has none. Whether it was drawn or not, the answer names it, also if that is an error: whose
// outcome is unknown can be asked for again.
func nameRequest(ctx huma.Context, next func(huma.Context)) {
	key := ctx.Header(keyHeader)
	if key == "" {
		key = rand.Text()
		humagin.Unwrap(ctx).Request.Header.Set(keyHeader, key)
	}
	ctx.SetHeader(keyHeader, key)
	next(ctx)
}

// accountOr is the account of a name, or of the caller where it is empty.
func accountOr(ctx context.Context, name string) tokenomics.Account {
	return tokenomics.Account(or(name, string(principal.From(ctx).Account)))
}

// sole is the verdict on the only request of a batch.
func sole(verdicts []error, err error) error {
	if err != nil {
		return err
	}
	return verdicts[0]
}
