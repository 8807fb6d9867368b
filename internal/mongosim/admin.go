package mongosim

import (
	"slices"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"
)

func createIndexes(t *txn, req *request) (bson.D, error) {
	ns, err := req.namespace()
	if err != nil {
		return nil, err
	}
	a := req.args()
	defs := a.docs("indexes")
	if a.err != nil {
		return nil, a.err
	}
	if len(defs) == 0 {
		return nil, errf(codeBadValue, "Must specify at least one index to create")
	}
	_, existed := t.e.colls[ns]
	c, err := t.collection(ns)
	if err != nil {
		return nil, err
	}
	before := len(c.indexes)
	for _, d := range defs {
		spec, err := parseIndexSpec(d)
		if err != nil {
			return nil, err
		}
		if _, err := t.createIndex(c, spec); err != nil {
			return nil, err
		}
	}
	return bson.D{
		{Key: "numIndexesBefore", Value: int32(before)},
		{Key: "numIndexesAfter", Value: int32(len(c.indexes))},
		{Key: "createdCollectionAutomatically", Value: !existed},
	}, nil
}

func dropIndexes(t *txn, req *request) (bson.D, error) {
	ns, err := req.namespace()
	if err != nil {
		return nil, err
	}
	c := t.e.colls[ns]
	if c == nil {
		return nil, errf(codeNamespaceNotFound, "ns not found %s", ns)
	}
	before := len(c.indexes)
	var targets []*index
	switch which := req.args().value("index").(type) {
	case string:
		if which == "*" {
			targets = slices.Clone(c.indexes[1:])
			break
		}
		targets = []*index{c.index(which)}
	case bson.A:
		for _, name := range which {
			s, _ := name.(string)
			targets = append(targets, c.index(s))
		}
	case bson.D:
		i := slices.IndexFunc(c.indexes, func(ix *index) bool { return compareDocs(ix.spec.key, which) == 0 })
		if i >= 0 {
			targets = []*index{c.indexes[i]}
		} else {
			targets = []*index{nil}
		}
	default:
		return nil, errf(codeTypeMismatch, "dropIndexes needs an index name or key")
	}
	for _, ix := range targets {
		switch {
		case ix == nil:
			return nil, errf(codeIndexNotFound, "index not found with name [%v]", req.args().value("index"))
		case ix == c.indexes[0]:
			return nil, errf(codeInvalidOptions, "cannot drop _id index")
		}
	}
	for _, ix := range targets {
		t.dropIndex(c, ix)
	}
	return bson.D{{Key: "nIndexesWas", Value: int32(before)}}, nil
}

func (s *Server) listIndexes(req *request) (bson.D, error) {
	ns, err := req.namespace()
	if err != nil {
		return nil, err
	}
	var docs []bson.Raw
	s.engine.read(func() {
		if c := s.engine.colls[ns]; c != nil {
			for _, ix := range c.indexes {
				docs = append(docs, encode(ix.spec.doc()))
			}
		}
	})
	if docs == nil {
		return nil, errf(codeNamespaceNotFound, "ns does not exist: %s", ns)
	}
	batch, err := req.cursorBatch()
	if err != nil {
		return nil, err
	}
	return s.cursors.first(ns, docs, batch, false, false), nil
}

// cursorBatch reads the batch size of the commands that return cursors.
func (r *request) cursorBatch() (int64, error) {
	a := r.args()
	c := &args{d: a.doc("cursor"), name: r.command + ".cursor"}
	c.only("batchSize")
	n := int64(firstBatchSize)
	if _, named := lookup(c.d, "batchSize"); named {
		n = c.int("batchSize")
	}
	if a.err != nil {
		return 0, a.err
	}
	return n, c.err
}

func create(t *txn, req *request) (bson.D, error) {
	ns, err := req.namespace()
	if err != nil {
		return nil, err
	}
	if t.e.colls[ns] != nil {
		return nil, errf(codeNamespaceExists, "Collection %s already exists.", ns)
	}
	_, err = t.collection(ns)
	return bson.D{}, err
}

func drop(t *txn, req *request) (bson.D, error) {
	ns, err := req.namespace()
	if err != nil {
		return nil, err
	}
	c := t.e.colls[ns]
	if c == nil {
		return bson.D{}, nil
	}
	t.dropCollection(c)
	return bson.D{{Key: "nIndexesWas", Value: int32(len(c.indexes))}, {Key: "ns", Value: ns}}, nil
}

func dropDatabase(t *txn, req *request) (bson.D, error) {
	for _, c := range t.e.databases()[req.db] {
		t.dropCollection(c)
	}
	return bson.D{{Key: "dropped", Value: req.db}}, nil
}

func (s *Server) listCollections(req *request) (bson.D, error) {
	a := req.args()
	f, err := compileFilter(a.doc("filter"), req.env)
	if err != nil {
		return nil, err
	}
	nameOnly := a.bool("nameOnly", false)
	if a.err != nil {
		return nil, a.err
	}
	var list []bson.D
	s.engine.read(func() {
		for _, c := range s.engine.databases()[req.db] {
			list = append(list, bson.D{
				{Key: "name", Value: collectionName(c.ns)},
				{Key: "type", Value: "collection"},
				{Key: "options", Value: bson.D{}},
				{Key: "info", Value: bson.D{{Key: "readOnly", Value: false}}},
				{Key: "idIndex", Value: c.indexes[0].spec.doc()},
			})
		}
	})
	slices.SortFunc(list, compareDocs)
	docs := []bson.Raw{}
	for _, d := range list {
		if f.match(d) {
			if nameOnly {
				d = d[:2]
			}
			docs = append(docs, encode(d))
		}
	}
	batch, err := req.cursorBatch()
	if err != nil {
		return nil, err
	}
	return s.cursors.first(req.db+".$cmd.listCollections", docs, batch, false, false), nil
}

func (s *Server) listDatabases(req *request) (bson.D, error) {
	a := req.args()
	f, err := compileFilter(a.doc("filter"), req.env)
	if err != nil {
		return nil, err
	}
	nameOnly := a.bool("nameOnly", false)
	if a.err != nil {
		return nil, a.err
	}
	var list []bson.D
	total := int64(0)
	s.engine.read(func() {
		for name, colls := range s.engine.databases() {
			size := int64(0)
			for _, c := range colls {
				c.rows.ascend(keyRange{}, func(e entry) bool { size += int64(len(e.slot.cur.raw)); return true })
			}
			total += size
			list = append(list, bson.D{{Key: "name", Value: name}, {Key: "sizeOnDisk", Value: size}, {Key: "empty", Value: size == 0}})
		}
	})
	slices.SortFunc(list, func(a, b bson.D) int { return strings.Compare(a[0].Value.(string), b[0].Value.(string)) })
	out := bson.A{}
	for _, d := range list {
		if f.match(d) {
			if nameOnly {
				d = d[:1]
			}
			out = append(out, d)
		}
	}
	return bson.D{{Key: "databases", Value: out}, {Key: "totalSize", Value: total}}, nil
}
