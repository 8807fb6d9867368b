package mongosim

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"time"
)

// Config configures Start. The zero value is a server in memory on a free
// port of the loopback interface.
type Config struct {
	// Addr is where to listen, "127.0.0.1:0" if empty.
	Addr string
	// Path is the file that holds the data, or a directory to put it in
	// (existing, or ending in a slash). ":memory:" or empty keeps nothing.
	Path string
	// Sync waits for the disk with every write. Without it writes survive the
	// process's death, but not the machine's.
	Sync bool
	// Now is the clock of TTL indexes, $currentDate and $$NOW; time.Now if nil.
	Now func() time.Time
	// TTLPeriod is the time between two sweeps; MongoDB's 60 s if zero.
	TTLPeriod time.Duration
	// CursorTimeout is how long an idle cursor lives; MongoDB's 10 minutes if
	// zero.
	CursorTimeout time.Duration
	// Hook, if set, may break commands. It runs on the connection's goroutine
	// and must be safe for concurrent use.
	Hook Hook
	// Log receives what goes wrong beside any command; nil discards it.
	Log *slog.Logger
}

// Server is a running MongoDB. Its methods are safe for concurrent use.
type Server struct {
	cfg      Config
	engine   *engine
	listener net.Listener
	addr     string
	cursors  *cursorTable
	stats    counters

	ctx    context.Context // ends with Close
	cancel context.CancelFunc
	wg     sync.WaitGroup // accept loop, sweeper, connections
	mu     sync.Mutex
	conns  map[net.Conn]struct{}
	closed bool
	once   sync.Once
	err    error
}

// Start opens the data and serves it until Close.
func Start(cfg Config) (*Server, error) {
	cfg.Addr = cmp.Or(cfg.Addr, "127.0.0.1:0")
	cfg.Path = cmp.Or(cfg.Path, memoryPath)
	cfg.TTLPeriod = cmp.Or(cfg.TTLPeriod, time.Minute)
	cfg.CursorTimeout = cmp.Or(cfg.CursorTimeout, 10*time.Minute)
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	eng, err := openEngine(cfg.Path, cfg.Sync)
	if err != nil {
		return nil, err
	}
	ln, err := net.Listen("tcp", cfg.Addr)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("mongosim: %w", err), eng.close())
	}
	s := &Server{cfg: cfg, engine: eng, listener: ln, addr: ln.Addr().String(),
		cursors: newCursorTable(cfg.CursorTimeout), conns: map[net.Conn]struct{}{}}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	s.wg.Go(s.accept)
	s.wg.Go(s.sweeper)
	return s, nil
}

// URI is the connection string for MongoDB drivers. The server says it is the
// primary of a one-member replica set, so that drivers retry writes.
func (s *Server) URI() string {
	return "mongodb://" + s.addr + "/?directConnection=true&retryWrites=true"
}

// Addr is the address that the server listens on, as host:port.
func (s *Server) Addr() string { return s.addr }

// Close ends all connections, waits for every goroutine of the server and
// closes the file. Commands under way finish but are not answered.
func (s *Server) Close() error {
	s.once.Do(func() {
		s.cancel()
		lnErr := s.listener.Close()
		s.mu.Lock()
		s.closed = true
		for c := range s.conns {
			_ = c.Close()
		}
		s.mu.Unlock()
		s.wg.Wait()
		s.err = errors.Join(lnErr, s.engine.close())
	})
	return s.err
}

func (s *Server) accept() {
	for {
		c, err := s.listener.Accept()
		if err != nil {
			if s.ctx.Err() != nil {
				return
			}
			s.cfg.Log.Warn("mongosim: accept", "error", err)
			select { // out of file descriptors, most likely
			case <-s.ctx.Done():
				return
			case <-time.After(10 * time.Millisecond):
			}
			continue
		}
		s.mu.Lock()
		if s.closed {
			s.mu.Unlock()
			_ = c.Close()
			return
		}
		s.conns[c] = struct{}{}
		s.wg.Go(func() { s.serve(c) })
		s.mu.Unlock()
	}
}

func (s *Server) forget(c net.Conn) {
	_ = c.Close()
	s.mu.Lock()
	delete(s.conns, c)
	s.mu.Unlock()
}
