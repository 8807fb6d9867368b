package ec2

import (
	"net/netip"

	"github.com/kodekloud/kml/internal/awssim/core"
)

// Vpc is a virtual private cloud.
type Vpc struct {
	VpcId           string            `xml:"vpcId"`
	OwnerId         string            `xml:"ownerId"`
	State           string            `xml:"state"`
	CidrBlock       string            `xml:"cidrBlock"`
	CidrBlocks      []CidrAssociation `xml:"cidrBlockAssociationSet>item"`
	DhcpOptionsId   string            `xml:"dhcpOptionsId"`
	InstanceTenancy string            `xml:"instanceTenancy"`
	IsDefault       bool              `xml:"isDefault"`
	Meta

	dnsSupport, dnsHostnames, addressMetrics bool
}

// CidrAssociation is one of a VPC's address ranges.
type CidrAssociation struct {
	AssociationId string    `xml:"associationId"`
	CidrBlock     string    `xml:"cidrBlock"`
	State         CidrState `xml:"cidrBlockState"`
}

// CidrState is the state of an address range.
type CidrState struct {
	State string `xml:"state"`
}

var vpcKind = &kind{
	name: "vpc", prefix: "vpc", noun: "vpc", notFound: "InvalidVpcID.NotFound", malformed: "InvalidVpcID.Malformed",
	trail: "AWS::EC2::VPC",
	filters: filters{
		"vpc-id": "VpcId", "cidr": "CidrBlock", "cidr-block": "CidrBlock", "state": "State", "owner-id": "OwnerId",
		"is-default": "IsDefault", "isDefault": "IsDefault", "dhcp-options-id": "DhcpOptionsId",
		"cidr-block-association.cidr-block":     "CidrBlocks.CidrBlock",
		"cidr-block-association.association-id": "CidrBlocks.AssociationId",
		"cidr-block-association.state":          "CidrBlocks.State.State",
	},
}

func (*Vpc) kind() *kind { return vpcKind }

func (s *Service) vpcOps() []core.Op {
	return []core.Op{
		op(s, "CreateVpc", createVpc, creates((*Vpc)(nil))),
		op(s, "DescribeVpcs", describeVpcs, read),
		op(s, "DeleteVpc", deleteVpc),
		op(s, "DescribeVpcAttribute", describeVpcAttribute, read),
		op(s, "ModifyVpcAttribute", modifyVpcAttribute),
		op(s, "AssociateVpcCidrBlock", associateVpcCidrBlock),
		op(s, "DisassociateVpcCidrBlock", disassociateVpcCidrBlock),
		op(s, "ModifyVpcTenancy", modifyVpcTenancy),
		op(s, "CreateDefaultVpc", createDefaultVpc, creates((*Vpc)(nil))),
	}
}

type vpcOut struct {
	Vpc *Vpc `xml:"vpc"`
}

type createVpcIn struct {
	Base
	Tagged
	CidrBlock       string
	InstanceTenancy string
}

// maxVpcs is the default quota of VPCs per Region.
const maxVpcs = 5

func createVpc(c *call, in *createVpcIn) (*vpcOut, error) {
	if err := need("cidrBlock", in.CidrBlock); err != nil {
		return nil, err
	}
	p, err := parseCidr("cidrBlock", in.CidrBlock)
	if err != nil {
		return nil, err
	}
	if p.Bits() < 16 || p.Bits() > 28 {
		return nil, core.Errorf(400, "InvalidVpc.Range", "The CIDR '%s' is invalid.", in.CidrBlock)
	}
	if len(all[Vpc](c.state)) >= maxVpcs {
		return nil, core.Errorf(400, "VpcLimitExceeded", "The maximum number of VPCs has been reached.")
	}
	v := c.newVpc(p.String(), in.tags(vpcKind))
	if in.InstanceTenancy != "" {
		v.InstanceTenancy = in.InstanceTenancy
	}
	return &vpcOut{v}, nil
}

