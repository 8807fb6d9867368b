package iameval

import (
	"fmt"
	"strings"
)

// condition is one key of a Condition element under its operator.
type condition struct {
	key      contextKey
	set      setOperator
	negated  bool
	ifExists bool
	// asks is set for Null: the key must be absent (wantNull) or present.
	asks     bool
	wantNull bool
	matchers []matcher // any one suffices; for negated operators none may match
}

// setOperator is the ForAllValues or ForAnyValue in front of an operator.
type setOperator uint8

const (
	setNone setOperator = iota
	setForAll
	setForAny
)

// compileCondition compiles one key of a condition block. name is the operator
// as written, with its modifiers.
func compileCondition(name, key string, values []string, d dialect) (condition, error) {
	c := condition{key: newContextKey(key)}
	base := name
	if rest, ok := strings.CutPrefix(base, "ForAllValues:"); ok {
		base, c.set = rest, setForAll
	} else if rest, ok := strings.CutPrefix(base, "ForAnyValue:"); ok {
		base, c.set = rest, setForAny
	}
	if base == "Null" {
		return c.compileNull(values)
	}
	if rest, ok := strings.CutSuffix(base, "IfExists"); ok {
		base, c.ifExists = rest, true
	}
	op, ok := operators[base]
	if !ok {
		return c, &unknownOperator{name}
	}
	c.negated = op.negated
	for _, value := range values {
		m, err := op.compile(value, d)
		if err != nil {
			return c, fmt.Errorf("%s of %s: %w", name, key, err)
		}
		c.matchers = append(c.matchers, m)
	}
	return c, nil
}

func (c condition) compileNull(values []string) (condition, error) {
	c.asks = true
	if len(values) != 1 || !strings.EqualFold(values[0], "true") && !strings.EqualFold(values[0], "false") {
		return c, fmt.Errorf("Null of %s must be true or false", c.key.written)
	}
	c.wantNull = strings.EqualFold(values[0], "true")
	return c, nil
}

// unknownOperator is a condition operator that IAM does not have.
type unknownOperator struct{ name string }

func (e *unknownOperator) Error() string { return "unknown condition operator " + e.name }

// holds evaluates the condition. A missing key fails an operator, satisfies a
// negated one and one with IfExists; ForAllValues is true of it, ForAnyValue
// false.
func (c *condition) holds(r *request) bool {
	values := r.lookup(c.key)
	if c.asks {
		return (len(values) == 0) == c.wantNull
	}
	if len(values) == 0 && c.ifExists {
		return true
	}
	switch c.set {
	case setForAll:
		for _, value := range values {
			if value != "" && !c.accepts(value, r) {
				return false
			}
		}
		return true
	case setForAny:
		for _, value := range values {
			if value != "" && c.accepts(value, r) {
				return true
			}
		}
		return false
	}
	for _, value := range values {
		if c.matchesAny(value, r) {
			return !c.negated
		}
	}
	return c.negated
}

// accepts reports whether one value of the request satisfies the operator.
func (c *condition) accepts(value string, r *request) bool {
	return c.matchesAny(value, r) != c.negated
}

func (c *condition) matchesAny(value string, r *request) bool {
	for _, m := range c.matchers {
		if m.match(value, r) {
			return true
		}
	}
	return false
}
