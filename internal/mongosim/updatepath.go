package mongosim

import (
	"slices"
	"strconv"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// maxPadding is how far beyond its end MongoDB extends an array with nulls.
const maxPadding = 1500000

// setPath applies op at a concrete path of doc, which it may change in place,
// making the documents on the way where the operator sets a value.
func setPath(doc bson.D, parts []string, op updateOp) (bson.D, error) {
	v, err := setIn(doc, parts, 0, op)
	if err != nil {
		return nil, err
	}
	return v.(bson.D), nil
}

func setIn(v any, parts []string, at int, op updateOp) (any, error) {
	if at == len(parts) {
		return op.prepared(v)
	}
	part := parts[at]
	switch c := v.(type) {
	case bson.D:
		i := slices.IndexFunc(c, func(e bson.E) bool { return e.Key == part })
		old := any(missing)
		if i >= 0 {
			old = c[i].Value
		}
		next, err := setIn(old, parts, at+1, op)
		if err != nil {
			return nil, err
		}
		switch {
		case next == any(missing) && i >= 0:
			return slices.Delete(c, i, i+1), nil
		case next == any(missing):
		case i >= 0:
			c[i].Value = next
		default:
			c = append(c, bson.E{Key: part, Value: next})
		}
		return c, nil
	case bson.A:
		i, ok := arrayIndex(part)
		if !ok {
			if op.op == "$unset" {
				return v, nil
			}
			return nil, errf(codePathNotViable, "Cannot create field '%s' in element {%s: %s}", part, parts[max(at-1, 0)], shellValue(v))
		}
		old := any(missing)
		if i < len(c) {
			old = c[i]
		}
		next, err := setIn(old, parts, at+1, op)
		if err != nil {
			return nil, err
		}
		switch {
		case next == any(missing) && i < len(c):
			c[i] = nil // unset leaves the other elements where they are
		case next == any(missing):
		case i-len(c) > maxPadding:
			return nil, errf(codePathNotViable, "can't backfill more than %d elements in array at %s", maxPadding, strings.Join(parts, "."))
		default:
			for len(c) <= i {
				c = append(c, nil)
			}
			c[i] = next
		}
		return c, nil
	case missingType:
		if hasWord("$unset $pull $pullAll $pop", op.op) {
			return missing, nil
		}
		next, err := setIn(missing, parts, at+1, op)
		if err != nil || next == any(missing) {
			return missing, err
		}
		return bson.D{{Key: part, Value: next}}, nil
	}
	if hasWord("$unset $pull $pullAll $pop", op.op) {
		return v, nil
	}
	return nil, errf(codePathNotViable, "Cannot create field '%s' in element {%s: %s}", part, parts[max(at-1, 0)], shellValue(v))
}

// expandArrays turns $[] and $[identifier] into the positions they stand for.
func (u *updater) expandArrays(doc bson.D, parts []string) ([][]string, error) {
	i := slices.IndexFunc(parts, func(p string) bool { return strings.HasPrefix(p, "$[") })
	if i < 0 {
		return [][]string{parts}, nil
	}
	v := descend(doc, parts[:i])
	list, ok := v.(bson.A)
	if !ok {
		return nil, errf(codeBadValue, "The path '%s' must exist in the document in order to apply array updates.", strings.Join(parts[:i], "."))
	}
	var filter node
	if name := strings.TrimSuffix(parts[i][2:], "]"); name != "" {
		if filter, ok = u.filters[name]; !ok {
			return nil, errf(codeBadValue, "No array filter found for identifier '%s' in path '%s'", name, strings.Join(parts, "."))
		}
	}
	var out [][]string
	for at, e := range list {
		if filter != nil && !filter.match(bson.D{{Key: strings.TrimSuffix(parts[i][2:], "]"), Value: e}}) {
			continue
		}
		concrete := slices.Clone(parts)
		concrete[i] = strconv.Itoa(at)
		more, err := u.expandArrays(doc, concrete)
		if err != nil {
			return nil, err
		}
		out = append(out, more...)
	}
	return out, nil
}

// descend follows names and array positions exactly.
func descend(v any, parts []string) any {
	for _, p := range parts {
		switch c := v.(type) {
		case bson.D:
			v, _ = lookup(c, p)
		case bson.A:
			i, ok := arrayIndex(p)
			if !ok || i >= len(c) {
				return missing
			}
			v = c[i]
		default:
			return missing
		}
	}
	return v
}

// compileArrayFilters reads arrayFilters: documents whose fields all begin
// with one identifier.
func (u *updater) compileArrayFilters(list bson.A) error {
	for _, item := range list {
		d, _ := item.(bson.D)
		if len(d) == 0 {
			return errf(codeFailedToParse, "Cannot use an empty array filter")
		}
		f, err := compileFilter(d, u.env)
		if err != nil {
			return err
		}
		name, _, _ := strings.Cut(d[0].Key, ".")
		for _, e := range d {
			if id, _, _ := strings.Cut(e.Key, "."); id != name || strings.HasPrefix(id, "$") {
				return errf(codeNotImplemented, "mongosim takes array filters on a single identifier only, not %s", shellValue(d))
			}
		}
		if u.filters[name] != nil {
			return errf(codeFailedToParse, "Found multiple array filters with the same top-level field name %s", name)
		}
		u.filters[name] = f
	}
	return nil
}

// positionOf finds the element that the positional operator $ stands for: the
// first one that fulfils the query's condition on the array. With conditions
// on several paths of an array MongoDB's choice is not documented, so they
// are refused.
func positionOf(filter node, array string, doc bson.D) (string, error) {
	var on *leaf
	for _, l := range directLeaves(filter) {
		if l.path != array && !strings.HasPrefix(l.path, array+".") {
			continue
		}
		if on != nil {
			return "", errf(codeNotImplemented, "mongosim supports the positional operator for one condition on '%s', use $elemMatch", array)
		}
		on = l
	}
	if on == nil {
		return "", errPositional(array)
	}
	list, _ := descend(doc, strings.Split(array, ".")).(bson.A)
	rest := on.parts[strings.Count(array, ".")+1:]
	for i, e := range list {
		fits := false
		if on.op == "$elemMatch" && len(rest) == 0 {
			fits = on.pred(bson.A{e})
		} else if _, isDoc := e.(bson.D); isDoc || len(rest) == 0 {
			fits = anyValue(e, rest, on.expand, on.pred)
		}
		if fits {
			return strconv.Itoa(i), nil
		}
	}
	return "", errPositional(array)
}

func errPositional(path string) error {
	return errf(codeBadValue, "The positional operator did not find the match needed from the query (%s).", path)
}

// directLeaves are the leaves that must all hold.
func directLeaves(filter node) (out []*leaf) {
	for _, n := range conjuncts(filter) {
		if l, ok := n.(*leaf); ok {
			out = append(out, l)
		}
	}
	return out
}

func renameField(doc bson.D, op updateOp) (bson.D, error) {
	from := strings.Split(op.arg.(string), ".")
	v := descendDocs(doc, from)
	if v == any(missing) {
		return doc, nil
	}
	doc, err := setPath(doc, from, updateOp{op: "$unset", prepared: func(any) (any, error) { return missing, nil }})
	if err != nil {
		return nil, err
	}
	return setPath(doc, op.parts, updateOp{op: "$set", prepared: func(any) (any, error) { return v, nil }})
}

// descendDocs is descend through documents only: $rename does not go into arrays.
func descendDocs(v any, parts []string) any {
	for _, p := range parts {
		d, ok := v.(bson.D)
		if !ok {
			return missing
		}
		v, _ = lookup(d, p)
	}
	return v
}
