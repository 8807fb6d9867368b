package organizations

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/kodekloud/kml/internal/awssim/core"
	"github.com/kodekloud/kml/internal/awssim/iameval"
)

const scpType = "SERVICE_CONTROL_POLICY"

// organization is one tree of accounts.
type organization struct {
	id, management string
	features       string // ALL
	root           *node
	units          map[string]*node // by id, without the root
	accounts       map[string]*member
	scps           map[string]*scp
	scpEnabled     bool
	enforced       core.Lagged[bool] // scpEnabled as authorization sees it
	requests       map[string]*creation
	creating       []*creation // those on their way
	closures       []*member   // closings on their way
	closed         []time.Time
}

// target is what policies are attached to: the root, a unit, or an account.
type target struct {
	id, name string
	attached []*scp
	seen     core.Lagged[[]*scp] // attached as authorization sees it
	tags     []tag
}

// policies gives the policies of a target as authorization sees them.
func (t *target) policies(now time.Time) []*iameval.Policy {
	all, _ := t.seen.At(now)
	out := make([]*iameval.Policy, 0, len(all))
	for _, p := range all {
		if doc, ok := p.seen.At(now); ok {
			out = append(out, doc)
		}
	}
	return out
}

// node is the root or an organizational unit.
type node struct {
	target
	parent *node // nil for the root
}

// member is an account in an organization.
type member struct {
	target
	account *core.Account
	parent  *node
	place   core.Lagged[*node] // parent as authorization sees it
	method  string             // CREATED, INVITED
	joined  time.Time
	state   string // ACTIVE, PENDING_CLOSURE, SUSPENDED
	until   time.Time
}

// scp is a service control policy.
type scp struct {
	id, name, description, content string
	aws                            bool
	arn                            string
	seen                           core.Lagged[*iameval.Policy]
	tags                           []tag
}

const fullAccess = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`

const fullAccessID = "p-FullAWSAccess"

func (g *organization) arn(kind, id string) string {
	return "arn:aws:organizations::" + g.management + ":" + kind + "/" + g.id + "/" + id
}

func (g *organization) node(id string) *node {
	if id == g.root.id {
		return g.root
	}
	return g.units[id]
}

// target finds the root, a unit or an account by id.
func (g *organization) target(id string) *target {
	if n := g.node(id); n != nil {
		return &n.target
	}
	if m := g.accounts[id]; m != nil {
		return &m.target
	}
	return nil
}

// kindOf names the kind of a target as the API does, and its ARN.
func (g *organization) kindOf(id string) (kind, arn string) {
	switch {
	case id == g.root.id:
		return "ROOT", g.arn("root", id)
	case g.units[id] != nil:
		return "ORGANIZATIONAL_UNIT", g.arn("ou", id)
	}
	return "ACCOUNT", g.arn("account", id)
}

// path gives the ids from the organization down to a node: o-1/r-1/ou-1/.
func (g *organization) path(n *node) string {
	if n == nil {
		return g.id + "/"
	}
	return g.path(n.parent) + n.id + "/"
}

func (g *organization) children(n *node) []*node {
	var out []*node
	for _, id := range slices.Sorted(maps.Keys(g.units)) {
		if g.units[id].parent == n {
			out = append(out, g.units[id])
		}
	}
	return out
}

// members gives the accounts under a node, or all if n is nil, by id.
func (g *organization) members(n *node) []*member {
	var out []*member
	for _, m := range g.accounts {
		if n == nil || m.parent == n {
			out = append(out, m)
		}
	}
	slices.SortFunc(out, func(a, b *member) int { return strings.Compare(a.id, b.id) })
	return out
}

func (n *node) depth() int {
	if n.parent == nil {
		return 0
	}
	return n.parent.depth() + 1
}

func (o *Organizations) setPolicies(t *target, now time.Time, attached []*scp) {
	t.attached = attached
	t.seen.Set(now, o.effective(now), slices.Clone(attached))
}

func (o *Organizations) setPlace(m *member, now time.Time, n *node) {
	m.parent = n
	m.place.Set(now, o.effective(now), n)
}

// lower gives n characters of a lower-case id.
func (o *Organizations) lower(n int) string { return strings.ToLower(o.w.Base32(n)) }

// accountID gives a number that no account of the world has.
func (o *Organizations) accountID() string {
	for {
		id := fmt.Sprintf("%012d", 100_000_000_000+int64(o.w.Float()*899_999_999_999))
		if o.w.Account(id) == nil {
			return id
		}
	}
}

func violation(reason, format string, args ...any) error {
	e := core.Errorf(400, "ConstraintViolationException", format, args...)
	e.Extra = map[string]any{"Reason": reason}
	return e
}

func invalid(reason, format string, args ...any) error {
	e := core.Errorf(400, "InvalidInputException", format, args...)
	e.Extra = map[string]any{"Reason": reason}
	return e
}

func missing(code, what string) error {
	return core.Errorf(400, code, "You specified %s that doesn't exist.", cmp.Or(what, "something"))
}
