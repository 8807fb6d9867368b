package mongosim

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	bolt "go.etcd.io/bbolt"
	"go.mongodb.org/mongo-driver/v2/bson"
)

// engine holds every collection. Writers take mu exclusively for the whole of
// a command, including the commit to the file; readers share it.
type engine struct {
	mu       sync.RWMutex
	colls    map[string]*collection
	nextColl uint64
	sessions map[string]*sessionRecord
	file     *bolt.DB // nil for ":memory:"
	broken   error    // the file no longer takes writes
}

// txn collects the effects of one write command: done in memory at once,
// repeated in the file at the end, undone in memory if either fails.
type txn struct {
	e       *engine
	durable []func(*bolt.Tx) error
	undo    []func()
}

func (t *txn) did(durable func(*bolt.Tx) error, undo func()) {
	t.durable = append(t.durable, durable)
	t.undo = append(t.undo, undo)
}

func (t *txn) changed() bool { return len(t.durable) > 0 }

func (t *txn) rollback() {
	for _, undo := range slices.Backward(t.undo) {
		undo()
	}
	t.undo, t.durable = nil, nil
}

// write runs fn alone. If fn fails, or the file does not take the result,
// nothing has happened.
func (e *engine) write(fn func(*txn) error) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.broken != nil {
		return e.broken
	}
	t := &txn{e: e}
	defer t.rollback() // also when fn panics; a commit leaves nothing to undo
	if err := fn(t); err != nil {
		return err
	}
	if e.file != nil && t.changed() {
		err := e.file.Update(func(tx *bolt.Tx) error {
			for _, put := range t.durable {
				if err := put(tx); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			// Whether the commit reached the file is unknown, so later writes
			// must not build on either answer.
			e.broken = fmt.Errorf("mongosim: the file takes no more writes: %w", err)
			return e.broken
		}
	}
	t.undo = nil
	return nil
}

// read runs fn beside other readers. What fn keeps must be records, not slots.
func (e *engine) read(fn func()) {
	e.mu.RLock()
	defer e.mu.RUnlock()
	fn()
}

// collection returns a collection, creating it if need be.
func (t *txn) collection(ns string) (*collection, error) {
	if c := t.e.colls[ns]; c != nil {
		return c, nil
	}
	if err := checkNamespace(ns); err != nil {
		return nil, err
	}
	id := t.e.nextColl
	t.e.nextColl++
	c := newCollection(ns, id)
	t.e.colls[ns] = c
	t.did(func(tx *bolt.Tx) error {
		if _, err := tx.Bucket(bucketRows).CreateBucket(bigEndian(id)); err != nil {
			return err
		}
		return c.saveCatalog(tx)
	}, func() { delete(t.e.colls, ns) })
	return c, nil
}

func checkNamespace(ns string) error {
	db, coll, _ := strings.Cut(ns, ".")
	if db == "" || coll == "" || strings.ContainsAny(db, "/\\ \"$\x00") || strings.ContainsAny(coll, "$\x00") ||
		strings.HasPrefix(coll, ".") || strings.HasSuffix(coll, ".") || len(ns) > 255 {
		return errf(codeInvalidNamespace, "Invalid namespace specified '%s'", ns)
	}
	if strings.HasPrefix(coll, "system.") || db == "config" || db == "local" {
		return errf(codeInvalidNamespace, "mongosim keeps no system namespaces: '%s'", ns)
	}
	return nil
}

func (t *txn) dropCollection(c *collection) {
	delete(t.e.colls, c.ns)
	t.did(func(tx *bolt.Tx) error {
		return errors.Join(tx.Bucket(bucketRows).DeleteBucket(bigEndian(c.id)), tx.Bucket(bucketCatalog).Delete([]byte(c.ns)))
	}, func() { t.e.colls[c.ns] = c })
}

// createIndex builds an index over what is there. created is false when the
// same index exists already.
func (t *txn) createIndex(c *collection, spec indexSpec) (created bool, err error) {
	ix, err := newIndex(spec)
	if err != nil {
		return false, err
	}
	for _, have := range c.indexes {
		sameKey := compareDocs(have.spec.key, spec.key) == 0
		switch {
		case have.spec.name == idIndexName && sameKey:
			return false, nil
		case have.spec.name == spec.name && sameKey && have.spec.sameOptions(spec):
			return false, nil
		case have.spec.name == spec.name:
			if sameKey {
				return false, errf(codeIndexOptionsConflict, "An equivalent index already exists with the same name but different options. Requested index: %s, existing index: %s",
					shellValue(spec.doc()), shellValue(have.spec.doc()))
			}
			return false, errf(codeIndexKeySpecsConflict, "An existing index has the same name as the requested index. Requested index: %s, existing index: %s",
				shellValue(spec.doc()), shellValue(have.spec.doc()))
		case sameKey && compareDocs(have.spec.partial, spec.partial) == 0:
			return false, errf(codeIndexOptionsConflict, "Index already exists with a different name: %s", have.spec.name)
		}
	}
	c.rows.ascend(keyRange{}, func(e entry) bool {
		var keys []string
		var multi []bool
		if keys, multi, err = ix.docKeys(e.slot.cur.doc); err != nil {
			return false
		}
		if spec.unique {
			if key, taken := ix.conflict(keys, e.slot); taken {
				err = duplicateKey(c.ns, ix, e.slot.cur.doc, key)
				return false
			}
		}
		ix.note(multi)
		ix.add(keys, e.slot)
		return true
	})
	if err != nil {
		return false, err
	}
	t.setIndexes(c, append(slices.Clip(c.indexes), ix))
	return true, nil
}

func (t *txn) dropIndex(c *collection, ix *index) {
	t.setIndexes(c, slices.DeleteFunc(slices.Clone(c.indexes), func(o *index) bool { return o == ix }))
}

func (t *txn) setIndexes(c *collection, indexes []*index) {
	old := c.indexes
	c.indexes = indexes
	t.did(c.saveCatalog, func() { c.indexes = old })
}

// databases returns the namespaces of each database.
func (e *engine) databases() map[string][]*collection {
	dbs := map[string][]*collection{}
	for ns, c := range e.colls {
		db, _, _ := strings.Cut(ns, ".")
		dbs[db] = append(dbs[db], c)
	}
	return dbs
}

func collectionName(ns string) string {
	_, name, _ := strings.Cut(ns, ".")
	return name
}

// catalogDoc is how a collection is written in the file.
func (c *collection) catalogDoc() bson.D {
	list := bson.A{}
	for _, ix := range c.indexes[1:] {
		list = append(list, ix.spec.doc())
	}
	return bson.D{{Key: "id", Value: int64(c.id)}, {Key: "indexes", Value: list}}
}
