package iameval

// Attached is a policy as it hangs on something. ARN is "" for inline policies.
type Attached struct {
	ARN, Name string
	Policy    *Policy
}

// statements are the policy's; an attachment without a policy allows nothing.
func (a *Attached) statements() []statement {
	if a.Policy == nil {
		return nil
	}
	return a.Policy.statements
}

// Policies are all the policies that bear on one request.
type Policies struct {
	// SCPs has one entry per level of the caller's organization, the root
	// first, the account last; each level must allow. nil: the account is in no
	// organization or is the management account.
	SCPs [][]*Policy
	// Identity are the caller's own policies: a user's with those of its
	// groups, a role's, or of the user that made a federated session.
	Identity []Attached
	// Boundary is the permissions boundary of the user or role, nil for none.
	// HasBoundary says that there is one even if its policy cannot be found:
	// then nothing is allowed.
	Boundary    *Attached
	HasBoundary bool
	// Session are the policies given when the session was made. Any one of
	// them may allow. HasSession says that the session has policies even if
	// the list is empty.
	Session    []Attached
	HasSession bool
	// Resource is the policy of the resource, nil for none. A role's trust
	// policy is one.
	Resource *Attached
	// ResourceAccount owns the resource; "" means the caller's account.
	ResourceAccount string
	// ResourceMustAllow marks resources that identity policies alone cannot
	// open: roles to be assumed, and KMS keys.
	ResourceMustAllow bool
}

// Evaluate decides a request. The order is that of the "Policy evaluation
// logic" pages: an explicit deny anywhere, then SCPs, the resource's policy,
// identity policies, the boundary, session policies.
func Evaluate(req Request, p Policies) Decision {
	r := newRequest(&req)
	e := evaluation{r: r, p: &p}
	e.d.crossAccount = r.kind.hasAccount() && p.ResourceAccount != "" && p.ResourceAccount != req.Principal.Account
	e.scan()
	if e.d.Explicit {
		return e.d
	}
	if !r.kind.hasAccount() {
		return e.decideOutsider()
	}
	return e.decide()
}

// EvaluateTrust decides whether a role's trust policy by itself lets the caller
// in. Grant says how: when it is GrantAccount the caller's identity policies
// must allow sts:AssumeRole too, as they must for a caller of another account.
// Evaluate does both sides at once, with the trust policy as Resource and
// ResourceMustAllow set.
func EvaluateTrust(trust *Policy, req Request) Decision {
	e := evaluation{r: newRequest(&req), p: &Policies{Resource: &Attached{Policy: trust}}}
	e.scanResource()
	switch {
	case e.d.Explicit:
		return e.d
	case e.d.Grant == GrantNone:
		return e.refuse(e.resourceType())
	}
	return e.allow(e.resource)
}

// evaluation is one request being decided.
type evaluation struct {
	r *request
	p *Policies
	d Decision

	// What the scan found, by type of policy.
	scpAllows bool
	resource  Match
	identity  Match
	boundary  Match
	session   Match
}

// scan goes through every policy that applies, once: it stops at an explicit
// deny, which settles the matter, and remembers what allows.
func (e *evaluation) scan() {
	own := e.r.kind.hasAccount()
	bound := own && !e.r.Principal.serviceLinked()
	e.scpAllows = true
	if bound {
		if e.scanSCPs() {
			return
		}
	}
	if e.scanResource() || !own {
		return
	}
	if e.scanAll(typeIdentity, e.p.Identity, &e.identity) {
		return
	}
	if bound && e.p.Boundary != nil && e.scanOne(typeBoundary, e.p.Boundary, &e.boundary) {
		return
	}
	e.scanAll(typeSession, e.p.Session, &e.session)
}

// scanSCPs goes through the levels of the organization, each of which must
// allow.
func (e *evaluation) scanSCPs() (denied bool) {
	for _, level := range e.p.SCPs {
		var allow Match
		for _, scp := range level {
			if scp != nil && e.scanOne(typeSCP, &Attached{scp.arn, scp.name, scp}, &allow) {
				return true
			}
		}
		e.scpAllows = e.scpAllows && allow.found()
	}
	return false
}

func (e *evaluation) scanAll(typ string, policies []Attached, allow *Match) (denied bool) {
	for i := range policies {
		if e.scanOne(typ, &policies[i], allow) {
			return true
		}
	}
	return false
}

