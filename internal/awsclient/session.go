package awsclient

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/kodekloud/kml/internal/fleet"
)

// ErrClosed is given for calls through a session that was closed.
var ErrClosed = errors.New("the role session was closed")

// Target says on which account to act, and on behalf of which epoch of it.
type Target struct {
	Org       string // fleet.Organization.Name
	AccountID string // 12 digits
	OU        string // the account's OU, ou-…
	Epoch     int64  // of the account document; readers do not need it
}

// Session is a role session in a member account. It is safe for concurrent use.
type Session struct {
	p       *Provider
	target  Target
	mutates bool
	lease   string // of a mutating session
	creds   aws.CredentialsProvider
	calls   atomic.Int64

	mu       sync.Mutex
	refusal  error         // set once: why no call is admitted any more
	inflight int           // attempts between admit and done
	unsure   bool          // a mutating attempt got no answer: it may still arrive
	idle     chan struct{} // made by Close, closed when inflight reaches zero
}

// Target is what the session acts on.
func (s *Session) Target() Target { return s.target }

// Calls counts the attempts that were sent through the session's configurations.
func (s *Session) Calls() int { return int(s.calls.Load()) }

// Config gives a configuration for clients of the session in a Region ("" is
// us-east-1, where the global services are signed). The credentials behind it
// renew themselves; they must not be taken out and handed to somebody else.
//
// Calls fail with fleet.ErrProtected or fleet.ErrStaleEpoch, unsent, when the
// account is protected or has moved on; with ErrClosed after Close; with
// ErrReadOnly when a reader's client would make a change.
func (s *Session) Config(region string) aws.Config {
	g := &gate{p: s.p, account: s.target.AccountID, admit: s.admit}
	cfg := s.p.config(region, g)
	cfg.Credentials = aws.CredentialsProviderFunc(s.retrieve)
	return cfg
}

func (s *Session) retrieve(ctx context.Context) (aws.Credentials, error) {
	s.mu.Lock()
	refusal := s.refusal
	s.mu.Unlock()
	if refusal != nil {
		return aws.Credentials{}, refusal
	}
	c, err := s.creds.Retrieve(ctx)
	if errors.Is(err, fleet.ErrStaleEpoch) {
		s.refuse(err)
	}
	return c, err
}

// refuse ends the session: from now on every call fails with err.
func (s *Session) refuse(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.refusal == nil {
		s.refusal = err
	}
}

// admit implements gate.admit.
func (s *Session) admit(_ context.Context, a attempt) (func(bool), error) {
	if !a.read {
		if !s.mutates {
			return nil, fmt.Errorf("%s:%s: %w", a.service, a.op, ErrReadOnly)
		}
		if err := s.p.allowed(s.target); err != nil {
			return nil, fmt.Errorf("%s:%s: %w", a.service, a.op, err)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.refusal != nil {
		return nil, s.refusal
	}
	s.inflight++
	s.calls.Add(1)
	return func(known bool) { s.done(a, known) }, nil
}

func (s *Session) done(a attempt, known bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !a.read && !known {
		s.unsure = true
	}
	if s.inflight--; s.inflight == 0 && s.idle != nil {
		close(s.idle)
		s.idle = nil
	}
}

// Close makes the session unusable, waits for the calls in flight and gives the
// lease back. After a change that AWS never answered it may still arrive, so
// the lease is then left to run out, as it is when ctx ends first (an error).
// Closing twice does nothing; closing a reader only makes the handle unusable.
func (s *Session) Close(ctx context.Context) error {
	s.mu.Lock()
	if errors.Is(s.refusal, ErrClosed) {
		s.mu.Unlock()
		return nil
	}
	s.refusal = ErrClosed
	var idle chan struct{}
	if s.inflight > 0 {
		idle = make(chan struct{})
		s.idle = idle
	}
	s.mu.Unlock()
	if !s.mutates {
		return nil
	}
	if idle != nil {
		select {
		case <-idle:
		case <-ctx.Done():
			return fmt.Errorf("close session %s: calls in flight, the lease runs out by itself: %w", s.lease, ctx.Err())
		}
	}
	s.mu.Lock()
	unsure := s.unsure
	s.mu.Unlock()
	if unsure {
		return nil
	}
	if err := s.p.leases.Release(ctx, s.target.AccountID, s.lease); err != nil && !errors.Is(err, fleet.ErrNotFound) {
		return fmt.Errorf("give back lease %s of account %s: %w", s.lease, s.target.AccountID, err)
	}
	return nil
}
