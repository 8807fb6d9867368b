package mongosim

import (
	"math/rand/v2"
	"sync"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
)

const (
	firstBatchSize = 101 // MongoDB's, if the client names none
	maxBatchBytes  = 16 << 20
)

// cursorTable holds what is left of results that did not fit one reply. The
// documents are those of the moment of the query.
type cursorTable struct {
	timeout time.Duration
	mu      sync.Mutex
	open    map[int64]*openCursor
}

type openCursor struct {
	ns      string
	rest    []bson.Raw
	forever bool // noCursorTimeout
	used    time.Time
}

func newCursorTable(timeout time.Duration) *cursorTable {
	return &cursorTable{timeout: timeout, open: map[int64]*openCursor{}}
}

// cut takes a batch off the front: at most n documents, or one if it alone is
// larger than a reply.
func cut(docs []bson.Raw, n int64) (batch bson.A, rest []bson.Raw) {
	batch, size := bson.A{}, 0
	for i, d := range docs {
		if size += len(d) + 16; int64(i) == n || (i > 0 && size > maxBatchBytes) {
			return batch, docs[i:]
		}
		batch = append(batch, d)
	}
	return batch, nil
}

// first replies with the first batch and keeps the rest open.
func (t *cursorTable) first(ns string, docs []bson.Raw, batchSize int64, single, forever bool) bson.D {
	batch, rest := cut(docs, batchSize)
	id := int64(0)
	if len(rest) > 0 && !single {
		t.mu.Lock()
		for id == 0 || t.open[id] != nil {
			id = rand.Int64()
		}
		t.open[id] = &openCursor{ns: ns, rest: rest, forever: forever, used: time.Now()}
		t.mu.Unlock()
	}
	return cursorReply("firstBatch", ns, id, batch)
}

func cursorReply(batchName, ns string, id int64, batch bson.A) bson.D {
	return bson.D{{Key: "cursor", Value: bson.D{
		{Key: batchName, Value: batch}, {Key: "id", Value: id}, {Key: "ns", Value: ns}}}}
}

func (s *Server) getMore(req *request) (bson.D, error) {
	a := req.args()
	coll, batchSize := a.str("collection"), a.int("batchSize")
	if a.err != nil {
		return nil, a.err
	}
	if batchSize == 0 {
		batchSize = 1 << 62
	}
	id, _ := req.body[0].Value.(int64)
	t := s.cursors
	t.mu.Lock()
	defer t.mu.Unlock()
	c := t.open[id]
	if c == nil {
		return nil, errf(codeCursorNotFound, "cursor id %d not found", id)
	}
	if ns := req.db + "." + coll; ns != c.ns {
		return nil, errf(13, "Requested getMore on namespace '%s', but cursor belongs to a different namespace %s", ns, c.ns)
	}
	var batch bson.A
	batch, c.rest = cut(c.rest, batchSize)
	c.used = time.Now()
	if len(c.rest) == 0 {
		delete(t.open, id)
		id = 0
	}
	return cursorReply("nextBatch", c.ns, id, batch), nil
}

func (s *Server) killCursors(req *request) (bson.D, error) {
	a := req.args()
	ids := a.array("cursors")
	if a.err != nil {
		return nil, a.err
	}
	killed, notFound := bson.A{}, bson.A{}
	s.cursors.mu.Lock()
	defer s.cursors.mu.Unlock()
	for _, v := range ids {
		id, _ := v.(int64)
		if _, ok := s.cursors.open[id]; ok {
			delete(s.cursors.open, id)
			killed = append(killed, id)
		} else {
			notFound = append(notFound, id)
		}
	}
	return bson.D{{Key: "cursorsKilled", Value: killed}, {Key: "cursorsNotFound", Value: notFound},
		{Key: "cursorsAlive", Value: bson.A{}}, {Key: "cursorsUnknown", Value: bson.A{}}}, nil
}

func (t *cursorTable) expire() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for id, c := range t.open {
		if !c.forever && time.Since(c.used) > t.timeout {
			delete(t.open, id)
		}
	}
}
