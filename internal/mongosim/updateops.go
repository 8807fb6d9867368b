package mongosim

import (
	"math"
	"slices"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// compileOp checks one operator's path and argument. The operator becomes a
// function from the old value, missing if there is none, to the new one,
// missing if there shall be none.
func (u *updater) compileOp(op, path string, arg any) (updateOp, error) {
	parts, err := splitPath(path)
	if err != nil {
		return updateOp{}, err
	}
	if err := checkUpdatePath(parts, path); err != nil {
		return updateOp{}, err
	}
	o := updateOp{op: op, path: path, parts: parts, arg: arg}
	switch op {
	case "$set", "$setOnInsert":
		o.prepared = func(any) (any, error) { return clone(arg), nil }
	case "$unset":
		o.prepared = func(any) (any, error) { return missing, nil }
	case "$inc", "$mul":
		if !isNumber(arg) {
			return o, errf(codeTypeMismatch, "Cannot %s with non-numeric argument: {%s: %s}", map[string]string{"$inc": "increment", "$mul": "multiply"}[op], path, shellValue(arg))
		}
		o.prepared = func(old any) (any, error) { return arithmetic(op, path, old, arg) }
	case "$min", "$max":
		o.prepared = func(old any) (any, error) {
			c := compare(arg, old)
			if old == any(missing) || op == "$min" && c < 0 || op == "$max" && c > 0 {
				return clone(arg), nil
			}
			return old, nil
		}
	case "$currentDate":
		o.prepared, err = u.currentDate(path, arg)
	case "$rename":
		to, ok := arg.(string)
		if !ok {
			return o, errf(codeBadValue, "The 'to' field for $rename must be a string: %s: %s", path, shellValue(arg))
		}
		toParts, err := splitPath(to)
		if err != nil {
			return o, err
		}
		for _, p := range append(slices.Clone(parts), toParts...) {
			if strings.HasPrefix(p, "$") {
				return o, errf(codeBadValue, "The source and destination of $rename may not be dynamic: %s", p)
			}
			if _, number := arrayIndex(p); number {
				return o, errf(codeNotImplemented, "mongosim does not support $rename through array positions: %s", p)
			}
		}
		return updateOp{op: op, path: to, parts: toParts, arg: path}, nil
	case "$push":
		o.prepared, err = u.push(path, arg)
	case "$addToSet":
		o.prepared, err = addToSet(path, arg)
	case "$pull":
		o.prepared, err = u.pull(path, arg)
	case "$pullAll":
		o.prepared, err = pullAll(path, arg)
	case "$pop":
		o.prepared, err = pop(path, arg)
	default:
		return o, errf(codeFailedToParse, "Unknown modifier: %s (mongosim). Expected a valid update modifier or pipeline-style update specified as an array", op)
	}
	return o, err
}

func checkUpdatePath(parts []string, path string) error {
	for i, p := range parts {
		if !strings.HasPrefix(p, "$") {
			continue
		}
		positional := p == "$" || strings.HasPrefix(p, "$[") && strings.HasSuffix(p, "]")
		if !positional || i == 0 {
			return errf(codeDollarPrefixedFieldName, "The dollar ($) prefixed field '%s' in '%s' is not allowed in the context of an update.", p, path)
		}
		if p == "$" && slices.Contains(parts[i+1:], "$") {
			return errf(codeBadValue, "Too many positional (i.e. '$') elements found in path '%s'", path)
		}
	}
	return nil
}

// arithmetic is $inc and $mul: the wider type wins, int grows to long, long
// does not overflow silently (manual: "$inc", "$mul").
func arithmetic(op, path string, old, arg any) (any, error) {
	if old == any(missing) {
		if op == "$inc" {
			return arg, nil
		}
		old = zeroLike(arg)
	}
	if !isNumber(old) {
		return nil, errf(codeTypeMismatch, "Cannot apply %s to a value of non-numeric type. The field '%s' is of non-numeric type %s", op, last(path), typeName(old))
	}
	sum, ok := addNumbers, true
	if op == "$mul" {
		sum = mulNumbers
	}
	res, ok := sum(old, arg)
	if !ok {
		return nil, errf(codeBadValue, "Failed to apply %s operations to current value (%s) for field '%s': overflow", op, shellValue(old), path)
	}
	return res, nil
}

func zeroLike(v any) any {
	switch v.(type) {
	case int32:
		return int32(0)
	case int64:
		return int64(0)
	}
	return 0.0
}

// addNumbers and mulNumbers keep MongoDB's result types; ok is false if a long
// overflows.
func addNumbers(a, b any) (res any, ok bool) {
	return combine(a, b, func(x, y float64) float64 { return x + y }, func(x, y int64) (int64, bool) {
		s := x + y
		return s, (s > x) == (y > 0)
	})
}

func mulNumbers(a, b any) (res any, ok bool) {
	return combine(a, b, func(x, y float64) float64 { return x * y }, func(x, y int64) (int64, bool) {
		if x == 0 || y == 0 {
			return 0, true
		}
		p := x * y
		return p, p/y == x && !(x == math.MinInt64 && y == -1) && !(y == math.MinInt64 && x == -1)
	})
}

func combine(a, b any, floats func(x, y float64) float64, ints func(x, y int64) (int64, bool)) (any, bool) {
	_, fa := a.(float64)
	_, fb := b.(float64)
	if fa || fb {
		x, _ := numberParts(a)
		y, _ := numberParts(b)
		return floats(x, y), true
	}
	x, _ := toInt64(a)
	y, _ := toInt64(b)
	res, ok := ints(x, y)
	_, ia := a.(int32)
	_, ib := b.(int32)
	if ia && ib && res == int64(int32(res)) {
		return int32(res), ok
	}
	return res, ok
}

func (u *updater) currentDate(path string, arg any) (func(any) (any, error), error) {
	kind := "date"
	if d, ok := arg.(bson.D); ok && len(d) == 1 && d[0].Key == "$type" {
		kind, _ = d[0].Value.(string)
	} else if arg != true {
		return nil, errf(codeBadValue, "%s is not valid type for $currentDate. Please use a boolean ('true') or a $type expression ({$type: 'timestamp/date'}) (%s).", typeName(arg), path)
	}
	var now any
	switch kind {
	case "date":
		now = u.env.now
	case "timestamp":
		now = bson.Timestamp{T: uint32(int64(u.env.now) / 1000), I: 1}
	default:
		return nil, errf(codeBadValue, "The '$type' string field is required to be 'date' or 'timestamp': {$currentDate: {%s: {$type: %s}}}", path, kind)
	}
	return func(any) (any, error) { return now, nil }, nil
}
