// Package awssim is a simulated AWS on the wire: many accounts in several
// organizations behind one port, spoken to by unmodified AWS clients.
//
// Package core is the frame (pipeline, protocols, clock, faults), each package
// under services is one service, iameval decides on permissions. This package
// puts them together, seeds organizations, and opens the admin door.
//
// Invariants:
//   - It behaves as AWS documents, also where that is inconvenient; what it does
//     not know it refuses by name.
//   - It imports nothing of the fleet that is tested against it.
//   - The admin door is on a path of its own ("/_sim/") and only there; AWS's
//     sign-in endpoint, a host of its own at AWS, is under "/_signin/".
package awssim

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/kodekloud/kml/internal/awssim/core"
	"github.com/kodekloud/kml/internal/awssim/services/iam"
	"github.com/kodekloud/kml/internal/awssim/services/organizations"
)

// Config says what world to make. The zero value is a world without
// organizations, without delays and without throttles, on a free port.
type Config struct {
	Addr string // default 127.0.0.1:0
	core.Options
	// Latency before each answer, by service ("*" for the rest).
	Latency map[string]core.Distribution
	// Organizations to seed.
	Organizations []Organization
}

// Organization to seed.
type Organization struct {
	Name              string
	ManagementAccount string // 12 digits
	Units             []Unit
}

// Unit is an organizational unit to seed, with so many new accounts in it.
type Unit struct {
	Name     string
	Accounts int
}

// Server is a running simulated AWS.
type Server struct {
	World         *core.World
	IAM           *iam.IAM
	Organizations *organizations.Organizations
	// Seeded tells what was seeded, with ids.
	Seeded Seeded

	http  *http.Server
	url   string
	close func() error
}

// Start makes the world and serves it.
func Start(c Config) (*Server, error) {
	if c.Addr == "" {
		c.Addr = "127.0.0.1:0"
	}
	s := New(c)
	seeded, err := s.seed(c.Organizations)
	if err != nil {
		return nil, err
	}
	s.Seeded = seeded
	l, err := net.Listen("tcp", c.Addr)
	if err != nil {
		return nil, fmt.Errorf("simulated AWS: %w", err)
	}
	done := make(chan error, 1)
	s.url, s.close = "http://"+l.Addr().String(), sync.OnceValue(func() error { return s.stop(done) })
	s.http = &http.Server{Handler: s.Handler(), ReadHeaderTimeout: 10 * time.Second}
	go func() { done <- s.http.Serve(l) }()
	return s, nil
}

// New makes a world that is not served yet; see Handler.
func New(c Config) *Server {
	s := &Server{World: core.NewWorld(c.Options)}
	s.World.SetLatency(c.Latency)
	s.services()
	return s
}

// URL is the endpoint for AWS clients.
func (s *Server) URL() string { return s.url }

// Close stops the server; calls on the way are cut off after a second. Closing
// again gives the same.
func (s *Server) Close() error { return s.close() }

func (s *Server) stop(done <-chan error) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	err := s.http.Shutdown(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		err = s.http.Close()
	}
	if serr := <-done; !errors.Is(serr, http.ErrServerClosed) {
		err = errors.Join(err, serr)
	}
	return err
}

// Handler serves AWS, its sign-in endpoint and the admin door. No ServeMux in front of AWS: it cleans
// paths, which breaks signatures and S3 keys.
func (s *Server) Handler() http.Handler {
	admin, signIn := s.admin(), newSignIn(s.World, s.IAM)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, adminPath) {
			admin.ServeHTTP(w, r)
			return
		}
		if strings.HasPrefix(r.URL.Path, signInPath) {
			signIn.ServeHTTP(w, r)
			return
		}
		s.World.ServeHTTP(w, r)
	})
}
