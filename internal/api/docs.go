package api

import (
	"embed"
	"net/http"
)

//go:embed docs
var docs embed.FS

// docsRoutes serves the reference page. It is drawn from the document by a
// script of its own: nothing is loaded from elsewhere. Who comes by the bare
// address is shown there.
func (s *Server) docsRoutes() {
	s.get("/", http.RedirectHandler("/docs", http.StatusFound))
	for path, file := range map[string]struct{ name, kind string }{
		"/docs":          {"docs/index.html", "text/html; charset=utf-8"},
		"/docs/docs.js":  {"docs/docs.js", "text/javascript; charset=utf-8"},
		"/docs/docs.css": {"docs/docs.css", "text/css; charset=utf-8"},
	} {
		s.get(path, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			data, err := docs.ReadFile(file.name)
			if err != nil {
				s.logger(r.Context()).Error().Err(err).Msg("the reference page is not there")
				s.refuse(w, r, internalProblem())
				return
			}
			w.Header().Set("Content-Security-Policy", docsCSP)
			w.Header().Set("Content-Type", file.kind)
			_, _ = w.Write(data) // a client that went away is its own affair
		}))
	}
}
