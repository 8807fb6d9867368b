package iameval

import (
	"strings"
	"unicode/utf8"
)

// Matches reports whether value matches pattern, where * stands for any number
// of characters (colons and slashes too) and ? for exactly one.
func Matches(pattern, value string) bool { return glob(pattern, value, '*', '?') }

// Wildcards of a compiled pattern are control characters, which no policy
// document may contain, so a literal * (from ${*}, or out of a variable's
// value) is never mistaken for a wildcard.
const (
	wildMany = '\x01'
	wildOne  = '\x02'
)

// glob matches iteratively, returning to the last many-wildcard on a mismatch,
// so its cost is bounded by len(pattern)*len(value).
func glob(pattern, value string, many, one byte) bool {
	p, v := 0, 0
	lastMany, resume := -1, 0
	for v < len(value) {
		switch {
		case p < len(pattern) && pattern[p] == many:
			lastMany, resume = p, v
			p++
		case p < len(pattern) && pattern[p] == one:
			_, size := utf8.DecodeRuneInString(value[v:])
			p++
			v += size
		case p < len(pattern) && pattern[p] == value[v]:
			p++
			v++
		case lastMany >= 0:
			_, size := utf8.DecodeRuneInString(value[resume:])
			resume += size
			p, v = lastMany+1, resume
		default:
			return false
		}
	}
	for p < len(pattern) && pattern[p] == many {
		p++
	}
	return p == len(pattern)
}

// pattern is a compiled string of a policy. Exactly one of its forms is used:
// most patterns are literal, "*", or a literal with one trailing *, and those
// need no glob.
type pattern struct {
	form  patternForm
	text  string // literal, the part before *, or the glob
	parts []part // form template: text and variables in order
}

type patternForm uint8

const (
	formLiteral patternForm = iota
	formAny
	formPrefix
	formGlob
	formTemplate
)

// part is a piece of a template: fixed text, or a variable.
type part struct {
	text       string // wildcards already compiled
	variable   bool
	key        contextKey
	fallback   string // ${key, 'fallback'}
	hasDefault bool
}

// dialect says which special characters mean something where a string stands.
type dialect struct {
	wildcards bool // * and ? are wildcards
	variables bool // ${…} is a variable: Version 2012-10-17 only
	from      int  // variables before this byte are literal text
}

// compilePattern compiles s. A ${…} that is never closed is literal text.
func compilePattern(s string, d dialect) pattern {
	var parts []part
	var text strings.Builder
	flush := func() {
		if text.Len() > 0 {
			parts = append(parts, part{text: text.String()})
			text.Reset()
		}
	}
	for i := 0; i < len(s); {
		if d.variables && i >= d.from && strings.HasPrefix(s[i:], "${") {
			if n := variableLen(s[i:]); n > 0 {
				body := s[i+2 : i+n-1]
				i += n
				if body == "*" || body == "?" || body == "$" {
					text.WriteString(body)
					continue
				}
				flush()
				parts = append(parts, parseVariable(body))
				continue
			}
		}
		switch c := s[i]; {
		case d.wildcards && c == '*':
			text.WriteByte(wildMany)
		case d.wildcards && c == '?':
			text.WriteByte(wildOne)
		default:
			text.WriteByte(c)
		}
		i++
	}
	flush()
	for _, p := range parts {
		if p.variable {
			return pattern{form: formTemplate, parts: parts}
		}
	}
	if len(parts) == 0 {
		return pattern{}
	}
	return fixedPattern(parts[0].text)
}

// fixedPattern picks the cheapest form for text with compiled wildcards.
func fixedPattern(text string) pattern {
	wild := strings.IndexAny(text, "\x01\x02")
	switch {
	case wild < 0:
		return pattern{form: formLiteral, text: text}
	case text == string(wildMany):
		return pattern{form: formAny}
	case wild == len(text)-1 && text[wild] == wildMany:
		return pattern{form: formPrefix, text: text[:wild]}
	}
	return pattern{form: formGlob, text: text}
}

// variableLen returns the length of the ${…} that s starts with, 0 if it is not
// closed. A } inside the quotes of a default value does not close it.
func variableLen(s string) int {
	quoted := false
	for i := 2; i < len(s); i++ {
		switch {
		case s[i] == '\'':
			quoted = !quoted
		case s[i] == '}' && !quoted:
			return i + 1
		}
	}
	return 0
}

// parseVariable reads the inside of ${…}: a key, or a key and a quoted default.
func parseVariable(body string) part {
	key, rest, found := strings.Cut(body, ",")
	v := part{variable: true, key: newContextKey(strings.TrimSpace(key))}
	rest = strings.TrimSpace(rest)
	if found && len(rest) >= 2 && rest[0] == '\'' && rest[len(rest)-1] == '\'' {
		v.fallback, v.hasDefault = rest[1:len(rest)-1], true
	}
	return v
}

// match reports whether value matches. A template one of whose variables has no
// value matches nothing, not even "".
func (p *pattern) match(value string, r *request) bool {
	switch p.form {
	case formLiteral:
		return p.text == value
	case formAny:
		return true
	case formPrefix:
		return strings.HasPrefix(value, p.text)
	case formGlob:
		return glob(p.text, value, wildMany, wildOne)
	}
	text, ok := p.expand(r)
	return ok && glob(text, value, wildMany, wildOne)
}

// expand fills in a template's variables as literal text.
func (p *pattern) expand(r *request) (string, bool) {
	if p.form != formTemplate {
		return p.text, true
	}
	var text strings.Builder
	for _, part := range p.parts {
		if !part.variable {
			text.WriteString(part.text)
			continue
		}
		value, ok := r.variable(part.key)
		if !ok {
			if !part.hasDefault {
				return "", false
			}
			value = part.fallback
		}
		if strings.ContainsAny(value, "\x01\x02") {
			return "", false // would read as a wildcard
		}
		text.WriteString(value)
	}
	return text.String(), true
}

// matchAny reports whether any of the patterns matches value.
func matchAny(patterns []pattern, value string, r *request) bool {
	for i := range patterns {
		if patterns[i].match(value, r) {
			return true
		}
	}
	return false
}
