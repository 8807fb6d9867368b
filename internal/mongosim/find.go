package mongosim

import (
	"go.mongodb.org/mongo-driver/v2/bson"
)

// readQuery compiles the parts of a query; any may be nil.
func (r *request) readQuery(filter, sort bson.D, hint any) (query, error) {
	f, err := compileFilter(filter, r.env)
	if err != nil {
		return query{}, err
	}
	s, err := compileSort(sort)
	if err != nil {
		return query{}, err
	}
	return query{filter: f, sort: s, hint: hint, req: r}, nil
}

// lookUp runs a query for a reading command. A collection that does not exist
// is empty.
func (s *Server) lookUp(ns string, q query) (recs []*record, err error) {
	s.engine.read(func() {
		if c := s.engine.colls[ns]; c != nil {
			var slots []*slot
			slots, err = c.search(q)
			recs = records(slots)
		}
	})
	return recs, err
}

func (s *Server) find(req *request) (bson.D, error) {
	ns, err := req.namespace()
	if err != nil {
		return nil, err
	}
	a := req.args()
	q, err := req.readQuery(a.doc("filter"), a.doc("sort"), a.value("hint"))
	if err != nil {
		return nil, err
	}
	q.skip, q.limit = a.int("skip"), a.int("limit")
	proj, err := compileProjection(a.doc("projection"), req.env)
	if err != nil {
		return nil, err
	}
	batch, single, forever := int64(firstBatchSize), a.bool("singleBatch", false), a.bool("noCursorTimeout", false)
	if _, named := lookup(req.body, "batchSize"); named {
		batch = a.int("batchSize")
	}
	if a.err != nil {
		return nil, a.err
	}
	recs, err := s.lookUp(ns, q)
	if err != nil {
		return nil, err
	}
	docs := make([]bson.Raw, len(recs))
	for i, r := range recs {
		docs[i] = r.raw
		if proj != nil {
			d, err := proj.apply(r.doc)
			if err != nil {
				return nil, err
			}
			docs[i] = encode(d)
		}
	}
	return s.cursors.first(ns, docs, batch, single, forever), nil
}

func (s *Server) count(req *request) (bson.D, error) {
	ns, err := req.namespace()
	if err != nil {
		return nil, err
	}
	a := req.args()
	q, err := req.readQuery(a.doc("query"), nil, a.value("hint"))
	if err != nil {
		return nil, err
	}
	q.skip, q.limit = a.int("skip"), a.int("limit")
	if a.err != nil {
		return nil, a.err
	}
	n := 0
	if and, ok := q.filter.(andNode); ok && len(and) == 0 && q.skip == 0 && q.limit == 0 {
		s.engine.read(func() { // a count of everything is kept, not counted
			if c := s.engine.colls[ns]; c != nil {
				n = c.rows.size
			}
		})
	} else {
		recs, err := s.lookUp(ns, q)
		if err != nil {
			return nil, err
		}
		n = len(recs)
	}
	return bson.D{{Key: "n", Value: int32(n)}}, nil
}

// distinct returns the values in the order in which they first occur.
func (s *Server) distinct(req *request) (bson.D, error) {
	ns, err := req.namespace()
	if err != nil {
		return nil, err
	}
	a := req.args()
	key, filter, hint := a.str("key"), a.doc("query"), a.value("hint")
	if a.err != nil {
		return nil, a.err
	}
	parts, err := splitPath(key)
	if err != nil {
		return nil, err
	}
	q, err := req.readQuery(filter, nil, hint)
	if err != nil {
		return nil, err
	}
	recs, err := s.lookUp(ns, q)
	if err != nil {
		return nil, err
	}
	values, seen := bson.A{}, map[string]bool{}
	keep := func(v any) {
		if k := keyOf(v); v != any(missing) && !seen[k] {
			seen[k] = true
			values = append(values, v)
		}
	}
	for _, r := range recs {
		anyValue(r.doc, parts, false, func(v any) bool {
			if list, ok := v.(bson.A); ok { // each element is a value of its own
				for _, e := range list {
					keep(e)
				}
			} else {
				keep(v)
			}
			return false
		})
	}
	return bson.D{{Key: "values", Value: values}}, nil
}
