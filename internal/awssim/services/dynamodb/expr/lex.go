package expr

import (
	"fmt"
	"strings"
)

type kind byte

const (
	tokEnd    kind = iota
	tokWord        // attribute name, keyword or function
	tokName        // #placeholder
	tokValue       // :placeholder
	tokNumber      // index of a list
	tokPunct       // = <> < <= > >= ( ) [ ] , . + -
)

type token struct {
	kind kind
	text string
}

// is tells whether the token is a keyword (given in upper case) or punctuation.
func (t token) is(s string) bool {
	return t.kind == tokPunct && t.text == s || t.kind == tokWord && strings.EqualFold(t.text, s)
}

func wordChar(c byte) bool {
	return c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
}

func lex(s string) ([]token, error) {
	var out []token
	for i := 0; i < len(s); {
		c := s[i]
		start := i
		switch {
		case c == ' ' || c == '\t' || c == '\n' || c == '\r':
			i++
			continue
		case c == '#' || c == ':':
			for i++; i < len(s) && wordChar(s[i]); i++ {
			}
			k := tokName
			if c == ':' {
				k = tokValue
			}
			if i == start+1 {
				return nil, fmt.Errorf("Syntax error; token: %q, near: %q", string(c), near(s, start))
			}
			out = append(out, token{k, s[start:i]})
		case c >= '0' && c <= '9':
			for ; i < len(s) && s[i] >= '0' && s[i] <= '9'; i++ {
			}
			out = append(out, token{tokNumber, s[start:i]})
		case wordChar(c):
			for ; i < len(s) && wordChar(s[i]); i++ {
			}
			out = append(out, token{tokWord, s[start:i]})
		case strings.HasPrefix(s[i:], "<>") || strings.HasPrefix(s[i:], "<=") || strings.HasPrefix(s[i:], ">="):
			i += 2
			out = append(out, token{tokPunct, s[start:i]})
		case strings.IndexByte("=<>()[],.+-", c) >= 0:
			i++
			out = append(out, token{tokPunct, s[start:i]})
		default:
			return nil, fmt.Errorf("Syntax error; token: %q, near: %q", string(c), near(s, start))
		}
	}
	return out, nil
}

func near(s string, i int) string {
	return s[max(0, i-8):min(len(s), i+8)]
}