// newVpc makes a VPC with the main route table, network ACL and security group
// that every VPC comes with.
func (st *state) newVpc(cidr string, tags []Tag) *Vpc {
	v := &Vpc{
		OwnerId: st.account, State: "pending", CidrBlock: cidr, InstanceTenancy: "default",
		DhcpOptionsId: st.defaultDhcpOptions().DhcpOptionsId, dnsSupport: true,
		CidrBlocks: []CidrAssociation{st.newCidr(cidr)},
	}
	v.VpcId = st.newID(v)
	st.add(v, v.VpcId, tags)
	st.newRouteTable(v, nil, true)
	st.newNetworkAcl(v, nil, true)
	st.newSecurityGroup(v, "default", "default VPC security group", nil)
	st.after(0, func() { v.State = "available" })
	return v
}

func (st *state) newCidr(cidr string) CidrAssociation {
	return CidrAssociation{st.svc.w.ID("vpc-cidr-assoc"), cidr, CidrState{"associated"}}
}

type describeVpcsIn struct {
	Search
	VpcIds []string `q:"VpcId"`
}

type describeVpcsOut struct {
	Vpcs      List[*Vpc] `xml:"vpcSet"`
	NextToken string     `xml:"nextToken,omitempty"`
}

func describeVpcs(c *call, in *describeVpcsIn) (*describeVpcsOut, error) {
	vpcs, next, err := describe[Vpc](c, &in.Search, in.VpcIds)
	return &describeVpcsOut{listOf(vpcs), next}, err
}

type vpcIn struct {
	Base
	VpcId string
}

func deleteVpc(c *call, in *vpcIn) (*returned, error) {
	v, err := get[Vpc](c.state, in.VpcId)
	if err != nil {
		return nil, err
	}
	if c.vpcInUse(v.VpcId) {
		return nil, dependency(vpcKind, v.VpcId)
	}
	for _, t := range some(c.state, func(t *RouteTable) bool { return t.VpcId == v.VpcId }) {
		c.remove(t)
	}
	for _, a := range some(c.state, func(a *NetworkAcl) bool { return a.VpcId == v.VpcId }) {
		c.remove(a)
	}
	for _, g := range some(c.state, func(g *SecurityGroup) bool { return g.VpcId == v.VpcId }) {
		c.removeGroup(g)
	}
	c.remove(v)
	return done()
}

// vpcInUse tells whether anything is inside that must go before the VPC.
func (st *state) vpcInUse(id string) bool {
	return first(st, func(x *Subnet) bool { return x.VpcId == id }) != nil ||
		first(st, func(x *NetworkInterface) bool { return x.VpcId == id }) != nil ||
		first(st, func(x *InternetGateway) bool { return x.attachedTo(id) }) != nil ||
		first(st, func(x *RouteTable) bool { return x.VpcId == id && !x.main() }) != nil ||
		first(st, func(x *NetworkAcl) bool { return x.VpcId == id && !x.IsDefault }) != nil ||
		first(st, func(x *SecurityGroup) bool { return x.VpcId == id && x.GroupName != "default" }) != nil ||
		first(st, func(x *VpcEndpoint) bool { return x.VpcId == id && x.State != "deleted" }) != nil ||
		first(st, func(x *VpcPeeringConnection) bool { return x.joins(id) && x.live() }) != nil
}

type vpcAttributeIn struct {
	Base
	VpcId     string
	Attribute string
}

// Flag is a Boolean attribute.
type Flag struct {
	Value bool `xml:"value"`
}

type vpcAttributeOut struct {
	VpcId                            string `xml:"vpcId"`
	EnableDnsHostnames               *Flag  `xml:"enableDnsHostnames"`
	EnableDnsSupport                 *Flag  `xml:"enableDnsSupport"`
	EnableNetworkAddressUsageMetrics *Flag  `xml:"enableNetworkAddressUsageMetrics"`
}

func describeVpcAttribute(c *call, in *vpcAttributeIn) (*vpcAttributeOut, error) {
	v, err := get[Vpc](c.state, in.VpcId)
	if err != nil {
		return nil, err
	}
	out := &vpcAttributeOut{VpcId: v.VpcId}
	switch in.Attribute {
	case "enableDnsHostnames":
		out.EnableDnsHostnames = &Flag{v.dnsHostnames}
	case "enableDnsSupport":
		out.EnableDnsSupport = &Flag{v.dnsSupport}
	case "enableNetworkAddressUsageMetrics":
		out.EnableNetworkAddressUsageMetrics = &Flag{v.addressMetrics}
	default:
		return nil, invalidValue("attribute", in.Attribute, "Unknown attribute.")
	}
	return out, nil
}

