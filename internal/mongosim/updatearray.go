package mongosim

import (
	"slices"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// arrayOp makes an operator out of a function on arrays. Where there is no
// array, create says whether the operator makes one.
func arrayOp(op, path string, create bool, fn func(bson.A) (bson.A, error)) func(any) (any, error) {
	return func(old any) (any, error) {
		switch a := old.(type) {
		case bson.A:
			return fn(a)
		case missingType:
			if !create {
				return missing, nil
			}
			return fn(bson.A{})
		}
		if op == "$push" || op == "$addToSet" {
			return nil, errf(codeBadValue, "The field '%s' must be an array but is of type %s in document", path, typeName(old))
		}
		if op == "$pop" {
			return nil, errf(codeTypeMismatch, "Path '%s' contains an element of non-array type '%s'", path, typeName(old))
		}
		return nil, errf(codeBadValue, "Cannot apply %s to a non-array value (%s)", op, path)
	}
}

// push is $push with $each, $position, $slice and $sort (manual: "$push").
func (u *updater) push(path string, arg any) (func(any) (any, error), error) {
	d, _ := arg.(bson.D)
	each, modified := lookup(d, "$each")
	if !modified {
		return arrayOp("$push", path, true, func(a bson.A) (bson.A, error) { return append(a, clone(arg)), nil }), nil
	}
	items, ok := each.(bson.A)
	if !ok {
		return nil, errf(codeBadValue, "The argument to $each in $push must be an array but it was of type: %s", typeName(each))
	}
	var position, slice *int64
	var order func(bson.A) error
	for _, e := range d {
		n, whole := toInt64(e.Value)
		switch e.Key {
		case "$each":
		case "$position", "$slice":
			if !whole {
				return nil, errf(codeBadValue, "The value for %s must be an integer value but was given type: %s", e.Key, typeName(e.Value))
			}
			if e.Key == "$position" {
				position = &n
			} else {
				slice = &n
			}
		case "$sort":
			var err error
			if order, err = pushSort(e.Value); err != nil {
				return nil, err
			}
		default:
			return nil, errf(codeBadValue, "Unrecognized clause in $push: %s", e.Key)
		}
	}
	return arrayOp("$push", path, true, func(a bson.A) (bson.A, error) {
		at := len(a)
		if position != nil {
			at = int(min(*position, int64(len(a))))
			if *position < 0 {
				at = int(max(int64(len(a))+*position, 0))
			}
		}
		a = slices.Insert(a, at, clone(items).(bson.A)...)
		if order != nil {
			if err := order(a); err != nil {
				return nil, err
			}
		}
		if slice != nil {
			if n := *slice; n >= 0 {
				a = a[:min(n, int64(len(a)))]
			} else {
				a = a[max(int64(len(a))+n, 0):]
			}
		}
		return a, nil
	}), nil
}

// pushSort orders whole elements (1, -1) or documents by fields of theirs.
func pushSort(spec any) (func(bson.A) error, error) {
	if d, ok := spec.(bson.D); ok {
		fields, err := compileSort(d)
		if err != nil {
			return nil, err
		}
		return func(a bson.A) error {
			return sortBy(a, fields, func(v any) bson.D { d, _ := v.(bson.D); return d })
		}, nil
	}
	dir, ok := toInt64(spec)
	if !ok || dir != 1 && dir != -1 {
		return nil, errf(codeBadValue, "The $sort element value must be either 1 or -1")
	}
	return func(a bson.A) error {
		slices.SortStableFunc(a, func(x, y any) int { return int(dir) * compare(x, y) })
		return nil
	}, nil
}

func addToSet(path string, arg any) (func(any) (any, error), error) {
	items := bson.A{arg}
	if d, ok := arg.(bson.D); ok && len(d) > 0 && d[0].Key == "$each" {
		list, ok := d[0].Value.(bson.A)
		if !ok {
			return nil, errf(codeTypeMismatch, "The argument to $each in $addToSet must be an array but it was of type %s", typeName(d[0].Value))
		}
		if len(d) > 1 {
			return nil, errf(codeBadValue, "Found unexpected fields after $each in $addToSet: %s", d[1].Key)
		}
		items = list
	}
	return arrayOp("$addToSet", path, true, func(a bson.A) (bson.A, error) {
		for _, it := range items {
			if !slices.ContainsFunc(a, func(have any) bool { return equal(have, it) }) {
				a = append(a, clone(it))
			}
		}
		return a, nil
	}), nil
}

// pull removes what equals a value or fulfils a condition. A condition on
// documents is a query on each element, as if it were a top-level document
// (manual: "$pull").
func (u *updater) pull(path string, arg any) (func(any) (any, error), error) {
	var cond node
	var err error
	onDocs := false
	switch d, isDoc := arg.(bson.D); {
	case isDoc && !isOperatorDoc(arg):
		onDocs = true
		cond, err = compileFilter(d, u.env)
	case isDoc && (d[0].Key == "$and" || d[0].Key == "$or" || d[0].Key == "$nor"):
		return nil, errf(codeNotImplemented, "mongosim does not support %s directly in $pull", d[0].Key)
	default:
		cond, err = compileField("", nil, arg, u.env)
	}
	if err != nil {
		return nil, err
	}
	literal := arg
	if isOperatorDoc(arg) {
		literal = missing
	}
	return arrayOp("$pull", path, false, func(a bson.A) (bson.A, error) {
		return slices.DeleteFunc(a, func(e any) bool {
			if _, isDoc := e.(bson.D); onDocs {
				return isDoc && cond.match(e)
			}
			if list, isList := literal.(bson.A); isList { // an array must equal the element
				return equal(list, e)
			}
			return cond.match(e)
		}), nil
	}), nil
}

func pullAll(path string, arg any) (func(any) (any, error), error) {
	items, ok := arg.(bson.A)
	if !ok {
		return nil, errf(codeBadValue, "$pullAll requires an array argument but was given a %s", typeName(arg))
	}
	return arrayOp("$pullAll", path, false, func(a bson.A) (bson.A, error) {
		return slices.DeleteFunc(a, func(e any) bool {
			return slices.ContainsFunc(items, func(it any) bool { return equal(it, e) })
		}), nil
	}), nil
}

func pop(path string, arg any) (func(any) (any, error), error) {
	dir, ok := toInt64(arg)
	if !ok || dir != 1 && dir != -1 {
		return nil, errf(codeFailedToParse, "$pop expects 1 or -1, found: %s", shellValue(arg))
	}
	return arrayOp("$pop", path, false, func(a bson.A) (bson.A, error) {
		switch {
		case len(a) == 0:
			return a, nil
		case dir == 1:
			return a[:len(a)-1], nil
		}
		return a[1:], nil
	}), nil
}
