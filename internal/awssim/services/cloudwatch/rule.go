package cloudwatch

import (
	"fmt"
	"regexp"
	"strings"
)

// rule is a composite alarm's rule.
type rule interface {
	// holds asks for the state of alarms by name.
	holds(state func(name string) string) bool
	names() []string
}

type (
	allOf   []rule
	anyOf   []rule
	negate  struct{ r rule }
	fixed   bool
	stateIs struct{ state, name string }
)

func (rs allOf) holds(f func(string) string) bool {
	for _, r := range rs {
		if !r.holds(f) {
			return false
		}
	}
	return true
}

func (rs anyOf) holds(f func(string) string) bool {
	for _, r := range rs {
		if r.holds(f) {
			return true
		}
	}
	return false
}

func (n negate) holds(f func(string) string) bool  { return !n.r.holds(f) }
func (b fixed) holds(func(string) string) bool     { return bool(b) }
func (s stateIs) holds(f func(string) string) bool { return f(s.name) == s.state }

func gather(rs []rule) []string {
	var out []string
	for _, r := range rs {
		out = append(out, r.names()...)
	}
	return out
}

func (rs allOf) names() []string { return gather(rs) }
func (rs anyOf) names() []string { return gather(rs) }
func (n negate) names() []string { return n.r.names() }
func (fixed) names() []string    { return nil }
func (s stateIs) names() []string {
	return []string{s.name}
}

var ruleToken = regexp.MustCompile(`^\s*(\(|\)|"(?:[^"\\]|\\.)*"|[^\s()"]+)`)

// ruleParser reads ALARM("a") AND (OK(b) OR NOT TRUE).
type ruleParser struct {
	toks  []string
	depth int
}

func parseRule(text string) (rule, error) {
	p := &ruleParser{}
	for rest := text; strings.TrimSpace(rest) != ""; {
		m := ruleToken.FindStringSubmatch(rest)
		if m == nil {
			return nil, fmt.Errorf("a quote is not closed in %q", rest)
		}
		p.toks = append(p.toks, m[1])
		rest = rest[len(m[0]):]
	}
	r, err := p.or()
	if err == nil && len(p.toks) > 0 {
		err = fmt.Errorf("%q is not expected", p.toks[0])
	}
	return r, err
}

func (p *ruleParser) accept(word string) bool {
	if len(p.toks) > 0 && strings.EqualFold(p.toks[0], word) {
		p.toks = p.toks[1:]
		return true
	}
	return false
}

const maxRuleDepth = 50

func (p *ruleParser) or() (rule, error) {
	if p.depth++; p.depth > maxRuleDepth {
		return nil, fmt.Errorf("it is nested too deeply")
	}
	defer func() { p.depth-- }()
	rs, err := p.chain("OR", p.and)
	if len(rs) == 1 {
		return rs[0], err
	}
	return anyOf(rs), err
}

func (p *ruleParser) and() (rule, error) {
	rs, err := p.chain("AND", p.not)
	if len(rs) == 1 {
		return rs[0], err
	}
	return allOf(rs), err
}

func (p *ruleParser) chain(word string, next func() (rule, error)) ([]rule, error) {
	var out []rule
	for {
		r, err := next()
		if err != nil {
			return nil, err
		}
		out = append(out, r)
		if !p.accept(word) {
			return out, nil
		}
	}
}

func (p *ruleParser) not() (rule, error) {
	if p.accept("NOT") {
		if p.depth++; p.depth > maxRuleDepth {
			return nil, fmt.Errorf("it is nested too deeply")
		}
		defer func() { p.depth-- }()
		r, err := p.not()
		return negate{r}, err
	}
	if p.accept("(") {
		r, err := p.or()
		if err == nil && !p.accept(")") {
			err = fmt.Errorf("a parenthesis is not closed")
		}
		return r, err
	}
	switch {
	case p.accept("TRUE"):
		return fixed(true), nil
	case p.accept("FALSE"):
		return fixed(false), nil
	}
	for _, st := range []string{isOK, isAlarm, insufficient} {
		if p.accept(st) {
			return p.call(st)
		}
	}
	if len(p.toks) == 0 {
		return nil, fmt.Errorf("it ends too early")
	}
	return nil, fmt.Errorf("%q is not expected", p.toks[0])
}

func (p *ruleParser) call(state string) (rule, error) {
	if !p.accept("(") || len(p.toks) < 2 || p.toks[1] != ")" {
		return nil, fmt.Errorf("%s needs the name of an alarm in parentheses", state)
	}
	name := strings.Trim(p.toks[0], `"`)
	p.toks = p.toks[2:]
	if i := strings.Index(name, ":alarm:"); i >= 0 {
		name = name[i+len(":alarm:"):]
	}
	return stateIs{state, name}, nil
}
