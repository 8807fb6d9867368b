package webhook

import (
	"context"
	"crypto/x509"
	"net"
	"sync"
	"time"

	"github.com/kodekloud/kml/internal/clock"
	"github.com/kodekloud/kml/internal/fleet"
)

// Sealer seals and opens secrets; purpose binds them to what they are for.
type Sealer interface {
	Seal(plaintext, purpose string) (fleet.Sealed, error)
	Open(sealed fleet.Sealed, purpose string) (string, error)
}

// Config is what the service is made of.
type Config struct {
	Webhooks   fleet.Webhooks
	Deliveries fleet.Deliveries
	Sealer     Sealer
	Clock      clock.Clock
	NewID      func() string // of webhooks and pings
	// Enqueue makes the task of an attempt; one that is known already is no error.
	Enqueue func(ctx context.Context, delivery string, attempt int, at time.Time) error
	Targets Targets
	// Resolver finds addresses; nil is the machine's.
	Resolver *net.Resolver
	// Roots are the authorities that certificates are checked with; nil is the
	// machine's.
	Roots *x509.CertPool
	Limit time.Duration // of an attempt, all in all; default 15 s
	// Observe is told what each attempt made of its delivery. Optional.
	Observe func(fleet.DeliveryState)
}

// Service keeps webhooks and delivers to them. It is safe for concurrent use.
type Service struct {
	Config
	sender *sender
	hooks  cache
}

// New makes the service.
func New(c Config) *Service {
	if c.Observe == nil {
		c.Observe = func(fleet.DeliveryState) {}
	}
	return &Service{Config: c, sender: newSender(c)}
}

// Close lets go of idle connections.
func (s *Service) Close() { s.sender.close() }

// CheckURL judges a URL that a request names, such as the callback of a lab.
// The error is a [fleet.FieldError] for the field.
func (s *Service) CheckURL(field, raw string) error { return s.Targets.Check(field, raw) }

// cacheFor is how old the list of webhooks may be that events are matched with.
const cacheFor = 2 * time.Second

// cache holds all webhooks for a moment: events come much more often than
// webhooks change.
type cache struct {
	mu    sync.Mutex
	read  time.Time
	known []*fleet.Webhook
}

// forget makes the next reader read anew.
func (c *cache) forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.read = time.Time{}
}

// all gives every webhook, as it was at most cacheFor ago. They are not to be
// written to.
func (s *Service) all(ctx context.Context) ([]*fleet.Webhook, error) {
	s.hooks.mu.Lock()
	defer s.hooks.mu.Unlock()
	now := s.Clock.Now()
	if age := now.Sub(s.hooks.read); !s.hooks.read.IsZero() && age >= 0 && age < cacheFor {
		return s.hooks.known, nil
	}
	const batch = 1000
	var found []*fleet.Webhook
	for after := ""; ; {
		some, err := s.Webhooks.Find(ctx, "", true, after, batch)
		if err != nil {
			return nil, err
		}
		found = append(found, some...)
		if len(some) < batch {
			break
		}
		after = some[len(some)-1].ID
	}
	s.hooks.known, s.hooks.read = found, now
	return found, nil
}
