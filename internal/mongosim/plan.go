package mongosim

import (
	"slices"
	"strings"
)

// maxRanges bounds the combinations of points that a plan looks up.
const maxRanges = 4096

// plan says where to look for the documents of a query: in ranges of an index,
// in several plans one after the other (an $or), or, with neither, everywhere.
// The documents found must still be tested against the query.
type plan struct {
	index   *index
	ranges  []keyRange // in index order
	reverse bool
	sorted  bool // the order of the plan is the order asked for
	union   []plan
}

func (p plan) isScan() bool { return p.index == nil && p.union == nil }

// each calls fn once for each candidate slot until it returns false.
func (p plan) each(c *collection, fn func(*slot) bool) bool {
	if p.isScan() {
		return c.rows.ascend(keyRange{}, func(e entry) bool { return fn(e.slot) })
	}
	if p.union != nil || slices.Contains(p.index.multi, true) {
		seen, visit := map[*slot]bool{}, fn
		fn = func(s *slot) bool {
			if seen[s] {
				return true
			}
			seen[s] = true
			return visit(s)
		}
	}
	for _, sub := range p.union {
		if !sub.each(c, fn) {
			return false
		}
	}
	visit := func(e entry) bool { return fn(e.slot) }
	if p.reverse {
		for _, r := range slices.Backward(p.ranges) {
			if !p.index.keys.descend(r, visit) {
				return false
			}
		}
		return true
	}
	for _, r := range p.ranges {
		if !p.index.keys.ascend(r, visit) {
			return false
		}
	}
	return true
}

// choosePlan picks the index with the most fields fixed by the query; one that
// also gives the order wins over one that does not.
func (c *collection) choosePlan(filter node, sort []keyField, hint *index) plan {
	leaves := necessaryLeaves(filter)
	best, bestScore := plan{sorted: len(sort) == 0}, 0
	for _, ix := range c.indexes {
		p, score := ix.plan(leaves, sort)
		if hint == ix && score > 0 {
			score += 1000
		}
		if score > bestScore {
			best, bestScore = p, score
		}
	}
	if bestScore > 1 { // an index has bounds
		return best
	}
	if union, ok := c.unionPlan(filter, leaves); ok {
		return plan{union: union, sorted: len(sort) == 0}
	}
	return best
}

// unionPlan answers an $or branch by branch, if an index answers every branch.
func (c *collection) unionPlan(filter node, outer []*leaf) ([]plan, bool) {
	for _, n := range conjuncts(filter) {
		or, ok := n.(orNode)
		if !ok {
			continue
		}
		union := []plan{}
		for _, branch := range or {
			leaves := append(necessaryLeaves(branch), outer...)
			best, bestScore := plan{}, 1
			for _, ix := range c.indexes {
				if p, score := ix.plan(leaves, nil); score > bestScore {
					best, bestScore = p, score
				}
			}
			if bestScore <= 1 {
				return nil, false
			}
			union = append(union, best)
		}
		return union, true
	}
	return nil, false
}

// necessaryLeaves are conditions that every matching document fulfils,
// including those inside $elemMatch, as conditions on the dotted path.
func necessaryLeaves(filter node) []*leaf {
	var out []*leaf
	for _, n := range conjuncts(filter) {
		l, ok := n.(*leaf)
		if !ok {
			continue
		}
		out = append(out, l)
		if sub, ok := l.arg.(node); ok && l.op == "$elemMatch" {
			for _, inner := range necessaryLeaves(sub) {
				c := *inner
				c.path = strings.TrimSuffix(l.path+"."+inner.path, ".")
				out = append(out, &c)
			}
		}
	}
	return out
}

// plan is how this index would answer, and how good that is: 0 not at all, 1
// only by giving the order, more the better it narrows.
func (ix *index) plan(leaves []*leaf, sort []keyField) (plan, int) {
	if ix.filter != nil && !implies(leaves, ix.filter) {
		return plan{}, 0
	}
	fixed := []string{""}
	single := make([]bool, len(ix.gen.fields)) // fields fixed to one point
	var ranges []keyRange
	score, usedMulti := 0, false
	for i, f := range ix.gen.fields {
		if ix.multi[i] && usedMulti {
			break // the two conditions may hold for different elements
		}
		var mine []*leaf
		for _, l := range leaves {
			if l.path == f.path {
				mine = append(mine, l)
			}
		}
		// A sparse index holds a document if any of its fields is there; once
		// the first field is bound to a value, it is.
		b, ok := boundsOf(mine, ix.multi[i], ix.spec.sparse && i == 0)
		if !ok || len(fixed)*len(b.points) > maxRanges {
			break
		}
		usedMulti = usedMulti || ix.multi[i]
		if f.desc {
			b = b.descending()
		}
		if b.points == nil {
			for _, p := range fixed {
				if r := b.keyRange(p); r.hi == "" || r.lo < r.hi {
					ranges = append(ranges, r)
				}
			}
			score += 2
			break
		}
		next := make([]string, 0, len(fixed)*len(b.points))
		for _, p := range fixed {
			for _, q := range b.points {
				next = append(next, p+q)
			}
		}
		fixed, single[i] = next, len(b.points) == 1
		score += 4
	}
	if score == 0 && ix.spec.sparse {
		return plan{}, 0
	}
	if score%4 == 0 { // no range at the end
		ranges = ranges[:0]
		for _, p := range fixed {
			ranges = append(ranges, prefixRange(p))
		}
	}
	if score == 0 && ix.filter != nil {
		score = 2 // a partial index is less than the collection even unbounded
	}
	p := plan{index: ix, ranges: ranges}
	p.sorted, p.reverse = ix.gives(sort, single)
	if p.sorted && len(sort) > 0 {
		score++
	}
	return p, score
}

// gives reports whether the index has the order of sort, forwards or in
// reverse, when the marked fields hold one value each.
func (ix *index) gives(sort []keyField, single []bool) (sorted, reverse bool) {
	if len(sort) == 0 {
		return true, false
	}
	if slices.Contains(ix.multi, true) {
		return false, false
	}
	j := 0
	var directions []bool
	for i, f := range ix.gen.fields {
		if j == len(sort) {
			break
		}
		switch {
		case f.path == sort[j].path:
			if !single[i] {
				directions = append(directions, f.desc != sort[j].desc)
			}
			j++
		case !single[i]:
			return false, false
		}
	}
	if j < len(sort) {
		return false, false
	}
	if len(directions) == 0 {
		return true, false
	}
	return !slices.Contains(directions, !directions[0]), directions[0]
}
