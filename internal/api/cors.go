package api

import (
	"net/http"
	"slices"
)

// cors lets pages of the configured origins call; of no other. Keys travel in
// the Authorization header, never as a browser's own credentials.
func (s *Server) cors(next http.Handler) http.Handler {
	if len(s.Origins) == 0 {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h, origin := w.Header(), r.Header.Get("Origin")
		h.Add("Vary", "Origin")
		if origin == "" || !slices.Contains(s.Origins, origin) {
			next.ServeHTTP(w, r)
			return
		}
		h.Set("Access-Control-Allow-Origin", origin)
		h.Set("Access-Control-Expose-Headers", "ETag, Retry-After, X-Request-Id, Idempotency-Replayed, RateLimit, RateLimit-Policy")
		h.Set("Cross-Origin-Resource-Policy", "cross-origin")
		if r.Method == http.MethodOptions && r.Header.Get("Access-Control-Request-Method") != "" {
			h.Set("Access-Control-Allow-Methods", "GET, POST, PUT, PATCH, DELETE")
			h.Set("Access-Control-Allow-Headers", "Authorization, Content-Type, Idempotency-Key, If-Match, Last-Event-ID, X-Request-Id")
			h.Set("Access-Control-Max-Age", "600")
			w.WriteHeader(http.StatusNoContent)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// sameOrigin refuses what another site's page sends with the browser's own
// credentials (Basic at the monitor, certificates). Sites that may call the API
// give a key with each call; at the monitor the browser would do it for them.
func (s *Server) sameOrigin(o op, next http.Handler) http.Handler {
	cross := http.NewCrossOriginProtection()
	for _, origin := range s.Origins {
		if o.browser {
			break
		}
		if err := cross.AddTrustedOrigin(origin); err != nil {
			s.Log.Error().Err(err).Str("origin", origin).Msg("an origin of http.cors_origins is none")
		}
	}
	cross.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.refuse(w, r, newProblem(http.StatusForbidden, "cross_origin", "the call comes from a page of another site", "call from the API's own address, or have the site added to http.cors_origins"))
	}))
	return cross.Handler(next)
}
