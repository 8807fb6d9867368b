package ec2

import (
	"slices"
	"sort"

	"github.com/kodekloud/kml/internal/awssim/core"
)

// NetworkAcl is a stateless filter of subnets.
type NetworkAcl struct {
	NetworkAclId string                  `xml:"networkAclId"`
	VpcId        string                  `xml:"vpcId"`
	OwnerId      string                  `xml:"ownerId"`
	IsDefault    bool                    `xml:"default"`
	Entries      []NetworkAclEntry       `xml:"entrySet>item"`
	Associations []NetworkAclAssociation `xml:"associationSet>item"`
	Meta
}

// NetworkAclEntry is one numbered rule.
type NetworkAclEntry struct {
	RuleNumber    int           `xml:"ruleNumber"`
	Protocol      string        `xml:"protocol"`
	RuleAction    string        `xml:"ruleAction"`
	Egress        bool          `xml:"egress"`
	CidrBlock     string        `xml:"cidrBlock,omitempty"`
	Ipv6CidrBlock string        `xml:"ipv6CidrBlock,omitempty"`
	Icmp          *IcmpTypeCode `xml:"icmpTypeCode"`
	PortRange     *PortRange    `xml:"portRange"`
}

// IcmpTypeCode says which ICMP messages an entry is for.
type IcmpTypeCode struct {
	Code int `xml:"code"`
	Type int `xml:"type"`
}

// PortRange is a range of ports, both ends included.
type PortRange struct {
	From int `xml:"from"`
	To   int `xml:"to"`
}

// NetworkAclAssociation binds a subnet; every subnet has exactly one.
type NetworkAclAssociation struct {
	NetworkAclAssociationId string `xml:"networkAclAssociationId"`
	NetworkAclId            string `xml:"networkAclId"`
	SubnetId                string `xml:"subnetId"`
}

var networkAclKind = &kind{
	name: "network-acl", prefix: "acl", noun: "networkAcl", notFound: "InvalidNetworkAclID.NotFound", malformed: "InvalidNetworkAclId.Malformed",
	trail: "AWS::EC2::NetworkAcl",
	filters: filters{
		"network-acl-id": "NetworkAclId", "vpc-id": "VpcId", "owner-id": "OwnerId", "default": "IsDefault",
		"association.subnet-id": "Associations.SubnetId", "association.network-acl-id": "Associations.NetworkAclId",
		"association.association-id": "Associations.NetworkAclAssociationId",
		"entry.cidr":                 "Entries.CidrBlock", "entry.rule-number": "Entries.RuleNumber",
		"entry.rule-action": "Entries.RuleAction", "entry.protocol": "Entries.Protocol", "entry.egress": "Entries.Egress",
	},
}

func (*NetworkAcl) kind() *kind { return networkAclKind }

func (s *Service) networkAclOps() []core.Op {
	return []core.Op{
		op(s, "CreateNetworkAcl", createNetworkAcl, creates((*NetworkAcl)(nil))),
		op(s, "DescribeNetworkAcls", describeNetworkAcls, read),
		op(s, "DeleteNetworkAcl", deleteNetworkAcl),
		op(s, "CreateNetworkAclEntry", createNetworkAclEntry),
		op(s, "ReplaceNetworkAclEntry", replaceNetworkAclEntry),
		op(s, "DeleteNetworkAclEntry", deleteNetworkAclEntry),
		op(s, "ReplaceNetworkAclAssociation", replaceNetworkAclAssociation),
	}
}

// lastRule is the number of the rule that denies the rest; it cannot be changed.
const lastRule = 32767

// newNetworkAcl makes an ACL: the default one lets everything pass, others nothing.
func (st *state) newNetworkAcl(v *Vpc, tags []Tag, byDefault bool) *NetworkAcl {
	a := &NetworkAcl{VpcId: v.VpcId, OwnerId: st.account, IsDefault: byDefault, Entries: factoryEntries(byDefault)}
	a.NetworkAclId = st.newID(a)
	st.add(a, a.NetworkAclId, tags)
	return a
}

func factoryEntries(byDefault bool) []NetworkAclEntry {
	var out []NetworkAclEntry
	for _, egress := range []bool{true, false} {
		if byDefault {
			out = append(out, NetworkAclEntry{RuleNumber: 100, Protocol: "-1", RuleAction: "allow", Egress: egress, CidrBlock: "0.0.0.0/0"})
		}
		out = append(out, NetworkAclEntry{RuleNumber: lastRule, Protocol: "-1", RuleAction: "deny", Egress: egress, CidrBlock: "0.0.0.0/0"})
	}
	return out
}

func (st *state) associateAcl(a *NetworkAcl, subnet string) string {
	id := st.svc.w.ID("aclassoc")
	a.Associations = append(a.Associations, NetworkAclAssociation{id, a.NetworkAclId, subnet})
	return id
}

type createAclIn struct {
	Base
	Tagged
	VpcId       string
	ClientToken string
}

type aclOut struct {
	NetworkAcl *NetworkAcl `xml:"networkAcl"`
}

