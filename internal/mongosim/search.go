package mongosim

import (
	"go.mongodb.org/mongo-driver/v2/bson"
)

// query is a compiled request for documents of one collection.
type query struct {
	filter      node
	sort        []keyField
	skip, limit int64 // a limit of 0 is none
	hint        any   // an index name or key
	req         *request
}

// search returns the slots of the matching documents, in order. The caller
// holds the engine's lock and may keep the slots only as long.
func (c *collection) search(q query) ([]*slot, error) {
	hint, natural, err := c.hinted(q.hint)
	if err != nil {
		return nil, err
	}
	p := plan{sorted: len(q.sort) == 0}
	if !natural {
		p = c.choosePlan(q.filter, q.sort, hint)
	}
	want := int64(-1)
	if p.sorted && q.limit > 0 {
		want = q.skip + q.limit
	}
	var found []*slot
	var failed error
	examined := uint64(0)
	p.each(c, func(s *slot) bool {
		examined++
		if examined%256 == 0 {
			if failed = q.req.interrupted(); failed != nil {
				return false
			}
		}
		if q.filter.match(s.cur.doc) {
			found = append(found, s)
		}
		return want < 0 || int64(len(found)) < want
	})
	q.req.examined(c.ns, examined, p.isScan())
	if failed == nil {
		failed = q.req.env.err
	}
	if failed != nil {
		return nil, failed
	}
	if !p.sorted {
		if err := sortBy(found, q.sort, func(s *slot) bson.D { return s.cur.doc }); err != nil {
			return nil, err
		}
	}
	found = found[min(q.skip, int64(len(found))):]
	if q.limit > 0 {
		found = found[:min(q.limit, int64(len(found)))]
	}
	return found, nil
}

// hinted finds the index that a hint names. The hint is preferred where it can
// answer the query.
func (c *collection) hinted(hint any) (ix *index, natural bool, err error) {
	switch h := hint.(type) {
	case nil:
		return nil, false, nil
	case string:
		if ix := c.index(h); ix != nil {
			return ix, false, nil
		}
	case bson.D:
		if len(h) == 0 {
			return nil, false, nil
		}
		if h[0].Key == "$natural" {
			if n, _ := toInt64(h[0].Value); n == 1 {
				return nil, true, nil
			}
			return nil, false, errf(codeNotImplemented, "mongosim does not support $natural: -1")
		}
		for _, ix := range c.indexes {
			if compareDocs(ix.spec.key, h) == 0 {
				return ix, false, nil
			}
		}
	}
	return nil, false, errf(codeBadValue, "error processing query: planner returned error: bad hint: %v", hint)
}

// records returns the current versions, which stay valid without the lock.
func records(slots []*slot) []*record {
	out := make([]*record, len(slots))
	for i, s := range slots {
		out[i] = s.cur
	}
	return out
}
