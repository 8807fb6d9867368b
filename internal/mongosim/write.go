package mongosim

import (
	"go.mongodb.org/mongo-driver/v2/bson"
)

const maxWriteBatch = 100000

// statements runs each statement in turn. A statement that fails is reported
// and has no effect; the ones before it stand, and the ones after it run only
// if the command is unordered (manual: "Bulk Write Operations").
func statements(n int, ordered bool, run func(i int) error) (bson.A, error) {
	if n == 0 || n > maxWriteBatch {
		return nil, errf(codeInvalidLength, "Write batch sizes must be between 1 and %d. Got %d operations.", maxWriteBatch, n)
	}
	var failed bson.A
	for i := range n {
		if err := run(i); err != nil {
			ce := asCmdError(err)
			if ce.code == codeMaxTimeMSExpired || ce.code == codeInterruptedAtShutdown || ce.code == codeInternalError {
				return nil, err
			}
			failed = append(failed, ce.writeError(i))
			if ordered {
				break
			}
		}
	}
	return failed, nil
}

func withErrors(reply bson.D, failed bson.A) bson.D {
	if len(failed) > 0 {
		reply = append(reply, bson.E{Key: "writeErrors", Value: failed})
	}
	return reply
}

func insert(t *txn, req *request) (bson.D, error) {
	ns, err := req.namespace()
	if err != nil {
		return nil, err
	}
	a := req.args()
	docs, ordered := a.docs("documents"), a.bool("ordered", true)
	if a.err != nil {
		return nil, a.err
	}
	c, err := t.collection(ns)
	if err != nil {
		return nil, err
	}
	n := 0
	failed, err := statements(len(docs), ordered, func(i int) error {
		doc := docs[i]
		if _, ok := lookup(doc, "_id"); !ok {
			doc = append(bson.D{{Key: "_id", Value: bson.NewObjectID()}}, doc...)
		}
		if err := t.insert(c, doc); err != nil {
			return err
		}
		n++
		return nil
	})
	return withErrors(bson.D{{Key: "n", Value: int32(n)}}, failed), err
}

// updateStatement is one update, of an update command or of findAndModify.
type updateStatement struct {
	query  query
	filter bson.D // the uncompiled filter, for upserts
	up     *updater
	upsert bool
}

func update(t *txn, req *request) (bson.D, error) {
	ns, err := req.namespace()
	if err != nil {
		return nil, err
	}
	a := req.args()
	docs, ordered := a.docs("updates"), a.bool("ordered", true)
	if a.err != nil {
		return nil, a.err
	}
	n, modified := 0, 0
	var upserted bson.A
	failed, err := statements(len(docs), ordered, func(i int) error {
		st, err := req.parseUpdate(docs[i])
		if err != nil {
			return err
		}
		slots, err := t.search(ns, st.query)
		if err != nil {
			return err
		}
		if len(slots) == 0 && st.upsert {
			doc, err := t.upsert(ns, st)
			if err != nil {
				return err
			}
			n++
			upserted = append(upserted, bson.D{{Key: "index", Value: int32(i)}, {Key: "_id", Value: doc[0].Value}})
		}
		for _, s := range slots {
			changed, err := t.modify(ns, s, st)
			if err != nil {
				return err
			}
			n++
			if changed {
				modified++
			}
		}
		return nil
	})
	reply := bson.D{{Key: "n", Value: int32(n)}, {Key: "nModified", Value: int32(modified)}}
	if len(upserted) > 0 {
		reply = append(reply, bson.E{Key: "upserted", Value: upserted})
	}
	return withErrors(reply, failed), err
}

func (r *request) parseUpdate(d bson.D) (st updateStatement, err error) {
	a := &args{d: d, name: "update.updates"}
	a.only("q u multi upsert hint arrayFilters collation")
	st.filter, st.upsert = a.doc("q"), a.bool("upsert", false)
	multi := a.bool("multi", false)
	filters, _ := a.value("arrayFilters").(bson.A)
	if a.value("collation") != nil {
		a.err = errf(codeNotImplemented, "mongosim does not support collation")
	}
	if a.err != nil {
		return st, a.err
	}
	if multi && r.txnNumber != nil {
		return st, errf(codeInvalidOptions, "Cannot use retryable writes with multi=true")
	}
	if st.up, err = compileUpdate(a.value("u"), filters, r.env); err != nil {
		return st, err
	}
	if multi && st.up.isReplacement() {
		return st, errf(codeFailedToParse, "multi update is not supported for replacement-style update")
	}
	if st.query, err = r.readQuery(st.filter, nil, a.value("hint")); err != nil {
		return st, err
	}
	if !multi {
		st.query.limit = 1
	}
	return st, nil
}

