package api

import (
	"context"
	"crypto/rand"
	"net/http"
	"net/netip"
	"regexp"

	"github.com/rs/zerolog"

	"github.com/kodekloud/kml/internal/access"
	"github.com/kodekloud/kml/internal/apitypes"
)

// call is what is known of one call; the chain fills it in as it goes.
type call struct {
	id   string     // of the request, in logs, problems and X-Request-Id
	from netip.Addr // of the client; may be invalid
	who  access.Principal
	body []byte // as it came; nil before it was read
}

type callKey struct{}

// callOf is the call of a context; an empty one outside of calls.
func callOf(ctx context.Context) *call {
	if c, ok := ctx.Value(callKey{}).(*call); ok {
		return c
	}
	return &call{}
}

// where is the client's address, "" if it is not known.
func (c *call) where() string {
	if !c.from.IsValid() {
		return ""
	}
	return c.from.String()
}

// logger logs with what is known of the call.
func (s *Server) logger(ctx context.Context) *zerolog.Logger {
	c := callOf(ctx)
	l := s.Log.With().Str("request", c.id).Str("from", c.where()).Str("who", c.who.Who()).Logger()
	return &l
}

// goodID is a request id of somebody else's that is fit for logs and headers.
var goodID = regexp.MustCompile(`^[A-Za-z0-9._:-]{1,64}$`)

// identified gives the call its id, and finds out where it comes from.
func (s *Server) identified(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c := &call{id: r.Header.Get("X-Request-Id"), from: s.trusted.client(r)}
		if !goodID.MatchString(c.id) {
			c.id = rand.Text()
		}
		w.Header().Set("X-Request-Id", c.id)
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), callKey{}, c)))
	})
}

// refuse answers with a problem.
func (s *Server) refuse(w http.ResponseWriter, r *http.Request, p *apitypes.Problem) {
	p.Request = callOf(r.Context()).id
	writeJSON(w, p.Status, "application/problem+json", p)
}
