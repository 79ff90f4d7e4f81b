package schedulertest

import (
	"fmt"
	"reflect"
	"testing"
	"time"
)

// Same fails the test unless both values are equal, where times are equal as instants in UTC, and a nil slice or map equals an
// empty one.
func Same(t testing.TB, want, got any) {
	t.Helper()
	if where := differ(reflect.ValueOf(want), reflect.ValueOf(got)); where != "" {
		t.Fatalf("differ at %s\nwant %+v\n got %+v", where, want, got)
	}
}

// differ is where two values differ; "" where they do not.
func differ(a, b reflect.Value) string {
	if a.IsValid() != b.IsValid() || a.IsValid() && a.Type() != b.Type() {
		return " (other types)"
	}
	if !a.IsValid() {
		return ""
	}
	if x, ok := a.Interface().(time.Time); ok {
		y, _ := b.Interface().(time.Time)
		if !x.Equal(y) || y.Location() != time.UTC {
			return fmt.Sprintf(" (%v, %v)", x, y)
		}
		return ""
	}
	switch a.Kind() {
	case reflect.Struct:
		for i := range a.NumField() {
			if where := differ(a.Field(i), b.Field(i)); where != "" {
				return "." + a.Type().Field(i).Name + where
			}
		}
	case reflect.Pointer:
		if a.IsNil() != b.IsNil() {
			return " (one is nil)"
		}
		return differ(a.Elem(), b.Elem())
	case reflect.Slice:
		return differSlice(a, b)
	case reflect.Map:
		return differMap(a, b)
	default:
		if !a.Equal(b) {
			return fmt.Sprintf(" (%v, %v)", a, b)
		}
	}
	return ""
}

func differSlice(a, b reflect.Value) string {
	if a.Len() != b.Len() {
		return fmt.Sprintf(" (%d elements, %d elements)", a.Len(), b.Len())
	}
	for i := range a.Len() {
		if where := differ(a.Index(i), b.Index(i)); where != "" {
			return fmt.Sprintf("[%d]%s", i, where)
		}
	}
	return ""
}

func differMap(a, b reflect.Value) string {
	if a.Len() != b.Len() {
		return fmt.Sprintf(" (%d keys, %d keys)", a.Len(), b.Len())
	}
	for _, k := range a.MapKeys() {
		if where := differ(a.MapIndex(k), b.MapIndex(k)); where != "" {
			return fmt.Sprintf("[%v]%s", k, where)
		}
	}
	return ""
}
