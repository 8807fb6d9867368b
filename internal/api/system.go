package api

import (
	"context"
	"net/http"
	"runtime"
	"time"

	"github.com/kodekloud/kml/internal/access"
	"github.com/kodekloud/kml/internal/apitypes"
)

func (s *Server) systemRoutes() {
	register(s, op{id: "get-version", method: http.MethodGet, path: "/v1/version", tag: "System", summary: "What runs, and the server's clock", needs: access.Anybody},
		func(context.Context, *struct{}) (*body[apitypes.Version], error) {
			return ok(apitypes.Version{Version: s.Version, Go: runtime.Version(), Time: s.Clock.Now().UTC(), Endpoint: s.Endpoint}), nil
		})
	register(s, op{id: "get-me", method: http.MethodGet, path: "/v1/me", tag: "System", summary: "Who calls, and what it may do", needs: access.Authenticated},
		func(ctx context.Context, _ *struct{}) (*body[apitypes.Me], error) {
			return ok(me(access.From(ctx))), nil
		})
	register(s, op{id: "get-checks", method: http.MethodGet, path: "/v1/checks", tag: "System", summary: "What the server finds of its surroundings",
		detail: "Stores, clocks, queues, and the roles that it must be able to assume in AWS; with what to do about what is wrong.",
		needs:  access.SystemRead, limit: 30 * time.Second}, s.checks)
}

func me(p access.Principal) apitypes.Me {
	out := apitypes.Me{ID: p.ID, Name: p.Name, Role: string(p.Role), Owner: p.Owner, Permissions: []string{}}
	for _, permission := range p.Role.Permissions() {
		out.Permissions = append(out.Permissions, string(permission))
	}
	return out
}

func (s *Server) checks(ctx context.Context, _ *struct{}) (*body[[]apitypes.Check], error) {
	if s.Checks == nil {
		return ok([]apitypes.Check{}), nil
	}
	return ok(s.Checks(ctx)), nil
}
