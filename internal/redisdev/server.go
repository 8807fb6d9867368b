package redisdev

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"os/exec"
	"sync"

	"github.com/kodekloud/kml/internal/fleet"
)

// memory is the Dir that keeps nothing.
const memory = ":memory:"

// Config says what to start. The zero value is a Redis on a free port of the
// loopback interface that keeps nothing.
type Config struct {
	// Addr is where to listen, "127.0.0.1:0" if empty; port 0 is any free one.
	Addr string
	// Dir holds the append-only file, written through every second; empty or
	// ":memory:" keeps nothing. miniredis never keeps anything.
	Dir string
	// InProcess takes miniredis even if there is a redis-server.
	InProcess bool
}

// Server is a running Redis.
type Server struct {
	addr string
	kind string
	stop func() error

	once sync.Once
	done chan struct{} // closed when Close has finished
	err  error
}

// Start starts a Redis and waits until it answers. It runs until Close is called
// or ctx ends.
func Start(ctx context.Context, cfg Config) (*Server, error) {
	cfg.Addr = cmp.Or(cfg.Addr, "127.0.0.1:0")
	if cfg.Dir == memory {
		cfg.Dir = ""
	}
	host, port, err := net.SplitHostPort(cfg.Addr)
	if err != nil || host == "" || port == "" {
		return nil, &fleet.FieldError{Field: "redis address", Value: cfg.Addr, Remedy: "give host:port, such as 127.0.0.1:6379"}
	}
	start := startProcess
	binary, err := exec.LookPath("redis-server")
	if cfg.InProcess || errors.Is(err, exec.ErrNotFound) {
		start = startInProcess
	} else if err != nil {
		return nil, fmt.Errorf("redis-server on the PATH: %w", err)
	}
	s, err := start(ctx, cfg, binary)
	if err != nil {
		return nil, err
	}
	s.done = make(chan struct{})
	context.AfterFunc(ctx, func() { _ = s.Close() }) // whoever calls Close gets the error
	return s, nil
}

// Addr is where the Redis listens, host:port.
func (s *Server) Addr() string { return s.addr }

// Kind is "redis-server" or "miniredis".
func (s *Server) Kind() string { return s.kind }

// Close ends the Redis and waits for its end. Calling it again gives the same.
func (s *Server) Close() error {
	s.once.Do(func() {
		s.err = s.stop()
		close(s.done)
	})
	<-s.done
	return s.err
}
