package iam

import (
	"maps"
	"strings"
	"time"

	"github.com/kodekloud/kml/internal/awssim/core"
	"github.com/kodekloud/kml/internal/awssim/iameval"
)

var _ core.Directory = (*IAM)(nil)

func badToken() *core.Error {
	return core.Errorf(403, "InvalidClientTokenId", "The security token included in the request is invalid.")
}

// Lookup finds the secret of an access key and whose it is.
func (i *IAM) Lookup(accessKeyID, sessionToken string, now time.Time) (string, *core.Principal, error) {
	if strings.HasPrefix(accessKeyID, "ASIA") {
		return i.lookupSession(accessKeyID, sessionToken, now)
	}
	k, _ := i.views.keys[accessKeyID].At(now)
	if k == nil {
		return "", nil, badToken()
	}
	p, err := i.principal(k.account, k.userID, now)
	if err != nil {
		return "", nil, err
	}
	p.AccessKeyID = accessKeyID
	return k.secret, p, nil
}

// principal is a user, or the root user if userID is "".
func (i *IAM) principal(account, userID string, now time.Time) (*core.Principal, error) {
	if userID == "" {
		return &core.Principal{Principal: iameval.Principal{
			ARN: rootARN(account), Account: account, UserID: account, Type: iameval.TypeRoot}}, nil
	}
	u, _ := i.views.holders[userID].At(now)
	if u == nil {
		return nil, badToken()
	}
	return &core.Principal{Principal: iameval.Principal{
		ARN: u.arn, Account: account, UserID: u.id, UserName: u.name, Type: iameval.TypeUser, Tags: u.tags}}, nil
}

func (i *IAM) lookupSession(accessKeyID, token string, now time.Time) (string, *core.Principal, error) {
	s := i.sessions.m[accessKeyID]
	if tokenExpired(accessKeyID, token, now) && (s == nil || s.token == token) {
		return "", nil, core.Errorf(403, "ExpiredTokenException", "The security token included in the request is expired")
	}
	if s == nil || s.token != token {
		return "", nil, badToken()
	}
	p, err := i.sessionPrincipal(s, now)
	if err != nil {
		return "", nil, err
	}
	p.AccessKeyID, p.SessionToken, p.Session = accessKeyID, token, &s.Session
	return s.secret, p, nil
}

func (i *IAM) sessionPrincipal(s *session, now time.Time) (*core.Principal, error) {
	if s.RoleID != "" {
		return i.rolePrincipal(s, now), nil
	}
	p, err := i.principal(s.account, s.userID, now)
	if err != nil || s.Kind != SessionFederation {
		return p, err
	}
	return &core.Principal{Principal: iameval.Principal{
		ARN: "arn:aws:sts::" + s.account + ":federated-user/" + s.Name, UserARN: p.ARN, Account: s.account,
		UserID: s.account + ":" + s.Name, Type: iameval.TypeFederatedUser, Tags: s.Tags}}, nil
}

func (i *IAM) rolePrincipal(s *session, now time.Time) *core.Principal {
	return &core.Principal{Principal: iameval.Principal{
		ARN: "arn:aws:sts::" + s.account + ":assumed-role/" + afterLast(s.roleARN) + "/" + s.Name, RoleARN: s.roleARN,
		Account: s.account, UserID: s.RoleID + ":" + s.Name, Type: iameval.TypeAssumedRole,
		Tags: i.roleSessionTags(s, now)}}
}

// roleSessionTags: tags of the session override the role's.
func (i *IAM) roleSessionTags(s *session, now time.Time) map[string]string {
	r, _ := i.views.holders[s.RoleID].At(now)
	if r == nil || len(s.Tags) == 0 {
		if r == nil {
			return s.Tags
		}
		return r.tags
	}
	tags := maps.Clone(r.tags)
	if tags == nil {
		tags = map[string]string{}
	}
	maps.Copy(tags, s.Tags)
	return tags
}

// nothing denies everything: what binds a principal that is gone, so that no
// resource policy revives it.
var nothing = mustParse(`{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"*","Resource":"*"}]}`)

