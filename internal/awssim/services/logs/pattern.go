package logs

import (
	"strings"
	"unicode"
)

// matcher tells whether a message matches a filter pattern.
type matcher func(message string) bool

// parsePattern understands the pattern syntax for unstructured events: terms
// that must all be there, "quoted phrases", ?optional terms and -excluded ones.
// JSON patterns go to parseJSONPattern. Space-delimited and regular-expression
// patterns are refused.
func parsePattern(pattern string) (matcher, error) {
	p := strings.TrimSpace(pattern)
	switch {
	case p == "" || p == `" "`:
		return func(string) bool { return true }, nil
	case strings.HasPrefix(p, "{"):
		return parseJSONPattern(p)
	case strings.HasPrefix(p, "["), strings.Contains(p, "%"):
		return nil, invalid("Invalid filter pattern: the simulator cannot evaluate space-delimited and regular-expression patterns: %s", pattern)
	}
	terms, err := splitTerms(p)
	if err != nil {
		return nil, err
	}
	return func(m string) bool { return matchTerms(terms, m) }, nil
}

type term struct {
	text string
	mode byte // '?' any of these, '-' none of these, 0 all of these
}

func matchTerms(terms []term, message string) bool {
	optional, found := false, false
	for _, t := range terms {
		has := strings.Contains(message, t.text)
		switch t.mode {
		case '?':
			optional, found = true, found || has
		case '-':
			if has {
				return false
			}
		default:
			if !has {
				return false
			}
		}
	}
	return !optional || found
}

func splitTerms(p string) ([]term, error) {
	var out []term
	for p = strings.TrimLeftFunc(p, unicode.IsSpace); p != ""; p = strings.TrimLeftFunc(p, unicode.IsSpace) {
		var t term
		if p[0] == '?' || p[0] == '-' {
			t.mode, p = p[0], p[1:]
		}
		if strings.HasPrefix(p, `"`) {
			text, rest, closed := strings.Cut(p[1:], `"`)
			if !closed {
				return nil, invalid("Invalid filter pattern: a quote is not closed.")
			}
			t.text, p = text, rest
		} else {
			end := strings.IndexFunc(p, unicode.IsSpace)
			if end < 0 {
				end = len(p)
			}
			t.text, p = p[:end], p[end:]
		}
		if t.text == "" {
			return nil, invalid("Invalid filter pattern: a term is empty.")
		}
		out = append(out, t)
	}
	return out, nil
}
