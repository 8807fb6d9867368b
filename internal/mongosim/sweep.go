package mongosim

import (
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// sweeper deletes what TTL indexes let expire, and closes idle cursors and
// sessions, once per period (manual: "TTL Indexes", every 60 seconds).
func (s *Server) sweeper() {
	tick := time.NewTicker(s.cfg.TTLPeriod)
	defer tick.Stop()
	for {
		select {
		case <-s.ctx.Done():
			return
		case <-tick.C:
			if err := s.Sweep(); err != nil && s.ctx.Err() == nil {
				s.cfg.Log.Error("mongosim: sweep", "error", err)
			}
		}
	}
}

// Sweep does at once what the sweeper does once per period.
func (s *Server) Sweep() error {
	s.cursors.expire()
	if err := s.expireSessions(); err != nil {
		return err
	}
	return s.engine.write(func(t *txn) error { return t.expireDocs(s.cfg.Now()) })
}

func (t *txn) expireDocs(now time.Time) error {
	for _, c := range t.e.colls {
		for _, ix := range c.indexes {
			if ix.spec.ttl == nil {
				continue
			}
			date := bson.NewDateTimeFromTime(now.Add(-time.Duration(*ix.spec.ttl) * time.Second))
			old := &leaf{op: "$lte", arg: date}
			b, _ := old.rangeBounds()
			if ix.gen.fields[0].desc {
				b = b.descending()
			}
			var gone []*slot
			p := plan{index: ix, ranges: []keyRange{b.keyRange("")}}
			p.each(c, func(s *slot) bool {
				if ix.expired(s.cur.doc, now) {
					gone = append(gone, s)
				}
				return true
			})
			for _, s := range gone {
				if err := t.remove(c, s); err != nil {
					return err
				}
			}
		}
	}
	return nil
}
