package iameval

import "strings"

// Types of policy as AWS's messages call them.
const (
	typeIdentity = "identity-based policy"
	typeBoundary = "permissions boundary"
	typeSession  = "session policy"
	typeSCP      = "service control policy"
	typeResource = "resource-based policy"
	typeTrust    = "role trust policy"
)

// Decision is the outcome of an evaluation.
type Decision struct {
	Allowed  bool
	Explicit bool // denied by a Deny statement, not for want of an Allow
	// By is the type of policy that decided, in AWS's words: "identity-based
	// policy", "permissions boundary", "session policy", "service control
	// policy", "resource-based policy", "role trust policy". "" for a root
	// user, whom no policy has to allow.
	By string
	// ByARN and Statement name the policy and the statement (its Sid, else its
	// index) that decided. Both are empty when the denial is for want of an
	// Allow, ByARN also for inline policies.
	ByARN     string
	Statement string
	// Grant says how closely the resource's policy names the caller.
	Grant Grant
	// Matched are the statements the outcome rests on, one per type of policy:
	// the denying one, or those that allow. Nothing for an implicit deny.
	Matched []Match

	crossAccount bool
}

// Match is a statement that had a say in a decision.
type Match struct {
	By        string // the type of policy, as in Decision
	ARN, Name string // as in Attached
	Statement string // Sid, else index
}

func (m Match) found() bool { return m.By != "" }

// Message is AWS's text for a denial, "" when the request is allowed. The
// resource is left out where the action has none. The denying policy's ARN is
// told only within one account, and only for an explicit deny.
func (d Decision) Message(req Request) string {
	if d.Allowed {
		return ""
	}
	var text strings.Builder
	text.WriteString("User: " + caller(&req.Principal) + " is not authorized to perform: " + req.Action)
	if req.Resource != "" && req.Resource != "*" {
		text.WriteString(" on resource: " + req.Resource)
	}
	if !d.Explicit {
		text.WriteString(" because no " + d.By + " allows the " + req.Action + " action")
		return text.String()
	}
	text.WriteString(" with an explicit deny in " + article(d.By) + d.By)
	if d.ByARN != "" && !d.crossAccount && d.By != typeResource && d.By != typeTrust {
		text.WriteString(": " + d.ByARN)
	}
	return text.String()
}

func caller(p *Principal) string {
	for _, name := range []string{p.ARN, p.Service, p.Provider} {
		if name != "" {
			return name
		}
	}
	return "anonymous"
}

func article(policyType string) string {
	switch policyType {
	case typeIdentity:
		return "an "
	case typeTrust:
		return "the "
	}
	return "a "
}
