package fault_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
)

func TestKindNames(t *testing.T) {
	names := map[fault.Kind]string{
		fault.Internal: "internal", fault.Invalid: "invalid", fault.NotFound: "not_found", fault.Conflict: "conflict",
		fault.Insufficient: "insufficient", fault.Unavailable: "unavailable", fault.Denied: "denied",
		fault.TooLarge: "too_large", fault.Limited: "limited", fault.Kind(200): "internal",
	}
	for kind, name := range names {
		require.Equal(t, name, kind.String())
	}
}

func TestErrorText(t *testing.T) {
	for want, err := range map[string]error{
		"job.get: no such job":              fault.New(fault.NotFound, "job.get", "no such job"),
		"job.get: no job 7":                 fault.Newf(fault.NotFound, "job.get", "no job %d", 7),
		"job.get: broken: EOF":              fault.Newf(fault.Internal, "job.get", "broken: %w", io.EOF),
		"submit: tier: unknown":             fault.Field("submit", "tier", "unknown"),
		"a: b: c":                           fault.Wrap("a", fault.New(fault.Conflict, "b", "c")),
		"conflict":                          &fault.Error{Kind: fault.Conflict},
		"op: denied":                        fault.New(fault.Denied, "op", ""),
		"op: away: EOF":                     &fault.Error{Kind: fault.Unavailable, Op: "op", Detail: "away", Err: io.EOF},
		"op: interrupted: context canceled": fault.Wrap("op", context.Canceled),
		"op: interrupted: slow: context deadline exceeded": fault.Wrap("op", fmt.Errorf("slow: %w", context.DeadlineExceeded)),
	} {
		require.EqualError(t, err, want)
	}
}

func TestWrap(t *testing.T) {
	require.NoError(t, fault.Wrap("op", nil))
	same := fault.New(fault.Conflict, "op", "no")
	require.Same(t, same, fault.Wrap("op", same), "an operation is named once")
	cause := fault.Field("submit", "tier", "unknown")
	err := fault.Wrap("outer", fmt.Errorf("middle: %w", cause))
	require.Equal(t, fault.Invalid, fault.KindOf(err))
	require.Equal(t, "tier", fault.FieldOf(err))
	require.Equal(t, "unknown", fault.Detail(err))
	require.ErrorIs(t, err, cause)

	require.Equal(t, fault.Internal, fault.KindOf(fault.Wrap("op", io.EOF)))
	require.ErrorIs(t, fault.Wrap("op", io.EOF), io.EOF)
	for _, ended := range []error{context.Canceled, context.DeadlineExceeded} {
		err := fault.Wrap("op", fmt.Errorf("query: %w", ended))
		require.Equal(t, fault.Unavailable, fault.KindOf(err))
		require.ErrorIs(t, err, ended)
	}
	known := &fault.Error{Kind: fault.Denied, Err: context.Canceled}
	require.Equal(t, fault.Denied, fault.KindOf(fault.Wrap("op", known)), "a kind that is there stays")
}

func TestIs(t *testing.T) {
	sentinel := fault.New(fault.Conflict, "duty", "held by another")
	err := fault.Wrap("a", fmt.Errorf("b: %w", sentinel))
	require.ErrorIs(t, err, sentinel)
	require.ErrorIs(t, err, &fault.Error{Kind: fault.Conflict}, "only a kind matches the kind")
	require.NotErrorIs(t, err, &fault.Error{Kind: fault.Invalid})
	require.NotErrorIs(t, err, fault.New(fault.Conflict, "duty", "something else"))
	require.NotErrorIs(t, err, io.EOF)
}

func TestDetailNeverLeaks(t *testing.T) {
	secret := errors.New("password=hunter2")
	for _, err := range []error{
		secret,
		fault.Wrap("op", secret),
		fault.Newf(fault.Internal, "op", "secret: %w", secret),
		&fault.Error{Kind: fault.Unavailable, Op: "db", Detail: "database unavailable", Err: secret},
		fault.Wrap("op", &fault.Error{Kind: fault.Unavailable, Op: "db", Err: secret}),
		&fault.Error{Kind: fault.Denied, Err: fault.Newf(fault.Internal, "op", "%w", secret)},
	} {
		require.NotContains(t, fault.Detail(err), "hunter2")
		require.NotEmpty(t, fault.Detail(err))
	}
	require.Equal(t, "internal error", fault.Detail(secret))
	require.Equal(t, "too large", fault.Detail(&fault.Error{Kind: fault.TooLarge}))
	require.Empty(t, fault.Detail(nil))
	require.Empty(t, fault.FieldOf(io.EOF))
}

func TestSeveralCauses(t *testing.T) {
	err := fault.Newf(fault.Invalid, "op", "%w and %w", io.EOF, io.ErrClosedPipe)
	require.ErrorIs(t, err, io.EOF)
	require.ErrorIs(t, err, io.ErrClosedPipe)
	joined := errors.Join(io.EOF, fault.New(fault.Limited, "op", "slower"))
	require.Equal(t, fault.Limited, fault.KindOf(joined))
	require.Equal(t, "slower", fault.Detail(joined))
}
