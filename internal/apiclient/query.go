package apiclient

import (
	"encoding"
	"fmt"
	"net/url"
	"reflect"
	"strings"
	"time"
)

// values writes the fields of a struct that have a tag "query"; zero fields are
// left out. Times are RFC 3339 in UTC, durations as 1m30s, lists with commas.
func values(query any) url.Values {
	out := url.Values{}
	v := reflect.ValueOf(query)
	for f, field := range v.Fields() {
		if name := f.Tag.Get("query"); name != "" && !field.IsZero() {
			out.Set(name, written(field.Interface()))
		}
	}
	return out
}

func written(v any) string {
	switch v := v.(type) {
	case time.Time:
		return v.UTC().Format(time.RFC3339)
	case []string:
		return strings.Join(v, ",")
	case encoding.TextMarshaler:
		if b, err := v.MarshalText(); err == nil {
			return string(b)
		}
	}
	return fmt.Sprint(v)
}
