package api

import (
	"errors"
	"net/http"
	"strings"

	"github.com/kodekloud/kml/internal/access"
)

// authenticated finds out who calls.
func (s *Server) authenticated(o op, next http.Handler) http.Handler {
	if o.needs == access.Anybody {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, c := r.Context(), callOf(r.Context())
		who, known := s.recent(o.try(r))
		if !known {
			if again, slow := s.slowed(ctx, c, o.try(r)); slow {
				w.Header().Set("Retry-After", seconds(again))
				s.refuse(w, r, newProblem(http.StatusTooManyRequests, "too_many_failures", "too many calls from this address were not authenticated; it is slowed down", "wait as long as Retry-After says, and check the key"))
				return
			}
			var err error
			if who, err = s.caller(o, r); err != nil {
				s.unauthenticated(o, w, r, err)
				return
			}
		}
		c.who = who
		next.ServeHTTP(w, r.WithContext(access.With(ctx, who)))
	})
}

// unauthenticated answers who could not be found out. What exactly was wrong
// stands in the log alone.
func (s *Server) unauthenticated(o op, w http.ResponseWriter, r *http.Request, err error) {
	ctx := r.Context()
	switch {
	case errors.Is(err, access.ErrUnauthenticated):
		s.logger(ctx).Info().Err(err).Str("operation", o.id).Msg("not authenticated")
		s.countFailure(ctx, r)
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
}

// challenge asks for what the operation takes: browsers ask their user for a
// password at the monitor.
func (o op) challenge() string {
	if o.browser {
		return `Basic realm="KML: any name, an API key as password", charset="UTF-8"`
	}
	return `Bearer realm="KML"`
}

// try is the key or token of a request, "" if there is none.
func (o op) try(r *http.Request) string {
	scheme, value, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if strings.EqualFold(scheme, "Basic") && o.browser {
		_, password, _ := r.BasicAuth()
		return password
	}
	if strings.EqualFold(scheme, "Bearer") {
		return strings.TrimSpace(value)
	}
	return ""
}

// recent gives whose key it is if that was found out a moment ago: a neighbour
// of the same address who fails does not slow it down.
func (s *Server) recent(try string) (access.Principal, bool) {
	if s.Keys == nil || s.Authenticate != nil {
		return access.Principal{}, false
	}
	return s.Keys.Recent(try)
}

// familiar says whether a key was good when it was last looked at here: strangers
// who share its address cannot keep it out.
func (s *Server) familiar(try string) bool {
	return s.Keys != nil && s.Authenticate == nil && s.Keys.Familiar(try)
}

// caller checks the key or token of a request.
func (s *Server) caller(o op, r *http.Request) (access.Principal, error) {
	try := o.try(r)
	switch {
	case s.Authenticate != nil:
		return s.Authenticate(r)
	case try == "":
		return access.Principal{}, errNoCredentials
	case s.Tokens != nil && !strings.HasPrefix(try, access.KeyPrefix):
		return s.Tokens.Verify(r.Context(), try)
	}
	return s.Keys.Verify(r.Context(), try, callOf(r.Context()).where())
}

var errNoCredentials = noCredentials{}

// noCredentials says that a call has neither key nor token.
type noCredentials struct{}

func (noCredentials) Error() string { return "no key and no token" }

func (noCredentials) Is(target error) bool { return target == access.ErrUnauthenticated }
