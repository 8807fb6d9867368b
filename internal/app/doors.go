package app

import (
	"net/http"
	"runtime/debug"

	"github.com/hibiken/asynq"

	"github.com/kodekloud/kml/internal/access"
	"github.com/kodekloud/kml/internal/api"
	"github.com/kodekloud/kml/internal/booking"
	"github.com/kodekloud/kml/internal/events"
	"github.com/kodekloud/kml/internal/redis"
)

// Keys makes and checks API keys.
func (a *App) Keys() *access.Keys {
	return &access.Keys{Store: a.DB.Keys(), Clock: a.Clock, TouchFailed: func(id string, err error) {
		a.Log.Warn().Err(err).Str("key", id).Msg("the use of a key is not noted")
	}}
}

// doors is what the API serves. hub is nil for the dashboard alone.
func (a *App) doors(monitor http.Handler, hub *events.Hub) api.Config {
	h := a.Config.HTTP
	c := api.Config{Version: version(), Clock: a.Clock, Log: a.Log, Endpoint: a.Config.AWS.EndpointURL,
		Keys: a.Keys(), Limiter: redis.NewLimiter(a.Redis), PerMinute: h.RatePerMinute, Burst: h.Burst, Failures: redis.NewFailures(a.Redis), MaxFailures: h.Failures,
		Activity: a.DB.Activity(), Idempotent: a.DB.Calls(), Sealer: a.Sealer,
		TrustedProxies: h.TrustedProxies, Origins: h.CORSOrigins,
		Sessions: a.Sessions, Accounts: a.DB.Accounts(), Cleanings: a.DB.Cleanings(), Statuses: a.DB.LabTypes(), Reports: a.DB.Reports(), Organizations: a.Config.Organizations,
		Labs: a.Assign, Settled: &events.Waiter{Sessions: a.DB.Sessions(), Hub: hub, Clock: a.Clock}, SignIn: a.Identity, LabTypes: a.LabTypes, Preview: a.Identity,
		Operate: a.Failsafe, DryRun: a.dryRun, Queue: a.Queue, Inspector: asynq.NewInspectorFromRedisClient(a.Redis),
		Bookings: a.Bookings, Pool: &booking.Pools{Orgs: a.Config.Organizations, Targets: a.DB.PoolTargets(), Bookings: a.Bookings},
		Events: hub, Webhooks: a.Webhooks, Targets: a.Webhooks, Forecast: a.Bookings,
		Ready: a.ready, Monitor: monitor, Checks: a.checks, Observe: a.Metrics.Request,
	}
	if h.Metrics {
		c.Metrics = a.Metrics.Handler()
	}
	if o := a.Config.OIDC; o.Issuer != "" {
		roles := map[string]access.Role{}
		for value, role := range o.Roles {
			roles[value] = access.Role(role)
		}
		c.Tokens = access.NewOIDC(access.OIDCConfig{Issuer: o.Issuer, Audience: o.Audience, RoleClaim: o.RoleClaim, Roles: roles, OwnerClaim: o.OwnerClaim, Clock: a.Clock})
	}
	return c
}

// version is what was built.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			return s.Value[:min(12, len(s.Value))]
		}
	}
	return info.Main.Version
}
