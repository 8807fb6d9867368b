package expr

import (
	"slices"
	"strings"
)

// Condition is a parsed condition, filter or key condition.
type Condition struct{ root cond }

// Holds tells whether an item (nil: none) meets the condition. A nil condition
// always holds.
func (c *Condition) Holds(it Item) bool { return c == nil || c.root.holds(it) }

type cond interface{ holds(Item) bool }

type (
	andCond  []cond
	orCond   []cond
	notCond  struct{ c cond }
	compared struct {
		op   string
		a, b operand
	}
	between struct{ x, lo, hi operand }
	oneOf   struct {
		x    operand
		list []operand
	}
	existing struct {
		path Path
		want bool
	}
	called struct {
		name string // attribute_type, begins_with, contains
		a, b operand
	}
)

func (c andCond) holds(it Item) bool {
	for _, x := range c {
		if !x.holds(it) {
			return false
		}
	}
	return true
}

func (c orCond) holds(it Item) bool {
	for _, x := range c {
		if x.holds(it) {
			return true
		}
	}
	return false
}

func (c notCond) holds(it Item) bool { return !c.c.holds(it) }

func (c compared) holds(it Item) bool {
	a, okA := c.a.get(it)
	b, okB := c.b.get(it)
	if c.op == "<>" {
		return !okA || !okB || !Equal(a, b)
	}
	return okA && okB && relates(a, c.op, b)
}

func relates(a Value, op string, b Value) bool {
	if op == "=" {
		return Equal(a, b)
	}
	order, ok := Compare(a, b)
	if !ok {
		return false
	}
	switch op {
	case "<":
		return order < 0
	case "<=":
		return order <= 0
	case ">":
		return order > 0
	default:
		return order >= 0
	}
}

func (c between) holds(it Item) bool {
	x, ok := c.x.get(it)
	lo, okLo := c.lo.get(it)
	hi, okHi := c.hi.get(it)
	return ok && okLo && okHi && relates(x, ">=", lo) && relates(x, "<=", hi)
}

func (c oneOf) holds(it Item) bool {
	x, ok := c.x.get(it)
	return ok && slices.ContainsFunc(c.list, func(o operand) bool {
		v, ok := o.get(it)
		return ok && Equal(x, v)
	})
}

func (c existing) holds(it Item) bool {
	_, ok := c.path.Get(it)
	return ok == c.want
}

func (c called) holds(it Item) bool {
	a, okA := c.a.get(it)
	b, okB := c.b.get(it)
	if !okA || !okB {
		return false
	}
	switch c.name {
	case "attribute_type":
		return a.Type == b.S
	case "begins_with":
		return a.Type == b.Type && (a.Type == "S" && strings.HasPrefix(a.S, b.S) || a.Type == "B" && strings.HasPrefix(string(a.B), string(b.B)))
	default:
		return contains(a, b)
	}
}

func contains(a, b Value) bool {
	switch {
	case a.Type == "S" && b.Type == "S":
		return strings.Contains(a.S, b.S)
	case a.Type == "B" && b.Type == "B":
		return strings.Contains(string(a.B), string(b.B))
	case a.Type == "L":
		return slices.ContainsFunc(a.L, func(x Value) bool { return Equal(x, b) })
	case a.Type == "SS" && b.Type == "S", a.Type == "NS" && b.Type == "N":
		return slices.Contains(a.Set, b.S)
	case a.Type == "BS" && b.Type == "B":
		return slices.Contains(a.Set, string(b.B))
	}
	return false
}

// ParseCondition reads a ConditionExpression, FilterExpression or
// KeyConditionExpression; what is its name in errors. "" gives nil.
func ParseCondition(what, text string, n *Names) (*Condition, error) {
	if text == "" {
		return nil, nil
	}
	p, err := newParser(what, text, n)
	if err != nil {
		return nil, err
	}
	c, err := p.or()
	if err != nil {
		return nil, err
	}
	return &Condition{c}, p.end()
}

// maxDepth keeps nested parentheses from exhausting the stack.
const maxDepth = 100

func (p *parser) or() (cond, error) {
	if p.depth++; p.depth > maxDepth {
		return nil, p.fail("The expression is nested too deeply")
	}
	defer func() { p.depth-- }()
	return p.chain("OR", p.and, func(cs []cond) cond { return orCond(cs) })
}

func (p *parser) and() (cond, error) {
	return p.chain("AND", p.not, func(cs []cond) cond { return andCond(cs) })
}

func (p *parser) chain(word string, next func() (cond, error), join func([]cond) cond) (cond, error) {
	first, err := next()
	if err != nil {
		return nil, err
	}
	all := []cond{first}
	for p.accept(word) {
		c, err := next()
		if err != nil {
			return nil, err
		}
		all = append(all, c)
	}
	if len(all) == 1 {
		return first, nil
	}
	return join(all), nil
}

func (p *parser) not() (cond, error) {
	if p.depth++; p.depth > maxDepth {
		return nil, p.fail("The expression is nested too deeply")
	}
	defer func() { p.depth-- }()
	if p.accept("NOT") {
		c, err := p.not()
		return notCond{c}, err
	}
	if p.accept("(") {
		c, err := p.or()
		if err != nil {
			return nil, err
		}
		return c, p.expect(")")
	}
	return p.test()
}

// test is a function, or an operand with a comparison.
func (p *parser) test() (cond, error) {
	if c, err := p.function(); c != nil || err != nil {
		return c, err
	}
	a, err := p.operand()
	if err != nil {
		return nil, err
	}
	switch {
	case p.accept("BETWEEN"):
		lo, err := p.operand()
		if err != nil {
			return nil, err
		}
		if err := p.expect("AND"); err != nil {
			return nil, err
		}
		hi, err := p.operand()
		return between{a, lo, hi}, err
	case p.accept("IN"):
		return p.in(a)
	}
	for _, op := range []string{"=", "<>", "<=", ">=", "<", ">"} {
		if p.accept(op) {
			b, err := p.operand()
			return compared{op, a, b}, err
		}
	}
	return nil, p.syntax()
}

func (p *parser) in(a operand) (cond, error) {
	if err := p.expect("("); err != nil {
		return nil, err
	}
	c := oneOf{x: a}
	for {
		o, err := p.operand()
		if err != nil {
			return nil, err
		}
		c.list = append(c.list, o)
		if !p.accept(",") {
			return c, p.expect(")")
		}
	}
}

// function gives nil, nil if no condition function stands here.
func (p *parser) function() (cond, error) {
	t := p.peek()
	if t.kind != tokWord || p.at+1 >= len(p.toks) || !p.toks[p.at+1].is("(") || t.text == "size" {
		return nil, nil
	}
	p.at += 2
	switch t.text {
	case "attribute_exists", "attribute_not_exists":
		path, err := p.path()
		if err != nil {
			return nil, err
		}
		return existing{path, t.text == "attribute_exists"}, p.expect(")")
	case "attribute_type", "begins_with", "contains":
		a, err := p.operand()
		if err != nil {
			return nil, err
		}
		if err := p.expect(","); err != nil {
			return nil, err
		}
		b, err := p.operand()
		if err != nil {
			return nil, err
		}
		return called{t.text, a, b}, p.expect(")")
	}
	return nil, p.fail("Invalid function name; function: %s", t.text)
}
