package api

import (
	"context"
	"net/http"
	"runtime"

	"github.com/kodekloud/kml/internal/access"
	"github.com/kodekloud/kml/internal/apitypes"
)

func (s *Server) systemRoutes() {
	register(s, op{id: "get-version", method: http.MethodGet, path: "/v1/version", tag: "System", summary: "What runs, and the server's clock", needs: access.Anybody},
		func(context.Context, *struct{}) (*body[apitypes.Version], error) {
			return ok(apitypes.Version{Version: s.Version, Go: runtime.Version(), Time: s.Clock.Now().UTC(), Endpoint: s.Endpoint}), nil
		})
}
