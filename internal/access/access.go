// Package access says who may do what: principals, roles, permissions, API keys,
// and bearer tokens of people.
//
// Invariants:
//   - What a role may do stands in one table. A route names one permission.
//   - A principal that sees its own alone sees what carries its owner's name, and
//     never learns whether something of another's exists.
//   - A key is shown once. What is stored cannot be turned back into it.
package access

import (
	"context"
	"errors"
	"slices"

	"github.com/kodekloud/kml/internal/fleet"
)

// Role is what somebody is to the fleet.
type Role string

// The roles.
const (
	Backend  Role = "backend"  // a platform: labs of its own
	Teacher  Role = "teacher"  // bookings and labs of their own
	Viewer   Role = "viewer"   // sees everything but secrets and keys
	Operator Role = "operator" // steers everything but keys
	Admin    Role = "admin"    // everything
)

// Roles lists them.
var Roles = []Role{Backend, Teacher, Viewer, Operator, Admin}

// Valid says whether r is a role.
func (r Role) Valid() bool { return slices.Contains(Roles, r) }

// Permission is what a route asks for.
type Permission string

// The permissions. "" needs none: anybody may ask.
const (
	Anybody         Permission = ""
	Authenticated   Permission = "authenticated" // any principal
	LabsRead        Permission = "labs:read"
	LabsWrite       Permission = "labs:write"
	LabsCredentials Permission = "labs:credentials"
	LabTypesRead    Permission = "labtypes:read"
	LabTypesWrite   Permission = "labtypes:write"
	AccountsRead    Permission = "accounts:read"
	AccountsWrite   Permission = "accounts:write"
	OrgsRead        Permission = "organizations:read"
	OrgsWrite       Permission = "organizations:write"
	PoolRead        Permission = "pool:read"
	PoolWrite       Permission = "pool:write"
	BookingsRead    Permission = "bookings:read"
	BookingsWrite   Permission = "bookings:write"
	ActivityRead    Permission = "activity:read"
	UsageRead       Permission = "usage:read"
	EventsRead      Permission = "events:read"
	WebhooksRead    Permission = "webhooks:read"
	WebhooksWrite   Permission = "webhooks:write"
	QueuesRead      Permission = "queues:read"
	QueuesWrite     Permission = "queues:write"
	SystemRead      Permission = "system:read" // checks of the server's surroundings
	KeysRead        Permission = "keys:read"
	KeysWrite       Permission = "keys:write"
)

var reading = []Permission{LabsRead, LabTypesRead, AccountsRead, OrgsRead, PoolRead, BookingsRead, ActivityRead, UsageRead, EventsRead, WebhooksRead, QueuesRead}

var operating = append([]Permission{LabsWrite, LabsCredentials, LabTypesWrite, AccountsWrite, OrgsWrite, PoolWrite, BookingsWrite, WebhooksWrite, QueuesWrite, SystemRead}, reading...)

// allowed is the table.
var allowed = map[Role][]Permission{
	Backend:  {LabsRead, LabsWrite, LabsCredentials, LabTypesRead, EventsRead, WebhooksRead, WebhooksWrite},
	Teacher:  {LabsRead, LabsWrite, LabsCredentials, LabTypesRead, EventsRead, BookingsRead, BookingsWrite},
	Viewer:   reading,
	Operator: operating,
	Admin:    append([]Permission{KeysRead, KeysWrite}, operating...),
}

// May says whether a role has a permission.
func (r Role) May(p Permission) bool {
	return p == Anybody || r.Valid() && p == Authenticated || slices.Contains(allowed[r], p)
}

// Permissions lists what the role may do, in the table's order.
func (r Role) Permissions() []Permission { return slices.Clone(allowed[r]) }

// ErrUnauthenticated says that a key or a token is not good. Why stands in the
// error for the logs; the caller is told no more than this.
var ErrUnauthenticated = errors.New("not authenticated")

// ErrUnreachable says that whoever could tell whether a token is good does not
// answer.
var ErrUnreachable = errors.New("the identity provider does not answer")

// Principal is who calls.
type Principal struct {
	ID    string // of the key, or subject of the token
	Name  string // for people who read logs
	Role  Role
	Owner string // whose labs it sees if its role sees its own alone
}

// Who is the principal in logs and histories.
func (p Principal) Who() string {
	if p.Name == "" || p.Name == p.ID {
		return p.ID
	}
	return p.Name + " (" + p.ID + ")"
}

// OwnOnly says whether p sees what is its owner's alone.
func (p Principal) OwnOnly() bool { return p.Role == Backend || p.Role == Teacher }

// Sees says whether p may know of something that is owner's.
func (p Principal) Sees(owner string) bool { return !p.OwnOnly() || p.Owner == owner }

// Scope is the owner that p's lists are narrowed to: "" is everybody's. asked is
// what p asked for; ErrForbidden if that is not its own.
func (p Principal) Scope(asked string) (string, error) {
	switch {
	case !p.OwnOnly():
		return asked, nil
	case asked == "" || asked == p.Owner:
		return p.Owner, nil
	}
	return "", fleet.ErrForbidden
}

type contextKey struct{}

// With gives a context that carries the principal.
func With(ctx context.Context, p Principal) context.Context {
	return context.WithValue(ctx, contextKey{}, p)
}

// From gives the principal of a context; one without a role, who may do nothing,
// if there is none.
func From(ctx context.Context) Principal {
	p, _ := ctx.Value(contextKey{}).(Principal)
	return p
}
