package iam

import (
	"cmp"
	"strings"
	"time"

	"github.com/kodekloud/kml/internal/awssim/core"
	"github.com/kodekloud/kml/internal/awssim/iameval"
)

const (
	maxRoles     = 1000
	maxTrustSize = 2048
	linkedPath   = "/aws-service-role/"
)

type roleLastUsed struct {
	LastUsedDate *core.Time `xml:",omitempty"`
	Region       string     `xml:",omitempty"`
}

type roleOut struct {
	Path, RoleName, RoleId, Arn string
	CreateDate                  core.Time
	AssumeRolePolicyDocument    string
	Description                 string `xml:",omitempty"`
	MaxSessionDuration          int
	PermissionsBoundary         *boundaryOut  `xml:",omitempty"`
	Tags                        members[tag]  `xml:",omitempty"`
	RoleLastUsed                *roleLastUsed `xml:",omitempty"`
}

func (r *Role) out() roleOut {
	o := r.summary()
	o.PermissionsBoundary, o.Tags = r.boundaryOut(), members[tag](r.Tags)
	o.RoleLastUsed = &roleLastUsed{core.Ptr(r.LastUsed), r.LastRegion}
	return o
}

// summary is what lists tell of a role: no boundary, tags or last use.
func (r *Role) summary() roleOut {
	return roleOut{Path: r.Path, RoleName: r.Name, RoleId: r.ID, Arn: r.ARN(), CreateDate: core.At(r.Created),
		AssumeRolePolicyDocument: escaped(r.Trust.Text), Description: r.Description,
		MaxSessionDuration: int(r.MaxSession / time.Second)}
}

type createRoleIn struct {
	Path, RoleName, AssumeRolePolicyDocument, Description, PermissionsBoundary string

	MaxSessionDuration *int
	Tags               []tag
}

type roleIn struct{ RoleName string }

func (in *roleIn) name() string { return in.RoleName }

type oneRoleOut struct{ Role roleOut }

type rolesOut struct {
	Roles members[roleOut]
	Truncation
}

type updateRoleIn struct {
	RoleName, Description string
	MaxSessionDuration    *int
}

func (in *updateRoleIn) name() string { return in.RoleName }

type trustIn struct{ RoleName, PolicyDocument string }

func (i *IAM) roleOps() []core.Op {
	return []core.Op{
		core.Handle("CreateRole", func(c *core.Call, in *createRoleIn) (*oneRoleOut, error) {
			r, err := i.createRole(c.Now, i.of(c), in)
			if err != nil {
				return nil, err
			}
			return &oneRoleOut{r.out()}, nil
		}, creating(i, kindRole, func(in *createRoleIn) (string, string, string, []tag) {
			return in.Path, in.RoleName, in.PermissionsBoundary, in.Tags
		})),
		core.Handle("GetRole", func(c *core.Call, in *roleIn) (*oneRoleOut, error) {
			r, err := i.of(c).role(in.RoleName)
			if err != nil {
				return nil, err
			}
			return &oneRoleOut{r.out()}, nil
		}, core.ReadOnly, on(i, kindRole, (*roleIn).name)),
		core.Handle("ListRoles", func(c *core.Call, in *listIn) (*rolesOut, error) {
			all := under(i.of(c).roles.sorted(), in.PathPrefix, func(r *Role) string { return r.Path })
			page, more, err := cut(all, func(r *Role) string { return strings.ToLower(r.Name) }, in.Paging)
			return &rolesOut{each(page, (*Role).summary), more}, err
		}, core.ReadOnly, core.On(func(c *core.Call, in *listIn) string { return listARN(c, "role", in.PathPrefix) })),
		core.Handle("UpdateRole", func(c *core.Call, in *updateRoleIn) (core.None, error) {
			_, err := i.updateRole(c, in)
			return core.None{}, err
		}, on(i, kindRole, (*updateRoleIn).name)),
		core.Handle("UpdateRoleDescription", func(c *core.Call, in *updateRoleIn) (*oneRoleOut, error) {
			r, err := i.updateRole(c, &updateRoleIn{RoleName: in.RoleName, Description: in.Description})
			if err != nil {
				return nil, err
			}
			return &oneRoleOut{r.out()}, nil
		}, on(i, kindRole, (*updateRoleIn).name)),
		core.Handle("UpdateAssumeRolePolicy", i.updateTrust, on(i, kindRole, func(in *trustIn) string { return in.RoleName })),
		core.Handle("DeleteRole", i.deleteRole, on(i, kindRole, (*roleIn).name)),
	}
}

