package server

import (
	"reflect"
	"time"

	"github.com/danielgtaylor/huma/v2"
)

// optional is a query parameter that may be absent, which is not the same as zero.
type optional[T any] struct {
	value T
	known bool
}

// Schema implements huma.SchemaProvider: the parameter looks like its value.
func (o optional[T]) Schema(r huma.Registry) *huma.Schema {
	return huma.SchemaFromType(r, reflect.TypeFor[T]())
}

// Receiver implements huma.ParamWrapper.
func (o *optional[T]) Receiver() reflect.Value { return reflect.ValueOf(&o.value).Elem() }

// OnParamSet implements huma.ParamReactor.
func (o *optional[T]) OnParamSet(isSet bool, _ any) { o.known = isSet }

// pointer returns the value, or nil where it is absent.
func (o *optional[T]) pointer() *T {
	if !o.known {
		return nil
	}
	return &o.value
}

// each converts a list. The result is never nil: an empty list is [] in JSON.
func each[A, B any](in []A, convert func(A) B) []B {
	out := make([]B, len(in))
	for i, a := range in {
		out[i] = convert(a)
	}
	return out
}

// list returns in, or an empty list where it is nil.
func list[T any](in []T) []T {
	if in == nil {
		return []T{}
	}
	return in
}

// when returns a time for JSON, null where it is zero.
func when(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}

// word returns a text for JSON, null where it is empty.
func word(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// seconds turns a number of seconds into a duration, the longest where it would not fit.
func seconds(s float64) time.Duration {
	const most = float64(1<<63-1) / float64(time.Second)
	if s >= most {
		return 1<<63 - 1
	}
	return time.Duration(s * float64(time.Second))
}

// base64Bytes are bytes that travel as base64; the empty text is no bytes.
type base64Bytes []byte

// Schema implements huma.SchemaProvider.
func (base64Bytes) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeString, Format: "byte"}
}
