package logs

import (
	"encoding/json"
	"regexp"
	"strconv"
	"strings"
)

// comparison is one "$.selector operator value" of a JSON pattern.
var comparison = regexp.MustCompile(`^\$\.([A-Za-z0-9_.\-]+)\s*(=|!=|<=|>=|<|>|IS|NOT EXISTS|EXISTS)\s*(.*)$`)

// parseJSONPattern understands { $.a.b = "x*" && $.n > 3 || $.k IS NULL }: &&
// binds tighter than ||. Parentheses and array indexes are refused.
func parseJSONPattern(p string) (matcher, error) {
	body, ok := strings.CutSuffix(strings.TrimPrefix(p, "{"), "}")
	if !ok || strings.ContainsAny(outsideQuotes(body), "()[]") {
		return nil, invalid("Invalid filter pattern: the simulator cannot evaluate %s", p)
	}
	var anyOf [][]func(any) bool
	for _, alternative := range splitOutsideQuotes(body, "||") {
		var all []func(any) bool
		for _, text := range splitOutsideQuotes(alternative, "&&") {
			test, err := parseComparison(strings.TrimSpace(text))
			if err != nil {
				return nil, err
			}
			all = append(all, test)
		}
		anyOf = append(anyOf, all)
	}
	return func(message string) bool {
		var doc any
		if json.Unmarshal([]byte(message), &doc) != nil {
			return false // a message that is no JSON matches no JSON pattern
		}
		for _, all := range anyOf {
			if every(all, doc) {
				return true
			}
		}
		return false
	}, nil
}

func every(tests []func(any) bool, doc any) bool {
	for _, t := range tests {
		if !t(doc) {
			return false
		}
	}
	return true
}

func parseComparison(text string) (func(any) bool, error) {
	m := comparison.FindStringSubmatch(text)
	if m == nil {
		return nil, invalid("Invalid filter pattern: the simulator cannot evaluate %q", text)
	}
	path, op, want := strings.Split(m[1], "."), m[2], strings.TrimSpace(m[3])
	return func(doc any) bool {
		got, there := dig(doc, path)
		switch op {
		case "EXISTS":
			return there
		case "NOT EXISTS":
			return !there
		case "IS":
			return there && isLiteral(got, want)
		case "!=":
			return there && !equal(got, want)
		case "=":
			return there && equal(got, want)
		default:
			return there && ordered(got, op, want)
		}
	}, nil
}

func dig(doc any, path []string) (any, bool) {
	for _, name := range path {
		m, ok := doc.(map[string]any)
		if !ok {
			return nil, false
		}
		if doc, ok = m[name]; !ok {
			return nil, false
		}
	}
	return doc, true
}

func isLiteral(got any, want string) bool {
	switch strings.ToUpper(want) {
	case "NULL":
		return got == nil
	case "TRUE":
		return got == true
	case "FALSE":
		return got == false
	}
	return false
}

// equal compares text with * as wildcard, numbers as numbers.
func equal(got any, want string) bool {
	switch v := got.(type) {
	case float64:
		n, err := strconv.ParseFloat(want, 64)
		return err == nil && n == v
	case bool:
		return strconv.FormatBool(v) == want
	case string:
		parts := strings.Split(strings.Trim(want, `"`), "*")
		for i := range parts {
			parts[i] = regexp.QuoteMeta(parts[i])
		}
		ok, err := regexp.MatchString("^(?s:"+strings.Join(parts, ".*")+")$", v)
		return err == nil && ok
	}
	return false
}

func ordered(got any, op, want string) bool {
	v, isNumber := got.(float64)
	n, err := strconv.ParseFloat(want, 64)
	if !isNumber || err != nil {
		return false
	}
	switch op {
	case "<":
		return v < n
	case "<=":
		return v <= n
	case ">":
		return v > n
	default:
		return v >= n
	}
}

// splitOutsideQuotes splits at sep where it is not inside quotes.
func splitOutsideQuotes(s, sep string) []string {
	var out []string
	start, quoted := 0, false
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '"':
			quoted = !quoted
		case !quoted && strings.HasPrefix(s[i:], sep):
			out = append(out, s[start:i])
			start = i + len(sep)
			i = start - 1
		}
	}
	return append(out, s[start:])
}

func outsideQuotes(s string) string {
	parts := strings.Split(s, `"`)
	var b strings.Builder
	for i := 0; i < len(parts); i += 2 {
		b.WriteString(parts[i])
	}
	return b.String()
}