func sessionLimit(secs *int) (time.Duration, error) {
	if secs == nil {
		return time.Hour, nil
	}
	if *secs < 3600 || *secs > 43200 {
		return 0, invalid("1 validation error detected: Value '%d' at 'maxSessionDuration' failed to satisfy constraint: Member must have value between 3600 and 43200", *secs)
	}
	return time.Duration(*secs) * time.Second, nil
}

func (i *IAM) createRole(now time.Time, a *account, in *createRoleIn) (*Role, error) {
	v := (&check{}).name("RoleName", in.RoleName, 64).path("Path", in.Path).
		required("AssumeRolePolicyDocument", in.AssumeRolePolicyDocument).text("Description", in.Description, 1000)
	limit, lerr := sessionLimit(in.MaxSessionDuration)
	tags, terr := tagSet(nil).with(in.Tags)
	if err := firstError(firstError(v.err, lerr), terr); err != nil {
		return nil, err
	}
	if strings.HasPrefix(in.Path, linkedPath) {
		return nil, invalid("The specified value for path is invalid. Paths beginning with %s are reserved for service-linked roles", linkedPath)
	}
	if a.roles.get(in.RoleName) != nil {
		return nil, exists("Role with name %s already exists.", in.RoleName)
	}
	if a.roles.len() >= maxRoles {
		return nil, overLimit("RolesPerAccount", maxRoles)
	}
	trust, err := i.parseTrust(in.AssumeRolePolicyDocument)
	if err != nil {
		return nil, err
	}
	if err := i.boundaryExists(a, in.PermissionsBoundary); err != nil {
		return nil, err
	}
	r := &Role{Holder: Holder{Kind: kindRole, Account: a.id, ID: i.id("AROA"), Name: in.RoleName, Path: cmp.Or(in.Path, "/"),
		Created: now, Tags: tags, Boundary: in.PermissionsBoundary, Inline: map[string]*inlineDoc{}},
		Description: in.Description, Trust: trust, MaxSession: limit}
	a.roles.put(r.Name, r)
	i.publishRole(now, r)
	return r, nil
}

// parseTrust reads a trust policy. When it is saved IAM turns every user and
// role it names into the unique id, so that a namesake made later is not
// trusted; what it cannot find it refuses. The text stays as it was given.
func (i *IAM) parseTrust(text string) (document, error) {
	d, err := parseDocument(text, iameval.Trust)
	if err != nil {
		return d, err
	}
	if d.size() > maxTrustSize {
		return d, overLimit("ACLSizePerRole", maxTrustSize)
	}
	resolved := text
	for _, p := range d.Policy.Principals() {
		id, ok := i.resolvePrincipal(p)
		if !ok {
			return d, core.Errorf(400, "MalformedPolicyDocument", "Invalid principal in policy: \"AWS\":%q", p)
		}
		if id != p {
			resolved = strings.ReplaceAll(resolved, `"`+p+`"`, `"`+id+`"`)
		}
	}
	d.Policy, err = iameval.Parse(resolved, iameval.Trust)
	return d, err
}

// resolvePrincipal gives the unique id of a user or role that a trust policy
// names, and what names none as it is; ok is false for what does not exist.
func (i *IAM) resolvePrincipal(p string) (id string, ok bool) {
	f := strings.SplitN(p, ":", 6)
	switch {
	case p == "*":
		return p, true
	case len(f) == 1 && len(p) == 12 && !strings.HasPrefix(p, "A"): // an account's number
		return p, i.w.Account(p) != nil
	case len(f) == 1: // a unique id is taken as it is
		return p, true
	case f[5] == "root" || f[2] == "sts": // sessions need not exist
		return p, i.w.Account(f[4]) != nil
	}
	a := i.accounts[f[4]]
	if a == nil {
		return "", false
	}
	k := kindRole
	if strings.HasPrefix(f[5], "user/") {
		k = kindUser
	}
	h, err := a.holder(k, afterLast(p))
	if err != nil || h.ARN() != p {
		return "", false
	}
	return h.ID, true
}

func (i *IAM) updateRole(c *core.Call, in *updateRoleIn) (*Role, error) {
	a := i.of(c)
	if _, err := a.modifiable(kindRole, in.RoleName); err != nil {
		return nil, err
	}
	if v := (&check{}).text("Description", in.Description, 1000); v.err != nil {
		return nil, v.err
	}
	r := a.roles.get(in.RoleName)
	if in.MaxSessionDuration != nil {
		limit, err := sessionLimit(in.MaxSessionDuration)
		if err != nil {
			return nil, err
		}
		r.MaxSession = limit
	}
	r.Description = cmp.Or(in.Description, r.Description)
	i.publishRole(c.Now, r)
	return r, nil
}

