package iam

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/kodekloud/kml/internal/awssim/core"
	"github.com/kodekloud/kml/internal/awssim/iameval"
)

// kind is one of the three things that policies are attached to.
type kind string

const (
	kindUser  kind = "user"
	kindGroup kind = "group"
	kindRole  kind = "role"
)

// Holder is what users, groups and roles have in common: a name and policies.
type Holder struct {
	Kind     kind
	Account  string
	ID       string // AIDA…, AGPA…, AROA…
	Name     string
	Path     string // "/" or "/a/b/"
	Created  time.Time
	Tags     tagSet
	Boundary string                // ARN of the permissions boundary
	Attached []string              // ARNs of managed policies, in order
	Inline   map[string]*inlineDoc // by policy name
}

type inlineDoc struct {
	Name string
	document
}

// ARN names the holder: arn:aws:iam::123456789012:role/path/name.
func (h *Holder) ARN() string { return entityARN(h.Account, string(h.Kind), h.Path, h.Name) }

func (h *Holder) inlineNames() []string { return slices.Sorted(maps.Keys(h.Inline)) }

// User is an IAM user.
type User struct {
	Holder
	PasswordLastUsed time.Time
	Keys             []*Key
	Login            *login
	SSH              []*sshKey
	Certificates     []*signingCertificate
	ServiceCreds     []*serviceCredential
	groups           map[string]*Group // by id
}

// Group is an IAM group.
type Group struct {
	Holder
	members map[string]*User // by id
}

// Role is an IAM role.
type Role struct {
	Holder
	Description string
	Trust       document
	MaxSession  time.Duration
	LinkedTo    string // service of a service-linked role
	LastUsed    time.Time
	LastRegion  string
	deletion    *deletionTask
	// byOrganization marks the role that an organization made with the account.
	byOrganization bool
}

// Key is a long-term access key.
type Key struct {
	ID, Secret  string
	User        *User // nil for the root user's
	Active      bool
	Created     time.Time
	LastUsed    time.Time
	LastService string
	LastRegion  string
}

// Policy is a managed policy, of the account or of AWS.
type Policy struct {
	Account     string // "aws" for AWS's own
	ID          string
	Name, Path  string
	Description string
	Created     time.Time
	Updated     time.Time
	Tags        tagSet
	Versions    []*version // oldest first
	Default     string     // "v1"
	last        int        // number of the newest version ever made
}

// ARN names the policy.
func (p *Policy) ARN() string { return entityARN(p.Account, "policy", p.Path, p.Name) }

func (p *Policy) version(id string) *version {
	for _, v := range p.Versions {
		if v.ID == id {
			return v
		}
	}
	return nil
}

type version struct {
	ID      string
	Number  int
	Created time.Time
	document
}

// profile is an instance profile.
type profile struct {
	Account, ID, Name, Path string
	Created                 time.Time
	Tags                    tagSet
	Role                    *Role
}

func (p *profile) ARN() string { return entityARN(p.Account, "instance-profile", p.Path, p.Name) }

// account is the IAM state of one account.
type account struct {
	id       string
	users    table[User]
	groups   table[Group]
	roles    table[Role]
	policies table[Policy]
	profiles table[profile]
	mfa      table[mfaDevice] // by serial number
	saml     table[samlProvider]
	oidc     table[oidcProvider] // by URL without scheme
	certs    table[serverCertificate]
	rootKeys []*Key
	alias    string
	password *passwordPolicy
	tasks    map[string]*deletionTask // of service-linked roles, by id
}

// table holds things by name without regard to case.
type table[T any] struct{ m map[string]*T }

func (t *table[T]) get(name string) *T { return t.m[strings.ToLower(name)] }
func (t *table[T]) drop(name string)   { delete(t.m, strings.ToLower(name)) }
func (t *table[T]) len() int           { return len(t.m) }

func (t *table[T]) put(name string, v *T) {
	if t.m == nil {
		t.m = map[string]*T{}
	}
	t.m[strings.ToLower(name)] = v
}

// sorted gives everything by folded name.
func (t *table[T]) sorted() []*T {
	out := make([]*T, 0, len(t.m))
	for _, k := range slices.Sorted(maps.Keys(t.m)) {
		out = append(out, t.m[k])
	}
	return out
}

// document is a policy document as it was given and as it is evaluated.
type document struct {
	Text   string
	Policy *iameval.Policy
}

// size counts the characters that quotas count: all but white space.
func (d document) size() int { return documentSize(d.Text) }

func documentSize(text string) int {
	n := 0
	for _, r := range text {
		if r != ' ' && r != '\t' && r != '\n' && r != '\r' {
			n++
		}
	}
	return n
}

func parseDocument(text string, k iameval.Kind) (document, error) {
	p, err := iameval.Parse(text, k)
	if err != nil {
		return document{}, core.Errorf(400, "MalformedPolicyDocument", "%v", err)
	}
	return document{text, p}, nil
}

func entityARN(account, typ, path, name string) string {
	return "arn:aws:iam::" + account + ":" + typ + cmp.Or(path, "/") + name
}
