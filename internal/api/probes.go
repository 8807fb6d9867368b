package api

import "net/http"

// probes are for machines: no key, no record, no document.
func (s *Server) probes() {
	s.get("/healthz", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, http.StatusOK, "application/json", map[string]string{"status": "alive"})
	}))
	s.get("/readyz", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case s.drain.Err() != nil:
			writeJSON(w, http.StatusServiceUnavailable, "application/json", map[string]string{"status": "stopping"})
		case s.Ready != nil:
			s.Ready(w, r)
		default:
			writeJSON(w, http.StatusOK, "application/json", map[string]string{"status": "ready"})
		}
	}))
	if s.Metrics != nil {
		s.get("/metrics", s.Metrics)
	}
}
