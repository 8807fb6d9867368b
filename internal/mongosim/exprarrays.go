package mongosim

import (
	"slices"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// The operators on arrays and documents.

func inExpr(op string, v []any) (any, error) {
	list, ok := v[1].(bson.A)
	if !ok {
		return nil, errf(40081, "$in requires an array as a second argument, found: %s", typeName(v[1]))
	}
	return slices.ContainsFunc(list, func(e any) bool { return equal(e, v[0]) }), nil
}

func sizeExpr(op string, v []any) (any, error) {
	list, ok := v[0].(bson.A)
	if !ok {
		return nil, errf(17124, "The argument to $size must be an array, but was of type: %s", typeName(v[0]))
	}
	return int32(len(list)), nil
}

func elementAt(op string, v []any) (any, error) {
	if isNullish(v[0]) || isNullish(v[1]) {
		return nil, nil
	}
	list, ok := v[0].(bson.A)
	i, whole := toInt64(v[1])
	if !ok || !whole {
		return nil, errf(28689, "$arrayElemAt takes an array and a whole number, not %s and %s", typeName(v[0]), typeName(v[1]))
	}
	if i < 0 {
		i += int64(len(list))
	}
	if i < 0 || i >= int64(len(list)) {
		return missing, nil
	}
	return list[i], nil
}

func firstLast(op string, v []any) (any, error) {
	at := int32(0)
	if op == "$last" {
		at = -1
	}
	return elementAt(op, []any{v[0], at})
}

func concatArrays(op string, v []any) (any, error) {
	out := bson.A{}
	for _, x := range v {
		if isNullish(x) {
			return nil, nil
		}
		list, ok := x.(bson.A)
		if !ok {
			return nil, errf(28664, "%s only supports arrays, not %s", op, typeName(x))
		}
		out = append(out, list...)
	}
	return out, nil
}

func mergeObjects(op string, v []any) (any, error) {
	if list, ok := v[0].(bson.A); ok && len(v) == 1 {
		v = list
	}
	out := bson.D{}
	for _, x := range v {
		if isNullish(x) {
			continue
		}
		d, ok := x.(bson.D)
		if !ok {
			return nil, errf(40400, "%s requires object inputs, but input %s is of type %s", op, shellValue(x), typeName(x))
		}
		for _, e := range d {
			out = setField(out, e.Key, e.Value)
		}
	}
	return out, nil
}

// setField gives a field a value in its place, or appends it; out is changed.
func setField(out bson.D, key string, v any) bson.D {
	for i := range out {
		if out[i].Key == key {
			out[i].Value = v
			return out
		}
	}
	return append(out, bson.E{Key: key, Value: v})
}

func objectToArray(op string, v []any) (any, error) {
	if isNullish(v[0]) {
		return nil, nil
	}
	d, ok := v[0].(bson.D)
	if !ok {
		return nil, errf(40390, "%s requires a document input, found: %s", op, typeName(v[0]))
	}
	out := bson.A{}
	for _, e := range d {
		out = append(out, bson.D{{Key: "k", Value: e.Key}, {Key: "v", Value: e.Value}})
	}
	return out, nil
}

func arrayToObject(op string, v []any) (any, error) {
	if isNullish(v[0]) {
		return nil, nil
	}
	list, _ := v[0].(bson.A)
	out := bson.D{}
	for _, e := range list {
		var k, val any
		switch pair := e.(type) {
		case bson.D:
			k, _ = lookup(pair, "k")
			val, _ = lookup(pair, "v")
		case bson.A:
			if len(pair) == 2 {
				k, val = pair[0], pair[1]
			}
		}
		key, ok := k.(string)
		if !ok {
			return nil, errf(40386, "%s requires an array of {k, v} documents or [k, v] pairs", op)
		}
		out = setField(out, key, val)
	}
	return out, nil
}
