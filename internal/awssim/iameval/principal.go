package iameval

import (
	"fmt"
	"slices"
	"strings"
)

// Grant says how closely the Principal element of an Allow names the caller,
// which decides what else has to agree.
type Grant uint8

const (
	// GrantNone: no statement allows the caller.
	GrantNone Grant = iota
	// GrantAccount: the caller's account is named. That delegates the decision
	// to the account, so the caller's own policies must allow as well.
	GrantAccount
	// GrantEntity: the role behind a session, or the user behind a federated
	// one, is named. It replaces an identity policy; boundary and session
	// policies still limit it.
	GrantEntity
	// GrantDirect: the caller itself is named, or everybody. Within one account
	// no implicit deny of another policy takes it away.
	GrantDirect
)

// principals is a compiled Principal or NotPrincipal element.
type principals struct {
	everyone  bool
	accounts  []string
	arns      []string // users, roles, sessions, and unique ids
	services  []string
	providers []string
	written   []string // the AWS entries as they stand in the document
}

// grant returns how closely the element names the caller.
func (p *principals) grant(r *request) Grant {
	caller := &r.Principal
	switch {
	case p.everyone:
		return GrantDirect
	case r.kind == kindService:
		return directIf(slices.Contains(p.services, caller.Service))
	case r.kind == kindFederated:
		return directIf(slices.Contains(p.providers, caller.Provider))
	case !r.kind.hasAccount():
		return GrantNone
	}
	account := slices.Contains(p.accounts, caller.Account)
	switch {
	case account && r.kind == kindRoot, p.names(caller.ARN), r.kind == kindUser && p.names(caller.UserID):
		return GrantDirect
	case p.names(entityARN(caller, r.kind)), p.names(roleID(caller, r.kind)):
		return GrantEntity
	case account:
		return GrantAccount
	}
	return GrantNone
}

func (p *principals) names(who string) bool {
	return who != "" && slices.Contains(p.arns, who)
}

// excepts reports whether a NotPrincipal element spares the caller. AWS checks
// the account, then the role or user, then the session, so a Deny spares only
// callers all of whose levels are listed; an Allow leaves out whoever is listed
// at any level.
func (p *principals) excepts(r *request, deny bool) bool {
	if !deny || !r.kind.hasAccount() {
		return p.grant(r) != GrantNone
	}
	if p.everyone {
		return true
	}
	caller := &r.Principal
	entity := entityARN(caller, r.kind)
	return slices.Contains(p.accounts, caller.Account) &&
		(r.kind == kindRoot || p.names(caller.ARN)) &&
		(entity == "" || p.names(entity))
}

// entityARN is the role or user whose session the caller is, "" when it is
// nobody's session.
func entityARN(p *Principal, kind principalKind) string {
	switch kind {
	case kindRole:
		return p.RoleARN
	case kindFederatedUser:
		return p.UserARN
	}
	return ""
}

// roleID is the unique id of the role in a session's AROA…:session.
func roleID(p *Principal, kind principalKind) string {
	if kind != kindRole {
		return ""
	}
	id, _, _ := strings.Cut(p.UserID, ":")
	return id
}

func directIf(ok bool) Grant {
	if ok {
		return GrantDirect
	}
	return GrantNone
}

// add compiles one entry of the element under its type: AWS, Service, …
func (p *principals) add(typ, name string) error {
	switch typ {
	case "AWS":
		p.written = append(p.written, name)
		return p.addAWS(name)
	case "Service":
		if name == "*" || !strings.Contains(name, ".") {
			break
		}
		p.services = append(p.services, name)
		return nil
	case "Federated":
		if name == "*" || name == "" {
			break
		}
		p.providers = append(p.providers, name)
		return nil
	case "CanonicalUser": // stored by S3; nobody here signs in with one
		return nil
	}
	return fmt.Errorf("%q:%q", typ, name)
}

func (p *principals) addAWS(name string) error {
	switch {
	case name == "*":
		p.everyone = true
	case isAccountID(name):
		p.accounts = append(p.accounts, name)
	case strings.ContainsAny(name, "*?"): // part of a name cannot be a wildcard
		return fmt.Errorf("\"AWS\":%q", name)
	case strings.HasPrefix(name, "AIDA"), strings.HasPrefix(name, "AROA"):
		p.arns = append(p.arns, name)
	default:
		return p.addARN(name)
	}
	return nil
}

func (p *principals) addARN(name string) error {
	parts := splitARN(name)
	if len(parts) != 6 || parts[0] != "arn" || parts[2] != "iam" && parts[2] != "sts" || !isAccountID(parts[4]) {
		return fmt.Errorf("\"AWS\":%q", name)
	}
	if parts[5] == "root" {
		p.accounts = append(p.accounts, parts[4])
		return nil
	}
	typ, rest, _ := strings.Cut(parts[5], "/")
	if rest == "" || !slices.Contains([]string{"user", "role", "assumed-role", "federated-user"}, typ) {
		return fmt.Errorf("\"AWS\":%q", name) // groups are no principals
	}
	p.arns = append(p.arns, name)
	return nil
}

func isAccountID(s string) bool {
	return len(s) == 12 && strings.Trim(s, "0123456789") == ""
}