// search is collection.search; a collection that does not exist is empty.
func (t *txn) search(ns string, q query) ([]*slot, error) {
	c := t.e.colls[ns]
	if c == nil {
		return nil, nil
	}
	return c.search(q)
}

// modify gives a document its next version and reports whether it differs.
func (t *txn) modify(ns string, s *slot, st updateStatement) (bool, error) {
	next, err := st.up.apply(s.cur.doc, st.query.filter, false)
	if err != nil {
		return false, err
	}
	rec, err := newRecord(next)
	if err != nil {
		return false, err
	}
	if string(rec.raw) == string(s.cur.raw) {
		return false, nil
	}
	return true, t.replace(t.e.colls[ns], s, rec)
}

// upsert inserts the document that the filter's equalities and the update make
// (manual: "db.collection.updateOne() / Upsert"), and returns it as stored.
func (t *txn) upsert(ns string, st updateStatement) (bson.D, error) {
	c, err := t.collection(ns)
	if err != nil {
		return nil, err
	}
	seed := bson.D{}
	if st.up.replacement == nil {
		if seed, err = equalities(st.query.filter); err != nil {
			return nil, err
		}
	} else if ids, err := equalities(onlyID(st.query.filter)); err == nil {
		seed = ids
	}
	doc, err := st.up.apply(seed, st.query.filter, true)
	if err != nil {
		return nil, err
	}
	if _, ok := lookup(doc, "_id"); !ok {
		doc = append(bson.D{{Key: "_id", Value: bson.NewObjectID()}}, doc...)
	}
	doc = idFirst(doc)
	return doc, t.insert(c, doc)
}

// onlyID keeps the condition on _id: a replacement takes nothing else over.
func onlyID(filter node) node {
	and := andNode{}
	for _, l := range equalityLeaves(filter) {
		if l.path == "_id" {
			and = append(and, l)
		}
	}
	return and
}

// equalityLeaves finds the conditions that fix a field to one value, also in
// an $or of one branch and an $in of one value.
func equalityLeaves(filter node) (out []*leaf) {
	for _, n := range conjuncts(filter) {
		if or, ok := n.(orNode); ok && len(or) == 1 {
			out = append(out, equalityLeaves(or[0])...)
		}
		l, ok := n.(*leaf)
		if !ok {
			continue
		}
		if list, _ := l.arg.(bson.A); l.op == "$in" && len(list) == 1 && ctype(list[0]) != ctRegex {
			l = newLeaf(l.path, l.parts, "$eq", list[0], true, l.pred)
		}
		if l.op == "$eq" {
			out = append(out, l)
		}
	}
	return out
}

func equalities(filter node) (bson.D, error) {
	doc := bson.D{}
	var seen []updateOp
	for _, l := range equalityLeaves(filter) {
		op := updateOp{op: "$set", path: l.path, parts: l.parts, prepared: func(any) (any, error) { return clone(l.arg), nil }}
		seen = append(seen, op)
		if checkConflicts(seen) != nil {
			return nil, errf(codeNotSingleValueField, "cannot infer query fields to set, path '%s' is matched twice", l.path)
		}
		var err error
		if doc, err = setPath(doc, l.parts, op); err != nil {
			return nil, err
		}
	}
	return doc, nil
}

func deleteDocs(t *txn, req *request) (bson.D, error) {
	ns, err := req.namespace()
	if err != nil {
		return nil, err
	}
	a := req.args()
	docs, ordered := a.docs("deletes"), a.bool("ordered", true)
	if a.err != nil {
		return nil, a.err
	}
	n := 0
	failed, err := statements(len(docs), ordered, func(i int) error {
		d := &args{d: docs[i], name: "delete.deletes"}
		d.only("q limit hint")
		filter, limit := d.doc("q"), d.int("limit")
		if d.err != nil {
			return d.err
		}
		if limit > 1 {
			return errf(codeFailedToParse, "The limit field in delete objects must be 0 or 1. Got %d", limit)
		}
		if limit == 0 && req.txnNumber != nil {
			return errf(codeInvalidOptions, "Cannot use retryable writes with limit=0")
		}
		q, err := req.readQuery(filter, nil, d.value("hint"))
		if err != nil {
			return err
		}
		q.limit = limit
		slots, err := t.search(ns, q)
		if err != nil {
			return err
		}
		for _, s := range slots {
			if err := t.remove(t.e.colls[ns], s); err != nil {
				return err
			}
			n++
		}
		return nil
	})
	return withErrors(bson.D{{Key: "n", Value: int32(n)}}, failed), err
}
