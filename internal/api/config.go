package api

import (
	"context"
	"net/http"
	"net/netip"
	"time"

	"github.com/rs/zerolog"

	"github.com/kodekloud/kml/internal/access"
	"github.com/kodekloud/kml/internal/apitypes"
	"github.com/kodekloud/kml/internal/clock"
	"github.com/kodekloud/kml/internal/fleet"
)

// Config is what the API is made of. Each noun's services are an interface in
// the file of its routes.
type Config struct {
	Version string
	Clock   clock.Clock
	Log     zerolog.Logger
	// Endpoint is where AWS answers, if it is not AWS itself; told to clients.
	Endpoint string

	// Who calls.
	Keys   *access.Keys
	Tokens Tokens // of people; nil if there is no identity provider
	// Authenticate, if set, is asked instead of Keys and Tokens.
	Authenticate func(*http.Request) (access.Principal, error)

	// How much.
	Limiter     Limiter     // nil: no limits
	PerMinute   int         // calls of one key; default 600
	Burst       int         // of them at once; default 100
	Failures    FailedTries // nil: they are not counted
	MaxFailures int         // tries of one address that fail before it is slowed down; default 20

	// What is kept of calls.
	Activity   fleet.ActivityLog
	Idempotent fleet.IdempotentCalls
	Sealer     Sealer

	// From where.
	TrustedProxies []netip.Prefix // whose X-Forwarded-For is believed
	Origins        []string       // of other sites' pages that may call; none: CORS is off

	// What is read.
	Sessions      Sessions
	Accounts      Accounts
	Cleanings     Cleanings
	Statuses      Statuses
	Reports       fleet.Reports
	Organizations []fleet.Organization

	// What is asked to do something.
	Labs     Labs
	Settled  Settler
	SignIn   SignIn
	Targets  Targets  // of labs' callbacks; nil: they are not judged
	Forecast Forecast // of waiting labs; nil: none
	LabTypes LabTypes
	Bookings BookingService
	Pool     PoolService
	Preview  Preview
	Operate  Operate
	// DryRun tells what a full cleaning of an account would do.
	DryRun    func(ctx context.Context, account string) ([]fleet.Evidence, error)
	Queue     Enqueuer
	Inspector Inspector

	// What is told of what happens.
	Events   Events
	Webhooks Webhooks

	// What else is served at the API's address.
	Ready   http.HandlerFunc // GET /readyz, while the process does not drain
	Metrics http.Handler     // GET /metrics; nil: none
	Monitor http.Handler     // below /monitor; nil: none
	Checks  func(context.Context) []apitypes.Check
	// Observe is told of every call that is over. Optional.
	Observe func(operation string, status int, took time.Duration)
}

// Tokens checks bearer tokens; see [access.OIDC].
type Tokens interface {
	Verify(ctx context.Context, raw string) (access.Principal, error)
}

// Sealer keeps stored answers secret; see package seal.
type Sealer interface {
	Seal(plaintext, purpose string) (fleet.Sealed, error)
	Open(sealed fleet.Sealed, purpose string) (string, error)
}

// Limiter refuses what comes too often, in all processes together.
type Limiter interface {
	// Allow counts one of key, of which there may be so many per minute and burst
	// at once. If it is not ok, retryAfter is when the next will be.
	Allow(ctx context.Context, key string, perMinute, burst int) (ok bool, retryAfter time.Duration, err error)
}

// FailedTries counts failed tries to authenticate, in all processes together;
// they are forgotten some time after the last.
type FailedTries interface {
	Failed(ctx context.Context, key string) (int, error)
	FailedCount(ctx context.Context, key string) (int, error)
}
