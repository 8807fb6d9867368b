package api

import (
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"
)

const (
	bareCSP = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
	// Asynqmon's page has its start in the page itself, and styles too.
	monitorCSP = "default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
	docsCSP    = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)

// secured sets the headers that keep browsers from harm. Nothing is cached
// unless a route says so.
func (s *Server) secured(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Content-Security-Policy", bareCSP)
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Cache-Control", "no-store")
		if r.TLS != nil {
			h.Set("Strict-Transport-Security", "max-age=31536000")
		}
		next.ServeHTTP(w, r)
	})
}

// sane refuses addresses that no store could hold: text that is not UTF-8, and
// the byte that ends strings elsewhere. A query that cannot be read is refused as
// well: who asked for some would else be given all.
func (s *Server) sane(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		query, err := url.ParseQuery(r.URL.RawQuery)
		bad := err != nil || !saneText(r.URL.Path)
		for name, values := range query {
			bad = bad || !saneText(name) || !saneText(strings.Join(values, ""))
		}
		if bad {
			s.refuse(w, r, newProblem(http.StatusBadRequest, "malformed", "the address is not plain UTF-8 text, percent-encoded", "write it in UTF-8, percent-encoded, without NUL"))
			return
		}
		next.ServeHTTP(w, r)
	})
}

func saneText(text string) bool { return utf8.ValidString(text) && !strings.ContainsRune(text, 0) }
