package mongosim

import (
	"math"
	"strconv"
	"strings"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// function is an operator on evaluated arguments; max < 0 is any number.
type function struct {
	min, max int
	call     func(op string, v []any) (any, error)
}

var functions = map[string]function{
	"$eq": {2, 2, comparison}, "$ne": {2, 2, comparison}, "$gt": {2, 2, comparison}, "$gte": {2, 2, comparison},
	"$lt": {2, 2, comparison}, "$lte": {2, 2, comparison}, "$cmp": {2, 2, comparison},
	"$not":    {1, 1, func(_ string, v []any) (any, error) { return !truthy(v[0]), nil }},
	"$ifNull": {2, -1, ifNull},

	"$add": {1, -1, addExpr}, "$subtract": {2, 2, subtractExpr}, "$multiply": {1, -1, multiplyExpr},
	"$divide": {2, 2, divideExpr}, "$mod": {2, 2, divideExpr},
	"$abs": {1, 1, rounding}, "$ceil": {1, 1, rounding}, "$floor": {1, 1, rounding}, "$trunc": {1, 1, rounding},
	"$sum": {1, -1, foldExpr}, "$avg": {1, -1, foldExpr}, "$min": {1, -1, foldExpr}, "$max": {1, -1, foldExpr},

	"$concat": {1, -1, concat}, "$toLower": {1, 1, changeCase}, "$toUpper": {1, 1, changeCase},
	"$toString": {1, 1, toString},
	"$type":     {1, 1, func(_ string, v []any) (any, error) { return typeName(v[0]), nil }},
	"$isArray":  {1, 1, func(_ string, v []any) (any, error) { return ctype(v[0]) == ctArray, nil }},
	"$isNumber": {1, 1, func(_ string, v []any) (any, error) { return isNumber(v[0]), nil }},

	"$in": {2, 2, inExpr}, "$size": {1, 1, sizeExpr}, "$arrayElemAt": {2, 2, elementAt},
	"$first": {1, 1, firstLast}, "$last": {1, 1, firstLast}, "$concatArrays": {1, -1, concatArrays},
	"$mergeObjects": {1, -1, mergeObjects}, "$objectToArray": {1, 1, objectToArray}, "$arrayToObject": {1, 1, arrayToObject},

	"$year": {1, 1, datePart}, "$month": {1, 1, datePart}, "$dayOfMonth": {1, 1, datePart}, "$hour": {1, 1, datePart},
	"$minute": {1, 1, datePart}, "$second": {1, 1, datePart}, "$millisecond": {1, 1, datePart}, "$dayOfWeek": {1, 1, datePart},
	"$dayOfYear": {1, 1, datePart},
}

func comparison(op string, v []any) (any, error) {
	c := compare(v[0], v[1])
	switch op {
	case "$eq":
		return c == 0, nil
	case "$ne":
		return c != 0, nil
	case "$gt":
		return c > 0, nil
	case "$gte":
		return c >= 0, nil
	case "$lt":
		return c < 0, nil
	case "$lte":
		return c <= 0, nil
	}
	return int32(c), nil
}

func ifNull(_ string, v []any) (any, error) {
	for _, x := range v[:len(v)-1] {
		if !isNullish(x) {
			return x, nil
		}
	}
	return v[len(v)-1], nil
}

// numbers checks the arguments; null says that one is null or missing, which
// makes the result null.
func numbers(op string, v []any) (null bool, err error) {
	for _, x := range v {
		if isNullish(x) {
			null = true
		} else if !isNumber(x) {
			return false, errf(codeTypeMismatch, "%s only supports numeric types, not %s", op, typeName(x))
		}
	}
	return null, nil
}

func overflowToDouble(res any, ok bool, floats float64) any {
	if ok {
		return res
	}
	return floats
}

// addExpr adds numbers, and numbers of milliseconds to at most one date.
func addExpr(op string, v []any) (any, error) {
	var date *bson.DateTime
	nums := []any{}
	for _, x := range v {
		if d, ok := x.(bson.DateTime); ok {
			if date != nil {
				return nil, errf(16612, "only one date allowed in an $add expression")
			}
			date = &d
			continue
		}
		nums = append(nums, x)
	}
	null, err := numbers(op, nums)
	if err != nil || null {
		return nil, err
	}
	sum := any(int32(0))
	for _, x := range nums {
		a, _ := numberParts(sum)
		b, _ := numberParts(x)
		res, ok := addNumbers(sum, x)
		sum = overflowToDouble(res, ok, a+b)
	}
	if date != nil {
		f, _ := numberParts(sum)
		return *date + bson.DateTime(math.Round(f)), nil
	}
	return sum, nil
}

func subtractExpr(op string, v []any) (any, error) {
	if isNullish(v[0]) || isNullish(v[1]) {
		return nil, nil
	}
	if d, ok := v[0].(bson.DateTime); ok {
		if e, ok := v[1].(bson.DateTime); ok {
			return int64(d) - int64(e), nil
		}
		if isNumber(v[1]) {
			f, _ := numberParts(v[1])
			return d - bson.DateTime(math.Round(f)), nil
		}
	}
	if _, err := numbers(op, v); err != nil {
		return nil, err
	}
	a, _ := numberParts(v[0])
	b, _ := numberParts(v[1])
	res, ok := combine(v[0], v[1], func(x, y float64) float64 { return x - y }, func(x, y int64) (int64, bool) {
		d := x - y
		return d, (d < x) == (y > 0)
	})
	return overflowToDouble(res, ok, a-b), nil
}

func multiplyExpr(op string, v []any) (any, error) {
	null, err := numbers(op, v)
	if err != nil || null {
		return nil, err
	}
	product := any(int32(1))
	for _, x := range v {
		a, _ := numberParts(product)
		b, _ := numberParts(x)
		res, ok := mulNumbers(product, x)
		product = overflowToDouble(res, ok, a*b)
	}
	return product, nil
}

func divideExpr(op string, v []any) (any, error) {
	null, err := numbers(op, v)
	if err != nil || null {
		return nil, err
	}
	a, _ := numberParts(v[0])
	b, _ := numberParts(v[1])
	if b == 0 {
		return nil, errf(codeBadValue, "can't %s by zero", op)
	}
	if op == "$divide" {
		return a / b, nil
	}
	if x, ok := wholeType(v[0]); ok {
		if y, ok := wholeType(v[1]); ok {
			_, i := v[0].(int32)
			_, j := v[1].(int32)
			if i && j {
				return int32(x % y), nil
			}
			return x % y, nil
		}
	}
	return math.Mod(a, b), nil
}

func wholeType(v any) (int64, bool) {
	if _, ok := v.(float64); ok {
		return 0, false
	}
	return toInt64(v)
}

func rounding(op string, v []any) (any, error) {
	null, err := numbers(op, v)
	if err != nil || null {
		return nil, err
	}
	f, isFloat := v[0].(float64)
	if !isFloat {
		if op != "$abs" || compare(v[0], int32(0)) >= 0 {
			return v[0], nil
		}
		return subtractExpr(op, []any{int32(0), v[0]})
	}
	return map[string]func(float64) float64{"$abs": math.Abs, "$ceil": math.Ceil, "$floor": math.Floor, "$trunc": math.Trunc}[op](f), nil
}

// foldExpr is $sum, $avg, $min and $max as expressions: over the elements of a
// single array, or over the arguments.
func foldExpr(op string, v []any) (any, error) {
	if list, ok := v[0].(bson.A); ok && len(v) == 1 {
		v = list
	}
	acc := newAccumulator(op)
	for _, x := range v {
		acc.add(x)
	}
	return acc.result(), nil
}

func concat(op string, v []any) (any, error) {
	var b strings.Builder
	for _, x := range v {
		if isNullish(x) {
			return nil, nil
		}
		s, ok := x.(string)
		if !ok {
			return nil, errf(16702, "%s only supports strings, not %s", op, typeName(x))
		}
		b.WriteString(s)
	}
	return b.String(), nil
}

func changeCase(op string, v []any) (any, error) {
	if isNullish(v[0]) {
		return "", nil
	}
	s, ok := v[0].(string)
	if !ok {
		return nil, errf(codeNotImplemented, "mongosim supports %s of strings only, not of %s", op, typeName(v[0]))
	}
	if op == "$toLower" {
		return strings.ToLower(s), nil
	}
	return strings.ToUpper(s), nil
}

func toString(op string, v []any) (any, error) {
	switch x := v[0].(type) {
	case nil, missingType:
		return nil, nil
	case string:
		return x, nil
	case bool:
		return strconv.FormatBool(x), nil
	case int32:
		return strconv.FormatInt(int64(x), 10), nil
	case int64:
		return strconv.FormatInt(x, 10), nil
	case bson.ObjectID:
		return x.Hex(), nil
	case bson.DateTime:
		return x.Time().UTC().Format("2006-01-02T15:04:05.000Z"), nil
	}
	return nil, errf(codeNotImplemented, "mongosim does not support %s of %s", op, typeName(v[0]))
}

func datePart(op string, v []any) (any, error) {
	if isNullish(v[0]) {
		return nil, nil
	}
	d, ok := v[0].(bson.DateTime)
	if !ok {
		return nil, errf(16006, "can't convert from %s to Date in %s", typeName(v[0]), op)
	}
	t := d.Time().UTC()
	part := map[string]int{"$year": t.Year(), "$month": int(t.Month()), "$dayOfMonth": t.Day(), "$hour": t.Hour(),
		"$minute": t.Minute(), "$second": t.Second(), "$millisecond": t.Nanosecond() / int(time.Millisecond),
		"$dayOfWeek": int(t.Weekday()) + 1, "$dayOfYear": t.YearDay()}[op]
	return int32(part), nil
}
