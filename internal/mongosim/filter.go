package mongosim

import (
	"math"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// env is what the evaluation of one command shares.
type env struct {
	now bson.DateTime
	err error // the first error of an $expr, which cannot be returned by match
}

func (e *env) fail(err error) {
	if e.err == nil {
		e.err = err
	}
}

// compileFilter parses a query document.
func compileFilter(d bson.D, ev *env) (node, error) {
	and := andNode{}
	for _, e := range d {
		n, err := compileTop(e.Key, e.Value, ev)
		if err != nil {
			return nil, err
		}
		if n != nil {
			and = append(and, n)
		}
	}
	return and, nil
}

func compileTop(key string, arg any, ev *env) (node, error) {
	if !strings.HasPrefix(key, "$") {
		parts, err := splitPath(key)
		if err != nil {
			return nil, err
		}
		return compileField(key, parts, arg, ev)
	}
	switch key {
	case "$and", "$or", "$nor":
		list, ok := arg.(bson.A)
		if !ok || len(list) == 0 {
			return nil, errf(codeBadValue, "%s argument must be a non-empty array", key)
		}
		var nodes []node
		for _, item := range list {
			d, ok := item.(bson.D)
			if !ok {
				return nil, errf(codeBadValue, "%s argument's entries must be objects", key)
			}
			n, err := compileFilter(d, ev)
			if err != nil {
				return nil, err
			}
			nodes = append(nodes, n)
		}
		switch key {
		case "$and":
			return andNode(nodes), nil
		case "$or":
			return orNode(nodes), nil
		}
		return notNode{orNode(nodes)}, nil
	case "$comment":
		return nil, nil
	case "$expr":
		cond, err := compileExpr(arg)
		return exprNode{cond, ev}, err
	}
	return nil, errf(codeBadValue, "unknown top level operator: %s (mongosim)", key)
}

func isOperatorDoc(v any) bool {
	d, ok := v.(bson.D)
	return ok && len(d) > 0 && strings.HasPrefix(d[0].Key, "$")
}

func compileField(path string, parts []string, arg any, ev *env) (node, error) {
	if !isOperatorDoc(arg) {
		if rx, ok := arg.(bson.Regex); ok {
			return newRegexLeaf(path, parts, rx.Pattern, rx.Options)
		}
		return newLeaf(path, parts, "$eq", arg, true, eqPred(arg)), nil
	}
	ops := arg.(bson.D)
	and := andNode{}
	for _, e := range ops {
		if e.Key == "$options" { // belongs to $regex
			if _, ok := lookup(ops, "$regex"); !ok {
				return nil, errf(codeBadValue, "$options needs a $regex")
			}
			continue
		}
		n, err := compileOperator(path, parts, e.Key, e.Value, ops, ev)
		if err != nil {
			return nil, err
		}
		and = append(and, n)
	}
	if len(and) == 1 {
		return and[0], nil
	}
	return and, nil
}

// newLeaf makes a condition. Without a path it is on one element of an array
// ($elemMatch, $pull), and an array in an array is then one value.
func newLeaf(path string, parts []string, op string, arg any, expand bool, pred func(any) bool) *leaf {
	return &leaf{path: path, parts: parts, op: op, arg: arg, expand: expand && parts != nil, pred: pred}
}

func newRegexLeaf(path string, parts []string, pattern, options string) (node, error) {
	pred, err := regexPred(pattern, options)
	return newLeaf(path, parts, "$regex", bson.Regex{Pattern: pattern, Options: options}, true, pred), err
}

func compileOperator(path string, parts []string, op string, arg any, siblings bson.D, ev *env) (node, error) {
	switch op {
	case "$eq":
		return newLeaf(path, parts, op, arg, true, eqPred(arg)), nil
	case "$ne":
		if _, ok := arg.(bson.Regex); ok {
			return nil, errf(codeBadValue, "Can't have regex as arg to $ne.")
		}
		return notNode{newLeaf(path, parts, "$eq", arg, true, eqPred(arg))}, nil
	case "$gt", "$gte", "$lt", "$lte":
		if _, ok := arg.(bson.Regex); ok {
			return nil, errf(codeBadValue, "Can't have RegEx as arg to predicate over field '%s'.", path)
		}
		return newLeaf(path, parts, op, arg, true, rangePred(op, arg)), nil
	case "$in", "$nin":
		list, ok := arg.(bson.A)
		if !ok {
			return nil, errf(codeBadValue, "%s needs an array", op)
		}
		pred, err := inPred(list)
		if err != nil {
			return nil, err
		}
		in := newLeaf(path, parts, "$in", list, true, pred)
		if op == "$nin" {
			return notNode{in}, nil
		}
		return in, nil
	case "$exists":
		n := newLeaf(path, parts, op, true, false, func(v any) bool { return v != any(missing) })
		if !truthy(arg) {
			return notNode{n}, nil
		}
		return n, nil
	case "$not":
		if rx, ok := arg.(bson.Regex); ok {
			n, err := newRegexLeaf(path, parts, rx.Pattern, rx.Options)
			return notNode{n}, err
		}
		if !isOperatorDoc(arg) {
			return nil, errf(codeBadValue, "$not needs a regex or a document of operators")
		}
		n, err := compileField(path, parts, arg, ev)
		return notNode{n}, err
	case "$regex":
		options, _ := lookup(siblings, "$options")
		o, _ := options.(string)
		switch rx := arg.(type) {
		case string:
			return newRegexLeaf(path, parts, rx, o)
		case bson.Regex:
			return newRegexLeaf(path, parts, rx.Pattern, rx.Options+o)
		}
		return nil, errf(codeBadValue, "$regex has to be a string")
	case "$elemMatch":
		return compileElemMatch(path, parts, arg, ev)
	case "$all":
		return compileAll(path, parts, arg, ev)
	case "$size":
		n, ok := toInt64(arg)
		if !ok || n < 0 {
			return nil, errf(codeBadValue, "Failed to parse $size. Expected a non-negative integer for field %q", path)
		}
		return newLeaf(path, parts, op, arg, false, func(v any) bool {
			a, ok := v.(bson.A)
			return ok && int64(len(a)) == n
		}), nil
	case "$type":
		pred, err := typePred(arg)
		return newLeaf(path, parts, op, arg, true, pred), err
	case "$mod":
		pred, err := modPred(arg)
		return newLeaf(path, parts, op, arg, true, pred), err
	}
	return nil, errf(codeBadValue, "unknown operator: %s (mongosim)", op)
}

func compileElemMatch(path string, parts []string, arg any, ev *env) (node, error) {
	d, ok := arg.(bson.D)
	if !ok {
		return nil, errf(codeBadValue, "$elemMatch needs an Object")
	}
	var sub node
	var err error
	onDocs := true
	if isOperatorDoc(d) && d[0].Key != "$and" && d[0].Key != "$or" && d[0].Key != "$nor" {
		onDocs = false
		sub, err = compileField("", nil, d, ev)
	} else {
		sub, err = compileFilter(d, ev)
	}
	if err != nil {
		return nil, err
	}
	return newLeaf(path, parts, "$elemMatch", sub, false, func(v any) bool {
		a, _ := v.(bson.A)
		for _, e := range a {
			if _, isDoc := e.(bson.D); (isDoc || !onDocs) && sub.match(e) {
				return true
			}
		}
		return false
	}), nil
}

func compileAll(path string, parts []string, arg any, ev *env) (node, error) {
	list, ok := arg.(bson.A)
	if !ok {
		return nil, errf(codeBadValue, "$all needs an array")
	}
	if len(list) == 0 {
		return orNode{}, nil // matches nothing
	}
	and := andNode{}
	for _, item := range list {
		var n node
		var err error
		if d, ok := item.(bson.D); ok && len(d) == 1 && d[0].Key == "$elemMatch" {
			n, err = compileElemMatch(path, parts, d[0].Value, ev)
		} else if isOperatorDoc(item) {
			err = errf(codeBadValue, "no $ expressions in $all")
		} else {
			n, err = compileField(path, parts, item, ev)
		}
		if err != nil {
			return nil, err
		}
		and = append(and, n)
	}
	return and, nil
}

var typeNumbers = map[int64]string{
	1: "double", 2: "string", 3: "object", 4: "array", 5: "binData", 7: "objectId", 8: "bool", 9: "date",
	10: "null", 11: "regex", 16: "int", 17: "timestamp", 18: "long", -1: "minKey", 127: "maxKey",
}

func typePred(arg any) (func(any) bool, error) {
	list, ok := arg.(bson.A)
	if !ok {
		list = bson.A{arg}
	}
	want := map[string]bool{}
	for _, item := range list {
		name, _ := item.(string)
		if n, ok := toInt64(item); ok {
			name = typeNumbers[n]
		}
		known := name == "number"
		for _, t := range typeNumbers {
			known = known || t == name
		}
		if !known {
			return nil, errf(codeBadValue, "Unknown type name alias or code in $type: %v (mongosim)", item)
		}
		want[name] = true
	}
	return func(v any) bool { return want[typeName(v)] || want["number"] && isNumber(v) }, nil
}

func modPred(arg any) (func(any) bool, error) {
	list, _ := arg.(bson.A)
	if len(list) != 2 || !isNumber(list[0]) || !isNumber(list[1]) {
		return nil, errf(codeBadValue, "malformed mod, needs to be an array of two numbers")
	}
	div, rem := truncated(list[0]), truncated(list[1])
	if div == 0 {
		return nil, errf(codeBadValue, "divisor cannot be 0")
	}
	return func(v any) bool {
		f, _ := numberParts(v)
		return isNumber(v) && !math.IsNaN(f) && !math.IsInf(f, 0) && truncated(v)%div == rem
	}, nil
}

// truncated is a number without its fraction.
func truncated(v any) int64 {
	if i, ok := toInt64(v); ok {
		return i
	}
	f, _ := numberParts(v)
	return int64(f)
}
