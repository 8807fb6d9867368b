package expr

import (
	"fmt"
	"sort"
	"strconv"
	"strings"
)

// Names are the placeholders of a request, and which of them were used. All
// expressions of the request share one.
type Names struct {
	names  map[string]string
	values map[string]Value
	used   map[string]bool
}

// NewNames takes ExpressionAttributeNames and ExpressionAttributeValues.
func NewNames(names map[string]string, values map[string]Value) *Names {
	return &Names{names, values, map[string]bool{}}
}

// Unused refuses placeholders that no expression used, as DynamoDB does.
func (n *Names) Unused() error {
	var names, values []string
	for k := range n.names {
		if !n.used[k] {
			names = append(names, k)
		}
	}
	for k := range n.values {
		if !n.used[k] {
			values = append(values, k)
		}
	}
	sort.Strings(names)
	sort.Strings(values)
	switch {
	case len(names) > 0:
		return fmt.Errorf("Value provided in ExpressionAttributeNames unused in expressions: keys: {%s}", strings.Join(names, ", "))
	case len(values) > 0:
		return fmt.Errorf("Value provided in ExpressionAttributeValues unused in expressions: keys: {%s}", strings.Join(values, ", "))
	}
	return nil
}

// parser walks over the tokens of one expression. what is its name in errors,
// such as "ConditionExpression".
type parser struct {
	what  string
	toks  []token
	at    int
	depth int
	*Names
}

func newParser(what, text string, n *Names) (*parser, error) {
	p := &parser{what: what, Names: n}
	if strings.TrimSpace(text) == "" {
		return nil, p.fail("The expression can not be empty;")
	}
	toks, err := lex(text)
	if err != nil {
		return nil, p.fail("%v", err)
	}
	p.toks = toks
	return p, nil
}

func (p *parser) fail(format string, args ...any) error {
	return fmt.Errorf("Invalid %s: %s", p.what, fmt.Sprintf(format, args...))
}

func (p *parser) peek() token {
	if p.at < len(p.toks) {
		return p.toks[p.at]
	}
	return token{}
}

func (p *parser) take() token {
	t := p.peek()
	p.at++
	return t
}

// accept takes the token if it is s.
func (p *parser) accept(s string) bool {
	if p.peek().is(s) {
		p.at++
		return true
	}
	return false
}

func (p *parser) expect(s string) error {
	if !p.accept(s) {
		return p.syntax()
	}
	return nil
}

func (p *parser) syntax() error {
	t := p.peek()
	if t.kind == tokEnd {
		return p.fail("Syntax error; token: <EOF>")
	}
	var near []string
	for i := max(0, p.at-1); i < min(len(p.toks), p.at+2); i++ {
		near = append(near, p.toks[i].text)
	}
	return p.fail("Syntax error; token: %q, near: %q", t.text, strings.Join(near, " "))
}

func (p *parser) end() error {
	if p.peek().kind != tokEnd {
		return p.syntax()
	}
	return nil
}

func (p *parser) name() (string, error) {
	switch t := p.take(); t.kind {
	case tokWord:
		if reserved[strings.ToUpper(t.text)] {
			return "", p.fail("Attribute name is a reserved keyword; reserved keyword: %s", t.text)
		}
		return t.text, nil
	case tokName:
		n, ok := p.names[t.text]
		if !ok {
			return "", p.fail("An expression attribute name used in the document path is not defined; attribute name: %s", t.text)
		}
		p.used[t.text] = true
		return n, nil
	}
	p.at--
	return "", p.syntax()
}

func (p *parser) path() (Path, error) {
	n, err := p.name()
	if err != nil {
		return nil, err
	}
	out := Path{{name: n}}
	for {
		switch {
		case p.accept("."):
			if n, err = p.name(); err != nil {
				return nil, err
			}
			out = append(out, segment{name: n})
		case p.accept("["):
			t := p.take()
			i, err := strconv.Atoi(t.text)
			if t.kind != tokNumber || err != nil {
				p.at--
				return nil, p.syntax()
			}
			if err := p.expect("]"); err != nil {
				return nil, err
			}
			out = append(out, segment{index: i})
		default:
			return out, nil
		}
	}
}

func (p *parser) value() (Value, error) {
	t := p.take()
	v, ok := p.values[t.text]
	if !ok {
		return v, p.fail("An expression attribute value used in expression is not defined; attribute value: %s", t.text)
	}
	p.used[t.text] = true
	return v, nil
}

// ParseProjection reads a ProjectionExpression.
func ParseProjection(text string, n *Names) ([]Path, error) {
	p, err := newParser("ProjectionExpression", text, n)
	if err != nil {
		return nil, err
	}
	var out []Path
	for {
		path, err := p.path()
		if err != nil {
			return nil, err
		}
		for _, o := range out {
			if o.overlaps(path) {
				return nil, p.fail("Two document paths overlap with each other; must remove or rewrite one of these paths; path one: [%s], path two: [%s]", o, path)
			}
		}
		out = append(out, path)
		if !p.accept(",") {
			return out, p.end()
		}
	}
}
