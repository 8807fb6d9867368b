package mongosim

import (
	"maps"
	"sync"
)

// Stats counts work since the start.
type Stats struct {
	// Commands is the number of commands received, by name.
	Commands map[string]uint64
	// Examined is the number of documents looked at, by command name; a query
	// that an index answers examines about as many as it returns.
	Examined map[string]uint64
	// Scans is the number of queries that went through a whole collection, by
	// "command database.collection".
	Scans map[string]uint64
	// Replayed is the number of repeated writes that were answered from the
	// record instead of being applied again.
	Replayed uint64
}

// DocsExamined is the sum of Examined.
func (s Stats) DocsExamined() (n uint64) {
	for _, v := range s.Examined {
		n += v
	}
	return n
}

type counters struct {
	mu sync.Mutex
	s  Stats
}

func (c *counters) update(fn func(*Stats)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.s.Commands == nil {
		c.s = Stats{Commands: map[string]uint64{}, Examined: map[string]uint64{}, Scans: map[string]uint64{}}
	}
	fn(&c.s)
}

// Stats returns a copy of the counters.
func (s *Server) Stats() (out Stats) {
	s.stats.update(func(st *Stats) {
		out = *st
		out.Commands, out.Examined, out.Scans = maps.Clone(st.Commands), maps.Clone(st.Examined), maps.Clone(st.Scans)
	})
	return out
}
