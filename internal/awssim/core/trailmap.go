package core

import (
	"encoding"
	"reflect"
	"strings"
	"unicode"
	"unicode/utf8"
)

// trailMap turns a typed input or output into CloudTrail's form: lower camel
// names, nothing empty, nothing secret (tag `trail:"-"`), no payloads.
func trailMap(v any) map[string]any {
	if v == nil {
		return nil
	}
	m, _ := trailValue(reflect.ValueOf(v)).(map[string]any)
	if len(m) == 0 {
		return nil
	}
	return m
}

func trailValue(v reflect.Value) any {
	for v.Kind() == reflect.Pointer || v.Kind() == reflect.Interface {
		if v.IsNil() {
			return nil
		}
		v = v.Elem()
	}
	if v.CanInterface() {
		if m, ok := v.Interface().(encoding.TextMarshaler); ok {
			b, err := m.MarshalText()
			if err != nil {
				return nil
			}
			return string(b)
		}
	}
	switch v.Kind() {
	case reflect.Struct:
		if _, raw := v.Interface().(Raw); raw {
			return nil
		}
		return trailStruct(v)
	case reflect.Map:
		m := map[string]any{}
		for it := v.MapRange(); it.Next(); {
			m[it.Key().String()] = trailValue(it.Value())
		}
		return m
	case reflect.Slice, reflect.Array:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			return nil
		}
		list := make([]any, 0, v.Len())
		for i := range v.Len() {
			list = append(list, trailValue(v.Index(i)))
		}
		return list
	default:
		return v.Interface()
	}
}

func trailStruct(v reflect.Value) map[string]any {
	m := map[string]any{}
	t := v.Type()
	for i := range t.NumField() {
		f := t.Field(i)
		if !f.IsExported() || f.Tag.Get("trail") == "-" || f.Name == "XMLName" {
			continue
		}
		fv := v.Field(i)
		if fv.IsZero() {
			continue
		}
		if f.Anonymous {
			if sub, ok := trailValue(fv).(map[string]any); ok {
				for k, x := range sub {
					m[k] = x
				}
			}
			continue
		}
		name := f.Tag.Get("trail")
		if name == "" {
			name = lowerCamel(f.Name)
		}
		if x := trailValue(fv); x != nil {
			m[name] = x
		}
	}
	return m
}

// lowerCamel: "FunctionName" -> "functionName", "DBName" -> "dBName", "ARN" -> "arn".
func lowerCamel(s string) string {
	if strings.ToUpper(s) == s {
		return strings.ToLower(s)
	}
	r, n := utf8.DecodeRuneInString(s)
	return string(unicode.ToLower(r)) + s[n:]
}

func afterLast(s string, sep byte) string { return s[strings.LastIndexByte(s, sep)+1:] }
