package mongosim

import (
	"slices"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// fieldBounds is what a query allows one index field to be: a list of points,
// or one range. Both are over encoded values.
type fieldBounds struct {
	points []string // sorted
	lower  bound    // of the range, if there are no points
	upper  bound
}

// bound is an end of a range; the keys that begin with prefix are in it if
// inclusive is set.
type bound struct {
	prefix    string
	inclusive bool
}

// keyRange is the bounds' range behind a fixed part of a compound key.
func (b fieldBounds) keyRange(fixed string) keyRange {
	lo, hi := fixed+b.lower.prefix, fixed+b.upper.prefix
	if !b.lower.inclusive {
		lo = after(lo)
	}
	if b.upper.inclusive {
		hi = after(hi)
	}
	return keyRange{lo, hi}
}

// descending mirrors the bounds for a field that is indexed downwards.
func (b fieldBounds) descending() fieldBounds {
	flip := func(s string) string { return string(invert([]byte(s))) }
	out := fieldBounds{
		lower: bound{flip(b.upper.prefix), b.upper.inclusive},
		upper: bound{flip(b.lower.prefix), b.lower.inclusive},
	}
	for _, p := range b.points {
		out.points = append(out.points, flip(p))
	}
	slices.Sort(out.points)
	return out
}

// boundsOf returns bounds that contain every document the leaves match; the
// documents are tested again, so they may contain more. With multi only one
// leaf counts: in an array each may hold for another element.
func boundsOf(leaves []*leaf, multi, sparse bool) (fieldBounds, bool) {
	var rng fieldBounds
	found := false
	for _, l := range leaves {
		if points, ok := l.points(sparse); ok {
			return fieldBounds{points: points}, true
		}
	}
	for _, l := range leaves {
		b, ok := l.rangeBounds()
		if !ok {
			continue
		}
		if !found {
			rng, found = b, true
			continue
		}
		if multi {
			continue
		}
		if b.lower.prefix > rng.lower.prefix || b.lower.prefix == rng.lower.prefix && !b.lower.inclusive {
			rng.lower = b.lower
		}
		if b.upper.prefix < rng.upper.prefix || b.upper.prefix == rng.upper.prefix && !b.upper.inclusive {
			rng.upper = b.upper
		}
	}
	return rng, found
}

// points are the keys that $eq and $in ask for. Arrays are not: an index holds
// their elements. Null is not where a sparse index leaves the document out.
func (l *leaf) points(sparse bool) ([]string, bool) {
	var args bson.A
	switch l.op {
	case "$eq":
		args = bson.A{l.arg}
	case "$in":
		args = l.arg.(bson.A)
	default:
		return nil, false
	}
	out := make([]string, 0, len(args))
	for _, a := range args {
		switch a.(type) {
		case bson.A, bson.Regex:
			return nil, false
		case nil:
			if sparse {
				return nil, false
			}
		}
		out = append(out, keyOf(a))
	}
	slices.Sort(out)
	return slices.Compact(out), true
}

func (l *leaf) rangeBounds() (fieldBounds, bool) {
	ct := ctype(l.arg)
	switch ct {
	case ctNumber, ctString, ctObjectID, ctDate, ctTimestamp, ctBool, ctBinary:
	default:
		return fieldBounds{}, false
	}
	first, end := bound{string([]byte{ct}), true}, bound{string([]byte{ct + 1}), false}
	at := func(inclusive bool) bound { return bound{keyOf(l.arg), inclusive} }
	switch l.op {
	case "$gt":
		return fieldBounds{lower: at(false), upper: end}, true
	case "$gte":
		return fieldBounds{lower: at(true), upper: end}, true
	case "$lt":
		return fieldBounds{lower: first, upper: at(false)}, true
	case "$lte":
		return fieldBounds{lower: first, upper: at(true)}, true
	}
	return fieldBounds{}, false
}

// implies reports whether every document that the query's leaves match also
// fits the partial filter p, so that a partial index knows them all.
func implies(leaves []*leaf, p node) bool {
	switch p := p.(type) {
	case andNode:
		return !slices.ContainsFunc(p, func(c node) bool { return !implies(leaves, c) })
	case orNode:
		return slices.ContainsFunc(p, func(c node) bool { return implies(leaves, c) })
	case *leaf:
		return slices.ContainsFunc(leaves, func(q *leaf) bool { return q.path == p.path && q.impliesLeaf(p) })
	}
	return false
}

func (l *leaf) impliesLeaf(p *leaf) bool {
	if l.op == p.op && l.op != "$elemMatch" && equal(l.arg, p.arg) {
		return true
	}
	fits := func(v any) bool {
		switch v.(type) {
		case nil, bson.A, bson.Regex, bson.MinKey, bson.MaxKey:
			return false
		}
		return p.pred(v)
	}
	lower := func(op string) bool { return op == "$gt" || op == "$gte" }
	upper := func(op string) bool { return op == "$lt" || op == "$lte" }
	switch {
	case l.op == "$eq":
		return fits(l.arg)
	case l.op == "$in":
		args := l.arg.(bson.A)
		return !slices.ContainsFunc(args, func(a any) bool { return !fits(a) })
	case lower(l.op) || upper(l.op):
		if p.op == "$exists" {
			return l.arg != nil
		}
		sameSide := lower(l.op) && lower(p.op) || upper(l.op) && upper(p.op)
		strict := (l.op == "$gt" || l.op == "$lt") && ctype(l.arg) == ctype(p.arg) && equal(l.arg, p.arg)
		return sameSide && (fits(l.arg) || strict)
	}
	return false
}
