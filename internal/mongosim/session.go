package mongosim

import (
	"fmt"
	"time"

	bolt "go.etcd.io/bbolt"
	"go.mongodb.org/mongo-driver/v2/bson"
)

// sessionTimeout is MongoDB's localLogicalSessionTimeoutMinutes.
const sessionTimeout = 30 * time.Minute

// sessionRecord is the last retryable write of a session and its reply. It is
// committed together with the write, so that it is there exactly if the write
// is (manual: "Retryable Writes").
type sessionRecord struct {
	txn   int64
	reply bson.Raw
	used  time.Time
}

// runWrite runs a write command alone, once per session and transaction
// number. A write that changed nothing is not recorded: running it again is
// what a retry of it means.
func (s *Server) runWrite(req *request, fn func(*txn, *request) (bson.D, error)) (reply bson.Raw, err error) {
	err = s.engine.write(func(t *txn) error {
		if req.txnNumber != nil {
			rec := s.engine.sessions[req.session]
			switch {
			case rec == nil || *req.txnNumber > rec.txn:
			case *req.txnNumber == rec.txn:
				s.stats.update(func(st *Stats) { st.Replayed++ })
				rec.used = time.Now()
				reply = rec.reply
				return nil
			default:
				return errf(codeTransactionTooOld, "Retryable write with txnNumber %d is prohibited on session because a newer retryable write with txnNumber %d has already started.", *req.txnNumber, rec.txn)
			}
		}
		d, err := fn(t, req)
		if err != nil {
			return err
		}
		reply = encode(append(d, bson.E{Key: "ok", Value: 1.0}))
		if req.txnNumber != nil && t.changed() {
			t.remember(req.session, &sessionRecord{txn: *req.txnNumber, reply: reply, used: time.Now()})
		}
		return nil
	})
	return reply, err
}

func (t *txn) remember(id string, rec *sessionRecord) {
	old, had := t.e.sessions[id]
	t.e.sessions[id] = rec
	t.did(func(tx *bolt.Tx) error {
		return tx.Bucket(bucketSessions).Put([]byte(id),
			encode(bson.D{{Key: "txn", Value: rec.txn}, {Key: "reply", Value: rec.reply}}))
	}, func() {
		delete(t.e.sessions, id)
		if had {
			t.e.sessions[id] = old
		}
	})
}

func (t *txn) forgetSession(id string) {
	old, ok := t.e.sessions[id]
	if !ok {
		return
	}
	delete(t.e.sessions, id)
	t.did(func(tx *bolt.Tx) error { return tx.Bucket(bucketSessions).Delete([]byte(id)) },
		func() { t.e.sessions[id] = old })
}

func (e *engine) loadSessions(tx *bolt.Tx) error {
	return tx.Bucket(bucketSessions).ForEach(func(id, raw []byte) error {
		var rec struct {
			Txn   int64    `bson:"txn"`
			Reply bson.Raw `bson:"reply"`
		}
		if err := bson.Unmarshal(raw, &rec); err != nil {
			return fmt.Errorf("session record: %w", err)
		}
		reply := append(bson.Raw(nil), rec.Reply...)
		e.sessions[string(id)] = &sessionRecord{txn: rec.Txn, reply: reply, used: time.Now()}
		return nil
	})
}

// expireSessions forgets sessions that no driver uses any more. It goes by the
// real clock: a driver's sessions do not age with a clock that a test drives.
func (s *Server) expireSessions() error {
	return s.engine.write(func(t *txn) error {
		for id, rec := range t.e.sessions {
			if time.Since(rec.used) > sessionTimeout {
				t.forgetSession(id)
			}
		}
		return nil
	})
}

// endSessions forgets the sessions that a client gives back.
func endSessions(t *txn, req *request) (bson.D, error) {
	list, _ := req.body[0].Value.(bson.A)
	for _, id := range list {
		if id, ok := id.(bson.D); ok {
			t.forgetSession(keyOf(id))
		}
	}
	return bson.D{}, nil
}
