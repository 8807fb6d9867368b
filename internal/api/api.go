// Package api is the fleet's HTTP API: REST under /v1, described by an OpenAPI
// document that is made from the Go types.
//
// Invariants:
//   - Nothing here changes state but through the fleet's own services.
//   - Every operation is registered by [register], names one permission, and is
//     recorded in the activity log if it may change something or tells a secret.
//   - Every error is a problem+json with a stable code; what is unexpected is
//     logged whole and told as "internal", with the id of the request.
//   - A principal that sees its own alone gets "not found" for another's.
package api

import (
	"cmp"
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	"github.com/go-chi/chi/v5"
)

// Server is the API.
type Server struct {
	Config
	router  chi.Router
	api     huma.API
	handler http.Handler
	trusted trusted
	strange bounded // how many calls of strangers the activity log still takes
	hasty   bounded // and of calls beyond a key's limit
	streams perCaller
	waits   perCaller
	drain   context.Context
	stop    context.CancelFunc
}

// New makes the API from what it serves.
func New(c Config) *Server {
	s := base(c)
	s.api = huma.NewAPI(document(s.Config), adapter{s})
	s.routes()
	s.docsRoutes()
	s.probes()
	s.monitorRoutes()
	return s
}

// NewMonitor makes a server of the queue dashboard alone, behind the same keys.
func NewMonitor(c Config) *Server {
	s := base(c)
	s.probes()
	s.monitorRoutes()
	s.router.Get("/", http.RedirectHandler(monitorPath+"/", http.StatusFound).ServeHTTP)
	return s
}

// base makes a server without routes.
func base(c Config) *Server {
	c.PerMinute, c.Burst, c.MaxFailures = cmp.Or(c.PerMinute, 600), cmp.Or(c.Burst, 100), cmp.Or(c.MaxFailures, 20)
	s := &Server{Config: c, router: chi.NewRouter(), trusted: c.TrustedProxies}
	s.drain, s.stop = context.WithCancel(context.Background())
	s.router.NotFound(s.notFound)
	s.router.MethodNotAllowed(s.methodNotAllowed)
	s.handler = s.identified(s.recovered(s.secured(s.sane(s.cors(s.router)))))
	return s
}

// routes registers every operation, noun by noun.
func (s *Server) routes() {
	s.systemRoutes()
	s.keyRoutes()
	s.labRoutes()
	s.labTypeRoutes()
	s.accountRoutes()
	s.organizationRoutes()
	s.activityRoutes()
	s.usageRoutes()
	s.queueRoutes()
	s.bookingRoutes()
	s.poolRoutes()
	s.eventRoutes()
	s.webhookRoutes()
}

// OpenAPI is the document that describes the API.
func (s *Server) OpenAPI() *huma.OpenAPI { return s.api.OpenAPI() }

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.handler.ServeHTTP(w, r) }

// Drain says that the process is about to stop: it is not ready any more, and
// streams end, so that their readers connect to another. Calls are still
// answered.
func (s *Server) Drain() { s.stop() }

// Draining is closed when the process is about to stop.
func (s *Server) Draining() <-chan struct{} { return s.drain.Done() }