type modifyVpcAttributeIn struct {
	VpcId                            string
	EnableDnsHostnames               *Flag
	EnableDnsSupport                 *Flag
	EnableNetworkAddressUsageMetrics *Flag
}

func modifyVpcAttribute(c *call, in *modifyVpcAttributeIn) (*returned, error) {
	v, err := get[Vpc](c.state, in.VpcId)
	if err != nil {
		return nil, err
	}
	if in.EnableDnsHostnames != nil && in.EnableDnsSupport != nil {
		return nil, invalidCombination("Fields for multiple attribute types specified")
	}
	if in.EnableDnsHostnames != nil && in.EnableDnsHostnames.Value && !v.dnsSupport {
		return nil, invalidCombination("DNS hostnames need DNS support: enable enableDnsSupport first")
	}
	setFlag(&v.dnsHostnames, in.EnableDnsHostnames)
	setFlag(&v.dnsSupport, in.EnableDnsSupport)
	setFlag(&v.addressMetrics, in.EnableNetworkAddressUsageMetrics)
	return done()
}

func setFlag(to *bool, f *Flag) {
	if f != nil {
		*to = f.Value
	}
}

type associateCidrIn struct {
	Base
	VpcId     string
	CidrBlock string
}

type cidrOut struct {
	VpcId     string           `xml:"vpcId"`
	CidrBlock *CidrAssociation `xml:"cidrBlockAssociation"`
}

func associateVpcCidrBlock(c *call, in *associateCidrIn) (*cidrOut, error) {
	v, err := get[Vpc](c.state, in.VpcId)
	if err != nil {
		return nil, err
	}
	p, err := parseCidr("cidrBlock", in.CidrBlock)
	if err != nil {
		return nil, err
	}
	for _, a := range v.CidrBlocks {
		if p.Overlaps(netip.MustParsePrefix(a.CidrBlock)) {
			return nil, core.Errorf(400, "CidrConflict", "The CIDR '%s' conflicts with another CIDR of the VPC.", in.CidrBlock)
		}
	}
	a := c.newCidr(p.String())
	v.CidrBlocks = append(v.CidrBlocks, a)
	return &cidrOut{v.VpcId, &a}, nil
}

type disassociateCidrIn struct{ AssociationId string }

func disassociateVpcCidrBlock(c *call, in *disassociateCidrIn) (*cidrOut, error) {
	for _, v := range all[Vpc](c.state) {
		for i, a := range v.CidrBlocks {
			if a.AssociationId != in.AssociationId {
				continue
			}
			if i == 0 {
				return nil, core.Errorf(400, "OperationNotPermitted", "The vpc CIDR block with association ID %s may not be disassociated. It is the primary IPv4 CIDR block of the VPC.", a.AssociationId)
			}
			v.CidrBlocks = append(v.CidrBlocks[:i:i], v.CidrBlocks[i+1:]...)
			a.State.State = "disassociating"
			return &cidrOut{v.VpcId, &a}, nil
		}
	}
	return nil, core.Errorf(400, "InvalidVpcCidrBlockAssociationID.NotFound", "The vpc CIDR block association ID '%s' does not exist", in.AssociationId)
}

type modifyTenancyIn struct {
	Base
	VpcId           string
	InstanceTenancy string
}

func modifyVpcTenancy(c *call, in *modifyTenancyIn) (*returned, error) {
	v, err := get[Vpc](c.state, in.VpcId)
	if err != nil {
		return nil, err
	}
	if in.InstanceTenancy != "default" {
		return nil, invalidValue("instanceTenancy", in.InstanceTenancy, "Only 'default' is supported.")
	}
	v.InstanceTenancy = in.InstanceTenancy
	return done()
}

// parseCidr reads an IPv4 range in its canonical form (AWS zeroes the host bits).
func parseCidr(name, s string) (netip.Prefix, error) {
	p, err := netip.ParsePrefix(s)
	if err != nil || !p.Addr().Is4() {
		return p, invalidValue(name, s, "This is not a valid CIDR block.")
	}
	return p.Masked(), nil
}
