package api

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"strconv"
	"time"
)

// errDraining is why a stream ends whose server stops.
var errDraining = errors.New("the server stops: connect again")

// bodied reads the body, which must be small; the server's own timeouts see to
// it that it comes soon. A stream has no end but its reader's, or the server's.
func (s *Server) bodied(o op, next http.Handler) http.Handler {
	if o.limit < 0 {
		return s.streamed(next)
	}
	limit := o.maxBody
	if limit == 0 {
		limit = defaultBody
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, limit))
		var large *http.MaxBytesError
		switch {
		case errors.As(err, &large):
			s.refuse(w, r, newProblem(http.StatusRequestEntityTooLarge, "too_large", "the body is larger than "+strconv.FormatInt(limit, 10)+" bytes", "send less at once"))
			return
		case errors.Is(err, os.ErrDeadlineExceeded):
			s.refuse(w, r, newProblem(http.StatusRequestTimeout, "slow_body", "the body did not come in time", "send it at once"))
			return
		case err != nil:
			s.refuse(w, r, newProblem(http.StatusBadRequest, "malformed", "the body cannot be read", "send it whole"))
			return
		}
		// The rest of the time is the operation's: the server would take the end of
		// its patience for a client that has gone.
		if err := http.NewResponseController(w).SetReadDeadline(time.Time{}); err != nil && !errors.Is(err, http.ErrNotSupported) {
			s.logger(r.Context()).Warn().Err(err).Msg("a call keeps the server's timeout")
		}
		callOf(r.Context()).body = body
		r.Body = io.NopCloser(bytes.NewReader(body))
		next.ServeHTTP(w, r)
	})
}

// streamed lets an answer last for as long as its reader stays.
func (s *Server) streamed(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		control := http.NewResponseController(w)
		if err := errors.Join(control.SetReadDeadline(time.Time{}), control.SetWriteDeadline(time.Time{})); err != nil {
			s.logger(r.Context()).Warn().Err(err).Msg("a stream keeps the server's timeouts")
		}
		ctx, cancel := context.WithCancelCause(r.Context())
		defer cancel(nil)
		stop := context.AfterFunc(s.drain, func() { cancel(errDraining) })
		defer stop()
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}
