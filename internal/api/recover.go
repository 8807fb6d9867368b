package api

import (
	"errors"
	"net/http"
	"runtime/debug"
)

// recovered answers a panic with a problem; where it happened stands in the log
// alone.
func (s *Server) recovered(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n := &noted{ResponseWriter: w}
		defer func() {
			p := recover()
			if p == nil {
				return
			}
			if err, ok := p.(error); ok && errors.Is(err, http.ErrAbortHandler) {
				panic(p) // how a handler breaks the connection on purpose
			}
			s.logger(r.Context()).Error().Interface("panic", p).Bytes("stack", debug.Stack()).Msg("a request panicked")
			if n.status != 0 {
				panic(http.ErrAbortHandler) // half an answer must not look whole
			}
			s.refuse(n, r, internalProblem())
		}()
		next.ServeHTTP(n, r)
	})
}
