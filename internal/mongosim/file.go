package mongosim

import (
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	bolt "go.etcd.io/bbolt"
	"go.mongodb.org/mongo-driver/v2/bson"
)

// The file: "catalog" maps a namespace to its id and index definitions,
// "rows" has a bucket per collection id from record number to BSON, and
// "sessions" the last retryable write of each session.
var (
	bucketMeta     = []byte("meta")
	bucketCatalog  = []byte("catalog")
	bucketRows     = []byte("rows")
	bucketSessions = []byte("sessions")
	formatKey      = []byte("format")
	formatVersion  = []byte("mongosim 1")
)

// memoryPath keeps everything in memory only.
const memoryPath = ":memory:"

// openEngine opens or makes the file at path (a file, or a directory to hold
// one) and rebuilds collections and indexes from it.
func openEngine(path string, sync bool) (*engine, error) {
	e := &engine{colls: map[string]*collection{}, nextColl: 1, sessions: map[string]*sessionRecord{}}
	if path == memoryPath {
		return e, nil
	}
	if info, err := os.Stat(path); (err == nil && info.IsDir()) || strings.HasSuffix(path, "/") {
		path = filepath.Join(path, "mongosim.db")
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("mongosim: %w", err)
	}
	// Without NoSync every commit waits for the disk. The page cache survives
	// the process, so kill -9 loses nothing either way. The free list is
	// rebuilt at open rather than written with every commit.
	file, err := bolt.Open(path, 0o600, &bolt.Options{
		NoSync: !sync, NoGrowSync: !sync, NoFreelistSync: true, FreelistType: bolt.FreelistMapType,
		Timeout: 5 * time.Second,
	})
	if err != nil {
		return nil, fmt.Errorf("mongosim: open %s: %w", path, err)
	}
	e.file = file
	if err := e.load(); err != nil {
		_ = file.Close()
		return nil, fmt.Errorf("mongosim: load %s: %w", path, err)
	}
	return e, nil
}

func (e *engine) load() error {
	err := e.file.Update(func(tx *bolt.Tx) error {
		for _, name := range [][]byte{bucketMeta, bucketCatalog, bucketRows, bucketSessions} {
			if _, err := tx.CreateBucketIfNotExists(name); err != nil {
				return err
			}
		}
		switch format := tx.Bucket(bucketMeta).Get(formatKey); {
		case format == nil:
			return tx.Bucket(bucketMeta).Put(formatKey, formatVersion)
		case string(format) != string(formatVersion):
			return fmt.Errorf("format %q is not %q", format, formatVersion)
		}
		return nil
	})
	if err != nil {
		return err
	}
	return e.file.View(func(tx *bolt.Tx) error {
		err := tx.Bucket(bucketCatalog).ForEach(func(ns, entry []byte) error {
			return e.loadCollection(tx, string(ns), entry)
		})
		if err != nil {
			return err
		}
		return e.loadSessions(tx)
	})
}

func (e *engine) loadCollection(tx *bolt.Tx, ns string, catalogEntry []byte) error {
	var entry struct {
		ID      int64    `bson:"id"`
		Indexes []bson.D `bson:"indexes"`
	}
	if err := bson.Unmarshal(catalogEntry, &entry); err != nil {
		return fmt.Errorf("catalog entry of %s: %w", ns, err)
	}
	c := newCollection(ns, uint64(entry.ID))
	e.colls[ns] = c
	e.nextColl = max(e.nextColl, c.id+1)
	for _, d := range entry.Indexes {
		spec, err := parseIndexSpec(d)
		if err != nil {
			return fmt.Errorf("index of %s: %w", ns, err)
		}
		ix, err := newIndex(spec)
		if err != nil {
			return fmt.Errorf("index of %s: %w", ns, err)
		}
		c.indexes = append(c.indexes, ix)
	}
	return c.bucket(tx).ForEach(func(row, raw []byte) error {
		raw = append([]byte(nil), raw...) // bbolt's memory is mapped
		doc, err := decode(raw)
		if err != nil {
			return fmt.Errorf("document in %s: %w", ns, err)
		}
		s := &slot{rid: binary.BigEndian.Uint64(row)}
		rec := &record{raw: raw, doc: doc}
		changes, err := c.indexChanges(s, rec)
		if err != nil {
			return fmt.Errorf("document in %s: %w", ns, err)
		}
		s.cur = rec
		c.rows.insert(entryOf(row, s))
		for _, ch := range changes {
			ch.ix.add(ch.add, s)
		}
		c.nextRID = max(c.nextRID, s.rid+1)
		return nil
	})
}

func entryOf(row []byte, s *slot) entry { return entry{string(row), s} }

func (c *collection) bucket(tx *bolt.Tx) *bolt.Bucket {
	b := tx.Bucket(bucketRows).Bucket(bigEndian(c.id))
	b.FillPercent = 0.9 // record numbers grow, so pages fill from the left
	return b
}

func (c *collection) saveCatalog(tx *bolt.Tx) error {
	return tx.Bucket(bucketCatalog).Put([]byte(c.ns), encode(c.catalogDoc()))
}

func (e *engine) close() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.broken = errf(codeShutdownInProgress, "mongosim is shutting down")
	if e.file == nil {
		return nil
	}
	if err := e.file.Close(); err != nil {
		return fmt.Errorf("mongosim: close: %w", err)
	}
	return nil
}
