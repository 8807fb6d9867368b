// Package api is the fleet's HTTP API: REST under /v1, described by an OpenAPI
// document that is made from the Go types.
//
// Invariants:
//   - Nothing here changes state but through the fleet's own services.
//   - Every operation is registered by [register], names one permission, and is
//     recorded in the activity log if it may change something.
//   - Every error is a problem+json with a stable code; what is unexpected is
//     logged whole and told as "internal", with the id of the request.
//   - A principal that sees its own alone gets "not found" for another's.
package api

import (
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humachi"
	"github.com/go-chi/chi/v5"
)

// Server is the API.
type Server struct {
	Config
	router chi.Router
	api    huma.API
}

// New makes the API from what it serves.
func New(c Config) *Server {
	s := &Server{Config: c, router: chi.NewRouter()}
	hc := huma.DefaultConfig("KML", c.Version)
	hc.Info.Description = "Managed labs: AWS accounts, ready for students."
	hc.RejectUnknownQueryParameters = true
	hc.CreateHooks = nil // no $schema fields in answers
	s.api = humachi.New(s.router, hc)
	s.routes()
	return s
}

// routes registers every operation, noun by noun.
func (s *Server) routes() {
	s.systemRoutes()
}

// OpenAPI is the document that describes the API.
func (s *Server) OpenAPI() *huma.OpenAPI { return s.api.OpenAPI() }

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.router.ServeHTTP(w, r) }
