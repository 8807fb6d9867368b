package api

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/kodekloud/kml/internal/access"
)

// failureWindow is how long a failed try counts.
const failureWindow = time.Minute

// authenticated finds out who calls. An address that failed too often must wait
// before anything else of it is looked at.
//
// If Redis is down nobody is counted: keys of 256 bits cannot be guessed at any
// rate, and a fleet that nobody can end a lab in is the greater harm.
func (s *Server) authenticated(o op, next http.Handler) http.Handler {
	if o.needs == access.Anybody {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, c := r.Context(), callOf(r.Context())
		if s.tooManyFailures(ctx, c) {
			w.Header().Set("Retry-After", seconds(failureWindow))
			s.refuse(w, r, newProblem(http.StatusTooManyRequests, "too_many_failures", "too many calls from this address were not authenticated", "wait a minute, and check the key"))
			return
		}
		who, err := s.caller(o, r)
		switch {
		case err == nil:
			c.who = who
			next.ServeHTTP(w, r.WithContext(access.With(ctx, who)))
		case errors.Is(err, access.ErrUnauthenticated):
			s.logger(ctx).Info().Err(err).Str("operation", o.id).Msg("not authenticated")
			s.countFailure(ctx, c, r)
			w.Header().Set("WWW-Authenticate", o.challenge())
			s.refuse(w, r, newProblem(http.StatusUnauthorized, "unauthenticated", "the call has no key or token that is good", "give an API key that is neither revoked nor expired, as Authorization: Bearer kml_…"))
		case errors.Is(err, access.ErrUnreachable):
			s.logger(ctx).Error().Err(err).Msg("tokens cannot be checked")
			w.Header().Set("Retry-After", "5")
			s.refuse(w, r, newProblem(http.StatusServiceUnavailable, "identity_provider_unreachable", "the token cannot be checked at present", "try again, or use an API key"))
		default:
			s.logger(ctx).Error().Err(err).Msg("keys cannot be checked")
			w.Header().Set("Retry-After", "5")
			s.refuse(w, r, newProblem(http.StatusServiceUnavailable, "unavailable", "the key cannot be checked at present", "try again"))
		}
	})
}

// challenge asks for what the operation takes: browsers ask their user for a
// password at the monitor.
func (o op) challenge() string {
	if o.browser {
		return `Basic realm="KML: any name, an API key as password", charset="UTF-8"`
	}
	return `Bearer realm="KML"`
}

// caller checks the key or token of a request.
func (s *Server) caller(o op, r *http.Request) (access.Principal, error) {
	if s.Authenticate != nil {
		return s.Authenticate(r)
	}
	header := r.Header.Get("Authorization")
	scheme, value, _ := strings.Cut(header, " ")
	value = strings.TrimSpace(value)
	switch {
	case header == "":
		return access.Principal{}, errNoCredentials
	case strings.EqualFold(scheme, "Basic") && o.browser:
		_, password, _ := r.BasicAuth()
		return s.Keys.Verify(r.Context(), password, callOf(r.Context()).where())
	case !strings.EqualFold(scheme, "Bearer"):
		return access.Principal{}, errNoCredentials
	case s.Tokens != nil && !strings.HasPrefix(value, access.KeyPrefix):
		return s.Tokens.Verify(r.Context(), value)
	}
	return s.Keys.Verify(r.Context(), value, callOf(r.Context()).where())
}

var errNoCredentials = noCredentials{}

// noCredentials says that a call has neither key nor token: it is no try.
type noCredentials struct{}

func (noCredentials) Error() string { return "no key and no token" }

func (noCredentials) Is(target error) bool { return target == access.ErrUnauthenticated }

func (s *Server) tooManyFailures(ctx context.Context, c *call) bool {
	if s.Limiter == nil || !c.from.IsValid() {
		return false
	}
	n, err := s.Limiter.Failures(ctx, neighbourhood(c.from))
	if err != nil {
		s.logger(ctx).Warn().Err(err).Msg("failed tries are not counted at present")
	}
	return err == nil && n >= s.Failures
}

// countFailure counts a try with something that was not good.
func (s *Server) countFailure(ctx context.Context, c *call, r *http.Request) {
	if s.Limiter == nil || !c.from.IsValid() || r.Header.Get("Authorization") == "" {
		return
	}
	if err := s.Limiter.Failed(ctx, neighbourhood(c.from)); err != nil {
		s.logger(ctx).Warn().Err(err).Msg("a failed try is not counted")
	}
}

// permitted refuses whose role may not.
func (s *Server) permitted(o op, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if who := access.From(r.Context()); !who.Role.May(o.needs) {
			detail := "the role " + string(who.Role) + " lacks the permission " + string(o.needs)
			if who.Role == "" {
				detail = "the token gives no role here"
			}
			s.refuse(w, r, newProblem(http.StatusForbidden, "forbidden", detail, "use a key whose role has the permission "+string(o.needs)))
			return
		}
		next.ServeHTTP(w, r)
	})
}
