package api

import (
	"context"
	"net/http"
	"time"
)

// How fast an address that failed too often may go on trying.
const (
	slowPerMinute = 60
	slowBurst     = 5
)

// slowed says whether an address must wait before its next try is looked at. It
// is slowed down and not locked out: others may share it, and keys of 256 bits
// cannot be guessed at any rate. A key that was good before does not wait: else
// one stranger could keep all of them out. Nor does anybody while Redis is down:
// a fleet in which nobody can end a lab is the greater harm.
func (s *Server) slowed(ctx context.Context, c *call, try string) (again time.Duration, slow bool) {
	if s.Failures == nil || s.Limiter == nil || !c.from.IsValid() || s.familiar(try) {
		return 0, false
	}
	from := neighbourhood(c.from)
	n, err := s.Failures.FailedCount(ctx, from)
	ok := true
	if err == nil && n >= s.MaxFailures {
		ok, again, err = s.Limiter.Allow(ctx, "tries/"+from, slowPerMinute, slowBurst)
	}
	if err != nil {
		s.logger(ctx).Warn().Err(err).Msg("nobody is slowed down at present")
		return 0, false
	}
	return max(again, time.Second), !ok
}

// countFailure counts a try that failed; a call that gives nothing is none.
func (s *Server) countFailure(ctx context.Context, r *http.Request) {
	c := callOf(ctx)
	if s.Failures == nil || !c.from.IsValid() || r.Header.Get("Authorization") == "" {
		return
	}
	if _, err := s.Failures.Failed(ctx, neighbourhood(c.from)); err != nil {
		s.logger(ctx).Warn().Err(err).Msg("a failed try is not counted")
	}
}
