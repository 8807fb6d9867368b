package api

import (
	"context"
	"net/http"

	"github.com/kodekloud/kml/internal/access"
	"github.com/kodekloud/kml/internal/apitypes"
	"github.com/kodekloud/kml/internal/booking"
	"github.com/kodekloud/kml/internal/fleet"
)

// PoolService tells how the pools stand and sets their targets: package booking.
type PoolService interface {
	Status(ctx context.Context) (*booking.Status, error)
	Target(ctx context.Context, org, ou string) (fleet.PoolTarget, error)
	SetTarget(ctx context.Context, org, ou string, warm int, version int64, who string) (fleet.PoolTarget, error)
}

func (s *Server) poolRoutes() {
	register(s, op{id: "get-pool", method: http.MethodGet, path: "/v1/pool", tag: "Pool", summary: "Status of the pools by organization and OU, who waits, and what is expected", needs: access.PoolRead,
		limit: bookLimit}, s.getPool)
	register(s, op{id: "set-pool-target", method: http.MethodPut, path: "/v1/pool/{org}/{ou}/target", tag: "Pool", summary: "Set how many accounts of an OU are kept ready", needs: access.PoolWrite,
		detail: "It stands in place of the configuration's. If-Match is the version of the target in force, as the pool's status gives it."}, s.setTarget)
}

func (s *Server) getPool(ctx context.Context, _ *struct{}) (*body[apitypes.Pool], error) {
	st, err := s.Pool.Status(ctx)
	if err != nil {
		return nil, err
	}
	out := apitypes.Pool{OUs: make([]apitypes.PoolStatus, len(st.OUs)), Waiting: map[string]int{}, Forecast: make([]apitypes.Forecast, len(st.Forecast))}
	for i, ou := range st.OUs {
		out.OUs[i] = toPoolStatus(ou)
	}
	for p, n := range st.Waiting {
		out.Waiting[string(p)] = n
	}
	for i, f := range st.Forecast {
		out.Forecast[i] = apitypes.Forecast{Purpose: string(f.Purpose), At: f.At, Free: f.Free, Booked: f.Booked, Busy: f.Busy}
	}
	return ok(out), nil
}

func toPoolStatus(ou booking.OUStatus) apitypes.PoolStatus {
	n := ou.States
	out := apitypes.PoolStatus{Org: ou.Org, OU: ou.OU, Purpose: string(ou.Purpose), Target: ou.Target.Warm, Version: ou.Target.Version,
		Ready: max(0, n[fleet.UserCreated]-ou.Held), Held: ou.Held, Creating: n[fleet.UserCreating], InUse: n[fleet.Assigning] + n[fleet.InUse],
		Cleaning: n[fleet.Cleanup] + n[fleet.UserDeleted] + n[fleet.AssigningFailed], Resting: n[fleet.Loaded], Failed: n[fleet.Failed]}
	for _, in := range n {
		out.Total += in
	}
	return out
}

func (s *Server) setTarget(ctx context.Context, in *struct {
	Versioned
	Org  string `path:"org" minLength:"1" maxLength:"100" doc:"name of the organization"`
	OU   string `path:"ou" minLength:"1" maxLength:"100" doc:"id of the OU"`
	Body apitypes.Target
}) (*tagged[apitypes.Target], error) {
	stands, err := s.Pool.Target(ctx, in.Org, in.OU)
	if err != nil {
		return nil, err
	}
	if err := in.match(stands.Version); err != nil {
		return nil, err
	}
	set, err := s.Pool.SetTarget(ctx, in.Org, in.OU, in.Body.Warm, stands.Version, access.From(ctx).Who())
	if err != nil {
		return nil, inBody(err)
	}
	return &tagged[apitypes.Target]{ETag: etag(set.Version), Body: apitypes.Target{Warm: set.Warm}}, nil
}
