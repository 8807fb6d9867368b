package api

import (
	"net/http"
	"strings"

	"github.com/go-chi/chi/v5"
)

func (s *Server) notFound(w http.ResponseWriter, r *http.Request) {
	s.refuse(w, r, newProblem(http.StatusNotFound, "no_such_route", "there is nothing at "+shorten(r.URL.Path), "see /docs for what there is"))
}

func (s *Server) methodNotAllowed(w http.ResponseWriter, r *http.Request) {
	var allowed []string
	for _, m := range []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete} {
		if s.router.Match(chi.NewRouteContext(), m, r.URL.Path) {
			allowed = append(allowed, m)
		}
	}
	also := ""
	if s.router.Match(chi.NewRouteContext(), http.MethodHead, r.URL.Path) {
		also = ", " + http.MethodHead
	}
	w.Header().Set("Allow", strings.Join(allowed, ", ")+also)
	s.refuse(w, r, newProblem(http.StatusMethodNotAllowed, "method_not_allowed", "the method does not fit", "use "+strings.Join(allowed, " or ")))
}
