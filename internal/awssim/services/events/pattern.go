package events

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// pattern tells whether an event, as JSON decodes it, matches.
type pattern func(event map[string]any) bool

// test tells whether one value of an event matches; there is false if the event
// has no such field.
type test func(v any, there bool) bool

// parsePattern reads an event pattern: nested fields, lists of alternatives,
// and the filters prefix, suffix, anything-but, numeric, exists,
// equals-ignore-case and wildcard. Others are refused by name.
func parsePattern(text string) (pattern, error) {
	var doc map[string]any
	if err := json.Unmarshal([]byte(text), &doc); err != nil {
		return nil, fmt.Errorf("it is not a JSON object: %w", err)
	}
	return object(doc, "")
}

func object(doc map[string]any, at string) (pattern, error) {
	if len(doc) == 0 {
		return nil, fmt.Errorf("empty objects are not allowed at %q", at)
	}
	var all []pattern
	for name, v := range doc {
		if name == "$or" {
			return nil, fmt.Errorf("the simulator does not know $or")
		}
		switch x := v.(type) {
		case map[string]any:
			inner, err := object(x, at+"."+name)
			if err != nil {
				return nil, err
			}
			all = append(all, func(e map[string]any) bool {
				child, _ := e[name].(map[string]any) // what is not there is an empty object
				return inner(child)
			})
		case []any:
			anyOf, err := alternatives(x, at+"."+name)
			if err != nil {
				return nil, err
			}
			all = append(all, func(e map[string]any) bool { v, there := e[name]; return matchField(anyOf, v, there) })
		default:
			return nil, fmt.Errorf("%q must be an object or an array", at+"."+name)
		}
	}
	return func(e map[string]any) bool {
		return !slices.ContainsFunc(all, func(p pattern) bool { return !p(e) })
	}, nil
}

// matchField: of a list in the event one element must match.
func matchField(anyOf []test, v any, there bool) bool {
	return slices.ContainsFunc(anyOf, func(t test) bool {
		if list, ok := v.([]any); ok {
			return slices.ContainsFunc(list, func(x any) bool { return t(x, true) })
		}
		return t(v, there)
	})
}

func alternatives(list []any, at string) ([]test, error) {
	if len(list) == 0 {
		return nil, fmt.Errorf("empty arrays are not allowed at %q", at)
	}
	var out []test
	for _, v := range list {
		filter, isFilter := v.(map[string]any)
		if !isFilter && !scalar(v) {
			return nil, fmt.Errorf("%q holds something else than values and filters", at)
		}
		if !isFilter {
			out = append(out, func(x any, there bool) bool { return there && x == v })
			continue
		}
		if len(filter) != 1 {
			return nil, fmt.Errorf("a filter at %q must have one member", at)
		}
		for name, arg := range filter {
			t, err := newFilter(name, arg)
			if err != nil {
				return nil, fmt.Errorf("%q: %w", at, err)
			}
			out = append(out, t)
		}
	}
	return out, nil
}

// scalar tells whether a value can be compared with ==.
func scalar(v any) bool {
	switch v.(type) {
	case nil, string, float64, bool:
		return true
	}
	return false
}

func newFilter(name string, arg any) (test, error) {
	text, isText := arg.(string)
	onText := func(f func(string) bool) (test, error) {
		if !isText {
			return nil, fmt.Errorf("the simulator knows %s with a string only", name)
		}
		return func(x any, _ bool) bool { s, ok := x.(string); return ok && f(s) }, nil
	}
	switch name {
	case "prefix":
		return onText(func(s string) bool { return strings.HasPrefix(s, text) })
	case "suffix":
		return onText(func(s string) bool { return strings.HasSuffix(s, text) })
	case "equals-ignore-case":
		return onText(func(s string) bool { return strings.EqualFold(s, text) })
	case "wildcard":
		parts := strings.Split(text, "*")
		for i := range parts {
			parts[i] = regexp.QuoteMeta(parts[i])
		}
		re, err := regexp.Compile("^(?s:" + strings.Join(parts, ".*") + ")$")
		if err != nil {
			return nil, fmt.Errorf("wildcard %q: %w", text, err)
		}
		return onText(re.MatchString)
	case "exists":
		want, ok := arg.(bool)
		if !ok {
			return nil, fmt.Errorf("exists must be true or false")
		}
		return func(_ any, there bool) bool { return there == want }, nil
	case "numeric":
		return numeric(arg)
	case "anything-but":
		return anythingBut(arg)
	}
	return nil, fmt.Errorf("the simulator does not know the filter %q", name)
}

func anythingBut(arg any) (test, error) {
	if m, ok := arg.(map[string]any); ok {
		for name, inner := range m {
			t, err := newFilter(name, inner)
			if err != nil || len(m) != 1 {
				return nil, fmt.Errorf("anything-but: %v", m)
			}
			return func(x any, there bool) bool { return there && !t(x, there) }, nil
		}
	}
	list, ok := arg.([]any)
	if !ok {
		list = []any{arg}
	}
	if !slices.ContainsFunc(list, scalar) || slices.ContainsFunc(list, func(v any) bool { return !scalar(v) }) {
		return nil, fmt.Errorf("anything-but needs values, or one filter")
	}
	return func(x any, there bool) bool { return there && (!scalar(x) || !slices.Contains(list, x)) }, nil
}

// numeric reads [">", 0, "<=", 5].
func numeric(arg any) (test, error) {
	list, ok := arg.([]any)
	if !ok || len(list) == 0 || len(list)%2 != 0 {
		return nil, fmt.Errorf("numeric needs pairs of operator and number")
	}
	ops := map[string]func(a, b float64) bool{
		"=": func(a, b float64) bool { return a == b }, "<": func(a, b float64) bool { return a < b }, "<=": func(a, b float64) bool { return a <= b },
		">": func(a, b float64) bool { return a > b }, ">=": func(a, b float64) bool { return a >= b },
	}
	var all []func(float64) bool
	for i := 0; i < len(list); i += 2 {
		name, _ := list[i].(string)
		n, isNumber := list[i+1].(float64)
		op := ops[name]
		if op == nil || !isNumber {
			return nil, fmt.Errorf("numeric: %v %v", list[i], list[i+1])
		}
		all = append(all, func(x float64) bool { return op(x, n) })
	}
	return func(x any, _ bool) bool {
		n, ok := x.(float64)
		return ok && !slices.ContainsFunc(all, func(f func(float64) bool) bool { return !f(n) })
	}, nil
}
