package organizations

import (
	"cmp"
	"slices"
	"strings"

	"github.com/kodekloud/kml/internal/awssim/core"
)

type policyTypeOut struct{ Type, Status string }

type organizationOut struct {
	Id, Arn, FeatureSet                                   string
	MasterAccountArn, MasterAccountId, MasterAccountEmail string
	AvailablePolicyTypes                                  []policyTypeOut
}

type oneOrganizationOut struct{ Organization organizationOut }

type rootOut struct {
	Id, Arn, Name string
	PolicyTypes   []policyTypeOut
}

type rootsOut struct {
	Roots     []rootOut
	NextToken *string `json:",omitempty"`
}

type unitOut struct{ Id, Arn, Name, Path string }

type unitsOut struct {
	OrganizationalUnits []unitOut
	NextToken           *string `json:",omitempty"`
}

type parentIn struct {
	ParentId, ChildType string
	Paging
}

type childIn struct {
	ChildId string
	Paging
}

type related struct{ Id, Type string }

type parentsOut struct {
	Parents   []related
	NextToken *string `json:",omitempty"`
}

type childrenOut struct {
	Children  []related
	NextToken *string `json:",omitempty"`
}

type accountsOut struct {
	Accounts  []accountOut
	NextToken *string `json:",omitempty"`
}

func (g *organization) rootOut() rootOut {
	r := rootOut{g.root.id, g.arn("root", g.root.id), g.root.name, []policyTypeOut{}}
	if g.scpEnabled {
		r.PolicyTypes = append(r.PolicyTypes, policyTypeOut{scpType, "ENABLED"})
	}
	return r
}

func (g *organization) unitOut(n *node) unitOut {
	return unitOut{n.id, g.arn("ou", n.id), n.name, g.path(n)}
}

func (o *Organizations) treeOps() []core.Op {
	return []core.Op{
		// Every member may ask what it is a member of.
		core.Handle("DescribeOrganization", func(c *core.Call, _ *core.None) (*oneOrganizationOut, error) {
			g := o.in[c.Account.ID]
			if g == nil {
				_, err := o.managed(c)
				return nil, err
			}
			email := ""
			if a := o.w.Account(g.management); a != nil {
				email = a.Email
			}
			// AvailablePolicyTypes is what AWS says not to use; it tells all types.
			return &oneOrganizationOut{organizationOut{g.id, "arn:aws:organizations::" + g.management + ":organization/" + g.id, g.features,
				g.arn("account", g.management), g.management, email, []policyTypeOut{{scpType, "ENABLED"}}}}, nil
		}, core.ReadOnly),
		managing(o, "ListRoots", func(_ *core.Call, g *organization, _ *Paging) (*rootsOut, error) {
			return &rootsOut{Roots: []rootOut{g.rootOut()}}, nil
		}, core.ReadOnly),
		managing(o, "ListOrganizationalUnitsForParent", func(_ *core.Call, g *organization, in *parentIn) (*unitsOut, error) {
			n := g.node(in.ParentId)
			if n == nil {
				return nil, missing("ParentNotFoundException", "a parent")
			}
			page, next, err := cut(g.children(n), func(n *node) string { return n.id }, in.Paging)
			return &unitsOut{each(page, g.unitOut), next}, err
		}, core.ReadOnly),
		managing(o, "ListAccounts", func(_ *core.Call, g *organization, in *Paging) (*accountsOut, error) {
			page, next, err := cut(g.members(nil), memberKey, *in)
			return &accountsOut{each(page, g.accountOut), next}, err
		}, core.ReadOnly),
		managing(o, "ListAccountsForParent", func(_ *core.Call, g *organization, in *parentIn) (*accountsOut, error) {
			n := g.node(in.ParentId)
			if n == nil {
				return nil, missing("ParentNotFoundException", "a parent")
			}
			page, next, err := cut(g.members(n), memberKey, in.Paging)
			return &accountsOut{each(page, g.accountOut), next}, err
		}, core.ReadOnly),
		managing(o, "ListParents", o.listParents, core.ReadOnly),
		managing(o, "ListChildren", o.listChildren, core.ReadOnly),
	}
}

func memberKey(m *member) string { return m.id }

func (o *Organizations) listParents(_ *core.Call, g *organization, in *childIn) (*parentsOut, error) {
	var parent *node
	if m := g.accounts[in.ChildId]; m != nil {
		parent = m.parent
	} else if n := g.units[in.ChildId]; n != nil {
		parent = n.parent
	} else {
		return nil, missing("ChildNotFoundException", "an organizational unit or account")
	}
	kind, _ := g.kindOf(parent.id)
	return &parentsOut{Parents: []related{{parent.id, kind}}}, nil
}