func createNetworkAcl(c *call, in *createAclIn) (*aclOut, error) {
	return once(c, in.ClientToken, in, func() (*aclOut, error) {
		v, err := get[Vpc](c.state, in.VpcId)
		if err != nil {
			return nil, err
		}
		return &aclOut{c.newNetworkAcl(v, in.tags(networkAclKind), false)}, nil
	})
}

type describeAclsIn struct {
	Search
	NetworkAclIds []string `q:"NetworkAclId"`
}

type describeAclsOut struct {
	NetworkAcls List[*NetworkAcl] `xml:"networkAclSet"`
	NextToken   string            `xml:"nextToken,omitempty"`
}

func describeNetworkAcls(c *call, in *describeAclsIn) (*describeAclsOut, error) {
	list, next, err := describe[NetworkAcl](c, &in.Search, in.NetworkAclIds)
	return &describeAclsOut{listOf(list), next}, err
}

type aclIn struct {
	Base
	NetworkAclId string
}

func deleteNetworkAcl(c *call, in *aclIn) (*returned, error) {
	a, err := get[NetworkAcl](c.state, in.NetworkAclId)
	if err != nil {
		return nil, err
	}
	if a.IsDefault {
		return nil, core.Errorf(400, "InvalidParameterValue", "cannot delete default network ACL %s", a.NetworkAclId)
	}
	if len(a.Associations) > 0 {
		return nil, dependency(networkAclKind, a.NetworkAclId)
	}
	c.remove(a)
	return done()
}

type aclEntryIn struct {
	Base
	NetworkAclEntry
	NetworkAclId string
}

// entry finds a rule by number and direction; -1 if there is none.
func (a *NetworkAcl) entry(number int, egress bool) int {
	return slices.IndexFunc(a.Entries, func(e NetworkAclEntry) bool { return e.RuleNumber == number && e.Egress == egress })
}

func (in *aclEntryIn) check() error {
	if in.RuleNumber < 1 || in.RuleNumber >= lastRule {
		return core.Errorf(400, "InvalidParameterValue", "Rule number must be between 1 and 32766")
	}
	if in.RuleAction != "allow" && in.RuleAction != "deny" {
		return invalidValue("ruleAction", in.RuleAction, "Use allow or deny.")
	}
	if in.Protocol == "" || in.CidrBlock == "" && in.Ipv6CidrBlock == "" {
		return missingParameter("protocol and cidrBlock")
	}
	return nil
}

func createNetworkAclEntry(c *call, in *aclEntryIn) (*returned, error) {
	a, err := get[NetworkAcl](c.state, in.NetworkAclId)
	if err != nil {
		return nil, err
	}
	if err := in.check(); err != nil {
		return nil, err
	}
	if a.entry(in.RuleNumber, in.Egress) >= 0 {
		return nil, core.Errorf(400, "NetworkAclEntryAlreadyExists", "The network acl entry identified by %d already exists.", in.RuleNumber)
	}
	a.Entries = append(a.Entries, in.NetworkAclEntry)
	sort.SliceStable(a.Entries, func(i, j int) bool { return a.Entries[i].RuleNumber < a.Entries[j].RuleNumber })
	return done()
}

func replaceNetworkAclEntry(c *call, in *aclEntryIn) (*returned, error) {
	a, err := get[NetworkAcl](c.state, in.NetworkAclId)
	if err != nil {
		return nil, err
	}
	if err := in.check(); err != nil {
		return nil, err
	}
	i := a.entry(in.RuleNumber, in.Egress)
	if i < 0 {
		return nil, core.Errorf(400, "InvalidNetworkAclEntry.NotFound", "The network acl entry identified by %d does not exist.", in.RuleNumber)
	}
	a.Entries[i] = in.NetworkAclEntry
	return done()
}

func deleteNetworkAclEntry(c *call, in *aclEntryIn) (*returned, error) {
	a, err := get[NetworkAcl](c.state, in.NetworkAclId)
	if err != nil {
		return nil, err
	}
	i := a.entry(in.RuleNumber, in.Egress)
	if i < 0 || in.RuleNumber == lastRule {
		return nil, core.Errorf(400, "InvalidNetworkAclEntry.NotFound", "The network acl entry identified by %d does not exist.", in.RuleNumber)
	}
	a.Entries = append(a.Entries[:i:i], a.Entries[i+1:]...)
	return done()
}

type replaceAclIn struct {
	Base
	AssociationId string
	NetworkAclId  string
}

type replaceAclOut struct {
	NewAssociationId string `xml:"newAssociationId"`
}

func replaceNetworkAclAssociation(c *call, in *replaceAclIn) (*replaceAclOut, error) {
	to, err := get[NetworkAcl](c.state, in.NetworkAclId)
	if err != nil {
		return nil, err
	}
	for _, a := range all[NetworkAcl](c.state) {
		for i, x := range a.Associations {
			if x.NetworkAclAssociationId == in.AssociationId {
				a.Associations = append(a.Associations[:i:i], a.Associations[i+1:]...)
				return &replaceAclOut{c.associateAcl(to, x.SubnetId)}, nil
			}
		}
	}
	return nil, core.Errorf(400, "InvalidAssociationID.NotFound", "The association ID '%s' does not exist", in.AssociationId)
}
