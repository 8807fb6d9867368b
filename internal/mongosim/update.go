package mongosim

import (
	"slices"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// updater is a compiled update: a replacement, a pipeline or operators.
type updater struct {
	replacement bson.D
	pipeline    []stage
	ops         []updateOp // in the order in which they are applied
	filters     map[string]node
	env         *env
}

// updateOp is one operator on one path.
type updateOp struct {
	op    string
	path  string
	parts []string
	arg   any
	// prepared is the compiled argument of operators that need one.
	prepared func(old any) (any, error)
}

// compileUpdate parses the u of an update statement or the update of
// findAndModify. allowReplace is false for multi updates.
func compileUpdate(u any, arrayFilters bson.A, ev *env) (*updater, error) {
	up := &updater{env: ev, filters: map[string]node{}}
	if err := up.compileArrayFilters(arrayFilters); err != nil {
		return nil, err
	}
	switch u := u.(type) {
	case bson.A:
		stages, err := compilePipeline(u, ev)
		if err != nil {
			return nil, err
		}
		for _, st := range stages {
			if !hasWord("$set $addFields $unset $project $replaceRoot $replaceWith", st.name) {
				return nil, errf(codeInvalidOptions, "%s is not allowed to be used within an update", st.name)
			}
		}
		up.pipeline = stages
		return up, nil
	case bson.D:
		if !isOperatorDoc(u) {
			for _, e := range u {
				if strings.HasPrefix(e.Key, "$") {
					return nil, errf(codeDollarPrefixedFieldName, "The dollar ($) prefixed field '%s' in '%s' is not allowed in the context of an update's replacement document.", e.Key, e.Key)
				}
			}
			up.replacement = u
			if up.replacement == nil {
				up.replacement = bson.D{}
			}
			return up, nil
		}
		return up, up.compileOperators(u)
	}
	return nil, errf(codeFailedToParse, "Update argument must be either an object or an array")
}

func (u *updater) isReplacement() bool {
	return u.ops == nil && u.pipeline == nil && u.replacement != nil
}

func (u *updater) compileOperators(d bson.D) error {
	u.ops = []updateOp{}
	for _, e := range d {
		if !strings.HasPrefix(e.Key, "$") {
			return errf(codeFailedToParse, "Unknown modifier: %s. Expected a valid update modifier or pipeline-style update specified as an array", e.Key)
		}
		fields, ok := e.Value.(bson.D)
		if !ok {
			return errf(codeFailedToParse, "Modifiers operate on fields but we found type %s instead. For example: {$mod: {<field>: ...}} not {%s: %s}",
				typeName(e.Value), e.Key, shellValue(e.Value))
		}
		for _, f := range fields {
			op, err := u.compileOp(e.Key, f.Key, f.Value)
			if err != nil {
				return err
			}
			u.ops = append(u.ops, op)
		}
	}
	if err := checkConflicts(u.ops); err != nil {
		return err
	}
	slices.SortStableFunc(u.ops, func(a, b updateOp) int { return comparePaths(a.parts, b.parts) })
	return nil
}

// comparePaths is the order in which MongoDB applies updates and so adds new
// fields: by name, numbers as numbers (manual: "Update Operators", Behavior).
func comparePaths(a, b []string) int {
	return slices.CompareFunc(a, b, func(x, y string) int {
		i, xNum := arrayIndex(x)
		j, yNum := arrayIndex(y)
		if xNum && yNum {
			return i - j
		}
		return strings.Compare(x, y)
	})
}

// checkConflicts refuses two operators of which one would write inside what
// the other writes.
func checkConflicts(ops []updateOp) error {
	var paths []string
	for _, op := range ops {
		mine := []string{op.path}
		if op.op == "$rename" {
			mine = append(mine, op.arg.(string))
		}
		for _, p := range mine {
			for _, q := range paths {
				if p == q || strings.HasPrefix(p, q+".") || strings.HasPrefix(q, p+".") {
					short := q
					if len(p) < len(q) {
						short = p
					}
					return errf(codeConflictingUpdate, "Updating the path '%s' would create a conflict at '%s'", p, short)
				}
			}
		}
		paths = append(paths, mine...)
	}
	return nil
}

// apply makes the next version of doc. matched is the filter that found it,
// for the positional operator; inserting is set when an upsert makes doc.
func (u *updater) apply(doc bson.D, matched node, inserting bool) (bson.D, error) {
	var next bson.D
	var err error
	switch {
	case u.replacement != nil:
		next = cloneDoc(u.replacement)
		id, has := lookup(doc, "_id")
		newID, replaced := lookup(next, "_id")
		switch {
		case has && !replaced:
			next = append(bson.D{{Key: "_id", Value: id}}, next...)
		case has && !equal(id, newID):
			return nil, errf(codeImmutableField, "After applying the update, the (immutable) field '_id' was found to have been altered to _id: %s", shellValue(newID))
		}
		return idFirst(next), nil
	case u.pipeline != nil:
		docs, err := runStages(u.pipeline, []bson.D{cloneDoc(doc)}, u.env)
		if err != nil {
			return nil, err
		}
		next = docs[0]
	default:
		next = cloneDoc(doc)
		for _, op := range u.ops {
			if op.op == "$setOnInsert" && !inserting {
				continue
			}
			if next, err = u.applyOp(next, op, doc, matched, inserting); err != nil {
				return nil, err
			}
		}
	}
	before, had := lookup(doc, "_id")
	after, has := lookup(next, "_id")
	if had && (!has || !equal(before, after)) {
		return nil, errf(codeImmutableField, "Performing an update on the path '_id' would modify the immutable field '_id'")
	}
	return next, nil
}

func (u *updater) applyOp(next bson.D, op updateOp, old bson.D, matched node, inserting bool) (bson.D, error) {
	if op.op == "$rename" {
		return renameField(next, op)
	}
	parts := op.parts
	if i := slices.Index(parts, "$"); i >= 0 {
		if inserting {
			return nil, errPositional(op.path)
		}
		at, err := positionOf(matched, strings.Join(parts[:i], "."), old)
		if err != nil {
			return nil, err
		}
		parts = slices.Clone(parts)
		parts[i] = at
	}
	paths, err := u.expandArrays(next, parts)
	if err != nil {
		return nil, err
	}
	for _, p := range paths {
		v, err := setPath(next, p, op)
		if err != nil {
			return nil, err
		}
		next = v
	}
	return next, nil
}
