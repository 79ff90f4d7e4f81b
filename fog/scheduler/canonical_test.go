package scheduler

import (
	"reflect"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Each value of a submission that differs in one field has another digest, and a field that is not used has no part in it.
func TestDigestTellsSubmissionsApart(t *testing.T) {
	moment := time.Date(2026, 11, 22, 0, 0, 0, 1000, time.UTC)
	seen := map[string]string{}
	plain := Submission{Name: "a"}
	add := func(name string, change func(*Submission)) {
		s := plain
		change(&s)
		digest := s.digest()
		require.Empty(t, seen[digest], "%s is digested like %s", name, seen[digest])
		seen[digest] = name
	}
	add("plain", func(*Submission) {})
	fill(t, reflect.TypeFor[Submission](), nil, func(path string, way [][]int) {
		if path != "Key" {
			add(path, func(s *Submission) { set(reflect.ValueOf(s).Elem(), way, moment) })
		}
	})
	require.Greater(t, len(seen), 30)
	add("two of one", func(s *Submission) { s.After = []Dependency{{Job: "ab"}} })
	add("one of two", func(s *Submission) { s.After = []Dependency{{Job: "a"}, {Job: "b"}} })

	same := plain
	same.Key, same.After, same.Deadline = "k", []Dependency{}, time.Time{}
	require.Equal(t, plain.digest(), same.digest())
	here, there := plain, plain
	here.Deadline, there.Deadline = moment, moment.In(time.FixedZone("there", 3600))
	require.Equal(t, here.digest(), there.digest())
}

// fill calls visit for every field that a value can have, with the way to it through structs, pointers and slices.
func fill(t *testing.T, of reflect.Type, way [][]int, visit func(path string, way [][]int)) {
	for i := range of.NumField() {
		field := of.Field(i)
		require.True(t, field.IsExported(), field.Name)
		to := append(append([][]int{}, way...), []int{i})
		kind := field.Type
		for kind.Kind() == reflect.Pointer || kind.Kind() == reflect.Slice && kind.Elem().Kind() != reflect.Uint8 {
			kind = kind.Elem()
		}
		if kind.Kind() == reflect.Struct && kind != reflect.TypeFor[time.Time]() {
			fill(t, kind, to, func(path string, way [][]int) { visit(field.Name+"."+path, way) })
			continue
		}
		visit(field.Name, to)
	}
}

// set gives the field at the end of a way a value that is not empty.
func set(v reflect.Value, way [][]int, moment time.Time) {
	for _, step := range way {
		v = v.FieldByIndex(step)
		for v.Kind() == reflect.Pointer || v.Kind() == reflect.Slice {
			if v.Kind() == reflect.Pointer {
				v.Set(reflect.New(v.Type().Elem()))
				v = v.Elem()
			} else {
				v.Set(reflect.MakeSlice(v.Type(), 1, 1))
				v = v.Index(0)
			}
		}
	}
	switch {
	case v.Type() == reflect.TypeFor[time.Time]():
		v.Set(reflect.ValueOf(moment))
	case v.Kind() == reflect.String:
		v.SetString("x")
	case v.Kind() == reflect.Bool:
		v.SetBool(true)
	case v.CanInt():
		v.SetInt(3)
	case v.CanUint():
		v.SetUint(3)
	default:
		v.SetFloat(0.5)
	}
}