// scanOne reports an explicit deny in a policy and notes its first allow.
func (e *evaluation) scanOne(typ string, a *Attached, allow *Match) (denied bool) {
	statements := a.statements()
	for i := range statements {
		s := &statements[i]
		if !s.deny && allow.found() || !s.applies(e.r) {
			continue
		}
		if s.deny {
			return e.deny(typ, a, s)
		}
		*allow = Match{typ, a.ARN, a.Name, s.id}
	}
	return false
}

// scanResource is scanOne for the resource's policy, whose statements name
// principals: it keeps the allow that names the caller most closely.
func (e *evaluation) scanResource() (denied bool) {
	a := e.p.Resource
	if a == nil {
		return false
	}
	statements := a.statements()
	for i := range statements {
		s := &statements[i]
		grant := s.grant(e.r)
		if grant == GrantNone || !s.deny && grant <= e.d.Grant || !s.applies(e.r) {
			continue
		}
		if s.deny {
			return e.deny(e.resourceType(), a, s)
		}
		e.d.Grant = grant
		e.resource = Match{e.resourceType(), a.ARN, a.Name, s.id}
	}
	return false
}

// grant returns how closely a resource policy's statement names the caller.
func (s *statement) grant(r *request) Grant {
	switch {
	case s.principals == nil:
		return GrantNone
	case !s.notPrincipals:
		return s.principals.grant(r)
	case s.principals.excepts(r, s.deny):
		return GrantNone
	}
	return GrantDirect
}

// decideOutsider decides for callers without policies of their own: AWS
// services, people of an identity provider and anonymous callers.
func (e *evaluation) decideOutsider() Decision {
	if e.d.Grant == GrantNone {
		return e.refuse(e.resourceType())
	}
	return e.allow(e.resource)
}

// decide settles what no explicit deny has settled.
func (e *evaluation) decide() Decision {
	d := &e.d
	if !e.scpAllows {
		return e.refuse(typeSCP)
	}
	if e.p.ResourceMustAllow && d.Grant == GrantNone {
		return e.refuse(e.resourceType())
	}
	if !d.crossAccount && d.Grant == GrantDirect {
		return e.allow(e.resource)
	}
	by := e.identity
	switch {
	case by.found(), e.r.kind == kindRoot: // root needs no policy
	case !d.crossAccount && d.Grant == GrantEntity:
		by = e.resource
	default:
		return e.refuse(typeIdentity)
	}
	bounded := (e.p.Boundary != nil || e.p.HasBoundary) && !e.r.Principal.serviceLinked()
	if bounded && !e.boundary.found() {
		return e.refuse(typeBoundary)
	}
	if e.sessionLimited() && !e.session.found() {
		return e.refuse(typeSession)
	}
	if d.crossAccount && d.Grant == GrantNone {
		return e.refuse(e.resourceType())
	}
	return e.allow(by)
}

// sessionLimited reports whether session policies must allow. A federated
// session without any may do nothing, a role session everything the role may.
func (e *evaluation) sessionLimited() bool {
	return e.p.HasSession || len(e.p.Session) > 0 || e.r.kind == kindFederatedUser
}

func (e *evaluation) resourceType() string {
	if e.p.Resource != nil && e.p.Resource.Policy != nil && e.p.Resource.Policy.kind == Trust {
		return typeTrust
	}
	return typeResource
}

func (e *evaluation) deny(typ string, a *Attached, s *statement) bool {
	e.d.Explicit, e.d.Grant = true, GrantNone
	e.d.By, e.d.ByARN, e.d.Statement = typ, a.ARN, s.id
	e.d.Matched = []Match{{typ, a.ARN, a.Name, s.id}}
	return true
}

func (e *evaluation) refuse(typ string) Decision {
	e.d.By = typ
	return e.d
}

func (e *evaluation) allow(by Match) Decision {
	e.d.Allowed = true
	e.d.By, e.d.ByARN, e.d.Statement = by.By, by.ARN, by.Statement
	for _, m := range [...]Match{e.resource, e.identity, e.boundary, e.session} {
		if m.found() {
			e.d.Matched = append(e.d.Matched, m)
		}
	}
	return e.d
}