func (o *Organizations) listChildren(_ *core.Call, g *organization, in *parentIn) (*childrenOut, error) {
	n := g.node(in.ParentId)
	if n == nil {
		return nil, missing("ParentNotFoundException", "a parent")
	}
	var all []related
	switch in.ChildType {
	case "ACCOUNT":
		all = each(g.members(n), func(m *member) related { return related{m.id, "ACCOUNT"} })
	case "ORGANIZATIONAL_UNIT":
		all = each(g.children(n), func(n *node) related { return related{n.id, "ORGANIZATIONAL_UNIT"} })
	default:
		return nil, invalid("INVALID_ENUM", "ChildType must be ACCOUNT or ORGANIZATIONAL_UNIT")
	}
	page, next, err := cut(all, func(r related) string { return r.Id }, in.Paging)
	return &childrenOut{append([]related{}, page...), next}, err
}

type createUnitIn struct {
	ParentId, Name string
	Tags           []tag
}

type unitIn struct{ OrganizationalUnitId, Name string }

type oneUnitOut struct{ OrganizationalUnit unitOut }

const maxDepth, maxUnits = 5, 2000

func (o *Organizations) unitOps() []core.Op {
	return []core.Op{
		managing(o, "CreateOrganizationalUnit", func(c *core.Call, g *organization, in *createUnitIn) (*oneUnitOut, error) {
			n, err := o.createUnit(c, g, in)
			if err != nil {
				return nil, err
			}
			return &oneUnitOut{g.unitOut(n)}, nil
		}),
		managing(o, "DescribeOrganizationalUnit", func(_ *core.Call, g *organization, in *unitIn) (*oneUnitOut, error) {
			n, err := g.unit(in.OrganizationalUnitId)
			if err != nil {
				return nil, err
			}
			return &oneUnitOut{g.unitOut(n)}, nil
		}, core.ReadOnly),
		managing(o, "UpdateOrganizationalUnit", func(_ *core.Call, g *organization, in *unitIn) (*oneUnitOut, error) {
			n, err := g.unit(in.OrganizationalUnitId)
			if err != nil {
				return nil, err
			}
			if err := g.freeName(n.parent, in.Name, n); err != nil {
				return nil, err
			}
			n.name = cmp.Or(in.Name, n.name)
			return &oneUnitOut{g.unitOut(n)}, nil
		}),
		managing(o, "DeleteOrganizationalUnit", func(_ *core.Call, g *organization, in *unitIn) (core.None, error) {
			n, err := g.unit(in.OrganizationalUnitId)
			if err != nil {
				return core.None{}, err
			}
			if len(g.children(n)) > 0 || len(g.members(n)) > 0 {
				return core.None{}, core.Errorf(400, "OrganizationalUnitNotEmptyException", "The specified OU is not empty. Move all accounts to another root or to other OUs, remove all child OUs, and try the operation again.")
			}
			delete(g.units, n.id)
			return core.None{}, nil
		}),
	}
}

func (g *organization) unit(id string) (*node, error) {
	if n := g.units[id]; n != nil {
		return n, nil
	}
	return nil, missing("OrganizationalUnitNotFoundException", "an OU")
}

func (g *organization) freeName(parent *node, name string, except *node) error {
	if slices.ContainsFunc(g.children(parent), func(n *node) bool { return n != except && strings.EqualFold(n.name, name) }) {
		return core.Errorf(400, "DuplicateOrganizationalUnitException", "An OU with the same name already exists.")
	}
	return nil
}

func (o *Organizations) createUnit(c *core.Call, g *organization, in *createUnitIn) (*node, error) {
	parent := g.node(in.ParentId)
	switch {
	case parent == nil:
		return nil, missing("ParentNotFoundException", "a parent")
	case in.Name == "" || len(in.Name) > 128:
		return nil, invalid("MIN_LENGTH_EXCEEDED", "Name must have 1 to 128 characters")
	case parent.depth() >= maxDepth:
		return nil, violation("OU_DEPTH_LIMIT_EXCEEDED", "An OU tree may be %d levels deep", maxDepth)
	case len(g.units) >= maxUnits:
		return nil, violation("OU_NUMBER_LIMIT_EXCEEDED", "You have exceeded the allowed number of OUs")
	}
	if err := g.freeName(parent, in.Name, nil); err != nil {
		return nil, err
	}
	n := &node{target: target{id: "ou-" + strings.TrimPrefix(g.root.id, "r-") + "-" + o.lower(8), name: in.Name, tags: in.Tags}, parent: parent}
	g.units[n.id] = n
	o.giveFullAccess(g, &n.target, c.Now)
	return n, nil
}
