package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humachi"
)

// adapter puts huma's operations on the router, each behind its chain.
type adapter struct{ s *Server }

// Handle implements huma.Adapter.
func (a adapter) Handle(ho *huma.Operation, h func(huma.Context)) {
	o, ok := ho.Metadata[metaOp].(op)
	if !ok { // the document's own routes
		o = op{id: "get-openapi", method: ho.Method, path: ho.Path}
	}
	served := a.s.chain(o, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h(humachi.NewContext(ho, r, w))
	}))
	if ho.Method == http.MethodGet && o.limit >= 0 { // a stream would not end
		a.s.get(ho.Path, served)
		return
	}
	a.s.router.Method(ho.Method, ho.Path, served)
}

// get serves GET, and HEAD too, whose body net/http leaves out.
func (s *Server) get(path string, h http.Handler) {
	s.router.Method(http.MethodGet, path, h)
	s.router.Method(http.MethodHead, path, h)
}

// ServeHTTP implements huma.Adapter.
func (a adapter) ServeHTTP(w http.ResponseWriter, r *http.Request) { a.s.ServeHTTP(w, r) }

// chain puts an operation behind everything that a call passes, outermost first:
// what refuses a call stands inside of what records it.
func (s *Server) chain(o op, h http.Handler) http.Handler {
	for _, wrap := range []func(op, http.Handler) http.Handler{s.guarded, s.once, s.bodied, s.permitted, s.limited, s.authenticated, s.sameOrigin, s.audited, s.observed, s.timed} {
		h = wrap(o, h)
	}
	return h
}

// timed bounds the whole of a call that is no stream: what the operation does has
// its own limit, and the rest of the chain asks stores too.
func (s *Server) timed(o op, next http.Handler) http.Handler {
	if o.limit < 0 {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), o.limit+defaultLimit)
		defer cancel()
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}

// guarded turns a panic of the operation into an answer, which is then recorded.
func (s *Server) guarded(_ op, next http.Handler) http.Handler { return s.recovered(next) }
