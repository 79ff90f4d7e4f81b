// Package fault is the one error type of the house.
//
// An error says four things: its kind (what a caller can do about it), the operation that failed, a detail fit for the
// eyes of a client, and the cause. Kinds become HTTP statuses in exactly one table of the server; programs compare
// errors with errors.Is and errors.As and never by their text.
package fault

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// Kind classifies an error by what its receiver can do about it.
type Kind uint8

const (
	// Internal is a defect or an unclassified error: the zero value. Its text never leaves the program.
	Internal Kind = iota
	// Invalid means that the request itself is wrong: repeating it unchanged cannot succeed.
	Invalid
	// NotFound means that the thing does not exist, or not for this principal.
	NotFound
	// Conflict means that the thing exists in a state, or with a content, that forbids the request.
	Conflict
	// Insufficient means that funds, stake or another budget do not cover the request.
	Insufficient
	// Unavailable means that something this request needs is down or too slow now: asking again later may succeed.
	Unavailable
	// Denied means that the principal may not do this.
	Denied
	// TooLarge means that the request exceeds a size limit or a storage quota.
	TooLarge
	// Limited means that the principal asks too often: asking again later may succeed.
	Limited
)

// String returns the kind's stable name in snake case: "internal", "invalid", "not_found" and so on.
func (k Kind) String() string {
	switch k {
	case Invalid:
		return "invalid"
	case NotFound:
		return "not_found"
	case Conflict:
		return "conflict"
	case Insufficient:
		return "insufficient"
	case Unavailable:
		return "unavailable"
	case Denied:
		return "denied"
	case TooLarge:
		return "too_large"
	case Limited:
		return "limited"
	default:
		return "internal"
	}
}

// Error is an error with a kind. Every field but Kind may be empty.
type Error struct {
	Kind   Kind
	Op     string // operation that failed, "package.action"
	Field  string // field of the request that is wrong; only with Invalid
	Detail string // sentence for a client; never shown for Internal
	Err    error  // cause; in the program's log only

	inline bool // Detail already contains the text of Err
}

// Error returns "operation: field: detail: cause", without the parts that are empty. An error that has neither a
// detail nor a cause shows its kind.
func (e *Error) Error() string {
	parts := make([]string, 0, 4)
	for _, part := range []string{e.Op, e.Field, e.Detail} {
		if part != "" {
			parts = append(parts, part)
		}
	}
	if e.Err != nil && !e.inline {
		parts = append(parts, e.Err.Error())
	}
	if e.Detail == "" && e.Err == nil {
		parts = append(parts, e.Kind.String())
	}
	return strings.Join(parts, ": ")
}

// Unwrap returns the cause, or nil.
func (e *Error) Unwrap() error { return e.Err }

// Is reports whether target is an *Error of the same kind and, if target has a detail, of the same detail. So an
// Error with only a kind matches every error of that kind, and a sentinel with a detail matches only itself.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Kind == e.Kind && (t.Detail == "" || t.Detail == e.Detail)
}

// New returns an error of a kind.
func New(kind Kind, op, detail string) *Error {
	return &Error{Kind: kind, Op: op, Detail: detail}
}

// Newf returns an error of a kind with a formatted detail. The verb %w keeps its operand as the cause; its text is then
// part of the detail, so a cause that a client must not read belongs into Wrap or into the field Err instead.
func Newf(kind Kind, op, format string, a ...any) *Error {
	e := &Error{Kind: kind, Op: op}
	e.format(format, a)
	return e
}

// Field returns an Invalid error that names the field of the request that is wrong.
func Field(op, field, format string, a ...any) *Error {
	e := &Error{Kind: Invalid, Op: op, Field: field}
	e.format(format, a)
	return e
}

// format sets the detail and, for the verb %w, the cause.
func (e *Error) format(format string, a []any) {
	text := fmt.Errorf(format, a...)
	e.Detail = text.Error()
	switch text.(type) { //nolint:errorlint // the shape that fmt.Errorf built, not a chain
	case interface{ Unwrap() error }, interface{ Unwrap() []error }:
		e.Err, e.inline = text, true
	}
}

// Wrap adds an operation to an error and keeps its kind; nil stays nil, and an error of the same operation stays as it is. A
// cancelled context or an expired deadline that has no kind yet becomes Unavailable.
func Wrap(op string, err error) error {
	if err == nil {
		return nil
	}
	if outer, ok := err.(*Error); ok && outer.Op == op { //nolint:errorlint // only the outermost link counts here
		return err
	}
	var inner *Error
	if !errors.As(err, &inner) && (errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)) {
		return &Error{Kind: Unavailable, Op: op, Detail: "interrupted", Err: err}
	}
	return &Error{Kind: KindOf(err), Op: op, Err: err}
}

// KindOf returns the kind of the outermost *Error in the chain, Internal for any other error and for nil.
func KindOf(err error) Kind {
	var e *Error
	if errors.As(err, &e) {
		return e.Kind
	}
	return Internal
}

// Detail returns the text that a client may read: the outermost detail of the error's own kind. For Internal it is
// always "internal error"; for an error without a detail it is the name of the kind in words; for nil it is empty.
func Detail(err error) string {
	if err == nil {
		return ""
	}
	kind := KindOf(err)
	if kind == Internal {
		return "internal error"
	}
	for e := next(err); e != nil && e.Kind == kind; e = next(e.Err) {
		if e.Detail != "" {
			return e.Detail
		}
	}
	return strings.ReplaceAll(kind.String(), "_", " ")
}

// FieldOf returns the outermost field that the chain names, or "".
func FieldOf(err error) string {
	for e := next(err); e != nil; e = next(e.Err) {
		if e.Field != "" {
			return e.Field
		}
	}
	return ""
}

// next returns the first *Error in the chain that starts at err, or nil.
func next(err error) *Error {
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	return nil
}