func (i *IAM) updateTrust(c *core.Call, in *trustIn) (core.None, error) {
	a := i.of(c)
	if _, err := a.modifiable(kindRole, in.RoleName); err != nil {
		return core.None{}, err
	}
	trust, err := i.parseTrust(in.PolicyDocument)
	if err != nil {
		return core.None{}, err
	}
	r := a.roles.get(in.RoleName)
	r.Trust = trust
	i.publishRole(c.Now, r)
	return core.None{}, nil
}

func (i *IAM) deleteRole(c *core.Call, in *roleIn) (core.None, error) {
	a := i.of(c)
	if _, err := a.modifiable(kindRole, in.RoleName); err != nil {
		return core.None{}, err
	}
	r := a.roles.get(in.RoleName)
	switch {
	case len(a.profilesOf(r)) > 0:
		return core.None{}, conflict("Cannot delete entity, must remove roles from instance profile first.")
	case len(r.Attached) > 0:
		return core.None{}, conflict("Cannot delete entity, must detach all policies first.")
	case len(r.Inline) > 0:
		return core.None{}, conflict("Cannot delete entity, must delete policies first.")
	}
	i.dropRole(c.Now, a, r)
	return core.None{}, nil
}

func (i *IAM) dropRole(now time.Time, a *account, r *Role) {
	a.roles.drop(r.Name)
	i.hideHolder(now, &r.Holder)
}

// RoleForService finds the role that a service is to work with, and checks that
// the role trusts the service. Errors are *core.Error; callers give them the
// code that their own API documents.
func (i *IAM) RoleForService(roleARN, service string, now time.Time) (*Role, error) {
	a := i.accounts[accountOf(roleARN)]
	if a == nil {
		return nil, notFound("The role with name %s cannot be found.", afterLast(roleARN))
	}
	r, err := a.role(afterLast(roleARN))
	if err != nil {
		return nil, err
	}
	trust, _ := i.TrustPolicy(roleARN, now)
	if r.ARN() != roleARN || trust == nil || !iameval.EvaluateTrust(trust, iameval.Request{
		Action: "sts:AssumeRole", Resource: roleARN,
		Principal: iameval.Principal{Type: iameval.TypeService, Service: service},
	}).Allowed {
		return nil, core.Errorf(400, "InvalidParameterValue", "The role %s cannot be assumed by %s.", roleARN, service)
	}
	return r, nil
}

// PassRole is the permission a caller needs to hand a role to a service.
func PassRole(roleARN, service string) core.Permission {
	return core.Permission{Action: "iam:PassRole", Resource: roleARN,
		Context: map[string][]string{"iam:PassedToService": {service}}}
}

// ServiceSession makes credentials of a role for a service that works with it,
// such as a function or an instance. name is the session's.
func (i *IAM) ServiceSession(r *Role, service, name string, now time.Time, ttl time.Duration) Credentials {
	return i.Mint(r, core.Session{Kind: SessionService, Name: name, Issued: now, Expires: now.Add(ttl), InvokedBy: service}, nil)
}

// RolePrincipal is a role as a service holds it, without credentials: for asking
// what the role may do (core.Call.Authorize).
func (i *IAM) RolePrincipal(r *Role, service, name string, now time.Time) *core.Principal {
	s := &session{Session: core.Session{Kind: SessionService, RoleID: r.ID, Name: name, Issued: now, Expires: now.Add(time.Hour), InvokedBy: service},
		account: r.Account, roleARN: r.ARN()}
	p := i.rolePrincipal(s, now)
	p.Session = &s.Session
	return p
}

// AssumableRole finds a role for STS. Right after a deletion it is the role as
// authorization still sees it; it is not found when its account is closed.
func (i *IAM) AssumableRole(arn string, now time.Time) (*Role, error) {
	v, _ := i.views.roles[arn].At(now)
	if v == nil {
		return nil, notFound("The role with name %s cannot be found.", afterLast(arn))
	}
	if a := i.w.Account(v.account); a == nil || a.Closed {
		return nil, notFound("The account %s is closed.", v.account)
	}
	return &Role{Holder: Holder{Kind: kindRole, Account: v.account, ID: v.id, Name: v.name, Path: arnPath(arn)}, MaxSession: v.maxSession}, nil
}
