package mongosim

import (
	"encoding/binary"
	"slices"

	bolt "go.etcd.io/bbolt"
	"go.mongodb.org/mongo-driver/v2/bson"
)

// record is one version of a document. It never changes.
type record struct {
	raw bson.Raw
	doc bson.D
}

// slot is the place of a document in its collection: a record number, which
// gives natural order, and the current version.
type slot struct {
	rid uint64
	cur *record
}

// collection is guarded by the engine's lock.
type collection struct {
	ns      string // "database.collection"
	id      uint64 // names its bucket in the file
	nextRID uint64
	rows    tree
	indexes []*index // the first is _id_
}

func newCollection(ns string, id uint64) *collection {
	ix, err := newIndex(indexSpec{name: idIndexName, key: bson.D{{Key: "_id", Value: int32(1)}}, unique: true})
	if err != nil {
		panic(err) // the definition is a constant
	}
	return &collection{ns: ns, id: id, nextRID: 1, indexes: []*index{ix}}
}

func bigEndian(n uint64) []byte { return binary.BigEndian.AppendUint64(nil, n) }

func (c *collection) index(name string) *index {
	for _, ix := range c.indexes {
		if ix.spec.name == name {
			return ix
		}
	}
	return nil
}

// newRecord prepares a document for storage and checks what every stored
// document must obey. doc must have its _id.
func newRecord(doc bson.D) (*record, error) {
	doc = idFirst(doc)
	switch id := doc[0].Value.(type) {
	case bson.A, bson.Regex:
		return nil, errf(codeInvalidIDField, "The '_id' value cannot be of type %s", typeName(id))
	}
	for _, e := range doc {
		if e.Key != "" && e.Key[0] == '$' {
			return nil, errf(codeDollarPrefixedFieldName, "The dollar ($) prefixed field '%s' in '%s' is not valid for storage.", e.Key, e.Key)
		}
	}
	raw := encode(doc)
	if len(raw) > maxDocumentSize {
		return nil, errf(codeObjectTooLarge, "BSONObj size: %d (0x%X) is invalid. Size must be between 0 and %d(16MB)",
			len(raw), len(raw), maxDocumentSize)
	}
	return &record{raw: raw, doc: doc}, nil
}

// idFirst moves _id to the front, where MongoDB keeps it.
func idFirst(doc bson.D) bson.D {
	i := slices.IndexFunc(doc, func(e bson.E) bool { return e.Key == "_id" })
	if i <= 0 {
		return doc
	}
	out := append(make(bson.D, 0, len(doc)), doc[i])
	return append(append(out, doc[:i]...), doc[i+1:]...)
}

// indexChange is what one write does to one index.
type indexChange struct {
	ix       *index
	add, del []string
}

// plan the index entries of replacing s.cur (nil for an insert) by rec, and
// refuse what a unique index forbids.
func (c *collection) indexChanges(s *slot, rec *record) ([]indexChange, error) {
	changes := make([]indexChange, 0, len(c.indexes))
	for _, ix := range c.indexes {
		keys, multi, err := ix.docKeys(rec.doc)
		if err != nil {
			return nil, err
		}
		ch := indexChange{ix: ix, add: keys}
		if s.cur != nil {
			old, _, err := ix.docKeys(s.cur.doc)
			if err != nil {
				return nil, err
			}
			if slices.Equal(old, keys) {
				continue
			}
			ch.add, ch.del = without(keys, old), without(old, keys)
		}
		if ix.spec.unique {
			if key, taken := ix.conflict(ch.add, s); taken {
				return nil, duplicateKey(c.ns, ix, rec.doc, key)
			}
		}
		ix.note(multi)
		changes = append(changes, ch)
	}
	return changes, nil
}

// without returns the keys of a that are not in b; both are sorted.
func without(a, b []string) []string {
	var out []string
	for _, k := range a {
		if _, found := slices.BinarySearch(b, k); !found {
			out = append(out, k)
		}
	}
	return out
}

// insert adds a document. It is there whole or not at all.
func (t *txn) insert(c *collection, doc bson.D) error {
	rec, err := newRecord(doc)
	if err != nil {
		return err
	}
	s := &slot{rid: c.nextRID}
	changes, err := c.indexChanges(s, rec)
	if err != nil {
		return err
	}
	c.nextRID++
	s.cur = rec
	row := string(bigEndian(s.rid))
	c.rows.insert(entry{row, s})
	for _, ch := range changes {
		ch.ix.add(ch.add, s)
	}
	t.did(t.putRow(c, s, rec), func() {
		c.rows.remove(row)
		for _, ch := range changes {
			ch.ix.drop(ch.add, s)
		}
	})
	return nil
}

// replace gives a slot its next version.
func (t *txn) replace(c *collection, s *slot, rec *record) error {
	changes, err := c.indexChanges(s, rec)
	if err != nil {
		return err
	}
	old := s.cur
	s.cur = rec
	for _, ch := range changes {
		ch.ix.drop(ch.del, s)
		ch.ix.add(ch.add, s)
	}
	t.did(t.putRow(c, s, rec), func() {
		s.cur = old
		for _, ch := range changes {
			ch.ix.drop(ch.add, s)
			ch.ix.add(ch.del, s)
		}
	})
	return nil
}

// remove takes a document out of its collection and indexes.
func (t *txn) remove(c *collection, s *slot) error {
	changes := make([]indexChange, 0, len(c.indexes))
	for _, ix := range c.indexes {
		keys, _, err := ix.docKeys(s.cur.doc)
		if err != nil {
			return err
		}
		changes = append(changes, indexChange{ix: ix, del: keys})
	}
	row := string(bigEndian(s.rid))
	c.rows.remove(row)
	for _, ch := range changes {
		ch.ix.drop(ch.del, s)
	}
	t.did(func(tx *bolt.Tx) error { return c.bucket(tx).Delete([]byte(row)) }, func() {
		c.rows.insert(entry{row, s})
		for _, ch := range changes {
			ch.ix.add(ch.del, s)
		}
	})
	return nil
}

func (t *txn) putRow(c *collection, s *slot, rec *record) func(*bolt.Tx) error {
	return func(tx *bolt.Tx) error { return c.bucket(tx).Put(bigEndian(s.rid), rec.raw) }
}
