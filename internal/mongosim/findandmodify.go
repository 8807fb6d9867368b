package mongosim

import (
	"go.mongodb.org/mongo-driver/v2/bson"
)

// findAndModify changes or removes the first document in the given order and
// returns it as it was, or with new as it is now.
func findAndModify(t *txn, req *request) (bson.D, error) {
	ns, err := req.namespace()
	if err != nil {
		return nil, err
	}
	a := req.args()
	remove, returnNew := a.bool("remove", false), a.bool("new", false)
	st := updateStatement{filter: a.doc("query"), upsert: a.bool("upsert", false)}
	sort, fields, change := a.doc("sort"), a.doc("fields"), a.value("update")
	filters, _ := a.value("arrayFilters").(bson.A)
	if a.err != nil {
		return nil, a.err
	}
	switch {
	case remove && (change != nil || st.upsert || returnNew):
		return nil, errf(codeFailedToParse, "Cannot specify both an update, new or upsert and remove=true")
	case !remove && change == nil:
		return nil, errf(codeFailedToParse, "Either an update or remove=true must be specified")
	}
	if st.query, err = req.readQuery(st.filter, sort, a.value("hint")); err != nil {
		return nil, err
	}
	st.query.limit = 1
	proj, err := compileProjection(fields, req.env)
	if err != nil {
		return nil, err
	}
	if !remove {
		if st.up, err = compileUpdate(change, filters, req.env); err != nil {
			return nil, err
		}
	}
	slots, err := t.search(ns, st.query)
	if err != nil {
		return nil, err
	}
	if len(slots) == 0 {
		if !st.upsert {
			return modifyReply(0, remove, nil, nil), nil
		}
		doc, err := t.upsert(ns, st)
		if err != nil {
			return nil, err
		}
		reply := modifyReply(1, remove, nil, doc[0].Value)
		if returnNew {
			return withValue(reply, doc, proj)
		}
		return reply, nil
	}
	s := slots[0]
	shown := s.cur.doc
	if remove {
		err = t.remove(t.e.colls[ns], s)
	} else {
		_, err = t.modify(ns, s, st)
	}
	if err != nil {
		return nil, err
	}
	if returnNew {
		shown = s.cur.doc
	}
	return withValue(modifyReply(1, remove, shown, nil), shown, proj)
}

func modifyReply(n int, remove bool, found bson.D, upserted any) bson.D {
	leo := bson.D{{Key: "n", Value: int32(n)}}
	if !remove {
		leo = append(leo, bson.E{Key: "updatedExisting", Value: found != nil})
	}
	if upserted != nil {
		leo = append(leo, bson.E{Key: "upserted", Value: upserted})
	}
	return bson.D{{Key: "lastErrorObject", Value: leo}, {Key: "value", Value: nil}}
}

func withValue(reply, doc bson.D, proj *projection) (bson.D, error) {
	if proj != nil {
		var err error
		if doc, err = proj.apply(doc); err != nil {
			return nil, err
		}
	}
	reply[1].Value = doc
	return reply, nil
}