// Sessions that a user or root made of itself may call neither IAM (without
// MFA) nor, a few calls aside, STS ("Compare AWS STS credentials").
var (
	sessionTokenLimits = mustParse(`{"Version":"2012-10-17","Statement":[
		{"Effect":"Allow","Action":"*","Resource":"*"},
		{"Effect":"Deny","Action":"iam:*","Resource":"*","Condition":{"BoolIfExists":{"aws:MultiFactorAuthPresent":"false"}}},
		{"Effect":"Deny","Action":["sts:GetSessionToken","sts:GetFederationToken","sts:GetAccessKeyInfo"],"Resource":"*"}]}`)
	federationLimits = mustParse(`{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":["iam:*","sts:*"],"Resource":"*"}]}`)
)

func mustParse(doc string) *iameval.Policy {
	p, err := iameval.Parse(doc, iameval.Identity)
	if err != nil {
		panic("awssim/iam: built-in policy: " + err.Error())
	}
	return p
}

// ManagedExists reports whether a policy may be given by ARN to a session of an
// account: one of its own or of AWS.
func (i *IAM) ManagedExists(accountID, arn string) bool {
	_, err := i.account(accountID).policy(arn)
	return err == nil
}

// Policies gives what binds a principal now: looked up, never remembered, so
// that a change of a policy acts on every live session.
func (i *IAM) Policies(p *core.Principal, now time.Time) iameval.Policies {
	var out iameval.Policies
	id, own := p.UserID, p.Session
	if own != nil {
		out.Session, out.HasSession = i.sessionPolicies(own.Policies, now), own.HasPolicy
		id = own.RoleID
		if id == "" {
			if s := i.sessions.m[p.AccessKeyID]; s != nil {
				id = s.userID
			}
			out = limitOwnSession(out, own.Kind)
		}
	}
	if id == "" || p.Type == iameval.TypeRoot {
		return out // the root user
	}
	h, _ := i.views.holders[id].At(now)
	if h == nil {
		return iameval.Policies{Identity: []iameval.Attached{{Policy: nothing}}}
	}
	out.Identity = i.identityPolicies(nil, h, now)
	for _, g := range h.groups {
		if v, _ := i.views.holders[g].At(now); v != nil {
			out.Identity = i.identityPolicies(out.Identity, v, now)
		}
	}
	if h.boundary != "" {
		out.HasBoundary = true
		if pol := i.managed(h.boundary, now); pol != nil {
			out.Boundary = &iameval.Attached{ARN: h.boundary, Name: afterLast(h.boundary), Policy: pol}
		}
	}
	return out
}

// sessionPolicies resolves managed session policies, which are kept by ARN.
func (i *IAM) sessionPolicies(kept []iameval.Attached, now time.Time) []iameval.Attached {
	out := make([]iameval.Attached, 0, len(kept))
	for _, a := range kept {
		if a.ARN != "" {
			a.Policy = i.managed(a.ARN, now)
		}
		if a.Policy != nil {
			out = append(out, a)
		}
	}
	return out
}

func limitOwnSession(out iameval.Policies, kind string) iameval.Policies {
	switch kind {
	case SessionToken:
		out.Session, out.HasSession = []iameval.Attached{{Policy: sessionTokenLimits}}, true
	case SessionFederation:
		out.Session = append(out.Session, iameval.Attached{Policy: federationLimits})
		out.HasSession = true
	}
	return out
}

func (i *IAM) identityPolicies(to []iameval.Attached, h *holderView, now time.Time) []iameval.Attached {
	to = append(to, h.inline...)
	for _, arn := range h.attached {
		if pol := i.managed(arn, now); pol != nil {
			to = append(to, iameval.Attached{ARN: arn, Name: afterLast(arn), Policy: pol})
		}
	}
	return to
}

// managed gives the default version of a managed policy as authorization sees it.
func (i *IAM) managed(arn string, now time.Time) *iameval.Policy {
	if p := awsPolicy(arn); p != nil {
		return p.version(p.Default).Policy
	}
	pol, _ := i.views.policies[arn].At(now)
	return pol
}

// TrustPolicy gives a role's trust policy as authorization sees it now, and its
// account; nil when there is no such role.
func (i *IAM) TrustPolicy(roleARN string, now time.Time) (*iameval.Policy, string) {
	r, _ := i.views.roles[roleARN].At(now)
	if r == nil {
		return nil, accountOf(roleARN)
	}
	return r.trust, r.account
}

func rootARN(account string) string { return "arn:aws:iam::" + account + ":root" }

func afterLast(s string) string { return s[strings.LastIndexByte(s, '/')+1:] }

func accountOf(arn string) string {
	if f := strings.SplitN(arn, ":", 6); len(f) == 6 {
		return f[4]
	}
	return ""
}
