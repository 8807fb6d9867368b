package sns

import (
	"encoding/json"
	"slices"
	"strings"
)

// filter is a filter policy on message attributes: every name must have one of
// its values. Understood are strings, numbers, and the matchers prefix, suffix,
// exists and anything-but; a policy with others is refused, not misread.
type filter map[string][]any

func parseFilter(doc string) (filter, error) {
	if doc == "" {
		return nil, nil
	}
	var f filter
	if err := json.Unmarshal([]byte(doc), &f); err != nil {
		return nil, invalidParameter("FilterPolicy: failed to parse JSON. Expected are attribute names with arrays of values")
	}
	for name, values := range f {
		if len(values) == 0 {
			return nil, invalidParameter("FilterPolicy: Empty arrays are not allowed: %s", name)
		}
		for _, v := range values {
			m, ok := v.(map[string]any)
			if !ok {
				continue
			}
			for op := range m {
				if !slices.Contains([]string{"prefix", "suffix", "exists", "anything-but"}, op) || len(m) != 1 {
					return nil, invalidParameter("FilterPolicy: Unrecognized match type %s", op)
				}
			}
		}
	}
	return f, nil
}

// lets reports whether a message with these attributes passes.
func (f filter) lets(attrs map[string]messageAttribute) bool {
	for name, values := range f {
		a, there := attrs[name]
		if !slices.ContainsFunc(values, func(want any) bool { return matches(want, a, there) }) {
			return false
		}
	}
	return true
}

func matches(want any, a messageAttribute, there bool) bool {
	rule, ok := want.(map[string]any)
	if !ok {
		return there && slices.ContainsFunc(valuesOf(a), func(v any) bool { return v == want })
	}
	if exists, ok := rule["exists"].(bool); ok {
		return there == exists
	}
	return there && slices.ContainsFunc(valuesOf(a), func(v any) bool { return fits(rule, v) })
}

func fits(rule map[string]any, v any) bool {
	text, _ := v.(string)
	if p, ok := rule["prefix"].(string); ok {
		return strings.HasPrefix(text, p)
	}
	if p, ok := rule["suffix"].(string); ok {
		return strings.HasSuffix(text, p)
	}
	switch but := rule["anything-but"].(type) {
	case []any:
		return !slices.Contains(but, v)
	case map[string]any:
		return !fits(but, v)
	case nil:
		return false
	default:
		return v != but
	}
}

// valuesOf gives an attribute's values: a String.Array has several.
func valuesOf(a messageAttribute) []any {
	switch {
	case a.DataType == "String.Array":
		var list []any
		if json.Unmarshal([]byte(a.StringValue), &list) == nil {
			return list
		}
	case strings.HasPrefix(a.DataType, "Number"):
		var n float64
		if json.Unmarshal([]byte(a.StringValue), &n) == nil {
			return []any{n}
		}
	}
	return []any{a.StringValue}
}
