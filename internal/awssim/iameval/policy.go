package iameval

import "slices"

// Kind says where a document is attached, which decides the elements it must
// and must not have.
type Kind int

const (
	// Identity is a policy of a user, group or role, a permissions boundary or
	// a session policy.
	Identity Kind = iota
	// Resource is a policy of a bucket, queue, key or other resource.
	Resource
	// Trust is the assume-role policy of a role.
	Trust
	// SCP is a service control policy of an organization.
	SCP
)

// Policy is a parsed document. It is never changed by evaluation.
type Policy struct {
	kind       Kind
	statements []statement
	arn, name  string
}

// Kind returns the kind the policy was parsed as.
func (p *Policy) Kind() Kind { return p.kind }

// Named returns the policy with an ARN and a name, which decisions then tell.
// SCPs need it; other policies are named by their Attached.
func (p *Policy) Named(arn, name string) *Policy {
	named := *p
	named.arn, named.name = arn, name
	return &named
}

// statement is one compiled Statement.
type statement struct {
	id            string // the Sid, or the statement's index when it has none
	deny          bool
	actions       []pattern // lower case
	notActions    bool
	resources     []pattern // empty in a trust policy: applies to the role itself
	notResources  bool
	principals    *principals // nil where the kind has no Principal
	notPrincipals bool
	conditions    []condition // all must hold
}

// applies reports whether everything but the Principal element covers the
// request.
func (s *statement) applies(r *request) bool {
	if matchAny(s.actions, r.action, r) == s.notActions {
		return false
	}
	if s.resources != nil && matchAny(s.resources, r.Resource, r) == s.notResources {
		return false
	}
	for i := range s.conditions {
		if !s.conditions[i].holds(r) {
			return false
		}
	}
	return true
}

// Principals lists the AWS principals a document names, in order and as
// written: account ids, ARNs, "*". IAM refuses a trust policy that names a user
// or role that does not exist, and this is what it has to look up.
func (p *Policy) Principals() []string {
	var names []string
	for i := range p.statements {
		if named := p.statements[i].principals; named != nil {
			names = append(names, named.written...)
		}
	}
	return slices.Clip(names)
}
