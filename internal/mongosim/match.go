package mongosim

import (
	"math"
	"regexp"
	"slices"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// node is a compiled query. The planner looks into conjunctions and leaves to
// find what an index can answer.
type node interface {
	// match reports whether v, a document or (in $elemMatch) any value, fits.
	match(v any) bool
}

type (
	andNode  []node
	orNode   []node
	notNode  struct{ node }
	exprNode struct {
		cond expr
		env  *env
	}
	// leaf is one operator on one path.
	leaf struct {
		path   string
		parts  []string
		op     string
		arg    any
		expand bool // test the elements of an array at the end of the path too
		pred   func(any) bool
	}
)

func (n andNode) match(v any) bool {
	for _, c := range n {
		if !c.match(v) {
			return false
		}
	}
	return true
}

func (n orNode) match(v any) bool {
	for _, c := range n {
		if c.match(v) {
			return true
		}
	}
	return false
}

func (n notNode) match(v any) bool { return !n.node.match(v) }

func (n exprNode) match(v any) bool {
	d, _ := v.(bson.D)
	res, err := n.cond.eval(&scope{env: n.env, root: d})
	if err != nil {
		n.env.fail(err)
		return false
	}
	return truthy(res)
}

func (l *leaf) match(v any) bool { return anyValue(v, l.parts, l.expand, l.pred) }

// conjuncts flattens nested conjunctions.
func conjuncts(n node) []node {
	and, ok := n.(andNode)
	if !ok {
		return []node{n}
	}
	var out []node
	for _, c := range and {
		out = append(out, conjuncts(c)...)
	}
	return out
}

// eqPred is equality as queries mean it: null also matches a missing field.
func eqPred(arg any) func(any) bool {
	if arg == nil {
		return func(v any) bool { return v == nil || v == any(missing) }
	}
	return func(v any) bool { return equal(v, arg) }
}

// rangePred compares within the argument's type only (manual:
// "Comparison/Sort Order", type bracketing).
func rangePred(op string, arg any) func(any) bool {
	fits := map[string]func(int) bool{
		"$gt":  func(c int) bool { return c > 0 },
		"$gte": func(c int) bool { return c >= 0 },
		"$lt":  func(c int) bool { return c < 0 },
		"$lte": func(c int) bool { return c <= 0 },
	}[op]
	ct := ctype(arg)
	switch ct {
	case ctNull: // only equal to itself
		if op == "$gte" || op == "$lte" {
			return eqPred(nil)
		}
		return func(any) bool { return false }
	case ctMinKey, ctMaxKey: // compared with every type
		return func(v any) bool { return v != any(missing) && fits(compare(v, arg)) }
	}
	return func(v any) bool {
		if ctype(v) != ct {
			return false
		}
		if isNaN(v) || isNaN(arg) {
			return (op == "$gte" || op == "$lte") && isNaN(v) && isNaN(arg)
		}
		return fits(compare(v, arg))
	}
}

func isNaN(v any) bool {
	f, ok := v.(float64)
	return ok && math.IsNaN(f)
}

func inPred(args bson.A) (func(any) bool, error) {
	values := map[string]bool{}
	var others []func(any) bool
	for _, a := range args {
		if rx, ok := a.(bson.Regex); ok {
			p, err := regexPred(rx.Pattern, rx.Options)
			if err != nil {
				return nil, err
			}
			others = append(others, p)
			continue
		}
		if a == nil {
			others = append(others, eqPred(nil))
		}
		values[keyOf(a)] = true
	}
	return func(v any) bool {
		return values[keyOf(v)] || slices.ContainsFunc(others, func(p func(any) bool) bool { return p(v) })
	}, nil
}

// regexPred translates PCRE flags to Go's. The syntaxes share everything but
// look-around and back-references, which do not compile and so are refused.
func regexPred(pattern, options string) (func(any) bool, error) {
	flags := ""
	for _, o := range options {
		switch o {
		case 'i', 'm', 's':
			flags += string(o)
		case 'u': // UTF-8 is always on
		default:
			return nil, errf(codeNotImplemented, "mongosim does not support $regex option %q", string(o))
		}
	}
	expr := pattern
	if flags != "" {
		expr = "(?" + flags + ")" + pattern
	}
	rx, err := regexp.Compile(expr)
	if err != nil {
		return nil, errf(51091, "Regular expression is invalid or not supported by mongosim: %v", err)
	}
	self := bson.Regex{Pattern: pattern, Options: options}
	return func(v any) bool {
		switch v := v.(type) {
		case string:
			return rx.MatchString(v)
		case bson.Regex:
			return v == self
		}
		return false
	}, nil
}
