package schedulerdb

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// row is the values of one row: int64, float64, bool or string.
type row []any

// scrub replaces the texts that PostgreSQL refuses, so that one bad text does not fail the rows that share its commit.
func scrub(r row) {
	for i, v := range r {
		if s, ok := v.(string); ok {
			r[i] = clean(s)
		}
	}
}

// clean replaces what is not UTF-8, and NUL, by the replacement character.
func clean(s string) string {
	if utf8.ValidString(s) && strings.IndexByte(s, 0) < 0 {
		return s
	}
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD")
}

// arrays turns rows into the text of one PostgreSQL array for each column.
func arrays(rows []row) []any {
	args := make([]any, len(rows[0]))
	var b []byte
	for c := range args {
		b = append(b[:0], '{')
		for i, r := range rows {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendElement(b, r[c])
		}
		args[c] = string(append(b, '}'))
	}
	return args
}

// appendElement writes one element of an array (PostgreSQL documentation, 8.15.6).
func appendElement(b []byte, v any) []byte {
	switch v := v.(type) {
	case int64:
		return strconv.AppendInt(b, v, 10)
	case float64:
		return strconv.AppendFloat(b, v, 'g', -1, 64)
	case bool:
		return strconv.AppendBool(b, v)
	case string:
		b = append(b, '"')
		for i := range len(v) {
			if v[i] == '"' || v[i] == '\\' {
				b = append(b, '\\')
			}
			b = append(b, v[i])
		}
		return append(b, '"')
	default:
		panic(fmt.Sprintf("schedulerdb: a row cannot hold a %T", v))
	}
}
