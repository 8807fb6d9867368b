package api

import (
	"net/http"

	"github.com/kodekloud/kml/internal/access"
)

// monitorPath is where the queue dashboard is, of the API's address and of its
// own.
const monitorPath = "/monitor"

// monitorRoutes puts the dashboard behind the chain: whoever may read queues may
// look, whoever may change them may press its buttons.
func (s *Server) monitorRoutes() {
	if s.Monitor == nil {
		return
	}
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Security-Policy", monitorCSP)
		s.Monitor.ServeHTTP(w, r)
	})
	for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete} {
		o := op{id: "monitor", method: method, path: monitorPath + "/*", needs: access.QueuesWrite, maxBody: 1 << 20, limit: defaultLimit, browser: true}
		if !o.mutates() {
			o.needs = access.QueuesRead
		}
		s.router.Method(method, monitorPath, s.chain(o, h))
		s.router.Method(method, o.path, s.chain(o, h))
	}
}
